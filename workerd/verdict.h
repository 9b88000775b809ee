/*
 * verdict.h - what came to mind about an order in new/: a memory, so that it is
 * not read again for nothing.
 */
#ifndef WORKER_VERDICT_H
#define WORKER_VERDICT_H

#include <stddef.h>
#include <stdint.h>

enum verdict {
	VERDICT_NONE,
	VERDICT_NEVER, /* does not fit this worker, however idle */
	VERDICT_BUSY,  /* fits, but not beside what runs now */
	VERDICT_LATER  /* not eligible, or not whole yet: ask again then */
};

struct opinion {
	uint64_t key; /* of the name; 0: free */
	enum verdict verdict;
	unsigned freed; /* BUSY holds until another slot was freed */
	int64_t until;  /* LATER holds until then */
};

struct verdicts {
	struct opinion *row;
	size_t n, cap;
};

struct opinion *verdict_get(const struct verdicts *v, const char *name);
/* A row for this name, new or old; NULL on no memory. */
struct opinion *verdict_put(struct verdicts *v, const char *name);
void verdict_clear(struct verdicts *v);

#endif
