/*
 * bundle.c - one file of many jobs becomes many orders, or, while it is long,
 * many bundles that are short; each line exactly once.
 *
 *	new/B.jsonl -> assigned/B@W.jsonl	claimed like an order
 *	tmp/ATTEMPT.d/{n,w}.ORDER, b.LINE	all that comes of it, synced
 *	assigned/B@W.jsonl -> done/DAY/		the commit decides: these
 *	tmp/ATTEMPT.d/n.ORDER -> new/ORDER	one rename each, by anybody
 *
 * One that opens it and dies before the commit leaves a stage that no one uses;
 * one whose claim was revoked cannot commit; after the commit each staged file
 * can be moved out only once, whoever does it.  A short bundle that comes of a
 * long one is staged and moved out as an order is, and opened in the same way
 * when it comes near the head of the queue: where it is, says its name, and
 * there is no cursor that could be lost.  What is staged: bundleput.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/bundle.h"
#include "libspool/bundlein.h"
#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/submit.h"

static void
stage_name(const struct sp_name *bundle, char name_out[SP_NAME_MAX + 2])
{
	sp_attempt_print(bundle, name_out);
	(void)strcat(name_out, ".d");
}

static enum sp_status
print_outcome(const struct bundle_stage *g, struct sp_buf *out)
{
	struct sp_jw w;

	sp_jw_init(&w, out);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "_id", g->bundle->id.text);
	sp_jw_text(&w, "jobId", g->bundle->id.text);
	sp_jw_text(&w, "orderId", g->bundle->id.text);
	sp_jw_int(&w, "status", SP_ST_DONE);
	sp_jw_int(&w, "orders", g->orders);
	sp_jw_int(&w, "bad", g->bad);
	if (g->cut)
		sp_jw_int(&w, "bundles", g->bundles);
	sp_jw_text(&w, "first", g->orders > 0 ? g->first.text : NULL);
	sp_jw_text(&w, "last", g->orders > 0 ? g->last.text : NULL);
	sp_jw_close(&w, '}');
	sp_buf_puts(out, "\n");
	return out->failed ? SP_RETRY : SP_OK;
}

/* ---- after the commit ---- */

static enum sp_status
move_out(const struct sp_spool *sp, int fd, const char *file,
    const struct sp_name *bundle, struct sp_err *err)
{
	char bad[256];

	SP_CRASH_IN(file[strlen(file) - 1] == 'l' ? "cut" : "bundle", "line");
	switch (file[0]) {
	case 'n':
		return sp_move_file(
		    fd, file, sp->dir[SP_DIR_NEW], file + 2, true, err);
	case 'w':
		return sp_move_file(
		    fd, file, sp->dir[SP_DIR_WAITING], file + 2, true, err);
	default:
		(void)snprintf(bad, sizeof bad, "%s.%s.json",
		    bundle->label[0] != '\0' ? bundle->label : bundle->id.text,
		    file + 2);
		return sp_move_aside(sp, fd, file, SP_DIR_BAD, bad, err);
	}
}

static enum sp_status
unstage(const struct sp_spool *sp, const struct sp_name *bundle,
    const char *dir, bool keep, struct sp_err *err)
{
	struct sp_names names = { 0 };
	enum sp_status st;
	size_t i;
	int fd;

	st = sp_open_dir(sp->dir[SP_DIR_TMP], dir, &fd, err);
	if (st != SP_OK)
		return st == SP_GONE ? SP_OK : st;
	st = sp_list(fd, true, &names, err);
	for (i = 0; i < names.n && st == SP_OK; i++) {
		sp_alive(sp);
		if (!keep)
			(void)sp_fs_unlink(fd, sp_names_at(&names, i));
		else
			st = move_out(
			    sp, fd, sp_names_at(&names, i), bundle, err);
		if (st == SP_GONE || st == SP_LOST)
			st = SP_OK; /* another recoverer was quicker */
	}
	sp_names_clear(&names);
	(void)sp_fs_close(fd);
	if (st == SP_OK && keep) {
		st = sp_sync(sp->dir[SP_DIR_NEW], "new", err);
		if (st == SP_OK)
			st = sp_sync(sp->dir[SP_DIR_WAITING], "waiting", err);
	}
	if (st == SP_OK && sp_fs_rmdir(sp->dir[SP_DIR_TMP], dir) == -1 &&
	    errno != ENOENT && errno != ENOTEMPTY)
		st = sp_err_sys(err, "remove tmp/%s", dir);
	return st;
}

/* ---- the whole way ---- */

static enum sp_status
fill_stage(struct bundle_stage *g, struct sp_buf *text, const char *dir,
    struct sp_err *err)
{
	enum sp_status st;

	st = sp_make_dir(g->sp->dir[SP_DIR_TMP], dir, err);
	if (st == SP_OK)
		st = sp_open_dir(g->sp->dir[SP_DIR_TMP], dir, &g->fd, err);
	if (st != SP_OK)
		return st;
	st = bundle_put_lines(g, text, err);
	/* One sync for all lines where the filesystem is ours to sync. */
	if (st == SP_OK && g->sp->local && syncfs(g->fd) == -1)
		st = sp_err_sys(err, "syncfs tmp/%s", dir);
	if (st == SP_OK)
		st = sp_sync(g->fd, dir, err);
	(void)sp_fs_close(g->fd);
	return st;
}

