/*
 * callfd.c - the calls on what is open, and the clocks and dice of an actor.
 */
#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "tests/model/calls.h"
#include "tests/model/mount.h"

static struct file *
file_at(int fd, enum sort sort, const char *what, enum reply *reply, int *why)
{
	struct file *f;

	if (world_call(sort, what, reply, why) == -1 ||
	    (f = file_of(fd)) == NULL)
		return NULL;
	if (f->stale || f->i->gone) {
		errno = ESTALE;
		return NULL;
	}
	if (*reply == REPLY_NOT) {
		errno = *why;
		return NULL;
	}
	return f;
}

/* What libspool asks /proc: who is this, and when did it start? */
#define PROC_FD (FD_FIRST - 1)
static char proc_text[128];

static ssize_t
proc_read(char *data, size_t len)
{
	size_t n = strlen(proc_text);

	n = n < len ? n : len;
	(void)memcpy(data, proc_text, n);
	return (ssize_t)n;
}

/* ---- bytes ---- */

ssize_t __real_read(int fd, void *data, size_t len);
ssize_t __wrap_read(int fd, void *data, size_t len);
ssize_t
__wrap_read(int fd, void *data, size_t len)
{
	enum reply reply;
	struct file *f;
	int why;

	if (fd == PROC_FD)
		return proc_read(data, len);
	if (!model_fd(fd))
		return __real_read(fd, data, len);
	if ((f = file_at(fd, CALL_LOOK, "read", &reply, &why)) == NULL)
		return -1;
	if (f->at >= f->i->len)
		return 0;
	if (len > f->i->len - f->at)
		len = f->i->len - f->at;
	(void)memcpy(data, f->i->data + f->at, len);
	f->at += len;
	return (ssize_t)len;
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	enum reply reply;
	struct file *f;
	int why;

	if (fd == STDERR_FILENO && W != NULL && !W->trace)
		return (ssize_t)len; /* its log */
	if (!model_fd(fd))
		return __real_write(fd, data, len);
	if ((f = file_at(fd, CALL_DATA, "write", &reply, &why)) == NULL)
		return -1;
	if ((f->flags & O_APPEND) != 0)
		f->at = f->i->len;
	/* A crash in the middle of it. */
	if (reply == REPLY_AFTER && len > 1)
		len /= 2;
	disk_write(&W->disk, f->i, f->at, data, len);
	f->at += len;
	f->ours = f->host > 0;
	f->sent = false;
	world_after(reply);
	return (ssize_t)len;
}

off_t __real_lseek(int fd, off_t at, int whence);
off_t __wrap_lseek(int fd, off_t at, int whence);
off_t
__wrap_lseek(int fd, off_t at, int whence)
{
	struct file *f;

	if (!model_fd(fd))
		return __real_lseek(fd, at, whence);
	if ((f = file_of(fd)) == NULL)
		return -1;
	f->at = (size_t)at;
	f->after = 0;
	return at;
}

int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int
__wrap_ftruncate(int fd, off_t len)
{
	enum reply reply;
	struct file *f;
	int why;

	if (!model_fd(fd))
		return __real_ftruncate(fd, len);
	if ((f = file_at(fd, CALL_DATA, "ftruncate", &reply, &why)) == NULL)
		return -1;
	disk_truncate(&W->disk, f->i, (size_t)len);
	world_after(reply);
	return 0;
}

int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int
__wrap_fstat(int fd, struct stat *st)
{
	struct file *f;

	if (!model_fd(fd))
		return __real_fstat(fd, st);
	if ((f = file_of(fd)) == NULL)
		return -1;
	if (f->stale || f->i->gone) {
		errno = ESTALE;
		return -1;
	}
	mount_stat(f->i, st);
	return 0;
}

/* ---- what lasts ---- */

struct sync_site sync_site[SITES];
int sync_sites;

static bool
within(const void *at, const void *function)
{
	return (const char *)at > (const char *)function &&
	    (const char *)at < (const char *)function + 160;
}

/* Who asked: the callers of sp_sync and of its caller. */
static void
site_of(const void *from, char what[48])
{
	extern char __executable_start;
	void *at[12];
	int n = backtrace(at, 12), i, k;

	for (k = 0; k + 2 < n && at[k] != from; k++)
		;
	while (k + 2 < n &&
	    (within(at[k], (const void *)sp_fs_fsync) ||
		within(at[k], (const void *)sp_sync)))
		k++;
	/* One byte back it is the call. */
	(void)snprintf(what, 48, "%lx %lx",
	    (unsigned long)((char *)at[k] - &__executable_start) - 1,
	    (unsigned long)((char *)at[k + 1] - &__executable_start) - 1);
	for (i = 0; i < sync_sites; i++)
		if (strcmp(sync_site[i].what, what) == 0)
			break;
	if (i == SITES)
		return;
	if (i == sync_sites)
		(void)strcpy(sync_site[sync_sites++].what, what);
	sync_site[i].calls++;
}

