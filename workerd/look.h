/*
 * look.h - find orders that fit (look.c), claim them, start them (take.c); and
 * what was declined, for the beat (looked.c).
 */
#ifndef WORKER_LOOK_H
#define WORKER_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/beat.h"
#include "libspool/name.h"
#include "libspool/scan.h"
#include "workerd/cool.h"
#include "workerd/verdict.h"

struct worker;

#define LOOK_AT_ONCE 16 /* claims under way */

struct look {
	struct sp_window window;
	struct verdicts seen;
	bool over;          /* the window is used up */
	bool passed;        /* something of it was left where it is */
	bool nothing;       /* the last whole pass claimed nothing */
	bool dirty;         /* something may have changed since the listing */
	unsigned claims;    /* in this pass */
	unsigned empty;     /* passes without a claim, in a row */
	int64_t last, cost; /* when the last listing ended, what it took */
	int64_t next;       /* look by the clock */
	int64_t again;      /* a verdict runs out */
	int64_t pause;      /* no claims before */
	int64_t drained_at; /* ask then whether all is done */
	int64_t drained_delay;
	/* What fits and is about to be claimed; what these have asked for is
	 * not free any more (offer.c). */
	struct sp_name taking[LOOK_AT_ONCE];
	size_t taking_n;
	double taking_cpus;
	int64_t taking_memory;
	int64_t freed_at; /* when a slot last became free */
	int64_t claim_ms; /* what the last claim, or some together, took */
	uint32_t dice;
	struct cool *cool; /* preempted at once: not claimed at once */
	size_t cool_n, cool_cap;
};

/* What we left to others (looked.c). */
struct looked {
	struct {
		char name[SP_NAME_MAX];
		char why[128];
	} row[SP_DECLINES];
	size_t n, next;
	int64_t orders; /* looked at since we last said so */
	int64_t said;   /* when that was, 0: never */
};

int64_t look_tick(struct worker *w, int64_t now);
void look_soon(struct worker *w);
/* More may be taken than before: look again at what was left, if there is such;
 * what comes to new/ the wake handle tells. */
void look_more(struct worker *w);
/* No claims for a while: it is the host that has trouble. */
void look_pause(struct worker *w, int64_t now, int64_t ms);
/* May anything be claimed at all now? */
bool look_may(struct worker *w, int64_t now);
/* Is there nothing left to claim (--drain, --once)?  Sets w->done. */
int64_t look_drained_tick(struct worker *w, int64_t now);
void look_clear(struct worker *w);

/* take.c: an order of the listing.  What fits is claimed and started now, or
 * waits for take_all; take_full: there is no room for more. */
void take_try(struct worker *w, const char *name, int64_t now);
bool take_full(const struct worker *w);
void take_all(struct worker *w, int64_t now);

/* looked.c: what we looked at and declined, for the beat. */
void looked_at(struct worker *w);
void looked_declined(struct worker *w, const char *name, const char *why);
void looked_beat(struct worker *w, struct sp_beat *beat, int64_t now);

#endif
