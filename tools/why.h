/*
 * why.h - what is known of why an order stands where it stands: lines in words,
 * and of one in new/ what it meets at each worker.  whyask.c asks, why.c says.
 */
#ifndef WHY_H
#define WHY_H

#include "tools/spool.h"

#define WHY_NEXT_NONE ((size_t)-1)

struct why {
	struct tool *tool;
	const struct sp_row *row;
	struct sp_names lines;
	struct fleet fleet;
	struct sp_reason *reason; /* of each of the fleet; NULL: not in new/ */
	size_t ahead;             /* before it in new/ */
	size_t next;              /* of the fleet: who will probably run it */
	int64_t at;               /* when, ms since 1970; 0: nobody knows */
};

/* Clear with why_clear.  row and job must stay. */
void why_ask(struct tool *tool, const struct sp_row *row,
    const struct sp_buf *job, struct why *why_out);
void why_clear(struct why *why);

#endif
