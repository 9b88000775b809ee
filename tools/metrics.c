/*
 * metrics.c - what an order's metrics came to, in words.
 */
#include <math.h>

#include "tools/spool.h"

#define MOST 32 /* keys that a person is shown */

static void
say_step(double step)
{
	if (!isnan(step))
		(void)printf(" at step %.15g", step);
}

static void
say_range(const struct sp_metric *k)
{
	enum sp_best best = sp_metric_best(k->key);

	if (best != SP_BEST_NONE) {
		(void)printf(
		    ", best %.6g", best == SP_BEST_MIN ? k->min : k->max);
		say_step(best == SP_BEST_MIN ? k->min_at : k->max_at);
	} else if (k->min < k->max) {
		(void)printf(", %.6g", k->min);
		say_step(k->min_at);
		(void)printf(" to %.6g", k->max);
		say_step(k->max_at);
	}
}

static void
say_one(const struct sp_metric *k, int wide)
{
	int pad;

	(void)printf("%-9s ", "metric");
	term_put(stdout, k->key);
	pad = wide - term_cells(k->key);
	(void)printf("%*s  ", pad > 0 ? pad : 0, "");
	if (k->n > 0 && !k->last_odd)
		(void)printf("last %.6g", k->last);
	else
		(void)fputs("last is not finite", stdout);
	if (k->n > 0)
		say_range(k);
	(void)printf(", %lld value%s", (long long)k->n, k->n == 1 ? "" : "s");
	if (k->odd > 0)
		(void)printf(", %lld not finite", (long long)k->odd);
	(void)putchar('\n');
}

static void
say_progress(const struct sp_row *row)
{
	int64_t now = sp_wall_ms();
	char text[40], time[25];

	if (sp_state_over_is(row->state) ||
	    (!row->has_progress && !row->has_step))
		return;
	term_progress(row, now, text);
	(void)printf("%-9s %s", "progress", text);
	if (row->eta > now) {
		sp_time_print(row->eta, time);
		(void)printf(" left, to end at %s", time);
	}
	if (row->has_step)
		(void)printf(
		    "%sstep %.15g", row->has_progress ? "; " : "", row->step);
	(void)putchar('\n');
}

void
metrics_say(const struct sp_row *row, const struct sp_metrics *m)
{
	int wide = 0, cells;
	size_t i;

	say_progress(row);
	for (i = 0; i < m->n && i < MOST; i++)
		if ((cells = term_cells(m->key[i].key)) > wide && cells <= 30)
			wide = cells;
	for (i = 0; i < m->n && i < MOST; i++)
		say_one(&m->key[i], wide);
	if (m->n > MOST)
		(void)printf(
		    "%-9s %zu more keys: spool show --json\n", "", m->n - MOST);
	if (m->more > 0)
		(void)printf("%-9s %lld numbers of still more keys are in the "
			     "file alone\n",
		    "", (long long)m->more);
	if (m->garbage > 0)
		(void)printf("%-9s %lld line%s of its metrics not read: no "
			     "JSON object\n",
		    "trouble", (long long)m->garbage,
		    m->garbage == 1 ? "" : "s");
}
