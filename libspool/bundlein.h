/*
 * bundlein.h - what bundle.c and bundleput.c share.  Private to them.
 */
#ifndef SP_BUNDLEIN_H
#define SP_BUNDLEIN_H

#include "libspool/bundle.h"

struct bundle_pack;

struct bundle_stage {
	const struct sp_spool *sp;
	const struct sp_name *bundle; /* as claimed */
	int fd;                       /* tmp/ATTEMPT.d */
	const struct sp_buf *text;    /* its text, as read */
	int trusted; /* may it say order.owner?  0: not looked yet, 1, -1 */
	bool cut;    /* it is long: short bundles come of it, no orders */
	unsigned line, orders, bundles, bad;
	struct sp_id first, last; /* of its orders */
	uint32_t ids;             /* given, when cut */
	struct bundle_pack *pack; /* one of each priority, when cut */
};

/* All that comes of these lines, as files in the stage; on a local disk not
 * synced yet.  The text is changed. */
enum sp_status bundle_put_lines(
    struct bundle_stage *g, struct sp_buf *text, struct sp_err *err);

#endif
