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

/* What its own words are; borrowed. */
struct words {
	const char *script, *data, *code; /* NULL: none, or no plain name */
	bool script_is, data_is, git_is;  /* there are pins of these */
};

/* What is set in its order. */
struct sets {
	struct sp_member member[SETS];
	char value[SETS][SP_SHA_LEN + 16];
	size_t n;
};

static const char *
unless_empty(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

static void
words_of(const struct sp_job *job, struct words *words_out)
{
	*words_out = (struct words){
		.script = unless_empty(job->script),
		.data = unless_empty(job->data),
		.code = unless_empty(job->code),
		.script_is = job->script_sha[0] != '\0',
		.data_is = job->data_sha[0] != '\0',
		.git_is = job->git,
	};
}

static const char *
file_name(const struct json_t *json, const char *key)
{
	const char *text = sp_json_text(sp_json_get(json, key));

	return text != NULL && sp_file_ok(text) ? text : NULL;
}

static bool
has(const struct json_t *order, const char *key)
{
	return sp_json_kind(sp_json_get(order, key)) != SP_JSON_NULL;
}

/* Of one that is not valid, perhaps only for its order.code, which here may
 * name any directory; false: there is no room for pins. */
static bool
words_said(const struct json_t *json, struct words *words_out)
{
	const struct json_t *order = sp_json_get(json, "order");

	*words_out = (struct words){
		.script = file_name(json, "scriptName"),
		.data = file_name(json, "dataFileName"),
		.code = sp_json_text(sp_json_get(order, "code")),
		.script_is = has(order, "scriptSha256"),
		.data_is = has(order, "dataSha256"),
		.git_is = has(order, "git"),
	};
	return sp_json_kind(order) == SP_JSON_OBJECT ||
	    sp_json_kind(order) == SP_JSON_NULL;
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
pin_code(struct pin *pin, const char *where, const struct words *words,
    struct sets *sets, struct sp_err *err)
{
	const struct pin_wish wish = { words->script, words->code,
		words->data };
	const struct pin_plan *plan;
	enum sp_status st;

	if (words->script == NULL || words->script_is)
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
	if (plan->git != NULL && !words->git_is) {
		sets->member[sets->n].key = "git";
		sets->member[sets->n++].value = plan->git;
	}
	return SP_OK;
}

static enum sp_status
pin_data(struct pin *pin, const char *where, const struct words *words,
    struct sets *sets, struct sp_err *err)
{
	const struct pin_plan *plan;
	enum sp_status st;

	if (words->data == NULL || words->data_is)
		return SP_OK;
	st = pin_plan_data(pin, where, words->data, &plan, err);
	if (st == SP_OK)
		set(sets, "dataSha256", "", plan->hex);
	return st == SP_GONE || st == SP_LOST ? SP_OK : st;
}

/* The pins are in its text; what it parses as now. */
static enum sp_status
pinned(struct amended *one, const struct sets *sets, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 2);

	sp_job_splice(sp_buf_text(&one->text), one->text.len, sets->member,
	    sets->n, &text);
	sp_buf_clear(&one->text);
	one->text = text;
	if (text.failed)
		return sp_err_set(err, SP_BAD,
		    "with its pins it is longer than %d bytes; put what is "
		    "large into a data file",
		    SP_JOB_MAX);
	sp_job_clear(&one->job);
	one->valid = sp_job_parse(sp_buf_text(&text), text.len, &one->job,
			 NULL) == SP_OK;
	return SP_OK;
}

enum sp_status
pin_apply(
    struct pin *pin, const char *where, struct amended *one, struct sp_err *err)
{
	struct sets sets = { .n = 0 };
	struct json_t *json = NULL;
	enum sp_status st = SP_OK;
	struct words words;
	bool room = true;

	if (one->valid)
		words_of(&one->job, &words);
	else if (sp_json_parse(sp_buf_text(&one->text), one->text.len, &json,
		     NULL) == SP_OK)
		room = words_said(json, &words);
	else
		room = false;
	if (room)
		st = pin_code(pin, where, &words, &sets, err);
	if (room && st == SP_OK)
		st = pin_data(pin, where, &words, &sets, err);
	if (st == SP_OK && sets.n > 0)
		st = pinned(one, &sets, err);
	sp_json_free(json);
	return st;
}
