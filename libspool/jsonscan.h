/*
 * jsonscan.h - what json.c does to a text before and after jansson sees it.
 * Private to json.c; sp_jscan_say is in jsonsay.c.  Pure, and without jansson.
 */
#ifndef SP_JSONSCAN_H
#define SP_JSONSCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "libspool/buf.h"
#include "libspool/err.h"

/* What a text needs before jansson can read it; bits. */
enum {
	SP_JSCAN_BIG = 1, /* an integer beyond 64 bits */
	SP_JSCAN_ODD = 2  /* a bare NaN, Infinity or -Infinity */
};

/* A text of one NUL, which no other text can be: a place where an odd number
 * stood.  NUL and digits: an integer beyond 64 bits, as it was written. */
#define SP_JSCAN_MARK "\"\\u0000\""

/* Refuse what jansson would take or would explain badly: nothing at all, a byte
 * order mark, NUL raw or escaped, more than SP_JSON_DEPTH levels, and (when
 * `object`) a top that is none. */
enum sp_status sp_jscan_check(const char *text, size_t len, bool object,
    unsigned *needs_out, struct sp_err *err);

/* The text as jansson can read it: odd numbers and big integers replaced by
 * marked texts, for those bits of `needs`. */
void sp_jscan_mend(
    const char *text, size_t len, unsigned needs, struct sp_buf *text_out);

/* Where byte `at` of the mended text comes from. */
size_t sp_jscan_source(const char *text, size_t len, unsigned needs, size_t at);

/* Why jansson gave up, as far as its error code tells. */
enum sp_jscan_why {
	SP_JSCAN_SYNTAX,
	SP_JSCAN_ENDS, /* too early */
	SP_JSCAN_MORE, /* something follows */
	SP_JSCAN_UTF8,
	SP_JSCAN_TWICE, /* a key */
	SP_JSCAN_HUGE   /* a number */
};

/* Say where and why in words, and the mend where it can be seen.  `at` is how
 * far jansson came; `theirs` are its own words.  Returns SP_BAD. */
enum sp_status sp_jscan_say(const char *text, size_t len, size_t at,
    enum sp_jscan_why why, const char *theirs, struct sp_err *err);

#endif
