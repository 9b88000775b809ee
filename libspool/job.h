/*
 * job.h - a job: the user's flat JSON object, kept verbatim, and the one
 * reserved member `order` that says how to run it.  Pure.
 */
#ifndef SP_JOB_H
#define SP_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/name.h"
#include "libspool/prune.h"

#define SP_JOB_MAX    (1024 * 1024) /* bytes of one job */
#define SP_OWNER_MAX  64
#define SP_BUNDLE_MAX (64 * 1024 * 1024) /* bytes of one bundle */

/* Why an attempt ended.  The words are run.cause and order.retry's. */
enum sp_cause {
	SP_CAUSE_OK,
	SP_CAUSE_EXIT,
	SP_CAUSE_SIGNAL,
	SP_CAUSE_TIMEOUT,
	SP_CAUSE_OOM,
	SP_CAUSE_CUDA_OOM,
	SP_CAUSE_NO_OUTCOME,
	SP_CAUSE_INVALID,
	SP_CAUSE_CANCELLED,
	SP_CAUSE_PREEMPTED,
	SP_CAUSE_LOST,
	SP_CAUSE_DISK_FULL,
	SP_CAUSE_BAD_HOST,
	SP_CAUSE_DEPENDENCY,
	SP_CAUSE_PRUNED,
	SP_CAUSES
};

/* An attempt that says nothing about the job is made again; so is one that may
 * end better on another host or later, unless order.retry says otherwise. */
#define SP_RETRY_ALWAYS (1u << SP_CAUSE_PREEMPTED | 1u << SP_CAUSE_LOST)
#define SP_RETRY_USUAL                                                         \
	(SP_RETRY_ALWAYS | 1u << SP_CAUSE_DISK_FULL | 1u << SP_CAUSE_BAD_HOST)

const char *sp_cause_text(enum sp_cause cause);
bool sp_cause_parse(const char *text, enum sp_cause *cause_out);

struct sp_job {
	bool object;           /* the text was a whole JSON object */
	unsigned says;         /* for sp_job_dress_as: */
#define SP_JOB_EMPTY (1u << 2) /* it has no members at all */
	char script[SP_FILE_MAX + 1];
	char data[SP_FILE_MAX + 1];    /* "" when none */
	char project[SP_FILE_MAX + 1]; /* "" when none */
	char retry_of[SP_ID_LEN + 1];  /* order.retryOf or "" */
	double epochs, steps; /* the script's own, for progress; 0: not said */

	/* from `order`; what is not said has the value given here */
	int prio;                     /* SP_PRIO_USUAL */
	char label[SP_LABEL_MAX + 1]; /* order.name, "" */
	int attempts;                 /* 0: the spool's policy */
	double timeout;               /* seconds, 0: none */
	int gpus;                     /* 0 */
	double cpus;                  /* 0: not said */
	int64_t memory;               /* bytes, 0: not said */
	int64_t not_before;           /* ms since 1970, 0: at once */
	unsigned retry;               /* bit (1u << cause); SP_RETRY_USUAL */
	bool exclusive;
	bool outcome_required;
	bool owned; /* order.owner is said, of which owner.h has more: */
	uint32_t owner_uid;           /* who dropped it into incoming/ */
	char owner[SP_OWNER_MAX + 1]; /* his name, "" when not known */
	char python[SP_FILE_MAX + 1]; /* "" when not said */
	struct sp_id *after;
	size_t after_n;
	char **tags; /* order.tags */
	size_t tags_n;
	char **requires; /* tags a worker must have */
	size_t requires_n;
	char **env; /* "KEY=value" */
	size_t env_n;
	char **warm; /* modules to have imported: dotted names */
	size_t warm_n;
	struct sp_sweep sweep;
	struct sp_prune prune; /* only with sweep.id */

	/* what is to run, by its content; "" where it is not pinned */
	char script_sha[SP_SHA_LEN + 1];
	char data_sha[SP_SHA_LEN + 1];
	char code[SP_FILE_MAX + 1]; /* "sha256:HEX" of a manifest, or the name
	                               of a directory in scripts/ */
	char diff_sha[SP_SHA_LEN + 1]; /* order.git.diff */
	bool git;                      /* there is an order.git */
};

/* Read a job.  A member that is null is as one that is not there; where `order`
 * takes a list, one value may stand alone.  SP_OK: valid.  SP_BAD with
 * job_out->object true: a JSON object, but no valid job (an outcome 400
 * follows); err names the field and the mend. SP_BAD with object false: not a
 * JSON object; err says where it breaks. job_out can be cleared with
 * sp_job_clear whatever came back. */
enum sp_status sp_job_parse(
    const char *text, size_t len, struct sp_job *job_out, struct sp_err *err);
void sp_job_clear(struct sp_job *job);

/* What the script is given: the user's text, byte for byte, with "_id" and
 * "assignmentId" put in front unless the user has such keys.
 * `text` must have parsed. */
void sp_job_dress(const char *text, size_t len, const struct sp_id *id,
    struct sp_buf *text_out);

/* The same; `job` is what `text` parsed as. */
void sp_job_dress_as(const struct sp_job *job, const char *text, size_t len,
    const struct sp_id *id, struct sp_buf *text_out);

/* `text` with members set or replaced ("key=value" with dots for nesting;
 * the value is JSON if it parses, else text).  SP_BAD names the bad one. */
enum sp_status sp_job_edit(const char *text, size_t len, const char *const *set,
    size_t set_n, struct sp_buf *text_out, struct sp_err *err);

/* `text` byte for byte, but for these members of `order`, which are set; an
 * `order` that is null or not there is made.  `text` must have parsed as an
 * object, and its `order` be an object or null; a `value` is JSON. */
struct sp_member {
	const char *key, *value;
};

void sp_job_splice(const char *text, size_t len, const struct sp_member *set,
    size_t n, struct sp_buf *text_out);

/* The nearest of `known` (NULL-terminated) to `word`, NULL when none is near.
 */
const char *sp_nearest(const char *word, const char *const *known);

/* "90", "90s", "15m", "2h", "7d" -> seconds; "512M", "16G", "1024" -> bytes. */
bool sp_seconds_parse(const char *text, double *seconds_out);
bool sp_bytes_parse(const char *text, int64_t *bytes_out);

#endif
