/*
 * url.c - a request's target taken apart: the path, decoded, the token that may
 * stand in front of it, and the query; and a path held against a pattern.
 * Pure; fuzzed.
 */
#include <string.h>

#include "httpd/http.h"

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decode `len` bytes to `out`; NULL: no control characters, no broken escape,
 * and (in a path) no slash or dots that were hidden. */
static char *
decode(const char *text, size_t len, bool path, char *out)
{
	size_t i;
	int c;

	for (i = 0; i < len; i++) {
		c = (unsigned char)text[i];
		if (c == '%') {
			if (i + 2 >= len || digit(text[i + 1]) < 0 ||
			    digit(text[i + 2]) < 0)
				return NULL;
			c = digit(text[i + 1]) << 4 | digit(text[i + 2]);
			i += 2;
			if (path && c == '/')
				return NULL;
		} else if (c == '+' && !path) {
			c = ' ';
		}
		if (c < 0x20 || c == 0x7f)
			return NULL;
		*out++ = (char)c;
	}
	*out++ = '\0';
	return out;
}

/* No component is empty, "." or "..". */
static bool
plain_is(const char *path)
{
	size_t n;

	if (strcmp(path, "/") == 0)
		return true;
	while (*path == '/') {
		n = strcspn(++path, "/");
		if (n == 0 || (n == 1 && path[0] == '.') ||
		    (n == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += n;
	}
	return true;
}

static bool
query_parse(const char *text, char *room, struct url *url)
{
	const char *value;
	size_t n, key;

	for (; *text != '\0'; text += n + (text[n] == '&')) {
		n = strcspn(text, "&");
		if (n == 0)
			continue;
		if (url->query_n == QUERY_MOST)
			return false;
		key = strcspn(text, "=&");
		url->query[url->query_n].key = room;
		if ((room = decode(text, key, false, room)) == NULL)
			return false;
		value = key < n ? text + key + 1 : text + n;
		url->query[url->query_n++].value = room;
		room = decode(value, (size_t)(text + n - value), false, room);
		if (room == NULL)
			return false;
	}
	return true;
}

bool
url_parse(const char *target, struct url *url, const char **why)
{
	size_t len = strlen(target), n = strcspn(target, "?#");
	char *room = url->text, *slash;

	url->token = NULL;
	url->query_n = 0;
	if (len > URL_MAX) {
		*why = "the path is too long";
		return false;
	}
	*why = "the path is malformed";
	url->path = room;
	if (target[0] != '/' ||
	    (room = decode(target, n, true, room)) == NULL ||
	    !plain_is(url->path))
		return false;
	if (strncmp(url->path, "/t/", 3) == 0) {
		url->token = url->path + 3;
		slash = strchr(url->token, '/');
		/* The token ends where the path begins. */
		if (slash != NULL) {
			(void)memmove(url->text + 2, url->token,
			    (size_t)(slash - url->token));
			slash[-1] = '\0';
			url->token = url->text + 2;
			url->path = slash;
		} else {
			url->path = "/";
		}
	}
	*why = "the query is malformed";
	return target[n] != '?' || query_parse(target + n + 1, room, url);
}

const char *
url_get(const struct url *url, const char *key)
{
	size_t i;

	for (i = 0; i < url->query_n; i++)
		if (strcmp(url->query[i].key, key) == 0)
			return url->query[i].value;
	return NULL;
}

bool
route_fits(const char *pattern, const char *path, char *room,
    const char *param[PARAMS])
{
	size_t n, i, params = 0;

	for (i = 0; i < PARAMS; i++)
		param[i] = NULL;
	for (;;) {
		if (*pattern != '{') {
			if (*pattern != *path)
				return false;
			if (*pattern == '\0')
				return true;
			pattern++;
			path++;
			continue;
		}
		n = pattern[1] == '*' ? strlen(path) : strcspn(path, "/");
		if (n == 0)
			return false;
		param[params++] = room;
		(void)memcpy(room, path, n);
		room[n] = '\0';
		room += n + 1;
		path += n;
		pattern = strchr(pattern, '}') + 1;
	}
}
