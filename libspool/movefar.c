/*
 * movefar.c - renames where each question costs a round trip: the rename, the
 * look at what is under our own target, and the fsync of its directory are
 * asked at once.  The rule is move.c's: what lies under the target decides.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/movein.h"

enum sp_status
move_settle_far(int fromfd, const char *from, int tofd, const char *to,
    bool sync, struct sp_err *err)
{
	struct sp_fs_op ops[2] = {
		{ .what = SP_FS_RENAME,
		    .dir = fromfd,
		    .path = from,
		    .todir = tofd,
		    .to = to },
		{ .what = SP_FS_SYNC, .dir = tofd, .path = "." },
	};

	SP_CRASH("file.before");
	sp_fs_many(ops, sync ? 2 : 1);
	SP_CRASH("file.after");
	if (ops[0].error != 0) {
		errno = ops[0].error;
		return errno == ENOENT
		    ? SP_GONE
		    : sp_err_sys(err, "rename %s to %s", from, to);
	}
	return sync ? sp_sync_said(ops[1].error, to, err) : SP_OK;
}

void
move_in_far(int fromdir, struct move_in *all, size_t n, const int *dirs,
    size_t dirs_n, int *sync_errors_out)
{
	struct sp_fs_op *ops = calloc(n + dirs_n, sizeof *ops);
	size_t i, k = 0;

	for (i = 0; i < n; i++) {
		all[i].error = ENOMEM;
		if (all[i].out || ops == NULL)
			continue;
		ops[k++] = (struct sp_fs_op){ .what = SP_FS_RENAME,
			.dir = fromdir,
			.path = all[i].from,
			.todir = all[i].todir,
			.to = all[i].to };
	}
	for (i = 0; i < dirs_n && ops != NULL; i++)
		ops[k + i] = (struct sp_fs_op){
			.what = SP_FS_SYNC, .dir = dirs[i], .path = "."
		};
	if (k > 0)
		sp_fs_many(ops, k + dirs_n);
	for (i = 0; i < dirs_n; i++)
		sync_errors_out[i] = ops == NULL ? ENOMEM : ops[k + i].error;
	for (i = 0, k = 0; i < n && ops != NULL; i++)
		if (!all[i].out)
			all[i].error = ops[k++].error;
	free(ops);
}

void
move_beside_far(int dir, struct move_beside *all, size_t n)
{
	struct sp_fs_op *ops = calloc(n == 0 ? 1 : n, sizeof *ops);
	size_t i, k = 0;

	for (i = 0; i < n && ops != NULL; i++)
		if (all[i].from[0] != '\0')
			ops[k++] = (struct sp_fs_op){ .what = SP_FS_LINK,
				.dir = dir,
				.path = all[i].from,
				.todir = dir,
				.to = all[i].to };
	sp_fs_many(ops, k);
	SP_CRASH("beside.linked");
	for (i = 0, k = 0; i < n && ops != NULL; i++) {
		if (all[i].from[0] == '\0')
			continue;
		all[i].done = ops[k++].error == 0;
	}
	for (i = 0, k = 0; i < n && ops != NULL; i++)
		if (all[i].done)
			ops[k++] = (struct sp_fs_op){ .what = SP_FS_UNLINK,
				.dir = dir,
				.path = all[i].from };
	sp_fs_many(ops, k);
	for (i = 0, k = 0; i < n && ops != NULL; i++)
		if (all[i].done)
			all[i].done = ops[k++].error == 0;
	free(ops);
}

/* ---- one step ---- */

/* done/ and failed/ have their orders by day. */
#define PATH_ROOM (SP_DAY_LEN + 1 + SP_NAME_MAX)

static void
target(enum sp_state to, const struct sp_id *id, const char *dst,
    char out[PATH_ROOM])
{
	char day[SP_DAY_LEN + 1];

	if (sp_state_over_is(to)) {
		sp_id_day(id, day);
		(void)snprintf(out, PATH_ROOM, "%s/%s", day, dst);
	} else
		(void)snprintf(out, PATH_ROOM, "%s", dst);
}

/*
 * What a rename and a look at its target, asked with it, come to.  A rename
 * whose answer was lost may have happened, or happen yet.
 */
