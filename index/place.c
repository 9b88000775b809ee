/*
 * place.c - where the index lies, who may write it, opening it and throwing it
 * away.  What goes into it is sync.c's business.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/inner.h"
#include "libspool/file.h"
#include "libspool/log.h"

#define FILE_NAME "spool.db"
#define LOCK      "lock"
#define THROWS    3

/* ---- where ---- */

static enum sp_status
make_path(char *path, struct sp_err *err)
{
	char *slash;

	for (slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(path, 0755) == -1 && errno != EEXIST)
			return sp_err_sys(err, "make %s", path);
		if (slash == NULL)
			return SP_OK;
		*slash = '/';
	}
}

/* A directory's name from the spool's path: to be read by people, and a hash
 * against two paths that look alike. */
static void
own_name(const char *path, char out[120])
{
	uint32_t hash = 2166136261u;
	size_t n = 0;
	const char *p;

	for (p = path; *p != '\0'; p++) {
		hash = (hash ^ (unsigned char)*p) * 16777619u;
		if (n < 100 && (n > 0 || *p != '/'))
			out[n++] = *p == '/' ? '-' : *p;
	}
	(void)snprintf(out + n, 120 - n, "-%08" PRIx32, hash);
}

enum sp_status
index_place(const struct sp_spool *spool, unsigned nth, bool make,
    char path_out[INDEX_PATH_MAX], struct sp_err *err)
{
	const char *base, *below = "/spool";
	char dir[INDEX_PATH_MAX], own[120];
	enum sp_status st;
	int n;

	if (spool->local) {
		if (nth > 0)
			return SP_GONE;
		n = snprintf(path_out, INDEX_PATH_MAX, "%s/index/" FILE_NAME,
		    spool->path);
		return n < INDEX_PATH_MAX ? SP_OK : SP_BAD;
	}
	switch (nth) {
	case 0:
		base = getenv("XDG_STATE_HOME");
		break;
	case 1:
		base = "/var/lib";
		break;
	case 2:
		base = getenv("HOME");
		below = "/.local/state/spool";
		break;
	default:
		return SP_GONE;
	}
	if (base == NULL || base[0] != '/')
		return SP_BAD;
	own_name(spool->path, own);
	n = snprintf(dir, sizeof dir - 16, "%s%s/%s", base, below, own);
	if (n < 0 || (size_t)n >= sizeof dir - 16)
		return SP_BAD;
	if (make && (st = make_path(dir, err)) != SP_OK)
		return st;
	if (make && access(dir, W_OK) == -1)
		return sp_err_sys(err, "write to %s", dir);
	(void)snprintf(path_out, INDEX_PATH_MAX, "%.*s/" FILE_NAME,
	    (int)(INDEX_PATH_MAX - 16), dir);
	return SP_OK;
}

bool
index_outside(
    const struct sp_spool *spool, unsigned nth, char path[INDEX_PATH_MAX])
{
	if (spool->local || index_place(spool, nth, false, path, NULL) != SP_OK)
		return false;
	*strrchr(path, '/') = '\0';
	return true;
}

/* ---- who ---- */

