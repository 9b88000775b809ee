/*
 * cache.c - entries of the cache: verified, placed into work directories, and
 * how they come in.  Where it lies is said in cacheopen.c, what goes in
 * cachetrim.c, what to bring in bring.c.
 *
 * Two that fetch the same: the second finds the first one's .part locked.  The
 * lock dies with its process, so a dead one's is taken over; whoever gets the
 * lock looks whether the file is still the one of that name, for it may have
 * become an entry meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

#include "libspool/copy.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "libspool/spool.h"
#include "workerd/cache.h"

#define USED_MS    50        /* between notes that one is used */
#define QUICK_MOST (1 << 20) /* bytes that the main thread may handle */

/* ---- versions ---- */

static void
version_name(const char *version, char out[CACHE_NAME])
{
	sp_sha_text(version, strlen(version), out);
	(void)strcpy(out + SP_SHA_LEN, ".v");
}

/* Mostly it is the same again and again. */
static void
remember(struct cache *c, const char *version, const char *hex)
{
	(void)pthread_mutex_lock(&c->lock);
	c->version[0] = '\0';
	if (strlen(version) < sizeof c->version) {
		(void)strcpy(c->version, version);
		(void)strcpy(c->is, hex);
	}
	(void)pthread_mutex_unlock(&c->lock);
}

static bool
remembered(struct cache *c, const char *version, char hex[SP_SHA_LEN + 1])
{
	bool same;

	(void)pthread_mutex_lock(&c->lock);
	same = strcmp(c->version, version) == 0;
	if (same)
		(void)strcpy(hex, c->is);
	(void)pthread_mutex_unlock(&c->lock);
	return same;
}

bool
cache_version(struct cache *c, const char *version, char hex[SP_SHA_LEN + 1])
{
	char name[CACHE_NAME], is[SP_SHA_LEN + 2];
	ssize_t n;

	if (remembered(c, version, hex))
		return true;
	version_name(version, name);
	n = readlinkat(c->fd, name, is, sizeof is - 1);
	is[n > 0 ? n : 0] = '\0';
	if (!sp_sha_ok(is))
		return false;
	(void)strcpy(hex, is);
	remember(c, version, hex);
	return true;
}

void
cache_version_put(struct cache *c, const char *version, const char *hex)
{
	char name[CACHE_NAME];

	version_name(version, name);
	(void)unlinkat(c->fd, name, 0);
	(void)!symlinkat(hex, c->fd, name); /* else it is fetched again */
	remember(c, version, hex);
}

/* ---- seals ---- */

/* Whole even seconds of years gone by: what any filesystem can keep, and what
 * no clock gives any more. */
static void
seal_of(const struct cache *c, const char *hex, struct timespec out[2])
{
	char text[SP_SHA_LEN + 64], mix[SP_SHA_LEN + 1];
	int n = snprintf(text, sizeof text, "%s%.60s", hex, c->boot);

	sp_sha_text(text, (size_t)n, mix);
	mix[7] = '\0';
	out[0] = (struct timespec){ .tv_nsec = UTIME_NOW };
	out[1] = (struct timespec){ .tv_sec = 1000000000 +
		    (strtol(mix, NULL, 16) & ~1L) };
}

static void
entry_name(const char *hex, bool exec, char out[CACHE_NAME])
{
	(void)snprintf(
	    out, CACHE_NAME, "%.*s%s", SP_SHA_LEN, hex, exec ? ".x" : "");
}

