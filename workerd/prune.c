/*
 * prune.c - the thread of order.prune: it follows what runs, and compares it
 * with its peers (prunepeer.c).  Stopping is the main thread's business.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/prune.h"
#include "workerd/prunepeer.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define FAR_MS     1000
#define STACK_SIZE (1 << 20)

/* One that runs. */
struct row {
	bool on;
	unsigned serial; /* which attempt of the slot this is */
	struct sp_id id;
	struct sp_sweep sweep;
	struct sp_prune prune;
	double most;   /* the script's own last step, as far as it says */
	size_t judged; /* rungs at which it was */
	bool said;     /* it is to be stopped, and its slot does not know yet */
	double own, step;
	char words[SP_PRUNE_WORDS];
};

struct pruning {
	struct worker *w;
	pthread_t thread;
	pthread_mutex_t lock; /* for closing and row */
	pthread_cond_t wake;
	bool closing, running;
	struct row *row; /* of each slot */
	struct row *now; /* the thread's copy */
	struct prune_peers *peers;
};

/* ---- the thread ---- */

/* Judge one at the rungs that it has come to since the last time. */
static void
look(struct pruning *p, struct row *r)
{
	struct sp_err err = { "" };
	size_t come = 0;

	if (prunepeer_own(
		p->peers, &r->sweep, &r->prune, &r->id, &come, &err) != SP_OK) {
		if (sp_warn_due("prune"))
			sp_warn(
			    "prune order=%s waits: %s", r->id.text, err.text);
		return;
	}
	if (come <= r->judged ||
	    prunepeer_look(p->peers, &r->sweep, &r->prune, &r->id, r->judged) !=
		SP_OK)
		return;
	for (; r->judged < come && !r->said; r->judged++) {
		r->step = sp_prune_rung(&r->prune, r->judged);
		/* At its own end it is not worth stopping. */
		if (r->most > 0 && r->step >= r->most - 1)
			break;
		r->said = !prunepeer_judge(p->peers, &r->sweep, &r->prune,
		    &r->id, r->judged, &r->own, r->words);
	}
}

static void
rest(struct pruning *p, int64_t ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!p->closing &&
	    pthread_cond_timedwait(&p->wake, &p->lock, &until) != ETIMEDOUT)
		;
}

static bool
any_is(const struct pruning *p)
{
	int i;

	for (i = 0; i < p->w->opt.slots; i++)
		if (p->row[i].on && !p->row[i].said)
			return true;
	return false;
}

/* What was found out, where the slot has the same attempt still. */
static bool
take_back(struct pruning *p)
{
	bool said = false;
	int i;

	for (i = 0; i < p->w->opt.slots; i++) {
		struct row *r = &p->row[i];

		if (!r->on || !p->now[i].on || r->serial != p->now[i].serial)
			continue;
		*r = p->now[i];
		said = said || r->said;
	}
	return said;
}

