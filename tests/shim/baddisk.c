/*
 * baddisk.c - LD_PRELOAD: a disk that fails at the n-th call that changes
 * something below a directory, once or from then on, until it is mended.
 * tests/disk/sweep.py goes through all n.
 *
 *	BADDISK		the directory
 *	BADDISK_AT	n, from 1; 0: count only
 *	BADDISK_ERRNO	a number; EMFILE (24) counts what opens instead
 *	BADDISK_LIFT	unset: once.  A file: from n on until that is there
 *	BADDISK_HIT	a file that gets a line for each call that failed, and
 *at the end "calls N"
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long calls;

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

static void
say(const char *line)
{
	const char *path = getenv("BADDISK_HIT");
	long fd;

	if (path == NULL)
		return;
	fd = syscall(SYS_openat, AT_FDCWD, path,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd != -1) {
		(void)!syscall(SYS_write, fd, line, strlen(line));
		(void)syscall(SYS_close, fd);
	}
}

__attribute__((destructor)) static void
total(void)
{
	char line[64];

	(void)snprintf(line, sizeof line, "calls %ld\n", atomic_load(&calls));
	if (atomic_load(&calls) > 0)
		say(line);
}

/* Where is it?  false: not below ours. */
static int
ours(int dir, const char *path, char out[PATH_MAX])
{
	const char *root = getenv("BADDISK");
	char link[64];
	ssize_t n = 0;

	if (root == NULL)
		return 0;
	if (path != NULL && path[0] == '/')
		(void)snprintf(out, PATH_MAX, "%s", path);
	else {
		if (dir == AT_FDCWD)
			(void)strcpy(link, "/proc/self/cwd");
		else
			(void)snprintf(
			    link, sizeof link, "/proc/self/fd/%d", dir);
		n = readlink(link, out, PATH_MAX - 300);
		if (n <= 0)
			return 0;
		(void)snprintf(out + n, (size_t)(PATH_MAX - n), "%s%.250s",
		    path == NULL ? "" : "/", path == NULL ? "" : path);
	}
	return strncmp(out, root, strlen(root)) == 0;
}

static int
opens(void)
{
	const char *number = getenv("BADDISK_ERRNO");

	return number != NULL && atoi(number) == EMFILE;
}

/* Fails it, with errno set?  Counted when it is ours. */
static int
fails(const char *call, int dir, const char *path)
{
	const char *at = getenv("BADDISK_AT"), *lift = getenv("BADDISK_LIFT");
	const char *number = getenv("BADDISK_ERRNO");
	char full[PATH_MAX], line[PATH_MAX + 64];
	int saved = errno;
	long n, first;

	if (at == NULL || number == NULL || !ours(dir, path, full)) {
		errno = saved;
		return 0;
	}
	n = atomic_fetch_add(&calls, 1) + 1;
	first = atol(at);
	errno = saved;
	if (first == 0 || n < first || (lift == NULL && n > first))
		return 0;
	if (lift != NULL && access(lift, F_OK) == 0) {
		errno = saved;
		return 0;
	}
	(void)snprintf(line, sizeof line, "%s %s\n", call, full);
	say(line);
	errno = atoi(number);
	return 1;
}

/* ---- files ---- */

static int
open_at(int dir, const char *path, int flags, int mode)
{
	int changes = (flags & (O_CREAT | O_TRUNC)) != 0;

	if ((opens() || changes) && fails("open", dir, path))
		return -1;
	return REAL(int, openat, int, const char *, int, ...)(
	    dir, path, flags, mode);
}

#define MODE                                                                   \
	int mode = 0;                                                          \
	va_list ap;                                                            \
	va_start(ap, flags);                                                   \
	if ((flags & (O_CREAT | O_TMPFILE)) != 0)                              \
		mode = va_arg(ap, int);                                        \
	va_end(ap)

