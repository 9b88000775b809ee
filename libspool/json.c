/*
 * json.c - the door to jansson: strict reading, setting a member.  Looking at
 * values is in jsonget.c, writing in jsonout.c; what goes before and after
 * jansson's own reading is in jsonscan.c.  Nobody but these includes jansson.h.
 */
#include <jansson.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/jsonscan.h"

/* jansson's error codes, as far as they differ for a reader. */
static enum sp_jscan_why
why_of(enum json_error_code code)
{
	switch (code) {
	case json_error_premature_end_of_input:
		return SP_JSCAN_ENDS;
	case json_error_end_of_input_expected:
		return SP_JSCAN_MORE;
	case json_error_invalid_utf8:
		return SP_JSCAN_UTF8;
	case json_error_duplicate_key:
		return SP_JSCAN_TWICE;
	case json_error_numeric_overflow:
		return SP_JSCAN_HUGE;
	default:
		return SP_JSCAN_SYNTAX;
	}
}

/* Without memory jansson speaks of errors in the text, and nobody must be told
 * that of a job that is in order. */
static _Thread_local bool starved;

static void *
room(size_t len)
{
	void *at = malloc(len);

	starved = starved || at == NULL;
	return at;
}

static void
watch(void)
{
	json_set_alloc_funcs(room, free);
}

/* jansson's own reading.  NUL is let through because the only ones that can be
 * there are the marks that stand for odd and for big numbers. */
static enum sp_status
load(const char *text, size_t len, json_t **json_out, json_error_t *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, watch);
	starved = false;
	*json_out =
	    json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, e);
	if (*json_out != NULL)
		return SP_OK;
	return starved || json_error_code(e) == json_error_out_of_memory
	    ? SP_RETRY
	    : SP_BAD;
}

static enum sp_status
parse(const char *text, size_t len, bool object, bool loose, json_t **json_out,
    unsigned *needs_out, struct sp_err *err)
{
	struct sp_buf mended = SP_BUF_INIT(SIZE_MAX / 2);
	enum sp_status st;
	json_error_t e;
	size_t at;

	st = sp_jscan_check(text, len, object, needs_out, err);
	if (st != SP_OK)
		return st;
	if (!loose)
		*needs_out &= ~(unsigned)SP_JSCAN_ODD;
	if (*needs_out == 0) {
		st = load(text, len, json_out, &e);
	} else {
		sp_jscan_mend(text, len, *needs_out, &mended);
		st = mended.failed
		    ? SP_RETRY
		    : load(mended.data, mended.len, json_out, &e);
		sp_buf_clear(&mended);
	}
	if (st == SP_RETRY)
		return sp_err_set(err, st, "no memory");
	if (st == SP_OK)
		return st;
	at = e.position > 0 ? (size_t)e.position : 0;
	if (*needs_out != 0)
		at = sp_jscan_source(text, len, *needs_out, at);
	return sp_jscan_say(
	    text, len, at, why_of(json_error_code(&e)), e.text, err);
}

enum sp_status
sp_json_parse(
    const char *text, size_t len, struct json_t **json_out, struct sp_err *err)
{
	unsigned needs;

	*json_out = NULL;
	return parse(text, len, true, false, json_out, &needs, err);
}

/* ---- odd numbers ---- */

struct place {
	char text[256]; /* dotted, cut when it is longer */
	size_t len;
};

/* Go one step down; commas would break the list of places. */
static size_t
place_push(struct place *p, const char *step)
{
	size_t was = p->len;

	if (p->len > 0 && p->len < sizeof p->text - 1)
		p->text[p->len++] = '.';
	for (; *step != '\0' && p->len < sizeof p->text - 1; step++)
		p->text[p->len++] = *step == ',' ? '_' : *step;
	p->text[p->len] = '\0';
	return was;
}

static void
place_pop(struct place *p, size_t was)
{
	p->len = was;
	p->text[was] = '\0';
}

static bool
odd_is(const json_t *v)
{
	return json_is_string(v) && json_string_length(v) == 1 &&
	    *json_string_value(v) == '\0';
}

static void
odd_note(const struct place *p, struct sp_buf *odd)
{
	if (odd == NULL || odd->failed)
		return;
	if (odd->len > 0)
		sp_buf_printf(odd, ",%s", p->text);
	else
		sp_buf_puts(odd, p->text);
}

