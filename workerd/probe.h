/*
 * probe.h - ask an interpreter what it is.
 */
#ifndef WORKER_PROBE_H
#define WORKER_PROBE_H

#include <stdbool.h>
#include <stdint.h>

struct python;
struct slot;
struct worker;

/* Fill s->facts, now or when the answer is there. */
void probe_want(struct worker *w, struct slot *s, const struct python *p);
/* It has ended: is there an answer, or no more time for one? */
bool
probe_ready(struct worker *w, struct slot *s, int64_t now, int64_t *next_out);
void probe_close(struct worker *w);

#endif
