/*
 * fit.h - does an order fit a worker?  Pure.
 */
#ifndef SP_FIT_H
#define SP_FIT_H

#include <stdbool.h>

#include "libspool/job.h"

/* What a worker has to give at this moment. */
struct sp_offer {
	int gpus;
	double cpus;
	int64_t memory; /* bytes, 0: unknown, anything fits */
	const char *const *tags;
	size_t tags_n;
};

/* false: why_out says in words what is lacking ("needs 2 GPUs, has 0"). */
bool sp_fit_ok(
    const struct sp_job *job, const struct sp_offer *offer, char why_out[128]);

#endif
