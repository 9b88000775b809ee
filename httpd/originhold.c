/*
 * originhold.c - what the original's workers hold: read from assigned/ anew at
 * each tick, taken back when it was cancelled, when it has been held for too
 * long, and when its worker is bored again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpd/origin.h"
#include "httpd/server.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/log.h"
#include "libspool/mark.h"
#include "libspool/revoke.h"

#define OTHERS_MOST 4096

/* ---- what they hold ---- */

static struct origin_held *
held_of(struct origin *o, const struct sp_name *name)
{
	size_t i;

	for (i = 0; i < o->held_n; i++)
		if (sp_attempt_same(&o->held[i].name, name))
			return &o->held[i];
	return NULL;
}

static void
held_load(const struct sp_spool *sp, struct origin_held *held)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_job job = { 0 };
	char file[SP_NAME_MAX];
	struct stat st;

	held->timeout = ORIGIN_PATIENCE;
	if (sp_order_read(sp, SP_ASSIGNED, &held->name, &text, NULL) == SP_OK &&
	    sp_job_parse(text.data, text.len, &job, NULL) == SP_OK &&
	    job.timeout > 0 && job.timeout * 1000 < (double)ORIGIN_PATIENCE)
		held->timeout = (int64_t)(job.timeout * 1000);
	sp_job_clear(&job);
	sp_buf_clear(&text);
	sp_name_print(&held->name, file);
	held->since = 0;
	if (sp_fs_lstat(sp->dir[SP_DIR_ASSIGNED], file, &st) == 0)
		held->since = (int64_t)st.st_ctim.tv_sec * 1000 +
		    st.st_ctim.tv_nsec / 1000000;
}

static void
held_add(
    struct origin *o, const struct sp_spool *sp, const struct sp_name *name)
{
	struct origin_held *held = held_of(o, name), *more;

	if (held == NULL) {
		if (o->held_n == o->held_cap) {
			size_t cap = o->held_cap == 0 ? 16 : o->held_cap * 2;

			more = realloc(o->held, cap * sizeof *more);
			if (more == NULL)
				return;
			o->held = more;
			o->held_cap = cap;
		}
		held = &o->held[o->held_n++];
		held->name = *name;
		held_load(sp, held);
	}
	held->seen = true;
}

struct look {
	struct origin *o;
	const struct sp_spool *sp;
};

/* One entry of assigned/. */
static int
look_at(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct look *look = arg;
	struct origin *o = look->o;
	struct origin_row *row = origin_row_of(o, name->worker);
	bool known;

	(void)state;
	if (row == NULL) {
		if (sp_names_has(&o->others, name->worker))
			return 0;
		if (!origin_is(look->sp, name->worker, &known)) {
			/* What it is it stays. */
			if (!known)
				return 0;
			if (o->others.n > OTHERS_MOST)
				sp_names_clear(&o->others);
			if (sp_names_add(&o->others, name->worker) == SP_OK)
				sp_names_sort(&o->others);
			return 0;
		}
		if ((row = origin_row_get(o, look->sp, name->worker)) == NULL)
			return 0;
		sp_info("worker=%s: an original one that holds order=%s; "
			"beating for it",
		    name->worker, name->id.text);
	}
	sp_name_print(name, row->running);
	held_add(o, look->sp, name);
	return 0;
}

static enum sp_status
look(struct origin *o, const struct sp_spool *sp, struct sp_err *err)
{
	struct look arg = { o, sp };
	enum sp_status st;
	size_t i;

	for (i = 0; i < o->rows; i++)
		o->row[i].running[0] = '\0';
	for (i = 0; i < o->held_n; i++)
		o->held[i].seen = false;
	st = sp_walk(sp, SP_ASSIGNED, look_at, NULL, &arg, err);
	if (st != SP_OK)
		return st;
	for (i = 0; i < o->held_n;)
		if (o->held[i].seen)
			i++;
		else
			o->held[i] = o->held[--o->held_n];
	return SP_OK;
}

/* Its worker has lost it, or will say nothing any more. */
static enum sp_status
take_back(const struct sp_spool *sp, const struct sp_name *name, bool cancelled,
    const char *why)
{
	enum sp_revoked how = SP_REVOKED_QUEUED;
	struct sp_err err = { "" };
	enum sp_status st;

	st = sp_revoke(sp, name, cancelled, why, &how, &err);
	if (st == SP_OK)
		sp_info("revoke order=%s attempt=%u: %s; %s", name->id.text,
		    name->attempt + 1, why, sp_revoked_text(how));
	else if (st == SP_RETRY)
		sp_warn("revoke order=%s: %s", name->id.text, err.text);
	return st;
}

