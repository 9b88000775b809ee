/*
 * find.h - where does an order stand?  Looks at the directories, not at the
 * index.
 */
#ifndef SP_FIND_H
#define SP_FIND_H

#include "libspool/err.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

/* The order with this id.  SP_GONE: nowhere.  An order that moves while we look
 * is looked for again.  Of two terminal entries (a breach) the lowest ticket.
 */
enum sp_status sp_find(const struct sp_spool *spool, const struct sp_id *id,
    enum sp_state *state_out, struct sp_name *name_out, struct sp_err *err);

/* How did it end?  SP_OK fills the outcome's status number; SP_GONE: not over
 * yet (or unknown). */
enum sp_status sp_find_status(const struct sp_spool *spool,
    const struct sp_id *id, int *status_out, struct sp_err *err);
/* The same of a file in outcomes/.  SP_OK: it is whole; SP_RETRY: nobody can
 * tell now; else it is not. */
enum sp_status sp_find_status_of(const struct sp_spool *spool, const char *file,
    int *status_out, struct sp_err *err);

/* Before asking for names that may be new in `dir`: make an NFS client look at
 * the directory anew, so that it forgets which names were absent. */
void sp_refresh(const struct sp_spool *spool, enum sp_dir dir);

/* Call fn for every order in a state, sorted by day and name.  fn's non-zero
 * result ends the walk.  Names that do not parse go to `odd` (may be NULL). */
typedef int
sp_walk_fn(void *arg, enum sp_state state, const struct sp_name *name);
typedef void sp_odd_fn(void *arg, const char *dir, const char *name);
enum sp_status sp_walk(const struct sp_spool *spool, enum sp_state state,
    sp_walk_fn *fn, sp_odd_fn *odd, void *arg, struct sp_err *err);

/* Read an order's job text where it stands. */
enum sp_status sp_order_read(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, struct sp_buf *text_out, struct sp_err *err);

#endif
