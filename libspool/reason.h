/*
 * reason.h - what stands between an order and each worker, in words.  Pure: it
 * decides nothing and asks what those ask who claim (fit.h).
 */
#ifndef SP_REASON_H
#define SP_REASON_H

#include <stddef.h>
#include <stdint.h>

#include "libspool/beat.h"
#include "libspool/job.h"

enum sp_reason_kind {
	SP_REASON_NOW,    /* it could take it at once */
	SP_REASON_BUSY,   /* it fits, but not beside what runs there */
	SP_REASON_CLOSED, /* it claims nothing, whatever it is */
	SP_REASON_NEVER   /* it does not fit, however idle the worker */
};

/* "now", "busy", "closed", "never" */
const char *sp_reason_text(enum sp_reason_kind kind);

/* What runs on the worker, as far as it is known. */
struct sp_reason_run {
	struct sp_id id;
	int gpus;
	double cpus;
	int64_t memory;
	int64_t eta; /* ms since 1970, 0: nobody knows */
};

struct sp_reason {
	enum sp_reason_kind kind;
	char words[256]; /* "" when it could be taken now */
	int64_t at;      /* BUSY: when it will fit, ms since 1970; 0: unknown */
};

/* run: n orders that run there; sorted by this by their ends. */
void sp_reason(const struct sp_job *job, const struct sp_beat *beat,
    struct sp_reason_run *run, size_t n, struct sp_reason *reason_out);

/* "...9f3c21ab": the part of an id that tells it from others. */
void sp_reason_id(const struct sp_id *id, char text_out[16]);

#endif
