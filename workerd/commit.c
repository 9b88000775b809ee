/*
 * commit.c - what ended attempts leave is handed over by a thread of its own
 * (commithand.c).  Whatever has ended since it last looked is written, synced
 * and committed as one group, while their slots run the next jobs; those that
 * go back to the queue are given back one by one.  What cannot be handed over
 * yet is kept and tried again, for as long as it takes; nothing is dropped.
 * Here is the main thread's side.
 *
 * The lock guards the lists and the counts, never a call on the spool.  Only
 * the thread changes `hand`, and what is in a parcel there; a name in `queue`
 * or `hand` counts as held.  Parcels are freed by the main thread alone.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/commit.h"
#include "workerd/outbox.h"
#include "workerd/outcopy.h"
#include "workerd/parcel.h"

#define FULL   1024 /* pending: claim no more */
#define COPIES 16   /* likewise, of those that are being copied */

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
	if (!c->gathers || c->pending - c->waiting >= GATHER_MOST)
		(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
}

/* `more` is changed by this thread alone, so it may look without the lock. */
void
commit_more(struct commit *c, bool more)
{
	if (c->more == more)
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->more = more;
	if (!more && c->gathers)
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
