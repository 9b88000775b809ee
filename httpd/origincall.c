/*
 * origincall.c - what an original worker posts to /callback: the outcome of
 * the order that it names, or of the only one that it holds.  Whatever it is,
 * it is kept: a worker that has worked for three days is not sent away.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpd/origin.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/json.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/sha256.h"

#define NOTE_TRIES 20 /* for a note that is being written */
#define NOTE_MS    100

struct call {
	const struct sp_spool *sp;
	const struct origin_who *who;
	const char *text; /* as it came */
	size_t len;
	struct sp_origin_said said;
	enum sp_state state; /* where the order stands */
	struct sp_name name;
};

/* ---- which order ---- */

struct only {
	const struct call *c;
	struct sp_name name;
	size_t n;
};

static int
only_one(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct only *only = arg;

	(void)state;
	if (origin_who_is(only->c->who, name->worker) &&
	    origin_is(only->c->sp, name->worker, NULL)) {
		only->name = *name;
		only->n++;
	}
	return 0;
}

/* SP_GONE: nobody knows. */
static enum sp_status
find(struct call *c, struct sp_err *err)
{
	struct only only = { c, { 0 }, 0 };
	enum sp_status st = SP_GONE;
	size_t i;

	for (i = 0; st == SP_GONE && i < c->said.ids; i++)
		st = sp_find(c->sp, &c->said.id[i], &c->state, &c->name, err);
	if (st != SP_GONE || c->said.ids > 0 || c->said.other)
		return st;
	/* An error outcome has no id: it is of what its worker holds. */
	st = sp_walk(c->sp, SP_ASSIGNED, only_one, NULL, &only, err);
	if (st != SP_OK)
		return st;
	c->state = SP_ASSIGNED;
	c->name = only.name;
	return only.n == 1 ? SP_OK : SP_GONE;
}

/* ---- it ends ---- */

static void
error_of(const char *outcome, size_t len, char *out, size_t size)
{
	struct json_t *json;

	sp_text_cut(out, size, "its script failed");
	if (sp_json_parse(outcome, len, &json, NULL) != SP_OK)
		return;
	if (sp_json_text(sp_json_get(json, "error")) != NULL)
		sp_text_cut(
		    out, size, sp_json_text(sp_json_get(json, "error")));
	sp_json_free(json);
}

/* Is a failure of this cause made again? */
static bool
again(
    const struct sp_spool *sp, const struct sp_name *name, enum sp_cause cause)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_job job = { 0 };
	unsigned most = (unsigned)sp->policy.attempts;
	bool is = false;

	if (sp_order_read(sp, SP_ASSIGNED, name, &text, NULL) == SP_OK &&
	    sp_job_parse(text.data, text.len, &job, NULL) == SP_OK) {
		if (job.attempts > 0)
			most = (unsigned)job.attempts;
		is = (job.retry & 1u << cause) != 0 && name->attempt + 1 < most;
	}
	sp_job_clear(&job);
	sp_buf_clear(&text);
	return is;
}

static void
run_fill(const struct call *c, struct sp_run *run)
{
	char file[SP_NAME_MAX];
	struct stat st;

	(void)memset(run, 0, sizeof *run);
	run->name = c->name;
	run->exit_code = -1;
	run->cause = SP_CAUSE_OK;
	run->finished = sp_wall_ms();
	(void)snprintf(run->host, sizeof run->host, "%s", c->who->peer);
	sp_name_print(&c->name, file);
	if (sp_fs_lstat(c->sp->dir[SP_DIR_ASSIGNED], file, &st) == 0)
		run->started = (int64_t)st.st_ctim.tv_sec * 1000 +
		    st.st_ctim.tv_nsec / 1000000;
	if (run->started > 0 && run->finished > run->started)
		run->seconds = (double)(run->finished - run->started) / 1000;
}

static enum sp_status
try_again(const struct call *c, enum sp_cause cause, const struct sp_buf *text,
    struct sp_err *err)
{
	struct sp_name to;
	enum sp_status st;
	char why[256];

	error_of(text->data, text->len, why, sizeof why);
	st = sp_move_step(
	    c->sp, SP_STEP_RETRY, SP_ASSIGNED, SP_WAITING, &c->name, &to, err);
	if (st != SP_OK)
		return st;
	(void)sp_move_sync(c->sp, &to.id, SP_WAITING, SP_ASSIGNED, NULL);
	(void)sp_attempt_note(c->sp, &c->name, sp_cause_text(cause), why, NULL);
	sp_info("retry order=%s attempt=%u: %s", to.id.text,
	    c->name.attempt + 1, why);
	return SP_OK;
}

