/*
 * beat.c - say that we live and what we run; then compare what the spool says
 * we hold with what we run.  A name we do not run goes back (a claim whose
 * answer was lost); a run without its name is stopped, for the rename has
 * decided already.
 *
 * A spool that is away stops no work: only order.exclusive asks for that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/log.h"
#include "workerd/beat.h"
#include "workerd/offer.h"
#include "workerd/outcopy.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define CHANGED_MS   1000 /* between beats that only say what has changed, */
#define CHANGED_COST 20   /* or so many times as long as one takes */

void
beat_init(struct worker *w)
{
	struct sp_beat *b = &w->heart.self;

	(void)memset(b, 0, sizeof *b);
	sp_beat_self(b);
	(void)snprintf(
	    b->worker, sizeof b->worker, "%s", w->ops->worker(w->tr));
	(void)snprintf(b->role, sizeof b->role, "worker");
	b->slots = w->opt.slots;
	b->cpus = w->cpus;
	b->memory = w->memory;
	b->running = calloc((size_t)w->opt.slots, sizeof *b->running);
	b->tags = calloc(SP_TAGS_MOST, sizeof *b->tags);
	b->looked.declined = calloc(SP_DECLINES, sizeof *b->looked.declined);
	b->gpu = calloc(SP_GPU_MOST, sizeof *b->gpu);
	if (b->running == NULL || b->tags == NULL || b->gpu == NULL ||
	    b->looked.declined == NULL)
		abort(); /* at start-up */
	while (b->tags_n < w->opt.tags_n && b->tags_n < SP_TAGS_MOST) {
		(void)snprintf(b->tags[b->tags_n], sizeof *b->tags, "%s",
		    w->opt.tags[b->tags_n]);
		b->tags_n++;
	}
	w->heart.good = sp_mono_ms();
}

void
beat_clear(struct worker *w)
{
	sp_beat_clear(&w->heart.self);
	sp_names_clear(&w->heart.ours);
	sp_names_clear(&w->heart.stale);
	sp_names_clear(&w->heart.cancel);
}

void
beat_soon(struct worker *w)
{
	w->heart.changed = true;
}

bool
beat_trusted(const struct worker *w, int64_t now)
{
	return (double)(now - w->heart.good) < w->policy->fence * 1000 / 2;
}

/* Will it claim nothing, whatever comes?  One with --drain does claim. */
static bool
closing_is(const struct worker *w)
{
	return w->terms > 0 || w->claims_left == 0 || w->wish.is.drain;
}

static void
note(struct worker *w, struct sp_beat *b)
{
	size_t n = commit_stuck(&w->commit);

	sp_text_cut(b->note, sizeof b->note,
	    w->health.words[0] != '\0' ? w->health.words : w->floor.words);
	if (n > 0 && b->note[0] == '\0')
		(void)snprintf(b->note, sizeof b->note,
		    "%zu that ended could not be handed over yet", n);
}

static void
fill(struct worker *w, int64_t now)
{
	struct sp_beat *b = &w->heart.self;
	int i;

	b->running_n = 0;
	for (i = 0; i < w->opt.slots; i++)
		if (w->slot[i].state != SLOT_FREE)
			(void)memcpy(b->running[b->running_n++],
			    w->slot[i].text, SP_NAME_MAX);
	note(w, b);
	b->tally = w->health.tally;
	(void)snprintf(b->state, sizeof b->state, "%s",
	    w->wish.is.drain && worker_idle_is(w) ? "drained"
		: closing_is(w)                   ? "draining"
		: health_guilty_is(w)             ? "bad-host"
		: w->floor.low                    ? "short"
		: b->running_n > 0                ? "busy"
						  : "idle");
	offer_beat(w, b);
	gpu_beat(w, b);
	looked_beat(w, b, now);
}

static struct slot *
slot_of(struct worker *w, const char *name)
{
	int i;

	for (i = 0; i < w->opt.slots; i++)
		if (w->slot[i].state != SLOT_FREE &&
		    strcmp(w->slot[i].text, name) == 0)
			return &w->slot[i];
	return NULL;
}

static enum sp_status
list_held(struct worker *w)
{
	struct sp_err err = { "" };
	struct heart *h = &w->heart;
	enum sp_status st;

	st = w->ops->held(w->tr, &h->ours, &h->stale, &h->cancel, &err);
	if (st != SP_OK && sp_warn_due("held"))
		sp_warn("look at assigned/: %s", err.text);
	return st;
}

