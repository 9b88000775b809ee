/*
 * metrictext.c - a summary of metrics as text: what people and the index read.
 * Pure.
 */
#include <math.h>
#include <string.h>

#include "libspool/metric.h"

void
sp_metric_put(struct sp_jw *w, const char *key, double value)
{
	if (isnan(value))
		sp_jw_null(w, key);
	else if (value >= -1e15 && value <= 1e15 &&
	    value == (double)(int64_t)value && !(value == 0 && signbit(value)))
		sp_jw_int(w, key, (int64_t)value);
	else
		sp_jw_real(w, key, value);
}

static void
put_mark(struct sp_jw *w, const char *key, const struct sp_mark *mark)
{
	sp_jw_open(w, key, '{');
	sp_metric_put(w, "time", mark->time);
	sp_metric_put(w, "step", mark->step);
	sp_metric_put(w, "epoch", mark->epoch);
	sp_metric_put(w, "progress", mark->progress);
	sp_jw_close(w, '}');
}

static void
put_value(struct sp_jw *w, const char *key, bool has, double value)
{
	if (has)
		sp_jw_real(w, key, value);
	else
		sp_jw_null(w, key);
}

static void
put_key(struct sp_jw *w, const struct sp_metric *k)
{
	enum sp_best best = sp_metric_best(k->key);
	bool has = k->n > 0, ranked = has && best != SP_BEST_NONE;

	sp_jw_open(w, k->key, '{');
	put_value(w, "last", has && !k->last_odd, k->last);
	put_value(w, "best", ranked, best == SP_BEST_MIN ? k->min : k->max);
	sp_metric_put(w, "bestStep",
	    !ranked                   ? NAN
		: best == SP_BEST_MIN ? k->min_at
				      : k->max_at);
	put_value(w, "min", has, k->min);
	sp_metric_put(w, "minStep", k->min_at);
	put_value(w, "max", has, k->max);
	sp_metric_put(w, "maxStep", k->max_at);
	sp_jw_int(w, "n", k->n);
	sp_jw_int(w, "notFinite", k->odd);
	sp_jw_close(w, '}');
}

void
sp_metrics_print(const struct sp_metrics *m, struct sp_buf *text_out)
{
	struct sp_jw w;
	size_t i;

	sp_jw_init(&w, text_out);
	sp_jw_open(&w, NULL, '{');
	sp_jw_int(&w, "attempt", m->attempt);
	sp_jw_int(&w, "ticket", m->ticket);
	sp_jw_text(&w, "worker", m->worker);
	sp_jw_int(&w, "at", m->at);
	sp_jw_bool(&w, "skip", m->skip);
	sp_jw_int(&w, "lines", m->lines);
	sp_jw_int(&w, "garbage", m->garbage);
	sp_jw_int(&w, "more", m->more);
	put_mark(&w, "now", &m->now);
	put_mark(&w, "from", &m->from);
	put_mark(&w, "to", &m->to);
	sp_jw_open(&w, "keys", '{');
	for (i = 0; i < m->n; i++)
		put_key(&w, &m->key[i]);
	sp_jw_close(&w, '}');
	sp_jw_close(&w, '}');
}

/* ---- and back ---- */

static double
real_in(const struct json_t *json, const char *key)
{
	return sp_json_real(sp_json_get(json, key), NAN);
}

static int64_t
count_in(const struct json_t *json, const char *key)
{
	int64_t n = sp_json_int(sp_json_get(json, key), 0);

	return n < 0 ? 0 : n;
}

static void
get_mark(const struct json_t *json, const char *key, struct sp_mark *mark)
{
	json = sp_json_get(json, key);
	mark->time = real_in(json, "time");
	mark->step = real_in(json, "step");
	mark->epoch = real_in(json, "epoch");
	mark->progress = real_in(json, "progress");
}

/* false: its numbers are none of ours. */
static bool
get_key(const char *key, const struct json_t *json, struct sp_metrics *m)
{
	struct sp_metric *k;

	if (m->n == SP_METRIC_KEYS || strlen(key) > SP_METRIC_KEY)
		return false;
	k = &m->key[m->n++];
	(void)strcpy(k->key, key);
	k->min_at = k->max_at = NAN;
	k->n = count_in(json, "n");
	k->odd = count_in(json, "notFinite");
	k->last = real_in(json, "last");
	k->last_odd = isnan(k->last);
	if (k->last_odd) /* whatever it was: nobody will see it */
		k->last = 0;
	if (k->n == 0)
		return k->last_odd;
	k->min = real_in(json, "min");
	k->max = real_in(json, "max");
	k->min_at = real_in(json, "minStep");
	k->max_at = real_in(json, "maxStep");
	return !isnan(k->min) && !isnan(k->max);
}

enum sp_status
sp_metrics_parse(const char *text, size_t len, struct sp_metrics *m)
{
	const struct json_t *keys;
	struct json_t *json, *value;
	const char *worker, *key;
	void *iter = NULL;
	bool good;

	sp_metrics_init(m);
	if (sp_json_parse(text, len, &json, NULL) != SP_OK)
		return SP_BAD;
	worker = sp_json_text(sp_json_get(json, "worker"));
	good = worker != NULL && (*worker == '\0' || sp_worker_ok(worker));
	if (good)
		(void)strcpy(m->worker, worker);
	m->attempt = (unsigned)(count_in(json, "attempt") % (SP_COUNT_MAX + 1));
	m->ticket = (unsigned)(count_in(json, "ticket") % (SP_COUNT_MAX + 1));
	m->at = count_in(json, "at");
	m->skip = sp_json_true(sp_json_get(json, "skip"));
	m->lines = count_in(json, "lines");
	m->garbage = count_in(json, "garbage");
	m->more = count_in(json, "more");
	get_mark(json, "now", &m->now);
	get_mark(json, "from", &m->from);
	get_mark(json, "to", &m->to);
	keys = sp_json_get(json, "keys");
	while (good && sp_json_next(keys, &iter, &key, &value))
		good = get_key(key, value, m);
	sp_json_free(json);
	return good ? SP_OK : SP_BAD;
}
