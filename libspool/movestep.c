/*
 * movestep.c - the steps of the state table as renames: the names follow from
 * state.c, whose word counts; what a rename is believed for, move.c says.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/movein.h"
#include "libspool/owner.h"

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

/* A state's directory; *day, one of a day, is to be closed. */
static enum sp_status
state_dir(const struct sp_spool *sp, enum sp_state state,
    const struct sp_id *id, bool make, int *fd_out, int *day,
    struct sp_err *err)
{
	enum sp_status st;

	if (!sp_state_over_is(state)) {
		*fd_out = sp->dir[(int)state];
		return SP_OK;
	}
	st = sp_state_open(sp, state, id, make, day, err);
	*fd_out = *day;
	return st;
}

static enum sp_status
rename_step(const struct sp_spool *sp, enum sp_step what, int fromfd,
    const char *src, int tofd, const char *dst, struct sp_err *err)
{
	enum sp_status st;

	SP_CRASH_IN(sp_step_text(what), "before");
	st = sp_move_own(fromfd, src, tofd, dst, err);
	SP_CRASH_IN(sp_step_text(what), "after");
	/* An NFS client that gave up on our last try may remember that the
	 * target was not there, and the server has done it since.  Of a claim
	 * that is cheaper found out later: we hold it and do not run it. */
	if (st == SP_LOST && what != SP_STEP_CLAIM && !sp->local &&
	    move_there(tofd, dst))
		st = SP_OK;
	return st;
}

