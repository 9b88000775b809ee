/*
 * keepmend.c - what crashes leave behind: outcomes whose commit survived,
 * stages of bundles, .why files, renames that died between link and unlink,
 * and old files in tmp/.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/bundle.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/fs.h"
#include "libspool/keepin.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/proveroom.h"
#include "libspool/spare.h"
#include "libspool/submit.h"

#define PUBLISH_MS   5000
#define PUBLISH_REST 50    /* times what the listing took */
#define PUBLISH_MOST 30000 /* a disk that stood still does not count */
#define SWEEP_MS     600000
#define SLICE_MS     200
#define SPARE_MS     10000 /* for the first beat of who has just begun */
#define HALF_LOCAL   4     /* one of so many rounds looks at the whole queue */
#define HALF_REMOTE  16

static int64_t
age_of(const struct stat *st, int64_t server)
{
	return server - (int64_t)st->st_ctim.tv_sec * 1000 -
	    st->st_ctim.tv_nsec / 1000000;
}

/* ---- outcomes ---- */

struct sought {
	const struct sp_name *want;
	bool found;
};

static int
same(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct sought *s = arg;

	(void)state;
	s->found = sp_attempt_same(name, s->want);
	return s->found;
}

static enum sp_status
stands_in(struct sp_keep *k, enum sp_state state, const struct sp_name *want,
    bool *found, struct sp_err *err)
{
	struct sought s = { .want = want };
	struct sp_names names = { 0 };
	struct sp_name name;
	enum sp_status st;
	size_t i;
	int fd;

	*found = false;
	if (!sp_state_over_is(state)) {
		st = sp_walk(k->sp, state, same, NULL, &s, err);
		*found = s.found;
		return st;
	}
	st = sp_state_open(k->sp, state, &want->id, false, &fd, err);
	if (st != SP_OK)
		return st == SP_GONE ? SP_OK : st;
	st = sp_list(fd, false, &names, err);
	(void)sp_fs_close(fd);
	for (i = 0; i < names.n && st == SP_OK && !*found; i++)
		*found = memcmp(sp_names_at(&names, i) + 3, want->id.text,
			     SP_ID_LEN) == 0 &&
		    sp_name_parse(sp_names_at(&names, i), &name) == SP_OK &&
		    sp_attempt_same(&name, want);
	sp_names_clear(&names);
	return st;
}

/*
 * A provisional outcome: of a running attempt (leave it), of a committed one
 * (publish it), or of nobody: a zombie's, or one whose order moves at this very
 * moment; so patience, then it goes beside the job.
 */
static enum sp_status
one_outcome(
    struct sp_keep *k, const char *file, int64_t server, struct sp_err *err)
{
	enum sp_state over = SP_DONE;
	struct sp_name name;
	enum sp_status st;
	struct stat sb;
	bool found;

	if (sp_attempt_parse(file + 1, &name) != SP_OK)
		return SP_OK;
	st = stands_in(k, SP_ASSIGNED, &name, &found, err);
	if (st != SP_OK || found)
		return st;
	st = stands_in(k, SP_DONE, &name, &found, err);
	if (st == SP_OK && !found)
		st = stands_in(k, over = SP_FAILED, &name, &found, err);
	if (st == SP_OK && found) {
		/* Its committer may be about to say so, or be dead. */
		st = sp_move_sync(k->sp, &name.id, over, SP_ASSIGNED, err);
		if (st == SP_OK)
			st = sp_outcome_publish(k->sp, &name, err);
		if (st == SP_OK)
			sp_info("publish outcome of order=%s: its commit "
				"survived a crash",
			    name.id.text);
		return st;
	}
	if (st != SP_OK ||
	    sp_fs_lstat(k->sp->dir[SP_DIR_OUTCOMES], file, &sb) == -1 ||
	    age_of(&sb, server) < (int64_t)(k->sp->policy.half_rename * 1000))
		return st;
	sp_info("set-aside outcome=%s: its order was taken from its worker",
	    file + 1);
	return sp_attempt_note(k->sp, &name, "lost",
	    "the order was taken from its worker before it could commit", err);
}

