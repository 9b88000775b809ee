/*
 * pin.c - one job on its way in: what its order does not pin is pinned.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/job.h"
#include "libspool/json.h"
#include "tools/pin.h"

#define SETS 4

/* The job's own words; borrowed from its JSON. */
struct words {
	const char *script, *data; /* NULL: none, or no plain name */
	const char *code;
	bool order; /* an object or nothing: there is room for pins */
};

/* What is set in its order. */
struct sets {
	struct sp_member member[SETS];
	char value[SETS][SP_SHA_LEN + 16];
	size_t n;
};

static const char *
file_name(const struct json_t *json, const char *key)
{
	const char *text = sp_json_text(sp_json_get(json, key));

	return text != NULL && sp_file_ok(text) ? text : NULL;
}

static void
words_of(const struct json_t *json, struct words *words_out)
{
	const struct json_t *order = sp_json_get(json, "order");
	enum sp_json_kind kind = sp_json_kind(order);

	words_out->script = file_name(json, "scriptName");
	words_out->data = file_name(json, "dataFileName");
	words_out->code = sp_json_text(sp_json_get(order, "code"));
	words_out->order = kind == SP_JSON_OBJECT || kind == SP_JSON_NULL;
}

static bool
has(const struct json_t *json, const char *key)
{
	return sp_json_kind(sp_json_get(sp_json_get(json, "order"), key)) !=
	    SP_JSON_NULL;
}

static void
set(struct sets *sets, const char *key, const char *prefix, const char *hex)
{
	char *value = sets->value[sets->n];

	(void)snprintf(value, sizeof sets->value[0], "\"%s%s\"", prefix, hex);
	sets->member[sets->n].key = key;
	sets->member[sets->n++].value = value;
}

static enum sp_status
pin_code(struct pin *pin, const char *where, const struct json_t *json,
    const struct words *words, struct sets *sets, struct sp_err *err)
{
	const struct pin_wish wish = { words->script, words->code,
		words->data };
	const struct pin_plan *plan;
	enum sp_status st;

	if (words->script == NULL || has(json, "scriptSha256"))
		return SP_OK;
	if (wish.code != NULL && strncmp(wish.code, "sha256:", 7) == 0)
		return SP_OK; /* half of it is pinned: it means that */
	st = pin_plan(pin, where, &wish, &plan, err);
	if (st == SP_GONE || st == SP_LOST)
		return SP_OK; /* amend.c warns */
	if (st != SP_OK)
		return st;
	set(sets, "scriptSha256", "", plan->hex);
	if (plan->code[0] != '\0')
		set(sets, "code", "sha256:", plan->code);
	if (plan->git != NULL && !has(json, "git")) {
		sets->member[sets->n].key = "git";
		sets->member[sets->n++].value = plan->git;
	}
	return SP_OK;
}

static enum sp_status
pin_data(struct pin *pin, const char *where, const struct json_t *json,
    const struct words *words, struct sets *sets, struct sp_err *err)
{
	const struct pin_plan *plan;
	enum sp_status st;

	if (words->data == NULL || has(json, "dataSha256"))
		return SP_OK;
	st = pin_plan_data(pin, where, words->data, &plan, err);
	if (st == SP_OK)
		set(sets, "dataSha256", "", plan->hex);
	return st == SP_GONE || st == SP_LOST ? SP_OK : st;
}

enum sp_status
pin_apply(struct pin *pin, const char *where, const char *text, size_t len,
    struct sp_buf *out, struct sp_err *err)
{
	struct json_t *json = NULL;
	struct words words = { 0 };
	struct sets sets = { .n = 0 };
	enum sp_status st = SP_OK;

	if (sp_json_parse(text, len, &json, NULL) == SP_OK)
		words_of(json, &words);
	if (words.order) {
		st = pin_code(pin, where, json, &words, &sets, err);
		if (st == SP_OK)
			st = pin_data(pin, where, json, &words, &sets, err);
	}
	if (st == SP_OK && sets.n > 0)
		sp_job_splice(text, len, sets.member, sets.n, out);
	else if (st == SP_OK)
		sp_buf_put(out, text, len);
	sp_json_free(json);
	if (st == SP_OK && out->failed)
		st = sp_err_set(err, SP_BAD,
		    "with its pins it is longer than %d bytes; put what is "
		    "large into a data file",
		    SP_JOB_MAX);
	return st;
}
