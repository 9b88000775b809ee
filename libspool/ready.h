/*
 * ready.h - what of new/ may be claimed now, for whoever claims or lists for
 * those who do: the listing, with drops admitted on the way; may an order run;
 * is anything left that comes by itself.
 */
#ifndef SP_READY_H
#define SP_READY_H

#include <pthread.h>

#include "libspool/job.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

/* What is known for a while.  One thread at a time, sp_ready_now apart. */
struct sp_ready {
	const struct sp_spool *spool;
	struct sp_names hold, cancel; /* marks, */
	int64_t marks_at;             /* listed then; -1: anew, next time */
	pthread_mutex_t clock;        /* for the next two */
	int64_t server_ms, server_at; /* the server's clock, asked then */
};

/* The spool is borrowed, and does not move. */
void sp_ready_init(struct sp_ready *r, const struct sp_spool *spool);
void sp_ready_clear(struct sp_ready *r);

/* hold/ and cancel/, listed afresh at most once a second. */
enum sp_status sp_ready_marks(struct sp_ready *r, struct sp_err *err);
/* The server's clock by ours, asked for afresh every ten seconds; by any
 * thread. */
enum sp_status
sp_ready_now(struct sp_ready *r, int64_t *now_out, struct sp_err *err);

/* Canonical names waiting in new/, in dispatch order; raw drops that are whole
 * are admitted on the way (some of them, when there are many), young ones are
 * left. */
enum sp_status sp_ready_list(
    struct sp_ready *r, struct sp_names *names_out, struct sp_err *err);
/* May it run now: not held, not cancelled, due, its dependencies done?
 * SP_OK: yes.  SP_LOST: not now (it was or will be moved). */
enum sp_status sp_ready_is(struct sp_ready *r, const struct sp_name *name,
    const struct sp_job *job, struct sp_err *err);

/* readyleft.c: nothing claimable is left: nothing in new/ but `unfit` (sorted),
 * no raw drop on its way, nothing in waiting/ that becomes claimable by itself
 * before long. */
enum sp_status sp_ready_drained(struct sp_ready *r,
    const struct sp_names *unfit, bool *drained_out, struct sp_err *err);

#endif
