/*
 * guard.h - stop order.exclusive jobs when the spool is out of reach, whatever
 * the main thread waits for.
 */
#ifndef WORKER_GUARD_H
#define WORKER_GUARD_H

#include <pthread.h>
#include <stdbool.h>

struct slot;
struct worker;

struct guard {
	pthread_mutex_t lock;
	pthread_t thread;
	bool running;
	bool stop;
};

void guard_init(struct worker *w);
/* false: no thread for it. */
bool guard_add(struct worker *w, struct slot *s);
void guard_lock(struct worker *w); /* around reaping */
void guard_unlock(struct worker *w);
bool guard_fired_is(struct worker *w, struct slot *s);
void guard_close(struct worker *w);

#endif
