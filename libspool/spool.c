/*
 * spool.c - making and opening a spool, and the handles of its directories.
 * What lies in them is other rooms' business.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/move.h"
#include "libspool/spool.h"

#define POLICY_MAX 65536

static const char *const dirs[SP_DIRS] = {
	[SP_DIR_NEW] = "new",
	[SP_DIR_WAITING] = "waiting",
	[SP_DIR_ASSIGNED] = "assigned",
	[SP_DIR_DONE] = "done",
	[SP_DIR_FAILED] = "failed",
	[SP_DIR_TMP] = "tmp",
	[SP_DIR_BAD] = "bad",
	[SP_DIR_REPAIR] = "repair",
	[SP_DIR_CANCEL] = "cancel",
	[SP_DIR_HOLD] = "hold",
	[SP_DIR_DRAIN] = "drain",
	[SP_DIR_OUTCOMES] = "outcomes",
	[SP_DIR_RUNS] = "runs",
	[SP_DIR_SCRIPTS] = "scripts",
	[SP_DIR_DATA] = "data",
	[SP_DIR_BLOBS] = "blobs",
	[SP_DIR_WORKERS] = "workers",
	[SP_DIR_INDEX] = "index",
};

const char *
sp_dir_text(enum sp_dir dir)
{
	return dirs[dir];
}

/* Does inotify on this filesystem see every change?  Anything not known to be
 * on a disk of this machine counts as a network. */
static bool
local_is(int fd)
{
	static const unsigned long disks[] = { EXT4_SUPER_MAGIC,
		BTRFS_SUPER_MAGIC, TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
		RAMFS_MAGIC, F2FS_SUPER_MAGIC, REISERFS_SUPER_MAGIC,
		0x58465342 /* xfs */, 0x2fc12fc1 /* zfs */,
		0xca451a4e /* bcachefs */ };
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs) == -1)
		return false;
	for (i = 0; i < sizeof disks / sizeof *disks; i++)
		if ((unsigned long)fs.f_type == disks[i])
			return true;
	return false;
}

static enum sp_status
make_dirs(int root, struct sp_err *err)
{
	enum sp_status st;
	int i, blobs;

	for (i = 0; i < SP_DIRS; i++)
		if ((st = sp_make_dir(root, dirs[i], err)) != SP_OK)
			return st;
	if ((st = sp_open_dir(root, dirs[SP_DIR_BLOBS], &blobs, err)) != SP_OK)
		return st;
	st = sp_make_dir(blobs, "sha256", err);
	(void)close(blobs);
	return st;
}

static enum sp_status
open_dirs(struct sp_spool *sp, struct sp_err *err)
{
	enum sp_status st;
	int i;

	for (i = 0; i < SP_DIRS; i++) {
		st = sp_open_dir(sp->root, dirs[i], &sp->dir[i], NULL);
		if (st == SP_OK)
			continue;
		/* Older spools have none, and a reader may not make it. */
		if (sp_make_dir(sp->root, dirs[i],
			i == SP_DIR_DRAIN ? NULL : err) != SP_OK &&
		    i == SP_DIR_DRAIN)
			continue;
		if (sp_open_dir(sp->root, dirs[i], &sp->dir[i], err) != SP_OK)
			return SP_FATAL;
	}
	return SP_OK;
}

static void
forget(struct sp_spool *sp)
{
	int i;

	sp->root = -1;
	for (i = 0; i < SP_DIRS; i++)
		sp->dir[i] = -1;
}

static enum sp_status
write_policy(struct sp_spool *sp, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(POLICY_MAX);
	enum sp_status st;

	sp_policy_print(&sp->policy, &text);
	st = text.failed ? sp_err_set(err, SP_RETRY, "no memory")
			 : sp_publish(sp, sp->root, "spool.json", text.data,
			       text.len, 0, err);
	sp_buf_clear(&text);
	return st == SP_LOST ? SP_OK : st; /* somebody else made it */
}

enum sp_status
sp_spool_make(const char *path, struct sp_err *err)
{
	struct sp_spool sp = { 0 };
	enum sp_status st;

	forget(&sp);
	sp_policy_init(&sp.policy);
	sp_worker_make("init", sp_dice(), sp.actor);
	if (mkdir(path, 0777) == -1 && errno != EEXIST)
		return sp_err_sys(err, "make %s", path);
	sp.root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sp.root == -1)
		return sp_err_sys(err, "open %s", path);
	if ((st = make_dirs(sp.root, err)) == SP_OK &&
	    (st = open_dirs(&sp, err)) == SP_OK &&
	    (st = write_policy(&sp, err)) == SP_OK)
		st = sp_sync(sp.root, path, err);
	sp_spool_close(&sp);
	return st;
}

static enum sp_status
read_policy(struct sp_spool *sp, const char *path, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(POLICY_MAX);
	struct stat st;
	enum sp_status s;

	s = sp_read(sp->root, "spool.json", POLICY_MAX, &text, &st, err);
	if (s == SP_GONE) {
		sp_err_clear(err);
		s = sp_err_set(err, SP_FATAL,
		    "%s is no spool (it has no spool.json); make one with: "
		    "spool init %s",
		    path, path);
	} else if (s == SP_OK) {
		s = sp_policy_parse(text.data, text.len, &sp->policy, err);
		if (s != SP_OK) {
			char why[SP_ERR_MAX] = "";

			if (err != NULL)
				(void)memcpy(why, err->text, sizeof why);
			sp_err_clear(err);
			(void)sp_err_set(
			    err, SP_FATAL, "%s/spool.json: %.400s", path, why);
			s = SP_FATAL;
		}
	}
	sp_buf_clear(&text);
	return s;
}

