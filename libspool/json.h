/*
 * json.h - the one door to jansson: strict reading, exact writing.
 * Nobody outside json.c includes jansson.h; a parsed value is opaque and
 * lives only inside one parse or print function.
 */
#ifndef SP_JSON_H
#define SP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"

struct json_t; /* jansson's */

#define SP_JSON_DEPTH 64 /* levels of nesting that we read */

enum sp_json_kind {
	SP_JSON_NULL,
	SP_JSON_BOOL,
	SP_JSON_INT,
	SP_JSON_REAL,
	SP_JSON_TEXT,
	SP_JSON_LIST,
	SP_JSON_OBJECT
};

/* ---- reading ---- */

/* A whole JSON object, nothing behind it but white space, no NUL, valid UTF-8,
 * no duplicate key, bounded depth.  So: parses == complete.
 * SP_BAD with line and reason in words; SP_RETRY on no memory.
 * The caller frees *json_out with sp_json_free. */
enum sp_status sp_json_parse(
    const char *text, size_t len, struct json_t **json_out, struct sp_err *err);

/* The same, but bare NaN, Infinity and -Infinity (as Python prints them) are
 * taken as null; their dotted places are added to odd_out, comma-separated (a
 * comma in a name shows as '_'), until odd_out is full. */
enum sp_status sp_json_parse_loose(const char *text, size_t len,
    struct json_t **json_out, struct sp_buf *odd_out, struct sp_err *err);

void sp_json_free(struct json_t *json);

enum sp_json_kind sp_json_kind(const struct json_t *json); /* NULL: _NULL */
/* "a number", "a text", ... for messages. */
const char *sp_json_kind_text(const struct json_t *json);

/* A member, or NULL; borrowed.  `json` may be NULL. */
struct json_t *sp_json_get(const struct json_t *json, const char *key);
/* The text, or NULL if it is none. */
const char *sp_json_text(const struct json_t *json);
/* The number (INT or REAL), else `otherwise`; as an integer only if it is
 * whole. */
double sp_json_real(const struct json_t *json, double otherwise);
int64_t sp_json_int(const struct json_t *json, int64_t otherwise);
/* An integer beyond 64 bits (a REAL to us) as it was written, else NULL. */
const char *sp_json_digits(const struct json_t *json);
bool sp_json_true(const struct json_t *json);

size_t sp_json_count(const struct json_t *json); /* list or object */
struct json_t *sp_json_at(const struct json_t *list, size_t i);
/* Walk an object in the order of its text: start with *iter = NULL; false at
 * the end. */
bool sp_json_next(const struct json_t *object, void **iter,
    const char **key_out, struct json_t **value_out);

/* ---- changing ---- */

/* Set a member: `path` is its name, dots nest ("order.priority",
 * "layers.0.dropout"; one past a list's end appends), objects that are missing
 * are made.  `value` is JSON if it parses, else a text. */
enum sp_status sp_json_set(struct json_t *object, const char *path,
    const char *value, struct sp_err *err);

/* ---- writing ---- */

/* Compact; numbers in the shortest form that reads back the same. */
void sp_json_put(struct sp_buf *b, const struct json_t *json);
/* A text as a JSON string with its quotes; bytes that are no UTF-8 become
 * U+FFFD. */
void sp_json_put_text(struct sp_buf *b, const char *text);
void sp_json_put_real(struct sp_buf *b, double value); /* not finite: null */
/* As much of a text (NULL: "") as fits, no character cut in half. */
void sp_text_cut(char *out, size_t size, const char *text);

/* A small writer for objects of ours: puts the commas.
 *	struct sp_jw w;
 *	sp_jw_init(&w, &buf);
 *	sp_jw_open(&w, NULL, '{');
 *	sp_jw_text(&w, "worker", name);
 *	sp_jw_open(&w, "gpus", '[') ... sp_jw_close(&w, ']');
 *	sp_jw_close(&w, '}');
 * A NULL key is for list items and the top; a NULL text writes null. */
struct sp_jw {
	struct sp_buf *buf;
	bool comma;
};

void sp_jw_init(struct sp_jw *w, struct sp_buf *b);
void sp_jw_open(struct sp_jw *w, const char *key, char bracket);
void sp_jw_close(struct sp_jw *w, char bracket);
void sp_jw_text(struct sp_jw *w, const char *key, const char *value);
void sp_jw_int(struct sp_jw *w, const char *key, int64_t value);
void sp_jw_real(struct sp_jw *w, const char *key, double value);
void sp_jw_bool(struct sp_jw *w, const char *key, bool value);
void sp_jw_null(struct sp_jw *w, const char *key);
void sp_jw_json(struct sp_jw *w, const char *key, const struct json_t *value);

/* UTC "2026-11-22T19:02:12.345Z" of ms since 1970. */
void sp_time_print(int64_t ms, char text_out[25]);
/* RFC 3339 with Z or +hh:mm, or "YYYY-MM-DD[ T]hh:mm[:ss]" as UTC. */
bool sp_time_parse(const char *text, int64_t *ms_out);

#endif