int
openat(int dir, const char *path, int flags, ...)
{
	MODE;
	return open_at(dir, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	MODE;
	return open_at(AT_FDCWD, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	MODE;
	return open_at(AT_FDCWD, path, flags, mode);
}

int __openat_2(int dir, const char *path, int flags);
int
__openat_2(int dir, const char *path, int flags)
{
	return open_at(dir, path, flags, 0);
}

int __open_2(const char *path, int flags);
int
__open_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

long
syscall(long number, ...)
{
	static long (*next)(long, ...);
	long a[6];
	va_list ap;
	int i;

	if (next == NULL)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2 && opens() &&
	    fails("openat2", (int)a[0], (const char *)a[1]))
		return -1;
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t
write(int fd, const void *data, size_t len)
{
	if (!opens() && fails("write", fd, NULL))
		return -1;
	return REAL(ssize_t, write, int, const void *, size_t)(fd, data, len);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
	if (!opens() && fails("pwrite", fd, NULL))
		return -1;
	return REAL(ssize_t, pwrite, int, const void *, size_t, off_t)(
	    fd, data, len, at);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	return pwrite(fd, data, len, at);
}

int
ftruncate(int fd, off_t len)
{
	if (!opens() && fails("ftruncate", fd, NULL))
		return -1;
	return REAL(int, ftruncate, int, off_t)(fd, len);
}

int
fallocate(int fd, int mode, off_t at, off_t len)
{
	if (!opens() && fails("fallocate", fd, NULL))
		return -1;
	return REAL(int, fallocate, int, int, off_t, off_t)(fd, mode, at, len);
}

ssize_t
copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t len,
    unsigned flags)
{
	if (!opens() && fails("copy", out, NULL))
		return -1;
	return REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *,
	    size_t, unsigned)(in, in_at, out, out_at, len, flags);
}

int
fsync(int fd)
{
	if (!opens() && fails("fsync", fd, NULL))
		return -1;
	return REAL(int, fsync, int)(fd);
}

int
fdatasync(int fd)
{
	if (!opens() && fails("fdatasync", fd, NULL))
		return -1;
	return REAL(int, fdatasync, int)(fd);
}

int
syncfs(int fd)
{
	if (!opens() && fails("syncfs", fd, NULL))
		return -1;
	return REAL(int, syncfs, int)(fd);
}

/* As NFS says it: what was written does not fit, and it is closed. */
int
close(int fd)
{
	int flags = fcntl(fd, F_GETFL), bad = 0, why, rc;
	struct stat st;

	if (flags != -1 && (flags & O_ACCMODE) != O_RDONLY &&
	    (flags & O_PATH) == 0 && !opens() && fstat(fd, &st) == 0 &&
	    S_ISREG(st.st_mode))
		bad = fails("close", fd, NULL);
	why = errno;
	rc = REAL(int, close, int)(fd);
	if (bad)
		errno = why;
	return bad ? -1 : rc;
}

/* ---- names ---- */

int
renameat(int fromdir, const char *from, int todir, const char *to)
{
	if (!opens() && fails("rename", todir, to))
		return -1;
	return REAL(int, renameat, int, const char *, int, const char *)(
	    fromdir, from, todir, to);
}

int
renameat2(
    int fromdir, const char *from, int todir, const char *to, unsigned flags)
{
	if (!opens() && fails("rename", todir, to))
		return -1;
	return REAL(int, renameat2, int, const char *, int, const char *,
	    unsigned)(fromdir, from, todir, to, flags);
}

int
linkat(int fromdir, const char *from, int todir, const char *to, int flags)
{
	if (!opens() && fails("link", todir, to))
		return -1;
	return REAL(int, linkat, int, const char *, int, const char *, int)(
	    fromdir, from, todir, to, flags);
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	if (!opens() && fails("mkdir", dir, path))
		return -1;
	return REAL(int, mkdirat, int, const char *, mode_t)(dir, path, mode);
}

int
unlinkat(int dir, const char *path, int flags)
{
	const char *number = getenv("BADDISK_ERRNO");

	/* A full disk lets one take away. */
	if (number != NULL && (atoi(number) == EIO || atoi(number) == EROFS) &&
	    fails("unlink", dir, path))
		return -1;
	return REAL(int, unlinkat, int, const char *, int)(dir, path, flags);
}
