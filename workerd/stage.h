/*
 * stage.h - the work directory of an attempt: made, filled, emptied (stage.c),
 * and removed (rmtree.c).
 */
#ifndef WORKER_STAGE_H
#define WORKER_STAGE_H

#include <limits.h>
#include <stdbool.h>

#include "libspool/buf.h"
#include "libspool/err.h"

struct slot;
struct worker;

#define WORK_MAX 2048             /* our directory's path */
#define DIR_MAX  (WORK_MAX + 256) /* one below it */

#define METRICS_MS 1000 /* between copies of a job's metrics */
/* Bytes of metrics that may come at once. */
#define METRICS_BURST (1 << 20)

#define STAGE_JOB     ".spool-job.json"
#define STAGE_OUTCOME ".spool-outcome.json"
#define STAGE_METRICS ".spool-metrics.jsonl"
/* SP_OK; SP_BAD: what the job names is not there, s->why and s->unfit say so;
 * SP_RETRY: this host has trouble, s->why says which; SP_LOST: it takes a
 * while: when porter_done says so, stage_made has one of the others. */
enum sp_status
stage_make(struct worker *w, struct slot *s, const struct sp_buf *dressed);
enum sp_status stage_made(struct slot *s);
/* Before the first of these: nothing is known of what it is made of. */
void stage_forget(struct slot *s);
/* It could not be made because a file of it is being written to. */
bool stage_busy_is(const struct slot *s);
/* Write down what it is made of, for later attempts. */
void stage_pin(struct worker *w, struct slot *s);
void stage_clear(struct worker *w, struct slot *s);
/* The attempt is to go on later: what it left is kept, if that is possible. */
void stage_keep(struct worker *w, struct slot *s);
/* Where the data file lies in the work directory; "" when there is none. */
void stage_data(const struct slot *s, char path_out[PATH_MAX]);
/* Copy what came to the metrics. */
void stage_metrics(struct worker *w, struct slot *s, bool final);
/* $SPOOL_OUTCOME as the script left it; false: nothing there that is one. */
bool stage_outcome(
    const struct worker *w, const struct slot *s, struct sp_buf *text_out);
/* Remove what is there, a directory with all below it, following nothing. */
void rmtree(const char *path);

#endif
