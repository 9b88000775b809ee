/*
 * away.c - LD_PRELOAD: a spool on a server that goes away.  While the file
 * $AWAY is there, what is asked of anything below the directory $AWAY_ROOT by a
 * handle fails with EHOSTDOWN, after as many milliseconds as the file holds:
 * the deadline of a medium that does not answer; what waits when it comes back
 * is done.  And it is no local disk: it looks like NFS, so nobody trusts in
 * inotify.
 *
 * Only what is asked by a directory's handle, as libspool does: jobs, whose
 * paths are absolute, feel nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define NFS 0x6969

static void *
real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static int
below(int fd)
{
	const char *root = getenv("AWAY_ROOT");
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (fd < 0 || root == NULL)
		return 0;
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if ((n = readlink(link, path, sizeof path - 1)) < 0)
		return 0;
	path[n] = '\0';
	return strncmp(path, root, strlen(root)) == 0;
}

/* Is it away?  Says so as the medium does: late. */
static int
away(int fd)
{
	const char *file = getenv("AWAY");
	struct timespec t;
	char text[16] = "";
	int in;
	long ms;

	if (file == NULL || access(file, F_OK) != 0 || !below(fd))
		return 0;
	in = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY, 0);
	if (in >= 0) {
		(void)!read(in, text, sizeof text - 1);
		(void)close(in);
	}
	ms = atol(text);
	for (t.tv_sec = 0, t.tv_nsec = 20000000; ms > 0; ms -= 20) {
		(void)nanosleep(&t, NULL);
		if (access(file, F_OK) != 0)
			return 0;
	}
	errno = EHOSTDOWN;
	return 1;
}

int
openat(int dir, const char *path, int flags, ...)
{
	int (*next)(int, const char *, int, ...) =
	    (int (*)(int, const char *, int, ...))real("openat");
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, int) : 0;
	va_end(ap);
	return away(dir) ? -1 : next(dir, path, flags, mode);
}

int __openat_2(int dir, const char *path, int flags);
int
__openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags, 0);
}

long
syscall(long number, ...)
{
	long (*next)(long, ...) = (long (*)(long, ...))real("syscall");
	long a[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2 && away((int)a[0]))
		return -1;
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int
renameat(int from, const char *old, int to, const char *new)
{
	int (*next)(int, const char *, int, const char *) =
	    (int (*)(int, const char *, int, const char *))real("renameat");

	return away(to) ? -1 : next(from, old, to, new);
}

int
renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	int (*next)(int, const char *, int, const char *, unsigned) = (int (*)(
	    int, const char *, int, const char *, unsigned))real("renameat2");

	return away(to) ? -1 : next(from, old, to, new, flags);
}

int
linkat(int from, const char *old, int to, const char *new, int flags)
{
	int (*next)(int, const char *, int, const char *, int) =
	    (int (*)(int, const char *, int, const char *, int))real("linkat");

	return away(to) ? -1 : next(from, old, to, new, flags);
}

int
unlinkat(int dir, const char *path, int flags)
{
	int (*next)(int, const char *, int) =
	    (int (*)(int, const char *, int))real("unlinkat");

	return away(dir) ? -1 : next(dir, path, flags);
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	int (*next)(int, const char *, mode_t) =
	    (int (*)(int, const char *, mode_t))real("mkdirat");

	return away(dir) ? -1 : next(dir, path, mode);
}

int
fstatat(int dir, const char *path, struct stat *st, int flags)
{
	int (*next)(int, const char *, struct stat *, int) =
	    (int (*)(int, const char *, struct stat *, int))real("fstatat");

	return away(dir) ? -1 : next(dir, path, st, flags);
}

int
fsync(int fd)
{
	int (*next)(int) = (int (*)(int))real("fsync");

	return away(fd) ? -1 : next(fd);
}

int
fstatfs(int fd, struct statfs *fs)
{
	int (*next)(int, struct statfs *) =
	    (int (*)(int, struct statfs *))real("fstatfs");
	int rc = next(fd, fs);

	if (rc == 0 && below(fd))
		fs->f_type = NFS;
	return rc;
}
