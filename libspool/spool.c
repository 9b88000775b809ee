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

#include "libspool/certificate.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/move.h"
#include "libspool/scan.h"
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
	(void)sp_fs_close(blobs);
	return st;
}

static enum sp_status
open_dirs(struct sp_spool *sp, struct sp_err *err)
{
	struct sp_names there = { 0 };
	enum sp_status st;
	int i;

	/* Far, one listing says of all whether they are there. */
	if (sp_fs_far(sp->root) &&
	    (st = sp_list(sp->root, false, &there, err)) != SP_OK)
		return st;
	for (i = 0; i < SP_DIRS; i++) {
		if (sp_names_has(&there, dirs[i]) &&
		    (sp->dir[i] = sp_fs_open(
			 sp->root, dirs[i], O_DIRECTORY | O_PATH, 0)) != -1)
			continue;
		st = sp_open_dir(sp->root, dirs[i], &sp->dir[i], NULL);
		if (st == SP_OK)
			continue;
		/* Older spools have none, and a reader may not make it. */
		if (sp_make_dir(sp->root, dirs[i],
			i == SP_DIR_DRAIN ? NULL : err) != SP_OK &&
		    i == SP_DIR_DRAIN)
			continue;
		st = sp_open_dir(sp->root, dirs[i], &sp->dir[i], err);
		if (st != SP_OK) {
			sp_names_clear(&there);
			return st == SP_RETRY ? st : SP_FATAL;
		}
	}
	sp_names_clear(&there);
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
sp_spool_make_at(int root, const char *path, struct sp_err *err)
{
	struct sp_spool sp = { 0 };
	enum sp_status st;

	forget(&sp);
	sp_policy_init(&sp.policy);
	sp_worker_make("init", sp_dice(), sp.actor);
	sp.root = root;
	if ((st = make_dirs(sp.root, err)) == SP_OK &&
	    (st = open_dirs(&sp, err)) == SP_OK &&
	    (st = write_policy(&sp, err)) == SP_OK)
		st = sp_sync(sp.root, path, err);
	sp_spool_close(&sp);
	return st;
}

enum sp_status
sp_spool_make(const char *path, struct sp_err *err)
{
	int root;

	if (mkdir(path, 0777) == -1 && errno != EEXIST)
		return sp_err_sys(err, "make %s", path);
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		return sp_err_sys(err, "open %s", path);
	return sp_spool_make_at(root, path, err);
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
			s = s == SP_RETRY ? s : SP_FATAL; /* no memory */
			(void)sp_err_set(
			    err, s, "%s/spool.json: %.400s", path, why);
		}
	}
	sp_buf_clear(&text);
	return s;
}

/* A handle of ours; `path`: as the user has it. */
static enum sp_status
open_root(struct sp_spool *sp, int root, const char *path, const char *base,
    struct sp_err *err)
{
	enum sp_status st;

	sp->root = root;
	sp_worker_make(base, sp_dice(), sp->actor);
	sp->local = !sp_fs_far(root) && local_is(root);
	if ((st = read_policy(sp, path, err)) != SP_OK ||
	    (st = open_dirs(sp, err)) != SP_OK) {
		sp_spool_close(sp);
		return st == SP_RETRY ? SP_RETRY : SP_FATAL;
	}
	sp_certificate_use(sp);
	return SP_OK;
}

enum sp_status
sp_spool_open_at(int root, const char *path, const char *base,
    struct sp_spool *sp, struct sp_err *err)
{
	(void)memset(sp, 0, sizeof *sp);
	forget(sp);
	if (snprintf(sp->path, sizeof sp->path, "%s", path) >=
	    (int)sizeof sp->path) {
		(void)sp_fs_close(root);
		return sp_err_set(err, SP_FATAL, "too long a path");
	}
	return open_root(sp, root, path, base, err);
}

enum sp_status
sp_spool_open(
    const char *path, const char *base, struct sp_spool *sp, struct sp_err *err)
{
	int root;

	(void)memset(sp, 0, sizeof *sp);
	forget(sp);
	if (realpath(path, sp->path) == NULL)
		return sp_err_set(err, SP_FATAL,
		    "%s: %s; make a spool with: "
		    "spool init %s",
		    path, strerror(errno), path);
	root = open(sp->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1) {
		(void)sp_err_sys(err, "open %s", path);
		return SP_FATAL;
	}
	return open_root(sp, root, path, base, err);
}

