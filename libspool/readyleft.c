/*
 * readyleft.c - is there anything left that will become claimable by itself?
 * Only asked when there is nothing to claim and nothing runs.
 *
 * Held orders wait for a person, orders behind something held or unknown wait
 * for ever, and orders that other workers hold are theirs; none of them keeps
 * a draining worker here.
 */
#include <string.h>

#include "libspool/find.h"
#include "libspool/job.h"
#include "libspool/ready.h"

struct left {
	struct sp_ready *r;
	const struct sp_names *unfit;
	bool any;
	enum sp_status status;
	struct sp_err *err;
};

/* new/: a drop, or an order that somebody will take or move. */
static enum sp_status
new_left(struct left *l)
{
	const struct sp_spool *spool = l->r->spool;
	struct sp_names names = { 0 };
	struct sp_name name;
	const char *text;
	enum sp_status st;
	size_t i;

	st = sp_list(spool->dir[SP_DIR_NEW], false, &names, l->err);
	for (i = 0; st == SP_OK && i < names.n && !l->any; i++) {
		text = sp_names_at(&names, i);
		switch (sp_drop_kind(text, &name)) {
		case SP_DROP_IGNORE:
			break;
		case SP_DROP_ORDER:
			l->any = !sp_names_has(l->unfit, text) &&
			    !sp_names_has(&l->r->hold, name.id.text);
			break;
		default:
			l->any = true;
		}
	}
	sp_names_clear(&names);
	return st;
}

/*
 * Will its dependencies be decided without us?  Over, or running somewhere:
 * yes.  In new/ or waiting/: then that order is counted for itself, and this
 * one follows it or hangs with it.
 */
static bool
after_soon(struct left *l, const struct sp_job *job)
{
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	size_t i;

	for (i = 0; i < job->after_n; i++) {
		st =
		    sp_find(l->r->spool, &job->after[i], &state, &name, l->err);
		if (st == SP_RETRY)
			l->status = st;
		if (st != SP_OK || state == SP_NEW || state == SP_WAITING)
			return false;
	}
	return true;
}

static int
waiting_left(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct left *l = arg;
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_ready *r = l->r;
	struct sp_job job;
	enum sp_status st;
	int64_t now = 0;

	if (sp_names_has(&r->hold, name->id.text))
		return 0;
	st = sp_order_read(r->spool, state, name, &text, l->err);
	if (st == SP_RETRY)
		l->status = st;
	if (st == SP_OK) {
		if (sp_job_parse(text.data, text.len, &job, NULL) != SP_OK)
			l->any = true; /* its keeper will end it */
		else if (job.not_before > 0 &&
		    (l->status = sp_ready_now(r, &now, l->err)) == SP_OK &&
		    (double)(job.not_before - now) >
			r->spool->policy.backoff_max * 1000)
			; /* not before long */
		else
			l->any = after_soon(l, &job);
		sp_job_clear(&job);
	}
	sp_buf_clear(&text);
	return l->any || l->status != SP_OK;
}

enum sp_status
sp_ready_drained(struct sp_ready *r, const struct sp_names *unfit,
    bool *drained_out, struct sp_err *err)
{
	struct left l = { .r = r, .unfit = unfit, .err = err };
	enum sp_status st;

	r->marks_at = -1;
	if ((st = sp_ready_marks(r, err)) != SP_OK)
		return st;
	/* new/ on both sides of waiting/: orders move either way between. */
	st = new_left(&l);
	if (st == SP_OK && !l.any)
		st = sp_walk(r->spool, SP_WAITING, waiting_left, NULL, &l, err);
	if (st == SP_OK)
		st = l.status;
	if (st == SP_OK && !l.any)
		st = new_left(&l);
	if (st == SP_OK)
		*drained_out = !l.any;
	return st;
}
