/*
 * route.c - which row of the tables a method and a path ask for.  Pure; fuzzed.
 */
#include <string.h>

#include "httpd/http.h"

static const struct route *const tables[] = { v1_routes, watch_routes,
	origin_routes, page_routes };

static const struct {
	enum method method;
	const char *text;
} methods[] = {
	{ M_GET, "GET" },
	{ M_HEAD, "HEAD" },
	{ M_PUT, "PUT" },
	{ M_POST, "POST" },
	{ M_DELETE, "DELETE" },
	{ M_OPTIONS, "OPTIONS" },
};

#define METHODS (sizeof methods / sizeof *methods)

const char *
method_text(enum method method)
{
	size_t i;

	for (i = 0; i < METHODS; i++)
		if (methods[i].method == method)
			return methods[i].text;
	return "?";
}

bool
method_parse(const char *text, enum method *out)
{
	size_t i;

	for (i = 0; i < METHODS; i++)
		if (strcmp(methods[i].text, text) == 0) {
			*out = methods[i].method;
			return true;
		}
	return false;
}

unsigned
route_find(enum method method, const char *path, char *room,
    const char *param[PARAMS], const struct route **out)
{
	const char *scratch[PARAMS];
	char other[URL_MAX + PARAMS];
	const struct route *row;
	unsigned all = 0;
	size_t i;

	*out = NULL;
	for (i = 0; i < sizeof tables / sizeof *tables; i++)
		for (row = tables[i]; row->path != NULL; row++) {
			unsigned has = row->methods;

			if (!route_fits(row->path, path, other, scratch))
				continue;
			if ((has & M_GET) != 0)
				has |= M_HEAD;
			all |= has;
			/* The first that fits: plain ones stand first. */
			if (*out != NULL || (has & (unsigned)method) == 0)
				continue;
			*out = row;
			(void)route_fits(row->path, path, room, param);
		}
	return all;
}
