/*
 * look.c - find orders in new/ that fit: as many are taken (take.c) as there
 * are free slots.  A listing is walked through a window (libspool/scan.h); what
 * was thought of an order is remembered, so its file is read once.
 *
 * A new listing is made when the last one is used up and something may have
 * changed (the wake handle, a commit, a free slot), or by a clock that slows
 * down while there is nothing; never faster than listing itself allows.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/log.h"
#include "workerd/boss.h"
#include "workerd/look.h"
#include "workerd/offer.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define BATCH       512   /* orders considered in one tick */
#define EMPTY_MS    50    /* after the first look in vain; doubled each time */
#define LOCAL_MS    30000 /* at most, with a wake handle that tells */
#define TROUBLE_MS  1000
#define COMPANY_MS  25  /* at most, that a free slot waits for others */
#define QUIET_MS    200 /* until we ask again whether a Boss has more */
#define DRAIN_LEAST 100
#define DRAIN_MOST  2000
#define MANY        1000 /* to go through so many takes */
#define COST_LEAST  5    /* ms, listed or not */
#define FORGET      4096 /* opinions kept beyond the length of the listing */

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* +-20 %: workers that were started together do not stay together. */
static int64_t
jitter(int64_t ms)
{
	return ms * 4 / 5 + (int64_t)(sp_dice() % 1024) * ms * 2 / 5 / 1024;
}

void
look_soon(struct worker *w)
{
	w->look.dirty = true;
	w->look.nothing = false;
	w->look.drained_delay = 0;
}

void
look_more(struct worker *w)
{
	struct look *l = &w->look;

	if (l->over || l->passed || w->ops->wake(w->tr) < 0) {
		look_soon(w);
		return;
	}
	l->nothing = false;
	l->drained_delay = 0;
}

void
look_pause(struct worker *w, int64_t now, int64_t ms)
{
	w->look.pause = now + ms;
}

void
look_clear(struct worker *w)
{
	sp_window_clear(&w->look.window);
	verdict_clear(&w->look.seen);
	cool_clear(w);
}

/* Which of a window is next need not surprise anybody. */
static uint32_t
dice(struct look *l)
{
	if (l->dice == 0)
		l->dice = sp_dice() | 1;
	l->dice ^= l->dice << 13;
	l->dice ^= l->dice >> 17;
	l->dice ^= l->dice << 5;
	return l->dice;
}

/* ---- the window ---- */

bool
look_may(struct worker *w, int64_t now)
{
	return w->terms == 0 && !wish_drained(w) && w->claims_left != 0 &&
	    !w->heart.away && now >= w->look.pause && !w->floor.low &&
	    health_lets(w, now) && slot_free(w) != NULL &&
	    !commit_full_is(&w->commit);
}

static int64_t
slowest(const struct worker *w)
{
	return w->ops->wake(w->tr) >= 0 ? LOCAL_MS
					: (int64_t)(w->policy->poll * 1000);
}

static bool
relist(struct worker *w, int64_t now)
{
	struct sp_names names = { 0 };
	struct look *l = &w->look;
	struct sp_err err = { "" };
	enum sp_status st;

	/* Before the listing: what changes during it counts as later. */
	l->dirty = false;
	st = w->ops->list(w->tr, &names, &err);
	if (st == SP_OK && l->seen.n > names.n + FORGET)
		verdict_clear(&l->seen);
	/* Nothing new: the window goes on where it is, or begins again with
	 * those that were not for us then. */
	if (st == SP_LOST && l->over)
		sp_window_again(&l->window);
	if (st == SP_LOST)
		st = SP_OK;
	else if (st == SP_OK)
		st = sp_window_fill(&l->window, &names, w->ops->workers(w->tr));
	sp_names_clear(&names);
	l->last = sp_mono_ms();
	l->cost = l->last - now;
	if (l->cost < COST_LEAST && l->window.names.n > MANY)
		l->cost = COST_LEAST;
	l->again = FAR;
	l->claims = 0;
	l->passed = false;
	l->over = st != SP_OK;
	if (st == SP_OK)
		return true;
	l->dirty = true;
	look_pause(w, now, TROUBLE_MS);
	if (sp_warn_due("list"))
		sp_warn("list: %s", err.text);
	return false;
}

