/*
 * commit.h - what attempts that are over leave is handed over on a thread of
 * its own: outcomes committed, many at a time, orders given back.
 */
#ifndef WORKER_COMMIT_H
#define WORKER_COMMIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/err.h"
#include "transport/transport.h"

struct parcel;

struct commit {
	const struct tr_ops *ops;
	struct tr *tr;
	pthread_t thread;
	bool running;
	int event; /* readable when something was done */
	bool far;  /* each question takes its time */

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t wake;
	struct parcel *queue; /* newest first */
	struct parcel *hand;  /* being handed over */
	struct parcel *done;  /* for the main thread to report */
	size_t pending;       /* queue and hand */
	size_t waiting;       /* of hand, for no more than their copies */
	bool stuck;           /* the last try failed for some */
	bool hurry;           /* try again now */
	bool gathers;         /* it waits for more to come */
	bool more;            /* may come: something runs */
	int64_t gathered;
	bool stop;  /* when nothing is pending, */
	bool leave; /* or whatever is */
};

/* commithand.c: what the thread runs, and how many do not wait for more. */
#define GATHER_MOST 64
void *commit_thread(void *commit);

enum sp_status commit_open(struct commit *c, const struct tr_ops *ops,
    struct tr *tr, bool far, struct sp_err *err);
/* It is the thread's now, but for what outbox.c does with it. */
void commit_put(struct commit *c, struct parcel *p);
/* Does anything run that may end soon?  Else nothing is waited for. */
void commit_more(struct commit *c, bool more);
bool commit_holds(struct commit *c, const char *name);
bool commit_idle_is(struct commit *c);
/* How many wait after a try in vain. */
size_t commit_stuck(struct commit *c);
/* Outcomes pile up or cannot be written: claim no more. */
bool commit_full_is(struct commit *c);
/* The spool is back: try at once. */
void commit_hurry(struct commit *c);
/* Report what was done; the number of orders.  Called by the thread that calls
 * commit_unsaved. */
size_t commit_done(struct commit *c);
/* One that has waited since `before` and that nobody has tried to save; NULL:
 * next_out says when there may be one.  It stays until the next commit_done. */
struct parcel *
commit_unsaved(struct commit *c, int64_t before, int64_t *next_out);
/* All that is pending has been tried in vain and is on disk. */
bool commit_saved_is(struct commit *c);
/* Wait until all is handed over; with leave only for what is being tried: the
 * rest stays where outbox.c has put it. */
void commit_close(struct commit *c, bool leave);

#endif
