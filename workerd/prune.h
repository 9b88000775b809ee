/*
 * prune.h - order.prune: a thread follows the metrics of what runs here and
 * asks for them, and of the other runs of its sweep whenever one of ours comes
 * to a rung (libspool/prune.h), and says which is not worth going on with.
 *
 * It reads files of runs/ only, no index, and as much of them as came since the
 * last time; of orders that have not begun at most a few behind the last that
 * has.  It takes at most a tenth of the time.  While the spool is away nobody
 * is pruned.
 */
#ifndef WORKER_PRUNE_H
#define WORKER_PRUNE_H

#include <stdbool.h>

#include "libspool/prune.h"

struct slot;
struct worker;
struct pruning;

#define PRUNE_MS                                                               \
	250 /* between looks at what runs, and copies of its metrics           \
	     */

/* Its process runs: follow it if its order asks for that.  No thread or no
 * memory: it runs to its end, with a word in the log. */
void prune_begin(struct worker *w, struct slot *s);
/* It is over, or about to be. */
void prune_end(struct worker *w, struct slot *s);
/* Is it to be stopped?  Then words_out says why, once; *own_out is its best and
 * *step_out where it was judged. */
bool prune_said(struct worker *w, const struct slot *s,
    char words_out[SP_PRUNE_WORDS], double *own_out, double *step_out);
/* False: the thread hangs in a call of the transport. */
bool prune_close(struct worker *w, int ms);

#endif
