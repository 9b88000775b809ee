/*
 * beat.h - we live: what the main thread says of it (beat.c), and what is said
 * while that is long at something (pulse.c).
 */
#ifndef WORKER_BEAT_H
#define WORKER_BEAT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libspool/beat.h"
#include "transport/transport.h"

struct worker;

/* The lock is for heart.self and for beating. */
struct pulse {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int64_t said;  /* the last beat, anybody's */
	int64_t alive; /* the last one of the main thread */
	bool stop;
};

struct heart {
	struct sp_beat self;
	int64_t next;
	int64_t tried;
	int64_t cost;         /* of the last one, ms */
	_Atomic int64_t good; /* when a beat last got through */
	bool changed;         /* what runs has changed since */
	bool away;            /* the last one failed */
	struct sp_names ours, stale, cancel;
};

/* beat.c */
void beat_init(struct worker *w);
int64_t beat_tick(struct worker *w, int64_t now);
void beat_soon(struct worker *w);
/* What the order.exclusive jobs may still trust in. */
bool beat_trusted(const struct worker *w, int64_t now);
void beat_clear(struct worker *w);

/* pulse.c: beats while the main thread is busy. */
enum sp_status pulse_open(struct worker *w, struct sp_err *err);
void pulse_lock(struct worker *w);
void pulse_unlock(struct worker *w);
/* One beat, under the lock. */
enum sp_status pulse_beat(struct worker *w, int64_t now, struct sp_err *err);
void pulse_close(struct worker *w);

#endif
