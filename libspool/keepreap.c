/*
 * keepreap.c - who is alive, and what the dead held.
 *
 * A worker is lost when its beat counter stayed unchanged for a lease of our
 * own monotonic time (lease.c judges), or when its process, on this host, is
 * gone.  What it held is given back, unless it had finished: then its outcome
 * is committed in its stead, under its name.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/fs.h"
#include "libspool/keepin.h"
#include "libspool/log.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/revoke.h"
#include "libspool/wish.h"
#include "libspool/outcome.h"

#define LOOK_LEAST 50   /* ms */
#define LOOK_MOST  2000 /* ms */
#define FORGET     (24LL * 3600 * 1000)

static int64_t
look_every(const struct sp_keep *k)
{
	int64_t ms = (int64_t)(k->sp->policy.beat * 500);

	return ms < LOOK_LEAST ? LOOK_LEAST : ms > LOOK_MOST ? LOOK_MOST : ms;
}

/* Does our own write get through, and soon enough?  If not, everybody else
 * looks dead too and nobody is. */
static bool
probe(struct sp_keep *k)
{
	struct sp_err err = { "" };
	enum sp_status st;
	int64_t took;

	st = sp_server_now(k->sp, &k->server, &took, &err);
	if (st != SP_OK) {
		k->probed = 0;
		keep_trouble("probe", st, &err);
		return false;
	}
	k->probed = sp_mono_ms();
	if (took <= (int64_t)(k->sp->policy.lease * 250))
		return true;
	sp_warn("probe took=%lldms: nobody is taken for dead", (long long)took);
	return false;
}

struct round {
	struct sp_keep *k;
	int64_t now;
	bool idle; /* some worker has nothing to do */
};

static void
note_worker(void *arg, const char *file, const struct sp_buf *text,
    const struct stat *st)
{
	struct sp_keep *k = ((struct round *)arg)->k;
	int64_t now = ((struct round *)arg)->now;
	struct sp_beat beat = { 0 };

	(void)st;
	if (sp_beat_parse(text->data, text->len, &beat, NULL) == SP_OK &&
	    strncmp(file, beat.worker, strlen(beat.worker)) == 0 &&
	    strcmp(file + strlen(beat.worker), ".json") == 0) {
		bool gone = sp_beat_gone_is(&beat), alive;

		(void)sp_book_note(
		    &k->book, beat.worker, beat.count, gone, now);
		alive = !gone &&
		    sp_book_silence(&k->book, beat.worker, now) <
			(int64_t)(k->sp->policy.lease * 1000);
		if (alive && strcmp(beat.role, "spoold") == 0 &&
		    strcmp(beat.worker, k->sp->actor) != 0)
			k->spoold = true;
		if (alive && strcmp(beat.role, "worker") == 0)
			k->workers++;
		if (alive && strcmp(beat.role, "spoold") != 0 &&
		    strcmp(beat.state, "idle") == 0)
			((struct round *)arg)->idle = true;
	}
	sp_beat_clear(&beat);
}

/* Holders without a file count too, with no beat at all. */
static int
note_holder(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct sp_keep *k = arg;
	size_t i;

	(void)state;
	for (i = 0; i < k->book.n; i++)
		if (k->book.row[i].seen &&
		    strcmp(k->book.row[i].worker, name->worker) == 0)
			return 0;
	(void)sp_book_note(&k->book, name->worker, -1, false, sp_mono_ms());
	return 0;
}

int64_t
keep_look(struct sp_keep *k, int64_t now)
{
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	enum sp_status st;
	bool ok;
	struct round round = { k, now, false };

	ok = probe(k);
	st = sp_list(k->sp->dir[SP_DIR_WORKERS], false, &names, &err);
	if (st == SP_OK) {
		k->spoold = false;
		k->workers = 0;
		sp_book_begin(&k->book);
		sp_read_each(k->sp->dir[SP_DIR_WORKERS], &names, SP_BEAT_MAX,
		    note_worker, &round);
		st = sp_walk(k->sp, SP_ASSIGNED, note_holder, NULL, k, &err);
		sp_book_end(&k->book, ok && st == SP_OK, now);
	}
	/* A worker's own keeper need not: workers that list for themselves open
	 * what fits them. */
	k->idle = round.idle && !k->yields ? k->idle + 1 : 0;
	keep_trouble("look", st, &err);
	sp_names_clear(&names);
	return look_every(k);
}

/* ---- revocation ---- */

static void
revoke_one(struct sp_keep *k, const struct sp_name *name,
    const struct sp_names *cancel)
{
	struct sp_err err = { "" };
	enum sp_revoked how;
	enum sp_status st;
	char why[128];

	(void)snprintf(why, sizeof why, "worker %s is gone", name->worker);
	st = sp_revoke(
	    k->sp, name, sp_names_has(cancel, name->id.text), why, &how, &err);
	keep_trouble("revoke", st, &err);
	if (st != SP_OK)
		return;
	sp_info("revoke order=%s attempt=%u: %s; %s", name->id.text,
	    name->attempt + 1, why, sp_revoked_text(how));
	k->due[CHORE_WAIT] = 0;
}

