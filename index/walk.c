/*
 * walk.c - one directory's entries: names that are new are read, names that are
 * gone are dropped.
 *
 * Which they are is told by a watch, name by name; or else found by comparing a
 * listing with what is recorded, both in stretches, so that a million names
 * need no more memory than some.  When time is up a walk stays where it is and
 * goes on there: a long directory is not listed again for every share of time.
 */
#include <stdio.h>
#include <string.h>

#include "index/inner.h"
#include "libspool/file.h"
#include "libspool/fs.h"

#define STRETCH (64 * 1024) /* names */
#define MANY    256         /* that are worth a thread */

/* ---- sorted lists, a stretch at a time ---- */

void
side_clear(struct side *side)
{
	sp_names_clear(&side->names);
	side->at = 0;
	side->more = true;
	side->last[0] = '\0';
}

const char *
side_name(const struct side *side)
{
	return side->at < side->names.n ? sp_names_at(&side->names, side->at)
					: NULL;
}

/* Is the next stretch to be had now?  Then `last` says behind what. */
static bool
turn(struct side *side)
{
	if (side->at < side->names.n || !side->more)
		return false;
	if (side->names.n > 0)
		(void)snprintf(side->last, sizeof side->last, "%s",
		    sp_names_at(&side->names, side->names.n - 1));
	side->at = 0;
	return true;
}

enum sp_status
side_list(struct side *side, int root, const char *path, struct sp_err *err)
{
	enum sp_status st;
	int fd;

	if (!turn(side))
		return SP_OK;
	st = sp_open_dir(root, path, &fd, NULL);
	if (st == SP_GONE) {
		side->names.n = 0;
		side->more = false;
		return SP_OK;
	}
	if (st != SP_OK)
		return sp_err_set(err, SP_RETRY, "open %s", path);
	st = sp_list_next(
	    fd, side->last, STRETCH, &side->names, &side->more, err);
	(void)sp_fs_close(fd);
	return st == SP_OK ? SP_OK : SP_RETRY; /* BAD is for the database */
}

static enum sp_status
side_known(struct side *side, struct sql *sql, int64_t dir, struct sp_err *err)
{
	enum sp_status st;

	if (!turn(side))
		return SP_OK;
	st = sql_names(sql, dir, side->last, STRETCH, &side->names, err);
	side->more = side->names.n == STRETCH;
	return st;
}

/* ---- by listing ---- */

void
walk_stop(struct walk *walk)
{
	side_clear(&walk->here);
	side_clear(&walk->known);
	walk->on = false;
}

static void
walk_start(struct index *ix, const struct stamp *began)
{
	struct walk *walk = &ix->walk;
	char path[24];

	walk_stop(walk);
	stamp_dir_print(began->dir, path);
	/* Watched before it is listed: nothing can come between. */
	walk->told = ix->watch != NULL && ix->watch->on(ix->watch->arg, path);
	walk->began = *began;
	walk->on = true;
}

/* When nothing that is recorded comes any more, the rest is all new. */
static void
have_read(struct work *w, struct walk *walk, enum sp_state state)
{
	const struct side *here = &walk->here;

	if (side_name(&walk->known) != NULL || walk->known.more)
		return;
	if (w->ahead == NULL || walk->ahead < here->at)
		walk->ahead = here->at;
	if (w->ahead == NULL && here->names.n - here->at < MANY)
		return;
	while (walk->ahead < here->names.n &&
	    work_ahead(w, walk->began.dir, state,
		sp_names_at(&here->names, walk->ahead)))
		walk->ahead++;
}

/* One name of either list, or of both. */
static enum sp_status
step(struct work *w, struct walk *walk, enum sp_state state, struct sp_err *err)
{
	const char *here = side_name(&walk->here);
	const char *known = side_name(&walk->known);
	int c = here == NULL ? 1 : known == NULL ? -1 : strcmp(here, known);
	enum sp_status st;

	if (c == 0) {
		walk->here.at++;
		walk->known.at++;
		return SP_OK;
	}
	if (c > 0) {
		walk->known.at++;
		return work_drop(w, walk->began.dir, state, known, err);
	}
	walk->here.at++;
	st = work_put(w, walk->began.dir, state, here, err);
	return st == SP_GONE ? SP_OK : st;
}

enum sp_status
work_dir(struct work *w, struct stamp *now, enum sp_state state, bool *more_out,
    struct sp_err *err)
{
	struct walk *walk = &w->ix->walk;
	enum sp_status st = SP_OK;
	char path[24];