static enum sp_status
own_said(const struct sp_fs_op *move, const struct sp_fs_op *look,
    struct sp_err *err)
{
	if (look->error == 0)
		return SP_OK;
	if (move->error != 0 && move->error != ENOENT) {
		errno = move->error;
		return sp_err_sys(err, "rename %s to %s", move->path, move->to);
	}
	/* Somebody else's; or ours for a moment and moved on. */
	if (look->error == ENOENT)
		return SP_LOST;
	errno = look->error;
	(void)sp_err_sys(err, "look at %s", look->path);
	return look->error == ENOTSUP ? SP_FATAL : SP_RETRY;
}

/* The rename and the look. */
static void
ask(const struct sp_spool *sp, const struct move_far *m, const char *to,
    struct stat *st, struct sp_fs_op ops[3])
{
	int todir = sp->dir[(int)m->to];

	ops[0] = (struct sp_fs_op){ .what = SP_FS_RENAME,
		.dir = sp->dir[(int)m->at],
		.path = m->src,
		.todir = todir,
		.to = to };
	ops[1] =
	    (struct sp_fs_op){ .what = m->links ? SP_FS_LINKS : SP_FS_LSTAT,
		    .dir = todir,
		    .path = to,
		    .st = st };
	ops[2] = (struct sp_fs_op){ .what = SP_FS_GET,
		.dir = todir,
		.path = to,
		.text = m->text,
		.max = m->max };
}

/* The rename had nowhere to go, maybe.  SP_OK: again, with a new directory;
 * SP_LOST: that was not it. */
static enum sp_status
make_day(const struct sp_spool *sp, enum sp_state to, const struct sp_id *id,
    struct sp_err *err)
{
	int dir = sp->dir[(int)to];
	char day[SP_DAY_LEN + 1];

	if (!sp_state_over_is(to))
		return SP_LOST;
	sp_id_day(id, day);
	if (sp_fs_mkdir(dir, day, 0777) == 0)
		return sp_sync(dir, day, err);
	return errno == EEXIST ? SP_LOST : sp_err_sys(err, "make %s", day);
}

enum sp_status
move_step_far(const struct sp_spool *sp, struct move_far *m, struct sp_err *err)
{
	struct sp_fs_op ops[3];
	char to[PATH_ROOM];
	enum sp_status st;
	int turn;

	target(m->to, m->id, m->dst, to);
	for (turn = 0;; turn++) {
		ask(sp, m, to, &m->st, ops);
		sp_fs_many(ops, m->text == NULL ? 2 : 3);
		st = own_said(&ops[0], &ops[1], err);
		if (st != SP_LOST || turn > 0)
			break;
		st = make_day(sp, m->to, m->id, err);
		if (st != SP_OK)
			return st == SP_GONE ? SP_RETRY : st;
	}
	if (st == SP_OK && m->text != NULL && ops[2].error != 0) {
		errno = ops[2].error;
		st = sp_err_sys(err, "%s", m->dst);
	}
	return st;
}

void
move_steps_far(const struct sp_spool *sp, struct move_far *all, size_t n,
    enum sp_status *st, struct sp_err *err)
{
	struct sp_fs_op *ops = calloc(3 * n, sizeof *ops), own[3];
	size_t i, k = 2 * n;

	for (i = 0; i < n && ops != NULL; i++) {
		ask(sp, &all[i], all[i].dst, &all[i].st, own);
		ops[i] = own[0];
		ops[n + i] = own[1];
		if (all[i].text != NULL)
			ops[k++] = own[2];
	}
	if (ops != NULL)
		sp_fs_many(ops, k);
	for (i = 0, k = 2 * n; i < n; i++) {
		st[i] = ops == NULL
		    ? sp_err_set(err, SP_RETRY, "no memory to claim")
		    : own_said(&ops[i], &ops[n + i], err);
		if (ops == NULL || all[i].text == NULL)
			continue;
		if (st[i] == SP_OK && ops[k].error != 0) {
			errno = ops[k].error;
			st[i] = sp_err_sys(err, "%s", all[i].dst);
		}
		k++;
	}
	free(ops);
}

/* ---- commits ---- */