static bool
same_is(int dirfd, const char *name, int fd)
{
	struct stat a, b;

	return fd != -1 && fstatat(dirfd, name, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstat(fd, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* SP_LOST: another has it. */
static enum sp_status
take_lock(struct index *ix, struct sp_err *err)
{
	(void)unlinkat(ix->dirfd, LOCK, AT_REMOVEDIR); /* were it one */
	ix->lockfd = openat(ix->dirfd, LOCK,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
	if (ix->lockfd == -1)
		return sp_err_sys(err, "open index/" LOCK);
	if (flock(ix->lockfd, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK)
			return SP_LOST;
		/* A filesystem without locks: two indexers would only undo
		 * each other's work, so go on. */
		if (sp_warn_due("index lock"))
			sp_warn("index/" LOCK " cannot be locked: %s",
			    strerror(errno));
	}
	return same_is(ix->dirfd, LOCK, ix->lockfd) ? SP_OK : SP_LOST;
}

bool
index_kept_is(const struct sp_spool *spool)
{
	bool kept = false;
	int fd;

	fd = openat(spool->root, "index/" LOCK,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return false;
	if (flock(fd, LOCK_SH | LOCK_NB) == -1)
		kept = errno == EWOULDBLOCK;
	(void)close(fd);
	return kept;
}

bool
index_ours_is(const struct index *ix)
{
	return same_is(ix->spool->root, "index", ix->dirfd) &&
	    same_is(ix->dirfd, LOCK, ix->lockfd);
}

int
index_dir(const struct index *ix)
{
	return ix->dirfd;
}

/* ---- the database's files ---- */

static const char *const endings[] = { "", "-wal", "-shm" };

static void
beside(const struct index *ix, size_t i, char out[INDEX_PATH_MAX + 8])
{
	(void)snprintf(out, INDEX_PATH_MAX + 8, "%s%s", ix->path, endings[i]);
}

bool
index_whole_is(const struct index *ix)
{
	char path[INDEX_PATH_MAX + 8];
	struct stat sb;
	size_t i;

	for (i = 0; i < 3; i++) {
		beside(ix, i, path);
		if (lstat(path, &sb) == -1 || (i == 0 && sb.st_ino != ix->ino))
			return false;
	}
	return true;
}

void
index_throw(struct index *ix)
{
	char path[INDEX_PATH_MAX + 8];
	size_t i;

	sql_close(ix->sql);
	ix->sql = NULL;
	for (i = 0; i < 3; i++) {
		beside(ix, i, path);
		lines_clear(AT_FDCWD, path);
	}
}

static enum sp_status
load_once(struct index *ix, struct sp_err *err)
{
	struct sql_lines mark;
	enum sp_status st;
	struct stat sb;

	sql_close(ix->sql);
	ix->sql = NULL;
	if ((st = sql_open(ix->path, true, &ix->sql, err)) != SP_OK ||
	    (st = sql_stamps(ix->sql, &ix->known, err)) != SP_OK ||
	    (st = sql_fresh(ix->sql, &ix->fresh, err)) != SP_OK ||
	    (st = sql_lines(ix->sql, &mark, err)) != SP_OK)
		return st;
	if (ix->fresh.failed)
		return sp_err_set(err, SP_RETRY, "no memory");
	if (lstat(ix->path, &sb) == -1)
		return sp_err_sys(err, "stat %s", ix->path);
	ix->ino = sb.st_ino;
	st = lines_open(&ix->lines, ix->dirfd, &mark, err);
	return st == SP_GONE ? SP_OK : st; /* sync starts over */
}

enum sp_status
index_load(struct index *ix, struct sp_err *err)
{
	struct sp_err why = { "" };
	enum sp_status st;

	while ((st = load_once(ix, &why)) == SP_BAD && ix->thrown++ < THROWS) {
		if (sp_warn_due(why.text))
			sp_warn("index thrown away: %s", why.text);
		sp_err_clear(&why);
		index_throw(ix);
	}
	if (st == SP_OK)
		return SP_OK;
	sql_close(ix->sql);
	ix->sql = NULL;
	return sp_err_set(err, SP_RETRY, "%s", why.text);
}

/* The first place where it can be written. */
static enum sp_status
settle_down(struct index *ix, struct sp_err *err)
{
	enum sp_status st;
	unsigned nth;

	for (nth = 0;; nth++) {
		st = index_place(ix->spool, nth, true, ix->path, NULL);
		if (st == SP_GONE)
			return sp_err_set(err, SP_RETRY,
			    "no place for the index: set XDG_STATE_HOME to a "
			    "directory that can be written");
		if (st == SP_OK)
			return SP_OK;
	}
}

enum sp_status
index_open(
    const struct sp_spool *spool, struct index **index_out, struct sp_err *err)
{
	enum sp_status st;
	struct index *ix;

	if ((ix = calloc(1, sizeof *ix)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	ix->spool = spool;
	ix->dirfd = ix->lockfd = -1;
	sp_buf_init(&ix->fresh, SIZE_MAX / 4);
	lines_init(&ix->lines);
	walk_stop(&ix->walk);
	if ((st = sp_make_dir(spool->root, "index", err)) == SP_OK &&
	    (st = sp_open_dir(spool->root, "index", &ix->dirfd, err)) ==
		SP_OK &&
	    (st = take_lock(ix, err)) == SP_OK &&
	    (st = settle_down(ix, err)) == SP_OK)
		st = index_load(ix, err);
	if (st != SP_OK) {
		index_close(ix);
		return st == SP_LOST ? SP_LOST : SP_RETRY;
	}
	*index_out = ix;
	return SP_OK;
}

void
index_watched(struct index *ix, const struct index_watch *watch)
{
	ix->watch = watch;
	news_lost(ix);
}

void
index_close(struct index *ix)
{
	if (ix == NULL)
		return;
	sql_close(ix->sql);
	lines_close(&ix->lines);
	stamps_clear(&ix->known);
	walk_stop(&ix->walk);
	sp_names_clear(&ix->news);
	sp_buf_clear(&ix->fresh);
	if (ix->dirfd != -1)
		(void)close(ix->dirfd);
	if (ix->lockfd != -1)
		(void)close(ix->lockfd); /* and with it the lock */
	free(ix);
}
