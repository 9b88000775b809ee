/*
 * telline.c - the lines of spool tell: an order that is over, its outcome, and
 * what its metrics say.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/file.h"
#include "libspool/metric.h"
#include "libspool/prune.h"
#include "tools/tell.h"

#define STEPS_MOST 10000              /* pairs in a line */
#define FILE_MOST  (64 * 1024 * 1024) /* bytes of one file of metrics */

/* Optuna's words. */
static const char *
state_word(int status)
{
	return status == SP_ST_PRUNED   ? "pruned"
	    : sp_status_good_is(status) ? "complete"
					: "fail";
}

static bool
number_is(const struct json_t *v)
{
	return sp_json_kind(v) == SP_JSON_INT ||
	    sp_json_kind(v) == SP_JSON_REAL;
}

/* "val/loss", or "loss" in "val". */
static const struct json_t *
member(const struct json_t *outcome, const char *metric)
{
	const struct json_t *v = sp_json_get(outcome, metric);
	char before[SP_METRIC_KEY + 1];
	const char *slash = strchr(metric, '/');

	if (v != NULL || slash == NULL ||
	    (size_t)(slash - metric) >= sizeof before)
		return v;
	(void)memcpy(before, metric, (size_t)(slash - metric));
	before[slash - metric] = '\0';
	return sp_json_get(sp_json_get(outcome, before), slash + 1);
}

/* Of those of the order's own. */
static bool
more_is(const struct json_t *job, const char *metric)
{
	const struct json_t *prune =
	    sp_json_get(sp_json_get(job, "order"), "prune");
	const char *name = sp_json_text(sp_json_get(prune, "metric"));
	const char *mode = sp_json_text(sp_json_get(prune, "mode"));

	if (name != NULL && mode != NULL && strcmp(name, metric) == 0)
		return strcmp(mode, "max") == 0;
	return sp_metric_best(metric) == SP_BEST_MAX;
}

static void
put_values(struct sp_jw *w, const struct tell_how *how,
    const struct json_t *job, const struct json_t *outcome,
    const struct sp_metrics *m)
{
	const char *metric = how->metric != NULL ? how->metric : "loss";
	const struct sp_metric *k = sp_metrics_get(m, metric);
	const struct json_t *v = member(outcome, metric);

	if (number_is(v))
		sp_jw_json(w, "value", v);
	else
		sp_metric_put(w, "value",
		    k != NULL && k->n > 0 && !k->last_odd ? k->last : NAN);
	if (k != NULL && k->n > 0)
		sp_metric_put(
		    w, "best", more_is(job, metric) ? k->max : k->min);
	else if (number_is(v))
		sp_jw_json(w, "best", v);
	else
		sp_jw_null(w, "best");
}

/* ---- steps ---- */

static void
put_lines(
    struct sp_jw *w, const struct sp_buf *text, const char *metric, size_t *n)
{
	const char *at = sp_buf_text(text), *end = at + text->len, *nl;
	double step, value;

	for (; (nl = memchr(at, '\n', (size_t)(end - at))) != NULL;
	     at = nl + 1) {
		if (*n >= STEPS_MOST ||
		    !sp_curve_line(
			at, (size_t)(nl - at), metric, &step, &value))
			continue;
		++*n;
		sp_jw_open(w, NULL, '[');
		sp_metric_put(w, NULL, isnan(step) ? (double)*n : step);
		sp_metric_put(w, NULL, value);
		sp_jw_close(w, ']');
	}
}

