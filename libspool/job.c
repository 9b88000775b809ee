/*
 * job.c - a job as text: read it, dress it for its script, edit it.  Pure.
 * What stands inside `order` is read in order.c.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/job.h"
#include "libspool/json.h"
#include "libspool/order.h"

static const char *const causes[SP_CAUSES] = {
	[SP_CAUSE_OK] = "ok",
	[SP_CAUSE_EXIT] = "exit",
	[SP_CAUSE_SIGNAL] = "signal",
	[SP_CAUSE_TIMEOUT] = "timeout",
	[SP_CAUSE_OOM] = "oom",
	[SP_CAUSE_CUDA_OOM] = "cuda-oom",
	[SP_CAUSE_NO_OUTCOME] = "no-outcome",
	[SP_CAUSE_INVALID] = "invalid",
	[SP_CAUSE_CANCELLED] = "cancelled",
	[SP_CAUSE_PREEMPTED] = "preempted",
	[SP_CAUSE_LOST] = "lost",
	[SP_CAUSE_DISK_FULL] = "disk-full",
	[SP_CAUSE_BAD_HOST] = "bad-host",
	[SP_CAUSE_DEPENDENCY] = "dependency",
	[SP_CAUSE_PRUNED] = "pruned",
};

const char *
sp_cause_text(enum sp_cause cause)
{
	return (unsigned)cause < SP_CAUSES ? causes[cause] : "unknown";
}

bool
sp_cause_parse(const char *text, enum sp_cause *cause_out)
{
	int i;

	for (i = 0; i < SP_CAUSES; i++) {
		if (strcmp(text, causes[i]) == 0) {
			*cause_out = (enum sp_cause)i;
			return true;
		}
	}
	return false;
}

/* ---- reading ---- */

/* scriptName or dataFileName: one plain file name; `where` is its home. */
static enum sp_status
take_file(const struct json_t *v, const char *field, const char *where,
    char out[SP_FILE_MAX + 1], struct sp_err *err)
{
	const char *text = sp_json_text(v);
	struct sp_buf shown = SP_BUF_INIT(4096);
	char cut[60];

	if (text == NULL)
		return sp_job_wrong(field, v, "the name of a file", err);
	if (sp_file_ok(text)) {
		sp_text_cut(out, SP_FILE_MAX + 1, text);
		return SP_OK;
	}
	sp_text_cut(cut, sizeof cut, text);
	sp_json_put_text(&shown, cut);
	(void)sp_err_set(err, SP_BAD,
	    strchr(text, '/') != NULL
		? "%s: %s is not a plain file name; put the file into %s/ and "
		  "give its name"
		: "%s: %s is not a plain file name (1 to 200 of A-Z a-z 0-9 . _ "
		  "-, no . or - in front); rename the file in %s/",
	    field, sp_buf_text(&shown), where);
	sp_buf_clear(&shown);
	return SP_BAD;
}

/* No scriptName: does a name look like it? */
static enum sp_status
no_script(const struct json_t *json, struct sp_err *err)
{
	static const char *const known[] = { "scriptName", NULL };
	struct json_t *value;
	const char *key;
	void *iter = NULL;

	while (sp_json_next(json, &iter, &key, &value))
		if (sp_json_text(value) != NULL &&
		    sp_nearest(key, known) != NULL &&
		    strspn(key,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ_-"
			"abcdefghijklmnopqrstuvwxyz") == strlen(key))
			return sp_err_set(err, SP_BAD,
			    "scriptName: missing; is \"%s\" meant to be it?",
			    key);
	return sp_err_set(err, SP_BAD,
	    "scriptName: missing; name the script in scripts/ that is to run");
}

static enum sp_status
take_names(const struct json_t *json, struct sp_job *job, struct sp_err *err)
{
	const struct json_t *script = sp_json_get(json, "scriptName");
	const struct json_t *data = sp_json_get(json, "dataFileName");
	const struct json_t *project = sp_json_get(json, "projectName");
	const char *text = sp_json_text(data);
	enum sp_status st = SP_OK, one;

	sp_text_cut(job->project, sizeof job->project, sp_json_text(project));
	if (text == NULL || *text != '\0') /* "" is none, as in the original */
		if (sp_json_kind(data) != SP_JSON_NULL)
			st = take_file(
			    data, "dataFileName", "data", job->data, err);
	text = sp_json_text(script);
	if (sp_json_kind(script) == SP_JSON_NULL ||
	    (text != NULL && *text == '\0'))
		one = no_script(json, err);
	else
		one = take_file(
		    script, "scriptName", "scripts", job->script, err);
	if (st == SP_OK)
		st = one;
	if (st == SP_OK && sp_json_kind(project) != SP_JSON_NULL &&
	    sp_json_text(project) == NULL)
		st = sp_job_wrong("projectName", project, "a text", err);
	return st;
}

/* How long the script says that it will be, if it does. */
static double
length_of(const struct json_t *json, const char *key)
{
	double n = sp_json_real(sp_json_get(json, key), 0);

	return n > 0 && n <= 1e15 ? n : 0;
}

static const char *const dressing[] = { "_id", "assignmentId" };

static unsigned
says(const struct json_t *json)
{
	unsigned bits = sp_json_count(json) == 0 ? SP_JOB_EMPTY : 0, i;

	for (i = 0; i < 2; i++)
		if (sp_json_get(json, dressing[i]) != NULL)
			bits |= 1u << i;
	return bits;
}

