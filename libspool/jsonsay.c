/*
 * jsonsay.c - explain what jansson would not read, with the mend where it can
 * be seen.
 */
#include <string.h>

#include "libspool/jsonscan.h"
#include "libspool/jsontok.h"

/* The token that byte `at` belongs to, and the last mark, quote or letter
 * before it (0: none). */
static struct sp_jtok
token_of(const char *text, size_t len, size_t at, char *before_out)
{
	struct sp_jtok t = sp_jtok_next(text, len, 0), next;
	*before_out = '\0';

	while (t.kind != SP_JTOK_END && t.at + t.len <= at) {
		next = sp_jtok_next(text, len, t.at + t.len);
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
mend_word(const char *text, const struct sp_jtok *t, const char *theirs)
{
	const char *w = text + t->at;
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (sp_jtok_is(text, t, words[i].word))
			return words[i].mend;
	if (*w == '\'' || *w == '`' || sp_jtok_starts(w, t->len, "\xe2\x80", 2))
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
	struct sp_jtok t = token_of(text, len, at > 0 ? at - 1 : 0, &before);
	bool inside = t.kind == SP_JTOK_TEXT &&
	    (strncmp(theirs, "control", 7) == 0 ||
		strncmp(theirs, "invalid", 7) == 0);

	switch (t.kind) {
	case SP_JTOK_WORD:
		return sp_jtok_say_at(
		    text, &t, mend_word(text, &t, theirs), err);
	case SP_JTOK_MARK:
		return sp_jtok_say_at(
		    text, &t, mend_mark(text[t.at], before, theirs), err);
	case SP_JTOK_TEXT:
		if (inside) /* the place, not the start */
			return sp_jtok_say(
			    text, at - 1, mend_text(theirs), err);
		return sp_jtok_say_at(text, &t, mend_text(theirs), err);
	case SP_JTOK_END:
		break;
	}
	return sp_jtok_say(text, at, theirs, err);
}

enum sp_status
sp_jscan_say(const char *text, size_t len, size_t at, enum sp_jscan_why why,
    const char *theirs, struct sp_err *err)
{
	struct sp_jtok t;
	char before;

	if (err == NULL)
		return SP_BAD;
	if (at > len)
		at = len;
	t = token_of(text, len, at > 0 ? at - 1 : 0, &before);
	switch (why) {
	case SP_JSCAN_ENDS:
		return sp_jtok_say(text, len,
		    "it ends in the middle; it was not written to its end, or "
		    "a closing bracket or quote is missing",
		    err);
	case SP_JSCAN_MORE:
		return sp_jtok_say_at(text, &t,
		    t.kind == SP_JTOK_MARK && text[t.at] == '{'
			? "a second object; many jobs go into a .jsonl file, one "
			  "a line"
			: "something follows the closing '}'; remove it",
		    err);
	case SP_JSCAN_UTF8:
		return sp_jtok_say(
		    text, at, "not UTF-8; save it as UTF-8", err);
	case SP_JSCAN_TWICE:
		return sp_jtok_say_at(
		    text, &t, "the same name appears twice; keep one", err);
	case SP_JSCAN_HUGE:
		return sp_jtok_say_at(text, &t,
		    "too big for a number (1.8e308 is the limit)", err);
	case SP_JSCAN_SYNTAX:
		break;
	}
	return say_syntax(text, len, at, theirs, err);
}
