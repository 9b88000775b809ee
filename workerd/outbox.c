/*
 * outbox.c - which process has which directory of the outbox, what goes there,
 * and what an earlier worker of our NAME has left there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/log.h"
#include "libspool/scan.h"
#include "workerd/outbox.h"
#include "workerd/outcopy.h"
#include "workerd/parcel.h"
#include "workerd/private.h"
#include "workerd/worker.h"

#define WHAT     "spool-outbox"
#define SAVE_MS  1000  /* what is not handed over by then */
#define CALM_MS  60000 /* for what was taken over to be delivered */
#define DIR_NAME (SP_WORKER_MAX + 16)
#define OUT      ".out"

/* ---- our directory ---- */

static void
dir_name(const char *worker, uint32_t tag, char out[DIR_NAME])
{
	(void)snprintf(out, DIR_NAME, "%s.%08x", worker, tag);
}

/* Open and lock root/name; -1: somebody else has it, or it is gone. */
static int
lock_dir(int root, const char *name)
{
	struct stat at, is;
	int fd;

	fd =
	    openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	/* One who found it empty may have taken it away meanwhile. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &is) == 0 &&
	    private_is(&is) &&
	    fstatat(root, name, &at, AT_SYMLINK_NOFOLLOW) == 0 &&
	    at.st_ino == is.st_ino)
		return fd;
	(void)close(fd);
	return -1;
}

/* Ours, made when it is first needed. */
static bool
make_ours(struct worker *w, struct sp_err *err)
{
	char name[DIR_NAME];
	int root, i;

	if (w->outbox.lock != -1)
		return true;
	if ((root = private_open(w->opt.work, WHAT, true)) == -1) {
		(void)sp_err_set(
		    err, SP_RETRY, "no %s in %s", WHAT, w->opt.work);
		return false;
	}
	dir_name(w->ops->worker(w->tr), w->outbox.tag, name);
	for (i = 0; i < 10 && w->outbox.lock == -1; i++) {
		if (mkdirat(root, name, 0700) == -1 && errno != EEXIST)
			break;
		w->outbox.lock = lock_dir(root, name);
	}
	if (w->outbox.lock == -1)
		(void)sp_err_sys(err, "make %s/%s", WHAT, name);
	else
		(void)sp_sync(root, WHAT, NULL);
	(void)close(root);
	return w->outbox.lock != -1;
}

/* ---- saving ---- */

/* Where an attempt of ours is kept. */
static void
place_of(const struct worker *w, const struct sp_name *name, char out[PATH_MAX])
{
	char root[PATH_MAX], dir[DIR_NAME], attempt[SP_NAME_MAX];

	private_path(w->opt.work, WHAT, root);
	dir_name(w->ops->worker(w->tr), w->outbox.tag, dir);
	sp_attempt_print(name, attempt);
	(void)snprintf(out, PATH_MAX, "%.3000s/%s/%s", root, dir, attempt);
}

enum sp_status
outbox_out(struct worker *w, const struct sp_name *name, char out[PATH_MAX],
    struct sp_err *err)
{
	if (!make_ours(w, err))
		return SP_RETRY;
	place_of(w, name, out);
	(void)strcat(out, OUT);
	rmtree(out); /* nobody's */
	return mkdir(out, 0700) == -1 ? sp_err_sys(err, "make %s", out) : SP_OK;
}

static void
save(struct worker *w, struct parcel *p)
{
	struct sp_err err = { "" };
	char place[PATH_MAX];

	place_of(w, &p->name, place);
	if (make_ours(w, &err) && outboxfile_save(p, place, &err) == SP_OK &&
	    sp_sync(w->outbox.lock, place, &err) == SP_OK)
		p->place = strdup(place);
	if (p->place != NULL) {
		sp_info("keep order=%s: it cannot be handed over now; waits "
			"in %s",
		    p->name.id.text, place);
		return;
	}
	rmtree(place);
	p->unsaved = true;
	sp_warn("keep order=%s: %s; it waits in memory only", p->name.id.text,
	    err.text);
}

int64_t
outbox_tick(struct worker *w, int64_t now)
{
	struct parcel *p;
	int64_t next;

	p = commit_unsaved(&w->commit, now - SAVE_MS, &next);
	if (p == NULL)
		return next == INT64_MAX ? FAR : next + SAVE_MS;
	save(w, p);
	beat_soon(w);
	return now; /* one at a time: each waits for the disk */
}

void
outbox_forget(const struct parcel *p)
{
	char head[PATH_MAX];

	if (p->place == NULL)
		return;
	/* Its head first: half of what is left must not look whole. */
	(void)snprintf(head, sizeof head, "%s/parcel.json", p->place);
	(void)unlink(head);
	rmtree(p->place);
}

/* ---- taking over ---- */

/* What its script left is copied first. */
static void
adopt_out(struct worker *w, struct parcel *p)
{
	char out[PATH_MAX + 8];

	(void)snprintf(out, sizeof out, "%s" OUT, p->place);
	p->copy = outcopy_new(w->direct, w->tr, &p->name, out, w->commit.event);
	if (p->copy != NULL && outcopy_start(p->copy, true)) {
		outcopy_finish(p->copy);
		return;
	}
	sp_warn("out order=%s: no memory; not copied", p->name.id.text);
	outcopy_free(p->copy, false);
	p->copy = NULL;
}

/* "ID.tTaA@W.out" of an attempt that never came to its end. */
static bool
left_out_is(int dir, const char *name)
{
	size_t n = strlen(name), k = strlen(OUT);
	char head[300];

	if (n <= k || n > 255 || strcmp(name + n - k, OUT) != 0)
		return false;
	(void)snprintf(
	    head, sizeof head, "%.*s/parcel.json", (int)(n - k), name);
	return faccessat(dir, head, F_OK, 0) == -1;
}

static bool
out_is(const char *name)
{
	size_t n = strlen(name), k = strlen(OUT);

	return n > k && strcmp(name + n - k, OUT) == 0;
}

static size_t
adopt(struct worker *w, const char *dir, int fd)
{
	struct sp_names names = { 0 };
	char place[2 * PATH_MAX];
	struct sp_err err;
	struct parcel *p;
	size_t i, n = 0;

	if (sp_list(fd, true, &names, NULL) != SP_OK)
		return 1; /* nobody can tell: it stays */
	for (i = 0; i < names.n; i++) {
		(void)snprintf(place, sizeof place, "%.4000s/%.255s", dir,
		    sp_names_at(&names, i));
		sp_err_clear(&err);
		if (out_is(sp_names_at(&names, i))) {
			if (left_out_is(fd, sp_names_at(&names, i)))
				rmtree(place);
		} else if ((p = outboxfile_load(place, &err)) != NULL) {
			if (p->waits)
				adopt_out(w, p);
			sp_info("deliver order=%s: worker %s had no time for "
				"that",
			    p->name.id.text, p->name.worker);
			commit_put(&w->commit, p);
			n++;
		} else if (err.text[0] == '\0') {
			rmtree(place); /* never finished */
		} else {
			sp_warn("%s: %s; it is left there", place, err.text);
			n++;
		}
	}
	sp_names_clear(&names);
	return n;
}

/* "W.TAG", of our NAME and spool? */
static bool
kin_is(const struct worker *w, const char *name)
{
	char worker[SP_WORKER_MAX + 1], again[DIR_NAME];
	const char *dot = strrchr(name, '.');

	if (dot == NULL || dot - name > SP_WORKER_MAX)
		return false;
	(void)snprintf(worker, sizeof worker, "%.*s", (int)(dot - name), name);
	dir_name(worker, w->outbox.tag, again);
	return strcmp(again, name) == 0 && sp_worker_ok(worker) &&
	    sp_worker_kin(worker, w->ops->worker(w->tr));
}

void
outbox_open(struct worker *w)
{
	struct outbox *o = &w->outbox;
	char root[PATH_MAX], dir[2 * PATH_MAX];
	struct sp_names names = { 0 };
	size_t i, n = 0;
	int fd, lock;

	o->tag = private_tag(w->opt.url);
	o->lock = -1;
	if ((fd = private_open(w->opt.work, WHAT, false)) == -1)
		return;
	private_path(w->opt.work, WHAT, root);
	if (sp_list(fd, true, &names, NULL) != SP_OK)
		names.n = 0;
	for (i = 0; i < names.n && o->old_n < OUTBOX_OLD; i++) {
		const char *name = sp_names_at(&names, i);

		if (!kin_is(w, name) || (lock = lock_dir(fd, name)) == -1)
			continue;
		(void)snprintf(dir, sizeof dir, "%s/%s", root, name);
		o->old_path[o->old_n] = strdup(dir);
		o->old[o->old_n++] = lock;
		n += adopt(w, dir, lock);
	}
	if (n > 0)
		o->calm_until = sp_mono_ms() + CALM_MS;
	sp_names_clear(&names);
	(void)close(fd);
}

bool
outbox_calm_is(struct worker *w, int64_t now)
{
	if (now < w->outbox.calm_until && !commit_idle_is(&w->commit))
		return true;
	w->outbox.calm_until = 0;
	return false;
}

void
outbox_close(struct worker *w)
{
	struct outbox *o = &w->outbox;
	char root[PATH_MAX], dir[DIR_NAME];
	size_t i;
	int fd;

	fd = private_open(w->opt.work, WHAT, false);
	if (fd != -1 && o->lock != -1) {
		dir_name(w->ops->worker(w->tr), o->tag, dir);
		(void)unlinkat(fd, dir, AT_REMOVEDIR); /* when it is empty */
	}
	if (o->lock != -1)
		(void)close(o->lock);
	for (i = 0; i < o->old_n; i++) {
		if (o->old_path[i] != NULL)
			(void)rmdir(o->old_path[i]); /* likewise */
		free(o->old_path[i]);
		(void)close(o->old[i]);
	}
	if (fd == -1)
		return;
	(void)close(fd);
	private_path(w->opt.work, WHAT, root);
	(void)rmdir(root);
}
