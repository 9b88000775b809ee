/*
 * limit.h - the memory of jobs.
 */
#ifndef WORKER_LIMIT_H
#define WORKER_LIMIT_H

#include <stdint.h>

struct slot;
struct spawn;
struct worker;

struct limit {
	char oom_adj[16]; /* of jobs */
	int64_t next;
};

void limit_init(struct worker *w);
void
limit_spawn(const struct worker *w, const struct slot *s, struct spawn *how);
int64_t limit_tick(struct worker *w, int64_t now);
/* It is over: what it had at most, and was that too much? */
void limit_end(struct slot *s);

#endif
