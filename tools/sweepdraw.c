/*
 * sweepdraw.c - the parameters of each run of a sweep: the place of a grid that
 * is its, or what the dice say.  Pure: the dice are the seed's.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sweepplan.h"

#define TAU 6.283185307179586476925286766559

/* ---- dice ---- */

/* splitmix64: any two seeds and runs have streams of their own. */
static uint64_t
roll(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 <= u < 1 */
static double
uniform(uint64_t *state)
{
	return (double)(roll(state) >> 11) * 0x1p-53;
}

static double
normal(uint64_t *state)
{
	double u = 1 - uniform(state), v = uniform(state);

	return sqrt(-2 * log(u)) * cos(TAU * v);
}

/* ---- one parameter ---- */

/* To ten digits, which is more than anybody means, and hides that logarithms
 * differ from machine to machine in the last one. */
static void
put_real(struct sp_buf *b, double x)
{
	char text[40];

	(void)snprintf(text, sizeof text, "%.10g", x);
	sp_json_put_real(b, strtod(text, NULL));
}

static bool
whole_is(double x)
{
	return fabs(x) < 9e15 && x - floor(x) <= 0;
}

static void
put_rounded(struct sp_buf *b, const struct sweep_param *p, double x)
{
	if (!(p->q > 0)) {
		put_real(b, x);
		return;
	}
	x = nearbyint(x / p->q) * p->q;
	if (whole_is(p->q) && whole_is(x))
		sp_buf_printf(b, "%lld", (long long)x);
	else
		put_real(b, x);
}

static size_t
pick(const struct sweep_param *p, uint64_t *dice)
{
	double u = uniform(dice);
	size_t i;

	if (p->weight == NULL)
		return (size_t)(u * (double)p->value.n);
	for (i = 0; i + 1 < p->value.n && u >= p->weight[i]; i++)
		;
	return i;
}

static void
draw(const struct sweep_param *p, uint64_t *dice, struct sp_buf *b)
{
	double x = 0;

	switch (p->shape) {
	case SWEEP_VALUES:
		sp_buf_puts(b, sp_names_at(&p->value, pick(p, dice)));
		return;
	case SWEEP_WHOLE:
		x = p->min + floor(uniform(dice) * (p->max - p->min + 1));
		sp_buf_printf(b, "%lld", (long long)x);
		return;
	case SWEEP_UNIFORM:
		x = p->min + uniform(dice) * (p->max - p->min);
		break;
	case SWEEP_LOG:
		x = exp(
		    log(p->min) + uniform(dice) * (log(p->max) - log(p->min)));
		break;
	case SWEEP_INV_LOG:
		x = exp(
		    log(p->max) - uniform(dice) * (log(p->max) - log(p->min)));
		break;
	case SWEEP_NORMAL:
		x = p->mu + p->sigma * normal(dice);
		break;
	case SWEEP_LOG_NORMAL:
		x = exp(p->mu + p->sigma * normal(dice));
		break;
	}
	put_rounded(b, p, x);
}

/* ---- grids ---- */

/* How many values has it there?  0: any number. */
static int64_t
values_of(const struct sweep_param *p)
{
	if (p->shape == SWEEP_VALUES)
		return (int64_t)p->value.n;
	if (p->shape == SWEEP_WHOLE)
		return (int64_t)(p->max - p->min) + 1;
	if (p->shape == SWEEP_UNIFORM && p->q > 0)
		return (int64_t)((p->max - p->min) / p->q + 1e-9) + 1;
	return 0;
}

int64_t
sweep_count(const struct sweep_plan *plan)
{
	int64_t n = 1, k;
	size_t i;

	if (plan->random)
		return -1;
	for (i = 0; i < plan->n; i++) {
		k = values_of(&plan->param[i]);
		if (k <= 0 || n > INT64_MAX / k)
			return INT64_MAX;
		n *= k;
	}
	return n;
}

static void
at(const struct sweep_param *p, int64_t i, struct sp_buf *b)
{
	if (p->shape == SWEEP_VALUES)
		sp_buf_puts(b, sp_names_at(&p->value, (size_t)i));
	else if (p->shape == SWEEP_WHOLE)
		sp_buf_printf(b, "%lld", (long long)p->min + (long long)i);
	else
		put_rounded(b, p, p->min + (double)i * p->q);
}

/* As loops, one in the other, the last parameter innermost. */
static int64_t
place(const struct sweep_plan *plan, size_t param, int64_t i)
{
	size_t k;

	for (k = plan->n; k-- > param + 1;)
		i /= values_of(&plan->param[k]);
	return i % values_of(&plan->param[param]);
}

enum sp_status
sweep_draw(const struct sweep_plan *plan, uint64_t seed, int64_t i,
    struct sp_names *set_out)
{
	uint64_t run = (uint64_t)i, dice = seed ^ roll(&run);
	struct sp_buf b = SP_BUF_INIT(SP_JOB_MAX);
	enum sp_status st = SP_OK;
	size_t k;

	for (k = 0; k < plan->n && st == SP_OK; k++) {
		const struct sweep_param *p = &plan->param[k];

		sp_buf_reset(&b);
		sp_buf_printf(&b, "%s=", p->path);
		if (plan->random)
			draw(p, &dice, &b);
		else
			at(p, place(plan, k, i), &b);
		st = b.failed ? SP_RETRY
			      : sp_names_add(set_out, sp_buf_text(&b));
	}
	sp_buf_clear(&b);
	return st;
}

/* ---- in words ---- */

static void
values_words(const struct sweep_param *p, char words_out[SWEEP_WORDS])
{
	size_t i, n = 0;

	for (i = 0; i < p->value.n && n < SWEEP_WORDS - 40; i++)
		n += (size_t)snprintf(words_out + n, SWEEP_WORDS - n, "%s%.40s",
		    i > 0 ? ", " : "", sp_names_at(&p->value, i));
	if (i < p->value.n && n < SWEEP_WORDS)
		(void)snprintf(
		    words_out + n, SWEEP_WORDS - n, ", ... (%zu)", p->value.n);
}

void
sweep_words(const struct sweep_param *p, char words_out[SWEEP_WORDS])
{
	char by[40] = "";

	words_out[0] = '\0';
	if (p->q > 0)
		(void)snprintf(by, sizeof by, ", by %.6g", p->q);
	if (p->shape == SWEEP_VALUES)
		values_words(p, words_out);
	else if (p->shape == SWEEP_NORMAL || p->shape == SWEEP_LOG_NORMAL)
		(void)snprintf(words_out, SWEEP_WORDS,
		    "%s, mu %.6g, sigma %.6g%s", p->said, p->mu, p->sigma, by);
	else
		(void)snprintf(words_out, SWEEP_WORDS, "%s, %.6g to %.6g%s",
		    p->said, p->min, p->max, by);
}
