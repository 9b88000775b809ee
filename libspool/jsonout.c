/*
 * jsonout.c - writing JSON: texts that are safe to print anywhere, numbers
 * that read back the same, and a small writer for objects of ours.  Knows
 * values only through json.h.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"

/* Bytes of the character at s, 0 if it is no valid UTF-8 (nor overlong, nor a
 * surrogate, nor beyond U+10FFFF). */
static size_t
utf8_len(const unsigned char *s)
{
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

void
sp_text_cut(char *out, size_t size, const char *text)
{
	size_t at = 0, n;

	if (text == NULL)
		text = "";
	while (text[at] != '\0') {
		n = utf8_len((const unsigned char *)text + at);
		n = n == 0 ? 1 : n;
		if (at + n >= size)
			break;
		at += n;
	}
	memcpy(out, text, at);
	out[at] = '\0';
}

/* The escape of a byte that must not stand as it is, NULL if it may.
 * C1 controls (C2 80 .. C2 9F) are for terminals what ESC [ is. */
static const char *
escape(const unsigned char *s, char scratch[8])
{
	switch (s[0]) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	case '\b':
		return "\\b";
	case '\f':
		return "\\f";
	default:
		break;
	}
	if (s[0] < ' ' || s[0] == 0x7f)
		(void)snprintf(scratch, 8, "\\u%04x", s[0]);
	else if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f)
		(void)snprintf(scratch, 8, "\\u%04x", s[1]);
	else
		return NULL;
	return scratch;
}

void
sp_json_put_text(struct sp_buf *b, const char *text)
{
	const unsigned char *s = (const unsigned char *)text, *plain = s;
	char scratch[8];

	sp_buf_put(b, "\"", 1);
	while (*s != '\0') {
		size_t n = utf8_len(s);
		const char *e = n == 0 ? "\xef\xbf\xbd" : escape(s, scratch);

		n = n == 0 ? 1 : n;
		if (e != NULL) {
			sp_buf_put(b, plain, (size_t)(s - plain));
			sp_buf_puts(b, e);
			plain = s + n;
		}
		s += n;
	}
	sp_buf_put(b, plain, (size_t)(s - plain));
	sp_buf_put(b, "\"", 1);
}

void
sp_json_put_real(struct sp_buf *b, double value)
{
	char text[40];
	char *comma;
	int digits;

	if (!isfinite(value)) {
		sp_buf_puts(b, "null");
		return;
	}
	for (digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	if ((comma = strchr(text, ',')) != NULL) /* a foreign locale's point */
		*comma = '.';
	sp_buf_puts(b, text);
	if (strpbrk(text, ".e") == NULL)
		sp_buf_puts(b, ".0");
}

static void
put_list(struct sp_buf *b, const struct json_t *list)
{
	size_t i, n = sp_json_count(list);

	sp_buf_put(b, "[", 1);
	for (i = 0; i < n; i++) {
		if (i > 0)
			sp_buf_put(b, ",", 1);
		sp_json_put(b, sp_json_at(list, i));
	}
	sp_buf_put(b, "]", 1);
}

static void
put_object(struct sp_buf *b, const struct json_t *object)
{
	struct json_t *value;
	const char *key;
	void *iter = NULL;
	const char *comma = "";

	sp_buf_put(b, "{", 1);
	while (sp_json_next(object, &iter, &key, &value)) {
		sp_buf_puts(b, comma);
		sp_json_put_text(b, key);
		sp_buf_put(b, ":", 1);
		sp_json_put(b, value);
		comma = ",";
	}
	sp_buf_put(b, "}", 1);
}

void
sp_json_put(struct sp_buf *b, const struct json_t *json)
{
	switch (sp_json_kind(json)) {
	case SP_JSON_NULL:
		sp_buf_puts(b, "null");
		break;
	case SP_JSON_BOOL:
		sp_buf_puts(b, sp_json_true(json) ? "true" : "false");
		break;
	case SP_JSON_INT:
		sp_buf_printf(b, "%lld", (long long)sp_json_int(json, 0));
		break;
	case SP_JSON_REAL:
		if (sp_json_digits(json) != NULL)
			sp_buf_puts(b, sp_json_digits(json));
		else
			sp_json_put_real(b, sp_json_real(json, 0));
		break;
	case SP_JSON_TEXT:
		sp_json_put_text(b, sp_json_text(json));
		break;
	case SP_JSON_LIST:
		put_list(b, json);
		break;
	case SP_JSON_OBJECT:
		put_object(b, json);
		break;
	}
}

/* ---- the writer ---- */

static void
lead(struct sp_jw *w, const char *key)
{
	if (w->comma)
		sp_buf_put(w->buf, ",", 1);
	w->comma = true;
	if (key == NULL)
		return;
	sp_json_put_text(w->buf, key);
	sp_buf_put(w->buf, ":", 1);
}

void
sp_jw_init(struct sp_jw *w, struct sp_buf *b)
{
	w->buf = b;
	w->comma = false;
}

void
sp_jw_open(struct sp_jw *w, const char *key, char bracket)
{
	lead(w, key);
	sp_buf_put(w->buf, &bracket, 1);
	w->comma = false;
}

void
sp_jw_close(struct sp_jw *w, char bracket)
{
	sp_buf_put(w->buf, &bracket, 1);
	w->comma = true;
}

void
sp_jw_text(struct sp_jw *w, const char *key, const char *value)
{
	lead(w, key);
	if (value == NULL)
		sp_buf_puts(w->buf, "null");
	else
		sp_json_put_text(w->buf, value);
}

void
sp_jw_int(struct sp_jw *w, const char *key, int64_t value)
{
	lead(w, key);
	sp_buf_printf(w->buf, "%lld", (long long)value);
}

void
sp_jw_real(struct sp_jw *w, const char *key, double value)
{
	lead(w, key);
	sp_json_put_real(w->buf, value);
}

void
sp_jw_bool(struct sp_jw *w, const char *key, bool value)
{
	lead(w, key);
	sp_buf_puts(w->buf, value ? "true" : "false");
}

void
sp_jw_null(struct sp_jw *w, const char *key)
{
	lead(w, key);
	sp_buf_puts(w->buf, "null");
}

void
sp_jw_json(struct sp_jw *w, const char *key, const struct json_t *value)
{
	lead(w, key);
	sp_json_put(w->buf, value);
}
