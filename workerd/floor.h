/*
 * floor.h - no claims where there is no room on the disk.
 */
#ifndef WORKER_FLOOR_H
#define WORKER_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

struct worker;

struct floor {
	bool low;
	char words[128]; /* "" while there is room */
	int64_t next;
	int64_t yield; /* ask the cache again */
};

int64_t floor_tick(struct worker *w, int64_t now);

#endif
