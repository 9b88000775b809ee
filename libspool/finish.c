/*
 * finish.c - outcomes and commits.  finish.h has the order of things and what
 * a crash between them leaves; every step here may be repeated.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/finishin.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/spare.h"

void
finish_provisional(const struct sp_name *name, char file_out[SP_NAME_MAX + 1])
{
	file_out[0] = '.';
	sp_attempt_print(name, file_out + 1);
}

/* Half a one, or something planted in its place, makes room. */
static enum sp_status
make_room(const struct sp_spool *sp, const char *file, struct sp_err *err)
{
	int dir = sp->dir[SP_DIR_OUTCOMES];
	enum sp_status s;
	char to[256];

	if (sp_fs_unlink(dir, file) == 0 || errno == ENOENT)
		return SP_OK;
	(void)snprintf(to, sizeof to, "%s", file + 1);
	s = sp_move_aside(sp, dir, file, SP_DIR_REPAIR, to, err);
	return s == SP_GONE ? SP_OK : s;
}

/* Where there is no room for it: in a file that was set aside for that. */
static bool
from_spare(const struct sp_spool *sp, const char *file, const void *text,
    size_t len, int *fd_out)
{
	*fd_out =
	    sp_spare_put(sp->spare, sp->dir[SP_DIR_OUTCOMES], file, text, len);
	return *fd_out != -1;
}

/*
 * Write a provisional outcome; the handle comes back for a later fsync.
 * One that an earlier try of ours left is kept when it is whole: the reaper may
 * be committing with it at this moment.  Half a one can be no one's.
 */
