/*
 * move.h - every rename of the project.
 *
 * After any rename that returned an error the target is opened: if it is
 * there, it happened (NFS repeats requests, connections break), for nobody
 * else can make that name.  Equally a rename that returned 0 is believed only
 * when the target is there.  Names are never used twice.
 *
 * Each step below: SP_OK it is ours, and durable where the header says so;
 * SP_LOST somebody else moved it first; SP_RETRY the disk or the network;
 * SP_BAD it is no plain file with one link.
 */
#ifndef SP_MOVE_H
#define SP_MOVE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/spool.h"

/* ---- plain moves ---- */

/* tmp/x (or any private file) over or beside a name.  REPLACE may go over an
 * older file; without it an existing target is kept and SP_LOST comes back. */
enum sp_status sp_move_file(int fromfd, const char *from, int tofd,
    const char *to, bool replace, struct sp_err *err);

/* The same and, if `sync`, an fsync of the directory it went to. */
enum sp_status sp_move_settle(int fromfd, const char *from, int tofd,
    const char *to, bool replace, bool sync, struct sp_err *err);

/* Set something aside: any kind of file, by rename only, never over another;
 * the name it got (`to`, or `to` with a nonce) comes back. */
enum sp_status sp_move_aside(const struct sp_spool *spool, int fromfd,
    const char *from, enum sp_dir where, char to[256], struct sp_err *err);

/* Outside the spool: a second name, the path `to`, for a file that is ours
 * alone.  false: errno says why. */
bool sp_link_own(int fromfd, const char *from, const char *to);

/* What rename(2) and link(2) themselves say, 0 or an errno, with no look at
 * what came of it: for `spool prove` alone, which wants to know that. */
int sp_rename_said(
    int fromfd, const char *from, int tofd, const char *to, unsigned flags);
int sp_link_said(int fromfd, const char *from, int tofd, const char *to);

/* Outside the spool: a directory that is ours alone, to a name that is not
 * there and that only we make, on the same filesystem.  false: errno. */
bool sp_move_own_dir(int fromfd, const char *from, int tofd, const char *to);

/* ---- steps of the table (state.h) ---- */

/* Any step whose name follows from the table: hold, promote, release, retry,
 * end, spent, commit, claim.  Fills the new name.  The file is not read.
 * A crash leaves either the old name or the new one. */
enum sp_status sp_move_step(const struct sp_spool *spool, enum sp_step step,
    enum sp_state at, enum sp_state to, const struct sp_name *from,
    struct sp_name *to_out, struct sp_err *err);

/* Another priority for an order in new/ or waiting/ (`at`).  An order in
 * waiting/ begins its back-off anew.  Durable after sp_move_sync. */
enum sp_status sp_move_urge(const struct sp_spool *spool, enum sp_state at,
    const struct sp_name *from, int prio, struct sp_name *to_out,
    struct sp_err *err);

/* Take the name that a dead link+unlink rename left in `at` out of its state
 * whatever its links are: assigned|waiting -> new, new -> waiting, ticket t+1.
 * For half.c alone, after minutes of patience. */
enum sp_status sp_move_half(const struct sp_spool *spool, enum sp_state at,
    const struct sp_name *from, struct sp_name *to_out, struct sp_err *err);

/* The other link of this order is nobody's rename: give it a copy of its text,
 * all at once and under its own name, that no other name leads to.  After the
 * same patience.  SP_LOST: it is no longer there. */
enum sp_status sp_move_apart(const struct sp_spool *spool, enum sp_state at,
    const struct sp_name *name, struct sp_err *err);

/* new/PP.ID.tTaA -> assigned/PP.ID.tTaA@W for our W, and the text of the order
 * as found under the new name.  SP_BAD: two links (a half rename is under way:
 * leave it) or no plain file; nothing may be started. */
enum sp_status
sp_claim(const struct sp_spool *spool, const struct sp_name *order,
    struct sp_name *claimed_out, struct sp_buf *text_out, struct sp_err *err);
/* The same; known: `text` is what was read of it in new/.  No order is changed
 * under its name, so over there it need not be fetched again. */
enum sp_status sp_claim_known(const struct sp_spool *spool,
    const struct sp_name *order, bool known, struct sp_name *claimed_out,
    struct sp_buf *text, struct sp_err *err);

/* The same, where `text` has just been read of a file in new/ that was `was`:
 * it is read again only if it is another now. */
enum sp_status sp_claim_read(const struct sp_spool *spool,
    const struct sp_name *order, const struct stat *was,
    struct sp_name *claimed_out, struct sp_buf *text, struct sp_err *err);

/* One of several that are claimed at once. */
struct sp_claiming {
	struct sp_name order;   /* as it is in new/ */
	bool known;             /* text is what was read of it there */
	struct sp_buf text;     /* out, as sp_claim has it */
	struct sp_name claimed; /* out */
	enum sp_status status;  /* out: as sp_claim says */
};

/* All of them, over there in the round trips of one; each is won or lost by its
 * own rename. */
void sp_claim_all(const struct sp_spool *spool, struct sp_claiming *all,
    size_t n, struct sp_err *err);

/* A commit: from its name in assigned/ to done/ or failed/. */
struct sp_move {
	const struct sp_name *from;
	enum sp_state to;
	enum sp_status status; /* in: SP_OK, or it is left out; out */
};

/* A group of them, and the fsync of each directory that changed, once:
 * sync_out. */
void sp_move_commits(const struct sp_spool *spool, struct sp_move *all,
    size_t n, enum sp_status *sync_out, struct sp_err *err);

/* new/RAW -> new/PP.ID.t1a0[.LABEL].json(l): file fsynced before, new/ after.
 */
enum sp_status sp_move_admit(const struct sp_spool *spool, const char *raw,
    const struct sp_name *name, struct sp_err *err);

/* fsync the directories that a step changed; either may be SP_STATES for none.
 */
enum sp_status
sp_move_sync(const struct sp_spool *spool, const struct sp_id *id,
    enum sp_state a, enum sp_state b, struct sp_err *err);

#endif