	if (!walk->on)
		walk_start(w->ix, now);
	stamp_dir_print(now->dir, path);
	for (*more_out = false; st == SP_OK && !*more_out;) {
		if (side_name(&walk->here) == NULL)
			walk->ahead = 0;
		if ((st = side_list(&walk->here, w->ix->spool->root, path,
			 err)) != SP_OK ||
		    (st = side_known(
			 &walk->known, w->ix->sql, now->dir, err)) != SP_OK)
			break;
		if (side_name(&walk->here) == NULL &&
		    side_name(&walk->known) == NULL) {
			/* What happened since it began is another walk's. */
			w->behind |= !stamp_same(now, &walk->began);
			*now = walk->began;
			now->told = walk->told;
			walk_stop(walk);
			return SP_OK;
		}
		if ((*more_out = work_late(w)))
			break;
		have_read(w, walk, state);
		st = step(w, walk, state, err);
	}
	return st;
}

/* ---- by name ---- */

static bool
first(void *arg, const char *name, const struct stat *st)
{
	(void)arg;
	(void)name;
	(void)st;
	return false;
}

/*
 * What a directory's time tells of may not have been told yet: a change sets
 * the time first and tells second.  It holds the directory's lock for both,
 * which a listing waits for.
 */
static void
await(const struct index *ix, const struct stamps *now)
{
	const struct stamp *known;
	char path[24];
	size_t i;

	for (i = 0; i < now->n; i++) {
		known = stamps_find(&ix->known, now->at[i].dir);
		if (known == NULL || !known->told ||
		    stamp_same(known, &now->at[i]))
			continue;
		stamp_dir_print(now->at[i].dir, path);
		(void)sp_fs_list(ix->spool->root, path, first, NULL);
	}
}

void
news_lost(struct index *ix)
{
	size_t i;

	for (i = 0; i < ix->known.n; i++)
		ix->known.at[i].told = false;
	ix->walk.told = false;
	ix->news.n = ix->news.len = 0;
}

void
news_take(struct work *w)
{
	struct index *ix = w->ix;

	if (ix->watch == NULL)
		return;
	await(ix, &w->now);
	if (!ix->watch->take(ix->watch->arg, &ix->news))
		news_lost(ix);
	sp_names_sort(&ix->news);
}

bool
news_of(const struct work *w, const struct stamp *now)
{
	const struct stamp *known = stamps_find(&w->ix->known, now->dir);

	return known != NULL && known->told && known->ino == now->ino &&
	    !(w->ix->walk.on && w->ix->walk.began.dir == now->dir);
}

/* One that is done with is "". */
enum sp_status
work_news(struct work *w, struct stamp *now, enum sp_state state,
    bool *more_out, struct sp_err *err)
{
	struct sp_names *news = &w->ix->news;
	enum sp_status st = SP_OK;
	char path[24 + 1], *text;
	size_t i, len;

	stamp_dir_print(now->dir, path);
	len = strlen(strcat(path, "/"));
	*more_out = false;
	for (i = 0; st == SP_OK && i < news->n; i++) {
		text = news->text + news->at[i];
		if (strncmp(text, path, len) != 0)
			continue;
		if ((*more_out = work_late(w)))
			break;
		/* twice told: came and went, or was written to */
		if (i + 1 == news->n ||
		    strcmp(text, sp_names_at(news, i + 1)) != 0) {
			sp_alive(w->ix->spool);
			st = work_put(w, now->dir, state, text + len, err);
			if (st == SP_GONE)
				st = work_drop(
				    w, now->dir, state, text + len, err);
		}
		text[0] = '\0';
	}
	now->told = true;
	return st;
}

static enum sp_status
keep_of(const struct sp_names *news, int64_t dir, struct sp_names *kept)
{
	enum sp_status st = SP_OK;
	char path[24 + 1];
	size_t i, len;

	stamp_dir_print(dir, path);
	len = strlen(strcat(path, "/"));
	for (i = 0; st == SP_OK && i < news->n; i++)
		if (strncmp(sp_names_at(news, i), path, len) == 0)
			st = sp_names_add(kept, sp_names_at(news, i));
	return st;
}

/* Not all were acted upon: time was up, or a directory is being walked. */
void
news_keep(struct index *ix)
{
	const struct walk *walk = &ix->walk;
	const struct stamp *known;
	struct sp_names kept = { 0 };
	enum sp_status st = SP_OK;
	size_t i;

	if (walk->on && walk->told)
		st = keep_of(&ix->news, walk->began.dir, &kept);
	for (i = 0; st == SP_OK && i < ix->known.n && ix->news.n > 0; i++) {
		known = &ix->known.at[i];
		if (known->told && !(walk->on && walk->began.dir == known->dir))
			st = keep_of(&ix->news, known->dir, &kept);
	}
	sp_names_clear(&ix->news);
	ix->news = kept;
	if (st != SP_OK || kept.n > INDEX_NEWS_MOST)
		news_lost(ix);
}
