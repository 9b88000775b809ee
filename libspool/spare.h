/*
 * spare.h - room that is set aside in the spool before it is needed: when the
 * disk is full, or a quota, or there are no inodes, an outcome still finds a
 * place.
 *
 *	tmp/.spare.W.N -> outcomes/.ID.tTaA@W
 *
 * Each is a plain file of SP_SPARE_SIZE allocated bytes.  An outcome that
 * cannot be written takes one: by a rename it becomes the provisional outcome,
 * which then needs neither an inode nor blocks.  What else a commit lacks, a
 * block of a directory, it gets by giving up others.  They cost nothing while
 * nothing is wrong: whoever set them aside looks again now and then.
 *
 * Not over there: it is a far disk's business.  Any thread.  What a crash
 * leaves in tmp/ the keeper takes away when no beat of W is left.
 */
#ifndef SP_SPARE_H
#define SP_SPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "libspool/err.h"
#include "libspool/spool.h"

#define SP_SPARE      ".spare."
#define SP_SPARE_SIZE 16384
#define SP_SPARE_MOST 1024

/* For `most` outcomes; none is there yet.  From now on it is the spool's, until
 * it is freed.  NULL: no memory, or the spool is far away. */
struct sp_spare *sp_spare_new(struct sp_spool *spool, unsigned most);
/* Takes them away.  NULL is fine. */
void sp_spare_free(struct sp_spare *spare);

/* Set aside what is missing; no system call when nothing is.  Else the words
 * say why there is no room, and some may be there. */
enum sp_status sp_spare_fill(struct sp_spare *spare, struct sp_err *err);

/* ---- for those who write outcomes; spare NULL: none, false, -1 ---- */

/* Does this errno say that there is no room? */
bool sp_spare_short_is(int sys_errno);
/* dir/name, which is not there, becomes a file with this text, on the disk when
 * it is synced: a handle.  -1: there is no room for it even so; errno. */
int sp_spare_put(struct sp_spare *spare, int dir, const char *name,
    const void *text, size_t len);
/* Give one up, for whatever else needs room.  false: none is left. */
bool sp_spare_spend(struct sp_spare *spare);
/* The same for what matters less: half of them stay for outcomes. */
bool sp_spare_lend(struct sp_spare *spare);
/* Some servers say only at the fsync that there was no room: the next outcomes
 * take spare files at once, until all are there again. */
void sp_spare_press(struct sp_spare *spare);
bool sp_spare_pressed_is(struct sp_spare *spare);

/* ---- for the keeper ---- */

/* Is tmp/NAME one of a W that has no beat any more? */
bool sp_spare_left_is(const struct sp_spool *spool, const char *name);

#endif
