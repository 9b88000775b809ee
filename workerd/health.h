/*
 * health.h - is it the job, or is it us?
 */
#ifndef WORKER_HEALTH_H
#define WORKER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/outcome.h"
#include "libspool/streak.h"

struct slot;
struct worker;

struct health {
	struct sp_tally tally;
	struct sp_streak row;
	char last[160];   /* how the last of the row ended */
	char words[256];  /* why nothing is claimed, "" when it is */
	int64_t next;     /* ask others again */
	int64_t claim_at; /* no claims before */
	int64_t delay;    /* that made it so */
	bool probing;
};

void health_init(struct worker *w);
/* It is about to be started. */
void health_claims(struct worker *w, struct slot *s);
void health_runs(struct worker *w, struct slot *s, int64_t now);
/* It ended by itself, with s->status; words: as told to people.  True: that is
 * this host's fault, and others may do better. */
bool health_ended(
    struct worker *w, struct slot *s, enum sp_cause cause, const char *words);
/* It is over, however. */
void health_over(struct worker *w, struct slot *s);
/* Somebody says that all is well again. */
void health_forgive(struct worker *w);
bool health_guilty_is(const struct worker *w);
/* May anything be claimed? */
bool health_lets(const struct worker *w, int64_t now);
int64_t health_tick(struct worker *w, int64_t now);

#endif
