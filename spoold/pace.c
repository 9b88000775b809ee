/*
 * pace.c - when to act on events: soon after a rest, and in bursts the more
 * seldom the longer the work takes.  Pure.
 */
#include "spoold/daemon.h"

/* No sooner than delay from now; nor than a pause after the last time, which
 * is share times what that took, least..most.  A time already set is only ever
 * brought forward. */
void
pace_wake(struct pace *pace, int64_t now, int64_t delay, int64_t least,
    int64_t share, int64_t most)
{
	int64_t pause = pace->took * share, at = now + delay;

	pause = pause < least ? least : pause > most ? most : pause;
	if (at < pace->ended + pause)
		at = pace->ended + pause;
	if (at < pace->at)
		pace->at = at;
}

void
pace_done(struct pace *pace, int64_t began, int64_t ended)
{
	pace->at = NEVER;
	pace->ended = ended;
	pace->took = ended - began;
}
