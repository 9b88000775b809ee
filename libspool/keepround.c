/*
 * keepround.c - the keeper's rounds through new/: what is there that was not
 * looked into before?  What that means for an entry is keepnew.c's business.
 *
 * A listing is worked off in slices of time, without listing again; and where
 * the directories' times say that nothing has changed there is no listing at
 * all, or a queue of a million would never let a keeper rest.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/keepin.h"

#define YOUNG_MS  250   /* a drop is not whole yet */
#define LOCAL_MS  30000 /* inotify tells the rest */
#define SLICE_MS  200   /* then beat and index have their turn, */
#define BUSY_MS   5     /* or jobs */
#define LOOK_MOST (64 * 1024)
#define SHARE     8    /* listings while there is other work, at most */
#define TICK_MS   2000 /* a directory's times may be so coarse */

static const enum sp_dir dirs[KEEP_DIRS] = { SP_DIR_NEW, SP_DIR_HOLD,
	SP_DIR_CANCEL };

void
keep_round_clear(struct keep_round *r)
{
	free(r->seen);
	sp_names_clear(&r->todo);
	sp_names_clear(&r->young);
	(void)memset(r, 0, sizeof *r);
}

/* ---- keys ---- */

/* The last bit of a key says whether the name was met in this round. */
#define MET 1u

static int
by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a & ~(uint64_t)MET;
	uint64_t y = *(const uint64_t *)b & ~(uint64_t)MET;

	return x < y ? -1 : x > y;
}

/* Those that were added come in between; there are few of them each time, and a
 * second list of all would cost as much memory as the first. */
static enum sp_status
sort_in(struct keep_round *r)
{
	size_t n = r->seen_n - r->sorted, i = r->sorted, at = r->seen_n;
	uint64_t *added;

	if (n == 0)
		return SP_OK;
	if ((added = malloc(n * sizeof *added)) == NULL)
		return SP_RETRY;
	(void)memcpy(added, r->seen + r->sorted, n * sizeof *added);
	qsort(added, n, sizeof *added, by_key);
	while (n > 0)
		r->seen[--at] =
		    i > 0 && by_key(&r->seen[i - 1], &added[n - 1]) > 0
		    ? r->seen[--i]
		    : added[--n];
	free(added);
	r->sorted = r->seen_n;
	return SP_OK;
}

static void
remember(struct keep_round *r, const char *entry)
{
	size_t cap = r->cap == 0 ? 1024 : r->cap * 2;
	uint64_t *seen;

	if (r->seen_n == r->cap) {
		/* What is forgotten is looked at again. */
		if ((seen = realloc(r->seen, cap * sizeof *seen)) == NULL)
			return;
		r->seen = seen;
		r->cap = cap;
	}
	r->seen[r->seen_n++] = keep_key(entry) | MET;
}

static bool
seen_is(struct keep_round *r, const char *entry)
{
	uint64_t key = keep_key(entry), *found;

	if (r->sorted == 0)
		return false;
	found = bsearch(&key, r->seen, r->sorted, sizeof key, by_key);
	if (found != NULL)
		*found |= MET;
	return found != NULL;
}

/* Names that are not there any more have no keys, then. */
static void
forget_absent(struct keep_round *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->seen_n; i++)
		if (r->seen[i] & MET)
			r->seen[n++] = r->seen[i] & ~(uint64_t)MET;
	r->seen_n = r->sorted = n;
}

/* ---- a listing ---- */

struct listing {
	struct sp_keep *k;
	const struct keep_marks *marks;
	struct sp_names drops;
	enum sp_status status;
};

/* For an entry that was seen: so it is the name of an order. */
static bool
marks_has(const struct keep_marks *marks, const char *entry)
{
	char id[SP_ID_LEN + 1] = "";

	if (marks->hold.n == 0 && marks->cancel.n == 0)
		return false;
	(void)memcpy(id, entry + 3, SP_ID_LEN);
	return sp_names_has(&marks->hold, id) ||
	    sp_names_has(&marks->cancel, id);
}

static bool
list_one(void *arg, const char *entry, const struct stat *st)
{
	struct listing *l = arg;
	struct keep_round *r = &l->k->round;
	enum sp_drop kind;

	(void)st;
	if (entry[0] == '.' ||
	    (seen_is(r, entry) && !marks_has(l->marks, entry)))
		return true;
	kind = sp_drop_kind(entry, NULL);
	if (kind == SP_DROP_IGNORE)
		return true;
	/* The long queue does not keep those who wait to come into it. */
	if (kind != SP_DROP_ORDER && l->drops.n < LOOK_MOST)
		l->status = sp_names_add(&l->drops, entry);
	else if (r->todo.n < LOOK_MOST)
		l->status = sp_names_add(&r->todo, entry);
	else
		r->more = true;
	return l->status == SP_OK;
}

