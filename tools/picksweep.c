/*
 * picksweep.c - all runs of a sweep, by what their ids begin with: those that
 * are orders, and those that are lines of bundles still.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/bundle.h"
#include "libspool/find.h"
#include "tools/pick.h"
#include "tools/served.h"

struct found {
	struct sp_id *id;
	size_t n, cap;
	bool failed;
};

static void
found_add(struct found *f, const struct sp_id *id)
{
	struct sp_id *more;
	size_t cap;

	if (f->n == f->cap) {
		cap = f->cap == 0 ? 64 : f->cap * 2;
		if ((more = realloc(f->id, cap * sizeof *more)) == NULL) {
			f->failed = true;
			return;
		}
		f->id = more;
		f->cap = cap;
	}
	f->id[f->n++] = *id;
}

static int
by_id(const void *a, const void *b)
{
	const struct sp_id *x = a, *y = b;

	return strcmp(x->text, y->text);
}

/* A line may have become an order between two looks. */
static void
found_settle(struct found *f)
{
	size_t i, n = 0;

	if (f->n > 1)
		qsort(f->id, f->n, sizeof *f->id, by_id);
	for (i = 0; i < f->n; i++)
		if (n == 0 || strcmp(f->id[n - 1].text, f->id[i].text) != 0)
			f->id[n++] = f->id[i];
	f->n = n;
}

static void
lines_add(const struct sp_spool *spool, const struct sp_bundle_row *row,
    const char *sweep, struct found *f)
{
	struct sp_buf text = SP_BUF_INIT(SP_BUNDLE_MAX + 2);
	unsigned first, jobs, i;
	struct sp_id id;

	if (!sp_sweep_has(sweep, &row->name.id, &first) ||
	    sp_order_read(spool, row->state, &row->name, &text, NULL) !=
		SP_OK) {
		sp_buf_clear(&text);
		return;
	}
	jobs = sp_bundle_jobs(sp_buf_text(&text), text.len);
	for (i = 1; i <= jobs && first + i <= SP_SWEEP_MOST; i++) {
		sp_sweep_id(sweep, first + i, &id);
		found_add(f, &id);
	}
	sp_buf_clear(&text);
}

/* Bundles before names: what leaves the one is in the other then. */
static enum sp_status
look(struct tool *tool, const char *sweep, bool opens, struct found *f,
    struct sp_err *err)
{
	struct sp_bundles bundles = { 0 };
	struct see_list list = { 0 };
	enum sp_status st = SP_OK;
	size_t i;

	if (served_is(&tool->spool))
		st = served_list(&tool->spool, sweep, &list, err);
	else
		st = sp_bundles_list(&tool->spool, &bundles, err);
	for (i = 0; st == SP_OK && i < bundles.n; i++) {
		struct sp_bundle_row *row = &bundles.row[i];

		if (opens && row->state == SP_NEW &&
		    sp_sweep_has(sweep, &row->name.id, NULL))
			(void)sp_bundle_open(
			    &tool->spool, &row->name, NULL, NULL);
		else if (!opens)
			lines_add(&tool->spool, row, sweep, f);
	}
	sp_bundles_clear(&bundles);
	if (st == SP_OK && !served_is(&tool->spool))
		st = see_list(&tool->spool, &list, err);
	for (i = 0; st == SP_OK && i < list.n; i++)
		if (!list.entry[i].name.bundle &&
		    sp_sweep_has(sweep, &list.entry[i].name.id, NULL))
			found_add(f, &list.entry[i].name.id);
	see_list_clear(&list);
	found_settle(f);
	return st;
}

enum sp_status
pick_runs(struct tool *tool, const char *sweep, bool opens,
    struct sp_id **ids_out, size_t *n_out, struct sp_err *err)
{
	struct found f = { 0 };
	enum sp_status st;

	*ids_out = NULL;
	*n_out = 0;
	st = look(tool, sweep, opens, &f, err);
	if (st == SP_OK && f.failed)
		st = sp_err_set(err, SP_RETRY, "no memory");
	if (st != SP_OK) {
		free(f.id);
		return st;
	}
	*ids_out = f.id;
	*n_out = f.n;
	return SP_OK;
}

int
pick_sweep(struct tool *tool, const char *sweep, bool opens,
    struct sp_id **ids_out, size_t *n_out)
{
	struct sp_err err = { "" };
	enum sp_status st;

	st = pick_runs(tool, sweep, opens, ids_out, n_out, &err);
	if (st != SP_OK)
		return complain_of(st, &err, sweep);
	if (*n_out > 0)
		return ANSWER_YES;
	complain("no run of sweep %s in this spool", sweep);
	return ANSWER_NO;
}
