/*
 * spare.c - room set aside in the spool (spare.h): made, taken, given up.  When
 * it is needed finish.c says; when it is made again, its owner.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/move.h"
#include "libspool/spare.h"

#define RENEW_MS (3600 * 1000) /* long before tmp/ is swept */

struct sp_spare {
	struct sp_spool *spool;
	unsigned most;
	atomic_bool pressed;
	pthread_mutex_t lock; /* for all below */
	unsigned held;
	int64_t renewed;
	bool there[];
};

static void
name_of(const struct sp_spare *s, unsigned n, char out[SP_NAME_MAX])
{
	(void)snprintf(out, SP_NAME_MAX, SP_SPARE "%s.%u", s->spool->actor, n);
}

struct sp_spare *
sp_spare_new(struct sp_spool *spool, unsigned most)
{
	struct sp_spare *s;

	if (sp_fs_far(spool->root))
		return NULL;
	most = most < SP_SPARE_MOST ? most : SP_SPARE_MOST;
	if ((s = calloc(1, sizeof *s + most * sizeof *s->there)) == NULL)
		return NULL;
	s->spool = spool;
	s->most = most;
	(void)pthread_mutex_init(&s->lock, NULL);
	spool->spare = s;
	return s;
}

void
sp_spare_free(struct sp_spare *s)
{
	if (s == NULL)
		return;
	while (sp_spare_spend(s))
		;
	s->spool->spare = NULL;
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- making ---- */

/* Blocks of its own, where the filesystem can be asked; else bytes. */
static enum sp_status
allocate(int fd)
{
	static const char zeros[4096];
	enum sp_status st = SP_OK;
	int i;

	if (fallocate(fd, 0, 0, SP_SPARE_SIZE) == 0)
		return SP_OK;
	if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
		return sp_errno_status(errno);
	for (i = 0; i < SP_SPARE_SIZE / (int)sizeof zeros && st == SP_OK; i++)
		st = sp_write_all(fd, zeros, sizeof zeros);
	return st;
}

static enum sp_status
make_one(const struct sp_spare *s, unsigned n, struct sp_err *err)
{
	int fd, dir = s->spool->dir[SP_DIR_TMP];
	char file[SP_NAME_MAX];
	enum sp_status st;

	name_of(s, n, file);
	fd = sp_fs_open(
	    dir, file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
	if (fd == -1)
		return sp_err_sys(err, "tmp/%s", file);
	st = allocate(fd);
	if (st != SP_OK)
		(void)sp_err_sys(err, "tmp/%s", file);
	if (sp_fs_close(fd) == -1 && st == SP_OK)
		st = sp_err_sys(err, "tmp/%s", file);
	if (st != SP_OK)
		(void)sp_fs_unlink(dir, file);
	return st;
}

/* So that nobody takes them for left over; and is it still so? */
static void
renew(struct sp_spare *s)
{
	char file[SP_NAME_MAX];
	unsigned i;

	for (i = 0; i < s->most; i++) {
		name_of(s, i, file);
		if (s->there[i] &&
		    utimensat(s->spool->dir[SP_DIR_TMP], file, NULL,
			AT_SYMLINK_NOFOLLOW) == -1 &&
		    errno == ENOENT) {
			s->there[i] = false;
			s->held--;
		}
	}
}

enum sp_status
sp_spare_fill(struct sp_spare *s, struct sp_err *err)
{
	enum sp_status st = SP_OK;
	int64_t now = sp_mono_ms();
	unsigned i;

	(void)pthread_mutex_lock(&s->lock);
	if (s->held == s->most && now - s->renewed > RENEW_MS) {
		renew(s);
		s->renewed = now;
	}
	for (i = 0; i < s->most && s->held < s->most && st == SP_OK; i++) {
		if (s->there[i])
			continue;
		if ((st = make_one(s, i, err)) != SP_OK)
			break;
		s->there[i] = true;
		s->held++;
		s->renewed = now;
	}
	if (st == SP_OK)
		atomic_store(&s->pressed, false);
	(void)pthread_mutex_unlock(&s->lock);
	return st;
}

/* ---- using ---- */

bool
sp_spare_short_is(int sys_errno)
{
	return sys_errno == ENOSPC || sys_errno == EDQUOT;
}

void
sp_spare_press(struct sp_spare *s)
{
	if (s != NULL)
		atomic_store(&s->pressed, true);
}

bool
sp_spare_pressed_is(struct sp_spare *s)
{
	return s != NULL && atomic_load(&s->pressed);
}

/* With the lock: the number of one that is ours from now on, or `most`. */
static unsigned
pick(struct sp_spare *s)
{
	unsigned i;

	for (i = 0; i < s->most && !s->there[i]; i++)
		;
	if (i < s->most) {
		s->there[i] = false;
		s->held--;
	}
	return i;
}

/* One goes, when more than `stay` are there. */
static bool
give_up(struct sp_spare *s, unsigned stay)
{
	char file[SP_NAME_MAX];
	bool gone = false;
	unsigned n;

	(void)pthread_mutex_lock(&s->lock);
	while (!gone && s->held > stay && (n = pick(s)) < s->most) {
		name_of(s, n, file);
		gone = sp_fs_unlink(s->spool->dir[SP_DIR_TMP], file) == 0;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return gone;
}

bool
sp_spare_spend(struct sp_spare *s)
{
	return s != NULL && give_up(s, 0);
}

bool
sp_spare_lend(struct sp_spare *s)
{
	return s != NULL && give_up(s, s->most / 2);
}

/* One under its new name; others make room where even that takes some. */
static int
take(struct sp_spare *s, int dir, const char *name)
{
	int tmp = s->spool->dir[SP_DIR_TMP], fd = -1, why = ENOSPC;
	char file[SP_NAME_MAX];
	unsigned n;

	(void)pthread_mutex_lock(&s->lock);
	while (fd == -1 && (n = pick(s)) < s->most) {
		name_of(s, n, file);
		why = sp_rename_said(tmp, file, dir, name, 0);
		if (why == 0) {
			fd = sp_fs_open(dir, name, O_WRONLY | O_NOFOLLOW, 0);
			why = fd == -1 ? errno : 0;
			break;
		}
		(void)sp_fs_unlink(tmp, file);
	}
	(void)pthread_mutex_unlock(&s->lock);
	errno = why;
	return fd;
}

int
sp_spare_put(
    struct sp_spare *s, int dir, const char *name, const void *text, size_t len)
{
	const char *at = text;
	size_t done = 0;
	int fd, why = 0;
	ssize_t n;

	if (s == NULL || (fd = take(s, dir, name)) == -1)
		return -1;
	while (done < len && why == 0) {
		n = sp_fs_pwrite(fd, at + done, len - done, (off_t)done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR &&
		    !(sp_spare_short_is(errno) && sp_spare_spend(s)))
			why = errno;
	}
	if (why == 0 && sp_fs_ftruncate(fd, (off_t)len) == -1)
		why = errno;
	if (why == 0)
		return fd;
	(void)sp_fs_close(fd);
	(void)sp_fs_unlink(dir, name);
	errno = why;
	return -1;
}

/* ---- what is left ---- */

bool
sp_spare_left_is(const struct sp_spool *spool, const char *name)
{
	char who[SP_NAME_MAX], beat[SP_NAME_MAX + 8], *dot;
	struct stat st;

	if (strncmp(name, SP_SPARE, strlen(SP_SPARE)) != 0 ||
	    strlen(name) >= SP_NAME_MAX)
		return false;
	(void)strcpy(who, name + strlen(SP_SPARE));
	if ((dot = strrchr(who, '.')) == NULL)
		return false;
	*dot = '\0';
	(void)snprintf(beat, sizeof beat, "%s.json", who);
	return sp_fs_lstat(spool->dir[SP_DIR_WORKERS], beat, &st) == -1 &&
	    errno == ENOENT;
}
