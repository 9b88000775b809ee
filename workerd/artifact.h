/*
 * artifact.h - what the job left in $SPOOL_OUT, for its outcome.
 */
#ifndef WORKER_ARTIFACT_H
#define WORKER_ARTIFACT_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/outcome.h"

struct slot;
struct worker;

/* Begin to look; false: nothing is there, go on. */
bool artifact_begin(struct worker *w, struct slot *s, int64_t now);
/* Make an end of it soon. */
void artifact_cut(struct slot *s, int64_t now);
bool artifact_done(struct slot *s, int64_t now, int64_t *next_out);
/* NULL: nothing is known. */
const struct sp_artifacts *artifact_get(const struct slot *s);
void artifact_clear(struct slot *s);

#endif
