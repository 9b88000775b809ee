/*
 * outcopy.c - the thread that copies a local $SPOOL_OUT to the spool, and what
 * brings there what earlier attempts left.  What lies in it says outlook.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libspool/log.h"
#include "libspool/spool.h"
#include "libspool/state.h"
#include "workerd/outcopy.h"
#include "workerd/stage.h"

#define DELAY_LEAST 1000
#define DELAY_MOST  30000
#define STACK_SIZE  (1 << 20)
#define QUIET_MS    20 /* between looks whether all threads have ended */

static atomic_int alive;

struct outcopy {
	const struct tr_ops *ops;
	struct tr *tr;
	struct sp_name name;
	char *root;
	int event;
	bool started;
	struct outlook look; /* the thread's, once it runs */
	bool doubt;          /* likewise */

	atomic_bool stop;
	atomic_bool synced;
	atomic_int done;      /* enum sp_status */
	pthread_mutex_t lock; /* for all below */
	pthread_cond_t wake;
	bool last; /* the job has ended */
	bool hurry;
	bool remove;
	int users;
};

static void
leave(struct outcopy *o)
{
	bool over, clear;

	(void)pthread_mutex_lock(&o->lock);
	over = --o->users == 0;
	clear = o->remove;
	(void)pthread_mutex_unlock(&o->lock);
	if (!over)
		return;
	if (clear)
		rmtree(o->root);
	outlook_clear(&o->look);
	(void)pthread_cond_destroy(&o->wake);
	(void)pthread_mutex_destroy(&o->lock);
	if (o->event != -1)
		(void)close(o->event);
	free(o->root);
	free(o);
}

