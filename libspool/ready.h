/*
 * ready.h - what of new/ may be claimed now, for whoever claims or lists for
 * those who do: the listing, with drops admitted on the way; may an order run;
 * is anything left that comes by itself.
 */
#ifndef SP_READY_H
#define SP_READY_H

#include <pthread.h>
#include <sys/stat.h>

#include "libspool/job.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

#define SP_READY_HEAD  256  /* lines of index/ready.jsonl at most */
#define SP_READY_NAMES 4096 /* of index/ready.names, for those who are near */

/* What index/ready.jsonl or ready.names said (readyhint.c). */
struct sp_hint {
	struct stat was;
	bool seen;  /* was is filled */
	bool moved; /* it was seen to change: at `changed` last */
	bool good;  /* names is what it says, */
	bool news;  /* and nobody was told yet */
	int64_t changed, read_at;
	int64_t looked;
	bool useful;               /* some of it was there, or taken, since */
	int64_t full_at;           /* when new/ was listed all the same */
	int64_t full_cost;         /* and how long that took */
	bool gone[SP_READY_NAMES]; /* names[i] is not in new/ any more */
	struct sp_names names;
	size_t lines;
};

/* What is known for a while.  One thread at a time, sp_ready_now apart. */
struct sp_ready {
	const struct sp_spool *spool;
	struct sp_names hold, cancel; /* marks, */
	int64_t marks_at;             /* listed then; -1: anew, next time */
	pthread_mutex_t clock;        /* for the next two */
	int64_t server_ms, server_at; /* the server's clock, asked then */
	struct sp_hint hint;
};

/* The spool is borrowed, and does not move. */
void sp_ready_init(struct sp_ready *r, const struct sp_spool *spool);
void sp_ready_clear(struct sp_ready *r);

/* hold/ and cancel/ were listed, by somebody else, and are these names. */
enum sp_status sp_ready_marked(struct sp_ready *r, const struct sp_names *hold,
    const struct sp_names *cancel);
/* Is new/ so long that listing it is dear also where it lies? */
bool sp_ready_long_is(const struct sp_spool *spool);

/* hold/ and cancel/, listed afresh at most once a second. */
enum sp_status sp_ready_marks(struct sp_ready *r, struct sp_err *err);
/* The server's clock by ours, asked for afresh every ten seconds; by any
 * thread. */
enum sp_status
sp_ready_now(struct sp_ready *r, int64_t *now_out, struct sp_err *err);

/* Canonical names waiting in new/, in dispatch order, those of bundles among
 * them (bundle.h: who comes to one opens it, and lists again); raw drops that
 * are whole are admitted on the way (some of them, when there are many), young
 * ones are left.  Where a listing is dear, over there and where new/ is long,
 * and while a spoold publishes the head of the queue, that is looked at
 * instead, and what it holds back is found by a listing now and then; drops are
 * spoold's. SP_LOST: nothing is known that the last one did not say. */
enum sp_status sp_ready_list(
    struct sp_ready *r, struct sp_names *names_out, struct sp_err *err);
/* For those who claim no bundles: take them off such a list.  The first is
 * opened, if it is near the head; *more_out: so list again. */
enum sp_status sp_ready_orders(struct sp_ready *r, struct sp_names *names,
    bool *more_out, struct sp_err *err);
/* It is not there any more: what was published may say so for a while yet. */
void sp_ready_gone(struct sp_ready *r, const struct sp_name *name);
/* Does the head of the queue say that a spoold lives?  Looked at once a beat,
 * if nobody lists. */
bool sp_ready_spoold_is(struct sp_ready *r, int64_t now);
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
