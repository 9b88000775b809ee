/*
 * jsontok.c - the words and brackets of a JSON text, one after another, and
 * saying where one stands.
 */
#include <string.h>

#include "libspool/jsontok.h"

#define SHOWN 24 /* bytes of a word that a message repeats */

/* Each text that comes in goes through this, byte by byte. */
enum {
	PLAIN,
	SPACE,
	MARK,
	QUOTE
};
static const unsigned char kinds[256] = {
	[' '] = SPACE,
	['\t'] = SPACE,
	['\n'] = SPACE,
	['\r'] = SPACE,
	['{'] = MARK,
	['}'] = MARK,
	['['] = MARK,
	[']'] = MARK,
	[','] = MARK,
	[':'] = MARK,
	['"'] = QUOTE,
};

static unsigned char
kind_of(char c)
{
	return kinds[(unsigned char)c];
}

struct sp_jtok
sp_jtok_next(const char *text, size_t len, size_t from)
{
	struct sp_jtok t = { SP_JTOK_END, from, 0 };
	size_t i;

	while (t.at < len && kind_of(text[t.at]) == SPACE)
		t.at++;
	if (t.at == len)
		return t;
	i = t.at + 1;
	if (kind_of(text[t.at]) == MARK) {
		t.kind = SP_JTOK_MARK;
	} else if (text[t.at] == '"') {
		t.kind = SP_JTOK_TEXT;
		while (i < len && text[i] != '"')
			i += text[i] == '\\' ? 2 : 1;
		i = i < len ? i + 1 : len;
	} else {
		t.kind = SP_JTOK_WORD;
		while (i < len && kind_of(text[i]) == PLAIN)
			i++;
	}
	t.len = i - t.at;
	return t;
}

bool
sp_jtok_is(const char *text, const struct sp_jtok *t, const char *word)
{
	return t->kind == SP_JTOK_WORD && t->len == strlen(word) &&
	    memcmp(text + t->at, word, t->len) == 0;
}

bool
sp_jtok_starts(const char *text, size_t len, const char *with, size_t n)
{
	return len >= n && memcmp(text, with, n) == 0;
}

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

enum sp_status
sp_jtok_say(const char *text, size_t at, const char *words, struct sp_err *err)
{
	size_t line, column;

	if (err == NULL)
		return SP_BAD;
	place(text, at, &line, &column);
	return sp_err_set(
	    err, SP_BAD, "line %zu, column %zu: %s", line, column, words);
}

enum sp_status
sp_jtok_say_at(const char *text, const struct sp_jtok *t, const char *words,
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
