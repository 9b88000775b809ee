/*
 * words.c - read the last words of a failed job: which cause they name, and
 * which line tells people most.  Pure; the sentences of other programs that we
 * know stand in wordlist.c.
 *
 * A script may print dreadful words, handle what they were about, and fail of
 * something else; so it is not enough that they occur.  Lines are read from the
 * last one upwards.  An exception that nobody caught, the one below Python's
 * last traceback, decides alone, be it ours to know or not; so does any other
 * line that is plainly an error.  Warnings never count.  Only what merely
 * passes an error on (the parent of the process that failed) is looked behind.
 */
#include <string.h>

#include "libspool/json.h"
#include "libspool/wordlist.h"

#define LINES  512
#define BUDGET 40 /* plain lines that are read in search of an error */

enum kind {
	PLAIN,
	FRAME, /* of a traceback */
	RAISED /* the exception below it */
};

struct line {
	char *text; /* no escapes, no white space at its end */
	enum kind kind;
	bool chained; /* RAISED: "from" the one above */
};

struct lines {
	char text[SP_WORDS_TAIL + 1];
	struct line line[LINES];
	size_t n;
};

/* ---- lines ---- */

static bool
starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Where an escape sequence that begins at `at` ends. */
static const char *
escape_end(const char *at, const char *end)
{
	char kind = at + 1 < end ? at[1] : '\0';

	at += 2;
	if (kind == '[') { /* CSI ... letter */
		while (at < end && !(*at >= '@' && *at <= '~'))
			at++;
		at++;
	} else if (kind == ']') { /* OSC ... BEL, or ESC \ */
		while (at < end && *at != '\a' && *at != '\033' && *at != '\n')
			at++;
		if (at < end && *at == '\033')
			at++;
		if (at < end && *at != '\n')
			at++;
	}
	return at < end ? at : end;
}

/* A progress bar's carriage returns end lines, too. */
static void
clean(const char *text, size_t len, char out[SP_WORDS_TAIL + 1])
{
	const char *end = len > 0 ? text + len : text; /* may be NULL */
	size_t n = 0;

	if (len > SP_WORDS_TAIL)
		text = end - SP_WORDS_TAIL;
	while (text < end) {
		if (*text == '\033') {
			text = escape_end(text, end);
			continue;
		}
		if (*text == '\r' || *text == '\n')
			out[n++] = '\n';
		else if (*text == '\t' || (unsigned char)*text >= ' ')
			out[n++] = *text;
		text++;
	}
	out[n] = '\0';
}

/* What launchers put in front: "[rank0]: ", the "  | " of a group. */
static char *
bare(char *line)
{
	char *at = line + strspn(line, " ");

	if (at[0] == '|' && (at[1] == ' ' || at[1] == '\0'))
		return at[1] == '\0' ? at + 1 : at + 2;
	if (starts(line, "[rank")) {
		at = line + 5 + strspn(line + 5, "0123456789");
		if (starts(at, "]:"))
			return at[2] == ' ' ? at + 3 : at + 2;
	}
	return line;
}

static void
add(struct lines *l, char *text)
{
	size_t n = strlen(text);

	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		text[--n] = '\0';
	text = bare(text);
	if (text[strspn(text, " \t")] == '\0')
		return;
	if (l->n == LINES) { /* the last ones count */
		(void)memmove(
		    l->line, l->line + LINES / 2, LINES / 2 * sizeof *l->line);
		l->n = LINES / 2;
	}
	l->line[l->n++] = (struct line){ .text = text };
}

/* Tracebacks of what was not fatal: they are as if they were not there. */
static bool
ignored_is(const char *before)
{
	return starts(before, "Exception ignored ") ||
	    starts(before, "--- Logging error ---");
}

static void
mark(struct lines *l)
{
	bool in = false, ignored = false, chained = false;
	size_t i;

	for (i = 0; i < l->n; i++) {
		struct line *this = &l->line[i];
		const char *before = i > 0 ? this[-1].text : "";

		if (strstr(this->text, "Traceback (most recent call last)") !=
		    NULL) {
			in = true;
			ignored = ignored_is(before);
			chained = starts(
			    before, "The above exception was the direct cause");
			this->kind = FRAME;
		} else if (in && (*this->text == ' ' || *this->text == '\t')) {
			this->kind = FRAME;
		} else if (in) {
			this->kind = ignored ? FRAME : RAISED;
			this->chained = chained;
			in = false;
		}
	}
}

