/*
 * hold.c - the two moves that go with a mark in hold/.
 */
#include "libspool/find.h"
#include "libspool/hold.h"
#include "libspool/job.h"
#include "libspool/move.h"

enum sp_status
sp_hold_out(const struct sp_spool *spool, const struct sp_name *name,
    struct sp_err *err)
{
	enum sp_status st;
	struct sp_name held;

	st = sp_move_step(
	    spool, SP_STEP_HOLD, SP_NEW, SP_WAITING, name, &held, err);
	return st == SP_OK
	    ? sp_move_sync(spool, &name->id, SP_WAITING, SP_NEW, err)
	    : st;
}

/* Does nothing but the mark keep it from the queue? */
static bool
free_is(const struct sp_spool *spool, const struct sp_name *name)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 2);
	struct sp_job job;
	bool is;

	if (name->attempt > 0 || name->bundle ||
	    sp_order_read(spool, SP_WAITING, name, &text, NULL) != SP_OK)
		return false;
	is = sp_job_parse(sp_buf_text(&text), text.len, &job, NULL) == SP_OK &&
	    job.after_n == 0 && job.not_before == 0;
	sp_job_clear(&job);
	sp_buf_clear(&text);
	return is;
}

enum sp_status
sp_hold_in(const struct sp_spool *spool, const struct sp_name *name,
    bool *in_out, struct sp_err *err)
{
	enum sp_status st;
	struct sp_name to;

	*in_out = false;
	if (!free_is(spool, name))
		return SP_OK;
	st = sp_move_step(
	    spool, SP_STEP_PROMOTE, SP_WAITING, SP_NEW, name, &to, err);
	if (st == SP_OK)
		st = sp_move_sync(spool, &name->id, SP_NEW, SP_WAITING, err);
	*in_out = st == SP_OK;
	return st;
}
