/*
 * file.c - opening what may be planted, reading what is bounded, writing what
 * must last.  Which names and where is decided elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/move.h"

static atomic_bool no_openat2;

/* Without openat2: walk down one component at a time, following nothing. */
static int
open_steps(int dirfd, const char *path, int flags)
{
	char part[NAME_MAX + 1];
	const char *slash;
	int at = dirfd, next, saved;
	size_t len;

	while ((slash = strchr(path, '/')) != NULL) {
		len = (size_t)(slash - path);
		if (len == 0 || len > NAME_MAX ||
		    (len == 2 && memcmp(path, "..", 2) == 0)) {
			errno = EXDEV;
			next = -1;
		} else {
			(void)memcpy(part, path, len);
			part[len] = '\0';
			next = openat(at, part,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		}
		saved = errno;
		if (at != dirfd)
			(void)close(at);
		errno = saved;
		if (next == -1)
			return -1;
		at = next;
		path = slash + 1;
	}
	if (strcmp(path, "..") == 0) {
		errno = EXDEV;
		next = -1;
	} else
		next = openat(at, path, flags | O_NOFOLLOW | O_CLOEXEC);
	saved = errno;
	if (at != dirfd)
		(void)close(at);
	errno = saved;
	return next;
}

/* links: follow those that stay beneath; an old kernel follows none. */
static int
open_beneath(int dirfd, const char *path, int flags, bool links)
{
	struct open_how how = { .flags = (uint64_t)(unsigned)(flags |
				    (links ? 0 : O_NOFOLLOW) | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
		    (links ? 0 : RESOLVE_NO_SYMLINKS) };
	long fd;

	/* Its back end follows nothing, as far as the medium lets it. */
	if (sp_fs_far(dirfd))
		return sp_fs_open(dirfd, path, flags, 0);
	if (!atomic_load_explicit(&no_openat2, memory_order_relaxed)) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
		if (fd >= 0 ||
		    (errno != ENOSYS && errno != EINVAL && errno != EPERM))
			return (int)fd;
		/* An old kernel, or a seccomp filter that does not know it. */
		if (errno == ENOSYS)
			atomic_store(&no_openat2, true);
	}
	return open_steps(dirfd, path, flags);
}

static const char *
kind_text(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	case S_IFBLK:
	case S_IFCHR:
		return "a device";
	default:
		return "no plain file";
	}
}

/* What errno says of a file that was to be opened. */
static enum sp_status
not_opened(const char *name, bool links, struct sp_err *err)
{
	switch (errno) {
	case ELOOP:
		return sp_err_set(err, SP_BAD,
		    "%s is a symbolic link; only plain files are read", name);
	case EXDEV:
		return sp_err_set(err, SP_BAD,
		    links ? "%s is a link that is absolute or leads out of its "
			    "directory"
			  : "%s leads out of the spool",
		    name);
	case ENXIO:
		return sp_err_set(err, SP_BAD,
		    "%s is a socket or a device; only plain files are read",
		    name);
	default:
		return sp_err_sys(err, "%s", name);
	}
}

static enum sp_status
too_long(const char *name, off_t size, off_t max, struct sp_err *err)
{
	return sp_err_set(err, SP_BAD,
	    "%s has %lld bytes; at most %lld are read", name, (long long)size,
	    (long long)max);
}

static enum sp_status
open_plain(int dirfd, const char *name, off_t max, bool links, int *fd_out,
    struct stat *st_out, struct sp_err *err)
{
	enum sp_status s;
	int fd;

	fd = open_beneath(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, links);
	if (fd == -1)
		return not_opened(name, links, err);
	if (sp_fs_fstat(fd, st_out) == -1) {
		s = sp_err_sys(err, "%s", name);
	} else if (!S_ISREG(st_out->st_mode)) {
		s = sp_err_set(err, SP_BAD,
		    "%s is %s; only plain files are "
		    "read",
		    name, kind_text(st_out->st_mode));
	} else if (max > 0 && st_out->st_size > max) {
		s = too_long(name, st_out->st_size, max, err);
	} else {
		*fd_out = fd;
		return SP_OK;
	}
	(void)sp_fs_close(fd);
	return s;
}

