/*
 * retry.c - spool retry: the job of an order that is over, submitted anew; the
 * new one says order.retryOf.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/find.h"
#include "libspool/owner.h"
#include "libspool/submit.h"
#include "tools/amend.h"
#include "tools/sift.h"

/* Submit what is in text; prints the new id. */
static enum sp_status
again(struct tool *tool, enum sp_state state, const struct sp_name *old,
    const struct sp_buf *text, struct sp_err *err)
{
	struct sp_submit one = { .prio = -1 };
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX + 2);
	struct sp_job parsed;
	char set[64], whose[SP_OWNER_SET];
	const char *sets[2] = { set, whose };
	enum sp_status st;

	(void)snprintf(set, sizeof set, "order.retryOf=\"%s\"", old->id.text);
	one.owned = sp_owner_said(sp_buf_text(text), text->len, false);
	if (one.owned)
		sp_owner_again(&tool->spool, state, old, whose);
	st = sp_job_edit(
	    sp_buf_text(text), text->len, sets, one.owned ? 2 : 1, &job, err);
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
		st = again(tool, state, &name, &text, &err);
	sp_buf_clear(&text);
	return complain_of(st, &err, id->text);
}

/* ---- all that failed ---- */

/* Orders that were retried already, by id. */
static int
retried(void *arg, const struct sp_row *row)
{
	struct sp_names *names = arg;

	return row->retry_of[0] != '\0' &&
	    sp_names_add(names, row->retry_of) != SP_OK;
}

/* Those of the groups, or all; not those that somebody withdrew, and none
 * twice. */
static int
retry_failed(struct tool *tool, int n, char **groups)
{
	struct sp_names done = { 0 };
	struct sp_err err = { "" };
	struct sp_id *ids = NULL;
	int answer, it, g = 0;
	struct sift sift;
	size_t i, k, left;

	answer = complain_of(
	    see_rows(&tool->spool, SEE_ALL, 0, retried, &done, &err), &err,
	    "listing");
	sp_names_sort(&done);
	do {
		sift_init(&sift, tool);
		sift.states = SEE_STATE(SP_FAILED);
		sift.group = n > 0 ? groups[g] : NULL;
		it = answer == ANSWER_YES ? sift_where(&sift, "status!=499")
					  : answer;
		if (it == ANSWER_YES)
			it = sift_ids(&sift, &ids, &k);
		sift_clear(&sift);
		for (i = left = 0; it == ANSWER_YES && i < k; i++) {
			if (sp_names_has(&done, ids[i].text)) {
				left++;
				continue;
			}
			if ((it = retry_one(tool, &ids[i])) > answer)
				answer = it;
			it = ANSWER_YES;
		}
		if (it == ANSWER_YES && left > 0)
			(void)fprintf(
			    stderr, "%zu left alone: retried before\n", left);
		answer = it > answer ? it : answer;
		free(ids);
		ids = NULL;
	} while (++g < n);
	sp_names_clear(&done);
	return answer;
}

static int
retry_run(struct tool *tool, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--failed") == 0) {
		if (argc > 2 && argv[2][0] == '-')
			return usage_wrong();
		return retry_failed(tool, argc - 2, argv + 2);
	}
	return pick_each(tool, argc, argv, SEE_OVER, retry_one);
}

const struct verb verb_retry = {
	.name = "retry",
	.usage = "ID ... | --where EXPR | --group G | --failed [GROUP ...]",
	.help = "submit the jobs of orders that are over anew",
	.page =
	    "A new order is made, with an ID of its own that is printed; it "
	    "says whose retry it\nis in order.retryOf.  The old one stays "
	    "as it is.  '-' reads IDs from standard\ninput.\n\n"
	    "  spool ls --json failed | jq -r .id | spool retry -\n",
	.run = retry_run,
};
