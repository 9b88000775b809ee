/*
 * crew.c - a few threads that run handlers, so that a slow disk holds up no
 * socket; and the requests that wait for something to happen.
 */
#include <stdlib.h>
#include <string.h>

#include "httpd/server.h"
#include "libspool/log.h"

#define THREADS_MOST 16

struct crew {
	struct server *server;
	done_fn *done;
	alive_fn *alive;
	pthread_t thread[THREADS_MOST];
	unsigned threads;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct task *first, **last; /* to be run */
	struct task *waiting;
	/* How often each was woken: what happens between a handler's look and
	 * its waiting must not be lost. */
	unsigned woken[3];
	bool ending;
};

static void
push(struct crew *c, struct task *t)
{
	t->next = NULL;
	*c->last = t;
	c->last = &t->next;
	(void)pthread_cond_signal(&c->more);
}

static struct task *
take(struct crew *c, unsigned woken_out[3])
{
	struct task *t;

	(void)pthread_mutex_lock(&c->lock);
	while (c->first == NULL && !c->ending)
		(void)pthread_cond_wait(&c->more, &c->lock);
	if ((t = c->first) != NULL) {
		c->first = t->next;
		if (c->first == NULL)
			c->last = &c->first;
	}
	(void)memcpy(woken_out, c->woken, sizeof c->woken);
	(void)pthread_mutex_unlock(&c->lock);
	return t;
}

/* Unless it was woken already. */
static void
wait_for(struct crew *c, struct task *t, const unsigned before[3])
{
	struct answer *a = t->answer;
	bool missed = false;
	unsigned i;

	(void)pthread_mutex_lock(&c->lock);
	for (i = 0; i < 3; i++)
		missed |= (a->wait & 1u << i) != 0 && c->woken[i] != before[i];
	t->wait = a->wait;
	t->until = a->until;
	if (missed || c->ending) {
		t->late = c->ending;
		push(c, t);
	} else {
		t->next = c->waiting;
		c->waiting = t;
	}
	(void)pthread_mutex_unlock(&c->lock);
	clock_kick(c->server);
}

static void
run(struct crew *c, struct task *t, const unsigned before[3])
{
	struct request *r = t->request;
	struct answer *a = t->answer;

	r->late = t->late;
	/* Nobody is there any more: an order must not go to the dead. */
	if (t->wait != 0 && !c->alive(r->exchange)) {
		answer_wrong(a, W_RETRY, "the caller went away");
		c->done(r->exchange);
		return;
	}
	serve(c->server, r, a);
	if (a->wait != 0 && t->late)
		answer_wrong(a, W_RETRY, "the server is ending");
	if (a->wait != 0)
		wait_for(c, t, before);
	else
		c->done(r->exchange);
}

static void *
work(void *arg)
{
	struct crew *c = arg;
	unsigned before[3];
	struct task *t;

	while ((t = take(c, before)) != NULL)
		run(c, t, before);
	return NULL;
}

struct crew *
crew_new(struct server *s, unsigned threads, done_fn *done, alive_fn *alive)
{
	struct crew *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->server = s;
	c->done = done;
	c->alive = alive;
	c->last = &c->first;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->more, NULL);
	while (c->threads < threads && c->threads < THREADS_MOST &&
	    pthread_create(&c->thread[c->threads], NULL, work, c) == 0)
		c->threads++;
	if (c->threads > 0)
		return c;
	free(c);
	return NULL;
}

void
crew_end(struct crew *c)
{
	unsigned i;

	(void)pthread_mutex_lock(&c->lock);
	c->ending = true;
	(void)pthread_mutex_unlock(&c->lock);
	crew_wake(c, ~0u);
	(void)pthread_mutex_lock(&c->lock);
	(void)pthread_cond_broadcast(&c->more);
	(void)pthread_mutex_unlock(&c->lock);
	for (i = 0; i < c->threads; i++)
		(void)pthread_join(c->thread[i], NULL);
}

void
crew_free(struct crew *c)
{
	(void)pthread_cond_destroy(&c->more);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

void
crew_put(struct crew *c, struct task *t)
{
	bool ending;

	t->wait = 0;
	t->late = false;
	(void)pthread_mutex_lock(&c->lock);
	ending = c->ending;
	if (!ending)
		push(c, t);
	(void)pthread_mutex_unlock(&c->lock);
	if (!ending)
		return;
	answer_wrong(t->answer, W_RETRY, "the server is ending");
	c->done(t->request->exchange);
}

/* Those that wait, oldest first, back to the threads. */
static void
recall(struct crew *c, unsigned what, int64_t now)
{
	struct task **at = &c->waiting, *t, *found = NULL;

	while ((t = *at) != NULL) {
		bool late = c->ending || now >= t->until;

		if ((t->wait & what) == 0 && !late) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		t->late = late;
		t->next = found;
		found = t;
	}
	while ((t = found) != NULL) {
		found = t->next;
		push(c, t);
	}
}

void
crew_wake(struct crew *c, unsigned what)
{
	unsigned i;

	(void)pthread_mutex_lock(&c->lock);
	for (i = 0; i < 3; i++)
		if ((what & 1u << i) != 0)
			c->woken[i]++;
	recall(c, what, sp_mono_ms());
	(void)pthread_mutex_unlock(&c->lock);
}

int64_t
crew_tick(struct crew *c, int64_t now)
{
	int64_t next = INT64_MAX;
	struct task *t;

	(void)pthread_mutex_lock(&c->lock);
	recall(c, 0, now);
	for (t = c->waiting; t != NULL; t = t->next)
		if (t->until < next)
			next = t->until;
	(void)pthread_mutex_unlock(&c->lock);
	return next;
}

bool
crew_waits(struct crew *c, unsigned what)
{
	struct task *t;
	bool any = false;

	(void)pthread_mutex_lock(&c->lock);
	for (t = c->waiting; t != NULL && !any; t = t->next)
		any = (t->wait & what) != 0;
	(void)pthread_mutex_unlock(&c->lock);
	return any;
}
