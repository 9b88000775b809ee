/*
 * knownhost.c - lines of known_hosts: their fields, and which hosts they name.
 * What follows from a match is decided in sshhost.c.
 */
#include <stdint.h>
#include <string.h>

#include "transport/knownhost.h"

static bool
blank_is(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word; false at the end of the line. */
static bool
word(const char **at, const char *end, const char **word_out, size_t *len_out)
{
	while (*at < end && blank_is(**at))
		(*at)++;
	*word_out = *at;
	while (*at < end && !blank_is(**at))
		(*at)++;
	*len_out = (size_t)(*at - *word_out);
	return *len_out > 0;
}

static bool
word_is(const char *w, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(w, text, len) == 0;
}

void
knownhost_parse(const char *line, size_t len, struct knownhost *out)
{
	const char *at = line, *end = line + len;
	struct knownhost k = { .kind = KNOWNHOST_KEY };

	*out = (struct knownhost){ .kind = KNOWNHOST_NONE };
	if (!word(&at, end, &k.hosts, &k.hosts_len) || k.hosts[0] == '#')
		return;
	if (k.hosts[0] == '@') {
		if (word_is(k.hosts, k.hosts_len, "@cert-authority"))
			k.kind = KNOWNHOST_CA;
		else if (word_is(k.hosts, k.hosts_len, "@revoked"))
			k.kind = KNOWNHOST_REVOKED;
		else
			return;
		if (!word(&at, end, &k.hosts, &k.hosts_len))
			return;
	}
	if (word(&at, end, &k.type, &k.type_len) &&
	    word(&at, end, &k.key, &k.key_len))
		*out = k;
}

bool
knownhost_hashed_is(const struct knownhost *k)
{
	return k->hosts_len > 0 && k->hosts[0] == '|';
}

/* Iterative: a hostile pattern of many stars must not take for ever. */
static bool
glob_is(const char *p, size_t plen, const char *name)
{
	const char *end = p + plen, *star = NULL, *back = NULL;

	while (*name != '\0') {
		if (p < end && *p == '*') {
			star = ++p;
			back = name;
		} else if (p < end && (*p == '?' || *p == *name)) {
			p++;
			name++;
		} else if (star != NULL) {
			p = star;
			name = ++back;
		} else
			return false;
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

bool
knownhost_names(const struct knownhost *k, const char *name)
{
	const char *at = k->hosts, *end = k->hosts + k->hosts_len, *comma;
	bool found = false, against;

	if (knownhost_hashed_is(k))
		return false;
	for (; at < end; at = comma + 1) {
		comma = memchr(at, ',', (size_t)(end - at));
		if (comma == NULL)
			comma = end;
		against = *at == '!';
		if (against)
			at++;
		if (!glob_is(at, (size_t)(comma - at), name))
			continue;
		if (against)
			return false;
		found = true;
	}
	return found;
}

void
knownhost_base64(const void *data, size_t len, char *out)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *d = data;
	uint32_t v;
	size_t i;

	for (i = 0; i < len; i += 3) {
		v = (uint32_t)d[i] << 16;
		if (i + 1 < len)
			v |= (uint32_t)d[i + 1] << 8;
		if (i + 2 < len)
			v |= d[i + 2];
		*out++ = set[v >> 18];
		*out++ = set[v >> 12 & 63];
		*out++ = i + 1 < len ? set[v >> 6 & 63] : '=';
		*out++ = i + 2 < len ? set[v & 63] : '=';
	}
	*out = '\0';
}
