/*
 * field.c - what an order is worth in a field.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "tools/field.h"

/* ---- names ---- */

enum {
	F_ID,
	F_NAME,
	F_STATE,
	F_PRIO,
	F_TICKET,
	F_ATTEMPT,
	F_WORKER,
	F_SCRIPT,
	F_DATA,
	F_PROJECT,
	F_RETRY_OF,
	F_OWNER,
	F_STATUS,
	F_CAUSE,
	F_ERROR,
	F_LOSS,
	F_METRIC,
	F_STEP,
	F_PROGRESS,
	F_ETA,
	F_SECONDS,
	F_SUBMITTED,
	F_STARTED,
	F_FINISHED,
	F_GROUP,
	F_TAGS,
	F_AGE,
	F_ALL,
	F_PARAM = F_ALL,
	F_NUMBER, /* a metric */
	F_EITHER
};

static const char *const names[] = { "id", "name", "state", "prio", "ticket",
	"attempt", "worker", "script", "data", "project", "retryOf", "owner",
	"status", "cause", "error", "loss", "metric", "step", "progress", "eta",
	"seconds", "submitted", "started", "finished", "group", "tags", "age",
	NULL };

const char *const *
field_names(void)
{
	return names;
}

/* What else they are called. */
static const struct {
	const char *name;
	int kind;
} others[] = { { "priority", F_PRIO }, { "scriptName", F_SCRIPT },
	{ "dataFileName", F_DATA }, { "projectName", F_PROJECT },
	{ "tag", F_TAGS } };

static const struct {
	const char *text;
	char end;
} ends[] = { { ".best", 'b' }, { ".last", 'l' }, { ".min", 'n' },
	{ ".max", 'x' } };

static void
metric_parse(struct field *f, size_t at)
{
	size_t i, n, len;

	f->rest = at;
	f->rest_n = len = strlen(f->name + at);
	for (i = 0; i < sizeof ends / sizeof *ends; i++) {
		n = strlen(ends[i].text);
		if (len <= n ||
		    strcmp(f->name + at + len - n, ends[i].text) != 0)
			continue;
		f->rest_n = len - n;
		f->end = ends[i].end;
	}
}

enum sp_status
field_parse(const char *name, struct field *f, struct sp_err *err)
{
	size_t i, len = strlen(name);

	memset(f, 0, sizeof *f);
	if (len == 0 || len > FIELD_MAX)
		return sp_err_set(
		    err, SP_BAD, "a field's name has 1 to %d bytes", FIELD_MAX);
	memcpy(f->name, name, len + 1);
	for (i = 0; i < F_ALL; i++)
		if (strcmp(names[i], name) == 0) {
			f->kind = (int)i;
			return SP_OK;
		}
	for (i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(others[i].name, name) == 0) {
			f->kind = others[i].kind;
			return SP_OK;
		}
	f->kind = F_EITHER;
	if (strncmp(name, "params.", 7) == 0 && name[7] != '\0') {
		f->kind = F_PARAM;
		f->rest = 7;
	} else if (strncmp(name, "metrics.", 8) == 0 && name[8] != '\0') {
		f->kind = F_NUMBER;
		metric_parse(f, 8);
	} else {
		metric_parse(f, 0);
	}
	return SP_OK;
}

bool
field_metrics_is(const struct field *f)
{
	return f->kind == F_NUMBER ||
	    (f->kind == F_EITHER && strncmp(f->name, "order.", 6) != 0);
}

/* ---- values ---- */

static void
number(struct sp_value *v, bool has, double n)
{
	if (!has || !isfinite(n))
		return;
	v->json = NULL;
	v->kind = SP_VALUE_NUMBER;
	v->number = n;
}

static void
text(struct sp_value *v, const char *t)
{
	if (*t == '\0')
		return;
	v->kind = SP_VALUE_TEXT;
	v->text = t;
}

static void
moment(struct sp_value *v, int64_t ms)
{
	if (ms <= 0)
		return;
	sp_time_print(ms, v->room);
	text(v, v->room);
}

static void
row_text(int kind, const struct sp_row *row, struct sp_value *v)
{
	switch (kind) {
	case F_ID:
		text(v, row->name.id.text);
		break;
	case F_NAME:
		text(v, row->title);
		break;
	case F_STATE:
		text(v, sp_state_text(row->state));
		break;
	case F_WORKER:
		text(v, row->name.worker);
		break;
	case F_SCRIPT:
		text(v, row->script);
		break;
	case F_DATA:
		text(v, row->data);
		break;
	case F_PROJECT:
		text(v, row->project);
		break;
	case F_RETRY_OF:
		text(v, row->retry_of);
		break;
	case F_OWNER:
		text(v, row->owner);
		break;
	case F_CAUSE:
		text(v, row->cause);
		break;
	case F_ERROR:
		text(v, row->error);
		break;
	default:
		break;
	}
}

