/*
 * medium.h - the main thread asks a spool that is far away without standing
 * still for the answer: a thread of its own makes the call, and meanwhile the
 * main one looks after the jobs (their output, their limits, their time), which
 * is all that cannot wait.  Nothing else happens in between: for its caller it
 * is a call like any other.
 *
 * When one has taken long and failed, the medium is dead: then the next ones
 * say so at once for a while, all but the beat, so that most of our time goes
 * to the jobs.
 */
#ifndef WORKER_MEDIUM_H
#define WORKER_MEDIUM_H

#include "libspool/err.h"

struct worker;

/* From now on w->ops asks so, if the spool is far away; w->direct does not. */
enum sp_status medium_open(struct worker *w, struct sp_err *err);
/* Look after the jobs for so many ms: where we wait for something else. */
void medium_rest(struct worker *w, int ms);
void medium_close(struct worker *w);

#endif