struct outcopy *
outcopy_new(const struct tr_ops *ops, struct tr *tr, const struct sp_name *name,
    const char *root, int event)
{
	struct outcopy *o = calloc(1, sizeof *o);
	pthread_condattr_t attr;

	if (o == NULL || (o->root = strdup(root)) == NULL) {
		free(o);
		return NULL;
	}
	o->ops = ops;
	o->tr = tr;
	o->name = *name;
	o->event = fcntl(event, F_DUPFD_CLOEXEC, 0);
	o->users = 1;
	atomic_store(&o->done, SP_RETRY);
	(void)pthread_mutex_init(&o->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&o->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	return o;
}

const char *
outcopy_root(const struct outcopy *o)
{
	return o->root;
}

/* ---- what earlier attempts left ---- */

static enum sp_status
make_dirs(const struct outcopy *o, const char *path, char *full, size_t size)
{
	char *at;

	(void)snprintf(full, size, "%s/%s", o->root, path);
	for (at = full + strlen(o->root) + 1; (at = strchr(at, '/')) != NULL;
	     at++) {
		*at = '\0';
		if (mkdir(full, 0777) == -1 && errno != EEXIST)
			return SP_RETRY;
		*at = '/';
	}
	return SP_OK;
}

static enum sp_status
fetch_one(struct outcopy *o, const char *path, const atomic_bool *stop,
    struct sp_err *err)
{
	char full[PATH_MAX + 1100];
	enum sp_status st;
	struct stat is;
	int fd;

	/* What a server says is only words. */
	if (!outlook_path_ok(path)) {
		sp_warn("out order=%s: a path that is none; left out",
		    o->name.id.text);
		return SP_OK;
	}
	if (make_dirs(o, path, full, sizeof full) != SP_OK)
		return sp_err_sys(err, "make directories for out/%s", path);
	fd = open(
	    full, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd == -1)
		return sp_err_sys(err, "create out/%s", path);
	st = o->ops->out_get(o->tr, &o->name.id, path, fd, stop, err);
	if (st == SP_OK && fstat(fd, &is) == 0)
		(void)outlook_sent(&o->look, path, &is);
	(void)close(fd);
	if (st == SP_GONE || st == SP_BAD) { /* no longer there, or no file */
		(void)unlink(full);
		sp_err_clear(err);
		return SP_OK;
	}
	return st;
}

enum sp_status
outcopy_fetch(struct outcopy *o, const atomic_bool *stop, bool *old_out,
    struct sp_err *err)
{
	struct sp_names paths = { 0 };
	enum sp_status st;
	size_t i;

	*old_out = false;
	st = o->ops->out_list(o->tr, &o->name.id, &paths, err);
	if (st == SP_GONE) {
		sp_err_clear(err);
		return SP_OK;
	}
	*old_out = st == SP_OK;
	for (i = 0; i < paths.n && st == SP_OK; i++)
		st = atomic_load(stop)
		    ? sp_err_set(err, SP_RETRY, "stopped")
		    : fetch_one(o, sp_names_at(&paths, i), stop, err);
	sp_names_clear(&paths);
	return st == SP_OK ? st : SP_RETRY;
}

/* ---- on the thread ---- */

/* After trouble, or a new start: somebody else may have it by now, whose files
 * are not to be touched. */
static enum sp_status
stands(struct outcopy *o)
{
	struct sp_name now;
	enum sp_state state;
	enum sp_status st;

	if (!o->doubt)
		return SP_OK;
	st = o->ops->stands(o->tr, &o->name.id, &state, &now, NULL);
	if (st == SP_GONE || (st == SP_OK && !sp_attempt_same(&now, &o->name)))
		return SP_LOST;
	if (st == SP_OK)
		o->doubt = false;
	return st == SP_OK ? SP_OK : SP_RETRY;
}

static enum sp_status
send_one(struct outcopy *o, struct outfile *f, struct sp_err *err)
{
	char full[PATH_MAX + 1100];
	struct stat before, after;
	enum sp_status st;
	int fd;

	(void)snprintf(full, sizeof full, "%s/%s", o->root, f->path);
	fd = open(
	    full, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return SP_OK; /* the next look tells */
	st = SP_OK;
	if (fstat(fd, &before) == 0 && S_ISREG(before.st_mode))
		st = o->ops->out_put(
		    o->tr, &o->name, f->path, fd, &o->stop, err);
	/* It may have been written to meanwhile: then once more. */
	if (st == SP_OK && fstat(fd, &after) == 0 &&
	    after.st_size == before.st_size &&
	    after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
	    after.st_mtim.tv_nsec == before.st_mtim.tv_nsec)
		(void)outlook_sent(&o->look, f->path, &before);
	(void)close(fd);
	return st;
}

/* SP_OK: all that is to go now has gone. */
static enum sp_status
round_of(struct outcopy *o, bool last, struct sp_err *err)
{
	enum sp_status st = SP_OK;
	bool ok;
	size_t i;

	if (!(ok = outlook_round(&o->look, o->root)) && !last)
		return SP_OK;
	for (i = 0; i < o->look.n && st == SP_OK && !atomic_load(&o->stop);
	     i++) {
		struct outfile *f = &o->look.at[i];

		if (!f->here && (!f->sent || !ok || o->look.cut))
			continue;
		if (f->here && (f->sent || (!last && !f->calm)))
			continue;
		if ((st = stands(o)) != SP_OK)
			break;
		if (f->here) {
			st = send_one(o, f, err);
		} else {
			st = o->ops->out_put(
			    o->tr, &o->name, f->path, -1, &o->stop, err);
			f->sent = st != SP_OK;
		}
		/* What can never be copied keeps nobody from his outcome. */
		if (st == SP_BAD || st == SP_FATAL) {
			if (sp_warn_due(f->path))
				sp_warn("out order=%s: %s: %s; not copied",
				    o->name.id.text, f->path, err->text);
			sp_err_clear(err);
			st = SP_OK;
		}
	}
	return st;
}

static void
told(struct outcopy *o)
{
	const uint64_t one = 1;

	(void)!write(o->event, &one, sizeof one);
}

/* True: the job has ended; was: that was known before. */
static bool
wait_ms(struct outcopy *o, int64_t ms, bool was)
{
	const struct timespec t = sp_mono_in(ms);
	bool last;
	int rc = 0;

	(void)pthread_mutex_lock(&o->lock);
	while (!atomic_load(&o->stop) && !o->hurry && o->last == was &&
	    rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&o->wake, &o->lock, &t);
	o->hurry = false;
	last = o->last;
	(void)pthread_mutex_unlock(&o->lock);
	return last;
}

static void
sync_all(struct outcopy *o)
{
	int fd = open(o->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd != -1) {
		(void)syncfs(fd);
		(void)close(fd);
	}
	atomic_store(&o->synced, true);
	told(o);
}

static void *
run(void *arg)
{
	struct outcopy *o = arg;
	int64_t delay = OUTCOPY_MS;
	enum sp_status st;
	struct sp_err err;
	bool last = false;

	for (;;) {
		last = wait_ms(o, delay, last);
		if (atomic_load(&o->stop))
			break;
		if (last && !atomic_load(&o->synced))
			sync_all(o);
		sp_err_clear(&err);
		st = round_of(o, last, &err);
		if (st == SP_LOST || (last && st == SP_OK)) {
			atomic_store(&o->done, (int)st);
			break;
		}
		if (st == SP_OK) {
			delay = OUTCOPY_MS;
			continue;
		}
		o->doubt = true;
		if (sp_warn_due(o->name.id.text))
			sp_warn("out order=%s waits: %s; it is tried again",
			    o->name.id.text,
			    err.text[0] != '\0' ? err.text : "out of reach");
		delay = delay < DELAY_LEAST || delay == OUTCOPY_MS ? DELAY_LEAST
								   : delay * 2;
		if (delay > DELAY_MOST)
			delay = DELAY_MOST;
	}
	told(o);
	leave(o);
	(void)atomic_fetch_sub(&alive, 1);
	return NULL;
}

/* ---- the main thread's side ---- */

bool
outcopy_start(struct outcopy *o, bool doubt)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	o->doubt = doubt;
	o->started = true;
	o->users++;
	(void)atomic_fetch_add(&alive, 1);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&thread, &attr, run, o);
	(void)pthread_attr_destroy(&attr);
	if (rc != 0) {
		o->users--;
		o->started = false;
		(void)atomic_fetch_sub(&alive, 1);
	}
	return rc == 0;
}

