/*
 * outcome.c - what came of a job, as text and back: the script's own members
 * and what we know of the run in one JSON object.  verdict.c judges.  Pure.
 *
 * Whatever a script reports, the outcome parses and has at most SP_OUTCOME_MAX
 * bytes: else nobody could read it back, and the order would never end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/metric.h"
#include "libspool/outcome.h"
#include "libspool/verdict.h"

#define WORD_MAX      200 /* bytes of a text in run.scriptStatus */
#define ARTIFACTS_END 128 /* what may come behind the last of them */

/* ---- printing ---- */

static void
put_time(struct sp_jw *w, const char *key, int64_t ms)
{
	char text[25];

	if (ms <= 0)
		return;
	sp_time_print(ms, text);
	sp_jw_text(w, key, text);
}

static void
put_known(struct sp_jw *w, const char *key, const char *text)
{
	if (text != NULL && *text != '\0')
		sp_jw_text(w, key, text);
}

static void
put_head(struct sp_jw *w, const struct sp_name *name, int status)
{
	sp_jw_open(w, NULL, '{');
	sp_jw_text(w, "_id", name->id.text);
	sp_jw_text(w, "jobId", name->id.text);
	sp_jw_text(w, "orderId", name->id.text);
	sp_jw_int(w, "status", status);
}

static void
put_odd(struct sp_jw *w, const struct sp_buf *odd)
{
	const char *at = sp_buf_text(odd), *comma;
	char place[300];

	if (odd->len == 0 && !odd->failed)
		return;
	sp_jw_open(w, "nonFinite", '[');
	while (*at != '\0') {
		comma = strchrnul(at, ',');
		(void)snprintf(
		    place, sizeof place, "%.*s", (int)(comma - at), at);
		sp_jw_text(w, NULL, place);
		at = *comma == ',' ? comma + 1 : comma;
	}
	if (odd->failed)
		sp_jw_text(w, NULL, "...");
	sp_jw_close(w, ']');
}

/* The script's own status where it says more than our number.  Only single
 * values: a list or an object here would nest one level deeper than it was
 * read, perhaps one too deep to be read again. */
static void
put_script_status(
    struct sp_jw *w, const struct json_t *status, const struct sp_verdict *v)
{
	const char *text = sp_json_text(status);
	char cut[WORD_MAX];

	if (sp_report_status(status) == v->status)
		return;
	switch (sp_json_kind(status)) {
	case SP_JSON_TEXT:
		sp_text_cut(cut, sizeof cut, text);
		sp_jw_text(w, "scriptStatus", cut);
		return;
	case SP_JSON_BOOL:
	case SP_JSON_INT:
	case SP_JSON_REAL:
		sp_jw_json(w, "scriptStatus", status);
		return;
	case SP_JSON_NULL:
	case SP_JSON_LIST:
	case SP_JSON_OBJECT:
		return;
	}
}

/* Seconds as people read them: whole milliseconds. */
static double
to_ms(double seconds)
{
	return seconds > 0 && seconds < 1e12
	    ? (double)(int64_t)(seconds * 1000 + 0.5) / 1000
	    : seconds;
}

/* One by one, while there is room for them: the last of all that goes into an
 * outcome. */
static void
put_artifacts(struct sp_jw *w, const struct sp_artifacts *list)
{
	struct sp_buf one = SP_BUF_INIT(SP_OUTCOME_MAX);
	size_t i, more;
	struct sp_jw ow;

	if (list == NULL || (list->n == 0 && list->more + list->skipped == 0))
		return;
	sp_jw_open(w, "artifacts", '[');
	for (i = 0; i < list->n; i++) {
		sp_buf_reset(&one);
		sp_jw_init(&ow, &one);
		ow.comma = w->comma;
		sp_jw_open(&ow, NULL, '{');
		sp_jw_text(&ow, "name", list->at[i].name);
		sp_jw_int(&ow, "size", list->at[i].size);
		sp_jw_text(&ow, "sha256",
		    list->at[i].sha256[0] != '\0' ? list->at[i].sha256 : NULL);
		sp_jw_close(&ow, '}');
		if (one.failed ||
		    w->buf->len + one.len + ARTIFACTS_END > SP_OUTCOME_MAX)
			break;
		sp_buf_put(w->buf, one.data, one.len);
		w->comma = true;
	}
	sp_buf_clear(&one);
	more = list->more + (list->n - i);
	sp_jw_close(w, ']');
	if (more > 0)
		sp_jw_int(w, "artifactsMore", (int64_t)more);
	if (list->skipped > 0)
		sp_jw_int(w, "artifactsSkipped", (int64_t)list->skipped);
}

