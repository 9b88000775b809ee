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
#include "libspool/revoke.h"
#include "tools/check.h"

/* ---- assigned to nobody ---- */

enum sp_status
check_fix_owner(
    struct check *check, struct finding *finding, struct sp_err *err)
{
	enum sp_revoked how;
	enum sp_status st;

	st = sp_revoke(
	    check->spool, &finding->name, false, finding->words, &how, err);
	if (st == SP_OK)
		(void)snprintf(finding->how, sizeof finding->how, "%s",
		    sp_revoked_text(how));
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
