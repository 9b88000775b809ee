/*
 * badfs.c - LD_PRELOAD: a filesystem that has the faults for which `spool
 * prove` looks.  BADFS holds their names, separated by spaces; what is hit are
 * the names that prove gives its files, so that all else works.
 *
 *	copy lost lied		renames: the source stays; nothing arrives; the
 *				answer says it failed
 *	replace			RENAME_NOREPLACE replaces
 *	excl			O_EXCL means nothing
 *	torn			a file that is replaced is gone for a moment
 *	nolink overlink		no links; a link goes over a name
 *	nlink			every file has one link
 *	sync dirsync swift	fsync: fails, fails for directories, does
 *nothing stall			the first fsync waits for a signal ctime clock
 *case
 *times and names short			a listing leaves some out watches deaf
 *inotify: none to be had, says nothing
 *
 * BADFS_MOUNT: a file in place of /proc/self/mountinfo, whose first line is
 * where everything is; BADFS_EXPORTS: one in place of the server's exports.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int
bad(const char *fault)
{
	const char *at = getenv("BADFS");
	size_t n = strlen(fault);

	for (; at != NULL && (at = strstr(at, fault)) != NULL; at += n)
		if ((at == getenv("BADFS") || at[-1] == ' ') &&
		    (at[n] == ' ' || at[n] == '\0'))
			return 1;
	return 0;
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

static int
token_is(const char *path)
{
	return strncmp(path, "a/", 2) == 0 || strncmp(path, "tok/", 4) == 0;
}

int
renameat(int fromdir, const char *from, int todir, const char *to)
{
	int rc;

	if (bad("copy") && token_is(from))
		return linkat(fromdir, from, todir, to, 0);
	if (bad("lost") && token_is(from))
		return unlinkat(fromdir, from, 0);
	if (bad("torn") && strcmp(to, "beat") == 0) {
		(void)unlinkat(todir, to, 0);
		(void)usleep(1000);
	}
	rc = REAL(int, renameat, int, const char *, int, const char *)(
	    fromdir, from, todir, to);
	if (bad("lied") && token_is(from)) {
		errno = ENOENT;
		return -1;
	}
	return rc;
}

int
renameat2(
    int fromdir, const char *from, int todir, const char *to, unsigned flags)
{
	if (bad("replace"))
		return renameat(fromdir, from, todir, to);
	return REAL(int, renameat2, int, const char *, int, const char *,
	    unsigned)(fromdir, from, todir, to, flags);
}

int
linkat(int fromdir, const char *from, int todir, const char *to, int flags)
{
	if (bad("nolink") && from[0] == 'l') {
		errno = EPERM;
		return -1;
	}
	if (bad("overlink"))
		(void)unlinkat(todir, to, 0);
	return REAL(int, linkat, int, const char *, int, const char *, int)(
	    fromdir, from, todir, to, flags);
}

int
openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if ((flags & O_CREAT) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (bad("excl") && path[0] == 'x')
		flags &= ~O_EXCL;
	return REAL(int, openat, int, const char *, int, ...)(
	    dir, path, flags, mode);
}

/* ---- what is said of a file ---- */

static void
distort(struct stat *st)
{
	if (bad("nlink") && S_ISREG(st->st_mode))
		st->st_nlink = 1;
	if (bad("ctime"))
		st->st_ctim = (struct timespec){ 0 };
	if (bad("clock"))
		st->st_mtim.tv_sec += 3600;
}

int
fstatat(int dir, const char *path, struct stat *st, int flags)
{
	int rc;

	if (bad("case") && strcmp(path, "LOWER") == 0)
		path = "lower";
	rc = REAL(int, fstatat, int, const char *, struct stat *, int)(
	    dir, path, st, flags);
	if (rc == 0)
		distort(st);
	return rc;
}

int
fstat(int fd, struct stat *st)
{
	int rc = REAL(int, fstat, int, struct stat *)(fd, st);

	if (rc == 0)
		distort(st);
	return rc;
}

int
fsync(int fd)
{
	struct stat st;
	int dir = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);

	for (; bad("stall") && access(getenv("BADFS_GO"), F_OK) == -1;)
		(void)usleep(10000);
	if ((bad("sync") || (dir && bad("dirsync")))) {
		errno = EIO;
		return -1;
	}
	if (bad("swift"))
		return 0;
	return REAL(int, fsync, int)(fd);
}

/* A change that others do not see yet. */
static int
young(int dir, const char *name)
{
	struct timespec now;
	struct stat st;

	if ((strncmp(name, "rename.", 7) != 0 &&
		strncmp(name, "link.", 5) != 0) ||
	    fstatat(dir, name, &st, 0) == -1)
		return 0;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - st.st_mtim.tv_sec) * 1000 +
	    (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000 <
	    600;
}

ssize_t
getdents64(int dir, void *list, size_t size)
{
	char *to, *at, *end;
	struct dirent64 *e;
	unsigned short len;
	ssize_t n;

	do {
		n = REAL(ssize_t, getdents64, int, void *, size_t)(
		    dir, list, size);
		if (n <= 0)
			return n;
		end = (char *)list + n;
		for (to = at = list; at < end; at += len) {
			e = (struct dirent64 *)(void *)at;
			len = e->d_reclen;
			if ((bad("short") && strcmp(e->d_name, "f42") == 0) ||
			    (bad("lag") && young(dir, e->d_name)))
				continue;
			(void)memmove(to, at, len);
			to += len;
		}
	} while (to == list);
	return to - (char *)list;
}

/* ---- inotify ---- */

int
inotify_init1(int flags)
{
	if (bad("watches")) {
		errno = EMFILE;
		return -1;
	}
	return REAL(int, inotify_init1, int)(flags);
}

int
inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	if (bad("deaf"))
		return 1;
	return REAL(int, inotify_add_watch, int, const char *, uint32_t)(
	    fd, path, mask);
}

/* ---- the kernel's texts ---- */

FILE *
fopen(const char *path, const char *mode)
{
	const char *text = getenv("BADFS_MOUNT");
	FILE *f;

	if (text != NULL && strcmp(path, "/proc/self/mountinfo") == 0)
		path = text;
	else if (text != NULL && strncmp(path, "/proc/self/fdinfo/", 18) == 0) {
		/* Whatever handle it is: that of the first line. */
		static char said[64];
		int id = 0;

		f = REAL(FILE *, fopen, const char *, const char *)(text, mode);
		if (f == NULL || fscanf(f, "%d", &id) != 1)
			return f;
		(void)fclose(f);
		(void)snprintf(said, sizeof said, "mnt_id:\t%d\n", id);
		return fmemopen(said, strlen(said), "r");
	}
	return REAL(FILE *, fopen, const char *, const char *)(path, mode);
}

int
open(const char *path, int flags, ...)
{
	const char *text = getenv("BADFS_EXPORTS");
	mode_t mode = 0;
	va_list ap;

	if ((flags & O_CREAT) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (text != NULL && strcmp(path, "/etc/exports") == 0)
		path = text;
	return REAL(int, open, const char *, int, ...)(path, flags, mode);
}
