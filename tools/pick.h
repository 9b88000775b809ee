/*
 * pick.h - the runs of a sweep, given by its name.  Orders: spool.h.
 */
#ifndef TOOLS_PICK_H
#define TOOLS_PICK_H

#include "libspool/prune.h"
#include "tools/spool.h"

/* All runs of a sweep, sorted; none is no error. */
enum sp_status pick_runs(struct tool *tool, const char *sweep, bool opens,
    struct sp_id **ids_out, size_t *n_out, struct sp_err *err);
/* All runs of a sweep (sp_sweep_ok), sorted, in ids_out (free it).  opens: as
 * orders, not as lines of bundles.  Says on stderr what is wrong and returns
 * the exit code: 1, there are none. */
int pick_sweep(struct tool *tool, const char *sweep, bool opens,
    struct sp_id **ids_out, size_t *n_out);

#endif