struct dots {
	struct sp_names names;
	enum sp_status status;
};

static bool
take_dot(void *arg, const char *name, const struct stat *st)
{
	struct dots *dots = arg;

	(void)st;
	if (name[0] == '.')
		dots->status = sp_names_add(&dots->names, name);
	return dots->status == SP_OK;
}

/* Outcomes that were not published: nothing else in there is of interest, and
 * there may be a million of them. */
static enum sp_status
list_dots(struct sp_keep *k, int64_t server, struct sp_names *names,
    struct sp_err *err)
{
	struct dots dots = { 0 };
	struct stat is = { 0 };
	bool still, same;

	still =
	    keep_still(k, SP_DIR_OUTCOMES, server, &k->published, &is, &same);
	if (still && same && k->published_calm)
		return SP_OK;
	if (sp_fs_list(k->sp->dir[SP_DIR_OUTCOMES], ".", take_dot, &dots) ==
	    -1) {
		sp_names_clear(&dots.names);
		return sp_err_sys(err, "list");
	}
	k->published = is;
	k->published_calm = still && dots.status == SP_OK && dots.names.n == 0;
	*names = dots.names;
	return dots.status;
}

int64_t
keep_publish(struct sp_keep *k, int64_t now)
{
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	enum sp_status st;
	int64_t server, rest = sp_mono_ms();
	size_t i;

	st = keep_server_now(k, now, &server);
	if (st == SP_OK)
		st = list_dots(k, server, &names, &err);
	keep_trouble("list outcomes", st, &err);
	rest = (sp_mono_ms() - rest) * PUBLISH_REST;
	rest = rest < PUBLISH_MOST ? rest : PUBLISH_MOST;
	/* What is wrong with one, or with one kind, is no reason to leave the
	 * others. */
	for (i = 0; i < names.n && st == SP_OK; i++) {
		sp_err_clear(&err);
		keep_trouble("publish",
		    one_outcome(k, sp_names_at(&names, i), server, &err), &err);
	}
	sp_names_clear(&names);
	sp_err_clear(&err);
	keep_trouble("recover bundles", sp_bundle_recover(k->sp, &err), &err);
	sp_err_clear(&err);
	keep_trouble("explain bad/", sp_bad_explain(k->sp, &err), &err);
	return rest > PUBLISH_MS ? rest : PUBLISH_MS;
}

/* ---- half renames ---- */

static bool
twin_in(int fd, const struct stat *st, const char *not_this, char out[256])
{
	struct sp_names names = { 0 };
	bool found = false;
	struct stat other;
	size_t i;

	if (sp_list(fd, true, &names, NULL) == SP_OK)
		for (i = 0; i < names.n && !found; i++) {
			const char *name = sp_names_at(&names, i);

			if ((not_this != NULL && strcmp(name, not_this) == 0) ||
			    sp_fs_lstat(fd, name, &other) == -1 ||
			    other.st_ino != st->st_ino ||
			    other.st_dev != st->st_dev)
				continue;
			(void)snprintf(out, 256, "%s", name);
			found = true;
		}
	sp_names_clear(&names);
	return found;
}

/* Find the other name in a directory of the spool and set it aside. */
static enum sp_status
twin_aside(struct sp_keep *k, int fd, const struct stat *st, const char *self,
    char spare[256], struct sp_err *err)
{
	char twin[256];

	if (!twin_in(fd, st, self, twin))
		return SP_GONE;
	(void)snprintf(spare, 256, "half.%.190s", twin);
	return sp_move_aside(k->sp, fd, twin, SP_DIR_REPAIR, spare, err);
}

/* The lines of a bundle lie in a directory of their own until it is committed.
 */
