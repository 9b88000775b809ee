/*
 * finish.c - how claims end: committed, given back, or cancelled.  Each may be
 * asked for again when its answer was lost: what happened then is answered.
 *
 * sp_commit writes an outcome before it tries the rename, so it is asked only
 * for what is held: a worker that says otherwise gets "lost" and leaves
 * nothing, but for an attempt that is known to have been taken from it.
 */
#include <stdlib.h>
#include <string.h>

#include "httpd/v1.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/log.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/outcome.h"

static const char *const no_keys[] = { NULL };

#define GROUP_MOST 128

/* ---- commits ---- */

struct group {
	struct sp_ended ended[GROUP_MOST]; /* those to be committed */
	size_t of[GROUP_MOST];             /* which of all that is */
	size_t n;
	enum sp_status status[GROUP_MOST];
	char why[GROUP_MOST][160];
	char name[GROUP_MOST][SP_NAME_MAX];
	size_t all;
};

static void
fate(struct group *g, size_t i, enum sp_status st, const char *why)
{
	g->status[i] = st;
	sp_text_cut(g->why[i], sizeof g->why[i], why);
}

/* Is that an outcome of this order? */
static bool
outcome_ok(
    const char *text, const struct sp_name *name, int *status, const char **why)
{
	struct json_t *json;
	const char *id;
	bool good;

	*why = "text: expected an outcome, one JSON object with a status";
	if (text == NULL || strlen(text) > SP_OUTCOME_MAX ||
	    sp_outcome_status(text, strlen(text), status) != SP_OK ||
	    sp_json_parse(text, strlen(text), &json, NULL) != SP_OK)
		return false;
	id = sp_json_text(sp_json_get(json, "_id"));
	good = id == NULL || strcmp(id, name->id.text) == 0;
	sp_json_free(json);
	*why = "text: its _id is another order's";
	return good;
}

/* It is not held.  Because it was committed, by a request like this one?  Or
 * did the reaper take it away: then the outcome is kept where it says so. */
static void
not_held(struct server *s, struct group *g, size_t i,
    const struct sp_name *name, const char *text, const struct sp_err *why)
{
	struct sp_err err = { "" };
	enum sp_state state;
	struct sp_name is;
	enum sp_status st;

	st = sp_find(&s->spool, &name->id, &state, &is, &err);
	if (st == SP_OK && sp_state_over_is(state) &&
	    sp_attempt_same(&is, name))
		st = sp_outcome_publish(&s->spool, name, &err);
	else if (st == SP_OK || st == SP_GONE)
		st = SP_LOST;
	if (st == SP_LOST)
		(void)sp_outcome_late(&s->spool, name, text, strlen(text));
	fate(g, i, st, st == SP_LOST ? why->text : err.text);
}

static bool
take(struct server *s, struct request *r, const struct json_t *one,
    struct group *g, struct answer *a)
{
	const char *text = sp_json_text(sp_json_get(one, "text"));
	const char *name = sp_json_text(sp_json_get(one, "name"));
	struct sp_ended *to = &g->ended[g->n];
	struct sp_err err = { "" };
	const char *why = NULL;
	size_t i = g->all;
	enum sp_status st;
	int status = 0;

	(void)memset(to, 0, sizeof *to);
	if (name == NULL || !param_name(name, &to->name, a)) {
		if (name == NULL)
			answer_wrong(a, W_REQUEST,
			    "ended: expected objects with name and text");
		return false;
	}
	if (!worker_may(r, to->name.worker, a))
		return false;
	(void)strcpy(g->name[i], name);
	g->all++;
	if (!outcome_ok(text, &to->name, &status, &why)) {
		fate(g, i, SP_BAD, why);
		return true;
	}
	st = claim_stands(s, &to->name, &err);
	if (st == SP_LOST) {
		not_held(s, g, i, &to->name, text, &err);
	} else if (st != SP_OK) {
		fate(g, i, st, err.text);
	} else {
		to->text = text;
		to->len = strlen(text);
		to->good = sp_status_good_is(status);
		g->of[g->n++] = i;
	}
	return true;
}

static void
commit(struct server *s, struct group *g)
{
	struct sp_err err = { "" };
	size_t i;

	if (g->n == 0)
		return;
	sp_commit(&s->spool, g->ended, g->n, &err);
	for (i = 0; i < g->n; i++) {
		fate(g, g->of[i], g->ended[i].status, err.text);
		if (g->ended[i].status == SP_OK)
			run_tidy(&s->spool, &g->ended[i].name.id);
	}
	/* What waited for these may come now. */
	clock_news(s, WAKE_OUTCOME | WAKE_QUEUE | WAKE_GROWTH);
}

static const char *
word(enum sp_status st)
{
	return st == SP_OK                   ? "ok"
	    : st == SP_LOST || st == SP_GONE ? "lost"
	    : st == SP_BAD                   ? "bad"
					     : "retry";
}