static enum sp_status
write_provisional(const struct sp_spool *sp, const struct sp_name *name,
    const void *text, size_t len, int *fd_out, struct sp_err *err)
{
	int dir = sp->dir[SP_DIR_OUTCOMES], status, fd, why;
	char file[SP_NAME_MAX + 1];
	enum sp_status s;
	struct stat st;

	finish_provisional(name, file);
	if (sp_spare_pressed_is(sp->spare) &&
	    sp_fs_lstat(dir, file, &st) == -1 && errno == ENOENT &&
	    from_spare(sp, file, text, len, fd_out))
		return SP_OK;
	fd = sp_fs_open(
	    dir, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
	if (fd == -1 && errno == EEXIST) {
		s = sp_find_status_of(sp, file, &status, err);
		if (s == SP_OK)
			s = sp_open(dir, file, 0, fd_out, &st, err);
		if (s == SP_OK || s == SP_RETRY)
			return s;
		sp_err_clear(err);
		if ((s = make_room(sp, file, err)) != SP_OK)
			return s;
		fd = sp_fs_open(
		    dir, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
	}
	if (fd == -1) {
		if (sp_spare_short_is(errno) &&
		    from_spare(sp, file, text, len, fd_out))
			return SP_OK;
		s = sp_err_sys(err, "create outcomes/%s", file);
		/* Neither says that the order is somebody else's. */
		return s == SP_LOST || s == SP_GONE ? SP_RETRY : s;
	}
	SP_CRASH("outcome.created");
	if (sp_write_all(fd, text, len) != SP_OK) {
		why = errno;
		(void)sp_fs_close(fd);
		(void)sp_fs_unlink(dir, file);
		if (sp_spare_short_is(why) &&
		    from_spare(sp, file, text, len, fd_out))
			return SP_OK;
		errno = why;
		return sp_err_sys(err, "write outcomes/%s", file);
	}
	sp_fs_flush_soon(fd);
	SP_CRASH("outcome.written");
	*fd_out = fd;
	return SP_OK;
}

static void
drop_provisional(const struct sp_spool *sp, const struct sp_name *name)
{
	char file[SP_NAME_MAX + 1];

	finish_provisional(name, file);
	(void)sp_fs_unlink(sp->dir[SP_DIR_OUTCOMES], file);
}

/* After a failed fsync the pages count as clean: that file is worth nothing
 * any more, a repeated call writes another. */
static enum sp_status
sync_provisional(const struct sp_spool *sp, int fd, const struct sp_name *name,
    struct sp_err *err)
{
	char file[SP_NAME_MAX + 1];
	enum sp_status st;

	finish_provisional(name, file);
	st = sp_sync(fd, file, err);
	if (sp_fs_close(fd) == -1 && st == SP_OK)
		st = sp_err_sys(err, "close outcomes/%s", file);
	if (st != SP_OK && sp_spare_short_is(errno))
		sp_spare_press(sp->spare);
	if (st != SP_OK)
		drop_provisional(sp, name);
	SP_CRASH("outcome.synced");
	return st;
}

enum sp_status
finish_write(const struct sp_spool *sp, const struct sp_name *name,
    const void *text, size_t len, struct sp_err *err)
{
	enum sp_status st;
	int fd;

	st = write_provisional(sp, name, text, len, &fd, err);
	if (st == SP_OK)
		st = sync_provisional(sp, fd, name, err);
	if (st == SP_OK)
		st = sp_sync(sp->dir[SP_DIR_OUTCOMES], "outcomes", err);
	return st;
}

/* ---- publication ---- */

/* The outcome may lie beside the job, if it was taken for an orphan while its
 * writer was stalled before the commit. */
static enum sp_status
publish_note(const struct sp_spool *sp, const struct sp_name *name,
    const char *target, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX);
	char file[SP_NAME_MAX + 8];
	enum sp_status s;
	struct stat st;
	int run, status;

	if (sp_run_open(sp, &name->id, false, &run, NULL) != SP_OK)
		return SP_GONE;
	finish_note(name, file);
	s = sp_read(run, file, SP_OUTCOME_MAX, &text, &st, NULL);
	if (s == SP_OK &&
	    sp_outcome_status(text.data, text.len, &status) != SP_OK)
		s = SP_GONE;
	if (s == SP_OK)
		s = sp_publish(sp, sp->dir[SP_DIR_OUTCOMES], target, text.data,
		    text.len, 0, err);
	sp_buf_clear(&text);
	(void)sp_fs_close(run);
	return s == SP_LOST ? SP_OK : s;
}

enum sp_status
sp_outcome_publish(
    const struct sp_spool *sp, const struct sp_name *name, struct sp_err *err)
{
	int dir = sp->dir[SP_DIR_OUTCOMES];
	char from[SP_NAME_MAX + 1], to[SP_ID_LEN + 6];
	enum sp_status s;
	struct stat st;

	finish_provisional(name, from);
	(void)snprintf(to, sizeof to, "%s.json", name->id.text);
	s = sp_move_file(dir, from, dir, to, false, err);
	if (s == SP_LOST) {
		/* Published before; what we hold is a second one. */
		sp_warn("outcome=kept id=%s: there is one already; %s is set "
			"aside",
		    name->id.text, from);
		(void)sp_attempt_note(sp, name, "duplicate",
		    "another outcome was accepted before", err);
		return SP_OK;
	}
	if (s != SP_GONE)
		return s;
	if (sp_fs_lstat(dir, to, &st) == 0)
		return SP_OK;
	return publish_note(sp, name, to, err);
}

enum sp_status
sp_outcome_waits(const struct sp_spool *sp, const struct sp_name *name,
    int *status_out, struct sp_err *err)
{
	char file[SP_NAME_MAX + 1];
	enum sp_status s;
	struct stat st;
	int fd;

	finish_provisional(name, file);
	if ((s = sp_find_status_of(sp, file, status_out, err)) != SP_OK) {
		if (s == SP_RETRY)
			return s;
		sp_err_clear(err);
		return SP_GONE;
	}
	/* Its writer may have died before the fsync; it counts from here on. */
	s = sp_open(sp->dir[SP_DIR_OUTCOMES], file, 0, &fd, &st, err);
	if (s != SP_OK)
		return s;
	s = sp_sync(fd, file, err);
	(void)sp_fs_close(fd);
	return s == SP_OK ? sp_sync(sp->dir[SP_DIR_OUTCOMES], "outcomes", err)
			  : s;
}

/* ---- commit ---- */

static void
commit_write(const struct sp_spool *sp, struct sp_ended *group, size_t n,
    int *fd, struct sp_err *err)
{
	enum sp_status st = SP_OK;
	size_t i;

	if (sp_fs_far(sp->root)) {
		finish_write_far(sp, group, n, err);
		return;
	}
	for (i = 0; i < n; i++)
		group[i].status = write_provisional(sp, &group[i].name,
		    group[i].text, group[i].len, &fd[i], err);
	for (i = 0; i < n; i++)
		if (group[i].status == SP_OK)
			group[i].status =
			    sync_provisional(sp, fd[i], &group[i].name, err);
	st = sp_sync(sp->dir[SP_DIR_OUTCOMES], "outcomes", err);
	for (i = 0; i < n; i++)
		if (group[i].status == SP_OK)
			group[i].status = st;
}

/* Those that found no room for a name, once more where something could be given
 * up for it.  false: nothing could, or nothing is to be done. */
static bool
move_again(const struct sp_spool *sp, struct sp_move *all,
    const struct sp_ended *group, size_t n, enum sp_status *sync,
    struct sp_err *err)
{
	struct sp_move *some = calloc(n, sizeof *some);
	enum sp_status st = SP_OK;
	size_t i, k = 0;

	for (i = 0; some != NULL && i < n; i++)
		if (group[i].status == SP_OK && all[i].status == SP_RETRY) {
			some[k] = all[i];
			some[k++].status = SP_OK;
		}
	if (k == 0 || !sp_spare_spend(sp->spare)) {
		free(some);
		return false;
	}
	errno = 0;
	sp_move_commits(sp, some, k, &st, err);
	for (i = k = 0; i < n; i++)
		if (group[i].status == SP_OK && all[i].status == SP_RETRY)
			all[i].status = some[k++].status;
	*sync = *sync == SP_OK ? st : *sync;
	free(some);
	return sp_spare_short_is(errno);
}

/* The renames and the syncs behind them: what these came to. */
static enum sp_status
commit_move(const struct sp_spool *sp, struct sp_ended *group, size_t n,
    struct sp_err *err)
{
	struct sp_move *all = calloc(n, sizeof *all);
	enum sp_status st = SP_OK;
	size_t i;

	for (i = 0; i < n && all != NULL; i++)
		all[i] = (struct sp_move){ .from = &group[i].name,
			.to = group[i].good ? SP_DONE : SP_FAILED,
			.status = group[i].status };
	errno = 0;
	if (all != NULL)
		sp_move_commits(sp, all, n, &st, err);
	if (all != NULL && sp_spare_short_is(errno))
		while (move_again(sp, all, group, n, &st, NULL))
			;
	for (i = 0; i < n; i++) {
		if (group[i].status != SP_OK)
			continue;
		group[i].status = all == NULL ? SP_RETRY : all[i].status;
		if (group[i].status == SP_LOST)
			(void)sp_attempt_note(sp, &group[i].name, "lost",
			    "the order was taken from its worker before it "
			    "could commit",
			    NULL);
	}
	free(all);
	return st;
}

void
sp_commit(const struct sp_spool *sp, struct sp_ended *group, size_t n,
    struct sp_err *err)
{
	enum sp_status st;
	size_t i;
	bool *done;
	int *fd;

	fd = calloc(n, sizeof *fd);
	done = calloc(n, sizeof *done);
	if (fd == NULL || done == NULL) {
		free(fd);
		free(done);
		for (i = 0; i < n; i++)
			group[i].status = SP_RETRY;
		return;
	}
	commit_write(sp, group, n, fd, err);
	st = commit_move(sp, group, n, err);
	SP_CRASH("commit.synced");
	if (sp_fs_far(sp->root) && st == SP_OK)
		finish_link_far(sp, group, n, done);
	for (i = 0; i < n; i++) {
		if (group[i].status != SP_OK)
			continue;
		group[i].status = done[i] ? SP_OK
		    : st == SP_OK ? sp_outcome_publish(sp, &group[i].name, err)
				  : st;
		SP_CRASH("outcome.published");
	}
	free(done);
	free(fd);
}

/* ---- ends without a run ---- */

/* The outcome first, under the name that the order is to end under. */
static enum sp_status
end(const struct sp_spool *sp, enum sp_step what, enum sp_state at,
    const struct sp_name *order, struct sp_name *to, const char *text,
    size_t len, struct sp_err *err)
{
	enum sp_status st;
	bool moved = false;

	st = finish_write(sp, to, text, len, err);
	if (st == SP_OK) {
		st = sp_move_step(sp, what, at, SP_FAILED, order, to, err);
		/* Not ours: nobody else can have made that name.  On SP_RETRY
		 * it stays, for a repeated call finds it whole. */
		if (st == SP_LOST || st == SP_BAD)
			drop_provisional(sp, to);
		moved = st == SP_OK;
	}
	if (st == SP_OK)
		st = sp_move_sync(sp, &to->id, SP_FAILED, at, err);
	SP_CRASH("end.synced");
	if (st == SP_OK)
		st = sp_outcome_publish(sp, to, err);
	/* We stood still between writing and moving, long enough to be taken
	 * for dead, and our outcome was swept: write it again. */
	if (st == SP_GONE && moved) {
		st = finish_write(sp, to, text, len, err);
		if (st == SP_OK)
			st = sp_outcome_publish(sp, to, err);
	}
	return st;
}

static enum sp_status
end_name(const struct sp_spool *sp, enum sp_step what, enum sp_state at,
    const struct sp_name *order, struct sp_name *to, struct sp_err *err)
{
	enum sp_status st;

	st = sp_step_name(what, at, SP_FAILED, order, sp->actor, to);
	return st == SP_OK ? st
			   : sp_err_set(err, st, "%s cannot be ended from %s",
				 order->id.text, sp_state_text(at));
}

enum sp_status
sp_end(const struct sp_spool *sp, enum sp_state at, const struct sp_name *order,
    int status, bool spent, const char *why, struct sp_err *err)
{
	enum sp_step what = spent ? SP_STEP_SPENT : SP_STEP_END;
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_name to;
	enum sp_status st;
	char host[65] = "";

	if ((st = end_name(sp, what, at, order, &to, err)) != SP_OK)
		return st;
	(void)gethostname(host, sizeof host - 1);
	st = sp_outcome_end(&to, host, sp_wall_ms(), status, why, &text);
	if (st == SP_OK)
		st = end(sp, what, at, order, &to, text.data, text.len, err);
	sp_buf_clear(&text);
	return st;
}

enum sp_status
sp_end_as(const struct sp_spool *sp, enum sp_state at,
    const struct sp_name *order, const char *text, size_t len,
    struct sp_err *err)
{
	struct sp_name to;
	enum sp_status st;

	st = end_name(sp, SP_STEP_END, at, order, &to, err);
	return st == SP_OK
	    ? end(sp, SP_STEP_END, at, order, &to, text, len, err)
	    : st;
}
