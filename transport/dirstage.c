/*
 * dirstage.c - copies of scripts and data for attempts.  One copy of each
 * version is kept on the worker's shelf and linked into the attempts' work
 * directories: a thousand jobs over one data set copy it once.
 *
 * A copy, not a link into the spool: `cp new.csv spool/data/` truncates in
 * place, and a running job must not see that, nor write to what is the user's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/move.h"
#include "transport/dir.h"

#define RACY_MS 2000 /* file times are coarse: so young may change unseen */
#define TRIES   5

static bool
time_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* The same bytes?  ctime only where the links do not change under us. */
static bool
version_same(const struct stat *a, const struct stat *b, bool ctime_too)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size && time_same(&a->st_mtim, &b->st_mtim) &&
	    (!ctime_too || time_same(&a->st_ctim, &b->st_ctim));
}

/* ---- copying ---- */

static enum sp_status
bytes_copy(int from, int to)
{
	char buf[65536];
	enum sp_status st;
	ssize_t n;

	if (ioctl(to, FICLONE, from) == 0)
		return SP_OK;
	while ((n = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) > 0)
		;
	if (n == 0)
		return SP_OK;
	/* Not between these two filesystems: go on where it stopped. */
	while ((n = read(from, buf, sizeof buf)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return sp_errno_status(errno);
		if ((st = sp_write_all(to, buf, (size_t)n)) != SP_OK)
			return st;
	}
	return SP_OK;
}

/* Copy the open file to the new path `dst`; is_out: the copy. */
static enum sp_status
copy(int from, int which, const char *dst, struct stat *is_out,
    struct sp_err *err)
{
	mode_t mode = which == SP_DIR_SCRIPTS ? 0555 : 0444;
	enum sp_status st;
	int to;

	to = open(
	    dst, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to == -1)
		return sp_err_sys(err, "create %s", dst);
	if ((st = bytes_copy(from, to)) != SP_OK)
		(void)sp_err_sys(err, "copy to %s", dst);
	else if (fchmod(to, mode) == -1 || fstat(to, is_out) == -1)
		st = sp_err_sys(err, "copy to %s", dst);
	/* Closed before anybody may execute it: ETXTBSY. */
	if (close(to) == -1 && st == SP_OK)
		st = sp_err_sys(err, "close %s", dst);
	if (st != SP_OK)
		(void)unlink(dst);
	return st;
}

/* As above, and what was copied is one version, not half of two. */
static enum sp_status
copy_whole(struct dir *d, int which, const char *file, const char *dst,
    struct stat *from_out, struct stat *is_out, struct sp_err *err)
{
	struct stat after;
	enum sp_status st;
	int fd, i;

	for (i = 0; i < TRIES; i++) {
		st = sp_open(d->spool.dir[which], file, 0, &fd, from_out, err);
		if (st != SP_OK)
			return st;
		st = copy(fd, which, dst, is_out, err);
		if (st == SP_OK && fstat(fd, &after) == -1)
			st = sp_err_sys(err, "%s", file);
		(void)close(fd);
		if (st != SP_OK || version_same(from_out, &after, true))
			return st;
		(void)unlink(dst);
	}
	return sp_err_set(err, SP_RETRY, "%s/%s is being written to",
	    sp_dir_text((enum sp_dir)which), file);
}

/* ---- the shelf ---- */

static void
shelf_path(const struct dir *d, const struct dircopy *row, const char *shelf,
    char out[PATH_MAX])
{
	(void)snprintf(
	    out, PATH_MAX, "%s/%u", shelf, (unsigned)(row - d->shelf));
}

/* The row of this file, else a free one, else the one used least lately. */
static struct dircopy *
shelf_row(struct dir *d, int which, const char *file)
{
	struct dircopy *least = &d->shelf[0];
	size_t i;

	for (i = 0; i < DIR_SHELF; i++) {
		if (d->shelf[i].which == which &&
		    strcmp(d->shelf[i].file, file) == 0)
			return &d->shelf[i];
		if (d->shelf[i].used < least->used)
			least = &d->shelf[i];
	}
	return least;
}

/* Is what lies on the shelf the version that stands in the spool, as we left
 * it?  (Jobs run as we do: one may have written through its link.) */
static bool
shelf_good(struct dir *d, const struct dircopy *row, int which,
    const char *file, const char *path, const struct stat *now)
{
	struct stat is;
	int64_t server, changed;

	if (row->which != which || strcmp(row->file, file) != 0 ||
	    !version_same(&row->from, now, true) || lstat(path, &is) == -1 ||
	    !version_same(&row->is, &is, false))
		return false;
	changed = (int64_t)now->st_ctim.tv_sec * 1000 +
	    now->st_ctim.tv_nsec / 1000000;
	return row->used > 0 && dir_server_now(d, &server, NULL) == SP_OK &&
	    server - changed > RACY_MS;
}

enum sp_status
dir_stage(struct tr *tr, int which, const char *file, const char *shelf,
    const char *dst, struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	char path[PATH_MAX];
	struct dircopy *row;
	struct stat now;
	enum sp_status st;
	int fd;

	if (!sp_file_ok(file))
		return sp_err_set(
		    err, SP_BAD, "%.100s is not one plain file name", file);
	/* Opened, not only looked at: over NFS that fetches the truth. */
	st = sp_open(d->spool.dir[which], file, 0, &fd, &now, err);
	if (st != SP_OK)
		return st;
	(void)close(fd);

	row = shelf_row(d, which, file);
	shelf_path(d, row, shelf, path);
	if (!shelf_good(d, row, which, file, path, &now)) {
		row->which = 0;
		row->used = 0;
		(void)unlink(path);
		st =
		    copy_whole(d, which, file, path, &row->from, &row->is, err);
		if (st != SP_OK)
			return st;
		row->which = which;
		(void)snprintf(row->file, sizeof row->file, "%s", file);
	}
	row->used = ++d->shelf_used;
	if (sp_link_own(path, dst))
		return SP_OK;
	if (errno == EEXIST)
		return sp_err_sys(err, "stage %s", dst);
	/* A filesystem without links: another copy. */
	return copy_whole(d, which, file, dst, &now, &row->is, err);
}
