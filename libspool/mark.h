/*
 * mark.h - cancel/ID and hold/ID: requests, created O_EXCL, read by listing.
 */
#ifndef SP_MARK_H
#define SP_MARK_H

#include "libspool/err.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

/* which: SP_DIR_CANCEL or SP_DIR_HOLD.  SP_OK also when it was there. */
enum sp_status sp_mark_set(const struct sp_spool *spool, enum sp_dir which,
    const struct sp_id *id, struct sp_err *err);
enum sp_status sp_mark_unset(const struct sp_spool *spool, enum sp_dir which,
    const struct sp_id *id, struct sp_err *err);
/* All ids marked, sorted. */
enum sp_status sp_mark_list(const struct sp_spool *spool, enum sp_dir which,
    struct sp_names *ids_out, struct sp_err *err);

/* Of the names in a listing of cancel/ or hold/, those that are ids. */
enum sp_status
sp_mark_ids(const struct sp_names *all, struct sp_names *ids_out);

/* By any name, for requests of other kinds (wish.h). */
enum sp_status sp_mark_make(const struct sp_spool *spool, enum sp_dir which,
    const char *name, struct sp_err *err);
enum sp_status sp_mark_remove(const struct sp_spool *spool, enum sp_dir which,
    const char *name, struct sp_err *err);

#endif
