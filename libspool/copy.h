/*
 * copy.h - the bytes of one open file into another, the cheapest way there is.
 */
#ifndef SP_COPY_H
#define SP_COPY_H

#include <stdatomic.h>

#include "libspool/err.h"

/* From both files' offsets, which should be 0, to the end of `from`: shared
 * blocks where the filesystem can (then the offsets do not move), else by the
 * kernel, else by hand.  Of one that grows meanwhile no more than it had, or a
 * writer as fast as we are would keep us for ever.  stop (may be NULL): given
 * up soon after it becomes true.  SP_RETRY: that, or the disk. */
enum sp_status
sp_copy(int from, int to, const atomic_bool *stop, struct sp_err *err);

#endif
