/*
 * dir.c - the transport over a directory that is mounted here, local or
 * shared: the verbs of transport.h on libspool.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/log.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/wish.h"
#include "transport/dir.h"
#include "transport/reach.h"

#define KEEP_BUSY  2000  /* between housekeepings while jobs run */
#define BEATING_MS 30000 /* between counts of who beats, over there */
#define PLACE_MS   2000  /* between looks whether the directories are those */

#define UNSURE                                                                 \
	"durability unknown: the server has no fsync of files and directories"

/* ---- open and close ---- */

static bool
durable_is(const struct sp_spool *spool)
{
	return (sp_fs_facts(spool->root) & SP_FS_DURABLE) != 0;
}

/* With an open spool; on failure that is closed, and `d` is gone. */
static enum sp_status
start(struct dir *d, const char *url, struct tr **tr_out, struct sp_err *err)
{
	enum sp_status st;
	int64_t now, took;

	/* A worker that may not write here would try for ever. */
	st = sp_server_now(&d->spool, &now, &took, err);
	if (st == SP_FATAL) {
		sp_err_clear(err);
		(void)sp_err_set(err, st,
		    "%s: %s may not write there: run as "
		    "its owner, or join its group",
		    url, geteuid() == 0 ? "root" : "this user");
		sp_spool_close(&d->spool);
		free(d);
		return st;
	}
	if (!durable_is(&d->spool))
		sp_warn("%s: " UNSURE, url);
	(void)pthread_mutex_init(&d->idle.lock, NULL);
	sp_ready_init(&d->ready, &d->spool);
	d->dirty = SP_DIRTY_ALL;
	dirwatch_open(&d->spool, &d->watch);
	*tr_out = (struct tr *)d;
	return SP_OK;
}