static enum sp_status
step_near(const struct sp_spool *sp, enum sp_step what, enum sp_state at,
    enum sp_state to, const struct sp_id *id, bool any_links, const char *src,
    const char *dst, struct sp_err *err)
{
	int fromfd = -1, tofd = -1, day[2] = { -1, -1 }, i;
	enum sp_status st;

	st = state_dir(sp, at, id, false, &fromfd, &day[0], err);
	if (st == SP_OK) {
		st = state_dir(sp, to, id, true, &tofd, &day[1], err);
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
	if (st == SP_OK)
		st = rename_step(sp, what, fromfd, src, tofd, dst, err);
	for (i = 0; i < 2; i++)
		if (day[i] != -1)
			(void)sp_fs_close(day[i]);
	return st;
}

static enum sp_status
step_far(const struct sp_spool *sp, enum sp_step what, bool any_links,
    struct move_far *m, struct sp_err *err)
{
	enum sp_status st = SP_OK;

	(void)what; /* a crash point's name */
	if (!any_links)
		st = one_link(sp->dir[(int)m->at], m->src, err);
	if (st == SP_OK || st == SP_LOST) {
		SP_CRASH_IN(sp_step_text(what), "before");
		st = move_step_far(sp, m, err);
		SP_CRASH_IN(sp_step_text(what), "after");
	}
	return st;
}

static enum sp_status
step(const struct sp_spool *sp, enum sp_step what, enum sp_state at,
    enum sp_state to, const struct sp_name *from, int prio, bool any_links,
    struct sp_name *to_out, struct sp_err *err)
{
	char src[SP_NAME_MAX], dst[SP_NAME_MAX];
	struct move_far far = {
		.at = at, .to = to, .id = &from->id, .src = src, .dst = dst
	};
	enum sp_status st;

	st = sp_step_name(what, at, to, from, sp->actor, to_out);
	if (st != SP_OK) {
		sp_name_print(from, src);
		return sp_err_set(err, st, "no step '%s' from %s/%s to %s",
		    sp_step_text(what), sp_state_text(at), src,
		    sp_state_text(to));
	}
	to_out->prio = prio;
	sp_name_print(from, src);
	sp_name_print(to_out, dst);
	st = sp_fs_far(sp->root)
	    ? step_far(sp, what, any_links, &far, err)
	    : step_near(sp, what, at, to, &from->id, any_links, src, dst, err);
	return st == SP_GONE ? SP_LOST : st;
}

enum sp_status
sp_move_step(const struct sp_spool *sp, enum sp_step what, enum sp_state at,
    enum sp_state to, const struct sp_name *from, struct sp_name *to_out,
    struct sp_err *err)
{
	return step(sp, what, at, to, from, from->prio, what == SP_STEP_COMMIT,
	    to_out, err);
}

enum sp_status
sp_move_urge(const struct sp_spool *sp, enum sp_state at,
    const struct sp_name *from, int prio, struct sp_name *to_out,
    struct sp_err *err)
{
	return step(sp, SP_STEP_URGE, at, at, from, prio, false, to_out, err);
}

enum sp_status
sp_move_half(const struct sp_spool *sp, enum sp_state at,
    const struct sp_name *from, struct sp_name *to_out, struct sp_err *err)
{
	switch (at) {
	case SP_ASSIGNED:
		return step(sp, SP_STEP_RELEASE, at, SP_NEW, from, from->prio,
		    true, to_out, err);
	case SP_WAITING:
		return step(sp, SP_STEP_PROMOTE, at, SP_NEW, from, from->prio,
		    true, to_out, err);
	default:
		return step(sp, SP_STEP_HOLD, at, SP_WAITING, from, from->prio,
		    true, to_out, err);
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
	/* The copy will be ours, and what ours say of owners is believed. */
	was.st_nlink = 1;
	if (st == SP_OK && !sp_owner_trusted(sp, &was) &&
	    sp_owner_said(text.data, text.len, name->bundle))
		st = sp_err_set(err, SP_BAD,
		    "%s has another name and may say order.owner: not copied; "
		    "remove it",
		    file);
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

/* As found under the new name. */
enum sp_status
move_claimed(const char *dst, const struct stat *st, struct sp_err *err)
{
	if (!S_ISREG(st->st_mode))
		return sp_err_set(err, SP_BAD, "%s is no plain file", dst);
	if (st->st_nlink != 1)
		return sp_err_set(err, SP_BAD, "%s has %u links", dst,
		    (unsigned)st->st_nlink);
	return SP_OK;
}

/* The one question that cannot be put off is what lies under our own name;
 * and the text, unless it is known. */
static enum sp_status
claim_far(const struct sp_spool *sp, const struct sp_name *order, bool known,
    struct sp_name *claimed_out, struct sp_buf *text, struct sp_err *err)
{
	size_t max = order->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX;
	char src[SP_NAME_MAX], dst[SP_NAME_MAX];
	struct move_far m = { .at = SP_NEW,
		.to = SP_ASSIGNED,
		.id = &order->id,
		.src = src,
		.dst = dst,
		.links = true,
		.text = known ? NULL : text,
		.max = max };
	enum sp_status st;

	st = sp_step_name(
	    SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, order, sp->actor, claimed_out);
	if (st != SP_OK)
		return sp_err_set(err, st, "no order to claim");
	sp_name_print(order, src);
	sp_name_print(claimed_out, dst);
	SP_CRASH_IN(sp_step_text(SP_STEP_CLAIM), "before");
	st = move_step_far(sp, &m, err);
	SP_CRASH_IN(sp_step_text(SP_STEP_CLAIM), "after");
	if (st == SP_OK)
		st = move_claimed(dst, &m.st, err);
	if (st == SP_OK && known && m.st.st_size != (off_t)text->len)
		st = sp_read(
		    sp->dir[SP_DIR_ASSIGNED], dst, max, text, &m.st, err);
	SP_CRASH("claim.read");
	return st == SP_GONE ? SP_LOST : st;
}

enum sp_status
sp_claim_known(const struct sp_spool *sp, const struct sp_name *order,
    bool known, struct sp_name *claimed_out, struct sp_buf *text,
    struct sp_err *err)
{
	char dst[SP_NAME_MAX];
	enum sp_status s;
	struct stat st;

	if (sp_fs_far(sp->root))
		return claim_far(sp, order, known, claimed_out, text, err);
	s = sp_move_step(
	    sp, SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, order, claimed_out, err);
	if (s != SP_OK)
		return s;

	sp_name_print(claimed_out, dst);
	s = sp_read(sp->dir[SP_DIR_ASSIGNED], dst,
	    order->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX, text, &st, err);
	SP_CRASH("claim.read");
	if (s == SP_GONE)
		return SP_LOST;
	return s == SP_OK ? move_claimed(dst, &st, err) : s;
}

enum sp_status
sp_claim(const struct sp_spool *sp, const struct sp_name *order,
    struct sp_name *claimed_out, struct sp_buf *text_out, struct sp_err *err)
{
	return sp_claim_known(sp, order, false, claimed_out, text_out, err);
}

/* ---- commits ---- */

/* The days' directories that a group of commits goes to, each opened once. */
struct day {
	enum sp_state to;
	const struct sp_id *id; /* any of that day */
	int fd;
};

static enum sp_status
day_dir(const struct sp_spool *sp, struct day *days, size_t *n,
    const struct sp_move *m, int *fd_out, struct sp_err *err)
{
	const struct sp_id *id = &m->from->id;
	enum sp_status st;
	size_t i;

	for (i = 0; i < *n; i++)
		if (days[i].to == m->to &&
		    memcmp(days[i].id->text, id->text, SP_DAY_LEN) == 0) {
			*fd_out = days[i].fd;
			return SP_OK;
		}
	st = sp_state_open(sp, m->to, id, true, fd_out, err);
	if (st == SP_OK)
		days[(*n)++] =
		    (struct day){ .to = m->to, .id = id, .fd = *fd_out };
	/* It was removed under us: that says nothing of the order. */
	return st == SP_GONE ? SP_RETRY : st;
}

static enum sp_status
commit_near(const struct sp_spool *sp, const struct sp_move *m, int dayfd,
    struct sp_err *err)
{
	char src[SP_NAME_MAX], dst[SP_NAME_MAX];
	struct sp_name to;
	enum sp_status st;

	st = sp_step_name(
	    SP_STEP_COMMIT, SP_ASSIGNED, m->to, m->from, sp->actor, &to);
	sp_name_print(m->from, src);
	if (st != SP_OK)
		return sp_err_set(err, st, "no commit of %s", src);
	sp_name_print(&to, dst);
	st = rename_step(
	    sp, SP_STEP_COMMIT, sp->dir[SP_DIR_ASSIGNED], src, dayfd, dst, err);
	return st == SP_GONE ? SP_LOST : st;
}

void
sp_move_commits(const struct sp_spool *sp, struct sp_move *all, size_t n,
    enum sp_status *sync_out, struct sp_err *err)
{
	struct day *days;
	bool any = false;
	size_t i, days_n = 0;
	int fd;

	if (sp_fs_far(sp->root)) {
		*sync_out = move_commits_far(sp, all, n, err);
		return;
	}
	days = calloc(n + 1, sizeof *days);
	*sync_out = SP_OK;
	for (i = 0; i < n; i++) {
		if (all[i].status != SP_OK)
			continue;
		all[i].status = days == NULL
		    ? SP_RETRY
		    : day_dir(sp, days, &days_n, &all[i], &fd, err);
		if (all[i].status == SP_OK)
			all[i].status = commit_near(sp, &all[i], fd, err);
		any = any || all[i].status == SP_OK;
	}
	for (i = 0; i < days_n; i++) {
		if (any && *sync_out == SP_OK)
			*sync_out =
			    sp_sync(days[i].fd, sp_state_text(days[i].to), err);
		(void)sp_fs_close(days[i].fd);
	}
	if (any && *sync_out == SP_OK)
		*sync_out = sp_sync(sp->dir[SP_DIR_ASSIGNED], "assigned", err);
	free(days);
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
	s = sp_move_own(newfd, raw, newfd, dst, err);
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