static bool
ignored_is(const struct inode *i, const void *from)
{
	const char *not = W->plan->nosync;
	char what[48];

	if (not [0] == '\0')
		return false;
	if (strcmp(not, i->dir ? i->name : "file") == 0)
		return true;
	if (strchr(not, ' ') == NULL && not [0] != '?')
		return false;
	site_of(from, what);
	return strcmp(not, what) == 0;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int
__wrap_fsync(int fd)
{
	enum reply reply;
	struct file *f;
	int why;

	if (!model_fd(fd))
		return __real_fsync(fd);
	if ((f = file_at(fd, CALL_SYNC, "fsync", &reply, &why)) == NULL) {
		if (W->me != NULL)
			W->me->unsynced = true;
		return -1;
	}
	world_trace("fsync %s", f->i->dir ? f->i->name : "(file)");
	if (ignored_is(f->i, __builtin_return_address(0)))
		return 0;
	if (!f->i->dir) {
		disk_sync_file(&W->disk, f->i);
		mount_sent(f->i);
	} else if (f->host == 0) /* an NFS client has nothing to send */
		disk_sync_dir(&W->disk, f->i);
	world_after(reply);
	return 0;
}

int __real_syncfs(int fd);
int __wrap_syncfs(int fd);
int
__wrap_syncfs(int fd)
{
	enum reply reply;
	struct inode *i;
	struct file *f;
	int why;

	if (!model_fd(fd))
		return __real_syncfs(fd);
	if ((f = file_at(fd, CALL_SYNC, "syncfs", &reply, &why)) == NULL)
		return -1;
	if (ignored_is(f->i, __builtin_return_address(0)))
		return 0;
	for (i = W->disk.all; i != NULL; i = i->next)
		if (!i->dir)
			disk_sync_file(&W->disk, i);
	disk_sync_all(&W->disk);
	world_after(reply);
	return 0;
}

int __wrap_sync_file_range(int fd, off_t at, off_t len, unsigned flags);
int
__wrap_sync_file_range(int fd, off_t at, off_t len, unsigned flags)
{
	(void)fd;
	(void)at;
	(void)len;
	(void)flags;
	return 0;
}

int __real_close(int fd);
int __wrap_close(int fd);
int
__wrap_close(int fd)
{
	struct file *f;

	if (fd == PROC_FD)
		return 0;
	if (!model_fd(fd))
		return __real_close(fd);
	if ((f = file_of(fd)) == NULL)
		return -1;
	/* An NFS client sends what it has, and waits until it is on the disk.
	 */
	if (f->ours && !f->stale && !f->i->gone)
		disk_sync_file(&W->disk, f->i);
	return file_close(fd);
}

int __real_fcntl(int fd, int what, ...);
int __wrap_fcntl(int fd, int what, ...);
int
__wrap_fcntl(int fd, int what, ...)
{
	struct file *f;
	va_list ap;
	long arg;

	va_start(ap, what);
	arg = va_arg(ap, long);
	va_end(ap);
	if (!model_fd(fd))
		return __real_fcntl(fd, what, arg);
	if ((f = file_of(fd)) == NULL)
		return -1;
	return file_open(f->i, f->flags);
}

int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int
__wrap_fchmod(int fd, mode_t mode)
{
	return model_fd(fd) ? 0 : __real_fchmod(fd, mode);
}

int __real_fstatfs(int fd, struct statfs *out);
int __wrap_fstatfs(int fd, struct statfs *out);
int
__wrap_fstatfs(int fd, struct statfs *out)
{
	if (!model_fd(fd))
		return __real_fstatfs(fd, out);
	(void)memset(out, 0, sizeof *out);
	out->f_type = mount_far() ? 0x6969 : 0xef53;
	return 0;
}

int __real_fstatvfs(int fd, struct statvfs *out);
int __wrap_fstatvfs(int fd, struct statvfs *out);
int
__wrap_fstatvfs(int fd, struct statvfs *out)
{
	if (!model_fd(fd))
		return __real_fstatvfs(fd, out);
	(void)memset(out, 0, sizeof *out);
	out->f_bsize = out->f_frsize = 4096;
	out->f_blocks = out->f_bfree = out->f_bavail = 1 << 30;
	out->f_files = out->f_ffree = out->f_favail = 1 << 30;
	return 0;
}

/* ---- listings ---- */

/* By the hash of the names, as ext4 does it, and in two or more answers: what
 * moves in between is met once, twice or not at all. */
static int
by_hash(const void *a, const void *b)
{
	uint32_t x = ((const struct dent *)a)->hash;
	uint32_t y = ((const struct dent *)b)->hash;

	return x < y ? -1 : x > y;
}

/* Half of what is left; fewer when there is no room for more. */
static ssize_t
dents_put(struct file *f, char *out, size_t len)
{
	struct dent *all = calloc(f->i->live.n + 1, sizeof *all);
	size_t i, n = 0, at = 0, some, size;
	struct dirent64 *e;

	if (all == NULL)
		abort();
	for (i = 0; i < f->i->live.n; i++)
		if (f->i->live.at[i].hash >= f->after)
			all[n++] = f->i->live.at[i];
	qsort(all, n, sizeof *all, by_hash);
	some = n <= 3 ? n : (n + 1) / 2;
	for (i = 0; i < some; i++) {
		size = (offsetof(struct dirent64, d_name) +
			   strlen(all[i].name) + 1 + 7) &
		    ~(size_t)7;
		if (at + size > len)
			break;
		e = (struct dirent64 *)(void *)(out + at);
		e->d_ino = all[i].to->number;
		e->d_off = all[i].hash;
		e->d_reclen = (unsigned short)size;
		e->d_type = all[i].to->dir ? DT_DIR : DT_REG;
		(void)strcpy(e->d_name, all[i].name);
		at += size;
		f->after = (uint64_t)all[i].hash + 1;
	}
	free(all);
	return (ssize_t)at;
}

ssize_t __real_getdents64(int fd, void *out, size_t len);
ssize_t __wrap_getdents64(int fd, void *out, size_t len);
ssize_t
__wrap_getdents64(int fd, void *out, size_t len)
{
	enum reply reply;
	struct file *f;
	ssize_t n;
	int why;

	if (!model_fd(fd))
		return __real_getdents64(fd, out, len);
	if ((f = file_at(fd, CALL_LOOK, "getdents", &reply, &why)) == NULL)
		return -1;
	if (f->after == 0)
		mount_refresh(f->i);
	n = dents_put(f, out, len);
	world_after(reply);
	return n;
}

/* ---- clocks, dice, processes ---- */

int __wrap_clock_gettime(clockid_t which, struct timespec *out);
int
__wrap_clock_gettime(clockid_t which, struct timespec *out)
{
	int64_t us = W == NULL ? 0 : W->now;
	int host = W == NULL || W->me == NULL ? 0 : W->me->host;

	if (which == CLOCK_REALTIME)
		us += (1700000000 + (W == NULL ? 0 : W->plan->skew[host])) *
		    INT64_C(1000000);
	else
		us += (1000 + host * 777) * INT64_C(1000000);
	out->tv_sec = us / 1000000;
	out->tv_nsec = us % 1000000 * 1000;
	return 0;
}

ssize_t __wrap_getrandom(void *out, size_t len, unsigned flags);
ssize_t
__wrap_getrandom(void *out, size_t len, unsigned flags)
{
	uint32_t dice;
	size_t i;

	(void)flags;
	for (i = 0; i < len; i += sizeof dice) {
		dice = world_dice();
		(void)memcpy((char *)out + i, &dice,
		    len - i < sizeof dice ? len - i : sizeof dice);
	}
	return (ssize_t)len;
}

int __wrap_gethostname(char *out, size_t len);
int
__wrap_gethostname(char *out, size_t len)
{
	(void)snprintf(
	    out, len, "host%d", W == NULL || W->me == NULL ? 0 : W->me->host);
	return 0;
}

pid_t __wrap_getpid(void);
pid_t
__wrap_getpid(void)
{
	return (pid_t)world_pid();
}

int __wrap_kill(pid_t pid, int sig);
int
__wrap_kill(pid_t pid, int sig)
{
	int inc;

	(void)sig;
	if (W->me != NULL && world_alive(W->me->host, (int)pid, &inc))
		return 0;
	errno = ESRCH;
	return -1;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int
__wrap_open(const char *path, int flags, ...)
{
	int host = W == NULL || W->me == NULL ? 0 : W->me->host, pid, inc = 0;
	char tail[8];
	va_list ap;
	mode_t mode;

	if (strcmp(path, "/proc/sys/kernel/random/boot_id") == 0) {
		(void)snprintf(proc_text, sizeof proc_text, "boot-%d-%llu\n",
		    host, host == 0 ? (unsigned long long)W->boots : 0);
	} else if (strcmp(path, "/proc/self/stat") == 0 ||
	    sscanf(path, "/proc/%d/%7s", &pid, tail) == 2) {
		if (strcmp(path, "/proc/self/stat") == 0)
			pid = world_pid();
		if (!world_alive(host, pid, &inc)) {
			errno = ENOENT;
			return -1;
		}
		(void)snprintf(proc_text, sizeof proc_text,
		    "%d (x) S 1 1 1 0 1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n",
		    pid, 100 + inc);
	} else {
		va_start(ap, flags);
		mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
		va_end(ap);
		return __real_open(path, flags, mode);
	}
	return PROC_FD;
}

ssize_t __real_readlink(const char *path, char *out, size_t len);
ssize_t __wrap_readlink(const char *path, char *out, size_t len);
ssize_t
__wrap_readlink(const char *path, char *out, size_t len)
{
	if (strcmp(path, "/proc/self/ns/pid") != 0)
		return __real_readlink(path, out, len);
	return snprintf(out, len, "pid:[%d]", 40 + W->me->host);
}
