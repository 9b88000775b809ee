/*
 * sweepparam.c - `parameters` of a sweep file, with W&B's distributions.  Pure.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sweepin.h"

#define LEVELS 16 /* of nested parameters */

/* W&B's names. */
static const struct dist {
	const char *name;
	enum sweep_shape shape;
	bool exponents; /* min and max are powers of e */
	bool rounds;    /* q counts */
} dists[] = {
	{ "constant", SWEEP_VALUES, false, false },
	{ "categorical", SWEEP_VALUES, false, false },
	{ "categorical_w_probabilities", SWEEP_VALUES, false, false },
	{ "uniform", SWEEP_UNIFORM, false, false },
	{ "q_uniform", SWEEP_UNIFORM, false, true },
	{ "int_uniform", SWEEP_WHOLE, false, false },
	{ "log_uniform", SWEEP_LOG, true, false },
	{ "log_uniform_values", SWEEP_LOG, false, false },
	{ "q_log_uniform", SWEEP_LOG, true, true },
	{ "q_log_uniform_values", SWEEP_LOG, false, true },
	{ "inv_log_uniform", SWEEP_INV_LOG, true, false },
	{ "inv_log_uniform_values", SWEEP_INV_LOG, false, false },
	{ "normal", SWEEP_NORMAL, false, false },
	{ "q_normal", SWEEP_NORMAL, false, true },
	{ "log_normal", SWEEP_LOG_NORMAL, false, false },
	{ "q_log_normal", SWEEP_LOG_NORMAL, false, true },
};

#define DISTS (sizeof dists / sizeof *dists)

static const char *const known[] = { "value", "values", "min", "max", "mu",
	"sigma", "q", "distribution", "probabilities", NULL };

/* One that is being read. */
struct one {
	struct sweep_in *in;
	const struct json_t *v;
	const char *field; /* in the file */
	struct sweep_param *p;
	const struct dist *dist;
};

static const struct json_t *
get(const struct one *o, const char *key)
{
	const struct json_t *v = sp_json_get(o->v, key);

	return strcmp(key, "value") != 0 && sp_json_kind(v) == SP_JSON_NULL
	    ? NULL
	    : v;
}

static enum sp_status
wrong(const struct one *o, const char *key, const char *expected)
{
	char field[300];

	(void)snprintf(field, sizeof field, "%.230s.%s", o->field, key);
	if (get(o, key) == NULL)
		return sweep_wrong(
		    o->in, o->field, "%s is missing: give %s", key, expected);
	return sweep_found(o->in, field, get(o, key), expected);
}

/* Which distribution is meant, as W&B guesses. */
static const char *
usual(const struct one *o)
{
	if (get(o, "values") != NULL)
		return "categorical";
	if (get(o, "value") != NULL)
		return "constant";
	if (sp_json_kind(get(o, "min")) == SP_JSON_INT &&
	    sp_json_kind(get(o, "max")) == SP_JSON_INT)
		return "int_uniform";
	if (get(o, "mu") != NULL || get(o, "sigma") != NULL)
		return "normal";
	return "uniform";
}

static enum sp_status
take_dist(struct one *o)
{
	const struct json_t *v = get(o, "distribution");
	const char *name = v == NULL ? usual(o) : sp_json_text(v);
	const char *names[DISTS + 1], *near = NULL;
	char field[300];
	size_t i;

	for (i = 0; i < DISTS; i++) {
		if (name != NULL && strcmp(name, dists[i].name) == 0) {
			o->dist = &dists[i];
			o->p->shape = dists[i].shape;
			o->p->said = dists[i].name;
			return SP_OK;
		}
		names[i] = dists[i].name;
	}
	names[DISTS] = NULL;
	if (name != NULL &&
	    (strcmp(name, "beta") == 0 || strcmp(name, "q_beta") == 0)) {
		(void)snprintf(
		    field, sizeof field, "%.230s.distribution", o->field);
		return sweep_wrong(o->in, field,
		    "%s is not among those that we draw; give values, or drive "
		    "the sweep by 'spool ask'",
		    name);
	}
	if (name != NULL)
		near = sp_nearest(name, names);
	return wrong(o, "distribution",
	    near != NULL ? near
			 : "uniform, log_uniform_values, int_uniform, normal, "
			   "or another of W&B's");
}

/* ---- values ---- */

