/*
 * movein.h - what the files that move share, and the groups of renames over
 * there.  Private to move*.c, finish*.c and submit*.c.
 */
#ifndef SP_MOVEIN_H
#define SP_MOVEIN_H

#include <sys/stat.h>

#include "libspool/move.h"

/* move.c: to a name that only we can make.  SP_OK: it is there now.  SP_LOST:
 * the source went elsewhere.  SP_RETRY: it did not happen, or nobody can tell
 * yet; repeating is safe. */
enum sp_status sp_move_own(
    int fromfd, const char *from, int tofd, const char *to, struct sp_err *err);

/* move.c: is it there, by a directory that an NFS client has just looked at
 * anew, so that it forgets which names were absent? */
bool move_there(int dirfd, const char *name);

/* The same; st_out: the target.  All zero where it could only be listed. */
enum sp_status move_own_look(int fromfd, const char *from, int tofd,
    const char *to, struct stat *st_out, struct sp_err *err);

/* ---- movefar.c: the same steps in the least round trips ---- */

/* sp_move_file with an fsync, replacing. */
enum sp_status move_settle_far(int fromfd, const char *from, int tofd,
    const char *to, bool sync, struct sp_err *err);

/* A step whose names are made already: src in `at`, dst in `to`.  The target is
 * looked at with its rename; with `links` that says how many links it has.
 * text, if not NULL: of at most `max` bytes, read with it. */
struct move_far {
	enum sp_state at, to;
	const struct sp_id *id;
	const char *src, *dst;
	bool links;
	struct sp_buf *text;
	size_t max;
	struct stat st; /* out: of the target */
};
enum sp_status move_step_far(
    const struct sp_spool *sp, struct move_far *m, struct sp_err *err);

/* Several at once, to states that have no days: first all renames, then the
 * looks at all targets, then the texts.  status_out[]: as that of one. */
void move_steps_far(const struct sp_spool *sp, struct move_far *all, size_t n,
    enum sp_status *status_out, struct sp_err *err);
/* movestep.c: what lies under the name that a claim gave. */
enum sp_status
move_claimed(const char *dst, const struct stat *st, struct sp_err *err);

/* Private files of ours in `fromdir`, each to a name that only we can make, and
 * an fsync of the directories that got one. */
struct move_in {
	const char *from;
	int todir;
	char to[SP_NAME_MAX];
	bool out;  /* this one is left out */
	int error; /* out: 0, or an errno */
};
void move_in_far(int fromdir, struct move_in *all, size_t n, const int *dirs,
    size_t dirs_n, int *sync_errors_out);

/* Within a directory, beside what others may have made: by link and unlink. */
struct move_beside {
	char from[SP_NAME_MAX + 1], to[SP_NAME_MAX]; /* from "": left out */
	bool done; /* out; false: sp_move_file tells more */
};
void move_beside_far(int dir, struct move_beside *all, size_t n);

/* Commits, each from its name in assigned/; all[].status is filled.  The
 * directories that changed are fsynced: what that came to is returned. */
enum sp_status move_commits_far(const struct sp_spool *sp, struct sp_move *all,
    size_t n, struct sp_err *err);

#endif
