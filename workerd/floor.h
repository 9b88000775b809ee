/*
 * floor.h - no claims where there is no room on the disk, or none could be set
 * aside for what would come of them.
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
	bool aside_low;
	int64_t aside; /* try again to set room aside; 0: it is there */
};

int64_t floor_tick(struct worker *w, int64_t now);

#endif
