/*
 * move.c - the bare renames, and the one rule for all of them in the project:
 * whatever rename() said, what lies under our own target decides.
 *
 * Why: an NFS client repeats a request whose answer was lost and then hears
 * ENOENT for a rename that happened; a broken SSH connection says nothing at
 * all; a rename onto another link of the same inode is a no-op that returns 0.
 * A target name that only we can make, never used before, tells the truth.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/movein.h"
#include "libspool/scan.h"

/* ---- the bare moves ---- */

static bool
listed_is(int dirfd, const char *name)
{
	struct sp_names names = { 0 };
	bool there;

	there = sp_list(dirfd, true, &names, NULL) == SP_OK &&
	    sp_names_has(&names, name);
	sp_names_clear(&names);
	return there;
}

enum sp_status
move_own_look(int fromfd, const char *from, int tofd, const char *to,
    struct stat *st_out, struct sp_err *err)
{
	int rc, why;

	rc = sp_fs_rename(fromfd, from, tofd, to, 0);
	why = errno;
	if (rc == -1 && why != ENOENT) {
		/* It may have happened, or happen yet.  Looking the name up
		 * would teach an NFS client its absence for half a minute, and
		 * our next try would believe that: list instead. */
		if (listed_is(tofd, to)) {
			(void)memset(st_out, 0, sizeof *st_out);
			return SP_OK;
		}
		errno = why;
		(void)sp_err_sys(err, "rename %s to %s", from, to);
		return sp_errno_status(why);
	}
	if (sp_fs_lstat(tofd, to, st_out) == 0)
		return SP_OK;
	if (errno != ENOENT) {
		(void)sp_err_sys(err, "look at %s", to);
		return SP_RETRY;
	}
	/* Somebody else's; or (rc == 0) ours for a moment and moved on. */
	return SP_LOST;
}

static bool
no_more(void *arg, const char *name, const struct stat *st)
{
	(void)arg;
	(void)name;
	(void)st;
	return false;
}

bool
move_there(int dirfd, const char *name)
{
	struct stat st;

	return sp_fs_list(dirfd, ".", no_more, NULL) == 0 &&
	    sp_fs_lstat(dirfd, name, &st) == 0;
}

enum sp_status
sp_move_own(
    int fromfd, const char *from, int tofd, const char *to, struct sp_err *err)
{
	struct stat st;

	return move_own_look(fromfd, from, tofd, to, &st, err);
}

/* Does `to` hold what `from` holds, byte for byte? */
static bool
same_text(int fromfd, const char *from, int tofd, const char *to)
{
	struct sp_buf a = SP_BUF_INIT(SP_BUNDLE_MAX), b = SP_BUF_INIT(0);
	struct stat st;
	bool same;

	same = sp_read(fromfd, from, SP_BUNDLE_MAX, &a, &st, NULL) == SP_OK &&
	    sp_read(tofd, to, SP_BUNDLE_MAX, &b, &st, NULL) == SP_OK &&
	    a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
	sp_buf_clear(&a);
	sp_buf_clear(&b);
	return same;
}

/* Two names for one file?  Far, where files may not be told apart, two names
 * for one text, which is as good: all that we move beside is written once. */
static bool
twins_is(int fromfd, const char *from, int tofd, const char *to)
{
	struct stat a, b;

	if (sp_fs_far(tofd))
		return same_text(fromfd, from, tofd, to);
	return sp_fs_lstat(fromfd, from, &a) == 0 &&
	    sp_fs_lstat(tofd, to, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino;
}

/*
 * Move to a name that others may make too, never over theirs.
 * renameat2 where the filesystem has it; else link and unlink, which a crash
 * can leave half done: the next call finds twins and finishes.
 */
static enum sp_status
move_beside(
    int fromfd, const char *from, int tofd, const char *to, struct sp_err *err)
{
	int why;

	if (sp_fs_rename(fromfd, from, tofd, to, RENAME_NOREPLACE) == 0)
		return SP_OK;
	why = errno;
	if (why == EINVAL || why == ENOSYS || why == ENOTSUP) {
		why = sp_fs_link(fromfd, from, tofd, to) == 0 ? 0 : errno;
		if (why == 0)
			SP_CRASH("beside.linked");
	}
	/* To look at both may change errno. */
	if (why == EEXIST && !twins_is(fromfd, from, tofd, to))
		return SP_LOST;
	if (why == ENOENT)
		return SP_GONE;
	errno = why;
	if (why != 0 && why != EEXIST)
		return sp_err_sys(err, "move %s to %s", from, to);
	if (sp_fs_unlink(fromfd, from) == -1 && errno != ENOENT)
		return sp_err_sys(err, "unlink %s", from);
	return SP_OK;
}

enum sp_status
sp_move_file(int fromfd, const char *from, int tofd, const char *to,
    bool replace, struct sp_err *err)
{
	enum sp_status st;

	SP_CRASH("file.before");
	if (!replace)
		st = move_beside(fromfd, from, tofd, to, err);
	else if (sp_fs_rename(fromfd, from, tofd, to, 0) == 0)
		st = SP_OK;
	else if (errno == ENOENT)
		st = SP_GONE;
	else
		st = sp_err_sys(err, "rename %s to %s", from, to);
	SP_CRASH("file.after");
	return st;
}

enum sp_status
sp_move_settle(int fromfd, const char *from, int tofd, const char *to,
    bool replace, bool sync, struct sp_err *err)
{
	enum sp_status st;

	if (replace && sp_fs_far(tofd))
		return move_settle_far(fromfd, from, tofd, to, sync, err);
	st = sp_move_file(fromfd, from, tofd, to, replace, err);
	return st == SP_OK && sync ? sp_sync(tofd, to, err) : st;
}

enum sp_status
sp_move_aside(const struct sp_spool *sp, int fromfd, const char *from,
    enum sp_dir where, char to[256], struct sp_err *err)
{
	char plain[256];
	int fd = sp->dir[where];

	(void)snprintf(plain, sizeof plain, "%.200s", to);
	(void)snprintf(to, 256, "%s", plain);
	SP_CRASH("aside.before");
	if (sp_fs_rename(fromfd, from, fd, to, RENAME_NOREPLACE) == 0) {
		SP_CRASH("aside.after");
		return SP_OK;
	}
	if (errno == ENOENT)
		return SP_GONE;
	/* The name is taken, or the filesystem cannot promise: one of our own.
	 */
	(void)snprintf(to, 256, "%.200s.%08x", plain, sp_dice());
	return sp_move_own(fromfd, from, fd, to, err);
}

bool
sp_link_own(int fromfd, const char *from, const char *to)
{
	return sp_fs_link(fromfd, from, AT_FDCWD, to) == 0;
}

int
sp_rename_said(
    int fromfd, const char *from, int tofd, const char *to, unsigned flags)
{
	return sp_fs_rename(fromfd, from, tofd, to, flags) == 0 ? 0 : errno;
}

int
sp_link_said(int fromfd, const char *from, int tofd, const char *to)
{
	return sp_fs_link(fromfd, from, tofd, to) == 0 ? 0 : errno;
}

bool
sp_move_own_dir(int fromfd, const char *from, int tofd, const char *to)
{
	return sp_fs_rename(fromfd, from, tofd, to, RENAME_NOREPLACE) == 0 ||
	    ((errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) &&
		sp_fs_rename(fromfd, from, tofd, to, 0) == 0);
}