static void
put_python(struct sp_jw *w, const struct sp_run *run)
{
	if (run->python == NULL || *run->python == '\0')
		return;
	sp_jw_open(w, "python", '{');
	sp_jw_text(w, "path", run->python);
	put_known(w, "version", run->python_version);
	sp_jw_close(w, '}');
	put_known(w, "environment", run->environment);
}

static void
put_gpus(struct sp_jw *w, const struct sp_run *run)
{
	size_t i;

	if (run->gpus_n == 0)
		return;
	sp_jw_open(w, "gpus", '[');
	for (i = 0; i < run->gpus_n; i++) {
		sp_jw_open(w, NULL, '{');
		if (run->gpus[i].index >= 0)
			sp_jw_int(w, "index", run->gpus[i].index);
		put_known(w, "uuid", run->gpus[i].uuid);
		put_known(w, "name", run->gpus[i].name);
		sp_jw_close(w, '}');
	}
	sp_jw_close(w, ']');
}

static void
put_pruned(struct sp_jw *w, const struct sp_run *run)
{
	if (run->cause != SP_CAUSE_PRUNED || run->pruned_metric == NULL)
		return;
	sp_jw_open(w, "pruned", '{');
	sp_jw_text(w, "metric", run->pruned_metric);
	sp_metric_put(w, "best", run->pruned_best);
	sp_metric_put(w, "step", run->pruned_step);
	sp_jw_close(w, '}');
}

static void
put_run(struct sp_jw *w, const struct sp_run *run, const struct sp_report *r,
    const struct sp_verdict *v, const char *note)
{
	sp_jw_open(w, "run", '{');
	sp_jw_int(w, "attempt", (int64_t)run->name.attempt + 1);
	sp_jw_int(w, "ticket", run->name.ticket);
	put_known(w, "worker", run->name.worker);
	put_known(w, "host", run->host);
	put_time(w, "started", run->started);
	put_time(w, "finished", run->finished);
	if (run->seconds > 0)
		sp_jw_real(w, "seconds", to_ms(run->seconds));
	if (run->exit_code >= 0)
		sp_jw_int(w, "exitCode", run->exit_code);
	if (run->signal > 0)
		sp_jw_int(w, "signal", run->signal);
	sp_jw_text(w, "cause", sp_cause_text(v->cause));
	if (run->max_rss_kib > 0)
		sp_jw_int(w, "maxRssKiB", run->max_rss_kib);
	if (run->memory_peak > 0)
		sp_jw_real(w, "memoryPeakMiB",
		    to_ms((double)run->memory_peak / (1024 * 1024)));
	if (run->cpu_seconds > 0)
		sp_jw_real(w, "cpuSeconds", to_ms(run->cpu_seconds));
	if (run->metrics > 0)
		sp_jw_int(w, "metricsBytes", run->metrics);
	if (run->metrics_dropped > 0)
		sp_jw_int(w, "metricsDropped", run->metrics_dropped);
	put_gpus(w, run);
	put_known(w, "scriptSha256", run->script_sha256);
	put_known(w, "dataSha256", run->data_sha256);
	put_known(w, "codeSha256", run->code_sha256);
	put_python(w, run);
	if (run->warm != SP_WARM_UNSAID)
		sp_jw_bool(w, "warm", run->warm == SP_WARM_YES);
	put_known(w, "warmWhy", run->warm_why);
	put_pruned(w, run);
	put_odd(w, &r->odd);
	put_script_status(w, r->status, v);
	put_known(w, "note", note);
	put_artifacts(w, run->artifacts);
	sp_jw_close(w, '}');
}

