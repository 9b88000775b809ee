/*
 * sweepread.c - W&B's sweep file, as far as a queue can follow it: method,
 * metric, run_cap, early_terminate, and our own order.  Its parameters are
 * sweepparam.c's.  Pure.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sweepin.h"

enum sp_status
sweep_wrong(struct sweep_in *in, const char *field, const char *fmt, ...)
{
	size_t line = in->places != NULL ? yaml_line(in->places, field) : 0;
	char words[SP_ERR_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof words, fmt, ap);
	va_end(ap);
	if (line > 0)
		return sp_err_set(in->err, SP_BAD, "line %zu: %.100s: %.350s",
		    line, field, words);
	return sp_err_set(in->err, SP_BAD, "%.100s: %.350s", field, words);
}

enum sp_status
sweep_found(struct sweep_in *in, const char *field, const struct json_t *v,
    const char *expected)
{
	struct sp_buf b = SP_BUF_INIT(4096);
	enum sp_json_kind kind = sp_json_kind(v);
	char cut[60];
	enum sp_status st;

	if (kind == SP_JSON_LIST || kind == SP_JSON_OBJECT || v == NULL)
		sp_buf_puts(&b, sp_json_kind_text(v));
	else
		sp_json_put(&b, v);
	sp_text_cut(cut, sizeof cut, sp_buf_text(&b));
	st = sweep_wrong(in, field, "found %s, expected %s", cut, expected);
	sp_buf_clear(&b);
	return st;
}

enum sp_status
sweep_unknown(struct sweep_in *in, const char *field, const char *key,
    const char *const *known)
{
	const char *near = sp_nearest(key, known);
	char words[300] = "";
	size_t n = 0;

	if (near != NULL)
		return sweep_wrong(
		    in, field, "is not known; is \"%s\" meant?", near);
	for (; *known != NULL && n < sizeof words - 40; known++)
		n += (size_t)snprintf(words + n, sizeof words - n, "%s%s",
		    n > 0 ? ", " : "", *known);
	return sweep_wrong(in, field, "is not known; there are %s", words);
}

enum sp_status
sweep_note(struct sweep_in *in, const char *field, const char *words)
{
	char note[400];

	(void)snprintf(note, sizeof note, "%.80s: %s", field, words);
	return sp_names_add(&in->plan->notes, note) == SP_OK
	    ? SP_OK
	    : sp_err_set(in->err, SP_RETRY, "no memory");
}

/* ---- members of the file ---- */

static enum sp_status
take_method(struct sweep_in *in, const char *key, const struct json_t *v)
{
	const char *text = sp_json_text(v);

	if (text != NULL && strcmp(text, "bayes") == 0)
		return sweep_wrong(in, key,
		    "a queue does not choose parameters by what came of "
		    "others; let Optuna or the like do that, by 'spool ask' "
		    "and 'spool tell', or say \"random\"");
	if (text == NULL ||
	    (strcmp(text, "grid") != 0 && strcmp(text, "random") != 0))
		return sweep_found(in, key, v, "\"grid\" or \"random\"");
	in->plan->random = *text == 'r';
	in->method = true;
	return SP_OK;
}

static enum sp_status
take_metric(struct sweep_in *in, const char *key, const struct json_t *v)
{
	static const char *const known[] = { "name", "goal", "target", NULL };
	const char *name = sp_json_text(sp_json_get(v, "name"));
	const char *goal = sp_json_text(sp_json_get(v, "goal")), *member;
	struct json_t *value;
	void *iter = NULL;
	char field[100];

	if (sp_json_kind(v) != SP_JSON_OBJECT)
		return sweep_found(
		    in, key, v, "name and goal, as {name: loss}");
	while (sp_json_next(v, &iter, &member, &value)) {
		(void)snprintf(field, sizeof field, "metric.%.60s", member);
		if (strcmp(member, "target") == 0) {
			if (sweep_note(in, field,
				"is not heeded: all runs are made") != SP_OK)
				return SP_RETRY;
		} else if (strcmp(member, "name") != 0 &&
		    strcmp(member, "goal") != 0)
			return sweep_unknown(in, field, member, known);
	}
	if (name == NULL || *name == '\0' || strlen(name) > SP_PRUNE_NAME)
		return sweep_found(in, "metric.name", sp_json_get(v, "name"),
		    "the name of a metric, as \"val/loss\"");
	(void)strcpy(in->plan->metric, name);
	if (goal != NULL && strcmp(goal, "minimize") == 0)
		in->plan->goal = -1;
	else if (goal != NULL && strcmp(goal, "maximize") == 0)
		in->plan->goal = 1;
	else if (sp_json_kind(sp_json_get(v, "goal")) != SP_JSON_NULL)
		return sweep_found(in, "metric.goal", sp_json_get(v, "goal"),
		    "\"minimize\" or \"maximize\"");
	return SP_OK;
}

