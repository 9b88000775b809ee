/*
 * commit.c - the thread that hands over.  Whatever attempts have ended since it
 * last looked are written, synced and committed as one group, while their slots
 * run the next jobs; those that go back to the queue are given back one by one.
 * What cannot be handed over yet is kept and tried again, for as long as it
 * takes; nothing is dropped.
 *
 * The lock guards the lists and the counts, never a call on the spool.  Only
 * the thread changes `hand`, and what is in a parcel there; a name in `queue`
 * or `hand` counts as held.  Parcels are freed by the main thread alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "libspool/log.h"
#include "libspool/outcome.h"
#include "libspool/spool.h"
#include "workerd/commit.h"
#include "workerd/outbox.h"
#include "workerd/outcopy.h"
#include "workerd/parcel.h"

#define GROUP_MOST  256
#define FULL        1024 /* pending: claim no more */
#define COPIES      16   /* likewise, of those that are being copied */
#define DELAY_LEAST 500
#define DELAY_MOST  30000
#define DEAD_MS     1000 /* a failure that took so long: the medium's */

/* ---- the thread ---- */

static void
sleep_until_woken(struct commit *c, int64_t ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	/* New ones join the next try; they do not hasten it. */
	while (!c->hurry && !c->leave &&
	    pthread_cond_timedwait(&c->wake, &c->lock, &t) != ETIMEDOUT)
		;
}

/* Take up to a group's worth from the queue; it is newest first, and the oldest
 * must not starve. */
static void
take(struct commit *c)
{
	struct parcel **at;
	size_t n = 0, have = 0;

	for (at = &c->hand; *at != NULL; at = &(*at)->next)
		have++;
	for (at = &c->queue; *at != NULL; at = &(*at)->next)
		n++;
	if (have >= GROUP_MOST)
		return;
	for (at = &c->queue; n > GROUP_MOST - have; n--)
		at = &(*at)->next;
	if (c->hand == NULL) {
		c->hand = *at;
	} else {
		struct parcel *last = c->hand;

		while (last->next != NULL)
			last = last->next;
		last->next = *at;
	}
	*at = NULL;
}

static void
waits(const struct sp_err *err)
{
	if (sp_warn_due("commit"))
		sp_warn("commit waits: %s; it is tried again",
		    err->text[0] != '\0' ? err->text : "out of reach");
}

/* All that belongs before the outcomes, and what goes back; the outcomes that
 * may be committed now are counted into the group.  False: the medium is dead,
 * what is left would have to wait for its deadline each. */
static bool
prepare(struct commit *c, struct parcel *hand, struct parcel **of,
    struct sp_ended *group, size_t *n_out)
{
	struct sp_err err;
	struct parcel *p;
	int64_t began;

	*n_out = 0;
	for (p = hand; p != NULL; p = p->next)
		p->came = SP_RETRY;
	for (p = hand; p != NULL; p = p->next) {
		began = sp_mono_ms();
		sp_err_clear(&err);
		p->came = parcel_prepare(c->ops, c->tr, p, &err);
		if (p->came == SP_GONE) {
			p->came = SP_RETRY;
			continue;
		}
		if (p->came == SP_LOST)
			p->came = SP_OK; /* it had happened */
		else if (p->came == SP_OK && p->give != GIVE_COMMIT)
			parcel_return(c->ops, c->tr, p, &err);
		else if (p->came == SP_OK) {
			of[*n_out] = p;
			group[(*n_out)++] = (struct sp_ended){ .name = p->name,
				.text = p->outcome.data,
				.len = p->outcome.len,
				.good = sp_status_good_is(p->status),
				.status = SP_RETRY };
			p->came = SP_RETRY;
			continue;
		}
		if (p->came != SP_RETRY)
			continue;
		waits(&err);
		if (sp_mono_ms() - began >= DEAD_MS)
			return false;
	}
	return true;
}

static void
hand_over(struct commit *c, struct parcel *hand, struct parcel **of,
    struct sp_ended *group)
{
	struct sp_err err = { "" };
	struct parcel *p;
	size_t n, k;

