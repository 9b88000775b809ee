/*
 * sync.c - bringing the index up to the directories.
 *
 * Directories whose stamp is the recorded one are not listed.  Of the others
 * the names are compared with those recorded, or a watch has told which they
 * are; only new names are read (walk.c).  Stamps are taken before anything is
 * listed and recorded with the rows, and only when they were old enough
 * (stamp.h): so a stamp that a reader finds unchanged vouches for the rows.
 *
 * All of a sync is one transaction, and so is how far outcomes.jsonl goes.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "index/inner.h"
#include "libspool/crash.h"
#include "libspool/log.h"

#define MSEC          ((int64_t)1000000)
#define MARGIN        (20 * MSEC)   /* a disk's times tick every 1..10 ms */
#define LEAST         256           /* entries a share of time */
#define MARGIN_REMOTE (2000 * MSEC) /* a server's, every 2 s at worst */

bool
work_late(const struct work *w)
{
	/* However long the listing took, something is done. */
	return w->deadline != 0 && w->report->put + w->report->gone >= LEAST &&
	    sp_mono_ms() >= w->deadline;
}

enum sp_status
work_begin(struct work *w, struct sp_err *err)
{
	enum sp_status st = SP_OK;

	if (!w->begun && (st = sql_begin(w->ix->sql, err)) == SP_OK)
		w->begun = true;
	return st;
}

/* ---- all of it ---- */

/* Has it to be looked at? */
static bool
changed_is(const struct work *w, const struct stamp *s)
{
	const struct stamp *known = stamps_find(&w->ix->known, s->dir);

	return known == NULL || !known->settled || !stamp_same(known, s);
}

static enum sp_status
drop_vanished(struct work *w, struct sp_err *err)
{
	const struct stamps *known = &w->ix->known;
	enum sp_status st = SP_OK;
	bool vanished = false;
	size_t i;

	for (i = 0; st == SP_OK && i < known->n; i++)
		if (stamps_find(&w->now, known->at[i].dir) == NULL &&
		    (st = work_begin(w, err)) == SP_OK &&
		    (st = sql_drop_dir(w->ix->sql, known->at[i].dir, err)) ==
			SP_OK) {
			if (w->ix->walk.began.dir == known->at[i].dir)
				walk_stop(&w->ix->walk);
			st = sql_stamp_drop(w->ix->sql, known->at[i].dir, err);
			w->report->gone++;
			vanished = true;
		}
	if (st == SP_OK && vanished)
		st = sql_metrics_sweep(w->ix->sql, err);
	return st;
}

/* One directory of orders; when time is up it is not `done`. */
static enum sp_status
sync_dir(struct work *w, size_t i, enum sp_state state, struct sp_err *err)
{
	struct stamp *now = &w->now.at[i];
	const struct walk *walk = &w->ix->walk;
	enum sp_status st = SP_OK;
	size_t odd = w->odd;
	bool more = false;

	if (news_of(w, now)) {
		st = work_news(w, now, state, &more, err);
		/* What could not be read is met again by listing. */
		if (w->odd != odd)
			stamps_find(&w->ix->known, now->dir)->told = false;
	} else if (walk->on && walk->began.dir != now->dir)
		more = true; /* one after the other */
	else if (walk->on || changed_is(w, now))
		st = work_dir(w, now, state, &more, err);
	else
		return SP_OK;
	w->done[i] = !more && w->odd == odd;
	w->report->more |= more;
	return st;
}

/* Directories in the order orders move; outcomes last, its number being less
 * than the days'. */
static enum sp_status
sync_all(struct work *w, struct sp_err *err)
{
	enum sp_status st = drop_vanished(w, err);
	const struct stamp *outcomes = NULL;
	size_t i, odd;
	enum sp_state state;
	bool more;

	for (i = 0; st == SP_OK && i < w->now.n; i++) {
		if (stamp_rows_is(w->now.at[i].dir, &state))
			st = sync_dir(w, i, state, err);
		else if (w->now.at[i].dir == STAMP_OUTCOMES)
			outcomes = &w->now.at[i];
		else
			w->done[i] = changed_is(w, &w->now.at[i]);
	}
	if (st == SP_OK && !w->report->more && outcomes != NULL &&
	    changed_is(w, outcomes)) {
		odd = w->odd;
		st = work_outcomes(w, &more, err);
		w->done[outcomes - w->now.at] = !more && w->odd == odd;
		w->report->more = more;
	}
	return st;
}

static enum sp_status
record_stamps(struct work *w, struct sp_err *err)
{
	const struct stamp *known, *s;
	enum sp_status st = SP_OK;
	size_t i;

	for (i = 0; st == SP_OK && i < w->now.n; i++) {
		s = &w->now.at[i];
		known = stamps_find(&w->ix->known, s->dir);
		if (!w->done[i] ||
		    (known != NULL && stamp_same(known, s) &&
			known->settled == s->settled))
			continue;
		if ((st = work_begin(w, err)) == SP_OK)
			st = sql_stamp_set(w->ix->sql, s, err);
	}
	return st;
}

