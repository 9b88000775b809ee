/*
 * pulse.c - beats while the main thread is long at something: a bundle of half
 * a million lines over NFS, a spool where every sync takes a second.  Without
 * them our orders would be given to others, and our jobs stopped for that.
 *
 * It repeats what the main thread said last, counted on; and not for ever: a
 * main thread that never comes back is as good as dead.
 */
#include <errno.h>

#include "libspool/log.h"
#include "workerd/medium.h"
#include "workerd/worker.h"

#define REST_MS 10 /* between tries to be the one who beats */
#define MOST_MS (30 * 60 * 1000)

/* false: we are to end. */
static bool
wait_ms(struct pulse *p, int64_t ms)
{
	const struct timespec t = sp_mono_in(ms);
	int rc = 0;

	while (!p->stop && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&p->wake, &p->lock, &t);
	return !p->stop;
}

static void *
pulse_thread(void *arg)
{
	struct worker *w = arg;
	struct pulse *p = &w->pulse;
	struct heart *h = &w->heart;
	int64_t every = (int64_t)(w->policy->beat * 1000), now;

	(void)pthread_mutex_lock(&p->lock);
	while (wait_ms(p, every / 2)) {
		now = sp_mono_ms();
		if (now - p->said < every + every / 2 ||
		    now - p->alive > MOST_MS)
			continue;
		h->self.count++;
		p->said = now;
		if (w->direct->beat(w->tr, &h->self, NULL) == SP_OK)
			h->good = now;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

enum sp_status
pulse_beat(struct worker *w, int64_t now, struct sp_err *err)
{
	enum sp_status st;

	w->pulse.said = w->pulse.alive = now;
	w->heart.self.count++;
	st = w->ops->beat(w->tr, &w->heart.self, err);
	/* The moment before the write, not after: it may have stalled. */
	if (st == SP_OK)
		w->heart.good = now;
	return st;
}

void
pulse_lock(struct worker *w)
{
	/* The other one may be waiting for a medium that is dead. */
	while (pthread_mutex_trylock(&w->pulse.lock) != 0)
		medium_rest(w, REST_MS);
}

void
pulse_unlock(struct worker *w)
{
	(void)pthread_mutex_unlock(&w->pulse.lock);
}

enum sp_status
pulse_open(struct worker *w, struct sp_err *err)
{
	struct pulse *p = &w->pulse;
	pthread_condattr_t attr;

	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	p->said = p->alive = sp_mono_ms();
	errno = pthread_create(&p->thread, NULL, pulse_thread, w);
	if (errno != 0)
		return sp_err_sys(err, "start a thread");
	return SP_OK;
}

void
pulse_close(struct worker *w)
{
	struct pulse *p = &w->pulse;

	(void)pthread_mutex_lock(&p->lock);
	p->stop = true;
	(void)pthread_cond_signal(&p->wake);
	(void)pthread_mutex_unlock(&p->lock);
	(void)pthread_join(p->thread, NULL);
	(void)pthread_cond_destroy(&p->wake);
	(void)pthread_mutex_destroy(&p->lock);
}
