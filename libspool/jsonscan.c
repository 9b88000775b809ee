/*
 * jsonscan.c - a light walk over the words and brackets of a JSON text: refuse
 * what must not reach jansson, put right what jansson cannot read, and explain
 * what it would not read.  Grammar and values are jansson's business.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/jsonscan.h"

#define SHOWN   24  /* bytes of a word that a message repeats */
#define BIG_MAX 308 /* digits of an integer that a double is sure to hold */

enum kind {
	END,
	TEXT,
	MARK,
	WORD
};

struct token {
	enum kind kind;
	size_t at, len;
};

static bool
space_is(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
mark_is(char c)
{
	return c != '\0' && strchr("{}[],:", c) != NULL;
}

/* The next token at or behind `from`.  A text that is never closed reaches to
 * the end. */
static struct token
token_next(const char *text, size_t len, size_t from)
{
	struct token t = { END, from, 0 };
	size_t i;

	while (t.at < len && space_is(text[t.at]))
		t.at++;
	if (t.at == len)
		return t;
	i = t.at + 1;
	if (mark_is(text[t.at])) {
		t.kind = MARK;
	} else if (text[t.at] == '"') {
		t.kind = TEXT;
		while (i < len && text[i] != '"')
			i += text[i] == '\\' ? 2 : 1;
		i = i < len ? i + 1 : len;
	} else {
		t.kind = WORD;
		while (i < len && !space_is(text[i]) && !mark_is(text[i]) &&
		    text[i] != '"')
			i++;
	}
	t.len = i - t.at;
	return t;
}

static bool
word_is(const char *text, const struct token *t, const char *word)
{
	return t->kind == WORD && t->len == strlen(word) &&
	    memcmp(text + t->at, word, t->len) == 0;
}

static bool
odd_is(const char *text, const struct token *t)
{
	return word_is(text, t, "NaN") || word_is(text, t, "Infinity") ||
	    word_is(text, t, "-Infinity");
}

/* An integer that 64 bits do not hold? */
static bool
big_is(const char *text, const struct token *t)
{
	char digits[24];
	size_t i = t->at + (text[t->at] == '-'), end = t->at + t->len, n;

	if (t->kind != WORD || t->len < 19 || i == end || text[i] == '0')
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

/* ---- places and words ---- */

/* Line and column (in characters) of a byte, both from 1. */
static void
place(const char *text, size_t at, size_t *line_out, size_t *column_out)
{
	size_t i;

	*line_out = *column_out = 1;
	for (i = 0; i < at; i++) {
		if (text[i] == '\n') {
			++*line_out;
			*column_out = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			++*column_out;
		}
	}
}

static enum sp_status
say(const char *text, size_t at, const char *words, struct sp_err *err)
{
	size_t line, column;

	if (err == NULL)
		return SP_BAD;
	place(text, at, &line, &column);
	return sp_err_set(
	    err, SP_BAD, "line %zu, column %zu: %s", line, column, words);
}

/* The same with the token in front of the words. */
static enum sp_status
say_token(const char *text, const struct token *t, const char *words,
    struct sp_err *err)
{
	char shown[SHOWN + 4];
	size_t i, line, column;

	if (err == NULL)
		return SP_BAD;
	for (i = 0; i < t->len && i < SHOWN; i++) {
		unsigned char c = (unsigned char)text[t->at + i];

		shown[i] = c < ' ' || c > '~' ? '?' : (char)c;
	}
	strcpy(shown + i, t->len > SHOWN ? "..." : "");
	place(text, t->at, &line, &column);
	return sp_err_set(err, SP_BAD, "line %zu, column %zu, at %s: %s", line,
	    column, shown, words);
}

/* ---- before ---- */

static bool
starts(const char *text, size_t len, const char *with, size_t n)
{
	return len >= n && memcmp(text, with, n) == 0;
}

static enum sp_status
check_start(const char *text, size_t len, bool object, struct sp_err *err)
{
	struct token t = token_next(text, len, 0);
	const char *nul;

	if (t.kind == END)
		return sp_err_set(err, SP_BAD, "the file is empty");
	if (starts(text, len, "\xef\xbb\xbf", 3))
		return sp_err_set(err, SP_BAD,
		    "line 1: it starts with a byte order mark (BOM); save it "
		    "as UTF-8 without BOM");
	if (starts(text, len, "\xff\xfe", 2) ||
	    starts(text, len, "\xfe\xff", 2))
		return sp_err_set(
		    err, SP_BAD, "line 1: it is UTF-16; save it as UTF-8");
	if ((nul = memchr(text, '\0', len)) != NULL)
		return say(text, (size_t)(nul - text),
		    "a NUL byte; this is no text, or was not written to its end",
		    err);
	if (!object || text[t.at] == '{')
		return SP_OK;
	if (text[t.at] == '/' || text[t.at] == '#')
		return say_token(
		    text, &t, "JSON has no comments; remove it", err);
	return say_token(text, &t, "expected one object, from '{' to '}'", err);
}

/* "\u0000" inside a text? */
static bool
nul_escaped(const char *text, const struct token *t, size_t *at_out)
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
	struct token t;
	size_t depth = 0, at;

	*needs_out = 0;
	if ((st = check_start(text, len, object, err)) != SP_OK)
		return st;
	for (t = token_next(text, len, 0); t.kind != END;
	     t = token_next(text, len, t.at + t.len)) {
		char c = text[t.at];

		if (t.kind == TEXT && nul_escaped(text, &t, &at))
			return say(text, at,
			    "\\u0000 in a text; NUL is not allowed", err);
		if (t.kind == MARK && (c == '{' || c == '[') &&
		    ++depth > SP_JSON_DEPTH)
			return say(text, t.at,
			    "nested too deeply (64 levels are the limit)", err);
		if (t.kind == MARK && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (t.kind == WORD && odd_is(text, &t))
			*needs_out |= SP_JSCAN_ODD;
		if (t.kind == WORD && big_is(text, &t))
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
	struct token t;

	do {
		const char *put;
		size_t keep;

		t = token_next(text, len, done);
		keep = t.at + t.len - done; /* with the space before it */
		put = "";
		if ((needs & SP_JSCAN_ODD) && t.kind == WORD &&
		    odd_is(text, &t)) {
			put = SP_JSCAN_MARK;
			keep -= t.len;
		} else if ((needs & SP_JSCAN_BIG) && t.kind == WORD &&
		    big_is(text, &t) && t.len <= BIG_MAX) {
			(void)snprintf(big, sizeof big, "%.*s%.*s\"",
			    (int)sizeof SP_JSCAN_MARK - 2, SP_JSCAN_MARK,
			    (int)t.len, text + t.at);
			put = big;
			keep -= t.len;
		} else if ((needs & SP_JSCAN_BIG) && t.kind == WORD &&
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
	} while (t.kind != END);
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

/* ---- after ---- */

/* The token that byte `at` belongs to, and the last mark, quote or letter
 * before it (0: none). */
static struct token
token_of(const char *text, size_t len, size_t at, char *before_out)
{
	struct token t = token_next(text, len, 0), next;
	*before_out = '\0';

	while (t.kind != END && t.at + t.len <= at) {
		next = token_next(text, len, t.at + t.len);
		*before_out = text[t.at + t.len - 1];
		t = next;
	}
	return t;
}

static const struct {
	const char *word, *mend;
} words[] = {
	{ "NaN", "not a JSON number; write null instead" },
	{ "Infinity", "not a JSON number; write null instead" },
	{ "-Infinity", "not a JSON number; write null instead" },
	{ "nan", "not a JSON number; write null instead" },
	{ "inf", "not a JSON number; write null instead" },
	{ "True", "write true" },
	{ "False", "write false" },
	{ "None", "write null" },
	{ "undefined", "write null" },
};

static const char *
mend_word(const char *text, const struct token *t, const char *theirs)
{
	const char *w = text + t->at;
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (word_is(text, t, words[i].word))
			return words[i].mend;
	if (*w == '\'' || *w == '`' || starts(w, t->len, "\xe2\x80", 2))
		return "texts and names stand in double quotes (\")";
	if (*w == '/' || *w == '#')
		return "JSON has no comments; remove it";
	if (strncmp(theirs, "string or '}'", 13) == 0)
		return "a name is expected here, in double quotes (\")";
	if (*w == '0' || *w == '+' || *w == '.')
		return "write a number as 7 or 0.5: no leading zero or +";
	if (strstr(theirs, "' expected") != NULL)
		return "a comma or a colon is missing before it";
	if (strchr("-123456789", *w) != NULL)
		return "not a number";
	return "a text must stand in double quotes (\")";
}

static const char *
mend_mark(char c, char before, const char *theirs)
{
	if (before == ',')
		return "there is a comma too many before it; remove that comma";
	if (before == ':')
		return "a value is missing before it";
	if (c == ',')
		return "a comma too many; remove it";
	if (c == ':')
		return "a colon stands only between a name and its value";
	if ((c == '{' || c == '[') && strncmp(theirs, "':'", 3) == 0)
		return "a colon is missing before it";
	if (c == '{' || c == '[')
		return before == '{' ? "a name is expected here"
				     : "a comma is missing before it";
	return "the brackets do not match";
}

static const char *
mend_text(const char *theirs)
{
	if (strncmp(theirs, "unexpected newline", 18) == 0)
		return "a text ends on the line where it starts; write \\n for "
		       "a new line";
	if (strncmp(theirs, "control character", 17) == 0)
		return "a control character in a text; write it as an escape, "
		       "as \\t";
	if (strncmp(theirs, "invalid escape", 14) == 0)
		return "a backslash that escapes nothing; write \\\\";
	if (strncmp(theirs, "invalid Unicode", 15) == 0)
		return "a \\u escape that is half a character; write both";
	if (strncmp(theirs, "':'", 3) == 0)
		return "a colon is missing before it";
	if (strstr(theirs, "' expected") != NULL)
		return "a comma is missing before it";
	return theirs;
}

static enum sp_status
say_syntax(const char *text, size_t len, size_t at, const char *theirs,
    struct sp_err *err)
{
	char before;
	struct token t = token_of(text, len, at > 0 ? at - 1 : 0, &before);
	bool inside = t.kind == TEXT &&
	    (strncmp(theirs, "control", 7) == 0 ||
		strncmp(theirs, "invalid", 7) == 0);

	switch (t.kind) {
	case WORD:
		return say_token(text, &t, mend_word(text, &t, theirs), err);
	case MARK:
		return say_token(
		    text, &t, mend_mark(text[t.at], before, theirs), err);
	case TEXT:
		if (inside) /* the place, not the start */
			return say(text, at - 1, mend_text(theirs), err);
		return say_token(text, &t, mend_text(theirs), err);
	case END:
		break;
	}
	return say(text, at, theirs, err);
}

enum sp_status
sp_jscan_say(const char *text, size_t len, size_t at, enum sp_jscan_why why,
    const char *theirs, struct sp_err *err)
{
	struct token t;
	char before;

	if (err == NULL)
		return SP_BAD;
	if (at > len)
		at = len;
	t = token_of(text, len, at > 0 ? at - 1 : 0, &before);
	switch (why) {
	case SP_JSCAN_ENDS:
		return say(text, len,
		    "it ends in the middle; it was not written to its end, or "
		    "a closing bracket or quote is missing",
		    err);
	case SP_JSCAN_MORE:
		return say_token(text, &t,
		    t.kind == MARK && text[t.at] == '{'
			? "a second object; many jobs go into a .jsonl file, one "
			  "a line"
			: "something follows the closing '}'; remove it",
		    err);
	case SP_JSCAN_UTF8:
		return say(text, at, "not UTF-8; save it as UTF-8", err);
	case SP_JSCAN_TWICE:
		return say_token(
		    text, &t, "the same name appears twice; keep one", err);
	case SP_JSCAN_HUGE:
		return say_token(text, &t,
		    "too big for a number (1.8e308 is the limit)", err);
	case SP_JSCAN_SYNTAX:
		break;
	}
	return say_syntax(text, len, at, theirs, err);
}