/* What readers will go by: the stamps, when the rows are as new as they. */
static enum sp_status
record_fresh(struct work *w, bool settled, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SIZE_MAX / 4);
	struct index *ix = w->ix;
	enum sp_status st = SP_OK;

	w->report->fresh =
	    settled && w->odd == 0 && !w->report->more && !w->behind;
	if (w->report->fresh)
		stamps_print(&w->now, &text);
	if (text.failed)
		st = sp_err_set(err, SP_RETRY, "no memory");
	else if (strcmp(sp_buf_text(&text), sp_buf_text(&ix->fresh)) != 0 &&
	    (w->begun || w->report->fresh) &&
	    (st = work_begin(w, err)) == SP_OK &&
	    (st = sql_fresh_set(ix->sql, sp_buf_text(&text), err)) == SP_OK) {
		sp_buf_reset(&ix->fresh);
		sp_buf_puts(&ix->fresh, sp_buf_text(&text));
	}
	sp_buf_clear(&text);
	return st;
}

static enum sp_status
commit(struct work *w, struct sp_err *err)
{
	struct index *ix = w->ix;
	enum sp_status st;
	size_t i;

	if (!w->begun)
		return SP_OK;
	if ((st = lines_write(&ix->lines, err)) != SP_OK)
		return st;
	if (ix->lines.next.at != ix->lines.mark.at &&
	    (st = sql_lines_set(ix->sql, &ix->lines.next, err)) != SP_OK)
		return st;
	SP_CRASH("index.lines");
	if ((st = sql_commit(ix->sql, err)) != SP_OK)
		return st;
	SP_CRASH("index.commit");
	w->begun = false;
	lines_keep(&ix->lines);
	for (i = ix->known.n; i-- > 0;)
		if (stamps_find(&w->now, ix->known.at[i].dir) == NULL)
			stamps_drop(&ix->known, ix->known.at[i].dir);
	for (i = 0; st == SP_OK && i < w->now.n; i++)
		if (w->done[i])
			st = stamps_set(&ix->known, &w->now.at[i]);
	return st;
}

/* Nothing recorded, and a new outcomes.jsonl begun. */
static enum sp_status
start_over(struct index *ix, struct sp_err *err)
{
	enum sp_status st;

	if ((st = lines_make(&ix->lines, ix->dirfd, err)) != SP_OK)
		return st;
	if ((st = sql_begin(ix->sql, err)) == SP_OK &&
	    (st = sql_clear(ix->sql, err)) == SP_OK &&
	    (st = sql_lines_set(ix->sql, &ix->lines.next, err)) == SP_OK)
		st = sql_commit(ix->sql, err);
	if (st != SP_OK) {
		sql_rollback(ix->sql);
		lines_close(&ix->lines);
		return st;
	}
	stamps_clear(&ix->known);
	walk_stop(&ix->walk);
	sp_buf_reset(&ix->fresh);
	return SP_OK;
}

/* The clock that directories' times are told by, ns. */
static enum sp_status
clock_now(const struct index *ix, int64_t *now_out, struct sp_err *err)
{
	int64_t ms, took;
	enum sp_status st;
	struct timespec t;

	if (ix->spool->local) {
		(void)clock_gettime(CLOCK_REALTIME, &t);
		*now_out = (int64_t)t.tv_sec * 1000 * MSEC + t.tv_nsec;
		return SP_OK;
	}
	st = sp_server_now(ix->spool, &ms, &took, err);
	*now_out = ms * MSEC;
	return st;
}

