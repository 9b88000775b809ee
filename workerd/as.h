/*
 * as.h - --as-owner: a worker that is root runs each job as the user whose it
 * is, or not at all.
 *
 * Whose it is stands in the order (libspool/owner.h), written by the intake and
 * believed only of a file that the spool's owner wrote; so the spool must be a
 * directory here.  It is asked before the claim, of new/, and again before the
 * start, of what was claimed.  as/workerd-as becomes that user; all else that
 * is done for the job is done by us, and what he has left is looked at as the
 * planted thing that it may be.  His are the work directory (0700), $SPOOL_OUT
 * (0700), the log and the metrics in runs/ (to read; we write them); theirs are
 * no warm interpreters, no directories that are used again or kept, no
 * interpreter of his that we would ask about itself.
 */
#ifndef WORKER_AS_H
#define WORKER_AS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "libspool/err.h"
#include "libspool/job.h"
#include "libspool/spool.h"

#define AS_REFUSED 125 /* what workerd-as ends with where it will not */

struct slot;
struct spawn;
struct worker;

struct as {
	bool on;
	struct sp_spool spool; /* to ask whose files are */
	char helper[PATH_MAX];
};

struct as_owner {
	uint32_t uid;
	char user[SP_OWNER_MAX + 1];
};

/* SP_FATAL: it cannot be, in words. */
enum sp_status as_open(struct worker *w, struct sp_err *err);
void as_close(struct worker *w);

/* Can an order in new/ be run so?  false: why. */
bool as_judge(struct worker *w, const struct sp_name *name,
    const struct sp_job *job, char why[128]);
/* Of one that we hold: fills s->owner.  false: s->why. */
bool as_take(struct worker *w, struct slot *s);
/* All is made: give him what is his.  false: s->why. */
bool as_give(struct worker *w, struct slot *s);

/* how, by way of the helper.  Free with as_unwrap; false: no memory. */
bool as_wrap(struct worker *w, const struct slot *s, struct spawn *how);
void as_unwrap(struct spawn *how);

/* May this variable of ours be his, too? */
bool as_env_ok(const char *pair);

#endif
