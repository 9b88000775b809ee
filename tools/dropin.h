/*
 * dropin.h - submit for users who may not write to the spool: their jobs are
 * dropped into incoming/ (libspool/incoming.h), and what became of them is read
 * in answers/UID/.
 */
#ifndef DROPIN_H
#define DROPIN_H

#include "libspool/err.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

struct dropin {
	int dir, answers; /* -1: answers/UID is not there yet */
	int root;
	struct sp_names names; /* what was dropped, in that order */
};

/* Is `where` a spool on this machine in which we may drop, and no more than
 * that?  Clear it afterwards if so. */
bool dropin_open(const char *where, struct dropin *drop_out);
void dropin_clear(struct dropin *drop);

/* Drop one job: whole and on the disk when this returns.  label: as submit has
 * it, where the job has no order.name. */
enum sp_status dropin_put(struct dropin *drop, const char *label,
    const char *text, size_t len, struct sp_err *err);

/* What became of the i-th.  SP_OK: an order; SP_BAD: refused, and removed;
 * SP_RETRY: it lies there still; both say why in err. */
enum sp_status dropin_ask(struct dropin *drop, size_t i, int64_t until,
    struct sp_id *id_out, struct sp_err *err);

#endif