/* The seal is broken: is it still what it was? */
static enum sp_status
verify(struct cache *c, const char *hex, const char *name,
    const struct stat *st, const struct cache_patience *how)
{
	struct timespec seal[2];
	char is[SP_SHA_LEN + 1];
	enum sp_status s;
	int fd;

	if (how->quick && st->st_size > QUICK_MOST)
		return SP_LOST;
	fd = openat(c->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? SP_GONE : SP_RETRY;
	s = sp_sha_file(fd, is, NULL);
	if (s == SP_OK && strcmp(is, hex) != 0)
		s = SP_GONE;
	if (s == SP_OK) {
		seal_of(c, hex, seal);
		(void)futimens(fd, seal);
	}
	(void)close(fd);
	return s;
}

/* Is the entry good?  One that is not is thrown away; jobs that have links to
 * it keep what they have. */
static enum sp_status
look(struct cache *c, const char *hex, bool exec, const char *name,
    const struct cache_patience *how, struct stat *st)
{
	mode_t mode = S_IFREG | (exec ? 0555 : 0444);
	struct timespec seal[2];
	enum sp_status s = SP_OK;

	if (fstatat(c->fd, name, st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? SP_GONE : SP_RETRY;
	seal_of(c, hex, seal);
	if (!S_ISREG(st->st_mode) || st->st_uid != geteuid())
		s = SP_GONE;
	else if (st->st_mode != mode || st->st_mtim.tv_sec != seal[1].tv_sec ||
	    st->st_mtim.tv_nsec != 0)
		s = st->st_mode == mode ? verify(c, hex, name, st, how)
					: SP_GONE;
	if (s == SP_GONE) {
		sp_warn("cache: %.16s... is not what it was: thrown away", hex);
		(void)unlinkat(c->fd, name, 0);
	}
	return s;
}

enum sp_status
cache_read(struct cache *c, const char *hex, bool exec, int *fd_out)
{
	char name[CACHE_NAME];

	entry_name(hex, exec, name);
	*fd_out = openat(c->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd_out != -1)
		return SP_OK;
	return errno == ENOENT ? SP_GONE : SP_RETRY;
}

/* ---- into work directories ---- */

/* A file of its own, with or without blocks of its own. */
static enum sp_status
copy(struct cache *c, const char *name, bool exec, const char *path, bool clone,
    const struct cache_patience *how, struct sp_err *err)
{
	enum sp_status s = SP_OK;
	int from, to;

	from = openat(c->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from == -1)
		return errno == ENOENT ? SP_GONE
				       : sp_err_sys(err, "cache: %s", name);
	to = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to == -1) {
		s = sp_err_sys(err, "create %s", path);
		(void)close(from);
		return s;
	}
	if (clone && ioctl(to, FICLONE, from) == -1)
		s = SP_LOST;
	else if (!clone)
		s = sp_copy(from, to, 0, how->stop, err);
	if (s == SP_OK && fchmod(to, exec ? 0555 : 0444) == -1)
		s = sp_err_sys(err, "%s", path);
	/* Closed before anybody may execute it: ETXTBSY. */
	if (close(to) == -1 && s == SP_OK)
		s = sp_err_sys(err, "close %s", path);
	(void)close(from);
	if (s != SP_OK)
		(void)unlink(path);
	return s;
}

static int64_t
ms_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

enum sp_status
cache_place(struct cache *c, const char *hex, bool exec, const char *path,
    ino_t *link, const struct cache_patience *how, struct sp_err *err)
{
	const struct timespec used[2] = { { .tv_nsec = UTIME_NOW },
		{ .tv_nsec = UTIME_OMIT } };
	char name[CACHE_NAME];
	enum sp_status s;
	struct stat st;
	int64_t ago;

	entry_name(hex, exec, name);
	if ((s = look(c, hex, exec, name, how, &st)) != SP_OK)
		return s == SP_RETRY ? sp_err_sys(err, "cache: %s", name) : s;
	/* A thousand jobs in a second need not all say so. */
	ago = sp_wall_ms() - ms_of(&st.st_atim);
	if (ago > USED_MS || ago < 0)
		(void)utimensat(c->fd, name, used, AT_SYMLINK_NOFOLLOW);
	if (*link == st.st_ino)
		return SP_OK;
	if (*link != 0 && unlink(path) == -1)
		return sp_err_sys(err, "remove %s", path);
	*link = 0;
	if (!atomic_load(&c->no_clone)) {
		s = copy(c, name, exec, path, true, how, err);
		if (s != SP_LOST)
			return s;
		atomic_store(&c->no_clone, true);
	}
	if (sp_link_own(c->fd, name, path)) {
		*link = st.st_ino;
		return SP_OK;
	}
	if (errno == ENOENT && faccessat(c->fd, name, F_OK, 0) == -1)
		return SP_GONE; /* somebody needed the room */
	if (errno == EEXIST || errno == ENOSPC || errno == ENOENT)
		return sp_err_sys(err, "link to %s", path);
	/* Another filesystem, or one without links. */
	if (how->quick && st.st_size > QUICK_MOST)
		return SP_LOST;
	return copy(c, name, exec, path, false, how, err);
}

/* ---- coming in ---- */

enum sp_status
cache_begin(
    struct cache *c, const char *key, struct incoming *in, struct sp_err *err)
{
	struct stat here, there;
	enum sp_status s;
	unsigned serial;

	(void)pthread_mutex_lock(&c->lock);
	serial = ++c->serial;
	(void)pthread_mutex_unlock(&c->lock);
	if (key != NULL)
		(void)snprintf(
		    in->name, sizeof in->name, "%.*s.part", SP_SHA_LEN, key);
	else
		(void)snprintf(in->name, sizeof in->name, "in.%d.%u.part",
		    (int)getpid(), serial);
	in->fd = openat(c->fd, in->name,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (in->fd == -1)
		return sp_err_sys(err, "cache: %s", in->name);
	if (flock(in->fd, LOCK_EX | LOCK_NB) == -1)
		s = errno == EWOULDBLOCK
		    ? SP_LOST
		    : sp_err_sys(err, "cache: lock %s", in->name);
	else if (fstat(in->fd, &here) == -1 ||
	    fstatat(c->fd, in->name, &there, AT_SYMLINK_NOFOLLOW) == -1 ||
	    here.st_ino != there.st_ino || !S_ISREG(here.st_mode))
		s = SP_LOST; /* it has just become an entry, or went */
	else if (ftruncate(in->fd, 0) == -1 || fchmod(in->fd, 0600) == -1)
		s = sp_err_sys(err, "cache: %s", in->name);
	else
		return SP_OK;
	(void)close(in->fd);
	in->fd = -1;
	return s;
}

/* Count what came; now and then see that the limit holds. */
static void
reckon(struct cache *c, int64_t bytes)
{
	bool over;

	(void)pthread_mutex_lock(&c->lock);
	c->room -= bytes;
	over = c->room < 0;
	if (over)
		/* Others bring things, too: so much may pass unseen. */
		c->room = c->limit / 16;
	(void)pthread_mutex_unlock(&c->lock);
	if (over)
		(void)cache_trim(c, c->limit, NULL);
}

enum sp_status
cache_end(struct cache *c, struct incoming *in, const char *hex, bool exec,
    struct sp_err *err)
{
	struct timespec seal[2];
	char name[CACHE_NAME];
	enum sp_status s;
	struct stat st;

	entry_name(hex, exec, name);
	seal_of(c, hex, seal);
	if (fstat(in->fd, &st) == -1 ||
	    fchmod(in->fd, exec ? 0555 : 0444) == -1 ||
	    futimens(in->fd, seal) == -1)
		s = sp_err_sys(err, "cache: %s", name);
	else
		s = sp_move_file(c->fd, in->name, c->fd, name, true, err);
	if (s != SP_OK) {
		cache_drop(c, in);
		return s;
	}
	(void)close(in->fd);
	in->fd = -1;
	reckon(c, st.st_size);
	return SP_OK;
}

void
cache_drop(struct cache *c, struct incoming *in)
{
	if (in->fd == -1)
		return;
	(void)unlinkat(c->fd, in->name, 0); /* while it is locked */
	(void)close(in->fd);
	in->fd = -1;
}