/* Set the marked values to null and write their places down. */
static void
odd_clear(json_t *json, struct place *p, struct sp_buf *odd)
{
	void *iter = NULL;
	const char *key;
	json_t *value;
	size_t i, was;
	char number[24];

	for (i = 0; i < json_array_size(json); i++) {
		(void)snprintf(number, sizeof number, "%zu", i);
		was = place_push(p, number);
		value = json_array_get(json, i);
		if (odd_is(value)) {
			odd_note(p, odd);
			(void)json_array_set_new(json, i, json_null());
		} else {
			odd_clear(value, p, odd);
		}
		place_pop(p, was);
	}
	for (iter = json_object_iter(json); iter != NULL;
	     iter = json_object_iter_next(json, iter)) {
		key = json_object_iter_key(iter);
		was = place_push(p, key);
		value = json_object_iter_value(iter);
		if (odd_is(value)) {
			odd_note(p, odd);
			(void)json_object_iter_set_new(json, iter, json_null());
		} else {
			odd_clear(value, p, odd);
		}
		place_pop(p, was);
	}
}

enum sp_status
sp_json_parse_loose(const char *text, size_t len, struct json_t **json_out,
    struct sp_buf *odd_out, struct sp_err *err)
{
	struct place p = { .len = 0 };
	enum sp_status st;
	unsigned needs;

	*json_out = NULL;
	st = parse(text, len, true, true, json_out, &needs, err);
	if (st == SP_OK && (needs & SP_JSCAN_ODD))
		odd_clear(*json_out, &p, odd_out);
	return st;
}

/* ---- setting ---- */

/* A value as people type it: JSON if it parses, else a text. */
static json_t *
value_of(const char *text)
{
	struct sp_buf b = SP_BUF_INIT(SIZE_MAX / 2);
	json_t *list = NULL, *value = NULL;
	unsigned needs;

	sp_buf_printf(&b, "[%s]", text);
	if (!b.failed &&
	    parse(b.data, b.len, false, false, &list, &needs, NULL) == SP_OK &&
	    json_array_size(list) == 1)
		value = json_incref(json_array_get(list, 0));
	json_decref(list);
	sp_buf_clear(&b);
	return value != NULL ? value : json_string(text);
}

static bool
index_of(const char *step, size_t *i_out)
{
	char *end;

	if (strspn(step, "0123456789") != strlen(step) || *step == '\0' ||
	    strlen(step) > 6)
		return false;
	*i_out = strtoul(step, &end, 10);
	return true;
}

/* Put `value` (ours to give) at one step below `at`. */
static enum sp_status
put_at(json_t *at, const char *step, json_t *value, struct sp_err *err)
{
	size_t i;

	if (json_is_array(at)) {
		if (!index_of(step, &i) || i > json_array_size(at)) {
			json_decref(value);
			return sp_err_set(err, SP_BAD,
			    "\"%s\" is no place in a list of %zu", step,
			    json_array_size(at));
		}
		if ((i == json_array_size(at)
			    ? json_array_append_new(at, value)
			    : json_array_set_new(at, i, value)) == 0)
			return SP_OK;
	} else if (json_object_set_new(at, step, value) == 0) {
		return SP_OK;
	}
	return sp_err_set(err, SP_BAD,
	    "the name or the value is not UTF-8 (or there is no memory)");
}

/* One step down, into a new object where there is nothing. */
static enum sp_status
step_down(json_t **at, const char *step, struct sp_err *err)
{
	enum sp_status st;
	json_t *next;
	size_t i;

	if (json_is_array(*at))
		next = index_of(step, &i) ? json_array_get(*at, i) : NULL;
	else
		next = json_object_get(*at, step);
	if (next == NULL) {
		next = json_object();
		if ((st = put_at(*at, step, next, err)) != SP_OK)
			return st;
	}
	if (!json_is_array(next) && !json_is_object(next))
		return sp_err_set(err, SP_BAD,
		    "\"%s\" is %s: nothing can be set inside", step,
		    sp_json_kind_text(next));
	*at = next;
	return SP_OK;
}

enum sp_status
sp_json_set(struct json_t *object, const char *path, const char *value,
    struct sp_err *err)
{
	enum sp_status st = SP_OK;
	char *copy = strdup(path), *step = copy, *dot;

	if (copy == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	/* A member whose whole name is what is left, dots and all, is meant
	 * before one that would be nested. */
	while (st == SP_OK && json_object_get(object, step) == NULL &&
	    (dot = strchr(step, '.')) != NULL) {
		*dot = '\0';
		if (*step == '\0')
			break;
		st = step_down(&object, step, err);
		step = dot + 1;
	}
	if (st == SP_OK && *step == '\0')
		st = sp_err_set(err, SP_BAD, "a name is missing");
	if (st == SP_OK)
		st = put_at(object, step, value_of(value), err);
	free(copy);
	return st;
}
