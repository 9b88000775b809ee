/*
 * order.c - the reserved object `order` of a job: one row for each member that
 * we know, one function for each.  Those that hold many values are in
 * orderlist.c, those that pin in orderpin.c, those of sweeps in orderprune.c.
 * Pure.  A member that is null is as one that is not there.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/order.h"

#define CPUS_MAX     65536
#define LAST_MS      253402300799999LL /* the end of the year 9999 */
#define MEMORY_LEAST (1 << 20)         /* a plain 16 was to be 16 GiB */

enum sp_status
sp_job_wrong(const char *field, const struct json_t *found,
    const char *expected, struct sp_err *err)
{
	struct sp_buf shown = SP_BUF_INIT(4096);
	enum sp_json_kind kind = sp_json_kind(found);
	char part[64], cut[60];
	const char *words = sp_json_kind_text(found);

	if (kind == SP_JSON_TEXT) {
		sp_text_cut(cut, sizeof cut, sp_json_text(found));
		sp_json_put_text(&shown, cut);
		words = sp_buf_text(&shown);
	} else if (kind == SP_JSON_INT || kind == SP_JSON_REAL) {
		sp_json_put(&shown, found);
		sp_text_cut(part, sizeof part, sp_buf_text(&shown));
		words = part;
	}
	(void)sp_err_set(
	    err, SP_BAD, "%s: found %s, expected %s", field, words, expected);
	sp_buf_clear(&shown);
	return SP_BAD;
}

/* ---- numbers ---- */

static enum sp_status
whole(const char *key, const struct json_t *v, int least, int most,
    int *value_out, struct sp_err *err)
{
	char expected[64];
	int64_t n = sp_json_int(v, -1);

	if (sp_json_kind(v) == SP_JSON_INT && n >= least && n <= most) {
		*value_out = (int)n;
		return SP_OK;
	}
	(void)snprintf(expected, sizeof expected,
	    "a whole number from %d to %d", least, most);
	return sp_job_wrong(key, v, expected, err);
}

static enum sp_status
take_priority(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	return whole(key, v, 0, SP_PRIO_MAX, &job->prio, err);
}

static enum sp_status
take_attempts(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	return whole(key, v, 1, 1000, &job->attempts, err);
}

static enum sp_status
take_gpus(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	return whole(key, v, 0, 1024, &job->gpus, err);
}

static enum sp_status
take_cpus(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	double n = sp_json_real(v, 0);

	if (!(n > 0 && n <= CPUS_MAX))
		return sp_job_wrong(
		    key, v, "a number above 0, at most 65536", err);
	job->cpus = n;
	return SP_OK;
}

static enum sp_status
take_timeout(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	const char *text = sp_json_text(v);
	double n = sp_json_real(v, -1);

	if (text != NULL ? !sp_seconds_parse(text, &n) : n < 0 || n > 1e9)
		return sp_job_wrong(key, v,
		    "seconds, or a text as \"90s\", \"15m\", \"2h\", \"7d\"",
		    err);
	job->timeout = n;
	return SP_OK;
}

static enum sp_status
take_memory(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	const char *text = sp_json_text(v);
	double n = sp_json_real(v, -1);
	int64_t bytes = 0;

	if (text != NULL ? !sp_bytes_parse(text, &bytes) : n < 0 || n > 4e18)
		return sp_job_wrong(
		    key, v, "bytes, or a text as \"512M\", \"16G\"", err);
	if (text == NULL)
		bytes = n > 0 && n < 1 ? 1 : (int64_t)n;
	if (bytes != 0 && bytes < MEMORY_LEAST)
		return sp_job_wrong(key, v,
		    "at least 1 MiB, in bytes, or a text as \"512M\", "
		    "\"16G\"",
		    err);
	job->memory = bytes;
	return SP_OK;
}

static enum sp_status
take_not_before(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	const char *text = sp_json_text(v);
	double n = sp_json_real(v, -1);
	int64_t ms = -1;

	if (text != NULL && !sp_time_parse(text, &ms))
		ms = -1;
	if (text == NULL && n >= 0 && n <= (double)LAST_MS / 1000)
		ms = (int64_t)(n * 1000 + 0.5);
	if (ms < 0)
		return sp_job_wrong(key, v,
		    "a time as \"2026-11-22T19:02:00Z\" (or \"2026-11-22 "
		    "19:02\" in UTC), or seconds since 1970",
		    err);
	job->not_before = ms;
	return SP_OK;
}

/* ---- texts ---- */

static enum sp_status
take_name(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	const char *text = sp_json_text(v);

	if (text == NULL || *text == '\0' || !sp_label_ok(text))
		return sp_job_wrong(
		    key, v, "1 to 64 of the letters A-Z a-z 0-9 _ -", err);
	(void)strcpy(job->label, text);
	return SP_OK;
}

static enum sp_status
take_python(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	const char *text = sp_order_text(v, SP_FILE_MAX);

	if (text == NULL || *text == '-')
		return sp_job_wrong(
		    key, v, "a program's name or path, as \"python3.11\"", err);
	(void)strcpy(job->python, text);
	return SP_OK;
}

