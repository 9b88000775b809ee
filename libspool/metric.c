/*
 * metric.c - folding a script's metrics, line by line, into a summary of fixed
 * size.  Pure; metrictext.c prints it, metricread.c has the files.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "libspool/metric.h"

#define TIME_MAX 253402300799.0 /* the last second of 9999 */

static const struct sp_mark no_mark = { NAN, NAN, NAN, NAN };

void
sp_metrics_init(struct sp_metrics *m)
{
	(void)memset(m, 0, sizeof *m);
	m->now = m->from = m->to = no_mark;
}

void
sp_metrics_file(struct sp_metrics *m, const struct sp_name *attempt)
{
	m->attempt = attempt->attempt;
	m->ticket = attempt->ticket;
	(void)strcpy(m->worker, attempt->worker);
	m->at = 0;
	m->skip = false;
	m->from = m->to = no_mark;
}

/* ---- which is better ---- */

/* The next word to the left of *end, in lower case: letters and digits, and a
 * new one begins at a capital behind a small letter. */
static bool
word_left(const char *key, size_t *end, char word[16])
{
	size_t n = *end, first;

	while (n > 0 && !isalnum((unsigned char)key[n - 1]))
		n--;
	for (first = n; first > 0 && isalnum((unsigned char)key[first - 1]);)
		if (isupper((unsigned char)key[--first]) && first > 0 &&
		    islower((unsigned char)key[first - 1]))
			break;
	*end = first;
	if (first == n)
		return false;
	if (n - first >= 16)
		n = first + 15;
	for (word[n - first] = '\0'; n-- > first;)
		word[n - first] = (char)tolower((unsigned char)key[n]);
	return true;
}

static bool
among(const char *const *list, const char *word)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

enum sp_best
sp_metric_best(const char *key)
{
	static const char *const less[] = { "loss", "error", "err", "mae",
		"mse", "rmse", "mape", "nll", "perplexity", "ppl", NULL };
	static const char *const more[] = { "accuracy", "acc", "f1", "auc",
		"r2", "score", "precision", "recall", "iou", "reward", NULL };
	enum sp_best best = SP_BEST_NONE;
	size_t end = strlen(key);
	char word[16];

	while (word_left(key, &end, word)) {
		if (best == SP_BEST_NONE)
			best = among(less, word) ? SP_BEST_MIN
			    : among(more, word)  ? SP_BEST_MAX
						 : SP_BEST_NONE;
		/* neg_mean_squared_error, as scikit-learn scores */
		else if (strcmp(word, "neg") == 0)
			return best == SP_BEST_MIN ? SP_BEST_MAX : SP_BEST_MIN;
	}
	return best;
}

const struct sp_metric *
sp_metrics_get(const struct sp_metrics *m, const char *key)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (strcmp(m->key[i].key, key) == 0)
			return &m->key[i];
	return NULL;
}

const struct sp_metric *
sp_metrics_main(const struct sp_metrics *m, const char *key, enum sp_best kind)
{
	const struct sp_metric *found = sp_metrics_get(m, key);
	size_t i;

	for (i = 0; found == NULL && i < m->n; i++)
		if (sp_metric_best(m->key[i].key) == kind)
			found = &m->key[i];
	return found;
}

/* ---- folding ---- */

static struct sp_metric *
key_of(struct sp_metrics *m, const char *key)
{
	struct sp_metric *found = NULL;
	size_t i;

	for (i = 0; i < m->n; i++)
		if (strcmp(m->key[i].key, key) == 0)
			return &m->key[i];
	if (m->n < SP_METRIC_KEYS && strlen(key) <= SP_METRIC_KEY) {
		found = &m->key[m->n++];
		(void)memset(found, 0, sizeof *found);
		(void)strcpy(found->key, key);
		found->min_at = found->max_at = NAN;
	}
	return found;
}

static void
take_number(struct sp_metrics *m, const char *key, double value, double step)
{
	struct sp_metric *k = key_of(m, key);

	if (k == NULL) {
		m->more++;
		return;
	}
	k->last_odd = !isfinite(value);
	if (k->last_odd) {
		k->odd++;
		return;
	}
	k->last = value;
	if (k->n == 0 || value < k->min) {
		k->min = value;
		k->min_at = step;
	}
	if (k->n == 0 || value > k->max) {
		k->max = value;
		k->max_at = step;
	}
	k->n++;
}

/* A number, or what stands for one that is not finite; false: neither. */
static bool
number_is(const struct json_t *json, double *value_out)
{
	switch (sp_json_kind(json)) {
	case SP_JSON_INT:
	case SP_JSON_REAL:
		*value_out = sp_json_real(json, NAN);
		return true;
	case SP_JSON_NULL:
		*value_out = NAN;
		return true;
	case SP_JSON_BOOL:
	case SP_JSON_TEXT:
	case SP_JSON_LIST:
	case SP_JSON_OBJECT:
		break;
	}
	return false;
}

