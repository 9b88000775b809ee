/*
 * hold.c - spool hold and unhold: a mark; the order waits as long as it stands.
 * hold moves the order out of the queue at once; unhold puts it back at once
 * when the mark was all that kept it, else whoever promotes will, in time.
 */
#include <stdlib.h>

#include "libspool/find.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "tools/spool.h"

#define TRIES 20

static enum sp_status
to_waiting(struct tool *tool, const struct sp_name *name, struct sp_err *err)
{
	const struct sp_spool *spool = &tool->spool;
	enum sp_status st;
	struct sp_name held;

	st = sp_move_step(
	    spool, SP_STEP_HOLD, SP_NEW, SP_WAITING, name, &held, err);
	return st == SP_OK
	    ? sp_move_sync(spool, &name->id, SP_WAITING, SP_NEW, err)
	    : st;
}

static int
hold_one(struct tool *tool, const struct sp_id *id)
{
	struct sp_err err = { "" };
	enum sp_status st;
	enum sp_state state;
	struct sp_name name;
	int i;

	st = sp_mark_set(&tool->spool, SP_DIR_HOLD, id, &err);
	for (i = 0; st == SP_OK && i < TRIES; i++) {
		st = see_find(&tool->spool, id, &state, &name, &err);
		if (st != SP_OK)
			break;
		switch (state) {
		case SP_NEW:
			st = to_waiting(tool, &name, &err);
			if (st == SP_LOST) {
				sp_err_clear(&err);
				st = SP_OK;
				continue; /* it moved: look again */
			}
			if (st != SP_OK)
				break;
			/* FALLTHROUGH */
		case SP_WAITING:
			(void)printf("%s held\n", id->text);
			return ANSWER_YES;
		case SP_ASSIGNED:
			(void)printf("%s runs on %s; it is held should it come "
				     "back\n",
			    id->text, name.worker);
			return ANSWER_YES;
		default:
			(void)sp_mark_unset(
			    &tool->spool, SP_DIR_HOLD, id, NULL);
			complain("%s is over already", id->text);
			return ANSWER_NO;
		}
	}
	if (st == SP_OK)
		st = sp_err_set(&err, SP_RETRY,
		    "keeps moving; it is marked and will be held");
	return complain_of(st, &err, id->text);
}

/* Does nothing but the mark keep it from the queue? */
static bool
free_is(struct tool *tool, const struct sp_name *name)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 2);
	struct sp_job job;
	bool is;

	if (name->attempt > 0 || name->bundle ||
	    sp_order_read(&tool->spool, SP_WAITING, name, &text, NULL) != SP_OK)
		return false;
	is = sp_job_parse(sp_buf_text(&text), text.len, &job, NULL) == SP_OK &&
	    job.after_n == 0 && job.not_before == 0;
	sp_job_clear(&job);
	sp_buf_clear(&text);
	return is;
}

static bool
marked_is(struct tool *tool, const struct sp_id *id)
{
	struct sp_names ids = { 0 };
	bool is;

	is = sp_mark_list(&tool->spool, SP_DIR_HOLD, &ids, NULL) == SP_OK &&
	    sp_names_has(&ids, id->text);
	sp_names_clear(&ids);
	return is;
}

static int
unhold_one(struct tool *tool, const struct sp_id *id)
{
	struct sp_err err = { "" };
	enum sp_status st;
	enum sp_state state;
	struct sp_name name, to;

	if (!marked_is(tool, id)) {
		complain("%s is not held", id->text);
		return ANSWER_NO;
	}
	st = sp_mark_unset(&tool->spool, SP_DIR_HOLD, id, &err);
	if (st == SP_OK)
		st = see_find(&tool->spool, id, &state, &name, &err);
	if (st != SP_OK)
		return complain_of(st, &err, id->text);
	if (state == SP_WAITING && free_is(tool, &name)) {
		st = sp_move_step(&tool->spool, SP_STEP_PROMOTE, SP_WAITING,
		    SP_NEW, &name, &to, &err);
		if (st == SP_OK)
			st = sp_move_sync(
			    &tool->spool, id, SP_NEW, SP_WAITING, &err);
		if (st != SP_OK && st != SP_LOST)
			return complain_of(st, &err, id->text);
		state = SP_NEW;
	}
	(void)printf("%s %s\n", id->text,
	    state == SP_WAITING ? "is no longer held; it waits for other things"
		: state == SP_NEW ? "is queued again"
				  : "is no longer held");
	return ANSWER_YES;
}

static int
hold_run(struct tool *tool, int argc, char **argv)
{
	return pick_each(tool, argc, argv, hold_one);
}

static int
unhold_run(struct tool *tool, int argc, char **argv)
{
	return pick_each(tool, argc, argv, unhold_one);
}

const struct verb verb_hold = {
	.name = "hold",
	.usage = "ID ...",
	.help = "keep orders from being started",
	.page = "The orders wait in waiting/ until 'spool unhold'.  One that "
		"runs already runs on.\n'-' reads IDs from standard input.\n\n"
		"  spool hold wine-3\n",
	.run = hold_run,
};

const struct verb verb_unhold = {
	.name = "unhold",
	.usage = "ID ...",
	.help = "let held orders start",
	.page = "'-' reads IDs from standard input.\n\n"
		"  spool unhold wine-3\n",
	.run = unhold_run,
};
