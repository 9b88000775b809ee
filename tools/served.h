/*
 * served.h - looking at orders where a spool is reached by its HTTP server:
 * whole rows in one question, not file by file.  All else is said by the same
 * calls as of any spool (transport/httptree.h).
 */
#ifndef TOOLS_SERVED_H
#define TOOLS_SERVED_H

#include "tools/spool.h"

bool served_is(const struct sp_spool *spool);

#define SERVED_LAST 1000 /* of the newest, in one answer */

/* As see_rows (last: SERVED_LAST at most), see_row, see_list and sp_find.
 * match: only those whose id or name has that part; NULL: all. */
enum sp_status served_rows(const struct sp_spool *spool, unsigned states,
    size_t last, see_fn *fn, void *arg, struct sp_err *err);
enum sp_status served_row(const struct sp_spool *spool, const struct sp_id *id,
    struct sp_row *row_out, struct sp_err *err);
enum sp_status served_list(const struct sp_spool *spool, const char *match,
    struct see_list *list_out, struct sp_err *err);

#endif
