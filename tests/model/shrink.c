/*
 * shrink.c - leave out events, actors and orders while a promise still breaks;
 * then say what is left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/plan.h"

static char words[512];
static const char *promise;

/* Does it still break, and the same? */
static bool
breaks(const struct plan *p, struct event *events, size_t n)
{
	struct world *w = malloc(sizeof *w), *outer = W;
	bool yes;

	if (w == NULL)
		abort();
	world_run(p, events, n, true, false, w);
	yes = w->promise != NULL && (promise == NULL || w->promise == promise);
	if (yes)
		promise = w->promise;
	if (yes)
		(void)memcpy(words, w->failed, sizeof words);
	world_clear(w);
	free(w);
	W = outer;
	return yes;
}

/* Leave out stretches, long ones first. */
static size_t
fewer(const struct plan *p, struct event *events, size_t n)
{
	struct event *some = malloc((n + 1) * sizeof *some);
	size_t len, at, left;

	if (some == NULL)
		abort();
	for (len = (n + 1) / 2; len > 0 && n > 0;
	     len = len == 1 ? 0 : (len + 1) / 2)
		for (at = 0; at < n;) {
			left = at + len > n ? n - at : len;
			(void)memcpy(some, events, at * sizeof *some);
			(void)memcpy(some + at, events + at + left,
			    (n - at - left) * sizeof *some);
			if (breaks(p, some, n - left)) {
				n -= left;
				(void)memcpy(events, some, n * sizeof *some);
			} else
				at += len;
		}
	free(some);
	return n;
}

/* Without any nothing comes to an end. */
static int
workers(const struct plan *p)
{
	int i, n = 0;

	for (i = 0; i < p->n; i++)
		n += p->slot[i].role == WORKER && !p->slot[i].off;
	return n;
}

/* Try a plan that is simpler. */
static void
simpler(struct plan *p, struct event *events, size_t n)
{
	struct plan was = *p;
	int i;

#define TRY(change)                                                            \
	do {                                                                   \
		change;                                                        \
		if (breaks(p, events, n))                                      \
			was = *p;                                              \
		else                                                           \
			*p = was;                                              \
	} while (0)
	for (i = 0; i < p->n; i++)
		if (!p->slot[i].off &&
		    (p->slot[i].role != WORKER || workers(p) > 1))
			TRY(p->slot[i].off = true);
	for (i = 0; i < HOSTS_MOST; i++)
		if (p->skew[i] != 0)
			TRY(p->skew[i] = 0);
	for (i = 0; i < p->n; i++)
		if (p->slot[i].host > 1)
			TRY(p->slot[i].host = 1);
	for (i = 1; i < was.orders; i++)
		TRY(p->orders = i);
	if (p->cache != 0)
		TRY(p->cache = 0);
	if (!p->journal)
		TRY(p->journal = true);
	if (p->soft)
		TRY(p->soft = false);
#undef TRY
}

void
shrink(struct plan *p, struct event *events, size_t n, const char *failed)
{
	size_t before = 0, was = n;
	int round;

	printf("BROKEN in the world of seed %llu: %s\n",
	    (unsigned long long)p->seed, failed);
	(void)snprintf(words, sizeof words, "%s", failed);
	promise = NULL;
	if (!breaks(p, events, n)) {
		printf("but not when it is told again\n");
		plan_print(p, events, n);
		return;
	}
	for (round = 0; round < 4 && before != n; round++) {
		before = n;
		n = fewer(p, events, n);
		simpler(p, events, n);
	}
	printf("shrunk from %zu events to %zu; model --replay with these "
	       "lines:\n# %s\n",
	    was, n, words);
	plan_print(p, events, n);
}
