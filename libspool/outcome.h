/*
 * outcome.h - what came of a job: the script's own JSON object and what we
 * know of the run.  Pure.
 */
#ifndef SP_OUTCOME_H
#define SP_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/job.h"
#include "libspool/name.h"
#include "libspool/sha256.h"

#define SP_OUTCOME_MAX (1024 * 1024)

/* The numbers in `status`. */
enum {
	SP_ST_DONE = 200,
	SP_ST_SILENT = 204, /* done, no outcome of the script's own */
	SP_ST_PRUNED = 206, /* stopped: others did better (order.prune) */
	SP_ST_INVALID = 400,
	SP_ST_TIMEOUT = 408,
	SP_ST_DEPENDENCY = 424,
	SP_ST_CANCELLED = 499,
	SP_ST_FAILED = 500,
	SP_ST_NO_OUTCOME = 502,
	SP_ST_LOST = 503
};

static inline bool
sp_status_good_is(int status)
{
	return status >= 200 && status < 300;
}

/* "KILL" of 9, whatever the language; NULL: none that a process dies of. */
const char *sp_signal_text(int sig);

/* A file that the script left in $SPOOL_OUT. */
struct sp_artifact {
	char *name; /* below it, with "/" */
	int64_t size;
	char sha256[SP_SHA_LEN + 1]; /* "": not known */
};

struct sp_artifacts {
	struct sp_artifact *at; /* sorted by name */
	size_t n;
	size_t more;    /* that are not in the list */
	size_t skipped; /* what is no plain file: links, FIFOs, devices */
};

void sp_artifacts_clear(struct sp_artifacts *artifacts);

/* A GPU that it had.  Borrowed texts, "" when not known. */
struct sp_run_gpu {
	int index; /* -1: not known */
	const char *uuid, *name;
};

/* Was it run by an interpreter that was warm already? */
enum sp_warm {
	SP_WARM_UNSAID, /* nobody asked for one */
	SP_WARM_YES,
	SP_WARM_COLD
};

/* What we know of an attempt.  Zero means unknown and is left out. */
struct sp_run {
	struct sp_name name; /* the order as it was assigned */
	char host[65];
	int64_t started; /* ms since 1970 */
	int64_t finished;
	double seconds;
	int exit_code; /* -1: none */
	int signal;    /* 0: none */
	enum sp_cause cause;
	int64_t max_rss_kib; /* of its largest process */
	int64_t memory_peak; /* bytes, of all of them together */
	double cpu_seconds;
	int64_t metrics;               /* bytes of them that were kept, */
	int64_t metrics_dropped;       /* and that were not */
	const struct sp_run_gpu *gpus; /* borrowed */
	size_t gpus_n;
	const char *script_sha256;
	const char *data_sha256;
	const char *code_sha256;
	const char *python; /* the interpreter's path, */
	const char *python_version;
	const char *environment; /* and the hash of what is installed for it */
	/* Borrowed, may be NULL; of those that would make the outcome too long
	 * only the first are named. */
	const struct sp_artifacts *artifacts;
	enum sp_warm warm;
	const char *warm_why; /* why it is cold */
	/* SP_CAUSE_PRUNED: what was compared, how good it was, and where. */
	const char *pruned_metric;
	double pruned_best, pruned_step;
};

/* Judge an attempt and print its outcome.
 * script/len: the script's own object as text, NULL when it reported none.
 * run->cause says how the process ended (OK when it exited 0); it is set to the
 * final cause.  error: words of ours, NULL for none; used when the script gave
 * no error itself, and kept as run.note when the verdict is good.
 * text_out gets one line with its newline, at most SP_OUTCOME_MAX bytes that
 * parse, whatever the script said; so its ceiling should be no lower.
 * status_out gets the number.  SP_RETRY on no memory. */
enum sp_status
sp_outcome_make(struct sp_run *run, bool required, const char *script,
    size_t len, const char *error, struct sp_buf *text_out, int *status_out);

/* An outcome for an order that ended without a run of its own: 400, 424, 499,
 * 503.  `name` is the name it ends under.  One line with its newline. */
enum sp_status sp_outcome_end(const struct sp_name *name, const char *host,
    int64_t now, int status, const char *error, struct sp_buf *text_out);

/* Is this a whole outcome?  SP_OK fills its status; SP_BAD if it does not
 * parse or has no numeric status. */
enum sp_status sp_outcome_status(const char *text, size_t len, int *status_out);

/* The last line of a log that is a JSON object (NaN and the like allowed), NULL
 * when none; *len_out is its length.  Points into `text`. */
const char *sp_outcome_find(const char *text, size_t len, size_t *len_out);

#endif