static enum sp_status
add_value(struct one *o, const struct json_t *v)
{
	struct sp_buf b = SP_BUF_INIT(SP_JOB_MAX);
	enum sp_status st;

	sp_json_put(&b, v);
	st = b.failed ? SP_RETRY : sp_names_add(&o->p->value, b.data);
	sp_buf_clear(&b);
	return st == SP_OK ? st : sp_err_set(o->in->err, st, "no memory");
}

static enum sp_status
take_weights(struct one *o)
{
	const struct json_t *v = get(o, "probabilities");
	size_t i, n = o->p->value.n;
	double sum = 0, one;

	if (v == NULL)
		return SP_OK;
	if (sp_json_kind(v) != SP_JSON_LIST || sp_json_count(v) != n)
		return wrong(o, "probabilities", "one for each of values");
	if ((o->p->weight = calloc(n, sizeof *o->p->weight)) == NULL)
		return sp_err_set(o->in->err, SP_RETRY, "no memory");
	for (i = 0; i < n; i++) {
		one = sp_json_real(sp_json_at(v, i), -1);
		if (!(one >= 0 && one <= 1))
			return wrong(o, "probabilities",
			    "a list of numbers from 0 to 1");
		o->p->weight[i] = sum += one;
	}
	if (fabs(sum - 1) > 1e-6)
		return sweep_wrong(o->in, o->field,
		    "probabilities have the sum %.6g, expected 1", sum);
	return SP_OK;
}

static enum sp_status
take_values(struct one *o)
{
	const struct json_t *v = get(o, "values");
	enum sp_status st = SP_OK;
	size_t i;

	if (strcmp(o->dist->name, "constant") == 0)
		return get(o, "value") != NULL
		    ? add_value(o, get(o, "value"))
		    : wrong(o, "value", "the one value that it has");
	if (sp_json_kind(v) != SP_JSON_LIST || sp_json_count(v) == 0)
		return wrong(o, "values", "a list of at least one");
	for (i = 0; st == SP_OK && i < sp_json_count(v); i++)
		st = add_value(o, sp_json_at(v, i));
	return st == SP_OK ? take_weights(o) : st;
}

/* ---- ranges ---- */

static enum sp_status
number(struct one *o, const char *key, const char *expected, double *out)
{
	const struct json_t *v = get(o, key);

	if (sp_json_kind(v) != SP_JSON_INT && sp_json_kind(v) != SP_JSON_REAL)
		return wrong(o, key, expected);
	*out = sp_json_real(v, 0);
	return SP_OK;
}

static enum sp_status
take_q(struct one *o)
{
	if (!o->dist->rounds)
		return get(o, "q") == NULL
		    ? SP_OK
		    : sweep_wrong(o->in, o->field,
			  "q is for q_%s; say \"distribution: q_%s\", or leave "
			  "it out",
			  o->dist->name, o->dist->name);
	o->p->q = 1;
	if (get(o, "q") != NULL &&
	    (number(o, "q", "a number above 0", &o->p->q) != SP_OK ||
		!(o->p->q > 0)))
		return o->p->q > 0 ? SP_BAD : wrong(o, "q", "a number above 0");
	return SP_OK;
}

static enum sp_status
take_bell(struct one *o)
{
	enum sp_status st = SP_OK;

	o->p->mu = 0;
	o->p->sigma = 1;
	if (get(o, "mu") != NULL)
		st = number(o, "mu", "a number", &o->p->mu);
	if (st == SP_OK && get(o, "sigma") != NULL)
		st = number(o, "sigma", "a number above 0", &o->p->sigma);
	if (st == SP_OK && !(o->p->sigma > 0))
		st = wrong(o, "sigma", "a number above 0");
	return st;
}

static enum sp_status
take_log_range(struct one *o)
{
	struct sweep_param *p = o->p;

	if (o->dist->exponents) {
		if (p->max > 300 || p->min < -300)
			return sweep_wrong(o->in, o->field,
			    "min and max of %s are exponents of e, as -9.2 for "
			    "0.0001; for the values themselves say "
			    "\"distribution: %s_values\"",
			    o->dist->name, o->dist->name);
		p->min = exp(p->min);
		p->max = exp(p->max);
		if (p->shape == SWEEP_INV_LOG) { /* of 1/x */
			double least = 1 / p->max;

			p->max = 1 / p->min;
			p->min = least;
		}
	}
	return p->min > 0 ? SP_OK : wrong(o, "min", "a number above 0");
}