enum sp_status
sp_open(int dirfd, const char *name, off_t max, int *fd_out,
    struct stat *st_out, struct sp_err *err)
{
	return open_plain(dirfd, name, max, false, fd_out, st_out, err);
}

enum sp_status
sp_open_inside(int dirfd, const char *path, off_t max, int *fd_out,
    struct stat *st_out, struct sp_err *err)
{
	return open_plain(dirfd, path, max, true, fd_out, st_out, err);
}

/* The file may grow while it is read: the ceiling holds all the same. */
static enum sp_status
slurp(int fd, const char *name, size_t max, size_t guess, struct sp_buf *b,
    struct sp_err *err)
{
	size_t want = guess + 1;
	ssize_t n;
	char *at;

	sp_buf_reset(b);
	for (;;) {
		if (b->len > max)
			return sp_err_set(
			    err, SP_BAD, "%s grew beyond %zu bytes", name, max);
		if (want > max + 1 - b->len)
			want = max + 1 - b->len;
		if ((at = sp_buf_room(b, want)) == NULL)
			return sp_err_set(
			    err, SP_RETRY, "no memory for %s", name);
		n = sp_fs_read(fd, at, want);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return sp_err_sys(err, "read %s", name);
		b->len += (size_t)n;
		b->data[b->len] = '\0';
		/* Less than was asked for is the end of a plain file, where
		 * nobody cuts answers short; /proc has files of no length. */
		if (n == 0 ||
		    ((size_t)n < want && guess > 0 && b->len >= guess &&
			!sp_fs_far(fd)))
			return SP_OK;
		want = 4096;
	}
}

enum sp_status
sp_read_fd(int fd, const char *name, size_t max, size_t guess,
    struct sp_buf *text_out, struct sp_err *err)
{
	if (text_out->max < max + 2)
		text_out->max = max + 2;
	return slurp(fd, name, max, guess, text_out, err);
}

enum sp_status
sp_read(int dirfd, const char *name, size_t max, struct sp_buf *text_out,
    struct stat *st_out, struct sp_err *err)
{
	enum sp_status s;
	int fd;

	if (sp_fs_far(dirfd)) {
		st_out->st_size = 0;
		if (sp_fs_get(dirfd, name, max, text_out, st_out) == 0)
			return SP_OK;
		return errno == EFBIG
		    ? too_long(name, st_out->st_size, (off_t)max, err)
		    : not_opened(name, false, err);
	}
	s = sp_open(dirfd, name, (off_t)max, &fd, st_out, err);
	if (s != SP_OK)
		return s;
	s = sp_read_fd(fd, name, max, (size_t)st_out->st_size, text_out, err);
	(void)sp_fs_close(fd);
	return s;
}

enum sp_status
sp_open_dir(int dirfd, const char *name, int *fd_out, struct sp_err *err)
{
	*fd_out = open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY, false);
	if (*fd_out != -1)
		return SP_OK;
	return sp_err_sys(err, "open %s", name);
}

enum sp_status
sp_open_dir_inside(int dirfd, const char *path, int *fd_out, struct sp_err *err)
{
	*fd_out = open_beneath(dirfd, path, O_RDONLY | O_DIRECTORY, true);
	if (*fd_out != -1)
		return SP_OK;
	return sp_err_sys(err, "open %s", path);
}

enum sp_status
sp_make_dir(int dirfd, const char *name, struct sp_err *err)
{
	if (sp_fs_mkdir(dirfd, name, 0777) == -1)
		return errno == EEXIST ? SP_OK
				       : sp_err_sys(err, "make %s", name);
	return sp_sync(dirfd, name, err);
}

enum sp_status
sp_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;
	ssize_t n;

	while (len > 0) {
		n = sp_fs_write(fd, at, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return sp_errno_status(errno);
		at += n;
		len -= (size_t)n;
	}
	return SP_OK;
}

enum sp_status
sp_sync_said(int error, const char *what, struct sp_err *err)
{
	/* Some network filesystems have no fsync of a directory: their server
	 * makes the operation stable before it answers. */
	if (error == 0 || error == EINVAL || error == ENOTSUP)
		return SP_OK;
	errno = error;
	return sp_err_sys(err, "fsync %s", what);
}

