/*
 * curve.c - one metric of a run, folded rung by rung as its lines come, for
 * prune.c; and what one line says of a metric.  Pure.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/metric.h"
#include "libspool/prune.h"

void
sp_curve_init(struct sp_curve *c)
{
	(void)memset(c, 0, sizeof *c);
	c->step = NAN;
}

void
sp_curve_clear(struct sp_curve *c)
{
	free(c->best);
	sp_curve_init(c);
}

void
sp_curve_file(struct sp_curve *c, const struct sp_name *attempt)
{
	c->attempt = attempt->attempt;
	c->ticket = attempt->ticket;
	(void)strcpy(c->worker, attempt->worker);
	c->at = 0;
	c->skip = false;
}

/* ---- one line ---- */

/* As metric.c takes them: null stands for what is not finite. */
static bool
number_is(const struct json_t *json, double *value_out)
{
	enum sp_json_kind kind = sp_json_kind(json);

	if (json == NULL ||
	    (kind != SP_JSON_INT && kind != SP_JSON_REAL &&
		kind != SP_JSON_NULL))
		return false;
	*value_out = sp_json_real(json, NAN);
	if (!isfinite(*value_out))
		*value_out = NAN;
	return true;
}

/* "val/loss" is a member of that name, or "loss" of the object "val". */
static bool
value_of(const struct json_t *line, const char *metric, double *value_out)
{
	const char *slash = metric;
	char before[SP_PRUNE_NAME + 1];
	const struct json_t *inner;

	if (number_is(sp_json_get(line, metric), value_out))
		return true;
	while ((slash = strchr(slash, '/')) != NULL) {
		if ((size_t)(slash - metric) >= sizeof before)
			return false;
		(void)memcpy(before, metric, (size_t)(slash - metric));
		before[slash - metric] = '\0';
		slash++;
		inner = sp_json_get(line, before);
		if (sp_json_kind(inner) == SP_JSON_OBJECT &&
		    number_is(sp_json_get(inner, slash), value_out))
			return true;
	}
	return false;
}

bool
sp_curve_line(const char *text, size_t len, const char *metric,
    double *step_out, double *value_out)
{
	struct json_t *line;
	bool has;

	if (len > SP_METRIC_LINE ||
	    sp_json_parse_loose(text, len, &line, NULL, NULL) != SP_OK)
		return false;
	has = value_of(line, metric, value_out);
	if (has && !number_is(sp_json_get(line, "step"), step_out) &&
	    !number_is(sp_json_get(line, "epoch"), step_out))
		*step_out = NAN;
	sp_json_free(line);
	return has;
}

/* ---- folding ---- */

static void
take(struct sp_curve *c, const struct sp_prune *p, double step, double value)
{
	double *more;
	size_t k, n;

	if (!(c->step >= step))
		c->step = step;
	/* The first rung at or behind the step. */
	k = sp_prune_rungs(p, step);
	if (k > 0 && sp_prune_rung(p, k - 1) >= step)
		k--;
	if (k >= SP_RUNGS || isnan(value))
		return;
	if (k >= c->n) {
		n = k + 1 + k / 2;
		if ((more = realloc(c->best, n * sizeof *more)) == NULL)
			return;
		c->best = more;
		while (c->n < n)
			c->best[c->n++] = NAN;
	}
	if (isnan(c->best[k]) ||
	    (p->max ? value > c->best[k] : value < c->best[k]))
		c->best[k] = value;
}

static void
take_line(
    struct sp_curve *c, const struct sp_prune *p, const char *text, size_t len)
{
	double step = NAN, value = NAN;

	if (!sp_curve_line(text, len, p->metric, &step, &value))
		return;
	c->lines++;
	take(c, p, isnan(step) ? (double)c->lines : step, value);
}

size_t
sp_curve_add(
    struct sp_curve *c, const struct sp_prune *p, const char *text, size_t len)
{
	size_t at = 0;
	const char *nl;

	while ((nl = memchr(text + at, '\n', len - at)) != NULL) {
		if (!c->skip)
			take_line(c, p, text + at, (size_t)(nl - text) - at);
		c->skip = false;
		at = (size_t)(nl - text) + 1;
	}
	if (!c->skip && len - at > SP_METRIC_LINE)
		c->skip = true;
	if (c->skip)
		at = len;
	c->at += (int64_t)at;
	return at;
}