/* It is in assigned/, under one of theirs.  SP_LOST: no longer. */
static enum sp_status
finish(const struct call *c, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_ended ended = { .name = c->name };
	enum sp_status st;
	struct sp_run run;
	int status;

	run_fill(c, &run);
	st = sp_outcome_make(&run, false, c->said.script.data,
	    c->said.script.len, NULL, &text, &status);
	if (st == SP_OK && !sp_status_good_is(status) &&
	    again(c->sp, &c->name, run.cause)) {
		st = try_again(c, run.cause, &text, err);
	} else if (st == SP_OK) {
		ended.text = text.data;
		ended.len = text.len;
		ended.good = sp_status_good_is(status);
		sp_commit(c->sp, &ended, 1, err);
		st = ended.status;
		if (st == SP_OK)
			sp_info("commit order=%s attempt=%u worker=%s "
				"status=%d",
			    c->name.id.text, c->name.attempt + 1,
			    c->name.worker, status);
	}
	sp_buf_clear(&text);
	return st;
}

/* ---- it had been taken for lost ---- */

/* Did this worker have an attempt at it?  Its note says so; its W comes back.
 * noted_out: the last attempt has one, whosever it was. */
static bool
had(const struct call *c, char worker_out[SP_WORKER_MAX + 1], bool *noted_out)
{
	struct sp_names names = { 0 };
	char text[SP_NAME_MAX + SP_ID_LEN + 2];
	struct sp_name name;
	bool is = false;
	size_t i, len;
	int run;

	*noted_out = false;
	if (sp_run_open(c->sp, &c->name.id, false, &run, NULL) != SP_OK)
		return false;
	if (sp_list(run, false, &names, NULL) == SP_OK)
		for (i = 0; !is && i < names.n; i++) {
			const char *file = sp_names_at(&names, i);

			len = strlen(file);
			if (len < 6 || len > SP_NAME_MAX ||
			    strcmp(file + len - 5, ".json") != 0)
				continue;
			(void)snprintf(text, sizeof text, "%s.%.*s",
			    c->name.id.text, (int)len - 5, file);
			if (sp_attempt_parse(text, &name) != SP_OK)
				continue;
			*noted_out |= name.attempt + 1 == c->name.attempt;
			is = origin_who_is(c->who, name.worker);
			if (is)
				(void)strcpy(worker_out, name.worker);
		}
	sp_names_clear(&names);
	(void)sp_fs_close(run);
	return is;
}

/* The same; who takes an order back notes that when it has been moved and
 * synced, and this may have come just then. */
static bool
had_soon(const struct call *c, char worker_out[SP_WORKER_MAX + 1])
{
	bool noted;
	int i;

	for (i = 0; i < NOTE_TRIES; i++) {
		if (had(c, worker_out, &noted))
			return true;
		if (noted || c->name.attempt == 0)
			return false;
		(void)poll(NULL, 0, NOTE_MS);
	}
	return false;
}

static bool
good(const struct call *c)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_run run;
	int status = 0;
	bool is;

	run_fill(c, &run);
	is = sp_outcome_make(&run, false, c->said.script.data,
		 c->said.script.len, NULL, &text, &status) == SP_OK &&
	    sp_status_good_is(status);
	sp_buf_clear(&text);
	return is;
}

/* It is queued again, for its worker said nothing for too long, and here is
 * what came of it: claim it once more, and that is its outcome.  SP_GONE: no,
 * keep it aside; SP_LOST: it has moved. */
