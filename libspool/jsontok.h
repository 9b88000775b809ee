/*
 * jsontok.h - the words and brackets of a JSON text; private to jsonscan.c and
 * jsonsay.c.  Pure, and without jansson.
 */
#ifndef SP_JSONTOK_H
#define SP_JSONTOK_H

#include <stdbool.h>
#include <stddef.h>

#include "libspool/err.h"

enum sp_jtok_kind {
	SP_JTOK_END,
	SP_JTOK_TEXT,
	SP_JTOK_MARK,
	SP_JTOK_WORD
};

struct sp_jtok {
	enum sp_jtok_kind kind;
	size_t at, len;
};

/* The next token at or behind `from`.  A text that is never closed reaches to
 * the end. */
struct sp_jtok sp_jtok_next(const char *text, size_t len, size_t from);

bool sp_jtok_is(const char *text, const struct sp_jtok *t, const char *word);
/* Does the text start with these n bytes? */
bool sp_jtok_starts(const char *text, size_t len, const char *with, size_t n);

/* Line and column of byte `at`, and words.  Both return SP_BAD. */
enum sp_status
sp_jtok_say(const char *text, size_t at, const char *words, struct sp_err *err);
/* The same with the token in front of the words. */
enum sp_status sp_jtok_say_at(const char *text, const struct sp_jtok *t,
    const char *words, struct sp_err *err);

#endif
