/*
 * calls.c - the calls that make, open and move names, as the kernel of the
 * actor's host answers them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/model/calls.h"
#include "tests/model/mount.h"

/* ---- paths ---- */

static struct inode *
dir_of(int fd)
{
	struct file *f = file_of(fd);

	if (f == NULL)
		return NULL;
	if (f->stale || f->i->gone) {
		errno = ESTALE;
		return NULL;
	}
	if (!f->i->dir) {
		errno = ENOTDIR;
		return NULL;
	}
	return f->i;
}

/* The directory in which the last component stands. */
static struct inode *
parent(int fd, const char *path, char last[256])
{
	struct inode *dir = dir_of(fd);
	const char *slash;

	while (dir != NULL && (slash = strchr(path, '/')) != NULL) {
		(void)memcpy(last, path, (size_t)(slash - path));
		last[slash - path] = '\0';
		dir = mount_look(dir, last, false, NULL);
		if (dir == NULL)
			errno = ENOENT;
		else if (!dir->dir) {
			errno = ENOTDIR;
			dir = NULL;
		}
		path = slash + 1;
	}
	(void)strcpy(last, path);
	return dir;
}

static const char *
where(const struct inode *dir)
{
	static char text[2][128];
	static int n;
	char *t = text[n++ % 2];

	(void)snprintf(t, 128, "%s%s%s",
	    dir->up != NULL && dir->up->up != NULL ? dir->up->name : "",
	    dir->up != NULL && dir->up->up != NULL ? "/" : "",
	    dir->name == NULL ? "?" : dir->name);
	return t;
}

static int
said(int rc)
{
	if (rc >= 0)
		return rc;
	errno = -rc;
	return -1;
}

/* Does the server keep a change before it answers? */
static bool
safe(void)
{
	return mount_far();
}

/* ---- open ---- */

static int
model_open(int fd, const char *path, int flags)
{
	char name[256];
	enum reply reply;
	struct inode *dir, *i = NULL;
	uint64_t before;
	bool make = (flags & O_CREAT) != 0;
	int why, rc = 0;

	if (world_call(make ? CALL_CHANGE : CALL_LOOK, path, &reply, &why) ==
	    -1)
		return -1;
	if ((dir = parent(fd, path, name)) == NULL)
		return -1;
	if (strcmp(name, ".") == 0)
		return file_open(dir, flags);
	if (reply == REPLY_NOT || reply == REPLY_LATE)
		return said(-EIO);
	if (make) {
		before = dir->change;
		i = disk_find(dir, name);
		if (i == NULL)
			rc = disk_make(&W->disk, dir, name, false, safe(), &i);
		else if ((flags & O_EXCL) != 0)
			rc = -EEXIST;
		if (rc == 0)
			mount_knows(dir, name, i, before);
		if (reply == REPLY_AGAIN && (flags & O_EXCL) != 0)
			rc = -EEXIST;
		if (reply == REPLY_LOST)
			rc = -why;
	} else {
		i = mount_look(dir, name, true, NULL);
		rc = i == NULL ? -ENOENT : 0;
		if (i != NULL)
			mount_seen(i);
	}
	if (rc == 0 && (flags & O_DIRECTORY) != 0 && !i->dir)
		rc = -ENOTDIR;
	if (rc == 0 && i->dir && (flags & O_ACCMODE) != O_RDONLY)
		rc = -EISDIR;
	if (rc == 0 && (flags & O_TRUNC) != 0 && i->len > 0)
		disk_truncate(&W->disk, i, 0);
	if (make || rc != 0)
		world_trace("open %s/%s%s: %s", where(dir), name,
		    make ? " (create)" : "", rc == 0 ? "ok" : strerror(-rc));
	world_after(reply);
	return rc == 0 ? file_open(i, flags) : said(rc);
}

int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);
int
__wrap_openat(int fd, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	if (model_fd(fd))
		return model_open(fd, path, flags);
	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return __real_openat(fd, path, flags, mode);
}

