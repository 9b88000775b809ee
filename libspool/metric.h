/*
 * metric.h - what a script's metrics come to: its JSON lines, one after the
 * other, folded into a summary of fixed size.  metric.c and metrictext.c are
 * pure; metricread.c finds the files and folds what came to them since the last
 * time.
 *
 * The same bytes come to the same summary, in whatever pieces they are taken:
 * so the index, which follows, and a reader of the files always agree.
 */
#ifndef SP_METRIC_H
#define SP_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/json.h"
#include "libspool/name.h"
#include "libspool/prune.h"
#include "libspool/spool.h"

#define SP_METRIC_KEYS 64          /* the first that come */
#define SP_METRIC_KEY  64          /* bytes of one */
#define SP_METRIC_LINE (64 * 1024) /* bytes of a line; longer is garbage */
#define SP_METRIC_TEXT (64 * 1024) /* a printed summary has fewer */

enum sp_best {
	SP_BEST_NONE,
	SP_BEST_MIN,
	SP_BEST_MAX
};

struct sp_metric {
	char key[SP_METRIC_KEY + 1]; /* "val/loss" for {"val":{"loss":0}} */
	int64_t n;   /* finite numbers; without one the others say nothing */
	int64_t odd; /* null, NaN, infinities */
	bool last_odd;
	double last, min, max;
	double min_at, max_at; /* steps, NaN where none was said */
};

/* Where a script says that it is; NaN: it does not. */
struct sp_mark {
	double time, step, epoch, progress;
};

struct sp_metrics {
	/* The file it has come to, and how far. */
	unsigned attempt, ticket;
	char worker[SP_WORKER_MAX + 1]; /* "": none yet */
	int64_t at;
	bool skip; /* in the middle of a line that is too long */

	int64_t lines, garbage;
	int64_t more;        /* numbers whose key found no room */
	struct sp_mark now;  /* the last that was said of each */
	struct sp_mark from; /* the first line of this file with a time, */
	struct sp_mark to;   /* and the last one */
	struct sp_metric key[SP_METRIC_KEYS];
	size_t n;
};

/* What a job says of its own length; 0: nothing. */
struct sp_length {
	double epochs, steps;
};

/* ---- metric.c ---- */

void sp_metrics_init(struct sp_metrics *m);
/* The next file: what follows has a pace of its own. */
void sp_metrics_file(struct sp_metrics *m, const struct sp_name *attempt);
/* Fold whole lines; returns the bytes taken, the rest is to be handed in
 * again, with what came behind it.  Something is taken of anything longer than
 * SP_METRIC_LINE. */
size_t sp_metrics_add(struct sp_metrics *m, const char *text, size_t len);

/* 0 to 1: what the script says itself, else epochs or steps over the job's. */
bool sp_metrics_progress(const struct sp_metrics *m,
    const struct sp_length *length, double *progress_out);
/* When it will have ended, ms since 1970, if it goes on at its pace; false:
 * nobody knows. */
bool sp_metrics_eta(const struct sp_metrics *m, const struct sp_length *length,
    int64_t *eta_out);

/* Is less better or more?  By the words of its name. */
enum sp_best sp_metric_best(const char *key);
const struct sp_metric *
sp_metrics_get(const struct sp_metrics *m, const char *key);
/* The one to show when there is room for one: `key`, else the first of that
 * kind; NULL when there is none. */
const struct sp_metric *
sp_metrics_main(const struct sp_metrics *m, const char *key, enum sp_best kind);

/* ---- metrictext.c ---- */

/* One JSON object, and back.  SP_BAD: no text of ours. */
void sp_metrics_print(const struct sp_metrics *m, struct sp_buf *text_out);
enum sp_status
sp_metrics_parse(const char *text, size_t len, struct sp_metrics *m_out);
/* A whole number without its ".0"; NaN: null. */
void sp_metric_put(struct sp_jw *w, const char *key, double value);

/* ---- metricread.c ---- */

/*
 * Fold what the files of an order say and `m` does not yet, at most about
 * `most` bytes (0: all); *more_out: there is more.  Only those of one attempt
 * count: of an order that is over the newest one's, else that which it is at.
 * One that was preempted goes on under its next ticket, in a file of its own.
 * SP_RETRY: trouble with the disk.
 */
enum sp_status sp_metrics_read(const struct sp_spool *spool,
    enum sp_state state, const struct sp_name *name, int64_t most,
    struct sp_metrics *m, bool *more_out, struct sp_err *err);

/* The same for one metric of an order's newest attempt, wherever it stands. */
enum sp_status sp_curve_read(const struct sp_spool *spool,
    const struct sp_id *id, const struct sp_prune *prune, int64_t most,
    struct sp_curve *c, bool *more_out, struct sp_err *err);

/* The files of the attempt that counts, in the directory runs/DAY/ID.  The
 * caller frees `at`, whatever comes back. */
struct sp_metric_files {
	struct sp_name *at; /* the attempts whose they are, by ticket */
	size_t n;
	unsigned attempt; /* the one that counts */
};
enum sp_status
sp_metric_files(int dir, enum sp_state state, const struct sp_name *name,
    struct sp_metric_files *files_out, struct sp_err *err);
/* What its file is called there. */
void
sp_metric_file(const struct sp_name *attempt, char file_out[SP_NAME_MAX + 16]);

#endif