void
v1_commit(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "ended", NULL };
	struct group *g = calloc(1, sizeof *g);
	const struct json_t *list;
	struct json_t *json;
	struct sp_jw w;
	bool good = true;
	size_t i, n;

	if (g == NULL) {
		answer_wrong(a, W_RETRY, "no memory");
		return;
	}
	if (!query_only(r, no_keys, a) || !body_json(r, keys, &json, a)) {
		free(g);
		return;
	}
	list = sp_json_get(json, "ended");
	n = sp_json_count(list);
	if (sp_json_kind(list) != SP_JSON_LIST || n == 0 || n > GROUP_MOST) {
		answer_wrong(a, W_REQUEST, "ended: expected a list of 1 to %d",
		    GROUP_MOST);
		good = false;
	}
	for (i = 0; i < n && good; i++)
		good = take(s, r, sp_json_at(list, i), g, a);
	if (good) {
		commit(s, g);
		answer_object(a, 200, &w);
		sp_jw_open(&w, "ended", '[');
		for (i = 0; i < g->all; i++) {
			sp_jw_open(&w, NULL, '{');
			sp_jw_text(&w, "name", g->name[i]);
			sp_jw_text(&w, "status", word(g->status[i]));
			if (g->status[i] != SP_OK)
				sp_jw_text(&w, "reason", g->why[i]);
			sp_jw_close(&w, '}');
		}
		sp_jw_close(&w, ']');
		answer_end(a, &w);
	}
	sp_json_free(json);
	free(g);
}

/* ---- given back ---- */

void
v1_release(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "how", "cause", "why", NULL };
	static const char *const ways[] = { "back", "preempted", "retry" };
	struct sp_err err = { "" };
	const char *how, *cause, *why;
	struct sp_spool view;
	struct sp_name name, to;
	struct json_t *json;
	enum sp_status st;
	bool retry;
	int i;

	if (!query_only(r, no_keys, a) || !claim_named(r, &name, a) ||
	    !body_json(r, keys, &json, a))
		return;
	how = sp_json_text(sp_json_get(json, "how"));
	cause = sp_json_text(sp_json_get(json, "cause"));
	why = sp_json_text(sp_json_get(json, "why"));
	for (i = 0; i < 3 && (how == NULL || strcmp(how, ways[i]) != 0); i++)
		;
	if (i == 3) {
		answer_wrong(
		    a, W_REQUEST, "how: expected back, preempted or retry");
		sp_json_free(json);
		return;
	}
	retry = i == 2;
	server_as(s, name.worker, &view);
	st = sp_move_step(&view, retry ? SP_STEP_RETRY : SP_STEP_RELEASE,
	    SP_ASSIGNED, retry ? SP_WAITING : SP_NEW, &name, &to, &err);
	/* Words only: without them the order is given back all the same. */
	if (st == SP_OK && i > 0 &&
	    sp_attempt_note(&view, &name, cause == NULL ? how : cause,
		why == NULL ? "" : why, NULL) != SP_OK)
		sp_warn("note order=%s failed", name.id.text);
	sp_json_free(json);
	if (st == SP_OK) {
		clock_news(s, WAKE_QUEUE);
		answer_texts(a, 200, "id", name.id.text, NULL);
	} else {
		answer_status(a, st, &err, r->param[0]);
	}
}

/* ---- cancelled ---- */

/* By an earlier request like this one? */
static bool
ended_is(struct server *s, const struct sp_name *name)
{
	enum sp_state state;
	struct sp_name is;

	return sp_find(&s->spool, &name->id, &state, &is, NULL) == SP_OK &&
	    state == SP_FAILED && is.ticket == name->ticket + 1 &&
	    strcmp(is.worker, name->worker) == 0;
}

void
v1_claim_cancel(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "text", "why", NULL };
	struct sp_err err = { "" };
	const char *text, *why, *wrong = NULL;
	struct sp_spool view;
	struct sp_name name;
	struct json_t *json;
	enum sp_status st;
	int status;

	if (!query_only(r, no_keys, a) || !claim_named(r, &name, a) ||
	    !body_json(r, keys, &json, a))
		return;
	text = sp_json_text(sp_json_get(json, "text"));
	why = sp_json_text(sp_json_get(json, "why"));
	server_as(s, name.worker, &view);
	if (text != NULL && !outcome_ok(text, &name, &status, &wrong))
		st = sp_err_set(&err, SP_BAD, "%s", wrong);
	else if ((st = claim_stands(s, &name, &err)) == SP_LOST)
		st = ended_is(s, &name) ? SP_OK : SP_LOST;
	else if (st == SP_OK)
		st = text != NULL
		    ? sp_end_as(
			  &view, SP_ASSIGNED, &name, text, strlen(text), &err)
		    : sp_end(&view, SP_ASSIGNED, &name, SP_ST_CANCELLED, false,
			  why == NULL ? "cancelled" : why, &err);
	sp_json_free(json);
	if (st != SP_OK) {
		answer_status(a, st, &err, NULL);
		return;
	}
	run_tidy(&s->spool, &name.id);
	(void)sp_mark_unset(&s->spool, SP_DIR_CANCEL, &name.id, NULL);
	clock_news(s, WAKE_OUTCOME | WAKE_QUEUE);
	answer_texts(a, 200, "id", name.id.text, "state", "failed", NULL);
}