enum sp_status
sp_sync(int fd, const char *what, struct sp_err *err)
{
	return sp_sync_said(sp_fs_fsync(fd) == 0 ? 0 : errno, what, err);
}

void
sp_tmp_name(const struct sp_spool *sp, char name_out[SP_NAME_MAX])
{
	(void)snprintf(name_out, SP_NAME_MAX, "%s.%08x%08x", sp->actor,
	    sp_dice(), sp_dice());
}

enum sp_status
sp_tmp_start(const struct sp_spool *sp, const char *tmpname, const void *text,
    size_t len, int *fd_out, struct sp_err *err)
{
	int fd, dir = sp->dir[SP_DIR_TMP];
	enum sp_status s;

	fd = sp_fs_open(
	    dir, tmpname, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
	if (fd == -1)
		return sp_err_sys(err, "create tmp/%s", tmpname);
	if (sp_write_all(fd, text, len) != SP_OK) {
		s = sp_err_sys(err, "write tmp/%s", tmpname);
		(void)sp_fs_close(fd);
		(void)sp_fs_unlink(dir, tmpname);
		return s;
	}
	*fd_out = fd;
	return SP_OK;
}

enum sp_status
sp_tmp_done(const struct sp_spool *sp, const char *tmpname, int fd, bool lazy,
    struct sp_err *err)
{
	enum sp_status s = lazy ? SP_OK : sp_sync(fd, tmpname, err);

	/* NFS reports a full disk or a quota only here. */
	if (sp_fs_close(fd) == -1 && s == SP_OK)
		s = sp_err_sys(err, "close tmp/%s", tmpname);
	if (s != SP_OK)
		(void)sp_fs_unlink(sp->dir[SP_DIR_TMP], tmpname);
	SP_CRASH("tmp.written");
	return s;
}

/* The same over there, in the least round trips: all of the writing is one
 * call, and so is all that follows. */
static enum sp_status
publish_far(const struct sp_spool *sp, int dirfd, const char *name,
    const void *text, size_t len, unsigned flags, struct sp_err *err)
{
	bool lazy = (flags & SP_PUB_LAZY) != 0;
	int tmpdir = sp->dir[SP_DIR_TMP];
	char tmp[SP_NAME_MAX];
	enum sp_status s = SP_OK;

	sp_tmp_name(sp, tmp);
	if (sp_fs_put(tmpdir, tmp, text, len,
		SP_PUT_EXCL | (lazy ? 0u : SP_PUT_SYNC)) == -1)
		s = sp_err_sys(err, "write tmp/%s", tmp);
	else {
		SP_CRASH("tmp.written");
		s = sp_move_settle(tmpdir, tmp, dirfd, name,
		    (flags & SP_PUB_REPLACE) != 0, !lazy, err);
	}
	if (s != SP_OK)
		(void)sp_fs_unlink(tmpdir, tmp);
	return s;
}

enum sp_status
sp_publish(const struct sp_spool *sp, int dirfd, const char *name,
    const void *text, size_t len, unsigned flags, struct sp_err *err)
{
	char tmp[SP_NAME_MAX];
	enum sp_status s;
	int fd;

	if (sp_fs_far(dirfd))
		return publish_far(sp, dirfd, name, text, len, flags, err);
	sp_tmp_name(sp, tmp);
	s = sp_tmp_start(sp, tmp, text, len, &fd, err);
	if (s == SP_OK)
		s = sp_tmp_done(sp, tmp, fd, (flags & SP_PUB_LAZY) != 0, err);
	if (s != SP_OK)
		return s;
	s = sp_move_file(sp->dir[SP_DIR_TMP], tmp, dirfd, name,
	    (flags & SP_PUB_REPLACE) != 0, err);
	if (s != SP_OK) {
		(void)sp_fs_unlink(sp->dir[SP_DIR_TMP], tmp);
		return s;
	}
	return (flags & SP_PUB_LAZY) != 0 ? SP_OK : sp_sync(dirfd, name, err);
}
