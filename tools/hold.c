/*
 * hold.c - spool hold and unhold: a mark; the order waits as long as it stands.
 * hold moves the order out of the queue at once; unhold puts it back at once
 * when the mark was all that kept it, else whoever promotes will, in time.
 */
#include <stdlib.h>

#include "libspool/find.h"
#include "libspool/hold.h"
#include "libspool/mark.h"
#include "tools/served.h"
#include "tools/spool.h"

#define TRIES 20

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
			st = sp_hold_out(&tool->spool, &name, &err);
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
	struct sp_name name;
	bool in = false;

	if (!marked_is(tool, id)) {
		complain("%s is not held", id->text);
		return ANSWER_NO;
	}
	st = sp_mark_unset(&tool->spool, SP_DIR_HOLD, id, &err);
	if (st == SP_OK)
		st = see_find(&tool->spool, id, &state, &name, &err);
	if (st != SP_OK)
		return complain_of(st, &err, id->text);
	/* Over HTTP the server has done what could be done. */
	if (state == SP_WAITING && !served_is(&tool->spool)) {
		st = sp_hold_in(&tool->spool, &name, &in, &err);
		if (st != SP_OK && st != SP_LOST)
			return complain_of(st, &err, id->text);
		if (in || st == SP_LOST)
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
	return pick_each(tool, argc, argv, SEE_LIVE, hold_one);
}

static int
unhold_run(struct tool *tool, int argc, char **argv)
{
	return pick_each(tool, argc, argv, SEE_LIVE, unhold_one);
}

const struct verb verb_hold = {
	.name = "hold",
	.usage = "ID ... | --where EXPR | --group G",
	.help = "keep orders from being started",
	.page = "The orders wait in waiting/ until 'spool unhold'.  One that "
		"runs already runs on.\n'-' reads IDs from standard input.\n\n"
		"  spool hold wine-3\n",
	.run = hold_run,
};

const struct verb verb_unhold = {
	.name = "unhold",
	.usage = "ID ... | --where EXPR | --group G",
	.help = "let held orders start",
	.page = "'-' reads IDs from standard input.\n\n"
		"  spool unhold wine-3\n",
	.run = unhold_run,
};
