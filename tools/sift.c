/*
 * sift.c - orders that pass an expression.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "tools/sift.h"

void
sift_init(struct sift *sift, struct tool *tool)
{
	memset(sift, 0, sizeof *sift);
	sift->tool = tool;
	view_init(&sift->view, &tool->spool);
}

void
sift_clear(struct sift *sift)
{
	sp_where_free(sift->where);
	free(sift->field);
	free(sift->ids);
	view_clear(&sift->view);
	sift->where = NULL;
	sift->field = NULL;
	sift->ids = NULL;
}

void
sift_needs(struct sift *sift, const struct field *field)
{
	sift->metrics = sift->metrics || field_metrics_is(field);
}

int
sift_where(struct sift *sift, const char *text)
{
	struct sp_err err = { "" };
	enum sp_status st;
	size_t i, n;

	if (sift->where != NULL) {
		complain("--where may be given once; join them by 'and'");
		return ANSWER_WRONG;
	}
	st = sp_where_parse(text, &sift->where, &err);
	n = st == SP_OK ? sp_where_fields(sift->where) : 0;
	if (st == SP_OK &&
	    (sift->field = calloc(n + 1, sizeof *sift->field)) == NULL)
		st = sp_err_set(&err, SP_RETRY, "no memory");
	for (i = 0; st == SP_OK && i < n; i++) {
		st = field_parse(
		    sp_where_field(sift->where, i), &sift->field[i], &err);
		sift_needs(sift, &sift->field[i]);
	}
	if (st != SP_OK)
		complain("--where: %s", err.text);
	return answer_of(st);
}

static void
worth(void *arg, size_t i, struct sp_value *value_out)
{
	struct sift *sift = arg;

	field_get(&sift->field[i], &sift->view, value_out);
}

bool
sift_passes(struct sift *sift, const struct sp_row *row)
{
	view_set(&sift->view, row);
	sift->looked++;
	if (sift->group != NULL &&
	    !job_group_is(view_job(&sift->view), sift->group))
		return false;
	if (sift->where != NULL && !sp_where_is(sift->where, worth, sift))
		return false;
	sift->passed++;
	return true;
}

struct going {
	struct sift *sift;
	sift_fn *fn;
	void *arg;
};

static int
one(void *arg, const struct sp_row *row)
{
	struct going *g = arg;

	return sift_passes(g->sift, row) ? g->fn(g->arg, &g->sift->view) : 0;
}

/* Those that were named, one by one. */
static enum sp_status
each_id(struct going *g, struct sp_err *err)
{
	struct sift *sift = g->sift;
	struct sp_metrics *m = malloc(sizeof *m);
	enum sp_status st = SP_OK;
	struct sp_row row;
	size_t i;

	if (m == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; st == SP_OK && i < sift->ids_n; i++) {
		st = see_row(&sift->tool->spool, &sift->ids[i], &row, err);
		sp_metrics_init(m);
		if (st == SP_OK && sift->metrics)
			st = sp_row_fold(&sift->tool->spool, &row, m, err);
		if (m->worker[0] != '\0')
			row.metrics = m;
		if (st == SP_OK &&
		    (sift->states == 0 ||
			(sift->states & SEE_STATE(row.state)) != 0) &&
		    one(g, &row) != 0)
			break;
	}
	free(m);
	return st;
}

enum sp_status
sift_rows(struct sift *sift, sift_fn *fn, void *arg, struct sp_err *err)
{
	struct going g = { sift, fn, arg };
	unsigned states = sift->states == 0 ? SEE_ALL : sift->states;

	if (sift->ids != NULL)
		return each_id(&g, err);
	return see_rows(&sift->tool->spool,
	    states | (sift->metrics ? SEE_METRICS : 0), 0, one, &g, err);
}

void
sift_hint(struct sift *sift)
{
	size_t i;

	if (sift->where == NULL || sift->passed > 0 || sift->looked == 0)
		return;
	for (i = 0; i < sp_where_fields(sift->where); i++)
		field_unmet(&sift->field[i], &sift->view);
}

/* ---- ids ---- */

struct ids {
	struct sp_id *id;
	size_t n, cap;
};

static int
id_put(void *arg, struct view *view)
{
	struct ids *ids = arg;
	struct sp_id *more;
	size_t cap = ids->cap == 0 ? 64 : ids->cap * 2;

	if (ids->n == ids->cap) {
		if ((more = realloc(ids->id, cap * sizeof *more)) == NULL)
			return 1;
		ids->id = more;
		ids->cap = cap;
	}
	ids->id[ids->n++] = view->row->name.id;
	return 0;
}

int
sift_ids(struct sift *sift, struct sp_id **ids_out, size_t *n_out)
{
	struct sp_err err = { "" };
	struct ids ids = { 0 };
	enum sp_status st = sift_rows(sift, id_put, &ids, &err);

	if (st == SP_OK && ids.n < sift->passed)
		st = sp_err_set(&err, SP_RETRY, "no memory");
	if (st == SP_OK && ids.n == 0) {
		complain("no order is meant by that");
		sift_hint(sift);
	}
	*ids_out = ids.id;
	*n_out = ids.n;
	return st == SP_OK && ids.n == 0 ? ANSWER_NO
					 : complain_of(st, &err, "listing");
}

static int
found(void *arg, struct view *view)
{
	(void)view;
	*(bool *)arg = true;
	return 1;
}

bool
sift_group_is(struct tool *tool, const char *group)
{
	struct sift sift;
	bool any = false;

	sift_init(&sift, tool);
	sift.group = group;
	(void)sift_rows(&sift, found, &any, NULL);
	sift_clear(&sift);
	return any;
}

int
sift_words(struct sift *sift, int n, char **words)
{
	struct sp_id id;
	int answer;

	if (n == 0)
		return ANSWER_YES;
	/* One word may be a group's; to know that takes all jobs. */
	if (n == 1 && strcmp(words[0], "-") != 0 &&
	    sp_id_parse(words[0], &id) != SP_OK &&
	    sift_group_is(sift->tool, words[0])) {
		sift->group = words[0];
		return ANSWER_YES;
	}
	answer = pick_all(sift->tool, n, words, &sift->ids, &sift->ids_n);
	if (sift->ids == NULL && answer == ANSWER_YES)
		answer = ANSWER_NO; /* of nothing on standard input */
	return answer;
}
