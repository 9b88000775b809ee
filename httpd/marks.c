/*
 * marks.c - people's marks on orders: cancel and hold, and how urgent they are.
 * A mark is set, and what it means at once is done at once; the rest is the
 * keeper's and the worker's.
 */
#include "httpd/v1.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/hold.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/outcome.h"

static void
say_state(struct answer *a, int status, const struct sp_id *id,
    enum sp_state state, int outcome)
{
	struct sp_jw w;

	answer_object(a, status, &w);
	sp_jw_text(&w, "id", id->text);
	sp_jw_text(&w, "state", sp_state_text(state));
	if (outcome != 0)
		sp_jw_int(&w, "status", outcome);
	answer_end(a, &w);
}

static void
over(struct server *s, const struct sp_id *id, enum sp_state state,
    struct answer *a)
{
	int status = 0;

	(void)sp_mark_unset(&s->spool, SP_DIR_CANCEL, id, NULL);
	if (sp_find_status(&s->spool, id, &status, NULL) == SP_OK &&
	    status == SP_ST_CANCELLED)
		say_state(a, 200, id, state, status);
	else
		answer_wrong(a, W_LOST, "%s is over already, with status %d",
		    id->text, status);
}

void
v1_cancel(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { NULL };
	struct sp_err err = { "" };
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	struct sp_id id;
	int i;

	if (!query_only(r, keys, a) || !param_id(r->param[0], &id, a))
		return;
	st = sp_find(&s->spool, &id, &state, &name, &err);
	if (st == SP_OK && !sp_state_over_is(state))
		st = sp_mark_set(&s->spool, SP_DIR_CANCEL, &id, &err);
	/* A keeper or a worker may be quicker than we, and it may move. */
	for (i = 0; i < 20 && st == SP_OK; i++) {
		if (sp_state_over_is(state)) {
			over(s, &id, state, a);
			return;
		}
		if (state == SP_ASSIGNED) {
			say_state(a, 202, &id, state, 0);
			return;
		}
		st = sp_end(&s->spool, state, &name, SP_ST_CANCELLED, false,
		    "cancelled before it ran", &err);
		if (st == SP_OK) {
			(void)sp_mark_unset(&s->spool, SP_DIR_HOLD, &id, NULL);
			clock_news(s, WAKE_QUEUE | WAKE_OUTCOME);
		} else if (st != SP_LOST && st != SP_GONE) {
			break;
		}
		sp_err_clear(&err);
		st = sp_find(&s->spool, &id, &state, &name, &err);
	}
	answer_status(a, st == SP_OK ? SP_RETRY : st, &err, id.text);
}

/* What the mark means at once.  An order that moves is looked for again;
 * whoever moves it heeds the mark from now on. */
static enum sp_status
hold_move(struct server *s, const struct sp_id *id, bool hold,
    enum sp_state *state, struct sp_err *err)
{
	enum sp_status st = SP_LOST;
	struct sp_name name;
	bool in;
	int i;

	for (i = 0; i < 5 && st == SP_LOST; i++) {
		sp_err_clear(err);
		if ((st = sp_find(&s->spool, id, state, &name, err)) != SP_OK)
			return st;
		if (hold && *state == SP_NEW) {
			st = sp_hold_out(&s->spool, &name, err);
			if (st == SP_OK)
				*state = SP_WAITING;
		} else if (!hold && *state == SP_WAITING) {
			st = sp_hold_in(&s->spool, &name, &in, err);
			if (st == SP_OK && in)
				*state = SP_NEW;
		}
	}
	return st == SP_LOST ? SP_OK : st;
}

void
v1_hold(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { NULL };
	struct sp_err err = { "" };
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	struct sp_id id;
	bool hold = r->method == M_PUT;

	if (!query_only(r, keys, a) || !param_id(r->param[0], &id, a))
		return;
	st = sp_find(&s->spool, &id, &state, &name, &err);
	if (st == SP_OK && hold && sp_state_over_is(state)) {
		answer_wrong(a, W_LOST, "%s is over already", id.text);
		return;
	}
	if (st == SP_OK)
		st = hold ? sp_mark_set(&s->spool, SP_DIR_HOLD, &id, &err)
			  : sp_mark_unset(&s->spool, SP_DIR_HOLD, &id, &err);
	if (st == SP_OK)
		st = hold_move(s, &id, hold, &state, &err);
	clock_news(s, WAKE_QUEUE);
	if (st == SP_OK)
		say_state(a, 200, &id, state, 0);
	else
		answer_status(a, st, &err, id.text);
}

/* It is in the name: one rename. */
void
v1_priority(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "priority", NULL };
	struct sp_err err = { "" };
	enum sp_state state = SP_NEW;
	struct sp_name name, now;
	enum sp_status st = SP_LOST;
	struct sp_id id;
	int64_t prio;
	int i;

	if (!query_only(r, keys, a) || !param_id(r->param[0], &id, a) ||
	    !query_int(r, "priority", 0, SP_PRIO_MAX, SP_PRIO_USUAL, &prio, a))
		return;
	for (i = 0; i < 20 && st == SP_LOST; i++) {
		sp_err_clear(&err);
		st = sp_find(&s->spool, &id, &state, &name, &err);
		if (st != SP_OK)
			break;
		if (state != SP_NEW && state != SP_WAITING) {
			answer_wrong(a, W_LOST, "%s %s", id.text,
			    state == SP_ASSIGNED ? "runs already"
						 : "is over already");
			return;
		}
		if (name.bundle)
			st = sp_err_set(&err, SP_BAD,
			    "is a bundle; its lines have priorities of their "
			    "own");
		else if (name.prio != prio)
			st = sp_move_urge(
			    &s->spool, state, &name, (int)prio, &now, &err);
	}
	if (st == SP_OK && name.prio != prio)
		st = sp_move_sync(&s->spool, &id, state, SP_STATES, &err);
	clock_news(s, WAKE_QUEUE);
	if (st == SP_OK)
		say_state(a, 200, &id, state, 0);
	else
		answer_status(a, st == SP_LOST ? SP_RETRY : st, &err, id.text);
}