enum sp_status
sp_outcome_make(struct sp_run *run, bool required, const char *script,
    size_t len, const char *error, struct sp_buf *text_out, int *status_out)
{
	struct sp_verdict v;
	struct sp_report r;
	struct sp_jw w;
	char words[SP_ERR_MAX], note[SP_ERR_MAX] = "";
	enum sp_status st;

	if ((st = sp_report_read(&r, script, len)) != SP_OK) {
		sp_report_clear(&r);
		return st;
	}
	sp_verdict_reach(run, required, &r, &v);
	sp_text_cut(words, sizeof words, error != NULL ? error : v.words);
	if (sp_status_good_is(v.status)) { /* an error would contradict it */
		sp_text_cut(note, sizeof note, words);
		words[0] = '\0';
	}
	sp_jw_init(&w, text_out);
	put_head(&w, &run->name, v.status);
	sp_buf_puts(text_out, ",");
	sp_buf_put(text_out, sp_buf_text(&r.body), r.body.len);
	w.comma = false; /* the body's last one is there */
	if (r.error == NULL)
		put_known(&w, "error", words);
	put_run(&w, run, &r, &v, note);
	sp_jw_close(&w, '}');
	sp_buf_puts(text_out, "\n");

	sp_report_clear(&r);
	run->cause = v.cause;
	*status_out = v.status;
	return text_out->failed ? SP_RETRY : SP_OK;
}

void
sp_artifacts_clear(struct sp_artifacts *artifacts)
{
	size_t i;

	for (i = 0; i < artifacts->n; i++)
		free(artifacts->at[i].name);
	free(artifacts->at);
	(void)memset(artifacts, 0, sizeof *artifacts);
}

/* ---- ends without a run ---- */

static enum sp_cause
cause_of(int status)
{
	switch (status) {
	case SP_ST_INVALID:
		return SP_CAUSE_INVALID;
	case SP_ST_TIMEOUT:
		return SP_CAUSE_TIMEOUT;
	case SP_ST_DEPENDENCY:
		return SP_CAUSE_DEPENDENCY;
	case SP_ST_CANCELLED:
		return SP_CAUSE_CANCELLED;
	case SP_ST_NO_OUTCOME:
		return SP_CAUSE_NO_OUTCOME;
	case SP_ST_LOST:
		return SP_CAUSE_LOST;
	default:
		return sp_status_good_is(status) ? SP_CAUSE_OK : SP_CAUSE_EXIT;
	}
}

enum sp_status
sp_outcome_end(const struct sp_name *name, const char *host, int64_t now,
    int status, const char *error, struct sp_buf *text_out)
{
	char words[SP_ERR_MAX];
	struct sp_jw w;

	sp_text_cut(words, sizeof words, error);
	sp_jw_init(&w, text_out);
	put_head(&w, name, status);
	put_known(&w, "error", words);
	sp_jw_open(&w, "run", '{');
	if (name->attempt > 0) /* the last one that was made */
		sp_jw_int(&w, "attempt", name->attempt);
	sp_jw_int(&w, "ticket", name->ticket);
	put_known(&w, "worker", name->worker);
	put_known(&w, "host", host);
	put_time(&w, "finished", now);
	sp_jw_text(&w, "cause", sp_cause_text(cause_of(status)));
	sp_jw_close(&w, '}');
	sp_jw_close(&w, '}');
	sp_buf_puts(text_out, "\n");
	return text_out->failed ? SP_RETRY : SP_OK;
}

/* ---- reading ---- */

enum sp_status
sp_outcome_status(const char *text, size_t len, int *status_out)
{
	const struct json_t *status;
	struct json_t *json;
	enum sp_status st;
	int n;

	if ((st = sp_json_parse(text, len, &json, NULL)) != SP_OK)
		return st;
	status = sp_json_get(json, "status");
	n = sp_json_text(status) == NULL ? sp_report_status(status) : -1;
	sp_json_free(json);
	if (n < 0)
		return SP_BAD;
	*status_out = n;
	return SP_OK;
}

static bool
object_is(const char *line, size_t len)
{
	struct json_t *json;
	bool is;

	if (len < 2 || len > SP_OUTCOME_MAX || line[0] != '{' ||
	    line[len - 1] != '}')
		return false;
	is = sp_json_parse_loose(line, len, &json, NULL, NULL) == SP_OK;
	sp_json_free(json);
	return is;
}

const char *
sp_outcome_find(const char *text, size_t len, size_t *len_out)
{
	const char *end = text + len, *line, *last;

	while (end > text) {
		line = memrchr(text, '\n', (size_t)(end - text));
		line = line == NULL ? text : line + 1;
		for (last = end; last > line && strchr(" \t\r", last[-1]) &&
		     last[-1] != '\0';)
			last--;
		end = line > text ? line - 1 : text;
		while (line < last && (*line == ' ' || *line == '\t'))
			line++;
		if (object_is(line, (size_t)(last - line))) {
			*len_out = (size_t)(last - line);
			return line;
		}
	}
	return NULL;
}
