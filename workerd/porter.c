/*
 * porter.c - a thread that brings what takes long, so that the main one goes
 * on with beats, timeouts and the jobs of other slots.  It touches its bring,
 * the cache, and the slots of the transport that any thread may call.
 */
#include <unistd.h>

#include "workerd/bring.h"

static void *
porter(void *arg)
{
	const uint64_t one = 1;
	struct bring *b = arg;

	b->status = bring(b);
	atomic_store(&b->phase, BRING_DONE);
	(void)!write(b->all->event, &one, sizeof one);
	return NULL;
}

bool
porter_start(struct bring *b)
{
	b->quick = false;
	atomic_store(&b->phase, BRING_WORKS);
	if (pthread_create(&b->thread, NULL, porter, b) == 0)
		return true;
	atomic_store(&b->phase, BRING_IDLE);
	return false;
}

bool
porter_done(struct bring *b)
{
	if (atomic_load(&b->phase) != BRING_DONE)
		return false;
	(void)pthread_join(b->thread, NULL);
	atomic_store(&b->phase, BRING_IDLE);
	return true;
}
