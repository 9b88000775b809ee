/*
 * finish.h - the end of an order: outcome first, then the commit, then the
 * outcome's publication; also for those who end an order without a run.
 *
 *	outcomes/.ID.tTaA@W	provisional: written O_EXCL, fsynced with its
 *				directory, last of all that the attempt leaves
 *	assigned/X -> done/DAY/X | failed/DAY/X		the commit; fsynced
 *	outcomes/.ID.tTaA@W -> outcomes/ID.json		never over another
 *
 * A crash before the commit leaves a provisional outcome that the reaper
 * commits (whole) or drops; after it, one that anybody publishes.
 */
#ifndef SP_FINISH_H
#define SP_FINISH_H

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/spool.h"

/* One attempt that has ended. */
struct sp_ended {
	struct sp_name name; /* as it is in assigned/ */
	const char *text;    /* the outcome */
	size_t len;
	bool good;             /* done/ or failed/ */
	enum sp_status status; /* out: OK, LOST (revoked: the outcome was put
	                        * aside in runs/), RETRY (repeat is safe) */
};

/* Commit a group: all outcomes written and synced, all renames, one fsync of
 * each directory, all publications.  Each one's status is filled; err has the
 * first trouble.  Safe to repeat for those that said SP_RETRY. */
void sp_commit(const struct sp_spool *spool, struct sp_ended *group, size_t n,
    struct sp_err *err);

/* End an order that nobody runs (or whose worker is dead) under our own W with
 * ticket t+1 and an outcome of its own: 400, 424, 499; spent adds an attempt
 * (503).  `at` is where it stands now. */
enum sp_status sp_end(const struct sp_spool *spool, enum sp_state at,
    const struct sp_name *order, int status, bool spent, const char *why,
    struct sp_err *err);

/* Likewise, with a whole outcome of the caller's: the order ran, and was ended
 * all the same. */
enum sp_status sp_end_as(const struct sp_spool *spool, enum sp_state at,
    const struct sp_name *order, const char *text, size_t len,
    struct sp_err *err);

/* Publish the provisional outcome of a committed name; SP_OK also when it was
 * published before; SP_GONE when there is none. */
enum sp_status sp_outcome_publish(const struct sp_spool *spool,
    const struct sp_name *committed, struct sp_err *err);

/* Is a provisional outcome of this assigned name there and whole?  SP_OK fills
 * its status number. */
enum sp_status sp_outcome_waits(const struct sp_spool *spool,
    const struct sp_name *assigned, int *status_out, struct sp_err *err);

/* The outcome of an attempt that was noted as lost comes after all: keep it
 * beside the job, tTaA@W.late.json.  SP_GONE: nothing was noted.  SP_LOST: one
 * is there. */
enum sp_status sp_outcome_late(const struct sp_spool *spool,
    const struct sp_name *attempt, const char *text, size_t len);

/* Note beside the job how an attempt ended without a commit:
 * runs/DAY/ID/tTaA@W.json {why, when, by, cause}.  A provisional outcome of
 * that name becomes its body, or tTaA@W.late.json where there is one. */
enum sp_status
sp_attempt_note(const struct sp_spool *spool, const struct sp_name *attempt,
    const char *cause, const char *why, struct sp_err *err);

#endif