static enum sp_status
open_dir(
    const char *url, const char *base, struct tr **tr_out, struct sp_err *err)
{
	enum sp_status st;
	struct dir *d;

	if ((d = calloc(1, sizeof *d)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	if ((st = tr_spool_open(url, base, &d->spool, err)) == SP_OK)
		return start(d, url, tr_out, err);
	free(d);
	return st;
}

enum sp_status
dir_open_at(int root, const char *url, const char *base, struct tr **tr_out,
    struct sp_err *err)
{
	enum sp_status st;
	struct dir *d;

	if ((d = calloc(1, sizeof *d)) == NULL) {
		(void)sp_fs_close(root);
		return sp_err_set(err, SP_RETRY, "no memory");
	}
	if ((st = sp_spool_open_at(root, url, base, &d->spool, err)) == SP_OK)
		return start(d, url, tr_out, err);
	free(d);
	return st;
}

static void
close_dir(struct tr *tr)
{
	struct dir *d = dir_of(tr);

	if (d == NULL)
		return;
	if (d->keep != NULL)
		sp_keep_free(d->keep);
	dir_idle_clear(d);
	dirwatch_close(&d->watch);
	sp_ready_clear(&d->ready);
	dir_ahead_clear(&d->ahead);
	sp_spool_close(&d->spool);
	free(d);
}

static int
wake(struct tr *tr)
{
	return dir_of(tr)->watch.fd;
}

static void
drain(struct tr *tr)
{
	struct dir *d = dir_of(tr);
	unsigned dirty = dirwatch_drain(&d->watch);

	d->dirty |= dirty;
	if (dirty & (SP_DIRTY(SP_DIR_HOLD) | SP_DIRTY(SP_DIR_CANCEL)))
		d->ready.marks_at = -1;
}

/* Somebody may have cleared the spool away under us and made it anew. */
static void
place(struct dir *d, int64_t now)
{
	unsigned watched = SP_DIRTY(SP_DIR_NEW) | SP_DIRTY(SP_DIR_HOLD) |
	    SP_DIRTY(SP_DIR_CANCEL) | SP_DIRTY(SP_DIR_DRAIN);
	unsigned taken;

	if (now - d->placed < PLACE_MS)
		return;
	d->placed = now;
	if ((taken = sp_spool_again(&d->spool)) == 0)
		return;
	sp_info("spool: directories were replaced; taken anew");
	d->dirty = SP_DIRTY_ALL;
	d->ready.marks_at = -1;
	if ((taken & watched) != 0) {
		dirwatch_close(&d->watch);
		dirwatch_open(&d->spool, &d->watch);
		dirwatch_poke(&d->spool);
	}
}

/* Those that have a file, daemons by their usual name apart: each beat would be
 * a round trip to read, and this is only for the width of a window. */
static unsigned
count_beating(struct dir *d, int64_t now)
{
	static const char daemon[] = "spoold-";
	struct sp_names names = { 0 };
	size_t i;

	if ((d->beating_at == 0 || now - d->beating_at >= BEATING_MS) &&
	    sp_list(d->spool.dir[SP_DIR_WORKERS], false, &names, NULL) ==
		SP_OK) {
		d->beating = 0;
		for (i = 0; i < names.n; i++)
			d->beating += strncmp(sp_names_at(&names, i), daemon,
					  sizeof daemon - 1) != 0;
		d->beating_at = now;
	}
	sp_names_clear(&names);
	return d->beating;
}

/* Over there, while spoold keeps the house, nobody else need look at all. */
static bool
kept_there(struct dir *d, int64_t now)
{
	return sp_fs_far(d->spool.root) && sp_ready_spoold_is(&d->ready, now);
}

/* As the keeper last saw them alive; it looks before we first list. */
static unsigned
workers(struct tr *tr)
{
	struct dir *d = dir_of(tr);
	int64_t now = sp_mono_ms();
	unsigned n = kept_there(d, now) ? count_beating(d, now)
	    : d->keep == NULL           ? 0
					: sp_keep_workers(d->keep);

	return n == 0 ? 1 : n;
}

static const struct sp_policy *
policy(struct tr *tr)
{
	return &dir_of(tr)->spool.policy;
}

static const char *
worker(struct tr *tr)
{
	return dir_of(tr)->spool.actor;
}

/* ---- claiming ---- */

static enum sp_status
list(struct tr *tr, struct sp_names *names_out, struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	enum sp_status st = sp_ready_list(&d->ready, names_out, err);

	if (st == SP_OK && sp_fs_far(d->spool.root))
		dir_ahead_listed(&d->ahead, names_out);
	return st;
}

static enum sp_status
eligible(struct tr *tr, const struct sp_name *name, const struct sp_job *job,
    struct sp_err *err)
{
	return sp_ready_is(&dir_of(tr)->ready, name, job, err);
}

static enum sp_status
drained(struct tr *tr, const struct sp_names *unfit, bool *drained_out,
    struct sp_err *err)
{
	return sp_ready_drained(&dir_of(tr)->ready, unfit, drained_out, err);
}

static enum sp_status
read_order(struct tr *tr, const struct sp_name *name, struct sp_buf *text_out,
    struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	char file[SP_NAME_MAX];
	enum sp_status st;

	sp_name_print(name, file);
	if (sp_fs_far(d->spool.root) &&
	    dir_ahead_read(&d->ahead, d->spool.dir[SP_DIR_NEW], file, text_out))
		return SP_OK;
	st = sp_order_read(&d->spool, SP_NEW, name, text_out, err);
	if (st == SP_GONE)
		sp_ready_gone(&d->ready, name);
	return st;
}

/* Of one that is no longer in new/, or may not be. */
static void
claim_over(struct dir *d, const struct sp_name *name, enum sp_status st)
{
	char file[SP_NAME_MAX];

	sp_name_print(name, file);
	dir_ahead_forget(&d->ahead, file);
	if (st == SP_OK || st == SP_LOST)
		sp_ready_gone(&d->ready, name);
}

static enum sp_status
claim(struct tr *tr, const struct sp_name *name, struct sp_name *claimed_out,
    struct sp_buf *text_out, struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	char file[SP_NAME_MAX];
	enum sp_status st;
	bool known;

	sp_name_print(name, file);
	known = dir_ahead_known(&d->ahead, file, text_out);
	st = sp_claim_known(&d->spool, name, known, claimed_out, text_out, err);
	claim_over(d, name, st);
	return st;
}

static void
claims(struct tr *tr, struct sp_claiming *all, size_t n, struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	char file[SP_NAME_MAX];
	size_t i;

	for (i = 0; i < n; i++) {
		sp_name_print(&all[i].order, file);
		all[i].known = dir_ahead_known(&d->ahead, file, &all[i].text);
	}
	sp_claim_all(&d->spool, all, n, err);
	for (i = 0; i < n; i++)
		claim_over(d, &all[i].order, all[i].status);
}

static enum sp_status
refuse(struct tr *tr, const struct sp_name *name, const char *why,
    struct sp_err *err)
{
	return sp_end(
	    &dir_of(tr)->spool, SP_NEW, name, SP_ST_INVALID, false, why, err);
}

static enum sp_status
stands(struct tr *tr, const struct sp_id *id, enum sp_state *state_out,
    struct sp_name *name_out, struct sp_err *err)
{
	return sp_find(&dir_of(tr)->spool, id, state_out, name_out, err);
}

/* ---- living ---- */

static enum sp_status
beat(struct tr *tr, const struct sp_beat *b, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	const struct sp_spool *spool = &dir_of(tr)->spool;
	char file[SP_WORKER_MAX + 8];
	struct sp_beat said = *b;
	enum sp_status st;

	if (said.note[0] == '\0' && !durable_is(spool))
		(void)snprintf(said.note, sizeof said.note, "%s", UNSURE);
	sp_beat_print(&said, &text);
	(void)snprintf(file, sizeof file, "%s.json", spool->actor);
	st = text.failed
	    ? sp_err_set(err, SP_RETRY, "no memory for the beat")
	    : sp_publish(spool, spool->dir[SP_DIR_WORKERS], file, text.data,
		  text.len, SP_PUB_REPLACE | SP_PUB_LAZY, err);
	sp_buf_clear(&text);
	return st;
}

static enum sp_status
bye(struct tr *tr, struct sp_err *err)
{
	const struct sp_spool *spool = &dir_of(tr)->spool;
	char file[SP_WORKER_MAX + 8];

	(void)snprintf(file, sizeof file, "%s.json", spool->actor);
	if (sp_fs_unlink(spool->dir[SP_DIR_WORKERS], file) == -1 &&
	    errno != ENOENT)
		return sp_err_sys(err, "remove workers/%s", file);
	return SP_OK;
}

static enum sp_status
held(struct tr *tr, struct sp_names *ours_out, struct sp_names *stale_out,
    struct sp_names *cancel_out, struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	struct sp_names all = { 0 }, hold = { 0 }, cancel = { 0 };
	const struct sp_listing lists[] = {
		{ d->spool.dir[SP_DIR_ASSIGNED], &all },
		{ d->spool.dir[SP_DIR_CANCEL], &cancel },
		{ d->spool.dir[SP_DIR_HOLD], &hold },
	};
	struct sp_name name;
	enum sp_status st;
	const char *text;
	size_t i;

	place(d, sp_mono_ms());
	ours_out->n = ours_out->len = stale_out->n = stale_out->len = 0;
	/* Over there the third costs nothing; who claims wants it soon. */
	st = sp_list_all(lists, sp_fs_far(d->spool.root) ? 3 : 2, err);
	if (st == SP_OK)
		st = sp_mark_ids(&cancel, cancel_out);
	if (st == SP_OK && sp_fs_far(d->spool.root))
		st = sp_ready_marked(&d->ready, &hold, &cancel);
	for (i = 0; i < all.n && st == SP_OK; i++) {
		text = sp_names_at(&all, i);
		if (sp_name_parse(text, &name) != SP_OK)
			continue;
		if (strcmp(name.worker, d->spool.actor) == 0)
			st = sp_names_add(ours_out, text);
		else if (name.worker[0] != '\0' &&
		    sp_worker_kin(name.worker, d->spool.actor))
			st = sp_names_add(stale_out, text);
	}
	sp_names_clear(&all);
	sp_names_clear(&cancel);
	sp_names_clear(&hold);
	return st;
}

static enum sp_status
wishes(struct tr *tr, struct tr_wishes *out, struct sp_err *err)
{
	const struct sp_spool *spool = &dir_of(tr)->spool;
	struct sp_names files = { 0 };
	enum sp_status st;

	if ((st = sp_wish_list(spool, &files, err)) == SP_OK) {
		out->now = sp_wish_is(&files, spool->actor, SP_WISH_NOW);
		out->drain =
		    out->now || sp_wish_is(&files, spool->actor, SP_WISH_DRAIN);
		out->resume = sp_wish_is(&files, spool->actor, SP_WISH_RESUME);
		if (out->resume)
			st = sp_wish_unset(
			    spool, spool->actor, SP_WISH_RESUME, err);
	}
	sp_names_clear(&files);
	return st;
}

static int64_t
keep(struct tr *tr, bool idle, int64_t now)
{
	struct dir *d = dir_of(tr);
	struct sp_err err = { "" };
	unsigned dirty;

	if (d->keep == NULL &&
	    sp_keep_new(&d->spool, true, &d->keep, &err) != SP_OK) {
		if (sp_warn_due("keep"))
			sp_warn("keep off: %s", err.text);
		return KEEP_BUSY;
	}
	place(d, now);
	if (!idle && now - d->kept < KEEP_BUSY)
		return KEEP_BUSY - (now - d->kept);
	d->kept = now;
	if (kept_there(d, now))
		return (int64_t)(d->spool.policy.beat * 1000);
	dirty = d->dirty | atomic_exchange(&d->dirty_later, 0);
	d->dirty = 0;
	return sp_keep_tick(d->keep, dirty, now);
}

/* ---- ending ---- */

static void
tidy(struct dir *d, const struct sp_name *name)
{
	if (!dir_idle_put(d, name))
		dir_tidy(&d->spool, &name->id);
}

static void
commit(struct tr *tr, struct sp_ended *group, size_t n, struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	size_t i;

	sp_commit(&d->spool, group, n, err);
	if (sp_fs_far(d->spool.root))
		dir_tidy_all(&d->spool, group, n);
	else
		for (i = 0; i < n; i++)
			if (group[i].status == SP_OK)
				tidy(d, &group[i].name);
	/* What waited for these may come now. */
	(void)atomic_fetch_or(&d->dirty_later, SP_DIRTY(SP_DIR_OUTCOMES));
}

static enum sp_status
release(struct tr *tr, const struct sp_name *claimed, enum tr_release how,
    const char *cause, const char *why, struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	struct sp_name to;
	enum sp_status st;

	st = sp_move_step(&d->spool,
	    how == TR_RETRY ? SP_STEP_RETRY : SP_STEP_RELEASE, SP_ASSIGNED,
	    how == TR_RETRY ? SP_WAITING : SP_NEW, claimed, &to, err);
	if (st != SP_OK)
		return st;
	if (how == TR_RETRY)
		d->dirty |= SP_DIRTY(SP_DIR_WAITING);
	/* Words only: without them the order is given back all the same. */
	if (how != TR_BACK &&
	    sp_attempt_note(&d->spool, claimed, cause, why, NULL) != SP_OK)
		sp_warn("note order=%s failed", claimed->id.text);
	return SP_OK;
}

static enum sp_status
cancel(struct tr *tr, const struct sp_name *claimed, const char *text,
    size_t len, const char *why, struct sp_err *err)
{
	const struct sp_spool *spool = &dir_of(tr)->spool;
	enum sp_status st;

	st = text != NULL
	    ? sp_end_as(spool, SP_ASSIGNED, claimed, text, len, err)
	    : sp_end(spool, SP_ASSIGNED, claimed, SP_ST_CANCELLED, false, why,
		  err);
	if (st != SP_OK)
		return st;
	dir_tidy(spool, &claimed->id);
	(void)sp_mark_unset(spool, SP_DIR_CANCEL, &claimed->id, NULL);
	return SP_OK;
}

static enum sp_status
room(struct tr *tr, struct tr_room *r, struct sp_err *err)
{
	struct statvfs fs;

	if (sp_fs_statvfs(dir_of(tr)->spool.root, &fs) == -1)
		return sp_err_sys(err, "room");
	*r = (struct tr_room){ .size = (int64_t)(fs.f_blocks * fs.f_frsize),
		.free = (int64_t)(fs.f_bavail * fs.f_frsize),
		.files = (int64_t)fs.f_files,
		.files_free = (int64_t)fs.f_favail };
	return SP_OK;
}

const struct tr_ops dir_ops = {
	.scheme = "dir",
	.open = open_dir,
	.close = close_dir,
	.wake = wake,
	.drain = drain,
	.list = list,
	.read = read_order,
	.eligible = eligible,
	.claim = claim,
	.claims = claims,
	.refuse = refuse,
	.stands = stands,
	.look_at = dir_look_at,
	.tree = dir_tree,
	.imported = dir_imported,
	.fetch = dir_fetch,
	.keep_blob = dir_keep_blob,
	.pins = dir_pins,
	.pin = dir_pin,
	.out_dir = dir_out,
	.out_list = dir_out_list,
	.out_get = dir_out_get,
	.out_put = dir_out_put,
	.append = dir_append,
	.beat = beat,
	.bye = bye,
	.held = held,
	.wishes = wishes,
	.commit = commit,
	.release = release,
	.cancel = cancel,
	.keep = keep,
	.drained = drained,
	.room = room,
	.peers = dir_peers,
	.policy = policy,
	.worker = worker,
	.workers = workers,
};