static void
tell(struct outcopy *o, bool last)
{
	(void)pthread_mutex_lock(&o->lock);
	o->last = o->last || last;
	o->hurry = o->hurry || !last;
	(void)pthread_cond_signal(&o->wake);
	(void)pthread_mutex_unlock(&o->lock);
}

void
outcopy_finish(struct outcopy *o)
{
	if (!o->started && !outcopy_start(o, false)) {
		sp_warn("out order=%s: no thread; not copied", o->name.id.text);
		atomic_store(&o->done, SP_OK);
	}
	tell(o, true);
}

void
outcopy_hurry(struct outcopy *o)
{
	tell(o, false);
}

bool
outcopy_synced_is(struct outcopy *o)
{
	return atomic_load(&o->synced);
}

enum sp_status
outcopy_done(struct outcopy *o)
{
	return (enum sp_status)atomic_load(&o->done);
}

void
outcopy_free(struct outcopy *o, bool remove)
{
	if (o == NULL)
		return;
	(void)pthread_mutex_lock(&o->lock);
	o->remove = remove;
	atomic_store(&o->stop, true);
	(void)pthread_cond_signal(&o->wake);
	(void)pthread_mutex_unlock(&o->lock);
	leave(o);
}

bool
outcopy_quiet(int64_t ms)
{
	const struct timespec pause = { .tv_nsec = QUIET_MS * 1000000 };

	for (; ms > 0 && atomic_load(&alive) > 0; ms -= QUIET_MS)
		(void)nanosleep(&pause, NULL);
	return atomic_load(&alive) == 0;
}
