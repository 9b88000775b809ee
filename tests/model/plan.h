/*
 * plan.h - what a world is made of: from a seed, or from a script; and the
 * shortest script that breaks the same promise.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include "tests/model/world.h"

void plan_make(uint64_t seed, struct plan *plan_out);
/* false: words on stderr. */
bool plan_read(const char *path, struct plan *plan_out,
    struct event events[EVENTS_MOST], size_t *n_out);
void plan_print(const struct plan *plan, const struct event *events, size_t n);

/* Prints it.  `events` is used up. */
void
shrink(struct plan *plan, struct event *events, size_t n, const char *failed);

#endif
