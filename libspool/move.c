/*
 * move.c - every rename of the project, and the one rule for all of them:
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
#include "libspool/move.h"
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

/*
 * Move to a name that only we can make.
 * SP_OK: it is there now.  SP_LOST: the source went elsewhere.  SP_RETRY: it
 * did not happen, or nobody can tell yet; repeating is safe.
 */
static enum sp_status
move_own(
    int fromfd, const char *from, int tofd, const char *to, struct sp_err *err)
{
	struct stat st;
	int rc, why;

	rc = sp_fs_rename(fromfd, from, tofd, to, 0);
	why = errno;
	if (rc == -1 && why != ENOENT) {
		/* It may have happened, or happen yet.  Looking the name up
		 * would teach an NFS client its absence for half a minute, and
		 * our next try would believe that: list instead. */
		if (listed_is(tofd, to))
			return SP_OK;
		errno = why;
		(void)sp_err_sys(err, "rename %s to %s", from, to);
		return sp_errno_status(why);
	}
	if (sp_fs_lstat(tofd, to, &st) == 0)
		return SP_OK;
	if (errno != ENOENT) {
		(void)sp_err_sys(err, "look at %s", to);
		return SP_RETRY;
	}
	/* Somebody else's; or (rc == 0) ours for a moment and moved on. */
	return SP_LOST;
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
	if (sp_fs_rename(fromfd, from, tofd, to, RENAME_NOREPLACE) == 0)
		return SP_OK;
	if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) {
		if (sp_fs_link(fromfd, from, tofd, to) == 0 ||
		    (errno == EEXIST && twins_is(fromfd, from, tofd, to))) {
			SP_CRASH("beside.linked");
			if (sp_fs_unlink(fromfd, from) == -1 && errno != ENOENT)
				return sp_err_sys(err, "unlink %s", from);
			return SP_OK;
		}
	}
	if (errno == EEXIST) {
		if (!twins_is(fromfd, from, tofd, to))
			return SP_LOST;
		(void)sp_fs_unlink(fromfd, from);
		return SP_OK;
	}
	if (errno == ENOENT)
		return SP_GONE;
	return sp_err_sys(err, "move %s to %s", from, to);
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
	return move_own(fromfd, from, fd, to, err);
}

bool
sp_link_own(int fromfd, const char *from, const char *to)
{
	return sp_fs_link(fromfd, from, AT_FDCWD, to) == 0;
}

bool
sp_move_own_dir(int fromfd, const char *from, int tofd, const char *to)
{
	return sp_fs_rename(fromfd, from, tofd, to, RENAME_NOREPLACE) == 0 ||
	    ((errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) &&
		sp_fs_rename(fromfd, from, tofd, to, 0) == 0);
}

/* ---- the steps of the table ---- */

/*
 * A second link means that a link+unlink rename (every OpenSSH SFTP rename) is
 * under way or died half-way: nobody starts it, moves it on or reports it.
 * The commit of our own run is exempt: only its worker can make that name.
 */
static enum sp_status
one_link(int fd, const char *name, struct sp_err *err)
{
	struct stat st;

	if (sp_fs_links(fd, name, &st) == -1)
		return errno == ENOENT ? SP_LOST : sp_err_sys(err, "%s", name);
	if (!S_ISREG(st.st_mode))
		return sp_err_set(err, SP_BAD, "%s is no plain file", name);
	if (st.st_nlink != 1)
		return sp_err_set(err, SP_BAD,
		    "%s has %u links: a rename is "
		    "under way or died",
		    name, (unsigned)st.st_nlink);
	return SP_OK;
}

static enum sp_status
step(const struct sp_spool *sp, enum sp_step what, enum sp_state at,
    enum sp_state to, const struct sp_name *from, bool any_links,
    struct sp_name *to_out, struct sp_err *err)
{
	char src[SP_NAME_MAX], dst[SP_NAME_MAX];
	enum sp_status st;
	int fromfd = -1, tofd = -1;

	st = sp_step_name(what, at, to, from, sp->actor, to_out);
	if (st != SP_OK) {
		sp_name_print(from, src);
		return sp_err_set(err, st, "no step '%s' from %s/%s to %s",
		    sp_step_text(what), sp_state_text(at), src,
		    sp_state_text(to));
	}
	sp_name_print(from, src);
	sp_name_print(to_out, dst);
	st = sp_state_open(sp, at, &from->id, false, &fromfd, err);
	if (st == SP_OK) {
		st = sp_state_open(sp, to, &from->id, true, &tofd, err);
		/* It was removed under us: that says nothing of the order. */
		if (st == SP_GONE)
			st = SP_RETRY;
	}
	if (st == SP_OK && !any_links) {
		st = one_link(fromfd, src, err);
		/* It may be under its new name already: a repeated call. */
		if (st == SP_LOST)
			st = SP_OK;
	}
	if (st == SP_OK) {
		SP_CRASH_IN(sp_step_text(what), "before");
		st = move_own(fromfd, src, tofd, dst, err);
		SP_CRASH_IN(sp_step_text(what), "after");
	}
	if (fromfd != -1)
		(void)sp_fs_close(fromfd);
	if (tofd != -1)
		(void)sp_fs_close(tofd);
	return st == SP_GONE ? SP_LOST : st;
}

