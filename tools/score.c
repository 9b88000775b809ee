/*
 * score.c - how good an order is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libspool/file.h"
#include "libspool/json.h"
#include "libspool/outcome.h"
#include "tools/score.h"

static bool
row_has(const struct sp_row *row, const char *metric, double *value_out)
{
	if (strcmp(metric, "loss") == 0 && row->has_loss)
		*value_out = row->loss;
	else if (strcmp(metric, "metric") == 0 && row->has_metric)
		*value_out = row->metric;
	else if (strcmp(metric, "seconds") == 0 && row->has_seconds)
		*value_out = row->seconds;
	else
		return false;
	return true;
}

/* A number that the script reported at its end. */
static bool
outcome_has(struct view *view, const char *metric, double *value_out)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX + 2);
	struct json_t *json = NULL;
	char file[SP_ID_LEN + 8];
	struct stat st;
	double n = NAN;

	if (!sp_state_over_is(view->row->state))
		return false;
	(void)snprintf(file, sizeof file, "%s.json", view->row->name.id.text);
	if (sp_read(view->spool->dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX,
		&text, &st, NULL) == SP_OK &&
	    sp_json_parse(sp_buf_text(&text), text.len, &json, NULL) == SP_OK)
		n = sp_json_real(job_member(json, metric), NAN);
	sp_json_free(json);
	sp_buf_clear(&text);
	*value_out = n;
	return isfinite(n);
}

void
score_get(
    struct view *view, const char *metric, enum sp_best way, struct score *s)
{
	const struct sp_row *row = view->row;
	const struct sp_metric *k = NULL;
	double said;

	memset(s, 0, sizeof *s);
	s->at = NAN;
	if (row->metrics != NULL)
		k = sp_metrics_get(row->metrics, metric);
	if (k != NULL && k->n > 0) {
		s->has_best = true;
		s->best = way == SP_BEST_MIN ? k->min : k->max;
		s->at = way == SP_BEST_MIN ? k->min_at : k->max_at;
		s->has_last = !k->last_odd;
		s->last = k->last;
	}
	if (!row_has(row, metric, &said) &&
	    (s->has_best || !outcome_has(view, metric, &said)))
		return;
	/* What it said at its end is the last, and may be the best. */
	s->has_last = true;
	s->last = said;
	if (!s->has_best ||
	    (way == SP_BEST_MIN ? said < s->best : said > s->best)) {
		s->has_best = true;
		s->best = said;
		s->at = NAN;
	}
}

int
score_cmp(const struct score *a, const struct score *b, enum sp_best way)
{
	int c;

	if (!a->has_best || !b->has_best)
		return b->has_best - a->has_best;
	c = (a->best > b->best) - (a->best < b->best);
	return way == SP_BEST_MIN ? c : -c;
}
