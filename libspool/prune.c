/*
 * prune.c - the arithmetic of order.prune: rungs, the median rule and ASHA; and
 * how the runs of a sweep are called.  Pure.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/prune.h"

/* ---- sweeps ---- */

void
sp_sweep_id(const char *sweep, unsigned n, struct sp_id *id_out)
{
	(void)snprintf(
	    id_out->text, sizeof id_out->text, "%.23s%04x", sweep, n & 0xffff);
}

bool
sp_sweep_ok(const char *text)
{
	struct sp_id id, same;

	if (strlen(text) != SP_SWEEP_LEN)
		return false;
	sp_sweep_id(text, 0, &id);
	return sp_id_parse(id.text, &same) == SP_OK;
}

void
sp_sweep_make(int64_t ms, uint32_t bits, char sweep_out[SP_SWEEP_LEN + 1])
{
	struct sp_id id;

	sp_id_make(ms, bits, &id);
	(void)memcpy(sweep_out, id.text, SP_SWEEP_LEN);
	sweep_out[SP_SWEEP_LEN] = '\0';
}

bool
sp_sweep_has(const char *sweep, const struct sp_id *id, unsigned *n_out)
{
	if (strncmp(sweep, id->text, SP_SWEEP_LEN) != 0)
		return false;
	if (n_out != NULL)
		*n_out = sp_id_bits(id) & 0xffff;
	return true;
}

/* ---- rungs ---- */

/* The one behind `at`, which is the n-th. */
static double
next(const struct sp_prune *p, double at, size_t n)
{
	return p->method == SP_PRUNE_ASHA ? at * p->reduction
					  : p->steps * (double)(n + 1);
}

double
sp_prune_rung(const struct sp_prune *p, size_t rung)
{
	double at = p->steps;
	size_t n;

	if (p->method != SP_PRUNE_ASHA)
		return p->steps * (double)(rung + 1);
	for (n = 1; n <= rung; n++)
		at = next(p, at, n);
	return at;
}

/* Counted, not reckoned by logarithms: a step that is a rung is one. */
size_t
sp_prune_rungs(const struct sp_prune *p, double step)
{
	double at = p->steps;
	size_t n = 0;

	while (n < SP_RUNGS && at <= step)
		at = next(p, at, ++n);
	return n;
}

size_t
sp_prune_come(const struct sp_prune *p, const struct sp_curve *c)
{
	return sp_prune_rungs(p, c->step);
}

/* a is better than b; NAN is worse than any number. */
static bool
better(const struct sp_prune *p, double a, double b)
{
	if (isnan(a) || isnan(b))
		return !isnan(a) && isnan(b);
	return p->max ? a > b : a < b;
}

double
sp_prune_best(const struct sp_prune *p, const struct sp_curve *c, size_t rung)
{
	double best = NAN;
	size_t i;

	for (i = 0; i <= rung && i < c->n; i++)
		if (better(p, c->best[i], best))
			best = c->best[i];
	return best;
}

/* ---- judging ---- */

static int
ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	if (isnan(*x) || isnan(*y))
		return isnan(*x) - isnan(*y);
	return (*x > *y) - (*x < *y);
}

/* Of an even number the middle of the two; NANs, the worst, go where the worst
 * go. */
static double
median(const struct sp_prune *p, double *v, size_t n)
{
	size_t finite = 0, from, i;
	double a, b;

	qsort(v, n, sizeof *v, ascending);
	for (i = 0; i < n; i++)
		finite += isnan(v[i]) ? 0 : 1;
	/* More is better: the worst are in front of the least. */
	from = p->max ? n - finite : 0;
	a = (n - 1) / 2 >= from && (n - 1) / 2 - from < finite
	    ? v[(n - 1) / 2 - from]
	    : NAN;
	b = n / 2 >= from && n / 2 - from < finite ? v[n / 2 - from] : NAN;
	if (isnan(a) || isnan(b))
		return isnan(a) ? b : a;
	return a + (b - a) / 2;
}

static void
say(const struct sp_prune *p, size_t rung, double own, const char *than,
    char words_out[SP_PRUNE_WORDS])
{
	char best[64] = "nothing that is a number";

	if (!isnan(own))
		(void)snprintf(best, sizeof best, "%.6g at best", own);
	(void)snprintf(words_out, SP_PRUNE_WORDS,
	    "pruned at step %.10g: %s %s, %s (order.prune)",
	    sp_prune_rung(p, rung), p->metric, best, than);
}

bool
sp_prune_on(const struct sp_prune *p, size_t rung, double own, double *others,
    size_t n, char words_out[SP_PRUNE_WORDS])
{
	size_t i, ahead = 0, most;
	char than[128];
	double middle;

	words_out[0] = '\0';
	if (p->method == SP_PRUNE_NO || n == 0 || n < p->peers)
		return true;
	if (p->method == SP_PRUNE_MEDIAN) {
		middle = median(p, others, n);
		if (!better(p, middle, own))
			return true;
		(void)snprintf(than, sizeof than,
		    "the median of %zu other%s is %.6g", n, n == 1 ? "" : "s",
		    middle);
		say(p, rung, own, than, words_out);
		return false;
	}
	for (i = 0; i < n; i++)
		ahead += better(p, others[i], own);
	most = (size_t)((double)(n + 1) / p->reduction);
	if (most == 0)
		most = 1;
	if (ahead < most)
		return true;
	(void)snprintf(than, sizeof than,
	    "%zu of %zu other%s did better and %zu of all may go on", ahead, n,
	    n == 1 ? "" : "s", most);
	say(p, rung, own, than, words_out);
	return false;
}