static enum sp_status
sync_once(struct work *w, struct sp_err *err)
{
	struct index *ix = w->ix;
	enum sp_status st;
	bool settled;
	int64_t now;

	if ((st = clock_now(ix, &now, err)) != SP_OK ||
	    (st = stamps_take(ix->spool, &w->now, err)) != SP_OK)
		return st == SP_BAD ? SP_RETRY : st; /* BAD: the database */
	settled = stamps_settle(
	    &w->now, now, ix->spool->local ? MARGIN : MARGIN_REMOTE);
	news_take(w);
	if ((w->done = calloc(w->now.n, 1)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	if ((st = sync_all(w, err)) == SP_OK &&
	    (st = record_stamps(w, err)) == SP_OK &&
	    (st = record_fresh(w, settled, err)) == SP_OK &&
	    (st = commit(w, err)) == SP_OK)
		news_keep(ix);
	return st;
}

/* A request is done when all has been listed since it was seen. */
static void
caught_up(struct index *ix)
{
	struct sp_err err = { "" };

	ix->compare = false;
	ix->thrown = 0;
	if (lines_finish(&ix->lines, ix->dirfd, &err) != SP_OK &&
	    sp_warn_due("outcomes.jsonl"))
		sp_warn("index: %s", err.text);
	if (ix->asked && unlinkat(ix->dirfd, INDEX_REQUEST, 0) == 0)
		sp_info("index made anew, as asked");
	ix->asked = false;
}

/* Start over when somebody asks for it, or took outcomes.jsonl away. */
static enum sp_status
prepare(struct index *ix, unsigned flags, struct sp_err *err)
{
	bool over = !lines_there_is(&ix->lines, ix->dirfd);
	size_t i;

	if (!ix->asked &&
	    faccessat(ix->dirfd, INDEX_REQUEST, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		ix->asked = over = true;
	if (over)
		return start_over(ix, err);
	if (flags & INDEX_FORCE) {
		for (i = 0; i < ix->known.n; i++)
			ix->known.at[i].settled = false;
		walk_stop(&ix->walk);
		news_lost(ix);
	}
	ix->compare |= (flags & INDEX_OUTCOMES) != 0;
	return SP_OK;
}

enum sp_status
index_sync(struct index *ix, unsigned flags, int64_t share_ms,
    struct index_report *report, struct sp_err *err)
{
	struct work w = { .ix = ix, .report = report, .dirfd = -1 };
	struct sp_err why = { "" };
	enum sp_status st;

	(void)memset(report, 0, sizeof *report);
	if (share_ms > 0)
		w.deadline = sp_mono_ms() + share_ms;
	if (!index_ours_is(ix))
		return SP_LOST;
	if (ix->sql == NULL || !index_whole_is(ix)) {
		if (ix->sql != NULL)
			sp_warn("index was taken away");
		index_throw(ix);
		if ((st = index_load(ix, err)) != SP_OK)
			return st;
	}
	ahead_read_init(&w.read);
	if ((st = prepare(ix, flags, &why)) == SP_OK)
		st = sync_once(&w, &why);
	if (st != SP_OK) {
		if (ix->sql != NULL)
			sql_rollback(ix->sql);
		lines_undo(&ix->lines);
		walk_stop(&ix->walk);
		news_lost(ix);
		sp_buf_reset(&ix->fresh);
		sp_buf_puts(&ix->fresh, "?"); /* whatever it says there */
	} else if (!report->more) {
		caught_up(ix);
	}
	stamps_clear(&w.now);
	work_alone(&w);
	ahead_read_clear(&w.read);
	if (w.dirfd != -1)
		(void)close(w.dirfd);
	free(w.done);
	if (st == SP_BAD) {
		if (sp_warn_due(why.text))
			sp_warn("index thrown away: %s", why.text);
		index_throw(ix);
		report->more = true;
		if (++ix->thrown > 3)
			return sp_err_set(err, SP_RETRY, "%s", why.text);
		return index_load(ix, err);
	}
	return st == SP_OK ? SP_OK : sp_err_set(err, SP_RETRY, "%s", why.text);
}

enum sp_status
index_head(
    struct index *ix, size_t n, struct sp_buf *text_out, struct sp_err *err)
{
	enum sp_status st;

	if (ix->sql == NULL)
		return sp_err_set(err, SP_RETRY, "the index is not open");
	/* Half of a queue has not its head. */
	if (stamps_find(&ix->known, SP_NEW) == NULL)
		return SP_GONE;
	st = sql_head(ix->sql, SP_NEW, n, text_out, err);
	if (st == SP_OK && text_out->failed)
		st = sp_err_set(err, SP_RETRY, "no memory");
	return st == SP_OK ? SP_OK : SP_RETRY;
}

enum sp_status
index_names(struct index *ix, size_t n, struct sp_buf *text_out, size_t *n_out,
    struct sp_err *err)
{
	struct sp_names names = { 0 };
	char after[SP_NAME_MAX] = "";
	enum sp_status st = SP_OK;
	struct sp_name name;
	size_t i;

	*n_out = 0;
	if (ix->sql == NULL || stamps_find(&ix->known, SP_NEW) == NULL)
		return SP_GONE;
	do { /* there may be many bundles among them */
		names.n = names.len = 0;
		st = sql_names(ix->sql, SP_NEW, after, n, &names, err);
		for (i = 0; st == SP_OK && i < names.n && *n_out < n; i++) {
			const char *text = sp_names_at(&names, i);

			(void)snprintf(after, sizeof after, "%s", text);
			if (sp_name_parse(text, &name) != SP_OK || name.bundle)
				continue;
			sp_buf_puts(text_out, text);
			sp_buf_puts(text_out, "\n");
			++*n_out;
		}
	} while (st == SP_OK && *n_out < n && names.n == n);
	sp_names_clear(&names);
	if (st == SP_OK && text_out->failed)
		st = sp_err_set(err, SP_RETRY, "no memory");
	return st == SP_OK ? SP_OK : SP_RETRY;
}
