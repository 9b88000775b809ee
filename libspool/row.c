/*
 * row.c - what people see of an order, from the texts of its job and its
 * outcome.  Pure; rowread.c finds the texts.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/row.h"

void
sp_row_parsed(struct sp_row *row, const struct sp_job *job, enum sp_status st,
    const struct sp_err *why)
{
	(void)strcpy(row->title, row->name.label);
	(void)strcpy(row->script, job->script);
	(void)strcpy(row->data, job->data);
	(void)strcpy(row->project, job->project);
	(void)strcpy(row->retry_of, job->retry_of);
	(void)strcpy(row->owner, job->owner);
	if (job->owned && job->owner[0] == '\0')
		(void)snprintf(
		    row->owner, sizeof row->owner, "%u", job->owner_uid);
	row->length.epochs = job->epochs;
	row->length.steps = job->steps;
	if (job->label[0] != '\0')
		(void)strcpy(row->title, job->label);
	if (st != SP_OK && row->error[0] == '\0')
		sp_text_cut(row->error, sizeof row->error, why->text);
}

void
sp_row_job(struct sp_row *row, const char *text, size_t len)
{
	struct sp_err why = { "" };
	struct sp_job job;
	enum sp_status st;

	(void)strcpy(row->title, row->name.label);
	if (row->name.bundle) /* many jobs, one a line: no row of its own */
		return;
	st = sp_job_parse(text, len, &job, &why);
	sp_row_parsed(row, &job, st, &why);
	sp_job_clear(&job);
}

/* A number, or a text that is one in full. */
static bool
number_of(const struct json_t *json, double *value_out)
{
	const char *text = sp_json_text(json);
	enum sp_json_kind kind = sp_json_kind(json);
	char *end;

	if (kind == SP_JSON_INT || kind == SP_JSON_REAL) {
		*value_out = sp_json_real(json, 0);
		return true;
	}
	/* no "inf", "nan", "0x10" */
	if (text == NULL || *text == '\0' ||
	    text[strspn(text, "0123456789+-.eE")] != '\0')
		return false;
	*value_out = strtod(text, &end);
	return *end == '\0' && *value_out < 1e308 && *value_out > -1e308;
}

/* The outcome's error as a text, whatever it was. */
static void
take_error(struct sp_row *row, const struct json_t *error)
{
	struct sp_buf b = SP_BUF_INIT(2 * 1024 * 1024);

	if (sp_json_kind(error) == SP_JSON_NULL)
		return;
	if (sp_json_text(error) != NULL) {
		sp_text_cut(row->error, sizeof row->error, sp_json_text(error));
		return;
	}
	sp_json_put(&b, error);
	sp_text_cut(row->error, sizeof row->error, sp_buf_text(&b));
	sp_buf_clear(&b);
}

static int64_t
time_of(const struct json_t *json)
{
	const char *text = sp_json_text(json);
	int64_t ms;

	return text != NULL && sp_time_parse(text, &ms) && ms > 0 ? ms : 0;
}

void
sp_row_outcome(struct sp_row *row, const char *text, size_t len)
{
	struct sp_err err = { "" };
	const struct json_t *run;
	struct json_t *json;
	int64_t status;

	if (sp_json_parse(text, len, &json, &err) != SP_OK) {
		sp_text_cut(row->error, sizeof row->error, "outcome: ");
		sp_text_cut(row->error + strlen(row->error),
		    sizeof row->error - strlen(row->error), err.text);
		return;
	}
	status = sp_json_int(sp_json_get(json, "status"), 0);
	if (status > 0 && status < 1000000)
		row->status = (int)status;
	take_error(row, sp_json_get(json, "error"));
	row->has_loss = number_of(sp_json_get(json, "loss"), &row->loss);
	row->has_metric = number_of(sp_json_get(json, "metric"), &row->metric);
	run = sp_json_get(json, "run");
	row->has_seconds =
	    number_of(sp_json_get(run, "seconds"), &row->seconds);
	row->started = time_of(sp_json_get(run, "started"));
	row->finished = time_of(sp_json_get(run, "finished"));
	sp_text_cut(row->cause, sizeof row->cause,
	    sp_json_text(sp_json_get(run, "cause")));
	row->has_metrics = sp_json_int(sp_json_get(run, "metricsBytes"), 0) > 0;
	sp_json_free(json);
}

