/*
 * curlhead.c - the head of an answer, line by line: what of it we want to know.
 * Pure, fuzzed.
 */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "transport/curlin.h"

/* ---- words ---- */

static bool
number(const char **at, int64_t *out)
{
	int64_t n = 0;
	const char *p = *at;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > (INT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (*p - '0');
	}
	if (p == *at)
		return false;
	*at = p;
	*out = n;
	return true;
}

bool
wire_range_parse(const char *text, int64_t *first, int64_t *last, int64_t *size)
{
	if (strncasecmp(text, "bytes ", 6) != 0)
		return false;
	text += 6;
	if (!number(&text, first) || *text++ != '-' || !number(&text, last) ||
	    *text++ != '/')
		return false;
	*size = -1;
	if (strcmp(text, "*") == 0)
		return *first <= *last;
	return number(&text, size) && *text == '\0' && *first <= *last &&
	    *last < *size;
}

bool
wire_token_ok(const char *token)
{
	size_t n = 0;

	for (; token[n] > ' ' && token[n] < 0x7f; n++)
		;
	return token[n] == '\0' && n > 0 && n <= 512;
}

/* ---- lines ---- */

/* The value of a header, without the blanks around it. */
static bool
header_is(const char *line, const char *name, char *out, size_t size)
{
	size_t n = strlen(name), len;

	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return false;
	line += n + 1;
	line += strspn(line, " \t");
	len = strcspn(line, "\r\n");
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	if (len >= size)
		return false;
	(void)memcpy(out, line, len);
	out[len] = '\0';
	return true;
}

static void
take_header(struct wire_call *call, bool *partial, const char *line)
{
	int64_t first, last, size;
	char value[256];
	const char *at = value;
	time_t when;
	size_t i;

	for (i = 0; i < WIRE_WANT && call->want[i].name != NULL; i++)
		if (header_is(line, call->want[i].name, call->want[i].value,
			sizeof call->want[i].value))
			return;

	if (header_is(line, "ETag", call->etag, sizeof call->etag)) {
		if (call->etag[0] != '"')
			call->etag[0] = '\0'; /* a weak one helps nobody */
	} else if (header_is(line, "Content-Length", value, sizeof value)) {
		if (call->size == -1 && number(&at, &size) && *at == '\0')
			call->size = size;
	} else if (header_is(line, "Content-Range", value, sizeof value)) {
		if (wire_range_parse(value, &first, &last, &size)) {
			call->start = first;
			call->size = size;
			*partial = true;
		}
	} else if (header_is(line, "Date", value, sizeof value)) {
		if ((when = curl_getdate(value, NULL)) > 0)
			call->server_ms = (int64_t)when * 1000;
	}
}

void
wire_head(struct wire_call *call, bool *partial, const char *data, size_t len)
{
	char line[512];
	const char *at;
	int64_t status;

	if (len >= sizeof line)
		return; /* none that we know is so long */
	(void)memcpy(line, data, len);
	line[len] = '\0';
	if (strncmp(line, "HTTP/", 5) != 0) {
		take_header(call, partial, line);
		return;
	}
	/* An answer begins, perhaps after a "100 Continue". */
	call->etag[0] = '\0';
	call->size = -1;
	call->start = 0;
	*partial = false;
	at = line + strcspn(line, " ");
	at += strspn(at, " ");
	call->status = number(&at, &status) && status < 1000 ? (int)status : 0;
}
