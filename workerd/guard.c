/*
 * guard.c - order.exclusive: a job with effects outside must not go on when
 * somebody else may be starting it again, so it is stopped when half a lease
 * has passed without a beat.
 *
 * On a thread of its own, for where the spool is out of reach the main thread
 * may be stuck in a system call on it.  The thread touches no spool; it starts
 * with the first such job.  A process is reaped under the lock, so no number
 * that it signals can be another's.
 */
#include <signal.h>
#include <time.h>

#include "libspool/log.h"
#include "workerd/guard.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define LOOK_MS 100

static void
look(struct worker *w, int64_t now)
{
	int i;

	for (i = 0; i < w->opt.slots; i++) {
		struct slot *s = &w->slot[i];

		if (s->guarded == 0)
			continue;
		if (s->guard_fired == 0) {
			s->guard_fired = now;
			(void)kill(-s->guarded, SIGTERM);
			(void)kill(-s->guarded, SIGCONT);
		} else if (now - s->guard_fired >= s->grace) {
			(void)kill(-s->guarded, SIGKILL);
		}
	}
}

static void *
guard_thread(void *arg)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	struct worker *w = arg;
	int64_t now;

	(void)pthread_mutex_lock(&w->guard.lock);
	while (!w->guard.stop) {
		now = sp_mono_ms();
		if (!beat_trusted(w, now))
			look(w, now);
		(void)pthread_mutex_unlock(&w->guard.lock);
		(void)nanosleep(&pause, NULL);
		(void)pthread_mutex_lock(&w->guard.lock);
	}
	(void)pthread_mutex_unlock(&w->guard.lock);
	return NULL;
}

void
guard_init(struct worker *w)
{
	(void)pthread_mutex_init(&w->guard.lock, NULL);
}

bool
guard_add(struct worker *w, struct slot *s)
{
	(void)pthread_mutex_lock(&w->guard.lock);
	s->guarded = s->pid;
	s->guard_fired = 0;
	(void)pthread_mutex_unlock(&w->guard.lock);
	if (!w->guard.running)
		w->guard.running = pthread_create(&w->guard.thread, NULL,
				       guard_thread, w) == 0;
	return w->guard.running;
}

void
guard_lock(struct worker *w)
{
	(void)pthread_mutex_lock(&w->guard.lock);
}

void
guard_unlock(struct worker *w)
{
	(void)pthread_mutex_unlock(&w->guard.lock);
}

bool
guard_fired_is(struct worker *w, struct slot *s)
{
	bool fired;

	(void)pthread_mutex_lock(&w->guard.lock);
	fired = s->guard_fired != 0;
	(void)pthread_mutex_unlock(&w->guard.lock);
	return fired;
}

void
guard_close(struct worker *w)
{
	(void)pthread_mutex_lock(&w->guard.lock);
	w->guard.stop = true;
	(void)pthread_mutex_unlock(&w->guard.lock);
	if (w->guard.running)
		(void)pthread_join(w->guard.thread, NULL);
	(void)pthread_mutex_destroy(&w->guard.lock);
}
