/*
 * spool.h - an open spool: directory handles, policy, who we are.
 * All paths below are relative to handles, so the spool can be renamed or
 * mounted elsewhere while a program runs.
 */
#ifndef SP_SPOOL_H
#define SP_SPOOL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "libspool/err.h"
#include "libspool/name.h"
#include "libspool/policy.h"
#include "libspool/state.h"

/* The first five are the states, in the order of enum sp_state. */
enum sp_dir {
	SP_DIR_NEW,
	SP_DIR_WAITING,
	SP_DIR_ASSIGNED,
	SP_DIR_DONE,
	SP_DIR_FAILED,
	SP_DIR_TMP,
	SP_DIR_BAD,
	SP_DIR_REPAIR,
	SP_DIR_CANCEL,
	SP_DIR_HOLD,
	SP_DIR_DRAIN,
	SP_DIR_OUTCOMES,
	SP_DIR_RUNS,
	SP_DIR_SCRIPTS,
	SP_DIR_DATA,
	SP_DIR_BLOBS,
	SP_DIR_WORKERS,
	SP_DIR_INDEX,
	SP_DIRS
};

struct sp_spool {
	char path[PATH_MAX]; /* absolute; of a far one its URL */
	int root;            /* this and those below are handles of fs.h */
	int dir[SP_DIRS];    /* -1 where it could not be opened */
	bool local;          /* inotify sees every change; no network */
	char actor[SP_WORKER_MAX + 1]; /* our W */
	/* Called now and then from what may take longer than a lease, so that
	 * who opened the spool can beat meanwhile; NULL: nobody. */
	void (*alive)(void *arg);
	void *alive_arg;
	struct sp_spare *spare; /* room set aside (spare.h); NULL: none */
	struct sp_policy policy;
};

/* Directories in tmp/ that begin so are to be some order's in runs/. */
#define SP_TMP_RUN "run."

const char *sp_dir_text(enum sp_dir dir);

static inline void
sp_alive(const struct sp_spool *spool)
{
	if (spool->alive != NULL)
		spool->alive(spool->alive_arg);
}

/* Make the directories and spool.json that are missing; fsyncs them.
 * Safe to repeat and to run twice at once. */
enum sp_status sp_spool_make(const char *path, struct sp_err *err);
/* The same in a directory that is there, whose handle is taken over. */
enum sp_status sp_spool_make_at(int root, const char *path, struct sp_err *err);

/* Open a spool.  base: the NAME of our W ("spoold", a host); a fresh nonce is
 * made.  SP_FATAL with words where it is no spool, of a format that we do not
 * know, or not to be opened; missing directories are made when we may.
 * Close with sp_spool_close. */
enum sp_status sp_spool_open(const char *path, const char *base,
    struct sp_spool *spool_out, struct sp_err *err);
/* The same on any handle (fs.h), which is taken over, also on failure; path:
 * what people call it.  SP_RETRY: the medium is away. */
enum sp_status sp_spool_open_at(int root, const char *path, const char *base,
    struct sp_spool *spool_out, struct sp_err *err);
void sp_spool_close(struct sp_spool *spool);

/* Directories may be removed or replaced under a program that runs for months
 * (`rm -rf done; mkdir done`): take what stands there now under the same
 * handles, which others threads may be using.  Bits of 1u << sp_dir for what
 * was taken anew.  One that was moved away is followed until another stands in
 * its place; so is the whole spool. */
unsigned sp_spool_again(struct sp_spool *spool);

/* A handle on done/DAY, failed/DAY: made when `make`; the caller closes it.
 * SP_GONE when it is not there. */
enum sp_status sp_day_open(const struct sp_spool *spool, enum sp_state state,
    const char *day, bool make, int *fd_out, struct sp_err *err);
/* runs/DAY/ID, likewise. */
enum sp_status sp_run_open(const struct sp_spool *spool, const struct sp_id *id,
    bool make, int *fd_out, struct sp_err *err);
/* The same, made without a sync if it is not there: what lies there decides
 * nothing, and two syncs for each job would cost more than many a job. */
enum sp_status sp_run_make(const struct sp_spool *spool, const struct sp_id *id,
    int *fd_out, struct sp_err *err);
/* The directory an order called `name` has in `state`: a new handle. */
enum sp_status sp_state_open(const struct sp_spool *spool, enum sp_state state,
    const struct sp_id *id, bool make, int *fd_out, struct sp_err *err);

/* An id of this moment, unlike any other (clock and getrandom). */
void sp_id_now(struct sp_id *id_out);
uint32_t sp_dice(void);
int64_t sp_wall_ms(void); /* UTC; for display and ids only */
int64_t sp_mono_ms(void); /* CLOCK_BOOTTIME; for waiting and leases */
/* `ms` from now on CLOCK_MONOTONIC, the clock of pthread's timed waits: not
 * sp_mono_ms's, which goes on while the machine sleeps. */
struct timespec sp_mono_in(int64_t ms);

/* The file server's clock, ms since 1970: the mtime of a probe written just
 * now in tmp/.  took_out: how long the write took, ms, by our own clock; it is
 * also the proof that the server answers. */
enum sp_status sp_server_now(const struct sp_spool *spool, int64_t *now_out,
    int64_t *took_out, struct sp_err *err);

#endif
