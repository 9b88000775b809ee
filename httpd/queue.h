/*
 * queue.h - what of new/ may be claimed, as the server knows it: names in
 * dispatch order and what each asks for.  A hint and no more: a claim is won by
 * sp_claim alone, and everything here can be found again by listing.
 */
#ifndef HTTPD_QUEUE_H
#define HTTPD_QUEUE_H

#include "httpd/http.h"
#include "libspool/fit.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

#define QUEUE_SEEN 40

struct queue;

struct queue *queue_new(struct server *s);
void queue_free(struct queue *q);
/* The state of the queue: it changes when something may have become claimable.
 */
void queue_seen(struct queue *q, char seen_out[QUEUE_SEEN]);
/* Something may have. */
void queue_news(struct queue *q);

struct queue_pick {
	const char *after;            /* only names behind it; "" */
	const struct sp_offer *offer; /* only what fits it; NULL: anything */
	bool all;                     /* also what may not run now */
	size_t limit;
};

/* Names, in dispatch order, up to `limit`; *more_out: there are others. */
enum sp_status queue_list(struct queue *q, const struct queue_pick *pick,
    struct sp_names *names_out, bool *more_out, struct sp_err *err);

/* Claim the first that fits, for the W of `view`.  SP_GONE: there is none now.
 */
enum sp_status queue_claim(struct queue *q, const struct sp_spool *view,
    const struct sp_offer *offer, struct sp_name *claimed_out,
    struct sp_buf *text_out, struct sp_err *err);

/* Nobody is given this one until queue_let; entry_out NULL: it is not in the
 * list.  false: another thread is at it. */
struct entry;
bool queue_hold(
    struct queue *q, const struct sp_name *name, struct entry **entry_out);
/* gone: it has left new/, so that it is not given to anybody later: its W would
 * be told that the claim is its, for it is. */
void queue_let(struct queue *q, struct entry *entry, bool gone);

/* May it run now?  As sp_ready_is. */
enum sp_status queue_may(struct queue *q, const struct sp_name *name,
    const struct sp_job *job, struct sp_err *err);
enum sp_status queue_drained(struct queue *q, const struct sp_names *unfit,
    bool *drained_out, struct sp_err *err);

#endif
