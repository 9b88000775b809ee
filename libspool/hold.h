/*
 * hold.h - what a mark in hold/ means for an order at once: out of the queue,
 * and into it again when the mark was all that kept it.  Whoever keeps house
 * does the same in time.
 */
#ifndef SP_HOLD_H
#define SP_HOLD_H

#include "libspool/err.h"
#include "libspool/spool.h"

/* new/ -> waiting/, durable.  SP_LOST: it moved meanwhile. */
enum sp_status sp_hold_out(const struct sp_spool *spool,
    const struct sp_name *name, struct sp_err *err);
/* waiting/ -> new/, durable, if nothing else keeps it; *in_out says whether it
 * is in the queue now.  SP_LOST as above. */
enum sp_status sp_hold_in(const struct sp_spool *spool,
    const struct sp_name *name, bool *in_out, struct sp_err *err);

#endif