enum sp_status
sp_job_parse(
    const char *text, size_t len, struct sp_job *job_out, struct sp_err *err)
{
	struct json_t *json, *order;
	enum sp_status st, inner;

	*job_out =
	    (struct sp_job){ .prio = SP_PRIO_USUAL, .retry = SP_RETRY_USUAL };
	if (len > SP_JOB_MAX)
		return sp_err_set(err, SP_BAD,
		    "%zu bytes are too many for a job (1 MiB is the limit); "
		    "put data into data/",
		    len);
	if ((st = sp_json_parse(text, len, &json, err)) != SP_OK)
		return st;
	job_out->object = true;
	job_out->says = says(json);
	st = take_names(json, job_out, err);
	job_out->epochs = length_of(json, "epochs");
	job_out->steps = length_of(json, "steps");
	if (!(job_out->steps > 0))
		job_out->steps = length_of(json, "maxSteps");
	order = sp_json_get(json, "order");
	/* Also of a bad job: what can be known is shown to people. */
	if (sp_json_kind(order) == SP_JSON_OBJECT)
		inner = sp_order_take(order, job_out, err);
	else if (sp_json_kind(order) == SP_JSON_NULL)
		inner = SP_OK;
	else
		inner = sp_job_wrong("order", order,
		    "an object that says how to run the job", err);
	sp_json_free(json);
	return inner == SP_RETRY || st == SP_OK ? inner : st;
}

static void
texts_free(char **texts, size_t n)
{
	size_t i;

	for (i = 0; texts != NULL && i < n; i++)
		free(texts[i]);
	free(texts);
}

void
sp_job_clear(struct sp_job *job)
{
	free(job->after);
	texts_free(job->tags, job->tags_n);
	texts_free(job->requires, job->requires_n);
	texts_free(job->env, job->env_n);
	texts_free(job->warm, job->warm_n);
	*job = (struct sp_job){ .prio = SP_PRIO_USUAL };
}

/* ---- dressing ---- */

static void
dress(const char *text, size_t len, const struct sp_id *id, unsigned bits,
    struct sp_buf *text_out)
{
	const char *open = memchr(text, '{', len), *comma = "";
	size_t i;

	if (open == NULL) {
		text_out->failed = true;
		return;
	}
	open++;
	sp_buf_put(text_out, text, (size_t)(open - text));
	for (i = 0; i < 2; i++) {
		if (bits & 1u << i)
			continue;
		sp_buf_printf(
		    text_out, "%s\"%s\":\"%s\"", comma, dressing[i], id->text);
		comma = ",";
	}
	if (*comma != '\0' && !(bits & SP_JOB_EMPTY))
		sp_buf_puts(text_out, ",");
	sp_buf_put(text_out, open, len - (size_t)(open - text));
}

void
sp_job_dress(const char *text, size_t len, const struct sp_id *id,
    struct sp_buf *text_out)
{
	struct json_t *json;

	if (sp_json_parse(text, len, &json, NULL) != SP_OK) {
		text_out->failed = true;
		return;
	}
	dress(text, len, id, says(json), text_out);
	sp_json_free(json);
}

void
sp_job_dress_as(const struct sp_job *job, const char *text, size_t len,
    const struct sp_id *id, struct sp_buf *text_out)
{
	dress(text, len, id, job->says, text_out);
}

/* ---- editing ---- */

static enum sp_status
edit_one(struct json_t *json, const char *set, struct sp_err *err)
{
	const char *equal = strchr(set, '=');
	struct sp_err why = { "" };
	enum sp_status st;
	char *path;

	if (equal == NULL || equal == set)
		return sp_err_set(
		    err, SP_BAD, "\"%s\": expected key=value", set);
	path = strndup(set, (size_t)(equal - set));
	if (path == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	st = sp_json_set(json, path, equal + 1, &why);
	if (st != SP_OK)
		(void)sp_err_set(err, st, "\"%s\": %s", path, why.text);
	free(path);
	return st;
}

/* The text after the change must be one that we would read. */
static enum sp_status
edit_print(
    const struct json_t *json, struct sp_buf *text_out, struct sp_err *err)
{
	struct sp_buf b = SP_BUF_INIT(8 * SP_JOB_MAX);
	struct json_t *again = NULL;
	enum sp_status st = SP_RETRY;

	sp_json_put(&b, json);
	if (!b.failed && b.len > SP_JOB_MAX)
		st = sp_err_set(
		    err, SP_BAD, "the job would be larger than 1 MiB");
	else if (!b.failed)
		st = sp_json_parse(b.data, b.len, &again, err);
	sp_json_free(again);
	if (st == SP_OK) {
		sp_buf_put(text_out, b.data, b.len);
		st = text_out->failed ? SP_RETRY : SP_OK;
	}
	sp_buf_clear(&b);
	return st == SP_RETRY ? sp_err_set(err, st, "no memory") : st;
}

enum sp_status
sp_job_edit(const char *text, size_t len, const char *const *set, size_t set_n,
    struct sp_buf *text_out, struct sp_err *err)
{
	struct json_t *json;
	enum sp_status st;
	size_t i;

	if ((st = sp_json_parse(text, len, &json, err)) != SP_OK)
		return st;
	for (i = 0; st == SP_OK && i < set_n; i++)
		st = edit_one(json, set[i], err);
	if (st == SP_OK)
		st = edit_print(json, text_out, err);
	sp_json_free(json);
	return st;
}