static void *
follow(void *arg)
{
	const uint64_t one = 1;
	struct pruning *p = arg;
	int64_t began, cost, least = p->w->far ? FAR_MS : PRUNE_MS;
	int i;

	(void)pthread_mutex_lock(&p->lock);
	while (!p->closing) {
		if (!any_is(p)) {
			(void)pthread_cond_wait(&p->wake, &p->lock);
			continue;
		}
		for (i = 0; i < p->w->opt.slots; i++)
			p->now[i] = p->row[i];
		(void)pthread_mutex_unlock(&p->lock);
		began = sp_mono_ms();
		for (i = 0; i < p->w->opt.slots; i++)
			if (p->now[i].on && !p->now[i].said)
				look(p, &p->now[i]);
		cost = sp_mono_ms() - began;
		(void)pthread_mutex_lock(&p->lock);
		if (take_back(p))
			(void)!write(p->w->bringing.event, &one, sizeof one);
		rest(p, 9 * cost > least ? 9 * cost : least);
	}
	p->running = false;
	(void)pthread_cond_broadcast(&p->wake);
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* ---- the main thread's side ---- */

static bool
thread_start(struct pruning *p)
{
	pthread_attr_t attr;
	int err;

	if (pthread_attr_init(&attr) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	p->running = true;
	err = pthread_create(&p->thread, &attr, follow, p);
	(void)pthread_attr_destroy(&attr);
	p->running = err == 0;
	return err == 0;
}

static void
pruning_free(struct pruning *p)
{
	prunepeer_free(p->peers);
	(void)pthread_cond_destroy(&p->wake);
	(void)pthread_mutex_destroy(&p->lock);
	free(p->row);
	free(p->now);
	free(p);
}

static struct pruning *
pruning_new(struct worker *w)
{
	struct pruning *p = calloc(1, sizeof *p);
	pthread_condattr_t attr;

	if (p == NULL)
		return NULL;
	p->w = w;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	p->row = calloc((size_t)w->opt.slots, sizeof *p->row);
	p->now = calloc((size_t)w->opt.slots, sizeof *p->now);
	p->peers = prunepeer_new(w->direct, w->tr);
	if (p->row != NULL && p->now != NULL && p->peers != NULL &&
	    thread_start(p))
		return p;
	pruning_free(p);
	return NULL;
}

void
prune_begin(struct worker *w, struct slot *s)
{
	struct row *r;

	if (s->job.prune.method == SP_PRUNE_NO || w->direct->curve == NULL)
		return;
	if (w->pruning == NULL && (w->pruning = pruning_new(w)) == NULL) {
		sp_warn("prune order=%s: no thread for that; it runs to its "
			"end",
		    s->name.id.text);
		return;
	}
	r = &w->pruning->row[s - w->slot];
	(void)pthread_mutex_lock(&w->pruning->lock);
	*r = (struct row){ .on = true,
		.serial = s->serial,
		.id = s->name.id,
		.sweep = s->job.sweep,
		.prune = s->job.prune,
		.most = s->job.steps > 0 ? s->job.steps : s->job.epochs };
	(void)pthread_cond_broadcast(&w->pruning->wake);
	(void)pthread_mutex_unlock(&w->pruning->lock);
}

void
prune_end(struct worker *w, struct slot *s)
{
	if (w->pruning == NULL)
		return;
	(void)pthread_mutex_lock(&w->pruning->lock);
	w->pruning->row[s - w->slot].on = false;
	(void)pthread_mutex_unlock(&w->pruning->lock);
}

bool
prune_said(struct worker *w, const struct slot *s,
    char words_out[SP_PRUNE_WORDS], double *own_out, double *step_out)
{
	struct row *r;
	bool said;

	if (w->pruning == NULL || s->job.prune.method == SP_PRUNE_NO)
		return false;
	(void)pthread_mutex_lock(&w->pruning->lock);
	r = &w->pruning->row[s - w->slot];
	said = r->on && r->said && r->serial == s->serial;
	if (said) {
		(void)memcpy(words_out, r->words, SP_PRUNE_WORDS);
		*own_out = r->own;
		*step_out = r->step;
		r->on = false;
	}
	(void)pthread_mutex_unlock(&w->pruning->lock);
	return said;
}

bool
prune_close(struct worker *w, int ms)
{
	struct pruning *p = w->pruning;
	struct timespec until;
	bool hangs;

	if (p == NULL)
		return true;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	(void)pthread_mutex_lock(&p->lock);
	p->closing = true;
	(void)pthread_cond_broadcast(&p->wake);
	while (p->running &&
	    pthread_cond_timedwait(&p->wake, &p->lock, &until) != ETIMEDOUT)
		;
	hangs = p->running;
	(void)pthread_mutex_unlock(&p->lock);
	w->pruning = NULL;
	if (!hangs)
		pruning_free(p);
	return !hangs;
}