static enum sp_status
take_cap(struct sweep_in *in, const char *key, const struct json_t *v)
{
	int64_t n = sp_json_int(v, 0);

	if (n < 1)
		return sweep_found(in, key, v, "a whole number from 1");
	in->plan->cap = n;
	return SP_OK;
}

static enum sp_status
take_name(struct sweep_in *in, const char *key, const struct json_t *v)
{
	const char *text = sp_json_text(v);
	char file[300];

	if (text == NULL)
		return sweep_found(in, key, v, "a text");
	(void)snprintf(file, sizeof file, "%.250s.x", text);
	sp_label_make(file, in->plan->name);
	return SP_OK;
}

/* In a checkout it may stand anywhere; in a spool it has a name. */
static enum sp_status
take_program(struct sweep_in *in, const char *key, const struct json_t *v)
{
	const char *text = sp_json_text(v), *slash;

	if (text == NULL)
		return sweep_found(in, key, v, "the name of a script");
	slash = strrchr(text, '/');
	text = slash == NULL ? text : slash + 1;
	if (!sp_file_ok(text))
		return sweep_found(in, key, v, "the name of a script");
	(void)strcpy(in->plan->program, text);
	return SP_OK;
}

static enum sp_status
take_project(struct sweep_in *in, const char *key, const struct json_t *v)
{
	if (sp_json_text(v) == NULL)
		return sweep_found(in, key, v, "a text");
	sp_text_cut(
	    in->plan->project, sizeof in->plan->project, sp_json_text(v));
	return SP_OK;
}

static enum sp_status
take_order(struct sweep_in *in, const char *key, const struct json_t *v)
{
	struct sp_buf b = SP_BUF_INIT(SP_JOB_MAX);
	enum sp_status st = SP_OK;
	struct json_t *value;
	const char *member;
	void *iter = NULL;

	if (sp_json_kind(v) != SP_JSON_OBJECT)
		return sweep_found(
		    in, key, v, "what a job's order has, as {timeout: 2h}");
	while (st == SP_OK && sp_json_next(v, &iter, &member, &value)) {
		if (strcmp(member, "sweep") == 0)
			return sweep_wrong(in, "order.sweep",
			    "is what this verb sets; leave it out");
		in->prune = in->prune || strcmp(member, "prune") == 0;
		sp_buf_reset(&b);
		sp_buf_printf(&b, "order.%s=", member);
		sp_json_put(&b, value);
		st = b.failed ? SP_RETRY
			      : sp_names_add(&in->plan->order, b.data);
	}
	sp_buf_clear(&b);
	return st == SP_OK ? st : sp_err_set(in->err, st, "no memory");
}

static enum sp_status
ignored(struct sweep_in *in, const char *key, const struct json_t *v)
{
	(void)v;
	return sweep_note(in, key, "means nothing here, and is passed over");
}

static enum sp_status
later(struct sweep_in *in, const char *key, const struct json_t *v)
{
	(void)in, (void)key, (void)v;
	return SP_OK; /* when all others are known */
}

static const struct {
	const char *key;
	enum sp_status (*take)(
	    struct sweep_in *in, const char *key, const struct json_t *v);
} members[] = {
	{ "method", take_method },
	{ "metric", take_metric },
	{ "parameters", sweep_params },
	{ "run_cap", take_cap },
	{ "early_terminate", later },
	{ "name", take_name },
	{ "program", take_program },
	{ "project", take_project },
	{ "order", take_order },
	{ "command", ignored },
	{ "description", ignored },
	{ "entity", ignored },
	{ "controller", ignored },
};

#define MEMBERS (sizeof members / sizeof *members)

/* ---- early_terminate ---- */

/* From where on W&B's Hyperband compares: min_iter, or max_iter over eta s
 * times. */
static enum sp_status
first_rung(
    struct sweep_in *in, const struct json_t *v, double eta, double *steps_out)
{
	double least = sp_json_real(sp_json_get(v, "min_iter"), 0);
	double most = sp_json_real(sp_json_get(v, "max_iter"), 0);
	int64_t s = sp_json_int(sp_json_get(v, "s"), 0);

	if (least >= 1 && most > 0)
		return sweep_wrong(in, "early_terminate.max_iter",
		    "is another way to say min_iter; leave one out");
	if (least >= 1) {
		*steps_out = least;
		return SP_OK;
	}
	if (!(most >= 1) || s < 1 || s > 100)
		return sweep_wrong(in, "early_terminate",
		    "min_iter is missing: say from which step on runs are "
		    "compared (or max_iter and s)");
	for (*steps_out = most; s > 0; s--)
		*steps_out /= eta;
	*steps_out = *steps_out < 1 ? 1 : floor(*steps_out);
	return SP_OK;
}

