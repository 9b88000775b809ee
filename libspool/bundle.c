/*
 * bundle.c - one file of many jobs becomes many orders, each line exactly once.
 *
 *	new/B.jsonl -> assigned/B@W.jsonl	claimed like an order
 *	tmp/ATTEMPT.d/{n,w}.ORDER, b.LINE	all its lines, staged and synced
 *	assigned/B@W.jsonl -> done/DAY/		the commit decides: these lines
 *	tmp/ATTEMPT.d/n.ORDER -> new/ORDER	one rename each, by anybody
 *
 * An exploder that dies before the commit leaves a stage that no one uses; one
 * whose claim was revoked cannot commit; after the commit each staged file can
 * be moved out only once, whoever does it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

struct stage {
	const struct sp_spool *sp;
	const struct sp_name *bundle; /* as claimed */
	int fd;
	unsigned line, orders, bad;
	struct sp_id first, last;
};

static void
stage_name(const struct sp_name *bundle, char name_out[SP_NAME_MAX + 2])
{
	sp_attempt_print(bundle, name_out);
	(void)strcat(name_out, ".d");
}

/* Write one staged file. */
static enum sp_status
put(struct stage *g, const char *name, const char *text, size_t len,
    struct sp_err *err)
{
	enum sp_status st;
	int fd;

	fd = sp_fs_open(
	    g->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
	if (fd == -1)
		return sp_err_sys(err, "create tmp/%s", name);
	st = sp_write_all(fd, text, len);
	if (st != SP_OK)
		(void)sp_err_sys(err, "write tmp/%s", name);
	else if (!g->sp->local)
		st = sp_sync(fd, name, err);
	if (sp_fs_close(fd) == -1 && st == SP_OK)
		st = sp_err_sys(err, "close tmp/%s", name);
	return st;
}

/* The id of a line follows from the bundle's, so every exploder gives it the
 * same one. */
static void
line_id(const struct sp_name *bundle, unsigned line, struct sp_id *id_out)
{
	const char *hex = strchr(bundle->id.text, '-') + 1;
	uint32_t bits = 0;
	unsigned i;

	for (i = 0; i < 8; i++)
		bits = bits << 4 |
		    (uint32_t)(hex[i] <= '9' ? hex[i] - '0'
					     : hex[i] - 'a' + 10);
	sp_id_make(sp_id_ms(&bundle->id), bits + line, id_out);
}

static enum sp_status
put_line(struct stage *g, const char *text, size_t len, struct sp_err *err)
{
	char file[SP_NAME_MAX + 2], order[SP_NAME_MAX];
	struct sp_name name;
	struct sp_err why;
	struct sp_job job;
	struct sp_id id;
	enum sp_status st;

	g->line++;
	if (strspn(text, " \t\r") >= len)
		return SP_OK;
	sp_err_clear(&why);
	st = sp_job_parse(text, len, &job, &why);
	if (st == SP_RETRY) {
		(void)sp_err_set(err, st, "%s", why.text);
	} else if (!job.object) {
		g->bad++;
		(void)snprintf(file, sizeof file, "b.line%u", g->line);
		st = put(g, file, text, len, err);
		sp_warn("bundle=%s line=%u is no job: %s", g->bundle->id.text,
		    g->line, why.text);
	} else {
		line_id(g->bundle, g->line, &id);
		sp_name_first(&job, &id, g->bundle->label, &name);
		sp_name_print(&name, order);
		(void)snprintf(file, sizeof file, "%c.%s",
		    job.after_n > 0 || job.not_before > 0 ? 'w' : 'n', order);
		st = put(g, file, text, len, err);
		if (g->orders++ == 0)
			g->first = id;
		g->last = id;
	}
	sp_job_clear(&job);
	return st;
}

static enum sp_status
put_lines(struct stage *g, struct sp_buf *text, struct sp_err *err)
{
	char *at = text->data, *end = text->data + text->len, *nl;
	enum sp_status st = SP_OK;

	for (; st == SP_OK && at < end; at = nl + 1) {
		sp_alive(g->sp);
		nl = memchr(at, '\n', (size_t)(end - at));
		if (nl == NULL)
			nl = end;
		*nl = '\0'; /* text is followed by one byte of its own */
		st = put_line(g, at, (size_t)(nl - at), err);
	}
	return st;
}

static enum sp_status
print_outcome(const struct stage *g, struct sp_buf *out)
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