/* All of the listing was tried. */
static void
used_up(struct worker *w, int64_t now)
{
	struct look *l = &w->look;
	int64_t wait = slowest(w);

	l->over = true;
	l->dirty = l->dirty || l->claims > 0;
	l->nothing = l->claims == 0 && !l->dirty;
	if (l->claims > 0)
		l->empty = 0;
	else if (l->empty < 16)
		l->empty++;
	if (l->empty < 16)
		wait = least(wait, (int64_t)EMPTY_MS << l->empty);
	l->next = least(now + jitter(wait), l->again);
}

/* Far away, short jobs that were claimed together end together: then all of
 * their slots are filled together again, if the first waits a little for the
 * others.  0: no need to. */
static int64_t
company(const struct worker *w)
{
	bool busy = false;
	int i;

	for (i = 0; i < w->opt.slots; i++)
		busy = busy || w->slot[i].state != SLOT_FREE;
	return w->far && busy
	    ? w->look.freed_at + least(w->look.claim_ms / 4, COMPANY_MS)
	    : 0;
}

int64_t
look_tick(struct worker *w, int64_t now)
{
	struct look *l = &w->look;
	const char *text;
	unsigned before;
	int64_t due;
	int n;

	if (!look_may(w, now))
		return now < l->pause ? l->pause : FAR;
	if (now < (due = company(w)))
		return due;
	/* A newer listing may have something more urgent, too. */
	due = l->over ? l->next : FAR;
	if (l->dirty)
		due = least(due,
		    l->last + l->cost * 2 +
			(l->over ? 0 : EMPTY_MS + l->cost * 8));
	if (now < due && l->over)
		return due;
	if (now >= due && !relist(w, now))
		return l->pause;

	before = l->claims;
	for (n = 0; n < BATCH && look_may(w, now); n++) {
		text = sp_window_next(&l->window, dice(l));
		if (text != NULL)
			take_try(w, text, now);
		if (text == NULL || take_full(w))
			take_all(w, now);
		if (text != NULL && l->over) {
			take_all(w, now);
			return l->next; /* a bundle was opened: list */
		}
		if (text == NULL) {
			used_up(w, now);
			return l->claims > before ? now : l->next;
		}
	}
	take_all(w, now);
	return now;
}

/* ---- is that all? ---- */

/* What lies in new/ and never fits here. */
static enum sp_status
unfit(struct look *l, struct sp_names *names)
{
	const struct sp_names *all = &l->window.names;
	const struct opinion *o;
	enum sp_status st = SP_OK;
	size_t i;

	for (i = 0; i < all->n && st == SP_OK; i++) {
		o = verdict_get(&l->seen, sp_names_at(all, i));
		if (o != NULL && o->verdict == VERDICT_NEVER)
			st = sp_names_add(names, sp_names_at(all, i));
	}
	return st; /* sorted, as the listing is */
}

static bool
drained(struct worker *w)
{
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	bool yes = false;
	enum sp_status st;

	st = unfit(&w->look, &names);
	if (st == SP_OK)
		st = w->ops->drained(w->tr, &names, &yes, &err);
	if (st != SP_OK && sp_warn_due("drained"))
		sp_warn("drain: %s", err.text);
	if (yes && names.n > 0)
		sp_info(
		    "drain leaves=%zu: they do not fit this worker", names.n);
	sp_names_clear(&names);
	return yes;
}

int64_t
look_drained_tick(struct worker *w, int64_t now)
{
	struct look *l = &w->look;

	if (!(w->opt.drain || w->opt.once) || !worker_idle_is(w))
		return FAR;
	if (w->claims_left == 0) {
		w->done = true;
		return FAR;
	}
	if (w->wish.is.drain) {
		sp_info("drain: nothing may be claimed (spool drain)");
		w->done = true;
		return FAR;
	}
	if (health_guilty_is(w)) {
		sp_info("drain: nothing may be claimed (bad-host)");
		w->done = true;
		return FAR;
	}
	if (!l->over || !l->nothing)
		return FAR;
	/* A Boss may have more. */
	if (!boss_quiet(w))
		return now + QUIET_MS;
	if (w->opt.once) {
		sp_info("once: nothing to claim");
		w->done = true;
		return FAR;
	}
	if (now < l->drained_at && l->drained_delay > 0)
		return l->drained_at;
	if (drained(w)) {
		sp_info("drain: nothing is left to claim");
		w->done = true;
		return FAR;
	}
	l->drained_delay =
	    l->drained_delay == 0 ? DRAIN_LEAST : l->drained_delay * 2;
	l->drained_delay = least(l->drained_delay, DRAIN_MOST);
	l->drained_at = now + l->drained_delay;
	/* Somebody may have moved something since: look again as well. */
	l->next = least(l->next, l->drained_at);
	return l->drained_at;
}