/* Those of the newest attempt, of all its tickets. */
static enum sp_status
put_steps(struct sp_jw *w, struct tool *tool, const struct sp_id *id,
    const char *metric, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(FILE_MOST + 2);
	unsigned newest = 0;
	struct tries tries;
	struct stat info;
	enum sp_status st;
	size_t i, n = 0;

	if ((st = tries_read(&tool->spool, id, &tries, err)) != SP_OK)
		return st;
	for (i = 0; i < tries.n; i++)
		if (tries.try[i].metrics[0] != '\0' &&
		    tries.try[i].name.attempt > newest)
			newest = tries.try[i].name.attempt;
	sp_jw_open(w, "steps", '[');
	for (i = 0; i < tries.n && st == SP_OK; i++) {
		if (tries.try[i].metrics[0] == '\0' ||
		    tries.try[i].name.attempt != newest)
			continue;
		sp_buf_reset(&text);
		st = sp_read(tries.dir, tries.try[i].metrics, FILE_MOST, &text,
		    &info, err);
		if (st == SP_OK)
			put_lines(w, &text, metric, &n);
		else if (st != SP_RETRY)
			st = SP_OK; /* gone, or too long to be read */
	}
	sp_jw_close(w, ']');
	tries_clear(&tries);
	sp_buf_clear(&text);
	return st;
}

/* ---- a line ---- */

/* What was asked; of other runs all that the job says. */
static void
put_parameters(
    struct sp_jw *w, const struct json_t *job, const struct json_t *asked)
{
	struct json_t *value;
	const char *key;
	void *iter = NULL;

	if (asked != NULL) {
		sp_jw_json(w, "parameters", asked);
		return;
	}
	sp_jw_open(w, "parameters", '{');
	while (job != NULL && sp_json_next(job, &iter, &key, &value))
		if (strcmp(key, "order") != 0)
			sp_jw_json(w, key, value);
	sp_jw_close(w, '}');
}

static enum sp_status
print(struct tool *tool, const struct tell_how *how, struct sp_row *row,
    unsigned number, const struct json_t *job, const struct json_t *outcome,
    struct sp_buf *line, struct sp_err *err)
{
	const struct json_t *sweep =
	    sp_json_get(sp_json_get(job, "order"), "sweep");
	static struct sp_metrics m; /* large */
	enum sp_status st;
	struct sp_jw w;

	sp_metrics_init(&m);
	if ((st = sp_row_fold(&tool->spool, row, &m, err)) != SP_OK)
		return st;
	sp_jw_init(&w, line);
	sp_jw_open(&w, NULL, '{');
	sp_jw_int(
	    &w, "trial", sp_json_int(sp_json_get(sweep, "run"), number) - 1);
	sp_jw_text(&w, "id", row->name.id.text);
	sp_jw_text(&w, "state", state_word(row->status));
	sp_jw_int(&w, "status", row->status);
	put_parameters(&w, job, sp_json_get(sweep, "parameters"));
	put_values(&w, how, job, outcome, &m);
	if (how->steps)
		st = put_steps(&w, tool, &row->name.id, how->metric, err);
	if (outcome != NULL)
		sp_jw_json(&w, "outcome", outcome);
	else
		sp_jw_null(&w, "outcome");
	sp_jw_close(&w, '}');
	return st;
}

enum sp_status
tell_line(struct tool *tool, const struct tell_how *how, const struct sp_id *id,
    unsigned number, struct sp_buf *line, struct sp_err *err)
{
	struct json_t *job = NULL, *outcome = NULL;
	struct sp_row_texts texts;
	enum sp_state state;
	struct sp_name name;
	struct sp_row row;
	enum sp_status st;

	st = see_find(&tool->spool, id, &state, &name, err);
	if (st != SP_OK)
		return st == SP_GONE ? SP_LOST : st;
	if (!sp_state_over_is(state))
		return SP_LOST;
	sp_row_texts_init(&texts);
	st = sp_row_read_texts(
	    &tool->spool, -1, state, &name, &row, &texts, err);
	if (st == SP_OK && texts.outcome.len == 0)
		st = SP_LOST; /* in a moment */
	if (st == SP_OK &&
	    (sp_json_parse(sp_buf_text(&texts.job), texts.job.len, &job,
		 NULL) == SP_RETRY ||
		sp_json_parse(sp_buf_text(&texts.outcome), texts.outcome.len,
		    &outcome, NULL) == SP_RETRY))
		st = sp_err_set(err, SP_RETRY, "no memory");
	if (st == SP_OK)
		st = print(tool, how, &row, number, job, outcome, line, err);
	sp_json_free(job);
	sp_json_free(outcome);
	sp_row_texts_clear(&texts);
	return st;
}