static enum sp_status
list_new(struct sp_keep *k, const struct keep_marks *marks, struct sp_err *err)
{
	struct keep_round *r = &k->round;
	struct listing l = { .k = k, .marks = marks };
	enum sp_status st = SP_OK;
	size_t i;

	if (sort_in(r) != SP_OK)
		return sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; i < r->seen_n; i++)
		r->seen[i] &= ~(uint64_t)MET;
	r->todo.n = r->todo.len = r->at = 0;
	r->young.n = r->young.len = 0;
	r->more = r->asked = false;
	if (sp_fs_list(k->sp->dir[SP_DIR_NEW], ".", list_one, &l) == -1)
		st = sp_err_sys(err, "list");
	else if (l.status != SP_OK)
		st = sp_err_set(err, l.status, "no memory for a listing");
	else
		forget_absent(r);
	sp_names_sort(&r->todo);
	sp_names_sort(&l.drops);
	/* They come first. */
	if (st == SP_OK && l.drops.n > 0) {
		for (i = 0; i < r->todo.n && st == SP_OK; i++)
			st = sp_names_add(&l.drops, sp_names_at(&r->todo, i));
		sp_names_clear(&r->todo);
		r->todo = l.drops;
	} else {
		sp_names_clear(&l.drops);
	}
	return st;
}

/* ---- is there anything to list? ---- */

bool
keep_still(struct sp_keep *k, enum sp_dir dir, int64_t server,
    const struct stat *was, struct stat *is, bool *same_out)
{
	*same_out = false;
	if (!k->sp->local || fstat(k->sp->dir[dir], is) == -1)
		return false;
	*same_out = is->st_ino == was->st_ino &&
	    is->st_mtim.tv_sec == was->st_mtim.tv_sec &&
	    is->st_mtim.tv_nsec == was->st_mtim.tv_nsec &&
	    is->st_ctim.tv_sec == was->st_ctim.tv_sec &&
	    is->st_ctim.tv_nsec == was->st_ctim.tv_nsec;
	return (int64_t)is->st_mtim.tv_sec * 1000 < server - TICK_MS &&
	    (int64_t)is->st_ctim.tv_sec * 1000 < server - TICK_MS;
}

/* Is it known what is there? */
static bool
known_is(struct sp_keep *k, int64_t server, struct stat is[KEEP_DIRS],
    bool *still_out)
{
	bool all = true, same;
	size_t i;

	for (i = 0, *still_out = true; i < KEEP_DIRS; i++) {
		*still_out &= keep_still(
		    k, dirs[i], server, &k->round.was[i], &is[i], &same);
		all &= same;
	}
	return all && *still_out && k->round.calm;
}

static bool
list_due(const struct sp_keep *k, bool known)
{
	const struct keep_round *r = &k->round;

	if (r->listed != 0 && r->told && !r->asked && !r->more)
		return false;
	if (r->at < r->todo.n) /* something may have come meanwhile */
		return (r->asked || !k->sp->local) &&
		    sp_mono_ms() > r->listed + YOUNG_MS + r->cost * SHARE;
	return r->more || !known;
}

/* ---- the chore ---- */

static void
slice(struct sp_keep *k, const struct keep_marks *marks, int64_t server)
{
	int64_t until = sp_mono_ms() + (k->busy ? BUSY_MS : SLICE_MS);
	struct keep_round *r = &k->round;
	bool young, admitted = false;
	struct sp_err err = { "" };
	const char *entry;

	while (r->at < r->todo.n && sp_mono_ms() < until) {
		sp_alive(k->sp);
		entry = sp_names_at(&r->todo, r->at++);
		young = false;
		if (keep_entry(k, entry, marks, server, &young, &admitted))
			remember(r, entry);
		else if (!young || sp_names_add(&r->young, entry) != SP_OK)
			r->calm = false;
	}
	if (admitted)
		keep_trouble("admit",
		    sp_sync(k->sp->dir[SP_DIR_NEW], "new", &err), &err);
}

/* All that was to do is done: begin with those that were too young. */
static void
turn(struct keep_round *r)
{
	struct sp_names young = r->young;

	if (r->at < r->todo.n)
		return;
	r->young = r->todo;
	r->todo = young;
	r->at = r->young.n = r->young.len = 0;
}

void
sp_keep_came(struct sp_keep *k, const char *entry)
{
	struct keep_round *r = &k->round;

	if (r->todo.n >= LOOK_MOST || sp_names_add(&r->todo, entry) != SP_OK)
		r->asked = true;
	r->told = true;
	k->due[CHORE_NEW] = 0;
}

int64_t
keep_new(struct sp_keep *k, int64_t now)
{
	struct keep_round *r = &k->round;
	struct stat is[KEEP_DIRS] = { 0 };
	struct keep_marks marks;
	struct sp_err err = { "" };
	enum sp_status st;
	bool still = false, known = false, again;
	int64_t server = 0;

	k->due[CHORE_NEW] = now + 1;
	turn(r);
	st = keep_marks(k, &marks);
	if (st == SP_OK)
		st = keep_server_now(k, now, &server);
	if (st == SP_OK)
		known = known_is(k, server, is, &still);
	if (st == SP_OK && list_due(k, known)) {
		(void)memcpy(r->was, is, sizeof r->was);
		r->listed = sp_mono_ms();
		st = list_new(k, &marks, &err);
		r->cost = sp_mono_ms() - r->listed;
		r->calm = st == SP_OK && still;
	}
	keep_trouble("list new", st, &err);
	if (st == SP_OK)
		slice(k, &marks, server);
	keep_marks_clear(&marks);
	again = k->due[CHORE_NEW] == 0;
	if (r->at < r->todo.n || r->more)
		return 1;
	r->told = false;
	if (st != SP_OK || r->young.n > 0 || again)
		return YOUNG_MS;
	return k->sp->local ? LOCAL_MS : (int64_t)(k->sp->policy.poll * 1000);
}
