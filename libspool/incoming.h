/*
 * incoming.h - the intake for people who may not write to the spool itself:
 * they drop jobs (.json, or .jsonl with one a line) into incoming/, which they
 * can neither list nor take from, and the keeper who owns the spool brings them
 * in and writes down whose they are (order.owner, owner.h).
 *
 * A drop stays its owner's file until it is in: he may change it, put another
 * in its place, or plant what is none.  So it is opened once, following
 * nothing; what that handle says (a plain file, one link, whose, nobody else's
 * to write) and what is read from it decides; and a copy goes in, never the
 * file.  The original is removed when the copy is durable in new/.
 *
 * Exactly once: before anything goes in, answers/.taking is durable, with the
 * name, inode and time of each drop of the group and the id that it will have.
 * It is removed after the originals.  Who finds one there asks of each drop
 * that is still as it says whether that id is in the spool: if so the drop is
 * removed, else taken as if never seen.  One keeper does this at a time: flock
 * on answers/.lock.
 *
 * What came of a drop NAME of user UID: answers/UID/NAME.id has its order's id;
 * NAME.why says why it was not taken, or not yet.  Nobody but the keeper writes
 * there, and nobody can list it; where the keeper is root each answer belongs
 * to its reader and nobody else can read it.  A drop that is refused stays
 * where it is, for its owner to mend; it is looked at again when it changes,
 * and removed, as answers are, after `answerAge` seconds.
 */
#ifndef SP_INCOMING_H
#define SP_INCOMING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "libspool/err.h"
#include "libspool/spool.h"

#define SP_INCOMING "incoming"
#define SP_ANSWERS  "answers"

struct sp_incoming; /* private to incoming*.c */

/* Make both directories, and give them the modes that they must have. */
enum sp_status sp_incoming_make(int root, struct sp_err *err);

/* Is what stands there as it must be?  SP_OK; SP_GONE: there is no intake, and
 * nothing is wrong; SP_BAD: err says what is wrong with the mend. */
enum sp_status sp_incoming_look(int root, struct sp_err *err);

/* SP_GONE: there is none, or it is not ours to keep: another user's, or on a
 * medium that does not tell whose files are. */
enum sp_status sp_incoming_open(const struct sp_spool *spool,
    struct sp_incoming **in_out, struct sp_err *err);
void sp_incoming_free(struct sp_incoming *in);

/* Take in what is there, for a fifth of a second at most.  server: as
 * sp_server_now.  *taken: something came in.  Returns the ms until it should be
 * called again if nothing is heard before; -1: the directory was removed, open
 * anew. */
int64_t
sp_incoming_tick(struct sp_incoming *in, int64_t server, bool *taken_out);

#endif
