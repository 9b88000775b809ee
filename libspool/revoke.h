/*
 * revoke.h - take an order from a worker that is dead, whoever found that out.
 */
#ifndef SP_REVOKE_H
#define SP_REVOKE_H

#include <stdbool.h>

#include "libspool/err.h"
#include "libspool/spool.h"

enum sp_revoked {
	SP_REVOKED_COMMITTED, /* it had finished: committed in its stead */
	SP_REVOKED_QUEUED,    /* waiting/, one attempt more spent */
	SP_REVOKED_SPENT,     /* failed/ with an outcome 503 */
	SP_REVOKED_CANCELLED  /* failed/ with an outcome 499 */
};

/* "given back to waiting/", ...: for people. */
const char *sp_revoked_text(enum sp_revoked how);

/* name: as it stands in assigned/.  cancelled: there is a mark; it goes with
 * the order.  why: words for the note beside the job and for the outcome.
 * SP_LOST: its worker lived after all, or somebody else was quicker.
 * SP_RETRY: the disk; repeating is safe.  A crash on the way leaves the order
 * in assigned/ or revoked, never both. */
enum sp_status sp_revoke(const struct sp_spool *spool,
    const struct sp_name *name, bool cancelled, const char *why,
    enum sp_revoked *how_out, struct sp_err *err);

#endif
