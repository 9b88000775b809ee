/*
 * verdict.h - an attempt is judged by how its process ended and by what its
 * script says of itself.  Private to outcome.c.  Pure.
 */
#ifndef SP_VERDICT_H
#define SP_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/json.h"
#include "libspool/outcome.h"

/* What the script says of itself. */
struct sp_report {
	struct json_t *json; /* NULL: nothing, or nothing we can read */
	bool broken;         /* it said something; `why` we cannot read it */
	struct sp_err why;
	struct sp_buf odd;           /* where numbers were not finite */
	struct sp_buf body;          /* its members, each with a comma behind */
	const struct json_t *error;  /* NULL: none */
	const struct json_t *status; /* NULL: none */
};

struct sp_verdict {
	int status;
	enum sp_cause cause;
	char words[SP_ERR_MAX]; /* ours, "" for none */
};

/* script NULL: it said nothing.  SP_OK also for what cannot be read (broken);
 * SP_RETRY: no memory.  Clear it whatever came back. */
enum sp_status
sp_report_read(struct sp_report *report_out, const char *script, size_t len);
void sp_report_clear(struct sp_report *report);

/* A status as a number: a whole one, or a text of digits; -1: neither. */
int sp_report_status(const struct json_t *status);

/* run->cause says how the process ended. */
void sp_verdict_reach(const struct sp_run *run, bool required,
    const struct sp_report *report, struct sp_verdict *verdict_out);

#endif
