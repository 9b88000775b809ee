/*
 * tr.c - the table of transports: which one a URL or path asks for.  What they
 * do is in their own rooms.
 */
#include <string.h>

#include "transport/dir.h"
#include "transport/http.h"
#include "transport/reach.h"
#include "transport/transport.h"

const struct tr_ops *
tr_find(const char *url)
{
	/* Files, here or on another machine (reach.c), are one transport. */
	static const struct {
		const char *scheme;
		const struct tr_ops *ops;
	} table[] = {
		{ "", &dir_ops },
		{ "sftp", &dir_ops },
		{ "https", &http_ops },
		{ "http", &http_ops },
	};
	char scheme[16];
	size_t i;

	tr_scheme(url, scheme, NULL);
	for (i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(scheme, table[i].scheme) == 0)
			return table[i].ops;
	return NULL;
}