/* What one of a group needs. */
struct one {
	struct sp_name to_name;
	char src[SP_NAME_MAX], to[PATH_ROOM], dst[SP_NAME_MAX];
	struct move_far m;
};

/* The directories to sync behind a group: each once. */
static size_t
add_syncs(const struct sp_spool *sp, const struct sp_move *all, size_t n,
    char (*days)[SP_DAY_LEN + 1], struct sp_fs_op *ops)
{
	size_t i, k, at = 0;

	for (i = 0; i < n; i++) {
		int dir = sp->dir[(int)all[i].to];

		if (all[i].status != SP_OK)
			continue;
		sp_id_day(&all[i].from->id, days[at]);
		for (k = 0; k < at; k++)
			if (ops[k].dir == dir && strcmp(days[k], days[at]) == 0)
				break;
		if (k == at) {
			ops[at] = (struct sp_fs_op){
				.what = SP_FS_SYNC, .dir = dir, .path = days[at]
			};
			at++;
		}
	}
	if (at > 0)
		ops[at++] = (struct sp_fs_op){ .what = SP_FS_SYNC,
			.dir = sp->dir[SP_DIR_ASSIGNED],
			.path = "." };
	return at;
}

static enum sp_status
one_begin(const struct sp_spool *sp, const struct sp_move *move,
    struct one *one, struct sp_fs_op ops[2])
{
	struct sp_fs_op both[3];
	enum sp_status st;

	st = sp_step_name(SP_STEP_COMMIT, SP_ASSIGNED, move->to, move->from,
	    sp->actor, &one->to_name);
	if (st != SP_OK)
		return st;
	sp_name_print(move->from, one->src);
	sp_name_print(&one->to_name, one->dst);
	target(move->to, &move->from->id, one->dst, one->to);
	one->m = (struct move_far){ .at = SP_ASSIGNED,
		.to = move->to,
		.id = &move->from->id,
		.src = one->src,
		.dst = one->dst };
	ask(sp, &one->m, one->to, &one->m.st, both);
	(void)memcpy(ops, both, 2 * sizeof *ops);
	return SP_OK;
}

/* The answers.  false: some were not told at once, and the syncs behind them
 * are to be asked again. */
static bool
all_said(const struct sp_spool *sp, struct sp_move *all, size_t n,
    struct one *one, const struct sp_fs_op *ops, struct sp_err *err)
{
	bool all_told = true;
	size_t i, k = 0;

	for (i = 0; i < n; i++) {
		if (all[i].status != SP_OK)
			continue;
		all[i].status = own_said(&ops[k], &ops[k + 1], err);
		k += 2;
		if (all[i].status != SP_LOST)
			continue;
		/* Or the first of its day. */
		all[i].status = move_step_far(sp, &one[i].m, err);
		all_told = false;
	}
	return all_told;
}

enum sp_status
move_commits_far(const struct sp_spool *sp, struct sp_move *all, size_t n,
    struct sp_err *err)
{
	struct sp_fs_op *ops = calloc(3 * n + 1, sizeof *ops);
	char(*days)[SP_DAY_LEN + 1] = calloc(n, sizeof *days);
	struct one *one = calloc(n, sizeof *one);
	enum sp_status st = SP_OK;
	size_t i, moves = 0, syncs;

	if (ops == NULL || days == NULL || one == NULL)
		for (i = 0; i < n; i++)
			all[i].status = SP_RETRY;
	for (i = 0; i < n; i++) {
		if (all[i].status != SP_OK)
			continue;
		all[i].status = one_begin(sp, &all[i], &one[i], ops + moves);
		moves += all[i].status == SP_OK ? 2 : 0;
	}
	SP_CRASH_IN("commit", "before");
	if (moves > 0) {
		syncs = add_syncs(sp, all, n, days, ops + moves);
		sp_fs_many(ops, moves + syncs);
		SP_CRASH_IN("commit", "after");
		if (!all_said(sp, all, n, one, ops, err)) {
			syncs = add_syncs(sp, all, n, days, ops + moves);
			sp_fs_many(ops + moves, syncs);
		}
		for (i = moves; i < moves + syncs && st == SP_OK; i++)
			st = sp_sync_said(ops[i].error, ops[i].path, err);
	}
	free(ops);
	free(days);
	free(one);
	return st;
}
