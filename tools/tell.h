/*
 * tell.h - what came of one run of a sweep, as a line of `spool tell`.
 */
#ifndef TOOLS_TELL_H
#define TOOLS_TELL_H

#include "libspool/outcome.h"
#include "tools/spool.h"

struct tell_how {
	const char *metric; /* NULL: the outcome's loss */
	bool steps;         /* its values, too */
};

/* One JSON object, without a newline.  number: of the id in its sweep.
 * SP_LOST: it is not over. */
enum sp_status
tell_line(struct tool *tool, const struct tell_how *how, const struct sp_id *id,
    unsigned number, struct sp_buf *line_out, struct sp_err *err);

#endif
