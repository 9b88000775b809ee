/*
 * tr.c - the table of transports: which one a URL or path asks for.  What they
 * do is in their own rooms.
 */
#include <string.h>

#include "transport/dir.h"
#include "transport/transport.h"

/* A scheme is letters before "://"; anything else is a path. */
static bool
scheme_is(const char *url)
{
	size_t n = strspn(url,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-");

	return n > 0 && strncmp(url + n, "://", 3) == 0;
}

const struct tr_ops *
tr_find(const char *url)
{
	static const struct {
		const char *prefix;
		const struct tr_ops *ops;
	} table[] = {
		{ "dir:", &dir_ops }, { "file:", &dir_ops },
		/* sftp://, https:// and http:// come later */
	};
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		if (strncmp(url, table[i].prefix, strlen(table[i].prefix)) == 0)
			return table[i].ops;
	return scheme_is(url) ? NULL : &dir_ops;
}