int __wrap___openat_2(int fd, const char *path, int flags);
int
__wrap___openat_2(int fd, const char *path, int flags)
{
	return model_fd(fd) ? model_open(fd, path, flags)
			    : __real_openat(fd, path, flags, 0);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long
__wrap_syscall(long number, ...)
{
	long a[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2 && model_fd((int)a[0]))
		return model_open((int)a[0], (const char *)a[1],
		    (int)((const struct open_how *)a[2])->flags);
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- changes ---- */

struct change_call {
	int what; /* 'r', 'l', 'u', 'm' */
	struct inode *from, *to;
	const char *name, *as;
	unsigned flags;
	bool dir;
};

static int
change_do(const struct change_call *c)
{
	struct inode *i;

	switch (c->what) {
	case 'r':
		return disk_rename(
		    &W->disk, c->from, c->name, c->to, c->as, c->flags, safe());
	case 'l':
		i = disk_find(c->from, c->name);
		return i == NULL ? -ENOENT
				 : disk_link(&W->disk, i, c->to, c->as, safe());
	case 'u':
		return disk_unlink(&W->disk, c->from, c->name, c->dir, safe());
	default:
		return disk_make(&W->disk, c->from, c->name, true, safe(), &i);
	}
}

/* What an NFS client answers by itself. */
static int
change_local(const struct change_call *c)
{
	struct inode *i, *over;

	if (!mount_far() || c->what == 'm')
		return 1;
	i = mount_look(c->from, c->name, false, NULL);
	if (i == NULL)
		return -ENOENT;
	if (c->what == 'u')
		return 1;
	if (c->flags != 0)
		return -EINVAL;
	over = mount_look(c->to, c->as, false, NULL);
	if (c->what == 'l' && over != NULL)
		return -EEXIST;
	return over == i ? 0 : 1;
}

static void
change_known(
    const struct change_call *c, int rc, uint64_t before, uint64_t before_to)
{
	if (rc == 0 || rc == -ENOENT)
		if (c->what == 'r' || c->what == 'u')
			mount_knows(c->from, c->name, NULL, before);
	if (rc == 0 && (c->what == 'r' || c->what == 'l'))
		mount_knows(c->to, c->as, disk_find(c->to, c->as), before_to);
	if (rc == 0 && c->what == 'm')
		mount_knows(
		    c->from, c->name, disk_find(c->from, c->name), before);
}

static int
change(const struct change_call *c, enum reply reply, int why)
{
	uint64_t before = c->from->change,
		 before_to = c->to == NULL ? 0 : c->to->change;
	int rc, said_rc;

	if ((rc = change_local(c)) <= 0)
		goto out;
	if (reply == REPLY_NOT) {
		rc = -why;
		goto out;
	}
	if (reply == REPLY_LATE) {
		struct late l = { .what = c->what,
			.from = c->from,
			.to = c->to,
			.name = disk_text(&W->disk, c->name),
			.as = c->as == NULL ? NULL : disk_text(&W->disk, c->as),
			.dir = c->dir };

		if (c->what != 'm')
			world_late(&l, why);
		rc = -ETIMEDOUT;
		goto out;
	}
	rc = said_rc = change_do(c);
	if (reply == REPLY_AGAIN) /* the server has forgotten that it did */
		rc = change_do(c);
	if (reply == REPLY_LOST)
		rc = -why;
	else
		change_known(c, said_rc, before, before_to);
	if (reply == REPLY_AFTER)
		world_after(reply);
out:
	world_trace("%s %s/%s%s%s%s%s: %s",
	    c->what == 'r'       ? "rename"
		: c->what == 'l' ? "link"
		: c->what == 'u' ? "remove"
				 : "mkdir",
	    where(c->from), c->name, c->as == NULL ? "" : " -> ",
	    c->to == NULL ? "" : where(c->to), c->as == NULL ? "" : "/",
	    c->as == NULL ? "" : c->as, rc == 0 ? "ok" : strerror(-rc));
	return said(rc);
}

static int
two(int what, int fromfd, const char *from, int tofd, const char *to,
    unsigned flags)
{
	char name[256], as[256];
	struct change_call c = {
		.what = what, .name = name, .as = as, .flags = flags
	};
	enum reply reply;
	int why;

	if (world_call(CALL_CHANGE, from, &reply, &why) == -1)
		return -1;
	if ((c.from = parent(fromfd, from, name)) == NULL ||
	    (c.to = parent(tofd, to, as)) == NULL)
		return -1;
	return change(&c, reply, why);
}

static int
one(int what, int fd, const char *path, bool dir)
{
	char name[256];
	struct change_call c = { .what = what, .name = name, .dir = dir };
	enum reply reply;
	int why;

	if (world_call(CALL_CHANGE, path, &reply, &why) == -1)
		return -1;
	if ((c.from = parent(fd, path, name)) == NULL)
		return -1;
	return change(&c, reply, why);
}

int __real_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to);
int
__wrap_renameat(int a, const char *from, int b, const char *to)
{
	return model_fd(a) ? two('r', a, from, b, to, 0)
			   : __real_renameat(a, from, b, to);
}

int __real_renameat2(
    int a, const char *from, int b, const char *to, unsigned flags);
int __wrap_renameat2(
    int a, const char *from, int b, const char *to, unsigned flags);
int
__wrap_renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
	return model_fd(a) ? two('r', a, from, b, to, flags)
			   : __real_renameat2(a, from, b, to, flags);
}

int __real_linkat(int a, const char *from, int b, const char *to, int flags);
int __wrap_linkat(int a, const char *from, int b, const char *to, int flags);
int
__wrap_linkat(int a, const char *from, int b, const char *to, int flags)
{
	return model_fd(a) ? two('l', a, from, b, to, 0)
			   : __real_linkat(a, from, b, to, flags);
}

int __real_unlinkat(int fd, const char *path, int flags);
int __wrap_unlinkat(int fd, const char *path, int flags);
int
__wrap_unlinkat(int fd, const char *path, int flags)
{
	return model_fd(fd) ? one('u', fd, path, (flags & AT_REMOVEDIR) != 0)
			    : __real_unlinkat(fd, path, flags);
}

int __real_mkdirat(int fd, const char *path, mode_t mode);
int __wrap_mkdirat(int fd, const char *path, mode_t mode);
int
__wrap_mkdirat(int fd, const char *path, mode_t mode)
{
	return model_fd(fd) ? one('m', fd, path, true)
			    : __real_mkdirat(fd, path, mode);
}

int __real_fstatat(int fd, const char *path, struct stat *st, int flags);
int __wrap_fstatat(int fd, const char *path, struct stat *st, int flags);
int
__wrap_fstatat(int fd, const char *path, struct stat *st, int flags)
{
	char name[256];
	enum reply reply;
	struct inode *dir;
	int why;

	if (!model_fd(fd))
		return __real_fstatat(fd, path, st, flags);
	if (world_call(CALL_LOOK, path, &reply, &why) == -1)
		return -1;
	if (reply == REPLY_NOT)
		return said(-why);
	if ((dir = parent(fd, path, name)) == NULL)
		return -1;
	if (mount_look(dir, name, false, st) == NULL) {
		world_trace("stat %s/%s: not there", where(dir), name);
		return said(-ENOENT);
	}
	world_after(reply);
	return 0;
}