	SP_CRASH("bundle.line");
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
fill_stage(
    struct stage *g, struct sp_buf *text, const char *dir, struct sp_err *err)
{
	enum sp_status st;

	st = sp_make_dir(g->sp->dir[SP_DIR_TMP], dir, err);
	if (st == SP_OK)
		st = sp_open_dir(g->sp->dir[SP_DIR_TMP], dir, &g->fd, err);
	if (st != SP_OK)
		return st;
	st = put_lines(g, text, err);
	/* One sync for all lines where the filesystem is ours to sync. */
	if (st == SP_OK && g->sp->local && syncfs(g->fd) == -1)
		st = sp_err_sys(err, "syncfs tmp/%s", dir);
	if (st == SP_OK)
		st = sp_sync(g->fd, dir, err);
	(void)sp_fs_close(g->fd);
	return st;
}

enum sp_status
sp_bundle_explode(
    const struct sp_spool *sp, const struct sp_name *bundle, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_BUNDLE_MAX + 16);
	struct sp_buf out = SP_BUF_INIT(4096);
	struct stage g = { .sp = sp, .fd = -1 };
	struct sp_ended ended = { 0 };
	char dir[SP_NAME_MAX + 2];
	struct sp_name claimed, back;
	enum sp_status st;

	st = sp_claim(sp, bundle, &claimed, &text, err);
	if (st != SP_OK)
		goto out;
	g.bundle = &claimed;
	stage_name(&claimed, dir);
	SP_CRASH("bundle.claimed");
	st = fill_stage(&g, &text, dir, err);
	SP_CRASH("bundle.staged");
	if (st == SP_OK)
		st = print_outcome(&g, &out);
	if (st == SP_OK) {
		ended.name = claimed;
		ended.text = out.data;
		ended.len = out.len;
		ended.good = true;
		sp_commit(sp, &ended, 1, err);
		st = ended.status;
	}
	SP_CRASH("bundle.committed");
	if (st == SP_OK) {
		sp_info("explode bundle=%s orders=%u bad=%u", claimed.id.text,
		    g.orders, g.bad);
		st = unstage(sp, &claimed, dir, true, err);
		if (g.bad > 0)
			(void)sp_bad_explain(sp, NULL);
	} else if (st == SP_LOST)
		(void)unstage(sp, &claimed, dir, false, NULL);
	else if (sp_move_step(sp, SP_STEP_RELEASE, SP_ASSIGNED, SP_WAITING,
		     &claimed, &back, NULL) == SP_OK)
		/* Disk full or the like.  Given back, so it cannot have been
		 * committed and never will be under that name: only now may
		 * the stage go. */
		(void)unstage(sp, &claimed, dir, false, NULL);
out:
	sp_buf_clear(&text);
	sp_buf_clear(&out);
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
fate_of(const struct sp_spool *sp, const struct sp_name *want,
    enum fate *fate_out, struct sp_err *err)
{
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	bool same;

	st = sp_find(sp, &want->id, &state, &name, err);
	if (st != SP_OK)
		return st;
	same = sp_attempt_same(&name, want);
	*fate_out = same && state == SP_ASSIGNED ? GOING_ON
	    : same && state == SP_DONE           ? COMMITTED
						 : OVERTAKEN;
	return SP_OK;
}

static enum sp_status
recover_one(const struct sp_spool *sp, const char *dir,
    const struct sp_name *bundle, struct sp_err *err)
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