/* Members of the line, or of an object in it, whose name then stands in
 * front. */
static void
take_members(struct sp_metrics *m, const struct json_t *json,
    const char *before, double step)
{
	static const char *const marks[] = { "step", "epoch", "time",
		"progress", NULL };
	char path[2 * SP_METRIC_KEY + 3];
	struct json_t *value;
	const char *key;
	void *iter = NULL;
	double number;

	while (sp_json_next(json, &iter, &key, &value)) {
		if (before == NULL && among(marks, key))
			continue;
		if (sp_json_kind(value) == SP_JSON_OBJECT) {
			if (before == NULL)
				take_members(m, value, key, step);
			continue;
		}
		if (!number_is(value, &number))
			continue;
		if (before != NULL) {
			/* cut, it is too long still */
			(void)snprintf(path, sizeof path, "%.*s/%.*s",
			    SP_METRIC_KEY + 1, before, SP_METRIC_KEY, key);
			key = path;
		}
		take_number(m, key, number, step);
	}
}

static double
mark_of(const struct json_t *line, const char *key, double least, double most)
{
	const struct json_t *json = sp_json_get(line, key);
	double value = NAN;

	if (json == NULL || !number_is(json, &value) || !(value >= least) ||
	    !(value <= most))
		return NAN;
	return value;
}

static void
take_marks(struct sp_metrics *m, const struct json_t *line)
{
	struct sp_mark at = {
		.time = mark_of(line, "time", 1, TIME_MAX),
		.step = mark_of(line, "step", -1e15, 1e15),
		.epoch = mark_of(line, "epoch", -1e15, 1e15),
		.progress = mark_of(line, "progress", 0, 1),
	};

	if (!isnan(at.time))
		m->now.time = at.time;
	if (!isnan(at.step))
		m->now.step = at.step;
	if (!isnan(at.epoch))
		m->now.epoch = at.epoch;
	if (!isnan(at.progress))
		m->now.progress = at.progress;
	if (isnan(at.time) ||
	    (isnan(at.step) && isnan(at.epoch) && isnan(at.progress)))
		return;
	if (isnan(m->from.time))
		m->from = at;
	m->to = at;
}

static void
take_line(struct sp_metrics *m, const char *text, size_t len)
{
	struct json_t *json;
	double step;
	size_t i;

	for (i = 0; i < len && strchr(" \t\r", text[i]) && text[i] != '\0';)
		i++;
	if (i == len)
		return;
	if (len > SP_METRIC_LINE ||
	    sp_json_parse_loose(text, len, &json, NULL, NULL) != SP_OK) {
		m->garbage++;
		return;
	}
	m->lines++;
	take_marks(m, json);
	step = mark_of(json, "step", -1e15, 1e15);
	if (isnan(step))
		step = mark_of(json, "epoch", -1e15, 1e15);
	take_members(m, json, NULL, step);
	sp_json_free(json);
}

size_t
sp_metrics_add(struct sp_metrics *m, const char *text, size_t len)
{
	size_t at = 0;
	const char *nl;

	while ((nl = memchr(text + at, '\n', len - at)) != NULL) {
		if (!m->skip)
			take_line(m, text + at, (size_t)(nl - text) - at);
		m->skip = false;
		at = (size_t)(nl - text) + 1;
	}
	if (!m->skip && len - at > SP_METRIC_LINE) {
		m->garbage++;
		m->skip = true;
	}
	if (m->skip)
		at = len;
	m->at += (int64_t)at;
	return at;
}

/* ---- progress ---- */

static double
share(const struct sp_mark *at, const struct sp_length *length)
{
	double p = at->progress;

	if (isnan(p) && length->epochs > 0)
		p = at->epoch / length->epochs;
	if (isnan(p) && length->steps > 0)
		p = at->step / length->steps;
	if (isnan(p) && length->epochs > 0 && !(length->steps > 0))
		p = at->step / length->epochs;
	return p < 0 ? 0 : p > 1 ? 1 : p;
}

bool
sp_metrics_progress(
    const struct sp_metrics *m, const struct sp_length *length, double *out)
{
	double p = share(&m->now, length);

	if (isnan(p))
		return false;
	*out = p;
	return true;
}

bool
sp_metrics_eta(
    const struct sp_metrics *m, const struct sp_length *length, int64_t *out)
{
	double done = share(&m->to, length) - share(&m->from, length), end;

	if (!(done > 0) || !(m->to.time > m->from.time))
		return false;
	end = m->to.time +
	    (m->to.time - m->from.time) / done * (1 - share(&m->to, length));
	if (!(end <= TIME_MAX))
		return false;
	*out = (int64_t)(end * 1000);
	return true;
}
