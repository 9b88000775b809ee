/*
 * fs.c - file calls by handle: a near one is the system's, a far one its back
 * end's (fsfar.c).  What may be opened, and what a failure means, others say.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/fsfar.h"

#define LISTING 32768 /* bytes of names at once */

/* ---- handles and open files ---- */

int
sp_fs_open(int dir, const char *path, int flags, mode_t mode)
{
	if (sp_fs_far(dir))
		return far_open(dir, path, flags, mode, NULL);
	return openat(dir, path, flags | O_CLOEXEC, mode);
}

int
sp_fs_open_stat(
    int dir, const char *path, int flags, mode_t mode, struct stat *st_out)
{
	int fd, saved;

	if (sp_fs_far(dir))
		return far_open(dir, path, flags, mode, st_out);
	fd = openat(dir, path, flags | O_CLOEXEC, mode);
	if (fd != -1 && fstat(fd, st_out) == -1) {
		saved = errno;
		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int
sp_fs_close(int fd)
{
	return sp_fs_far(fd) ? far_close(fd) : close(fd);
}

int
sp_fs_dup(int fd)
{
	return sp_fs_far(fd) ? far_dup(fd) : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int
sp_fs_replace(int fd, int onto)
{
	if (sp_fs_far(fd) != sp_fs_far(onto)) {
		errno = EBADF;
		return -1;
	}
	return sp_fs_far(fd) ? far_replace(fd, onto)
			     : dup3(fd, onto, O_CLOEXEC);
}

ssize_t
sp_fs_read(int fd, void *data, size_t len)
{
	return sp_fs_far(fd) ? far_pread(fd, data, len, NULL)
			     : read(fd, data, len);
}

ssize_t
sp_fs_write(int fd, const void *data, size_t len)
{
	return sp_fs_far(fd) ? far_pwrite(fd, data, len, NULL)
			     : write(fd, data, len);
}

ssize_t
sp_fs_pread(int fd, void *data, size_t len, off_t at)
{
	return sp_fs_far(fd) ? far_pread(fd, data, len, &at)
			     : pread(fd, data, len, at);
}

ssize_t
sp_fs_pwrite(int fd, const void *data, size_t len, off_t at)
{
	return sp_fs_far(fd) ? far_pwrite(fd, data, len, &at)
			     : pwrite(fd, data, len, at);
}

size_t
sp_fs_piece(int from, int to)
{
	return sp_fs_far(from) || sp_fs_far(to) ? 4 << 20 : 1 << 16;
}

int
sp_fs_seek(int fd, off_t at)
{
	struct far *f;

	if (!sp_fs_far(fd))
		return lseek(fd, at, SEEK_SET) == -1 ? -1 : 0;
	if ((f = far_get(fd)) == NULL)
		return -1;
	f->at = at;
	far_put(f);
	return 0;
}

int
sp_fs_fstat(int fd, struct stat *st_out)
{
	return sp_fs_far(fd) ? far_fstat(fd, st_out) : fstat(fd, st_out);
}

int
sp_fs_ftruncate(int fd, off_t len)
{
	struct far *f;
	int rc;

	if (!sp_fs_far(fd))
		return ftruncate(fd, len);
	if ((f = far_get(fd)) == NULL)
		return -1;
	if (f->file == NULL)
		rc = -EISDIR;
	else if (f->in->ops->ftruncate == NULL)
		rc = -ENOTSUP;
	else
		rc = f->in->ops->ftruncate(f->in->tree, f->file, len);
	rc = far_said(rc);
	far_put(f);
	return rc;
}

int
sp_fs_fsync(int fd)
{
	const struct sp_fs_ops *ops;
	struct far *f;
	int rc = -ENOTSUP;

	if (!sp_fs_far(fd))
		return fsync(fd);
	if ((f = far_get(fd)) == NULL)
		return -1;
	ops = f->in->ops;
	if (f->path != NULL && ops->syncdir != NULL)
		rc = ops->syncdir(f->in->tree, f->path);
	else if (f->path == NULL && f->file != NULL && ops->fsync != NULL)
		rc = ops->fsync(f->in->tree, f->file);
	rc = far_said(rc);
	far_put(f);
	return rc;
}

int
sp_fs_fchmod(int fd, mode_t mode)
{
	return sp_fs_far(fd) ? 0 : fchmod(fd, mode);
}

void
sp_fs_flush_soon(int fd)
{
	if (!sp_fs_far(fd))
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* ---- names ---- */

/* One call of a back end that has a path and needs no more. */
enum by_path {
	LSTAT,
	LINKS,
	UNLINK,
	RMDIR,
	MKDIR,
	STATVFS
};

static int
far_one(int dir, const char *path, enum by_path what, mode_t mode, void *out)
{
	char full[PATH_MAX];
	struct far *d = far_get(dir);
	const struct sp_fs_ops *ops;
	int rc;

	if (d == NULL)
		return -1;
	if (far_path(d, path, full) == -1) {
		far_put(d);
		return -1;
	}
	ops = d->in->ops;
	switch (what) {
	case LSTAT:
		rc = ops->lstat(d->in->tree, full, out);
		break;
	case LINKS:
		rc = far_links(d, full, out);
		break;
	case UNLINK:
		rc = ops->unlink(d->in->tree, full);
		break;
	case RMDIR:
		rc = ops->rmdir == NULL ? -ENOTSUP
					: ops->rmdir(d->in->tree, full);
		break;
	case MKDIR:
		rc = ops->mkdir(d->in->tree, full, mode);
		break;
	default:
		rc = ops->statvfs == NULL
		    ? -ENOTSUP
		    : ops->statvfs(d->in->tree, full, out);
	}
	rc = far_said(rc);
	far_put(d);
	return rc;
}

int
sp_fs_lstat(int dir, const char *path, struct stat *st_out)
{
	if (sp_fs_far(dir))
		return far_one(dir, path, LSTAT, 0, st_out);
	return fstatat(dir, path, st_out, AT_SYMLINK_NOFOLLOW);
}

int
sp_fs_links(int dir, const char *path, struct stat *st_out)
{
	if (sp_fs_far(dir))
		return far_one(dir, path, LINKS, 0, st_out);
	return fstatat(dir, path, st_out, AT_SYMLINK_NOFOLLOW);
}

int
sp_fs_unlink(int dir, const char *path)
{
	if (sp_fs_far(dir))
		return far_one(dir, path, UNLINK, 0, NULL);
	return unlinkat(dir, path, 0);
}

int
sp_fs_rmdir(int dir, const char *path)
{
	if (sp_fs_far(dir))
		return far_one(dir, path, RMDIR, 0, NULL);
	return unlinkat(dir, path, AT_REMOVEDIR);
}

int
sp_fs_mkdir(int dir, const char *path, mode_t mode)
{
	if (sp_fs_far(dir))
		return far_one(dir, path, MKDIR, mode, NULL);
	return mkdirat(dir, path, mode);
}

int
sp_fs_statvfs(int fd, struct statvfs *vfs_out)
{
	if (sp_fs_far(fd))
		return far_one(fd, ".", STATVFS, 0, vfs_out);
	return fstatvfs(fd, vfs_out);
}

/* Two paths of one tree. */
static int
far_two(int fromdir, const char *from, int todir, const char *to, bool link,
    unsigned flags)
{
	struct far *a = far_get(fromdir), *b = NULL;
	char full[PATH_MAX], full_to[PATH_MAX];
	const struct sp_fs_ops *ops;
	int rc = -1;

	if (a != NULL && (b = far_get(todir)) != NULL &&
	    far_path(a, from, full) == 0 && far_path(b, to, full_to) == 0) {
		ops = a->in->ops;
		if (a->in != b->in)
			rc = -EXDEV;
		else if (link)
			rc = ops->link == NULL
			    ? -ENOTSUP
			    : ops->link(a->in->tree, full, full_to);
		else
			rc = ops->rename(a->in->tree, full, full_to, flags);
		rc = far_said(rc);
	}
	if (a != NULL)
		far_put(a);
	if (b != NULL)
		far_put(b);
	return rc;
}

int
sp_fs_rename(
    int fromdir, const char *from, int todir, const char *to, unsigned flags)
{
	if (sp_fs_far(fromdir) != sp_fs_far(todir)) {
		errno = EXDEV;
		return -1;
	}
	if (sp_fs_far(fromdir))
		return far_two(fromdir, from, todir, to, false, flags);
	return flags == 0 ? renameat(fromdir, from, todir, to)
			  : renameat2(fromdir, from, todir, to, flags);
}

int
sp_fs_link(int fromdir, const char *from, int todir, const char *to)
{
	if (sp_fs_far(fromdir) != sp_fs_far(todir)) {
		errno = EXDEV;
		return -1;
	}
	if (sp_fs_far(fromdir))
		return far_two(fromdir, from, todir, to, true, 0);
	return linkat(fromdir, from, todir, to, 0);
}

/* 1: and there may be more; 0: `one` has enough; -1: errno. */
static int
each_of(const char *list, ssize_t n, sp_fs_one_fn *one, void *arg)
{
	const struct dirent64 *e;
	ssize_t at;

	for (at = 0; at < n; at += e->d_reclen) {
		e = (const struct dirent64 *)(const void *)(list + at);
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 && !one(arg, e->d_name, NULL))
			return 0;
	}
	return 1;
}

int
sp_fs_list_on(int fd, sp_fs_one_fn *one, void *arg)
{
	char *list = malloc(LISTING);
	int more = list == NULL ? -1 : 1;
	ssize_t n;

	if (list == NULL)
		errno = ENOMEM;
	while (more == 1 && (n = getdents64(fd, list, LISTING)) != 0)
		more = n == -1 ? -1 : each_of(list, n, one, arg);
	free(list);
	return more == -1 ? -1 : 0;
}

int
sp_fs_list(int dir, const char *path, sp_fs_one_fn *one, void *arg)
{
	int fd, rc, why;

	if (sp_fs_far(dir))
		return far_list(dir, path, one, arg);
	fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	rc = sp_fs_list_on(fd, one, arg);
	why = errno;
	(void)close(fd);
	errno = why;
	return rc;
}

unsigned
sp_fs_facts(int fd)
{
	struct far *f;
	unsigned facts = 0;

	if (!sp_fs_far(fd))
		return SP_FS_REAL_RENAME | SP_FS_DURABLE | SP_FS_FINE_TIMES |
		    SP_FS_INODES;
	if ((f = far_get(fd)) != NULL) {
		if (f->in->ops->facts != NULL)
			facts = f->in->ops->facts(f->in->tree);
		far_put(f);
	}
	return facts;
}
