/*
 * bundle.h - files of many jobs, one a line: taking them apart, and what lies
 * in those that still stand there.
 *
 * A bundle of at most `slice` lines (spool.json) is opened: line n becomes an
 * order whose id is the bundle's plus n.  A longer one is cut: its good lines
 * become short bundles, each of one priority.  Both are one step, decided by
 * the bundle's commit to done/ (bundle.c), so that every line becomes one order
 * exactly once whatever crashes, and a line is in one file at any time.
 */
#ifndef SP_BUNDLE_H
#define SP_BUNDLE_H

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/spool.h"

/* Bytes of a bundle that comes of cutting, but for one long line. */
#define SP_BUNDLE_SHORT (1024 * 1024)
/* So many orders for each slice may stand before a bundle before it is opened
 * by those who keep house. */
#define SP_BUNDLE_AHEAD 4

/* What came of one. */
struct sp_opened {
	unsigned orders, bundles, bad;
};

/* Open or cut a bundle of new/.  SP_LOST, SP_GONE: somebody else did, or it was
 * moved.  opened_out may be NULL. */
enum sp_status
sp_bundle_open(const struct sp_spool *spool, const struct sp_name *bundle,
    struct sp_opened *opened_out, struct sp_err *err);

/* Finish or drop what somebody who died at it left in tmp/. */
enum sp_status
sp_bundle_recover(const struct sp_spool *spool, struct sp_err *err);

/* How urgent is it?  As the most urgent of its lines.  Pure. */
int sp_bundle_prio(const char *text, size_t len);
/* How many jobs, that is, lines that are not empty.  Pure. */
unsigned sp_bundle_jobs(const char *text, size_t len);

/* ---- bundlelook.c: what lies in those that are not opened yet ---- */

struct sp_bundles {
	struct sp_bundle_row {
		struct sp_name name;
		enum sp_state state; /* new, waiting or assigned */
	} * row;                     /* by id */
	size_t n, cap;
	struct sp_buf text; /* of row `read`, if that is not n; */
	size_t read;
	unsigned jobs; /* how many it has, */
	unsigned line; /* and where we are in it: who asks for one */
	size_t at;     /* asks for the next, too */
};

/* List those that stand in new/, waiting/ and assigned/. */
enum sp_status sp_bundles_list(const struct sp_spool *spool,
    struct sp_bundles *bundles_out, struct sp_err *err);
void sp_bundles_clear(struct sp_bundles *bundles);
/* The one in which the order with this id lies, and which line it is; NULL:
 * none.  Only of bundles that are short: the lines of others have no ids yet.
 */
const struct sp_bundle_row *sp_bundles_find(const struct sp_spool *spool,
    struct sp_bundles *bundles, const struct sp_id *id, unsigned *line_out);

#endif