static void
judge(struct server *s)
{
	const struct sp_spool *sp = &s->spool;
	struct origin *o = &s->origin;
	struct sp_names cancel = { 0 };
	struct sp_err err = { "" };
	int64_t now = 0;
	size_t i;

	if (o->held_n == 0)
		return;
	if (sp_mark_list(sp, SP_DIR_CANCEL, &cancel, &err) != SP_OK ||
	    server_now(s, &now, &err) != SP_OK)
		sp_warn("origin: %s", err.text);
	else
		for (i = 0; i < o->held_n; i++) {
			const struct origin_held *held = &o->held[i];

			if (sp_names_has(&cancel, held->name.id.text))
				(void)take_back(sp, &held->name, true,
				    "its script cannot be stopped from here");
			else if (held->since > 0 &&
			    now - held->since > held->timeout)
				(void)take_back(sp, &held->name, false,
				    "its worker said nothing in the time "
				    "that it had");
		}
	sp_names_clear(&cancel);
}

int64_t
origin_tick(struct server *s)
{
	const struct sp_spool *sp = &s->spool;
	struct origin *o = &s->origin;
	int64_t now = sp_mono_ms(), lease = (int64_t)(sp->policy.lease * 1000);
	struct sp_err err = { "" };
	enum sp_status st;
	size_t i;

	(void)pthread_mutex_lock(&o->lock);
	if ((st = look(o, sp, &err)) == SP_OK)
		judge(s);
	else
		sp_warn("origin: %s", err.text);
	for (i = 0; i < o->rows;) {
		struct origin_row *row = &o->row[i];

		/* They poll once a minute; a lease is one, as a rule. */
		if (st == SP_OK && row->running[0] == '\0' &&
		    (row->polled == 0 || now - row->polled > 3 * lease)) {
			origin_row_forget(o, sp, i);
			continue;
		}
		(void)origin_row_beat(sp, row);
		i++;
	}
	(void)pthread_mutex_unlock(&o->lock);
	return (int64_t)(sp->policy.beat * 1000);
}

/* ---- one of them is bored ---- */

/* What it holds: it has lost that, unless it got it just now (two polls may
 * overlap).  SP_LOST: it has something to do. */
static enum sp_status
let_go(struct server *s, const char *worker, struct sp_err *err)
{
	const struct sp_spool *sp = &s->spool;
	struct origin *o = &s->origin;
	int64_t grace = (int64_t)(sp->policy.lease * 1500), now;
	enum sp_status st = SP_OK;
	size_t i;

	for (i = 0; i < o->held_n; i++) {
		const struct origin_held *held = &o->held[i];

		if (strcmp(held->name.worker, worker) != 0)
			continue;
		if ((st = server_now(s, &now, err)) != SP_OK)
			return st;
		if (held->since == 0 || now - held->since <= grace)
			return SP_LOST;
		st = take_back(sp, &held->name, false,
		    "its worker is bored again and sent no outcome");
		if (st == SP_RETRY)
			return st;
	}
	return SP_OK;
}

enum sp_status
origin_bored(struct server *s, const struct origin_who *who,
    struct sp_name *name_out, struct sp_buf *text_out, const char **why,
    struct sp_err *err)
{
	const struct sp_spool *sp = &s->spool;
	struct origin *o = &s->origin;
	struct origin_row *row;
	enum sp_status st;

	*why = "too many workers";
	(void)pthread_mutex_lock(&o->lock);
	st = look(o, sp, err);
	row = st == SP_OK ? origin_row_get(o, sp, who->worker) : NULL;
	if (row != NULL) {
		row->polled = sp_mono_ms();
		(void)snprintf(row->peer, sizeof row->peer, "%s", who->peer);
		*why = "you have an order already";
		st = let_go(s, who->worker, err);
	}
	/* The beat is there before the claim: a holder without one is lost. */
	if (st == SP_OK && row != NULL)
		st = origin_row_beat(sp, row);
	if (st == SP_OK && row != NULL) {
		*why = "No Jobs or all are assigned.";
		st = origin_claim(s, who, name_out, text_out, err);
		if (st == SP_OK) {
			sp_name_print(name_out, row->running);
			(void)origin_row_beat(sp, row);
		}
	} else if (st == SP_OK) {
		st = SP_GONE;
	}
	(void)pthread_mutex_unlock(&o->lock);
	return st == SP_LOST ? SP_GONE : st;
}

/* ---- from start to end ---- */

bool
origin_init(struct origin *o)
{
	(void)memset(o, 0, sizeof *o);
	(void)pthread_mutex_init(&o->lock, NULL);
	o->row = calloc(ORIGIN_MOST, sizeof *o->row);
	return o->row != NULL;
}

void
origin_clear(struct origin *o)
{
	free(o->row);
	free(o->held);
	sp_names_clear(&o->others);
	(void)pthread_mutex_destroy(&o->lock);
}
