/*
 * parcel.h - what is still to be handed over of an attempt that has ended: its
 * outcome, or that it goes back; the ends of its log and metrics that could not
 * be written while it ran.  It lives until that is done, in memory and, when it
 * takes a while, on disk too (outbox.c).
 */
#ifndef WORKER_PARCEL_H
#define WORKER_PARCEL_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/name.h"
#include "transport/transport.h"
#include "workerd/slot.h"

/* The end of its log or metrics, and how much is there before it. */
struct parcel_tail {
	struct sp_buf text;
	int64_t at;
	bool done; /* nothing of it is to be written (any more) */
};

struct parcel {
	struct parcel *next;
	struct sp_name name;
	char text[SP_NAME_MAX];
	enum give give; /* not GIVE_NOTHING */
	int status;
	struct sp_buf outcome; /* may be empty for GIVE_CANCEL */
	enum tr_release how;
	char cause[32];
	char why[384];
	struct parcel_tail tail[2]; /* by enum tr_trace */

	struct outcopy *copy; /* of $SPOOL_OUT; NULL: that is in the spool */
	_Atomic bool waits;   /* for that, and for nothing else */

	int64_t since;  /* sp_mono_ms */
	bool adopted;   /* of an earlier worker of our NAME */
	bool doubt;     /* a try that failed may have done it all the same */
	unsigned tries; /* that failed though the spool was there */
	enum sp_status came; /* of the last try; SP_RETRY: not over */

	/* outbox.c; the main thread's */
	char *place; /* its directory, NULL: not on disk */
	bool unsaved;
};

/* What is in the slot moves over.  NULL: no memory, the slot is as before. */
struct parcel *parcel_make(struct slot *s);
/* kept: what is on our disk of it stays there.  Takes NULL too. */
void parcel_free(struct parcel *p, bool kept);

/* The ends of logs and metrics of all of them, several at a time: for where
 * each is a question to somebody far away.  What could not be written now
 * parcel_prepare finds, and says. */
void parcel_tails(const struct tr_ops *ops, struct tr *tr, struct parcel *list);
/* Before it is committed: all that belongs before the outcome.  SP_OK: go on;
 * SP_LOST: its end is in the spool already, under its name; SP_RETRY: the spool
 * is away; SP_GONE: what is in $SPOOL_OUT is still being copied. */
enum sp_status parcel_prepare(const struct tr_ops *ops, struct tr *tr,
    struct parcel *p, struct sp_err *err);
/* Release or cancel it, as it says: p->came. */
void parcel_return(const struct tr_ops *ops, struct tr *tr, struct parcel *p,
    struct sp_err *err);
/* Say what came of it. */
void parcel_say(const struct parcel *p);

#endif
