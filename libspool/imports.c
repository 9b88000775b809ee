/*
 * imports.c - reads Python just well enough to see what it imports: strings
 * and comments are passed over, lines go on in brackets and after a backslash.
 * `import` is a keyword, so wherever it stands in a program it imports; what
 * was imported is for others to find.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "libspool/imports.h"

#define DOTTED_MAX 512 /* longer ones are nobody's module */

enum token {
	T_END,
	T_NAME,
	T_DOT,
	T_COMMA,
	T_OPEN,  /* ( */
	T_CLOSE, /* ) */
	T_LINE,  /* the end of one, outside of brackets */
	T_OTHER
};

struct scan {
	const char *at, *end;
	int depth; /* of brackets */

	enum token token; /* the one that is looked at */
	const char *word; /* of T_NAME */
	size_t len;

	struct sp_names *out;
	enum sp_status st;
};

static bool
letter_is(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    (unsigned char)c >= 0x80;
}

static bool
digit_is(char c)
{
	return c >= '0' && c <= '9';
}

static bool
starts(const struct scan *s, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(s->end - s->at) >= n && memcmp(s->at, text, n) == 0;
}

/* Behind the text that begins with a quote at `at`. */
static void
pass_text(struct scan *s)
{
	char quote = *s->at;
	char three[4] = { quote, quote, quote, '\0' };
	bool is_long = starts(s, three);

	s->at += is_long ? 3 : 1;
	for (; s->at < s->end; s->at++) {
		if (*s->at == '\\' && s->at + 1 < s->end)
			s->at++; /* in a raw text too it keeps the quote in */
		else if (is_long && starts(s, three)) {
			s->at += 3;
			return;
		} else if (!is_long && *s->at == quote) {
			s->at++;
			return;
		} else if (!is_long && *s->at == '\n')
			return;
	}
}

/* A name; or a text, if these letters and a quote begin one. */
static enum token
take_word(struct scan *s)
{
	s->word = s->at;
	while (s->at < s->end && (letter_is(*s->at) || digit_is(*s->at)))
		s->at++;
	s->len = (size_t)(s->at - s->word);
	if (s->at == s->end || (*s->at != '"' && *s->at != '\'') || s->len > 3)
		return T_NAME;
	for (size_t i = 0; i < s->len; i++)
		if (strchr("rRbBuUfFtT", s->word[i]) == NULL)
			return T_NAME;
	pass_text(s);
	return T_OTHER;
}

static void
pass_number(struct scan *s)
{
	while (s->at < s->end &&
	    (letter_is(*s->at) || digit_is(*s->at) || *s->at == '.'))
		s->at++;
}

static void
pass_comment(struct scan *s)
{
	while (s->at < s->end && *s->at != '\n')
		s->at++;
}

static enum token
take_mark(struct scan *s)
{
	switch (*s->at++) {
	case '.':
		return T_DOT;
	case ',':
		return T_COMMA;
	case '(':
		s->depth++;
		return T_OPEN;
	case '[':
	case '{':
		s->depth++;
		return T_OTHER;
	case ')':
		s->depth -= s->depth > 0;
		return T_CLOSE;
	case ']':
	case '}':
		s->depth -= s->depth > 0;
		return T_OTHER;
	default:
		return T_OTHER;
	}
}

static void
next(struct scan *s)
{
	while (s->at < s->end) {
		char c = *s->at;

		if (c == '#') {
			pass_comment(s);
		} else if (c == '\n' && s->depth == 0) {
			s->at++;
			s->token = T_LINE;
			return;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' ||
		    c == '\n') {
			s->at++;
		} else if (starts(s, "\\\n")) {
			s->at += 2;
		} else if (starts(s, "\\\r\n")) {
			s->at += 3;
		} else {
			s->token = T_OTHER;
			if (letter_is(c))
				s->token = take_word(s);
			else if (digit_is(c))
				pass_number(s);
			else if (c == '"' || c == '\'')
				pass_text(s);
			else
				s->token = take_mark(s);
			return;
		}
	}
	s->token = T_END;
}

static bool
word_is(const struct scan *s, const char *word)
{
	return s->token == T_NAME && s->len == strlen(word) &&
	    memcmp(s->word, word, s->len) == 0;
}

/* A dotted name behind what text_out holds; false when it is too long. */
static bool
take_dotted(struct scan *s, char text_out[DOTTED_MAX])
{
	size_t n = strlen(text_out);
	bool fits = true;

	while (s->token == T_NAME) {
		fits &= n + s->len + 2 < DOTTED_MAX;
		if (fits) {
			(void)memcpy(text_out + n, s->word, s->len);
			n += s->len;
			text_out[n] = '\0';
		}
		next(s);
		if (s->token != T_DOT)
			break;
		next(s);
		if (fits && s->token == T_NAME)
			text_out[n++] = '.', text_out[n] = '\0';
	}
	return fits;
}

static void
tell(struct scan *s, const char *module)
{
	if (s->st == SP_OK)
		s->st = sp_names_add(s->out, module);
}

/* a, or b.c as d; behind what `module` has already. */
static void
take_module(struct scan *s, char module[DOTTED_MAX])
{
	if (take_dotted(s, module))
		tell(s, module);
	if (word_is(s, "as")) {
		next(s);
		if (s->token == T_NAME)
			next(s);
	}
}

/* import a, b.c as d */
static void
take_import(struct scan *s)
{
	char module[DOTTED_MAX];

	do {
		next(s);
		module[0] = '\0';
		if (s->token != T_NAME)
			return;
		take_module(s, module);
	} while (s->token == T_COMMA);
}

/* What follows `from . import`: names of modules, if they are ones. */
static void
take_names(struct scan *s, const char *dots)
{
	char module[DOTTED_MAX];

	next(s);
	if (s->token == T_OPEN)
		next(s);
	while (s->token == T_NAME) {
		(void)snprintf(module, sizeof module, "%s", dots);
		take_module(s, module);
		if (s->token != T_COMMA)
			return;
		next(s);
	}
}

/* from ..a.b import c, or what only begins so: raise X from Y. */
static void
take_from(struct scan *s)
{
	char module[DOTTED_MAX] = "";
	size_t dots = 0;
	bool fits;

	for (next(s); s->token == T_DOT; next(s))
		if (dots < DOTTED_MAX / 2)
			module[dots++] = '.', module[dots] = '\0';
	if (word_is(s, "import")) {
		if (dots > 0)
			take_names(s, module);
		return;
	}
	fits = take_dotted(s, module);
	if (!word_is(s, "import"))
		return;
	if (fits)
		tell(s, module);
	next(s);
}

enum sp_status
sp_imports(const char *text, size_t len, struct sp_names *modules_out)
{
	struct scan s = {
		.at = text, .end = text + len, .out = modules_out, .st = SP_OK
	};

	if (starts(&s, "\xef\xbb\xbf"))
		s.at += 3;
	for (next(&s); s.token != T_END;) {
		if (word_is(&s, "import"))
			take_import(&s);
		else if (word_is(&s, "from"))
			take_from(&s);
		else
			next(&s);
	}
	return s.st;
}

bool
sp_python_is(const char *file)
{
	size_t n = strlen(file);

	return n > 3 && strcmp(file + n - 3, ".py") == 0;
}
