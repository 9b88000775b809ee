/*
 * kept.h - work directories of preempted attempts, on this host.
 */
#ifndef WORKER_KEPT_H
#define WORKER_KEPT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/scan.h"

struct slot;
struct worker;

struct kept {
	uint32_t tag; /* of this spool */
	int64_t next;
	struct sp_names names;
	size_t at;        /* among them */
	unsigned drops;   /* counts directories to be removed, */
	unsigned until;   /* those that the thread is to remove, */
	atomic_uint gone; /* and those that it has */
	pthread_t thread;
	bool running;
};

void kept_open(struct worker *w);
/* Take the one that the order left when it was given back: to the path s->dir,
 * which is not there.  false: there is none. */
bool kept_take(struct worker *w, const struct slot *s);
/* The order is about to be given back with the next ticket; s->dir is moved.
 * false: it is not, and is still the caller's. */
bool kept_put(struct worker *w, const struct slot *s);
/* Drop those that nobody comes back for; a little at a time. */
int64_t kept_tick(struct worker *w, int64_t now);
/* Before we go, and nobody may come for long: what is of no use now.  It is
 * looked at for a second at most, here and only here. */
void kept_last(struct worker *w);
void kept_close(struct worker *w);

#endif
