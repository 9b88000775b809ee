/*
 * revoke.c - what becomes of an order whose worker is dead.  Who is dead is
 * decided elsewhere.
 */
#include <stdio.h>

#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/job.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/revoke.h"

const char *
sp_revoked_text(enum sp_revoked how)
{
	static const char *const text[] = {
		[SP_REVOKED_COMMITTED] = "it had finished: committed for it",
		[SP_REVOKED_QUEUED] = "given back to waiting/",
		[SP_REVOKED_SPENT] = "its attempts are spent: status 503",
		[SP_REVOKED_CANCELLED] = "cancelled: status 499",
	};

	return text[how];
}

/* How many attempts may this order spend?  SP_RETRY: it cannot be read now, and
 * must not be ended for that; SP_LOST: it is no longer there. */
static enum sp_status
attempts_of(const struct sp_spool *sp, const struct sp_name *name,
    unsigned *most_out, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_job job = { 0 };
	enum sp_status st = SP_OK;

	/* What lies in a bundle was accepted: who died at it has not run any of
	 * it, and it is tried again for ever. */
	*most_out = name->bundle ? SP_COUNT_MAX : (unsigned)sp->policy.attempts;
	if (!name->bundle) {
		st = sp_order_read(sp, SP_ASSIGNED, name, &text, err);
		if (st == SP_OK)
			st = sp_job_parse(text.data, text.len, &job, err);
		if (st == SP_OK && job.attempts > 0)
			*most_out = (unsigned)job.attempts;
	}
	sp_job_clear(&job);
	sp_buf_clear(&text);
	if (st == SP_RETRY)
		return st;
	sp_err_clear(err);
	return st == SP_GONE ? SP_LOST : SP_OK;
}

/* It had finished: the outcome counts, under its worker's name. */
static enum sp_status
commit_for(const struct sp_spool *sp, const struct sp_name *name, int status,
    struct sp_err *err)
{
	enum sp_state to = sp_status_good_is(status) ? SP_DONE : SP_FAILED;
	struct sp_name same;
	enum sp_status st;

	st =
	    sp_move_step(sp, SP_STEP_COMMIT, SP_ASSIGNED, to, name, &same, err);
	if (st == SP_OK)
		st = sp_move_sync(sp, &name->id, to, SP_ASSIGNED, err);
	if (st == SP_OK)
		st = sp_outcome_publish(sp, name, err);
	return st;
}

static enum sp_status
spend(const struct sp_spool *sp, const struct sp_name *name, unsigned most,
    const char *why, struct sp_err *err)
{
	char all[256];

	(void)snprintf(
	    all, sizeof all, "%.160s; all %u attempts are spent", why, most);
	(void)sp_attempt_note(sp, name, "lost", all, NULL);
	return sp_end(sp, SP_ASSIGNED, name, SP_ST_LOST, true, all, err);
}

static enum sp_status
give_back(const struct sp_spool *sp, const struct sp_name *name,
    const char *why, struct sp_err *err)
{
	struct sp_name to;
	enum sp_status st;

	st = sp_move_step(
	    sp, SP_STEP_RETRY, SP_ASSIGNED, SP_WAITING, name, &to, err);
	if (st != SP_OK)
		return st;
	(void)sp_move_sync(sp, &to.id, SP_WAITING, SP_ASSIGNED, NULL);
	(void)sp_attempt_note(sp, name, "lost", why, NULL);
	return SP_OK;
}

enum sp_status
sp_revoke(const struct sp_spool *sp, const struct sp_name *name, bool cancelled,
    const char *why, enum sp_revoked *how_out, struct sp_err *err)
{
	enum sp_status st;
	char words[256];
	unsigned most;
	int status;

	st = sp_outcome_waits(sp, name, &status, err);
	if (st == SP_OK) {
		*how_out = SP_REVOKED_COMMITTED;
		return commit_for(sp, name, status, err);
	}
	/* Days of work may lie there: ask again. */
	if (st == SP_RETRY)
		return st;
	if (cancelled) {
		*how_out = SP_REVOKED_CANCELLED;
		(void)snprintf(words, sizeof words, "cancelled; %.160s", why);
		st = sp_end(
		    sp, SP_ASSIGNED, name, SP_ST_CANCELLED, false, words, err);
		if (st == SP_OK)
			(void)sp_mark_unset(sp, SP_DIR_CANCEL, &name->id, NULL);
		return st;
	}
	if ((st = attempts_of(sp, name, &most, err)) != SP_OK)
		return st;
	if (name->attempt + 1 >= most) {
		*how_out = SP_REVOKED_SPENT;
		return spend(sp, name, most, why, err);
	}
	*how_out = SP_REVOKED_QUEUED;
	return give_back(sp, name, why, err);
}
