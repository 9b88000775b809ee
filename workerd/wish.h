/*
 * wish.h - what people ask of this worker.
 */
#ifndef WORKER_WISH_H
#define WORKER_WISH_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/transport.h"

struct worker;

struct wish {
	bool known;
	struct tr_wishes is;
};

void wish_look(struct worker *w, int64_t now);
bool wish_drained(const struct worker *w); /* nothing may be claimed */

#endif