/* A ticket above 1 may be one of an attempt before, which said nothing in an
 * outcome. */
bool
sp_row_metrics_are(const struct sp_row *row)
{
	return !row->name.bundle &&
	    (row->state == SP_ASSIGNED || row->name.ticket > 1 ||
		row->has_metrics);
}

static bool
take_last(const struct sp_metric *k, double *value_out)
{
	if (k == NULL || k->n == 0 || k->last_odd)
		return false;
	*value_out = k->last;
	return true;
}

void
sp_row_metrics(struct sp_row *row, const struct sp_metrics *m)
{
	row->step = isnan(m->now.step) ? m->now.epoch : m->now.step;
	row->has_step = !isnan(row->step);
	if (!row->has_step)
		row->step = 0;
	row->has_progress =
	    sp_metrics_progress(m, &row->length, &row->progress);
	if (sp_state_over_is(row->state))
		return; /* the outcome has the last word */
	row->has_loss =
	    take_last(sp_metrics_main(m, "loss", SP_BEST_MIN), &row->loss);
	row->has_metric =
	    take_last(sp_metrics_main(m, "metric", SP_BEST_MAX), &row->metric);
	if (row->state != SP_ASSIGNED ||
	    !sp_metrics_eta(m, &row->length, &row->eta))
		row->eta = 0;
}

/* ---- printing ---- */

static void
put_known(struct sp_jw *w, const char *key, const char *text)
{
	sp_jw_text(w, key, *text == '\0' ? NULL : text);
}

static void
put_number(struct sp_jw *w, const char *key, bool has, double value)
{
	if (has)
		sp_jw_real(w, key, value);
	else
		sp_jw_null(w, key);
}

static void
put_time(struct sp_jw *w, const char *key, int64_t ms)
{
	char text[25] = "";

	if (ms > 0)
		sp_time_print(ms, text);
	put_known(w, key, text);
}

void
sp_row_print(const struct sp_row *row, struct sp_buf *text_out)
{
	char order[SP_NAME_MAX];
	struct sp_jw w;

	sp_name_print(&row->name, order);
	sp_jw_init(&w, text_out);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "id", row->name.id.text);
	put_known(&w, "name", row->title);
	sp_jw_text(&w, "state", sp_state_text(row->state));
	sp_jw_int(&w, "prio", row->name.prio);
	sp_jw_int(&w, "ticket", row->name.ticket);
	sp_jw_int(&w, "attempt", row->name.attempt);
	put_known(&w, "worker", row->name.worker);
	put_known(&w, "script", row->script);
	put_known(&w, "data", row->data);
	put_known(&w, "project", row->project);
	put_known(&w, "retryOf", row->retry_of);
	put_known(&w, "owner", row->owner);
	if (row->status != 0)
		sp_jw_int(&w, "status", row->status);
	else
		sp_jw_null(&w, "status");
	put_known(&w, "cause", row->cause);
	put_known(&w, "error", row->error);
	put_number(&w, "loss", row->has_loss, row->loss);
	put_number(&w, "metric", row->has_metric, row->metric);
	sp_metric_put(&w, "step", row->has_step ? row->step : NAN);
	put_number(&w, "progress", row->has_progress, row->progress);
	put_time(&w, "eta", row->eta);
	put_number(&w, "seconds", row->has_seconds, row->seconds);
	put_time(&w, "submitted", sp_id_ms(&row->name.id));
	put_time(&w, "started", row->started);
	put_time(&w, "finished", row->finished);
	sp_jw_text(&w, "order", order);
	if (row->metrics != NULL) {
		sp_buf_puts(text_out, ",\"metrics\":");
		sp_metrics_print(row->metrics, text_out);
	}
	sp_jw_close(&w, '}');
}