enum sp_status
sp_move_step(const struct sp_spool *sp, enum sp_step what, enum sp_state at,
    enum sp_state to, const struct sp_name *from, struct sp_name *to_out,
    struct sp_err *err)
{
	return step(
	    sp, what, at, to, from, what == SP_STEP_COMMIT, to_out, err);
}

enum sp_status
sp_move_half(const struct sp_spool *sp, enum sp_state at,
    const struct sp_name *from, struct sp_name *to_out, struct sp_err *err)
{
	switch (at) {
	case SP_ASSIGNED:
		return step(
		    sp, SP_STEP_RELEASE, at, SP_NEW, from, true, to_out, err);
	case SP_WAITING:
		return step(
		    sp, SP_STEP_PROMOTE, at, SP_NEW, from, true, to_out, err);
	default:
		return step(
		    sp, SP_STEP_HOLD, at, SP_WAITING, from, true, to_out, err);
	}
}

/*
 * By an exchange: it fails when the order has left that name in the meantime,
 * where a rename would bring it into the world a second time.
 */
enum sp_status
sp_move_apart(const struct sp_spool *sp, enum sp_state at,
    const struct sp_name *name, struct sp_err *err)
{
	size_t max = name->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX;
	int fd, dir = sp->dir[(int)at], tmpdir = sp->dir[SP_DIR_TMP];
	char file[SP_NAME_MAX], tmp[SP_NAME_MAX];
	struct sp_buf text = SP_BUF_INIT(max);
	enum sp_status st;
	struct stat was;

	sp_name_print(name, file);
	st = sp_read(dir, file, max, &text, &was, err);
	if (st == SP_OK) {
		sp_tmp_name(sp, tmp);
		st = sp_tmp_start(sp, tmp, text.data, text.len, &fd, err);
	}
	sp_buf_clear(&text);
	if (st == SP_OK)
		st = sp_tmp_done(sp, tmp, fd, false, err);
	if (st != SP_OK)
		return st == SP_GONE ? SP_LOST : st;
	SP_CRASH("apart.before");
	if (sp_fs_rename(tmpdir, tmp, dir, file, RENAME_EXCHANGE) == -1)
		st = errno == ENOENT ? SP_LOST
				     : sp_err_sys(err, "exchange %s", file);
	SP_CRASH("apart.after");
	(void)sp_fs_unlink(tmpdir, tmp); /* the copy, or the link too many */
	return st == SP_OK ? sp_sync(dir, sp_state_text(at), err) : st;
}

enum sp_status
sp_claim(const struct sp_spool *sp, const struct sp_name *order,
    struct sp_name *claimed_out, struct sp_buf *text_out, struct sp_err *err)
{
	char dst[SP_NAME_MAX];
	enum sp_status s;
	struct stat st;

	s = sp_move_step(
	    sp, SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, order, claimed_out, err);
	if (s != SP_OK)
		return s;

	sp_name_print(claimed_out, dst);
	s = sp_read(sp->dir[SP_DIR_ASSIGNED], dst,
	    order->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX, text_out, &st, err);
	SP_CRASH("claim.read");
	if (s == SP_OK && st.st_nlink == 0 &&
	    sp_fs_links(sp->dir[SP_DIR_ASSIGNED], dst, &st) == -1)
		s = sp_err_sys(err, "%s", dst);
	if (s == SP_GONE)
		return SP_LOST;
	if (s == SP_OK && st.st_nlink != 1)
		return sp_err_set(
		    err, SP_BAD, "%s has %u links", dst, (unsigned)st.st_nlink);
	return s;
}

enum sp_status
sp_move_admit(const struct sp_spool *sp, const char *raw,
    const struct sp_name *name, struct sp_err *err)
{
	int fd, newfd = sp->dir[SP_DIR_NEW];
	char dst[SP_NAME_MAX];
	enum sp_status s;
	struct stat st;

	s = sp_open(newfd, raw, 0, &fd, &st, err);
	if (s != SP_OK)
		return s;
	/* What a canonical name carries is accepted, so it must last. */
	s = sp_sync(fd, raw, err);
	(void)sp_fs_close(fd);
	if (s != SP_OK)
		return s;
	sp_name_print(name, dst);
	SP_CRASH("admit.before");
	s = move_own(newfd, raw, newfd, dst, err);
	SP_CRASH("admit.after");
	return s;
}

enum sp_status
sp_move_sync(const struct sp_spool *sp, const struct sp_id *id, enum sp_state a,
    enum sp_state b, struct sp_err *err)
{
	const enum sp_state both[2] = { a, b };
	enum sp_status st = SP_OK;
	int i, fd;

	for (i = 0; i < 2 && st == SP_OK; i++) {
		if (both[i] == SP_STATES || (i == 1 && a == b))
			continue;
		st = sp_state_open(sp, both[i], id, false, &fd, err);
		if (st != SP_OK)
			break;
		st = sp_sync(fd, sp_state_text(both[i]), err);
		(void)sp_fs_close(fd);
	}
	return st;
}