static enum sp_status
take_range(struct one *o)
{
	struct sweep_param *p = o->p;
	enum sp_status st;

	if ((st = number(o, "min", "a number", &p->min)) != SP_OK ||
	    (st = number(o, "max", "a number", &p->max)) != SP_OK)
		return st;
	if (!(p->min <= p->max))
		return wrong(o, "max", "a number that is not below min");
	if (p->shape == SWEEP_WHOLE &&
	    (sp_json_kind(get(o, "min")) != SP_JSON_INT ||
		sp_json_kind(get(o, "max")) != SP_JSON_INT ||
		fabs(p->min) > 1e15 || fabs(p->max) > 1e15))
		return wrong(o,
		    sp_json_kind(get(o, "min")) != SP_JSON_INT ? "min" : "max",
		    "a whole number");
	return p->shape == SWEEP_LOG || p->shape == SWEEP_INV_LOG
	    ? take_log_range(o)
	    : SP_OK;
}

/* ---- one, and all ---- */

static struct sweep_param *
param_new(struct sweep_plan *plan, const char *path, const char *field)
{
	struct sweep_param *p, *more;
	size_t most;

	if (plan->n == plan->most) {
		most = plan->most == 0 ? 16 : plan->most * 2;
		more = realloc(plan->param, most * sizeof *more);
		if (more == NULL)
			return NULL;
		plan->param = more;
		plan->most = most;
	}
	p = &plan->param[plan->n++];
	(void)memset(p, 0, sizeof *p);
	p->path = strdup(path);
	p->field = strdup(field);
	return p->path == NULL || p->field == NULL ? NULL : p;
}

static enum sp_status
take_one(struct sweep_in *in, const char *path, const char *field,
    const struct json_t *v)
{
	struct one o = { .in = in, .v = v, .field = field };
	enum sp_status st;
	struct json_t *value;
	const char *member;
	void *iter = NULL;
	char inner[300];
	size_t i;

	while (sp_json_next(v, &iter, &member, &value)) {
		for (i = 0; known[i] != NULL && strcmp(known[i], member) != 0;)
			i++;
		(void)snprintf(
		    inner, sizeof inner, "%.200s.%.60s", field, member);
		if (known[i] == NULL)
			return sweep_unknown(in, inner, member, known);
	}
	if ((o.p = param_new(in->plan, path, field)) == NULL)
		return sp_err_set(in->err, SP_RETRY, "no memory");
	if ((st = take_dist(&o)) != SP_OK || (st = take_q(&o)) != SP_OK)
		return st;
	if (o.p->shape == SWEEP_VALUES)
		return take_values(&o);
	if (o.p->shape == SWEEP_NORMAL || o.p->shape == SWEEP_LOG_NORMAL)
		return take_bell(&o);
	return take_range(&o);
}

/* What is above is nested: its own `parameters`. */
static enum sp_status
take_level(struct sweep_in *in, const char *above, const char *field,
    const struct json_t *v, int level)
{
	enum sp_status st = SP_OK;
	struct json_t *value;
	const char *name;
	void *iter = NULL;
	char path[200], at[260], inner[280];

	if (level == LEVELS)
		return sweep_wrong(in, field, "is nested too deep");
	while (st == SP_OK && sp_json_next(v, &iter, &name, &value)) {
		int n = snprintf(path, sizeof path, "%s%s%s", above,
		    *above != '\0' ? "." : "", name);
		int m = snprintf(at, sizeof at, "%s.%s", field, name);

		if (n < 0 || n >= (int)sizeof path || m < 0 ||
		    m >= (int)sizeof at)
			return sweep_wrong(in, field, "a name is too long");
		if (sp_json_kind(value) != SP_JSON_OBJECT)
			return sweep_wrong(in, at,
			    "write what it may be: {value: ...}, {values: "
			    "[...]} or {min: ..., max: ...}");
		if (strchr(name, '=') != NULL || *name == '\0')
			return sweep_wrong(
			    in, at, "a name is not empty, and has no =");
		(void)snprintf(inner, sizeof inner, "%s.parameters", at);
		st = sp_json_kind(sp_json_get(value, "parameters")) ==
			    SP_JSON_OBJECT &&
			sp_json_count(value) == 1
		    ? take_level(in, path, inner,
			  sp_json_get(value, "parameters"), level + 1)
		    : take_one(in, path, at, value);
	}
	return st;
}

enum sp_status
sweep_params(struct sweep_in *in, const char *field, const struct json_t *v)
{
	if (sp_json_kind(v) != SP_JSON_OBJECT)
		return sweep_found(in, field, v,
		    "names, each with values, value, or min and max");
	return take_level(in, "", field, v, 0);
}
