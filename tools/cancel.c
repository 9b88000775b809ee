/*
 * cancel.c - spool cancel: a mark that says so, and the end at once where
 * nobody runs the order.  A running one is stopped by its worker, which looks
 * for marks.
 */
#include <poll.h>
#include <stdlib.h>

#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/mark.h"
#include "libspool/outcome.h"
#include "tools/spool.h"

#define TRIES 20

static int
unmark(struct tool *tool, const struct sp_id *id, int answer)
{
	struct sp_err err = { "" };
	enum sp_status st;

	st = sp_mark_unset(&tool->spool, SP_DIR_CANCEL, id, &err);
	return st == SP_OK ? answer : complain_of(st, &err, id->text);
}

/* Its status; 0 when the outcome is not published yet. */
static int
status_of(struct tool *tool, const struct sp_id *id)
{
	int status = 0;

	(void)sp_find_status(&tool->spool, id, &status, NULL);
	return status;
}

static int
cancelled(struct tool *tool, const struct sp_id *id)
{
	(void)printf("%s cancelled\n", id->text);
	(void)sp_mark_unset(&tool->spool, SP_DIR_HOLD, id, NULL);
	return unmark(tool, id, ANSWER_YES);
}

static int
over(struct tool *tool, const struct sp_id *id, int status)
{
	if (status == 0)
		complain("%s is over already", id->text);
	else
		complain(
		    "%s is over already, with status %d", id->text, status);
	return unmark(tool, id, ANSWER_NO);
}

/* The mark is there: a keeper or a worker may be quicker than we, and the order
 * may end by itself.  SP_RETRY: it keeps moving. */
static enum sp_status
try_to_end(struct tool *tool, const struct sp_id *id, int *answer_out,
    struct sp_err *err)
{
	enum sp_status st;
	enum sp_state state;
	struct sp_name name;
	int i, status;

	for (i = 0; i < TRIES; i++) {
		sp_err_clear(err);
		st = see_find(&tool->spool, id, &state, &name, err);
		if (st != SP_OK)
			return st;
		if (sp_state_over_is(state)) {
			status = status_of(tool, id);
			if (status == 0 && i + 1 < TRIES) {
				(void)poll(NULL, 0, 10);
				continue;
			}
			*answer_out = status == SP_ST_CANCELLED
			    ? cancelled(tool, id)
			    : over(tool, id, status);
			return SP_OK;
		}
		if (state == SP_ASSIGNED) {
			(void)printf("%s runs on %s, which will stop it\n",
			    id->text, name.worker);
			*answer_out = ANSWER_YES;
			return SP_OK;
		}
		st = sp_end(&tool->spool, state, &name, SP_ST_CANCELLED, false,
		    "cancelled before it ran", err);
		if (st == SP_OK)
			*answer_out = cancelled(tool, id);
		if (st != SP_LOST && st != SP_GONE)
			return st;
	}
	return SP_LOST;
}

static int
cancel_one(struct tool *tool, const struct sp_id *id)
{
	struct sp_err err = { "" };
	enum sp_status st;
	enum sp_state state;
	struct sp_name name;
	int answer = ANSWER_YES;

	st = see_find(&tool->spool, id, &state, &name, &err);
	if (st == SP_OK && sp_state_over_is(state))
		return over(tool, id, status_of(tool, id));
	if (st == SP_OK)
		st = sp_mark_set(&tool->spool, SP_DIR_CANCEL, id, &err);
	if (st == SP_OK)
		st = try_to_end(tool, id, &answer, &err);
	if (st == SP_OK)
		return answer;
	if (st == SP_GONE)
		return unmark(tool, id, complain_of(st, &err, id->text));
	if (st != SP_LOST)
		return complain_of(st, &err, id->text);
	complain("%s keeps moving; it is marked, and whoever has it will end "
		 "it",
	    id->text);
	return ANSWER_LATER;
}

static int
cancel_run(struct tool *tool, int argc, char **argv)
{
	return pick_each(tool, argc, argv, SEE_LIVE, cancel_one);
}

const struct verb verb_cancel = {
	.name = "cancel",
	.usage = "ID ... | --where EXPR | --group G",
	.help = "withdraw orders; stop those that run",
	.page =
	    "What has not started ends at once, in failed/ with status 499. "
	    " What runs is\nmarked: its worker sends SIGTERM, waits a "
	    "little, then SIGKILL.  Exit 1 if one\nis over already.  '-' "
	    "reads IDs from standard input; --where and --group mean those "
	    "that are not over yet\n('spool ls --help').\n\n"
	    "  spool cancel 9f3c21ab\n"
	    "  spool cancel --where 'state=new and learningRate>0.5'\n"
	    "  spool ls --json new | jq -r .id | spool cancel -\n",
	.run = cancel_run,
};