enum sp_status
sp_spool_open(
    const char *path, const char *base, struct sp_spool *sp, struct sp_err *err)
{
	enum sp_status st;

	(void)memset(sp, 0, sizeof *sp);
	forget(sp);
	if (realpath(path, sp->path) == NULL)
		return sp_err_set(err, SP_FATAL,
		    "%s: %s; make a spool with: "
		    "spool init %s",
		    path, strerror(errno), path);
	sp->root = open(sp->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sp->root == -1) {
		(void)sp_err_sys(err, "open %s", path);
		return SP_FATAL;
	}
	sp_worker_make(base, sp_dice(), sp->actor);
	sp->local = local_is(sp->root);
	if ((st = read_policy(sp, path, err)) != SP_OK ||
	    (st = open_dirs(sp, err)) != SP_OK) {
		sp_spool_close(sp);
		return st == SP_RETRY ? SP_RETRY : SP_FATAL;
	}
	return SP_OK;
}

/* Nowhere any more: removed, or unknown to the file server. */
static bool
nowhere(int fd)
{
	struct stat st;

	return fstat(fd, &st) == -1 ? errno == ESTALE : st.st_nlink == 0;
}

static bool
again(int fd, int from, const char *name)
{
	struct stat is, was;
	bool taken;
	int now;

	if (fstatat(from, name, &is, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstat(fd, &was) == 0 && is.st_ino == was.st_ino &&
	    is.st_dev == was.st_dev)
		return false;
	if (sp_open_dir(from, name, &now, NULL) != SP_OK)
		return false;
	taken = dup3(now, fd, O_CLOEXEC) != -1;
	(void)close(now);
	return taken;
}

unsigned
sp_spool_again(struct sp_spool *sp)
{
	struct stat st;
	unsigned bits = 0;
	int i, root;

	if (nowhere(sp->root)) {
		root = open(sp->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (root == -1)
			return 0;
		/* A mount point with nothing mounted is no spool. */
		if (fstatat(root, "spool.json", &st, 0) == 0)
			(void)dup3(root, sp->root, O_CLOEXEC);
		(void)close(root);
	}
	for (i = 0; i < SP_DIRS; i++) {
		if (nowhere(sp->dir[i]))
			(void)sp_make_dir(sp->root, dirs[i], NULL);
		if (again(sp->dir[i], sp->root, dirs[i]))
			bits |= 1u << i;
	}
	return bits;
}

void
sp_spool_close(struct sp_spool *sp)
{
	char probe[SP_NAME_MAX];
	int i;

	if (sp->dir[SP_DIR_TMP] != -1) {
		(void)snprintf(probe, sizeof probe, ".probe.%s", sp->actor);
		(void)unlinkat(sp->dir[SP_DIR_TMP], probe, 0);
	}
	for (i = 0; i < SP_DIRS; i++)
		if (sp->dir[i] != -1)
			(void)close(sp->dir[i]);
	if (sp->root != -1)
		(void)close(sp->root);
	forget(sp);
}

/* A directory below one of ours, made when asked. */
static enum sp_status
below(int dirfd, const char *name, bool make, int *fd_out, struct sp_err *err)
{
	enum sp_status st;

	st = sp_open_dir(dirfd, name, fd_out, make ? NULL : err);
	if (st != SP_GONE || !make)
		return st;
	if ((st = sp_make_dir(dirfd, name, err)) != SP_OK)
		return st;
	return sp_open_dir(dirfd, name, fd_out, err);
}

enum sp_status
sp_day_open(const struct sp_spool *sp, enum sp_state state, const char *day,
    bool make, int *fd_out, struct sp_err *err)
{
	return below(sp->dir[(int)state], day, make, fd_out, err);
}

enum sp_status
sp_run_open(const struct sp_spool *sp, const struct sp_id *id, bool make,
    int *fd_out, struct sp_err *err)
{
	char day[SP_DAY_LEN + 1];
	enum sp_status st;
	int fd;

	sp_id_day(id, day);
	if ((st = below(sp->dir[SP_DIR_RUNS], day, make, &fd, err)) != SP_OK)
		return st;
	st = below(fd, id->text, make, fd_out, err);
	(void)close(fd);
	return st;
}

enum sp_status
sp_state_open(const struct sp_spool *sp, enum sp_state state,
    const struct sp_id *id, bool make, int *fd_out, struct sp_err *err)
{
	char day[SP_DAY_LEN + 1];

	if (!sp_state_over_is(state)) {
		*fd_out = fcntl(sp->dir[(int)state], F_DUPFD_CLOEXEC, 0);
		return *fd_out == -1
		    ? sp_err_sys(err, "open %s", sp_state_text(state))
		    : SP_OK;
	}
	sp_id_day(id, day);
	return sp_day_open(sp, state, day, make, fd_out, err);
}
