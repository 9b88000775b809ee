/*
 * drawn.h - metrics over their steps, as so many points as somebody can look
 * at: what is drawn.  Whoever wants all of them reads the files.
 */
#ifndef SP_DRAWN_H
#define SP_DRAWN_H

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/spool.h"

#define SP_DRAWN_MOST 2000 /* at most */

/*
 * Put one JSON object: {"loss":{"x":[1,2],"y":[0.5,0.25]},...}, the finite
 * numbers of each metric (SP_METRIC_KEYS at most), at most `points` (2 or more)
 * of each, the last among them, in the order of the files.  x: the step, else
 * the epoch, else the number of the line.  Of files that are small every line
 * is looked at, or several times as many as points are wanted; of large ones
 * lines that lie evenly in them, so it takes about the same time for any. keys:
 * NULL, or the names of the metrics that are wanted, with commas.  Nothing
 * there is
 * {}.
 */
enum sp_status sp_curves_print(const struct sp_spool *spool,
    enum sp_state state, const struct sp_name *name, unsigned points,
    const char *keys, struct sp_buf *text_out, struct sp_err *err);

#endif