static enum sp_status
take_early(struct sweep_in *in, const struct json_t *v)
{
	static const char *const known[] = { "type", "min_iter", "max_iter",
		"s", "eta", "strict", NULL };
	const char *type = sp_json_text(sp_json_get(v, "type")), *member;
	const struct json_t *eta_json = sp_json_get(v, "eta");
	double eta = sp_json_real(eta_json, eta_json == NULL ? 3 : 0),
	       steps = 1;
	struct sp_buf b = SP_BUF_INIT(4096);
	enum sp_status st;
	struct json_t *value;
	void *iter = NULL;
	char field[100];
	size_t i;

	if (sp_json_kind(v) != SP_JSON_OBJECT || type == NULL ||
	    strcmp(type, "hyperband") != 0)
		return sweep_found(in, "early_terminate.type",
		    sp_json_get(v, "type"),
		    "\"hyperband\"; order.prune has the median rule, too");
	while (sp_json_next(v, &iter, &member, &value)) {
		(void)snprintf(
		    field, sizeof field, "early_terminate.%.60s", member);
		for (i = 0; known[i] != NULL && strcmp(known[i], member) != 0;)
			i++;
		if (known[i] == NULL)
			return sweep_unknown(in, field, member, known);
	}
	if (in->prune)
		return sweep_wrong(in, "early_terminate",
		    "and order.prune say the same; leave one out");
	if (in->plan->metric[0] == '\0')
		return sweep_wrong(in, "early_terminate",
		    "compares metric.name, which is missing");
	if (!(eta >= 1.1 && eta <= 1000))
		return sweep_found(
		    in, "early_terminate.eta", eta_json, "a number from 1.1");
	if ((st = first_rung(in, v, eta, &steps)) != SP_OK)
		return st;
	sp_buf_puts(&b, "order.prune={\"method\":\"asha\",\"metric\":");
	sp_json_put_text(&b, in->plan->metric);
	if (in->plan->goal != 0)
		sp_buf_printf(
		    &b, ",\"mode\":\"%s\"", in->plan->goal > 0 ? "max" : "min");
	sp_buf_printf(&b, ",\"steps\":%.10g,\"reduction\":%.10g}", steps, eta);
	st = b.failed ? SP_RETRY : sp_names_add(&in->plan->order, b.data);
	sp_buf_clear(&b);
	return st == SP_OK ? st : sp_err_set(in->err, st, "no memory");
}

/* ---- all of it ---- */

static enum sp_status
whole(struct sweep_in *in)
{
	const struct sweep_plan *plan = in->plan;
	size_t i;

	if (!in->method)
		return sweep_wrong(
		    in, "method", "missing; say \"grid\" or \"random\"");
	if (plan->n == 0)
		return sweep_wrong(in, "parameters",
		    "missing; name at least one, as {learningRate: {values: "
		    "[0.1, 0.01]}}");
	for (i = 0; !plan->random && i < plan->n; i++) {
		const struct sweep_param *p = &plan->param[i];

		if (p->weight != NULL)
			return sweep_wrong(in, p->field,
			    "probabilities mean nothing in a grid; leave them "
			    "out, or say \"method: random\"");
		if (p->shape == SWEEP_VALUES || p->shape == SWEEP_WHOLE ||
		    (p->shape == SWEEP_UNIFORM && p->q > 0))
			continue;
		return sweep_wrong(in, p->field,
		    "%s has no end of values, so there is no grid of them; "
		    "give values, or say \"method: random\"",
		    p->said);
	}
	return SP_OK;
}

enum sp_status
sweep_read(const struct json_t *json, const struct yaml_places *places,
    struct sweep_plan *plan, struct sp_err *err)
{
	struct sweep_in in = { .plan = plan, .places = places, .err = err };
	const char *known[MEMBERS + 1], *key;
	enum sp_status st = SP_OK;
	struct json_t *value;
	void *iter = NULL;
	size_t i;

	(void)memset(plan, 0, sizeof *plan);
	for (i = 0; i < MEMBERS; i++)
		known[i] = members[i].key;
	known[MEMBERS] = NULL;
	while (st == SP_OK && sp_json_next(json, &iter, &key, &value)) {
		for (i = 0; i < MEMBERS; i++)
			if (strcmp(key, members[i].key) == 0)
				break;
		if (i == MEMBERS)
			return sweep_unknown(&in, key, key, known);
		if (sp_json_kind(value) != SP_JSON_NULL)
			st = members[i].take(&in, key, value);
	}
	value = sp_json_get(json, "early_terminate");
	if (st == SP_OK && sp_json_kind(value) != SP_JSON_NULL)
		st = take_early(&in, value);
	return st == SP_OK ? whole(&in) : st;
}

void
sweep_clear(struct sweep_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->n; i++) {
		free(plan->param[i].path);
		free(plan->param[i].field);
		free(plan->param[i].weight);
		sp_names_clear(&plan->param[i].value);
	}
	free(plan->param);
	sp_names_clear(&plan->order);
	sp_names_clear(&plan->notes);
	(void)memset(plan, 0, sizeof *plan);
}
