/*
 * checkover.c - mends of how orders end: assigned to nobody, over without an
 * outcome, outcomes of no order or on the wrong side.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/job.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "tools/check.h"

/* ---- assigned to nobody ---- */

static unsigned
attempts_of(struct check *check, const struct sp_name *name)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 2);
	unsigned most = (unsigned)check->spool->policy.attempts;
	struct sp_job job;

	memset(&job, 0, sizeof job);
	if (!name->bundle &&
	    sp_order_read(check->spool, SP_ASSIGNED, name, &text, NULL) ==
		SP_OK &&
	    sp_job_parse(sp_buf_text(&text), text.len, &job, NULL) == SP_OK &&
	    job.attempts > 0)
		most = (unsigned)job.attempts;
	sp_job_clear(&job);
	sp_buf_clear(&text);
	return most;
}

/* It had finished: the outcome counts, under its own name. */
static enum sp_status
commit_for(struct check *check, struct finding *finding, int status,
    struct sp_err *err)
{
	const struct sp_spool *spool = check->spool;
	enum sp_state to = sp_status_good_is(status) ? SP_DONE : SP_FAILED;
	struct sp_name same;
	enum sp_status st;

	st = sp_move_step(
	    spool, SP_STEP_COMMIT, SP_ASSIGNED, to, &finding->name, &same, err);
	if (st == SP_OK)
		st = sp_move_sync(spool, &same.id, to, SP_ASSIGNED, err);
	if (st == SP_OK)
		st = sp_outcome_publish(spool, &same, err);
	(void)snprintf(finding->how, sizeof finding->how,
	    "it had finished: its outcome was committed");
	return st;
}

enum sp_status
check_fix_owner(
    struct check *check, struct finding *finding, struct sp_err *err)
{
	const struct sp_spool *spool = check->spool;
	const struct sp_name *name = &finding->name;
	struct sp_name to;
	enum sp_status st;
	int status;

	if (sp_outcome_waits(spool, name, &status, NULL) == SP_OK)
		return commit_for(check, finding, status, err);
	if (name->attempt + 1 >= attempts_of(check, name)) {
		(void)snprintf(finding->how, sizeof finding->how,
		    "ended with status %d: its attempts are spent", SP_ST_LOST);
		(void)sp_attempt_note(
		    spool, name, "lost", finding->words, NULL);
		return sp_end(spool, SP_ASSIGNED, name, SP_ST_LOST, true,
		    finding->words, err);
	}
	st = sp_move_step(
	    spool, SP_STEP_RETRY, SP_ASSIGNED, SP_WAITING, name, &to, err);
	if (st == SP_OK)
		st = sp_move_sync(spool, &to.id, SP_WAITING, SP_ASSIGNED, err);
	if (st == SP_OK)
		(void)sp_attempt_note(
		    spool, name, "lost", finding->words, NULL);
	(void)snprintf(finding->how, sizeof finding->how,
	    "given back to waiting/ for another attempt");
	return st;
}

/* ---- outcomes ---- */

/* The one that was committed, else one that says what is known: where the order
 * stands. */
enum sp_status
check_fix_outcome(
    struct check *check, struct finding *finding, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(64 * 1024);
	bool good = finding->dir == SP_DIR_DONE;
	char file[SP_ID_LEN + 8], host[65] = "";
	enum sp_status st;

	st = sp_outcome_publish(check->spool, &finding->name, err);
	if (st != SP_GONE) {
		(void)snprintf(finding->how, sizeof finding->how,
		    "published the outcome that was committed");
		return st;
	}
	sp_err_clear(err);
	(void)gethostname(host, sizeof host - 1);
	(void)snprintf(file, sizeof file, "%s.json", finding->name.id.text);
	st = sp_outcome_end(&finding->name, host, check->now,
	    good ? SP_ST_SILENT : SP_ST_LOST,
	    good ? "" : "its outcome was lost; spool check wrote this one",
	    &text);
	if (st == SP_OK)
		st =
		    sp_publish(check->spool, check->spool->dir[SP_DIR_OUTCOMES],
			file, text.data, text.len, 0, err);
	sp_buf_clear(&text);
	(void)snprintf(finding->how, sizeof finding->how,
	    "it was lost; wrote one with status %d",
	    good ? SP_ST_SILENT : SP_ST_LOST);
	return st == SP_LOST ? SP_OK : st;
}

/* An outcome of this very commit is right, and the order goes to its side; one
 * of another attempt is not this order's. */
enum sp_status
check_fix_verdict(
    struct check *check, struct finding *finding, struct sp_err *err)
{
	const struct entry *order = check_order(check, &finding->name.id);
	struct finding stands;
	enum sp_status st;

	if (!finding->mine || order == NULL || !sp_state_over_is(order->state))
		return check_fix_aside(check, finding, err);
	memset(&stands, 0, sizeof stands);
	stands.dir = (enum sp_dir)(int)order->state;
	stands.name = order->name;
	(void)snprintf(stands.sub, sizeof stands.sub, "%s", order->day);
	sp_name_print(&order->name, stands.file);
	st = check_fix_rename(check, &stands,
	    sp_status_good_is(finding->status) ? SP_DONE : SP_FAILED,
	    &order->name, err);
	(void)snprintf(finding->how, sizeof finding->how, "%s", stands.how);
	return st;
}

enum sp_status
check_fix_orphan(
    struct check *check, struct finding *finding, struct sp_err *err)
{
	size_t n;

	if (finding->file[0] != '.' ||
	    check_entries(check, &finding->name.id, &n) == NULL)
		return check_fix_aside(check, finding, err);
	(void)snprintf(finding->how, sizeof finding->how,
	    "moved beside the job, to runs/");
	return sp_attempt_note(
	    check->spool, &finding->name, "lost", finding->words, err);
}
