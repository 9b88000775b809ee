/*
 * commit.c - the thread that commits.  Whatever attempts have ended since it
 * last looked are written, synced and committed as one group, while their slots
 * run the next jobs.  What cannot be committed yet is kept and tried again,
 * for as long as it takes; nothing is dropped.
 *
 * The lock guards the lists and the counts, never a commit.  Only the thread
 * changes `hand`; a name in `queue` or `hand` counts as held.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/commit.h"
#include "workerd/worker.h"

#define GROUP_MOST  256
#define FULL        1024 /* pending: claim no more */
#define DELAY_LEAST 500
#define DELAY_MOST  30000

static void
item_free(struct commit_item *i)
{
	sp_buf_clear(&i->outcome);
	free(i);
}

/* ---- the thread ---- */

static void
sleep_until_woken(struct commit *c, int64_t ms)
{
	struct timespec t;

	if (ms == 0) {
		(void)pthread_cond_wait(&c->wake, &c->lock);
		return;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	/* New ones join the next try; they do not hasten it. */
	while (pthread_cond_timedwait(&c->wake, &c->lock, &t) != ETIMEDOUT)
		;
}

/* Take up to a group's worth from the queue; it is newest first, and the oldest
 * must not starve. */
static void
take(struct commit *c)
{
	struct commit_item **at;
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
		struct commit_item *last = c->hand;

		while (last->next != NULL)
			last = last->next;
		last->next = *at;
	}
	*at = NULL;
}

static void
commit_group(struct commit *c, struct commit_item *hand,
    struct sp_ended group[GROUP_MOST])
{
	struct sp_err err = { "" };
	struct commit_item *i;
	size_t n = 0, k;

	for (i = hand; i != NULL; i = i->next, n++)
		group[n] = (struct sp_ended){ .name = i->name,
			.text = i->outcome.data,
			.len = i->outcome.len,
			.good = sp_status_good_is(i->status),
			.status = SP_RETRY };
	c->ops->commit(c->tr, group, n, &err);
	for (k = 0; k < n; k++)
		if (group[k].status != SP_OK && group[k].status != SP_LOST) {
			if (sp_warn_due("commit"))
				sp_warn("commit waits: %s; it is tried again",
				    err.text);
			break;
		}
}

/* With the lock: what is settled goes from hand to done. */
static bool
settle(struct commit *c, const struct sp_ended *group)
{
	struct commit_item **at = &c->hand, *i;
	size_t k;

	for (k = 0; (i = *at) != NULL; k++) {
		if (group[k].status != SP_OK && group[k].status != SP_LOST) {
			at = &i->next;
			continue;
		}
		i->lost = group[k].status == SP_LOST;
		*at = i->next;
		i->next = c->done;
		c->done = i;
		c->pending--;
	}
	c->stuck = c->hand != NULL;
	return !c->stuck;
}

static void *
commit_thread(void *arg)
{
	struct sp_ended *group = calloc(GROUP_MOST, sizeof *group);
	struct commit *c = arg;
	const uint64_t one = 1;
	int64_t delay = 0;

	if (group == NULL)
		abort(); /* at start-up */
	(void)pthread_mutex_lock(&c->lock);
	for (;;) {
		while (c->pending == 0 && !c->stop)
			sleep_until_woken(c, 0);
		if (c->pending == 0)
			break;
		if (delay > 0)
			sleep_until_woken(c, delay);
		take(c);
		(void)pthread_mutex_unlock(&c->lock);
		commit_group(c, c->hand, group);
		(void)pthread_mutex_lock(&c->lock);
		if (settle(c, group))
			delay = 0;
		else if ((delay = delay == 0 ? DELAY_LEAST : delay * 2) >
		    DELAY_MOST)
			delay = DELAY_MOST;
		/* A full counter is readable as well. */
		(void)!write(c->event, &one, sizeof one);
	}
	(void)pthread_mutex_unlock(&c->lock);
	free(group);
	return NULL;
}

/* ---- the main thread's side ---- */

enum sp_status
commit_open(struct commit *c, const struct tr_ops *ops, struct tr *tr,
    struct sp_err *err)
{
	pthread_condattr_t attr;

	c->ops = ops;
	c->tr = tr;
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

enum sp_status
commit_put(struct commit *c, const struct sp_name *name, int status,
    struct sp_buf *outcome)
{
	struct commit_item *i = calloc(1, sizeof *i);

	if (i == NULL)
		return SP_RETRY;
	i->name = *name;
	sp_name_print(name, i->text);
	i->status = status;
	i->outcome = *outcome;
	sp_buf_init(outcome, outcome->max);
	(void)pthread_mutex_lock(&c->lock);
	i->next = c->queue;
	c->queue = i;
	c->pending++;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
	return SP_OK;
}

static bool
list_has(const struct commit_item *i, const char *name)
{
	while (i != NULL && strcmp(i->text, name) != 0)
		i = i->next;
	return i != NULL;
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

bool
commit_full_is(struct commit *c)
{
	bool full;

	(void)pthread_mutex_lock(&c->lock);
	full = c->stuck || c->pending >= FULL;
	(void)pthread_mutex_unlock(&c->lock);
	return full;
}

size_t
commit_done(struct commit *c)
{
	struct commit_item *done, *next;
	uint64_t count;
	size_t n = 0;

	(void)!read(c->event, &count, sizeof count);
	(void)pthread_mutex_lock(&c->lock);
	done = c->done;
	c->done = NULL;
	(void)pthread_mutex_unlock(&c->lock);
	for (; done != NULL; done = next, n++) {
		next = done->next;
		if (done->lost)
			sp_info("discard order=%s: it was taken from us before "
				"its commit",
			    done->name.id.text);
		else
			sp_debug("commit order=%s status=%d",
			    done->name.id.text, done->status);
		item_free(done);
	}
	return n;
}

void
commit_close(struct commit *c)
{
	if (!c->running)
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->stop = true;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
	(void)pthread_join(c->thread, NULL);
	c->running = false;
	(void)commit_done(c);
	(void)close(c->event);
	(void)pthread_cond_destroy(&c->wake);
	(void)pthread_mutex_destroy(&c->lock);
}
