/*
 * keep.h - the housekeeping that needs no daemon: admit drops, explode bundles,
 * honour marks, hold and promote, reap the dead, publish outcomes whose commit
 * survived, sweep.  spoold does it always; an idle worker when no spoold beats.
 * Any number of keepers may work on one spool at once.  Over a medium whose
 * renames are not one step (fs.h) it moves no order that others may move.
 */
#ifndef SP_KEEP_H
#define SP_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/err.h"
#include "libspool/lease.h"
#include "libspool/spool.h"

/* What may have changed; a bit a directory: SP_DIRTY(SP_DIR_NEW). */
#define SP_DIRTY(dir)     (1u << (dir))
#define SP_DIRTY_INCOMING (1u << SP_DIRS)
#define SP_DIRTY_ALL      (~0u)

struct sp_keep; /* private to keep.c */

/* yields: only observe while a spoold (other than we) is beating; for workers.
 * The spool is borrowed. */
enum sp_status sp_keep_new(const struct sp_spool *spool, bool yields,
    struct sp_keep **keep_out, struct sp_err *err);
void sp_keep_free(struct sp_keep *keep);

/* Do what is due, and what `dirty` asks for.  Returns ms until the next thing
 * is due (1 .. a few seconds).  Trouble is logged, never fatal.  Call it also
 * while a spoold beats: a keeper that yields learns here when it stops. */
int64_t sp_keep_tick(struct sp_keep *keep, unsigned dirty, int64_t now);

/* Its owner has other work, and looks into what it claims itself: what is in
 * new/ is gone through in short slices.  Drops come first all the same. */
void sp_keep_busy(struct sp_keep *keep, bool busy);

/* This came into new/: at the next tick it is looked at by its name.  Who tells
 * of all that comes need not set SP_DIRTY(SP_DIR_NEW) for it. */
void sp_keep_came(struct sp_keep *keep, const char *entry);

/* Is a spoold beating (other than we)?  As far as this keeper has seen. */
bool sp_keep_spoold_is(const struct sp_keep *keep);
/* How many workers were seen alive. */
unsigned sp_keep_workers(const struct sp_keep *keep);

#endif
