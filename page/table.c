/*
 * table.c - an order as the page reads it: a list without names, for there may
 * be a hundred thousand.  Pure.
 */
#include <math.h>
#include <string.h>

#include "libspool/json.h"
#include "page/page.h"

const char page_columns[] =
    "[\"id\",\"state\",\"prio\",\"ticket\",\"attempt\",\"worker\",\"name\","
    "\"project\",\"script\",\"data\",\"status\",\"cause\",\"error\",\"loss\","
    "\"metric\",\"step\",\"progress\",\"eta\",\"seconds\",\"started\","
    "\"finished\",\"retryOf\",\"bundle\",\"facts\",\"metrics\"]";

static void
put_text(struct sp_jw *w, const char *text)
{
	sp_jw_text(w, NULL, *text == '\0' ? NULL : text);
}

static void
put_number(struct sp_jw *w, bool has, double value)
{
	sp_metric_put(w, NULL, has ? value : NAN);
}

static void
put_int(struct sp_jw *w, int64_t value)
{
	if (value == 0)
		sp_jw_null(w, NULL);
	else
		sp_jw_int(w, NULL, value);
}

/* {"loss":[last,best,bestStep,1]}: 1 if less is better, 2 if more is, else 0.
 */
static void
put_metrics(struct sp_jw *w, const struct sp_metrics *m)
{
	const struct sp_metric *k;
	enum sp_best best;
	bool ranked;
	size_t i;

	sp_jw_open(w, NULL, '{');
	for (i = 0; i < m->n && i < PAGE_METRICS; i++) {
		k = &m->key[i];
		best = sp_metric_best(k->key);
		ranked = k->n > 0 && best != SP_BEST_NONE;
		sp_jw_open(w, k->key, '[');
		put_number(w, k->n > 0 && !k->last_odd, k->last);
		put_number(w, ranked, best == SP_BEST_MIN ? k->min : k->max);
		put_number(
		    w, ranked, best == SP_BEST_MIN ? k->min_at : k->max_at);
		sp_jw_int(w, NULL, (int)best);
		sp_jw_close(w, ']');
	}
	sp_jw_close(w, '}');
}

void
page_row_print(const struct sp_row *row, struct sp_buf *out)
{
	char error[PAGE_ERROR + 1];
	struct sp_jw w;

	sp_text_cut(error, sizeof error, row->error);
	sp_jw_init(&w, out);
	sp_jw_open(&w, NULL, '[');
	sp_jw_text(&w, NULL, row->name.id.text);
	sp_jw_text(&w, NULL, sp_state_text(row->state));
	sp_jw_int(&w, NULL, row->name.prio);
	sp_jw_int(&w, NULL, row->name.ticket);
	sp_jw_int(&w, NULL, row->name.attempt);
	put_text(&w, row->name.worker);
	put_text(&w, row->title);
	put_text(&w, row->project);
	put_text(&w, row->script);
	put_text(&w, row->data);
	put_int(&w, row->status);
	put_text(&w, row->cause);
	put_text(&w, error);
	put_number(&w, row->has_loss, row->loss);
	put_number(&w, row->has_metric, row->metric);
	put_number(&w, row->has_step, row->step);
	put_number(&w, row->has_progress, row->progress);
	put_int(&w, row->eta);
	put_number(&w, row->has_seconds, row->seconds);
	put_int(&w, row->started);
	put_int(&w, row->finished);
	put_text(&w, row->retry_of);
	sp_jw_bool(&w, NULL, row->name.bundle);
	sp_buf_puts(out, ",");
	sp_buf_puts(out, row->facts != NULL ? row->facts : "{}");
	if (row->metrics != NULL)
		put_metrics(&w, row->metrics);
	else
		sp_jw_null(&w, NULL);
	sp_jw_close(&w, ']');
}
