/*
 * jsonscan.c - a light walk over the words and brackets of a JSON text: refuse
 * what must not reach jansson, and put right what jansson cannot read.  Grammar
 * and values are jansson's business.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/jsonscan.h"
#include "libspool/jsontok.h"

#define BIG_MAX 308 /* digits of an integer that a double is sure to hold */

static bool
odd_is(const char *text, const struct sp_jtok *t)
{
	const char *end = text + t->at + t->len;

	/* They end in N and y, and nothing else that is right does. */
	return (end[-1] == 'N' && sp_jtok_is(text, t, "NaN")) ||
	    (end[-1] == 'y' &&
		(sp_jtok_is(text, t, "Infinity") ||
		    sp_jtok_is(text, t, "-Infinity")));
}

/* An integer that 64 bits do not hold? */
static bool
big_is(const char *text, const struct sp_jtok *t)
{
	char digits[24];
	size_t i = t->at + (text[t->at] == '-'), end = t->at + t->len, n;

	if (t->kind != SP_JTOK_WORD || t->len < 19 || i == end ||
	    text[i] == '0')
		return false;
	for (n = i; n < end; n++)
		if (text[n] < '0' || text[n] > '9')
			return false;
	if (t->len >= sizeof digits)
		return true;
	memcpy(digits, text + t->at, t->len);
	digits[t->len] = '\0';
	errno = 0;
	(void)strtoll(digits, NULL, 10);
	return errno == ERANGE;
}

/* ---- before ---- */

static enum sp_status
check_start(const char *text, size_t len, bool object, struct sp_err *err)
{
	struct sp_jtok t = sp_jtok_next(text, len, 0);
	const char *nul;

	if (t.kind == SP_JTOK_END)
		return sp_err_set(err, SP_BAD, "the file is empty");
	if (sp_jtok_starts(text, len, "\xef\xbb\xbf", 3))
		return sp_err_set(err, SP_BAD,
		    "line 1: it starts with a byte order mark (BOM); save it "
		    "as UTF-8 without BOM");
	if (sp_jtok_starts(text, len, "\xff\xfe", 2) ||
	    sp_jtok_starts(text, len, "\xfe\xff", 2))
		return sp_err_set(
		    err, SP_BAD, "line 1: it is UTF-16; save it as UTF-8");
	if ((nul = memchr(text, '\0', len)) != NULL)
		return sp_jtok_say(text, (size_t)(nul - text),
		    "a NUL byte; this is no text, or was not written to its end",
		    err);
	if (!object || text[t.at] == '{')
		return SP_OK;
	if (text[t.at] == '/' || text[t.at] == '#')
		return sp_jtok_say_at(
		    text, &t, "JSON has no comments; remove it", err);
	return sp_jtok_say_at(
	    text, &t, "expected one object, from '{' to '}'", err);
}

/* "\u0000" inside a text? */
static bool
nul_escaped(const char *text, const struct sp_jtok *t, size_t *at_out)
{
	size_t i = t->at + 1, end = t->at + t->len;

	while (i < end) {
		const char *b = memchr(text + i, '\\', end - i);

		if (b == NULL)
			return false;
		i = (size_t)(b - text);
		if (end - i >= 6 && memcmp(b, "\\u0000", 6) == 0) {
			*at_out = i;
			return true;
		}
		i += 2;
	}
	return false;
}

enum sp_status
sp_jscan_check(const char *text, size_t len, bool object, unsigned *needs_out,
    struct sp_err *err)
{
	enum sp_status st;
	struct sp_jtok t;
	size_t depth = 0, at;

	*needs_out = 0;
	if ((st = check_start(text, len, object, err)) != SP_OK)
		return st;
	for (t = sp_jtok_next(text, len, 0); t.kind != SP_JTOK_END;
	     t = sp_jtok_next(text, len, t.at + t.len)) {
		char c = text[t.at];

		if (t.kind == SP_JTOK_TEXT && nul_escaped(text, &t, &at))
			return sp_jtok_say(text, at,
			    "\\u0000 in a text; NUL is not allowed", err);
		if (t.kind == SP_JTOK_MARK && (c == '{' || c == '[') &&
		    ++depth > SP_JSON_DEPTH)
			return sp_jtok_say(text, t.at,
			    "nested too deeply (64 levels are the limit)", err);
		if (t.kind == SP_JTOK_MARK && (c == '}' || c == ']') &&
		    depth > 0)
			depth--;
		if (t.kind == SP_JTOK_WORD && odd_is(text, &t))
			*needs_out |= SP_JSCAN_ODD;
		if (t.kind == SP_JTOK_WORD && big_is(text, &t))
			*needs_out |= SP_JSCAN_BIG;
	}
	return SP_OK;
}

/* ---- mending ---- */

/* Write the mended text to out (may be NULL) until `stop` bytes are written;
 * returns how far in the source that is. */
static size_t
mend(const char *text, size_t len, unsigned needs, struct sp_buf *out,
    size_t stop)
{
	size_t done = 0, wrote = 0;
	char big[BIG_MAX + sizeof SP_JSCAN_MARK];
	struct sp_jtok t;

	do {
		const char *put;
		size_t keep;

		t = sp_jtok_next(text, len, done);
		keep = t.at + t.len - done; /* with the space before it */
		put = "";
		if ((needs & SP_JSCAN_ODD) && t.kind == SP_JTOK_WORD &&
		    odd_is(text, &t)) {
			put = SP_JSCAN_MARK;
			keep -= t.len;
		} else if ((needs & SP_JSCAN_BIG) && t.kind == SP_JTOK_WORD &&
		    big_is(text, &t) && t.len <= BIG_MAX) {
			(void)snprintf(big, sizeof big, "%.*s%.*s\"",
			    (int)sizeof SP_JSCAN_MARK - 2, SP_JSCAN_MARK,
			    (int)t.len, text + t.at);
			put = big;
			keep -= t.len;
		} else if ((needs & SP_JSCAN_BIG) && t.kind == SP_JTOK_WORD &&
		    big_is(text, &t)) {
			put = "e0"; /* beyond a double most likely */
		}
		if (stop - wrote < keep)
			return done + (stop - wrote);
		if (stop - wrote < keep + strlen(put))
			return t.at;
		if (out != NULL) {
			sp_buf_put(out, text + done, keep);
			sp_buf_puts(out, put);
		}
		wrote += keep + strlen(put);
		done = t.at + t.len;
	} while (t.kind != SP_JTOK_END);
	return done;
}

void
sp_jscan_mend(
    const char *text, size_t len, unsigned needs, struct sp_buf *text_out)
{
	(void)mend(text, len, needs, text_out, SIZE_MAX);
}

size_t
sp_jscan_source(const char *text, size_t len, unsigned needs, size_t at)
{
	return mend(text, len, needs, NULL, at);
}