	if (c->far)
		parcel_tails(c->ops, c->tr, hand);
	if (prepare(c, hand, of, group, &n) && n > 0) {
		c->ops->commit(c->tr, group, n, &err);
		for (k = 0; k < n; k++) {
			if (group[k].status == SP_OK ||
			    group[k].status == SP_LOST)
				of[k]->came = group[k].status;
			else
				waits(&err);
		}
	}
	for (p = hand; p != NULL; p = p->next)
		p->doubt = p->doubt || (p->came == SP_RETRY && !p->waits);
}

/* With the lock: what is settled goes from hand to done. */
static bool
settle(struct commit *c)
{
	struct parcel **at = &c->hand, *p;

	c->stuck = false;
	c->waiting = 0;
	while ((p = *at) != NULL) {
		if (p->came == SP_RETRY) {
			c->stuck = c->stuck || !p->waits;
			c->waiting += p->waits ? 1 : 0;
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = c->done;
		c->done = p;
		c->pending--;
	}
	return !c->stuck;
}

/* With the lock: wait until there is something to do.  False: the end. */
static bool
wait_for(struct commit *c, int64_t delay)
{
	while (!c->leave && c->pending == 0 && !c->stop)
		(void)pthread_cond_wait(&c->wake, &c->lock);
	if (c->pending > 0 && delay > 0)
		sleep_until_woken(c, delay);
	else if (c->pending > 0)
		while (!c->hurry && !c->leave && c->pending == c->waiting)
			(void)pthread_cond_wait(&c->wake, &c->lock);
	c->hurry = false;
	return !c->leave && c->pending > 0;
}

static void *
commit_thread(void *arg)
{
	struct sp_ended *group = calloc(GROUP_MOST, sizeof *group);
	struct parcel **of = calloc(GROUP_MOST, sizeof *of);
	struct commit *c = arg;
	const uint64_t one = 1;
	int64_t delay = 0;

	if (group == NULL || of == NULL)
		abort(); /* at start-up */
	(void)pthread_mutex_lock(&c->lock);
	while (wait_for(c, delay)) {
		take(c);
		(void)pthread_mutex_unlock(&c->lock);
		hand_over(c, c->hand, of, group);
		(void)pthread_mutex_lock(&c->lock);
		if (settle(c))
			delay = 0;
		else if ((delay = delay == 0 ? DELAY_LEAST : delay * 2) >
		    DELAY_MOST)
			delay = DELAY_MOST;
		/* A full counter is readable as well. */
		(void)!write(c->event, &one, sizeof one);
	}
	(void)pthread_mutex_unlock(&c->lock);
	free(of);
	free(group);
	return NULL;
}

/* ---- the main thread's side ---- */

enum sp_status
commit_open(struct commit *c, const struct tr_ops *ops, struct tr *tr, bool far,
    struct sp_err *err)
{
	pthread_condattr_t attr;

	c->ops = ops;
	c->tr = tr;
	c->far = far;
	c->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->event == -1)
		return sp_err_sys(err, "eventfd");
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	errno = pthread_create(&c->thread, NULL, commit_thread, c);
	if (errno != 0)
		return sp_err_sys(err, "start a thread");
	c->running = true;
	return SP_OK;
}

void
commit_put(struct commit *c, struct parcel *p)
{
	(void)pthread_mutex_lock(&c->lock);
	p->next = c->queue;
	c->queue = p;
	c->pending++;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
}

static bool
list_has(const struct parcel *p, const char *name)
{
	while (p != NULL && strcmp(p->text, name) != 0)
		p = p->next;
	return p != NULL;
}

bool
commit_holds(struct commit *c, const char *name)
{
	bool has;

	(void)pthread_mutex_lock(&c->lock);
	has = list_has(c->queue, name) || list_has(c->hand, name);
	(void)pthread_mutex_unlock(&c->lock);
	return has;
}

bool
commit_idle_is(struct commit *c)
{
	bool idle;

	(void)pthread_mutex_lock(&c->lock);
	idle = c->pending == 0;
	(void)pthread_mutex_unlock(&c->lock);
	return idle;
}

