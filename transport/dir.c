/*
 * dir.c - the transport over a directory that is mounted here, local or
 * shared: opening, claiming and ending, on libspool.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libspool/bundle.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/log.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/spare.h"
#include "transport/dir.h"
#include "transport/reach.h"

/* ---- open and close ---- */

/* With an open spool; on failure that is closed, and `d` is gone. */
static enum sp_status
start(struct dir *d, const char *url, struct tr **tr_out, struct sp_err *err)
{
	struct sp_err why = { "" };
	enum sp_status st;
	int64_t now, took;

	/* A worker that may not write here would try for ever. */
	st = sp_server_now(&d->spool, &now, &took, &why);
	if (st == SP_FATAL) {
		(void)sp_err_set(err, st,
		    "%s: %s may not write there: %.160s; run as its owner, or "
		    "join its group, or see how it is mounted",
		    url, geteuid() == 0 ? "root" : "this user", why.text);
		sp_spool_close(&d->spool);
		free(d);
		return st;
	}
	if (!dir_durable_is(&d->spool))
		sp_warn("%s: " DIR_UNSURE, url);
	(void)pthread_mutex_init(&d->idle.lock, NULL);
	sp_ready_init(&d->ready, &d->spool);
	d->dirty = SP_DIRTY_ALL;
	sp_buf_init(&d->read_text, SP_BUNDLE_MAX + 2);
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
	sp_buf_clear(&d->read_text);
	sp_spare_free(d->spool.spare);
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
	d->read_name[0] = '\0';
	st = sp_read(d->spool.dir[SP_DIR_NEW], file,
	    name->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX, text_out, &d->read_is,
	    err);
	if (st == SP_OK) {
		sp_buf_reset(&d->read_text);
		sp_buf_put(&d->read_text, text_out->data, text_out->len);
		if (!d->read_text.failed)
			(void)strcpy(d->read_name, file);
	}
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
	if (d->spool.local && strcmp(file, d->read_name) == 0) {
		sp_buf_reset(text_out);
		sp_buf_put(text_out, d->read_text.data, d->read_text.len);
		st = text_out->failed
		    ? SP_RETRY
		    : sp_claim_read(&d->spool, name, &d->read_is, claimed_out,
			  text_out, err);
	} else {
		known = dir_ahead_known(&d->ahead, file, text_out);
		st = sp_claim_known(
		    &d->spool, name, known, claimed_out, text_out, err);
	}
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
unpack(struct tr *tr, const struct sp_name *name, struct sp_err *err)
{
	return sp_bundle_open(&dir_of(tr)->spool, name, NULL, err);
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

static enum sp_status
set_aside(struct tr *tr, unsigned outcomes, struct sp_err *err)
{
	struct sp_spool *spool = &dir_of(tr)->spool;

	if (spool->spare == NULL && sp_spare_new(spool, outcomes) == NULL)
		return SP_GONE;
	return sp_spare_fill(spool->spare, err);
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
	.unpack = unpack,
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
	.beat = dir_beat,
	.bye = dir_bye,
	.held = dir_held,
	.wishes = dir_wishes,
	.commit = commit,
	.release = release,
	.cancel = cancel,
	.keep = dir_keep,
	.drained = drained,
	.room = room,
	.set_aside = set_aside,
	.curve = dir_curve,
	.peers = dir_peers,
	.policy = policy,
	.worker = worker,
	.workers = dir_workers,
};
