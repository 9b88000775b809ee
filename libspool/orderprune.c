/*
 * orderprune.c - the members of `order` that make a job a run of a sweep, and
 * that say when such a run is not worth going on with.  Pure.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/metric.h"
#include "libspool/order.h"

/* ---- sweep ---- */

static enum sp_status
sweep_id(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	const char *text = sp_json_text(v);

	if (text == NULL || !sp_sweep_ok(text))
		return sp_job_wrong(key, v,
		    "what the ids of its runs begin with, as "
		    "20261122T190212345-9f3c; spool sweep sets it",
		    err);
	(void)strcpy(job->sweep.id, text);
	return SP_OK;
}

static unsigned
count(const struct json_t *v)
{
	int64_t n = sp_json_int(v, 0);

	return n > 0 && n <= SP_SWEEP_MOST ? (unsigned)n : 0;
}

/* All but id is for the reader. */
enum sp_status
sp_order_sweep(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	char field[64];

	if (sp_json_kind(v) != SP_JSON_OBJECT)
		return sweep_id(key, v, job, err);
	(void)snprintf(field, sizeof field, "%s.id", key);
	job->sweep.run = count(sp_json_get(v, "run"));
	job->sweep.runs = count(sp_json_get(v, "runs"));
	return sweep_id(field, sp_json_get(v, "id"), job, err);
}

/* ---- prune ---- */

static enum sp_status
prune_method(const char *field, const struct json_t *v, struct sp_prune *p,
    struct sp_err *err)
{
	const char *text = sp_json_text(v);

	if (text != NULL && strcmp(text, "median") == 0)
		p->method = SP_PRUNE_MEDIAN;
	else if (text != NULL && strcmp(text, "asha") == 0)
		p->method = SP_PRUNE_ASHA;
	else
		return sp_job_wrong(field, v, "\"median\" or \"asha\"", err);
	return SP_OK;
}

static enum sp_status
prune_metric(const char *field, const struct json_t *v, struct sp_prune *p,
    struct sp_err *err)
{
	const char *text = sp_order_text(v, SP_PRUNE_NAME);

	if (text == NULL)
		return sp_job_wrong(
		    field, v, "the name of a metric, as \"val/loss\"", err);
	(void)strcpy(p->metric, text);
	return SP_OK;
}

static enum sp_status
prune_mode(const char *field, const struct json_t *v, struct sp_prune *p,
    struct sp_err *err)
{
	const char *text = sp_json_text(v);

	if (text == NULL ||
	    (strcmp(text, "min") != 0 && strcmp(text, "max") != 0))
		return sp_job_wrong(
		    field, v, "\"min\" (less is better) or \"max\"", err);
	p->max = text[1] == 'a';
	return SP_OK;
}

static enum sp_status
prune_steps(const char *field, const struct json_t *v, struct sp_prune *p,
    struct sp_err *err)
{
	double n = sp_json_real(v, 0);

	if (!(n >= 1 && n <= 1e12))
		return sp_job_wrong(field, v, "a number from 1", err);
	p->steps = n;
	return SP_OK;
}

static enum sp_status
prune_reduction(const char *field, const struct json_t *v, struct sp_prune *p,
    struct sp_err *err)
{
	double n = sp_json_real(v, 0);

	if (!(n >= 1.1 && n <= 1000))
		return sp_job_wrong(field, v, "a number from 1.1 to 1000", err);
	p->reduction = n;
	return SP_OK;
}

static enum sp_status
prune_peers(const char *field, const struct json_t *v, struct sp_prune *p,
    struct sp_err *err)
{
	int64_t n = sp_json_int(v, 0);

	if (n < 1 || n > SP_SWEEP_MOST)
		return sp_job_wrong(
		    field, v, "a whole number from 1 to 65535", err);
	p->peers = (unsigned)n;
	return SP_OK;
}

static const struct {
	const char *key;
	enum sp_status (*take)(const char *field, const struct json_t *v,
	    struct sp_prune *p, struct sp_err *err);
} members[] = {
	{ "method", prune_method },
	{ "metric", prune_metric },
	{ "mode", prune_mode },
	{ "steps", prune_steps },
	{ "reduction", prune_reduction },
	{ "peers", prune_peers },
};

#define MEMBERS (sizeof members / sizeof *members)

static enum sp_status
unknown(const char *key, const char *member, struct sp_err *err)
{
	const char *known[MEMBERS + 1], *near;
	char cut[64];
	struct sp_buf shown = SP_BUF_INIT(4096);
	size_t i;

	for (i = 0; i < MEMBERS; i++)
		known[i] = members[i].key;
	known[i] = NULL;
	near = sp_nearest(member, known);
	sp_text_cut(cut, sizeof cut, member);
	sp_json_put_text(&shown, cut);
	(void)sp_err_set(err, SP_BAD,
	    near != NULL ? "%s: unknown member %s; is \"%s\" meant?"
			 : "%s: unknown member %s; there are method, metric, "
			   "mode, steps, reduction and peers",
	    key, sp_buf_text(&shown), near);
	sp_buf_clear(&shown);
	return SP_BAD;
}

/* What was not said. */
static enum sp_status
settle(const char *key, const struct json_t *v, struct sp_prune *p,
    struct sp_err *err)
{
	enum sp_best best;

	if (p->method == SP_PRUNE_NO)
		return sp_err_set(err, SP_BAD,
		    "%s.method: missing; say \"median\" or \"asha\"", key);
	if (p->metric[0] == '\0')
		return sp_err_set(err, SP_BAD,
		    "%s.metric: missing; name the metric that is compared",
		    key);
	if (p->method == SP_PRUNE_MEDIAN &&
	    sp_json_kind(sp_json_get(v, "reduction")) != SP_JSON_NULL)
		return sp_err_set(err, SP_BAD,
		    "%s.reduction: is asha's; leave it out, or say "
		    "\"method\":\"asha\"",
		    key);
	if (sp_json_kind(sp_json_get(v, "mode")) == SP_JSON_NULL) {
		best = sp_metric_best(p->metric);
		if (best == SP_BEST_NONE)
			return sp_err_set(err, SP_BAD,
			    "%s.mode: missing, and the name of the metric does "
			    "not tell: say \"min\" (less is better) or \"max\"",
			    key);
		p->max = best == SP_BEST_MAX;
	}
	if (p->peers == 0)
		p->peers = p->method == SP_PRUNE_MEDIAN ? 4 : 1;
	return SP_OK;
}

enum sp_status
sp_order_prune(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	struct sp_prune p = { .steps = 1, .reduction = 3 };
	enum sp_status st = SP_OK;
	struct json_t *value;
	void *iter = NULL;
	const char *member;
	char field[64];
	size_t i;

	if (sp_json_kind(v) != SP_JSON_OBJECT)
		return sp_job_wrong(key, v,
		    "an object as {\"method\":\"asha\",\"metric\":\"loss\"}",
		    err);
	while (st == SP_OK && sp_json_next(v, &iter, &member, &value)) {
		for (i = 0; i < MEMBERS; i++)
			if (strcmp(member, members[i].key) == 0)
				break;
		if (i == MEMBERS)
			return unknown(key, member, err);
		if (sp_json_kind(value) == SP_JSON_NULL)
			continue;
		(void)snprintf(field, sizeof field, "%s.%s", key, member);
		st = members[i].take(field, value, &p, err);
	}
	if (st == SP_OK)
		st = settle(key, v, &p, err);
	if (st == SP_OK)
		job->prune = p;
	return st;
}