size_t
commit_stuck(struct commit *c)
{
	size_t n;

	(void)pthread_mutex_lock(&c->lock);
	n = c->stuck ? c->pending : 0;
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}

bool
commit_full_is(struct commit *c)
{
	bool full;

	(void)pthread_mutex_lock(&c->lock);
	full = c->stuck || c->pending >= FULL || c->waiting >= COPIES;
	(void)pthread_mutex_unlock(&c->lock);
	return full;
}

void
commit_hurry(struct commit *c)
{
	struct parcel *p;

	(void)pthread_mutex_lock(&c->lock);
	for (p = c->hand; p != NULL; p = p->next)
		if (p->copy != NULL)
			outcopy_hurry(p->copy);
	for (p = c->queue; p != NULL; p = p->next)
		if (p->copy != NULL)
			outcopy_hurry(p->copy);
	c->hurry = true;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
}

static struct parcel *
unsaved(struct parcel *p, int64_t before, int64_t *next)
{
	struct parcel *found = NULL;

	for (; p != NULL; p = p->next) {
		if (p->place != NULL || p->unsaved ||
		    (p->copy != NULL && !outcopy_synced_is(p->copy)))
			continue;
		if (p->since <= before)
			found = p;
		else if (p->since < *next)
			*next = p->since;
	}
	return found;
}

struct parcel *
commit_unsaved(struct commit *c, int64_t before, int64_t *next_out)
{
	struct parcel *p;

	*next_out = INT64_MAX;
	(void)pthread_mutex_lock(&c->lock);
	p = unsaved(c->hand, before, next_out);
	if (p == NULL)
		p = unsaved(c->queue, before, next_out);
	(void)pthread_mutex_unlock(&c->lock);
	return p;
}

bool
commit_saved_is(struct commit *c)
{
	const struct parcel *p;
	bool all;

	(void)pthread_mutex_lock(&c->lock);
	all = c->stuck;
	for (p = c->hand; p != NULL; p = p->next)
		all = all && p->place != NULL;
	for (p = c->queue; p != NULL; p = p->next)
		all = all && p->place != NULL;
	(void)pthread_mutex_unlock(&c->lock);
	return all;
}

/* Has one of them all that it waited for, and the thread not seen it yet?  Only
 * then: who waits for the spool, too, is not tried the faster for that. */
static bool
copied_is(const struct parcel *p)
{
	while (p != NULL &&
	    (p->copy == NULL || !p->waits || outcopy_done(p->copy) == SP_RETRY))
		p = p->next;
	return p != NULL;
}

size_t
commit_done(struct commit *c)
{
	struct parcel *done, *next;
	uint64_t count;
	size_t n = 0;

	(void)!read(c->event, &count, sizeof count);
	(void)pthread_mutex_lock(&c->lock);
	done = c->done;
	c->done = NULL;
	if (copied_is(c->hand)) {
		c->hurry = true;
		(void)pthread_cond_signal(&c->wake);
	}
	(void)pthread_mutex_unlock(&c->lock);
	for (; done != NULL; done = next, n++) {
		next = done->next;
		parcel_say(done);
		outbox_forget(done);
		parcel_free(done, false);
	}
	return n;
}

static void
forget(struct parcel *p)
{
	struct parcel *next;

	for (; p != NULL; p = next) {
		next = p->next;
		parcel_free(p, p->place != NULL);
	}
}

void
commit_close(struct commit *c, bool leave)
{
	if (!c->running)
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->stop = true;
	c->leave = leave;
	c->hurry = true;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
	(void)pthread_join(c->thread, NULL);
	c->running = false;
	(void)commit_done(c);
	if (c->pending > 0)
		sp_info("leave=%zu: they wait on this disk for the next worker "
			"of our name",
		    c->pending);
	forget(c->hand);
	forget(c->queue);
	(void)close(c->event);
	(void)pthread_cond_destroy(&c->wake);
	(void)pthread_mutex_destroy(&c->lock);
}