static enum sp_status
reclaim(struct call *c, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	char worker[SP_WORKER_MAX + 1] = "";
	struct sp_name at = c->name;
	struct sp_spool *as;
	enum sp_status st = SP_OK;

	if ((as = malloc(sizeof *as)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	*as = *c->sp;
	if (!had_soon(c, worker) || !good(c))
		st = SP_GONE;
	/* Under a name that no keeper has taken for dead. */
	worker[strlen(worker) < 7 ? 0 : strlen(worker) - 7] = '\0';
	sp_worker_make(worker, sp_dice(), as->actor);
	if (st == SP_OK && c->state == SP_WAITING)
		st = sp_move_step(as, SP_STEP_PROMOTE, SP_WAITING, SP_NEW,
		    &c->name, &at, err);
	if (st == SP_OK)
		st = sp_claim(as, &at, &c->name, &text, err);
	if (st == SP_OK) {
		sp_info("claim order=%s worker=%s: it is done already",
		    c->name.id.text, as->actor);
		c->state = SP_ASSIGNED;
		st = finish(c, err);
	}
	free(as);
	sp_buf_clear(&text);
	return st;
}

/* ---- it is nobody's ---- */

/* A name that the same text has again. */
static void
hash_name(const struct call *c, const char *before, char out[64])
{
	char hex[SP_SHA_LEN + 1];

	sp_sha_text(c->text, c->len, hex);
	(void)snprintf(out, 64, "%s%.16s.json", before, hex);
}

static enum sp_status
keep(const struct call *c, int dir, const char *before, size_t most,
    struct sp_err *err)
{
	struct sp_names names = { 0 };
	enum sp_status st;
	size_t i, n = 0;
	char file[64];

	hash_name(c, before, file);
	if ((st = sp_list(dir, false, &names, err)) != SP_OK)
		return st;
	for (i = 0; i < names.n; i++)
		if (strncmp(sp_names_at(&names, i), before, strlen(before)) ==
		    0)
			n++;
	if (!sp_names_has(&names, file) && n < most) {
		st = sp_publish(c->sp, dir, file, c->text, c->len, 0, err);
		if (st == SP_LOST)
			st = SP_OK;
	} else if (n >= most) {
		sp_warn("callback: %zu of such were kept, and this one is not: "
			"%s",
		    n, file);
	}
	sp_names_clear(&names);
	return st;
}

static enum sp_status
keep_aside(const struct call *c, struct sp_err *err)
{
	enum sp_status st;
	int run;

	st = sp_run_open(c->sp, &c->name.id, true, &run, err);
	if (st != SP_OK)
		return st;
	st = keep(c, run, "callback-", ORIGIN_ASIDE, err);
	(void)sp_fs_close(run);
	if (st == SP_OK)
		sp_info("callback order=%s: kept aside, from %s",
		    c->name.id.text, c->who->peer);
	return st;
}

static enum sp_status
keep_orphan(const struct call *c, struct sp_err *err)
{
	int outcomes = c->sp->dir[SP_DIR_OUTCOMES], dir;
	enum sp_status st;

	st = sp_make_dir(outcomes, "orphans", err);
	if (st == SP_OK)
		st = sp_open_dir(outcomes, "orphans", &dir, err);
	if (st != SP_OK)
		return st;
	st = keep(c, dir, "", ORIGIN_LOST, err);
	(void)sp_fs_close(dir);
	if (st == SP_OK)
		sp_warn("callback from %s: of no order that we know; see "
			"outcomes/orphans",
		    c->who->peer);
	return st;
}

/* ---- all of it ---- */

/* SP_LOST: the order moved meanwhile.  SP_GONE: keep it aside. */
static enum sp_status
take(struct call *c, struct sp_err *err)
{
	switch (c->state) {
	case SP_ASSIGNED:
		if (!origin_is(c->sp, c->name.worker, NULL))
			return SP_GONE;
		/* Addresses change; tokens are secrets. */
		if (c->who->token && !origin_who_is(c->who, c->name.worker))
			return SP_GONE;
		return finish(c, err);
	case SP_NEW:
	case SP_WAITING:
		return reclaim(c, err);
	default:
		return SP_GONE;
	}
}

enum sp_status
origin_call(const struct sp_spool *sp, const struct origin_who *who,
    const char *text, size_t len, enum origin_called *how, struct sp_id *id_out,
    struct sp_err *err)
{
	struct call c = { sp, who, text, len, .state = SP_NEW };
	enum sp_status st;
	int tries = 5;

	*how = ORIGIN_TAKEN;
	st = sp_origin_said_read(text, len, &c.said, err);
	while (st == SP_OK) {
		st = find(&c, err);
		if (st == SP_GONE) {
			*how = ORIGIN_ORPHAN;
			st = keep_orphan(&c, err);
			break;
		}
		if (st != SP_OK)
			break;
		*id_out = c.name.id;
		st = take(&c, err);
		if (st == SP_LOST && --tries > 0) {
			st = SP_OK; /* once more, where it stands now */
			continue;
		}
		if (st == SP_GONE || st == SP_LOST || st == SP_BAD) {
			*how = ORIGIN_ASIDES;
			sp_err_clear(err);
			st = keep_aside(&c, err);
		}
		break;
	}
	sp_origin_said_clear(&c.said);
	return st;
}
