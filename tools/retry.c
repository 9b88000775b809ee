/*
 * retry.c - spool retry: the job of an order that is over, submitted anew; the
 * new one says order.retryOf.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/find.h"
#include "libspool/submit.h"
#include "tools/amend.h"

/* Submit what is in text; prints the new id. */
static enum sp_status
again(struct tool *tool, const struct sp_name *old, const struct sp_buf *text,
    struct sp_err *err)
{
	struct sp_submit one = { .prio = -1 };
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX + 2);
	struct sp_job parsed;
	char set[64];
	const char *sets[1] = { set };
	enum sp_status st;

	(void)snprintf(set, sizeof set, "order.retryOf=\"%s\"", old->id.text);
	st = sp_job_edit(sp_buf_text(text), text->len, sets, 1, &job, err);
	if (st == SP_OK) {
		one.text = sp_buf_text(&job);
		one.len = job.len;
		(void)memcpy(one.label, old->label, sizeof one.label);
		if (sp_job_parse(one.text, one.len, &parsed, NULL) == SP_OK)
			amend_warn(tool, old->id.text, &parsed);
		sp_job_clear(&parsed);
		st = sp_submit(&tool->spool, &one, 1, err);
	}
	if (st == SP_OK)
		(void)puts(one.id.text);
	else
		(void)sp_err_set(err, st, "%s", one.err.text);
	sp_buf_clear(&job);
	return st;
}

static int
retry_one(struct tool *tool, const struct sp_id *id)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 2);
	struct sp_err err = { "" };
	enum sp_status st;
	enum sp_state state;
	struct sp_name name;

	st = see_find(&tool->spool, id, &state, &name, &err);
	if (st == SP_OK && !sp_state_over_is(state)) {
		complain("%s is not over: it stands in %s/; wait for it, or "
			 "cancel it first",
		    id->text, sp_state_text(state));
		return ANSWER_NO;
	}
	if (st == SP_OK && name.bundle)
		st = sp_err_set(&err, SP_BAD,
		    "is a bundle; retry the orders that it became");
	if (st == SP_OK)
		st = sp_order_read(&tool->spool, state, &name, &text, &err);
	if (st == SP_OK)
		st = again(tool, &name, &text, &err);
	sp_buf_clear(&text);
	return complain_of(st, &err, id->text);
}

static int
retry_run(struct tool *tool, int argc, char **argv)
{
	return pick_each(tool, argc, argv, SEE_OVER, retry_one);
}

const struct verb verb_retry = {
	.name = "retry",
	.usage = "ID ... | --where EXPR | --group G",
	.help = "submit the jobs of orders that are over anew",
	.page =
	    "A new order is made, with an ID of its own that is printed; it "
	    "says whose retry it\nis in order.retryOf.  The old one stays "
	    "as it is.  '-' reads IDs from standard\ninput.\n\n"
	    "  spool ls --json failed | jq -r .id | spool retry -\n",
	.run = retry_run,
};
