/*
 * outbox.h - what cannot be handed over now is kept on our own disk, so that it
 * outlives us: outcomes with the ends of their logs and metrics, and orders
 * that are to go back.
 *
 *	WORK/spool-outbox.UID/W.TAG/
 *		ID.tTaA@W/	{outcome log metrics parcel.json}
 *		ID.tTaA@W.out/	its $SPOOL_OUT, where that is a copy (outcopy.h)
 *
 * W is the process that ran it, TAG its spool; it has a lock on its directory
 * as long as it lives.  The next worker of that NAME takes over what it finds
 * there unlocked: what stands in assigned/ under the name of the dead one is
 * committed under that name, and what does not is set aside by that very try.
 *
 * parcel.json comes last, after all else is on the disk: without it, or without
 * its end, there is nothing.
 */
#ifndef WORKER_OUTBOX_H
#define WORKER_OUTBOX_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/err.h"
#include "libspool/name.h"
#include "workerd/stage.h"

struct parcel;
struct worker;

#define OUTBOX_OLD 64 /* dead ones whose directories we take over at once */

struct outbox {
	uint32_t tag;
	int lock;            /* on our directory, -1: not made yet */
	int old[OUTBOX_OLD]; /* on those of the dead, */
	char *old_path[OUTBOX_OLD];
	size_t old_n;
	int64_t
	    calm_until; /* no housekeeping before, while adopted ones wait */
};

/* Take over what the dead left.  After commit_open. */
void outbox_open(struct worker *w);
/* A directory for the $SPOOL_OUT of an attempt, empty. */
enum sp_status outbox_out(struct worker *w, const struct sp_name *name,
    char path_out[PATH_MAX], struct sp_err *err);
/* Save what has waited for a second. */
int64_t outbox_tick(struct worker *w, int64_t now);
/* It was handed over: it need not be on disk any more. */
void outbox_forget(const struct parcel *p);
/* We might take what an earlier worker of ours left for a dead one's, and give
 * it to others, before it is delivered. */
bool outbox_calm_is(struct worker *w, int64_t now);
void outbox_close(struct worker *w);

/* outboxfile.c: one of them, in the directory `place`. */
enum sp_status
outboxfile_save(const struct parcel *p, const char *place, struct sp_err *err);
/* NULL: there is none, or not all of it (err says so); then err is empty if it
 * was never finished. */
struct parcel *outboxfile_load(const char *place, struct sp_err *err);

#endif
