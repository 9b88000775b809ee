/*
 * policy.h - spool.json: the spool's format and its counts and seconds.  Pure.
 */
#ifndef SP_POLICY_H
#define SP_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/name.h"

#define SP_FORMAT 1

struct sp_policy {
	int format;     /* 1 */
	double lease;   /* 60 s without a beat: lost */
	double beat;    /* 5 s between beats; at most lease / 4 */
	double settle;  /* 10 s until a drop that does not parse is bad */
	int attempts;   /* 3 */
	double backoff; /* 5 s after the first spent attempt, then doubled */
	double backoff_max; /* 600 s */
	double half_rename; /* 120 s: a name with two links is a dead rename */
	double tmp_age;     /* 129600 s (36 h): sweep tmp/ */
	double poll;        /* 2 s between looks where inotify does not reach */
	int slice; /* 1024: so many lines of a bundle become orders at once */
	double fence; /* the lease as spool.json has it, which others may go
	               * by: who must stop before it ends reckons with this,
	               * for a certificate may have made ours longer */
	/* Of what comes in by incoming/ (incoming.h): */
	int owner_jobs;     /* 0, no limit: jobs of one that are not claimed */
	double owner_bytes; /* 0, no limit: and bytes */
	double answer_age;  /* 604800 s (a week): what becomes of a drop */
};

void sp_policy_init(struct sp_policy *policy_out);
enum sp_status sp_policy_parse(const char *text, size_t len,
    struct sp_policy *policy_out, struct sp_err *err);
void sp_policy_print(const struct sp_policy *policy, struct sp_buf *text_out);

/* Seconds an order waits before attempt number `attempt` (spent so far, from
 * 1); 0 for 0.  Jitter of +-20 % comes from the id, so that every observer
 * reckons the same. */
double sp_backoff(
    const struct sp_policy *policy, unsigned attempt, const struct sp_id *id);

#endif