static enum sp_status
take_outcome(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	const char *text = sp_json_text(v);

	if (text == NULL ||
	    (strcmp(text, "required") != 0 && strcmp(text, "optional") != 0))
		return sp_job_wrong(
		    key, v, "\"required\" or \"optional\"", err);
	job->outcome_required = *text == 'r';
	return SP_OK;
}

static enum sp_status
take_exclusive(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	if (sp_json_kind(v) != SP_JSON_BOOL)
		return sp_job_wrong(key, v, "true or false", err);
	job->exclusive = sp_json_true(v);
	return SP_OK;
}

static enum sp_status
take_group(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	(void)job;
	return sp_order_text(v, SP_FILE_MAX) != NULL
	    ? SP_OK
	    : sp_job_wrong(key, v, "a text of 1 to 200 letters", err);
}

static enum sp_status
take_retry_of(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	const char *text = sp_json_text(v);
	struct sp_id id;

	if (text == NULL || sp_id_parse(text, &id) != SP_OK)
		return sp_job_wrong(
		    key, v, "a whole id, as 20261122T190212345-9f3c21ab", err);
	(void)strcpy(job->retry_of, id.text);
	return SP_OK;
}

/* ---- all of them ---- */

static const struct {
	const char *key;
	sp_take_fn *take;
} members[] = {
	{ "priority", take_priority },
	{ "name", take_name },
	{ "tags", sp_order_tags },
	{ "requires", sp_order_requires },
	{ "attempts", take_attempts },
	{ "timeout", take_timeout },
	{ "memory", take_memory },
	{ "gpus", take_gpus },
	{ "cpus", take_cpus },
	{ "after", sp_order_after },
	{ "notBefore", take_not_before },
	{ "retry", sp_order_retry },
	{ "exclusive", take_exclusive },
	{ "python", take_python },
	{ "env", sp_order_env },
	{ "outcome", take_outcome },
	{ "scriptSha256", sp_order_script_sha },
	{ "dataSha256", sp_order_data_sha },
	{ "retryOf", take_retry_of },
	{ "group", take_group },
	{ "git", sp_order_git },
	{ "warm", sp_order_warm },
	{ "sweep", sp_order_sweep },
	{ "prune", sp_order_prune },
	{ "code", sp_order_code },
	{ "owner", sp_order_owner },
};

#define MEMBERS (sizeof members / sizeof *members)

/* What other systems call it. */
static const char *
elsewhere(const char *key)
{
	static const struct {
		const char *key, *ours;
	} other[] = { { "ram", "memory" }, { "cores", "cpus" },
		{ "threads", "cpus" }, { "walltime", "timeout" },
		{ "deadline", "timeout" }, { "depends", "after" },
		{ "dependsOn", "after" }, { "depends_on", "after" },
		{ "dependency", "after" }, { "dependencies", "after" },
		{ "begin", "notBefore" }, { "nice", "priority" },
		{ "label", "name" }, { "constraint", "requires" },
		{ "venv", "python" }, { "conda", "python" },
		{ "interpreter", "python" }, { "retries", "attempts" },
		{ "max_retries", "attempts" }, { "maxRetries", "attempts" },
		{ "tries", "attempts" } };
	size_t i;

	for (i = 0; i < sizeof other / sizeof *other; i++)
		if (strcmp(key, other[i].key) == 0)
			return other[i].ours;
	return NULL;
}

static enum sp_status
unknown(const char *key, struct sp_err *err)
{
	const char *known[MEMBERS + 1], *near;
	struct sp_buf shown = SP_BUF_INIT(4096);
	char cut[64];
	size_t i;

	for (i = 0; i < MEMBERS; i++)
		known[i] = members[i].key;
	known[i] = NULL;
	if ((near = elsewhere(key)) == NULL)
		near = sp_nearest(key, known);
	sp_text_cut(cut, sizeof cut, key);
	sp_json_put_text(&shown, cut); /* whatever it is, safe to print */
	(void)sp_err_set(err, SP_BAD,
	    near != NULL ? "order: unknown member %s; is \"%s\" meant?"
			 : "order: unknown member %s; it may stand outside of "
			   "order",
	    sp_buf_text(&shown), near);
	sp_buf_clear(&shown);
	return SP_BAD;
}

enum sp_status
sp_order_take(
    const struct json_t *order, struct sp_job *job, struct sp_err *err)
{
	enum sp_status st;
	struct json_t *value;
	const char *key;
	void *iter = NULL;
	char field[64];
	size_t i;

	while (sp_json_next(order, &iter, &key, &value)) {
		for (i = 0; i < MEMBERS; i++)
			if (strcmp(key, members[i].key) == 0)
				break;
		if (i == MEMBERS)
			return unknown(key, err);
		if (sp_json_kind(value) == SP_JSON_NULL)
			continue;
		(void)snprintf(field, sizeof field, "order.%s", key);
		if ((st = members[i].take(field, value, job, err)) != SP_OK)
			return st;
	}
	/* With whom would it be compared? */
	if (job->prune.method != SP_PRUNE_NO && job->sweep.id[0] == '\0')
		return sp_err_set(err, SP_BAD,
		    "order.prune: needs order.sweep, with whose runs it is "
		    "compared; submit it by spool sweep");
	return SP_OK;
}