/* What carries our W and is not ours to run. */
static void
give_back(struct worker *w)
{
	struct sp_err err;
	struct sp_name name;
	const char *text;
	enum sp_status st;
	size_t i;

	for (i = 0; i < w->heart.ours.n; i++) {
		text = sp_names_at(&w->heart.ours, i);
		if (slot_of(w, text) != NULL ||
		    commit_holds(&w->commit, text) ||
		    sp_name_parse(text, &name) != SP_OK)
			continue;
		sp_err_clear(&err);
		st = w->ops->release(w->tr, &name, TR_BACK, "back",
		    "claimed, but the answer was lost", &err);
		if (st == SP_OK)
			sp_info("release order=%s: we hold it and do not run "
				"it",
			    name.id.text);
		else if (st != SP_LOST && sp_warn_due(text))
			sp_warn("release order=%s: %s", name.id.text, err.text);
	}
}

/* Runs whose name is gone, or that somebody wants to be cancelled. */
static void
compare(struct worker *w, int64_t now)
{
	bool missing = false;
	int i, pass;

	/* Twice, freshly listed: it is three days of work. */
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < w->opt.slots; i++) {
			struct slot *s = &w->slot[i];

			if (s->state == SLOT_FREE || s->state == SLOT_GIVES)
				continue;
			if (sp_names_has(&w->heart.ours, s->text))
				s->missing = 0;
			else if (s->missing++ == 0)
				missing = true;
			else
				slot_stop(s, STOP_GONE,
				    "the order was taken from us", now);
		}
		if (!missing || list_held(w) != SP_OK)
			break;
	}
	for (i = 0; i < w->opt.slots; i++)
		if ((w->slot[i].state == SLOT_RUNS ||
			w->slot[i].state == SLOT_COUNTS ||
			w->slot[i].state == SLOT_STAGES) &&
		    sp_names_has(&w->heart.cancel, w->slot[i].name.id.text))
			slot_stop(&w->slot[i], STOP_CANCEL, "cancelled", now);
}

static void
beat(struct worker *w, int64_t now)
{
	struct heart *h = &w->heart;
	struct sp_err err = { "" };
	enum sp_status st;
	size_t i;
	int k;

	if (!h->away)
		wish_look(w, now);
	pulse_lock(w);
	fill(w, now);
	st = pulse_beat(w, now, &err);
	pulse_unlock(w);
	if (st != SP_OK) {
		if (!h->away || sp_warn_due("beat"))
			sp_warn("beat failed: %s; jobs go on", err.text);
		h->away = true;
		return;
	}
	h->changed = false;
	if (h->away) {
		sp_info("beat back: the spool is there again");
		commit_hurry(&w->commit);
		for (k = 0; k < w->opt.slots; k++)
			if (w->slot[k].copy != NULL)
				outcopy_hurry(w->slot[k].copy);
	}
	if (h->away)
		wish_look(w, now);
	h->away = false;
	if (list_held(w) != SP_OK)
		return;
	give_back(w);
	compare(w, now);
	for (i = 0; i < h->stale.n; i++)
		if (!commit_holds(&w->commit, sp_names_at(&h->stale, i)) &&
		    sp_warn_due(sp_names_at(&h->stale, i)))
			sp_debug(
			    "stale order=%s: an earlier worker of our name "
			    "held it; the reaper decides",
			    sp_names_at(&h->stale, i));
}

/* Now and then: what ended attempts have left, and whose is what. */
static void
left_over(struct worker *w)
{
	const struct group *keep[SLOTS_MOST + WARM_GROUPS];
	int i;

	kin_sweep(w);
	kin_note(w);
	for (i = 0; i < w->opt.slots; i++)
		keep[i] = &w->slot[i].group;
	i += warm_groups(w, keep + i);
	cgroup_sweep(&w->cgroup, keep, i);
}

int64_t
beat_tick(struct worker *w, int64_t now)
{
	struct heart *h = &w->heart;
	int64_t due = h->next, soon;

	soon = h->cost * CHANGED_COST;
	soon = h->tried + (soon > CHANGED_MS ? soon : CHANGED_MS);
	if (h->changed && soon < due)
		due = soon;
	if (now < due)
		return due;
	h->tried = now;
	h->next = now + (int64_t)(w->policy->beat * 1000);
	beat(w, now);
	h->cost = sp_mono_ms() - now;
	left_over(w);
	return h->next;
}