/* The commit is what decides. */
static enum sp_status
commit(struct bundle_stage *g, struct sp_err *err)
{
	struct sp_buf out = SP_BUF_INIT(4096);
	struct sp_ended ended = { .name = *g->bundle, .good = true };
	enum sp_status st = print_outcome(g, &out);

	if (st == SP_OK) {
		ended.text = out.data;
		ended.len = out.len;
		sp_commit(g->sp, &ended, 1, err);
		st = ended.status;
	}
	sp_buf_clear(&out);
	return st;
}

/* What a crash leaves differs little; that both are gone through does not. */
static void
crash_at(const struct bundle_stage *g, const char *place)
{
	(void)g;
	(void)place;
	SP_CRASH_IN(g->cut ? "cut" : "bundle", place);
}

static enum sp_status
finish(struct bundle_stage *g, enum sp_status st, const char *dir,
    struct sp_err *err)
{
	const struct sp_spool *sp = g->sp;
	struct sp_name back;

	if (st == SP_OK) {
		sp_info("explode bundle=%s orders=%u bundles=%u bad=%u",
		    g->bundle->id.text, g->orders, g->bundles, g->bad);
		st = unstage(sp, g->bundle, dir, true, err);
		if (g->bad > 0)
			(void)sp_bad_explain(sp, NULL);
	} else if (st == SP_LOST)
		(void)unstage(sp, g->bundle, dir, false, NULL);
	else if (sp_move_step(sp, SP_STEP_RELEASE, SP_ASSIGNED, SP_WAITING,
		     g->bundle, &back, NULL) == SP_OK)
		/* Disk full or the like.  Given back, so it cannot have been
		 * committed and never will be under that name: only now may
		 * the stage go. */
		(void)unstage(sp, g->bundle, dir, false, NULL);
	return st;
}

enum sp_status
sp_bundle_open(const struct sp_spool *sp, const struct sp_name *bundle,
    struct sp_opened *opened_out, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_BUNDLE_MAX + 16);
	struct bundle_stage g = { .sp = sp, .fd = -1 };
	char dir[SP_NAME_MAX + 2];
	struct sp_name claimed;
	enum sp_status st;

	st = sp_claim(sp, bundle, &claimed, &text, err);
	if (st == SP_OK) {
		g.bundle = &claimed;
		stage_name(&claimed, dir);
		SP_CRASH("bundle.claimed");
		st = fill_stage(&g, &text, dir, err);
		crash_at(&g, "staged");
		if (st == SP_OK)
			st = commit(&g, err);
		crash_at(&g, "committed");
		st = finish(&g, st, dir, err);
	}
	if (opened_out != NULL)
		*opened_out = (struct sp_opened){ g.orders, g.bundles, g.bad };
	sp_buf_clear(&text);
	return st;
}

/* What became of the attempt that made this stage? */
enum fate {
	GOING_ON,  /* its claim stands */
	COMMITTED, /* its lines are orders: move them out */
	OVERTAKEN  /* it can never commit any more */
};

/*
 * Only what was found says that: a directory that cannot be listed now, or one
 * that was cleared away, must not cost the lines of a committed bundle.
 */
static enum sp_status
fate_of(const struct sp_spool *sp, struct sp_name *want, enum fate *fate_out,
    struct sp_err *err)
{
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	bool same;

	st = sp_find(sp, &want->id, &state, &name, err);
	if (st != SP_OK)
		return st;
	same = sp_attempt_same(&name, want);
	(void)strcpy(want->label, name.label); /* no attempt's name has it */
	*fate_out = same && state == SP_ASSIGNED ? GOING_ON
	    : same && state == SP_DONE           ? COMMITTED
						 : OVERTAKEN;
	return SP_OK;
}

static enum sp_status
recover_one(const struct sp_spool *sp, const char *dir, struct sp_name *bundle,
    struct sp_err *err)
{
	enum sp_status st;
	enum fate fate;

	st = fate_of(sp, bundle, &fate, err);
	if (st == SP_GONE && sp_warn_due(dir))
		sp_warn("stage tmp/%s stays: its bundle is nowhere", dir);
	if (st != SP_OK || fate == GOING_ON)
		return st;
	return unstage(sp, bundle, dir, fate == COMMITTED, err);
}

enum sp_status
sp_bundle_recover(const struct sp_spool *sp, struct sp_err *err)
{
	struct sp_names names = { 0 };
	char attempt[SP_NAME_MAX];
	enum sp_status st, one, worst = SP_OK;
	struct sp_name bundle;
	const char *dir;
	size_t i, len;

	st = sp_list(sp->dir[SP_DIR_TMP], false, &names, err);
	for (i = 0; i < names.n && st == SP_OK; i++) {
		dir = sp_names_at(&names, i);
		len = strlen(dir);
		if (len < 3 || len >= SP_NAME_MAX ||
		    strcmp(dir + len - 2, ".d") != 0)
			continue;
		(void)memcpy(attempt, dir, len - 2);
		attempt[len - 2] = '\0';
		if (sp_attempt_parse(attempt, &bundle) != SP_OK)
			continue;
		/* One that cannot be recovered does not keep the others. */
		one = recover_one(sp, dir, &bundle, err);
		if (one != SP_OK && one != SP_GONE && worst == SP_OK)
			worst = one;
	}
	sp_names_clear(&names);
	return st == SP_OK ? worst : st;
}