static enum sp_status
twin_staged(struct sp_keep *k, const struct stat *st, char spare[256],
    struct sp_err *err)
{
	struct sp_names names = { 0 };
	enum sp_status s = SP_GONE;
	size_t i, len;
	int fd;

	if (sp_list(k->sp->dir[SP_DIR_TMP], false, &names, NULL) != SP_OK)
		names.n = 0;
	for (i = 0; i < names.n && s == SP_GONE; i++) {
		const char *dir = sp_names_at(&names, i);

		len = strlen(dir);
		if (len < 3 || strcmp(dir + len - 2, ".d") != 0 ||
		    sp_open_dir(k->sp->dir[SP_DIR_TMP], dir, &fd, NULL) !=
			SP_OK)
			continue;
		s = twin_aside(k, fd, st, NULL, spare, err);
		(void)sp_fs_close(fd);
	}
	sp_names_clear(&names);
	return s;
}

/* A commit that died half-way: it stands in done/ or failed/ already, so the
 * name in assigned/ is the one too many; or one from before the claim, which
 * btrfs brings back after a power cut. */
static bool
committed_twin(struct sp_keep *k, enum sp_state at, const struct sp_name *name,
    const struct stat *st, struct sp_err *err)
{
	char file[SP_NAME_MAX], spare[256], twin[256];
	bool found = false;
	int s, fd;

	for (s = SP_DONE; s <= SP_FAILED && !found; s++) {
		if (sp_state_open(k->sp, (enum sp_state)s, &name->id, false,
			&fd, NULL) != SP_OK)
			continue;
		found = twin_in(fd, st, NULL, twin);
		(void)sp_fs_close(fd);
	}
	if (!found)
		return false;
	sp_name_print(name, file);
	(void)snprintf(spare, sizeof spare, "half.%.190s", file);
	(void)sp_move_aside(
	    k->sp, k->sp->dir[(int)at], file, SP_DIR_REPAIR, spare, err);
	return true;
}

/*
 * Both names have stood long enough that no rename can still be between them.
 * The twin goes to repair/ by rename; then the order takes a new name, so that
 * a late unlink of either old one hits nothing; then the name in repair/, which
 * nobody else knows, goes.  A crash in between: we meet the pair again.
 */
static enum sp_status
mend_half(struct sp_keep *k, enum sp_state at, const struct sp_name *name,
    const struct stat *st, struct sp_err *err)
{
	static const enum sp_dir where[] = { SP_DIR_NEW, SP_DIR_WAITING,
		SP_DIR_TMP, SP_DIR_ASSIGNED };
	int repair = k->sp->dir[SP_DIR_REPAIR];
	char file[SP_NAME_MAX], spare[256];
	enum sp_status s = SP_OK;
	struct sp_name to;
	size_t i;

	sp_name_print(name, file);
	if (committed_twin(k, at, name, st, err))
		return SP_OK;
	if (!twin_in(repair, st, NULL, spare)) {
		s = SP_GONE;
		for (i = 0; s == SP_GONE && i < sizeof where / sizeof *where;
		     i++)
			s = twin_aside(k, k->sp->dir[where[i]], st,
			    (int)where[i] == (int)at ? file : NULL, spare, err);
		if (s == SP_GONE)
			s = twin_staged(k, st, spare, err);
	}
	/* The other name is outside the spool: a backup of hard links, say. */
	if (s == SP_GONE) {
		s = sp_move_apart(k->sp, at, name, err);
		if (s == SP_OK)
			sp_info("copy order=%s: its file had a second name "
				"outside the spool",
			    name->id.text);
		return s;
	}
	if (s == SP_OK)
		s = sp_move_half(k->sp, at, name, &to, err);
	if (s != SP_OK)
		return s;
	(void)sp_fs_unlink(repair, spare);
	k->due[CHORE_WAIT] = 0;
	sp_warn("mend order=%s: a rename had died half-way; it is queued again",
	    name->id.text);
	return SP_OK;
}

struct half_round {
	struct sp_keep *k;
	int64_t server, until;
	bool met;
	bool cut; /* no time for all of them */
};

