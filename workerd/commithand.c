/*
 * commithand.c - the thread of commit.c: it takes what has ended, hands it over
 * as one group, and tries again what cannot be handed over yet.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "libspool/log.h"
#include "libspool/outcome.h"
#include "libspool/spool.h"
#include "workerd/commit.h"
#include "workerd/parcel.h"

#define GROUP_MOST  256
#define GATHER_MS   10 /* where ends come that fast, groups are gathered */
#define DELAY_LEAST 500
#define DELAY_MOST  30000
#define DEAD_MS     1000 /* a failure that took so long: the medium's */

static void
sleep_until_woken(struct commit *c, int64_t ms)
{
	const struct timespec t = sp_mono_in(ms);

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

/* With the lock.  Of short jobs that end one after the other each would pay for
 * the syncs of a group of its own: a few of them wait for each other.  Not one
 * that comes alone, or when nothing runs that could join it. */
static void
gather(struct commit *c)
{
	const struct timespec t = sp_mono_in(GATHER_MS);
	bool alone = sp_mono_ms() - c->gathered > GATHER_MS;

	c->gathers = !alone;
	while (c->gathers && c->more && !c->hurry && !c->leave && !c->stop &&
	    c->pending - c->waiting < GATHER_MOST &&
	    pthread_cond_timedwait(&c->wake, &c->lock, &t) != ETIMEDOUT)
		;
	c->gathers = false;
	c->gathered = sp_mono_ms();
}

void *
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
		if (delay == 0 && !c->far)
			gather(c);
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