static void
row_number(int kind, const struct view *view, struct sp_value *v)
{
	const struct sp_row *row = view->row;
	int64_t born = sp_id_ms(&row->name.id);

	switch (kind) {
	case F_PRIO:
		number(v, true, row->name.prio);
		break;
	case F_TICKET:
		number(v, true, row->name.ticket);
		break;
	case F_ATTEMPT:
		number(v, true, row->name.attempt);
		break;
	case F_STATUS:
		number(v, row->status != 0, row->status);
		break;
	case F_LOSS:
		number(v, row->has_loss, row->loss);
		break;
	case F_METRIC:
		number(v, row->has_metric, row->metric);
		break;
	case F_STEP:
		number(v, row->has_step, row->step);
		break;
	case F_PROGRESS:
		number(v, row->has_progress, row->progress);
		break;
	case F_SECONDS:
		number(v, row->has_seconds, row->seconds);
		break;
	case F_ETA:
		moment(v, row->eta);
		break;
	case F_SUBMITTED:
		moment(v, born);
		break;
	case F_STARTED:
		moment(v, row->started);
		break;
	case F_FINISHED:
		moment(v, row->finished);
		break;
	case F_AGE:
		number(v, true, (double)(view->now - born) / 1000);
		break;
	default:
		row_text(kind, row, v);
		break;
	}
}

static void
metric(const struct field *f, const struct sp_row *row, struct sp_value *v)
{
	const struct sp_metric *k;
	char key[SP_METRIC_KEY + 1];
	enum sp_best best;
	char end = f->end;

	if (row->metrics == NULL || f->rest_n > SP_METRIC_KEY)
		return;
	(void)snprintf(
	    key, sizeof key, "%.*s", (int)f->rest_n, f->name + f->rest);
	k = sp_metrics_get(row->metrics, key);
	if (k == NULL || k->n == 0) /* a metric may be called "x.best" */
		k = sp_metrics_get(row->metrics, f->name + f->rest), end = 0;
	if (k == NULL || k->n == 0)
		return;
	best = sp_metric_best(k->key);
	if (end == 'b' && best != SP_BEST_NONE)
		end = best == SP_BEST_MIN ? 'n' : 'x';
	if (end == 'n' || end == 'x')
		number(v, true, end == 'n' ? k->min : k->max);
	else if (end != 'b')
		number(v, !k->last_odd, k->last);
}

void
field_get(struct field *f, struct view *view, struct sp_value *v)
{
	const struct json_t *job;

	v->kind = SP_VALUE_NONE;
	v->json = NULL;
	if (f->kind < F_GROUP || f->kind == F_AGE) {
		row_number(f->kind, view, v);
	} else if (f->kind == F_NUMBER) {
		metric(f, view->row, v);
	} else if ((job = view_job(view)) != NULL || f->kind == F_EITHER) {
		if (f->kind == F_GROUP)
			text(v, job_group(job));
		else if (f->kind == F_TAGS)
			sp_value_json(job_member(job, "order.tags"), v);
		else
			sp_value_json(job_member(job,
					  f->kind == F_PARAM ? f->name + f->rest
							     : f->name),
			    v);
		if (f->kind == F_EITHER && v->kind == SP_VALUE_NONE)
			metric(f, view->row, v);
	}
	f->asked = true;
	f->met = f->met || v->kind != SP_VALUE_NONE;
}

/* ---- showing ---- */

void
field_print(const struct sp_value *v, bool people, struct sp_buf *out)
{
	switch (v->kind) {
	case SP_VALUE_NONE:
		break;
	case SP_VALUE_NUMBER:
		if (v->json != NULL && !people)
			sp_json_put(out, v->json);
		else if (people)
			sp_buf_printf(out, "%.6g", v->number);
		else if (v->number == floor(v->number) &&
		    fabs(v->number) < 1e15)
			sp_buf_printf(out, "%.0f", v->number);
		else
			sp_json_put_real(out, v->number);
		break;
	case SP_VALUE_TEXT:
		if (v->text == v->room && v->json != NULL)
			sp_json_put(out, v->json); /* an object */
		else
			sp_buf_puts(out, v->text);
		break;
	case SP_VALUE_LIST:
		sp_json_put(out, v->json);
		break;
	}
}

void
field_put(const struct sp_value *v, const char *key, struct sp_jw *w)
{
	if (v->json != NULL) {
		sp_jw_json(w, key, v->json);
		return;
	}
	switch (v->kind) {
	case SP_VALUE_NONE:
	case SP_VALUE_LIST:
		sp_jw_null(w, key);
		break;
	case SP_VALUE_NUMBER:
		sp_metric_put(w, key, v->number);
		break;
	case SP_VALUE_TEXT:
		sp_jw_text(w, key, v->text);
		break;
	}
}

#define KNOWN 128

void
field_unmet(const struct field *f, struct view *view)
{
	const char *known[KNOWN + F_ALL + 1], *key, *near;
	struct json_t *value;
	void *iter = NULL;
	size_t n = 0, i;

	if (!f->asked || f->met || f->kind < F_PARAM)
		return;
	for (i = 0; i < F_ALL; i++)
		known[n++] = names[i];
	while (
	    n < KNOWN + F_ALL && sp_json_next(view->job, &iter, &key, &value))
		known[n++] = key;
	known[n] = NULL;
	near = sp_nearest(f->name, known);
	if (near != NULL)
		complain("no order that was looked at has '%s'; is '%s' meant?",
		    f->name, near);
	else
		complain("no order that was looked at has '%s'", f->name);
}
