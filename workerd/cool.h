/*
 * cool.h - orders that came back from here, and are left alone for a while.
 */
#ifndef WORKER_COOL_H
#define WORKER_COOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/name.h"

struct worker;

struct cool {
	struct sp_id id;
	int64_t until;
	int64_t since;  /* of the first time */
	unsigned times; /* in a row */
	bool shy;       /* rather others, if there are any */
};

/* At once, or it could not be started: later each time, in so many ms. */
int64_t cool_again(struct worker *w, const struct sp_id *id, int64_t now);
/* For how long it has been coming back; 0: this is the first time. */
int64_t cool_since(const struct worker *w, const struct sp_id *id, int64_t now);
/* This time it took a while. */
void cool_forget(struct worker *w, const struct sp_id *id);
/* It failed here and may do better elsewhere: rather not by us until then. */
void cool_avoid(struct worker *w, const struct sp_id *id, int64_t until);
/* Not now; again_out is no later than the end of that. */
bool cool_is(
    struct worker *w, const struct sp_id *id, int64_t now, int64_t *again_out);
void cool_clear(struct worker *w);

#endif
