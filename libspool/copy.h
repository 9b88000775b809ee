/*
 * copy.h - the bytes of one open file into another, the cheapest way there is.
 */
#ifndef SP_COPY_H
#define SP_COPY_H

#include <stdatomic.h>
#include <sys/types.h>

#include "libspool/err.h"

/* From both files' offsets, which should be 0, to the end of `from`, or so many
 * bytes (0: all), for who writes to it as fast as we read would keep us for
 * ever: shared blocks where the filesystem can (then all, and the offsets do
 * not move), else by the kernel, else by hand.  stop (may be NULL): given up
 * soon after it becomes true.  SP_RETRY: that, or the disk. */
enum sp_status sp_copy(
    int from, int to, off_t most, const atomic_bool *stop, struct sp_err *err);

#endif
