/*
 * rowtake.c - a row out of the JSON object that sp_row_print makes of it.  Who
 * made it may be a stranger: what does not fit is cut or left out.  Pure.
 */
#include <math.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/row.h"

static void
text_take(const struct json_t *json, const char *key, char *out, size_t size)
{
	sp_text_cut(out, size, sp_json_text(sp_json_get(json, key)));
}

static bool
number_take(const struct json_t *json, const char *key, double *out)
{
	double n = sp_json_real(sp_json_get(json, key), NAN);

	*out = isfinite(n) ? n : 0;
	return isfinite(n);
}

static int64_t
time_take(const struct json_t *json, const char *key)
{
	const char *text = sp_json_text(sp_json_get(json, key));
	int64_t ms;

	return text != NULL && sp_time_parse(text, &ms) && ms > 0 ? ms : 0;
}

enum sp_status
sp_row_take(const struct json_t *json, struct sp_row *row_out)
{
	const char *order = sp_json_text(sp_json_get(json, "order"));
	const char *state = sp_json_text(sp_json_get(json, "state"));
	struct sp_row row;
	int64_t status;

	(void)memset(&row, 0, sizeof row);
	if (order == NULL || sp_name_parse(order, &row.name) != SP_OK ||
	    state == NULL || !sp_state_parse(state, &row.state))
		return SP_BAD;
	text_take(json, "name", row.title, sizeof row.title);
	text_take(json, "script", row.script, sizeof row.script);
	text_take(json, "data", row.data, sizeof row.data);
	text_take(json, "project", row.project, sizeof row.project);
	text_take(json, "retryOf", row.retry_of, sizeof row.retry_of);
	text_take(json, "owner", row.owner, sizeof row.owner);
	text_take(json, "cause", row.cause, sizeof row.cause);
	text_take(json, "error", row.error, sizeof row.error);
	status = sp_json_int(sp_json_get(json, "status"), 0);
	row.status = status > 0 && status < 1000000 ? (int)status : 0;
	row.has_loss = number_take(json, "loss", &row.loss);
	row.has_metric = number_take(json, "metric", &row.metric);
	row.has_step = number_take(json, "step", &row.step);
	row.has_progress = number_take(json, "progress", &row.progress);
	row.has_seconds = number_take(json, "seconds", &row.seconds);
	row.eta = time_take(json, "eta");
	row.started = time_take(json, "started");
	row.finished = time_take(json, "finished");
	/* Whether it has metrics is not said; looking for them tells. */
	row.has_metrics = true;
	*row_out = row;
	return SP_OK;
}