/* Nowhere any more: removed, or unknown to the file server. */
static bool
nowhere(int fd)
{
	struct stat st;

	return sp_fs_fstat(fd, &st) == -1 ? errno == ESTALE : st.st_nlink == 0;
}

static bool
again(int fd, int from, const char *name)
{
	struct stat is, was;
	bool taken;
	int now;

	if (sp_fs_lstat(from, name, &is) == 0 && sp_fs_fstat(fd, &was) == 0 &&
	    is.st_ino == was.st_ino && is.st_dev == was.st_dev)
		return false;
	if (sp_open_dir(from, name, &now, NULL) != SP_OK)
		return false;
	taken = sp_fs_replace(now, fd) != -1;
	(void)sp_fs_close(now);
	return taken;
}

unsigned
sp_spool_again(struct sp_spool *sp)
{
	struct stat st;
	unsigned bits = 0;
	int i, root;

	/* A far handle is a path: what stands there now is meant anyway. */
	if (sp_fs_far(sp->root))
		return 0;
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
		(void)sp_fs_unlink(sp->dir[SP_DIR_TMP], probe);
	}
	for (i = 0; i < SP_DIRS; i++)
		if (sp->dir[i] != -1)
			(void)sp_fs_close(sp->dir[i]);
	if (sp->root != -1)
		(void)sp_fs_close(sp->root);
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
	char day[SP_DAY_LEN + 1], path[SP_DAY_LEN + 1 + SP_ID_LEN + 1];
	enum sp_status st;
	int fd;

	sp_id_day(id, day);
	if (!make) {
		(void)snprintf(path, sizeof path, "%s/%s", day, id->text);
		return sp_open_dir(sp->dir[SP_DIR_RUNS], path, fd_out, err);
	}
	if ((st = below(sp->dir[SP_DIR_RUNS], day, make, &fd, err)) != SP_OK)
		return st;
	st = below(fd, id->text, make, fd_out, err);
	(void)sp_fs_close(fd);
	return st;
}

enum sp_status
sp_run_make(const struct sp_spool *spool, const struct sp_id *id, int *fd_out,
    struct sp_err *err)
{
	char day[SP_DAY_LEN + 1], path[SP_DAY_LEN + 1 + SP_ID_LEN + 1];
	int runs = spool->dir[SP_DIR_RUNS], why = 0;
	enum sp_status st;

	st = sp_run_open(spool, id, false, fd_out, NULL);
	if (st != SP_GONE)
		return st == SP_OK
		    ? st
		    : sp_err_set(err, st, "open runs/%s", id->text);
	sp_id_day(id, day);
	(void)snprintf(path, sizeof path, "%s/%s", day, id->text);
	if (sp_fs_mkdir(runs, path, 0777) == -1)
		why = errno;
	if (why == ENOENT) {
		why = sp_fs_mkdir(runs, day, 0777) == -1 ? errno : 0;
		if (sp_fs_mkdir(runs, path, 0777) == 0)
			why = 0;
		else if (errno != ENOENT)
			why = errno;
	}
	st = sp_run_open(spool, id, false, fd_out, NULL);
	if (st == SP_OK)
		return st;
	if (st != SP_GONE || why == 0 || why == EEXIST || why == ENOENT)
		return sp_run_open(spool, id, false, fd_out, err);
	errno = why;
	return sp_err_sys(err, "make runs/%s", path);
}

enum sp_status
sp_state_open(const struct sp_spool *sp, enum sp_state state,
    const struct sp_id *id, bool make, int *fd_out, struct sp_err *err)
{
	char day[SP_DAY_LEN + 1];

	if (!sp_state_over_is(state)) {
		*fd_out = sp_fs_dup(sp->dir[(int)state]);
		return *fd_out == -1
		    ? sp_err_sys(err, "open %s", sp_state_text(state))
		    : SP_OK;
	}
	sp_id_day(id, day);
	return sp_day_open(sp, state, day, make, fd_out, err);
}
