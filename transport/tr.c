/*
 * tr.c - which transport a URL or path asks for.  What they do is in their own
 * rooms.
 */
#include <string.h>

#include "transport/dir.h"
#include "transport/media.h"
#include "transport/reach.h"
#include "transport/transport.h"

const struct tr_ops *
tr_find(const char *url)
{
	const struct tr_medium *m;
	char scheme[16];

	tr_scheme(url, scheme, NULL);
	if (scheme[0] == '\0')
		return &dir_ops;
	for (m = tr_media; m->scheme != NULL; m++)
		if (strcmp(scheme, m->scheme) == 0)
			return m->ops;
	return NULL;
}