/* link() renews the ctime, and so does rename(). */
static int
half_one(void *arg, enum sp_state at, const struct sp_name *name)
{
	struct half_round *r = arg;
	struct sp_err err = { "" };
	char file[SP_NAME_MAX];
	struct stat st;

	sp_name_print(name, file);
	if (sp_fs_lstat(r->k->sp->dir[(int)at], file, &st) == -1 ||
	    !S_ISREG(st.st_mode) || st.st_nlink == 1)
		return 0;
	r->met = true;
	if (age_of(&st, r->server) <
	    (int64_t)(r->k->sp->policy.half_rename * 1000))
		return 0;
	keep_trouble("half rename", mend_half(r->k, at, name, &st, &err), &err);
	r->cut = sp_mono_ms() >= r->until;
	return r->cut;
}

int64_t
keep_half(struct sp_keep *k, int64_t now)
{
	struct half_round r = { .k = k, .until = sp_mono_ms() + SLICE_MS };
	/* The queue may be long: at once when somebody met two links there,
	 * else not each time. */
	bool all = k->half_now ||
	    k->half_rounds++ % (k->sp->local ? HALF_LOCAL : HALF_REMOTE) == 0;

	if (keep_server_now(k, now, &r.server) == SP_OK) {
		(void)sp_walk(k->sp, SP_ASSIGNED, half_one, NULL, &r, NULL);
		all = all || r.met;
		if (all && !r.cut)
			(void)sp_walk(k->sp, SP_NEW, half_one, NULL, &r, NULL);
		if (all && !r.cut)
			(void)sp_walk(
			    k->sp, SP_WAITING, half_one, NULL, &r, NULL);
		k->half_now = r.met;
	}
	return r.cut ? 1 : (int64_t)(k->sp->policy.half_rename * 250) + 1;
}

/* ---- tmp/ ---- */

/* What a worker that was killed had for its next orders' runs/DAY/ID. */
static bool
sweep_run(const struct sp_spool *sp, const char *name)
{
	char out[SP_NAME_MAX + 4];

	if (strncmp(name, SP_TMP_RUN, strlen(SP_TMP_RUN)) != 0 ||
	    strlen(name) >= SP_NAME_MAX)
		return false;
	(void)snprintf(out, sizeof out, "%s/out", name);
	(void)sp_fs_rmdir(sp->dir[SP_DIR_TMP], out);
	return sp_fs_rmdir(sp->dir[SP_DIR_TMP], name) == 0;
}

int64_t
keep_sweep(struct sp_keep *k, int64_t now)
{
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	enum sp_status st;
	int64_t server;
	struct stat sb;
	size_t i;

	st = keep_server_now(k, now, &server);
	if (st == SP_OK)
		st = sp_list(k->sp->dir[SP_DIR_TMP], true, &names, &err);
	for (i = 0; i < names.n && st == SP_OK; i++) {
		const char *name = sp_names_at(&names, i);

		if (strcmp(name, ".gitkeep") == 0 ||
		    sp_fs_lstat(k->sp->dir[SP_DIR_TMP], name, &sb) == -1)
			continue;
		if (sp_prove_left(k->sp, name, server)) {
			if (sp_prove_wipe(k->sp, name))
				sp_info("sweep tmp/%s", name);
			continue;
		}
		if (age_of(&sb, server) <
			(int64_t)(k->sp->policy.tmp_age * 1000) &&
		    (age_of(&sb, server) < SPARE_MS ||
			!sp_spare_left_is(k->sp, name)))
			continue;
		if (S_ISREG(sb.st_mode)
			? sp_fs_unlink(k->sp->dir[SP_DIR_TMP], name) == 0
			: S_ISDIR(sb.st_mode) && sweep_run(k->sp, name))
			sp_info("sweep tmp/%s", name);
	}
	keep_trouble("sweep", st, &err);
	sp_names_clear(&names);
	return SWEEP_MS;
}
