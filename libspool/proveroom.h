/*
 * proveroom.h - tmp/prove.W, the directory in which `spool prove` W tries out
 * what a filesystem does: how it is made and how it is removed again, also by
 * others when who made it was killed.
 *
 * In it lie "who", a beat (beat.h) of the one that made it, written anew while
 * it works; files; and directories of files.  No orders, nothing of value.
 */
#ifndef SP_PROVEROOM_H
#define SP_PROVEROOM_H

#include <stdbool.h>

#include "libspool/spool.h"

#define SP_TMP_PROVE "prove."
#define SP_PROVE_OLD                                                           \
	600 /* s: one that was not written to so long is nobody's */

/* The name of ours; tmp/NAME with "who" in it, and a handle. */
enum sp_status sp_prove_make(const struct sp_spool *spool,
    char name_out[SP_NAME_MAX], int *fd_out, struct sp_err *err);
/* We are still here. */
enum sp_status
sp_prove_beat(const struct sp_spool *spool, int room, struct sp_err *err);

/* Remove it and all that is in it; only of this name's kind, never deeper than
 * two levels, through no link.  False: something is left. */
bool sp_prove_wipe(const struct sp_spool *spool, const char *name);
/* Is tmp/NAME such a room, and its maker gone, or silent for SP_PROVE_OLD?
 * now: the file server's, ms. */
bool sp_prove_left(const struct sp_spool *spool, const char *name, int64_t now);
/* Remove those whose maker is gone; how many. */
unsigned sp_prove_sweep(const struct sp_spool *spool);

#endif