/* A bundle that is ours while we are here and not at it: its claim succeeded
 * and reading it did not. */
static void
unclaim(struct sp_keep *k, const struct sp_name *name)
{
	struct sp_err err = { "" };
	struct sp_name to;
	enum sp_status st;

	st = sp_move_step(
	    k->sp, SP_STEP_RELEASE, SP_ASSIGNED, SP_WAITING, name, &to, &err);
	keep_trouble("release", st, &err);
	if (st == SP_OK) {
		sp_info("release bundle=%s -> waiting", name->id.text);
		k->due[CHORE_WAIT] = 0;
	}
}

/* A worker that is gone and holds nothing needs no file. */
static void
forget(struct sp_keep *k, int64_t now)
{
	char file[SP_WORKER_MAX + 8];
	const struct sp_lease *row;
	size_t i;

	for (i = 0; i < k->book.n; i++) {
		row = &k->book.row[i];
		if (row->count < 0 ||
		    (!row->gone &&
			sp_book_silence(&k->book, row->worker, now) < FORGET))
			continue;
		(void)snprintf(file, sizeof file, "%s.json", row->worker);
		if (sp_fs_unlink(k->sp->dir[SP_DIR_WORKERS], file) == 0)
			sp_info("forget worker=%s", row->worker);
	}
}

/* Is a worker of this W or NAME known, dead or alive? */
static bool
known_is(const struct sp_keep *k, const char *who)
{
	const char *worker;
	size_t i, len = strlen(who);

	for (i = 0; i < k->book.n; i++) {
		worker = k->book.row[i].worker;
		if (strncmp(worker, who, len) == 0 &&
		    (worker[len] == '\0' ||
			strrchr(worker, '-') == worker + len))
			return true;
	}
	return false;
}

/* What was asked of one worker that is no more.  What is asked of a NAME is for
 * the next one, too. */
static void
forget_wishes(struct sp_keep *k, int64_t now)
{
	int dir = k->sp->dir[SP_DIR_DRAIN];
	struct sp_names files = { 0 };
	char who[SP_WISH_MAX];
	enum sp_wish wish;
	struct stat st;
	int64_t server;
	size_t i;

	if (sp_wish_list(k->sp, &files, NULL) == SP_OK && files.n > 0 &&
	    keep_server_now(k, now, &server) == SP_OK)
		for (i = 0; i < files.n; i++) {
			const char *file = sp_names_at(&files, i);

			/* One that has just come may not have been seen. */
			if (!sp_wish_parse(file, who, &wish) ||
			    !sp_worker_ok(who) || known_is(k, who) ||
			    sp_fs_lstat(dir, file, &st) == -1 ||
			    (double)(server -
				(int64_t)st.st_ctim.tv_sec * 1000) <
				k->sp->policy.lease * 1000)
				continue;
			if (sp_fs_unlink(dir, file) == 0)
				sp_info("forget wish=%s: no such worker", file);
		}
	sp_names_clear(&files);
}

struct held {
	struct sp_name *name;
	size_t n, cap;
};

static int
keep_held(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct held *h = arg;
	struct sp_name *more;

	(void)state;
	if (h->n == h->cap) {
		h->cap = h->cap == 0 ? 64 : h->cap * 2;
		if ((more = realloc(h->name, h->cap * sizeof *more)) == NULL)
			return 1;
		h->name = more;
	}
	h->name[h->n++] = *name;
	return 0;
}

int64_t
keep_reap(struct sp_keep *k, int64_t now)
{
	struct held held = { 0 };
	struct sp_names cancel = { 0 };
	struct sp_err err = { "" };
	enum sp_status st;
	size_t i, dead = 0;

	st = sp_walk(k->sp, SP_ASSIGNED, keep_held, NULL, &held, &err);
	if (st == SP_OK)
		st = sp_mark_list(k->sp, SP_DIR_CANCEL, &cancel, &err);
	for (i = 0; st == SP_OK && i < held.n; i++) {
		if (strcmp(held.name[i].worker, k->sp->actor) == 0) {
			if (held.name[i].bundle)
				unclaim(k, &held.name[i]);
			continue;
		}
		if (!sp_book_dead_is(&k->book, held.name[i].worker, now))
			continue;
		dead++;
		revoke_one(k, &held.name[i], &cancel);
	}
	if (st == SP_OK && dead == 0) {
		forget(k, now);
		forget_wishes(k, now);
	}
	keep_trouble("reap", st, &err);
	sp_names_clear(&cancel);
	free(held.name);
	return look_every(k);
}