static void
split(struct lines *l, const char *text, size_t len)
{
	char *at, *nl;

	l->n = 0;
	if (text == NULL)
		len = 0;
	clean(text, len, l->text);
	for (at = l->text; at != NULL; at = nl) {
		if ((nl = strchr(at, '\n')) != NULL)
			*nl++ = '\0';
		/* The first one may have lost its beginning. */
		if (at != l->text || len <= SP_WORDS_TAIL)
			add(l, at);
	}
	mark(l);
}

/* ---- judging ---- */

struct found {
	bool decided;
	enum sp_cause cause;
	const char *line; /* NULL: none */
};

static struct found
found(enum sp_cause cause, const char *line)
{
	return (struct found){ true, cause, line };
}

static struct found
judge(const struct lines *l, bool gpu)
{
	const char *telling = NULL;
	int budget = BUDGET;
	enum sp_cause cause;
	size_t i;

	for (i = l->n; i-- > 0 && budget > 0;) {
		const struct line *this = &l->line[i];

		if (this->kind == FRAME)
			continue;
		if (this->kind == PLAIN && sp_wordlist_tame_is(this->text))
			continue;
		if (sp_wordlist_cause(this->text, gpu, &cause))
			return found(cause, this->text);
		if (this->kind == RAISED) {
			if (telling == NULL)
				telling = this->text;
			if (this->chained || sp_wordlist_passed_is(this->text))
				continue;
			return found(SP_CAUSE_EXIT, telling);
		}
		if (*this->text == ' ' || *this->text == '\t')
			continue; /* belongs to the one above it */
		if (sp_wordlist_error_is(this->text))
			return found(SP_CAUSE_EXIT, this->text);
		budget--;
	}
	return (struct found){ telling != NULL, SP_CAUSE_EXIT, telling };
}

/* The last line that is no traceback's. */
static const char *
last_line(const struct lines *l)
{
	size_t i;

	for (i = l->n; i-- > 0;)
		if (l->line[i].kind != FRAME)
			return l->line[i].text;
	return NULL;
}

void
sp_words_read(const struct sp_last *last, struct sp_words *words)
{
	static _Thread_local struct lines err, out;
	struct found f, other;
	enum sp_cause unseen;

	split(&err, last->err, last->err_n);
	f = judge(&err, last->gpu);
	if (!f.decided) {
		split(&out, last->out, last->out_n);
		other = judge(&out, last->gpu);
		if (other.cause != SP_CAUSE_EXIT ||
		    (other.decided && err.n == 0))
			f = other;
		else
			f = found(SP_CAUSE_EXIT, last_line(&err));
	}
	words->cause = f.cause;
	words->blind = f.cause == SP_CAUSE_EXIT && f.line != NULL &&
	    !last->gpu && sp_wordlist_cause(f.line, true, &unseen) &&
	    unseen == SP_CAUSE_BAD_HOST;
	sp_text_cut(words->line, sizeof words->line,
	    f.line == NULL ? "" : f.line + strspn(f.line, " \t"));
}

/* ---- the same way? ---- */

/* FNV-1a over the words; of a path its last part; of what has a digit in it (a
 * number, an address, an id) only that it was there. */
uint64_t
sp_words_way(enum sp_cause cause, const char *line)
{
	static const char between[] = " \t'\"`()[]{}<>,;:=";
	uint64_t h = 14695981039346656037u ^ (uint64_t)cause;
	const char *word, *slash;
	size_t n, i;

	for (;;) {
		line += strspn(line, between);
		if ((n = strcspn(line, between)) == 0)
			return h;
		word = line;
		line += n;
		if ((slash = memrchr(word, '/', n)) != NULL &&
		    slash + 1 < line) {
			n -= (size_t)(slash + 1 - word);
			word = slash + 1;
		}
		for (i = 0; i < n && !(word[i] >= '0' && word[i] <= '9'); i++)
			;
		if (i < n) {
			word = "0";
			n = 1;
		}
		for (i = 0; i < n; i++)
			h = (h ^ (unsigned char)word[i]) * 1099511628211u;
		h = (h ^ ' ') * 1099511628211u;
	}
}
