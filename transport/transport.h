/*
 * transport.h - how a worker reaches a spool: one short table of verbs in the
 * language of the job, not of the medium.
 *
 * Every slot may say SP_RETRY (the medium is away: back off, ask again) and
 * each is safe to repeat.  Buffers handed in belong to the caller; err may be
 * NULL.  All slots but these are called from one thread: commit has another
 * one; beat, which is never called twice at once, any; look_at, tree,
 * imported, fetch, keep_blob, stands, append, out_list, out_get, out_put and
 * curve are called from any number of threads at once.
 *
 * None takes longer than a deadline of its own when the medium is dead, and
 * while it is known to be so they say SP_RETRY at once.
 */
#ifndef TR_TRANSPORT_H
#define TR_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libspool/beat.h"
#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/finish.h"
#include "libspool/job.h"
#include "libspool/move.h"
#include "libspool/name.h"
#include "libspool/policy.h"
#include "libspool/scan.h"
#include "libspool/sha256.h"
#include "libspool/state.h"

struct tr; /* private to each transport */

/* What an attempt leaves beside its outcome, in runs/DAY/ID/. */
enum tr_trace {
	TR_LOG,    /* tTaA@W.log */
	TR_METRICS /* tTaA@W.metrics.jsonl */
};

enum tr_release {
	TR_BACK,      /* to new/, attempt not counted (drain, lost reply) */
	TR_PREEMPTED, /* to new/, not counted, noted as preempted */
	TR_RETRY      /* to waiting/, attempt counted, back-off */
};

/* Bytes and inodes; files 0: without a limit. */
struct tr_room {
	int64_t size, free;
	int64_t files, files_free;
};

/* What people ask of a worker. */
struct tr_wishes {
	bool drain;  /* claim nothing */
	bool now;    /* and stop what runs */
	bool resume; /* begin anew */
};

/* What stands somewhere in scripts/ or data/, at one moment. */
struct tr_version {
	bool directory;
	int64_t size;
	/* Two looks that give the same text have met the same bytes, on this
	 * machine and for any process that reaches that spool; */
	char text[160];
	/* but so young a file may change once more and look the same: its text
	 * is to be believed after so many ms.  0: now. */
	int64_t young;
};

struct tr_ops {
	const char *scheme; /* "dir", "sftp", "https" */
	/* Each call is a question to somebody far away: what may be done by
	 * another thread should be. */
	bool far;

	/* url: as given on the command line; base: the NAME of our W.
	 * SP_FATAL: no spool there, in words. */
	enum sp_status (*open)(const char *url, const char *base,
	    struct tr **tr_out, struct sp_err *err);
	/* Takes NULL too. */
	void (*close)(struct tr *tr);

	/* A handle that polls readable when something may have changed, -1 if
	 * there is none (then look by the clock alone); drain clears it. */
	int (*wake)(struct tr *tr);
	void (*drain)(struct tr *tr);

	/* Canonical names waiting in new/, in dispatch order; raw drops that
	 * are whole are admitted on the way (some of them, when there are
	 * many), young ones are left.  There may be bundles among them, which
	 * `unpack` opens.  SP_LOST: nothing is known that the last
	 * listing did not say. */
	enum sp_status (*list)(
	    struct tr *tr, struct sp_names *names_out, struct sp_err *err);
	/* The text of an order that is still in new/, for the fit.  SP_GONE:
	 * it is not.  SP_BAD: no plain file, too long. */
	enum sp_status (*read)(struct tr *tr, const struct sp_name *name,
	    struct sp_buf *text_out, struct sp_err *err);
	/* May it run now: not held, not cancelled, its dependencies done?
	 * SP_OK: yes.  SP_LOST: not now (it was or will be moved). */
	enum sp_status (*eligible)(struct tr *tr, const struct sp_name *name,
	    const struct sp_job *job, struct sp_err *err);
	/* SP_OK: ours, the text in text_out.  SP_LOST: someone else's.
	 * SP_BAD, SP_RETRY: nothing may be started, though it may turn out to
	 * be ours: `held` tells. */
	enum sp_status (*claim)(struct tr *tr, const struct sp_name *name,
	    struct sp_name *claimed_out, struct sp_buf *text_out,
	    struct sp_err *err);
	/* Several at once, in less time than one after the other: each one's
	 * status is filled, and its text where that is SP_OK.  NULL: there is
	 * no better way than claim. */
	void (*claims)(struct tr *tr, struct sp_claiming *all, size_t n,
	    struct sp_err *err);
	/* Open a bundle of new/: its lines are orders then (libspool/bundle.h).
	 * SP_LOST: somebody else has.  NULL where none are listed. */
	enum sp_status (*unpack)(
	    struct tr *tr, const struct sp_name *name, struct sp_err *err);
	/* End an order in new/ that is no valid job, with an outcome 400. */
	enum sp_status (*refuse)(struct tr *tr, const struct sp_name *name,
	    const char *why, struct sp_err *err);

	/* Where an order stands, and under which name.  SP_GONE: nowhere. */
	enum sp_status (*stands)(struct tr *tr, const struct sp_id *id,
	    enum sp_state *state_out, struct sp_name *name_out,
	    struct sp_err *err);

	/* What is `path` now, a plain name in scripts/ or data/ (which:
	 * SP_DIR_SCRIPTS, SP_DIR_DATA), one that `tree` or `imported` gave, or
	 * "."?  SP_GONE:
	 * nothing.  SP_BAD: neither plain file nor directory. */
	enum sp_status (*look_at)(struct tr *tr, int which, const char *path,
	    struct tr_version *version_out, struct sp_err *err);
	/* The plain files below a directory there, as NAME/sub/file, sorted;
	 * names that begin with a dot are left out, with all below them.
	 * SP_BAD: something else is in there, or too much. */
	enum sp_status (*tree)(struct tr *tr, int which, const char *name,
	    struct sp_names *paths_out, struct sp_err *err);
	/* What this Python text, a script's, imports of what lies in scripts/,
	 * and what that imports in turn: as paths below scripts/, sorted.  It
	 * depends on the names there, whose version is that of ".", and if
	 * there is anything on what it holds. */
	enum sp_status (*imported)(struct tr *tr, const struct sp_buf *text,
	    struct sp_names *paths_out, struct sp_err *err);
	/* Its bytes into the empty file `to`; which may be SP_DIR_BLOBS, too,
	 * path a hash then.  All of one version, never half of two, which one
	 * is told (not of blobs).  Given up with SP_RETRY soon after `stop`
	 * became true.  SP_GONE, SP_BAD as above; SP_RETRY: also when it is
	 * being written to, or there is no room for it. */
	enum sp_status (*fetch)(struct tr *tr, int which, const char *path,
	    int to, const atomic_bool *stop, struct tr_version *version_out,
	    struct sp_err *err);
	/* The bytes of an open file of ours, whose hash this is, are to be in
	 * blobs/sha256/ and to last. */
	enum sp_status (*keep_blob)(
	    struct tr *tr, int fd, const char *hex, struct sp_err *err);
	/* What an order is pinned to, runs/DAY/ID/pins.json: read it (SP_GONE:
	 * to nothing), or write it unless there is one (SP_LOST). */
	enum sp_status (*pins)(struct tr *tr, const struct sp_id *id,
	    struct sp_buf *text_out, struct sp_err *err);
	enum sp_status (*pin)(struct tr *tr, const struct sp_id *id,
	    const struct sp_buf *text, struct sp_err *err);
	/* The local directory that is $SPOOL_OUT for this order; made, and
	 * taken away after the commit if it is still empty.  old_out: an
	 * earlier attempt had it.  SP_GONE: this medium has no local
	 * directories, the next three are there then (else they may be NULL):
	 * the worker makes one of its own and copies. */
	enum sp_status (*out_dir)(struct tr *tr, const struct sp_id *id,
	    char *path_out, size_t size, bool *old_out, struct sp_err *err);
	/* The plain files in runs/DAY/ID/out/, as sub/file, sorted; links and
	 * the like are left out.  SP_GONE: no attempt has left any. */
	enum sp_status (*out_list)(struct tr *tr, const struct sp_id *id,
	    struct sp_names *paths_out, struct sp_err *err);
	/* The bytes of one into the empty file `to`.  Given up with SP_RETRY
	 * soon after `stop` became true.  SP_GONE: it is not there. */
	enum sp_status (*out_get)(struct tr *tr, const struct sp_id *id,
	    const char *path, int to, const atomic_bool *stop,
	    struct sp_err *err);
	/* The bytes of an open file are to be what `path` is from now on, all
	 * of them or as before, and to last; its directories are made.  fd -1:
	 * it is to be there no more.  claimed: whose attempt says so.  SP_LOST:
	 * that is over, if the medium looks. */
	enum sp_status (*out_put)(struct tr *tr, const struct sp_name *claimed,
	    const char *path, int fd, const atomic_bool *stop,
	    struct sp_err *err);
	/* Add to what the attempt leaves, all of it or nothing.  at: so many
	 * bytes of it are there already; what stands beyond comes of an earlier
	 * try of the same and is written over, so one whose answer was lost is
	 * simply repeated.  Where fewer are there (somebody has cut it) they
	 * follow those. */
	enum sp_status (*append)(struct tr *tr, const struct sp_name *claimed,
	    enum tr_trace which, int64_t at, const void *data, size_t len,
	    struct sp_err *err);

	/* Say that we live. */
	enum sp_status (*beat)(
	    struct tr *tr, const struct sp_beat *beat, struct sp_err *err);
	/* A clean farewell: we hold nothing and will not come back. */
	enum sp_status (*bye)(struct tr *tr, struct sp_err *err);
	/* Listed afresh, sorted: names in assigned/ that carry our W, or our
	 * NAME with another nonce (stale_out); and the ids that are marked for
	 * cancelling. */
	enum sp_status (*held)(struct tr *tr, struct sp_names *ours_out,
	    struct sp_names *stale_out, struct sp_names *cancel_out,
	    struct sp_err *err);

	/* What is asked of our W or NAME, listed afresh: libspool/wish.h.
	 * resume is said once: it is taken away by this. */
	enum sp_status (*wishes)(
	    struct tr *tr, struct tr_wishes *wishes_out, struct sp_err *err);

	/* Outcomes first, then the orders to done/ or failed/: finish.h.  Each
	 * one's status is filled: OK, LOST (it was taken from us), anything
	 * else: not committed yet, ask again.  A name may carry our NAME with
	 * an older nonce: of a worker that died with its outcome on disk. */
	void (*commit)(struct tr *tr, struct sp_ended *group, size_t n,
	    struct sp_err *err);
	/* Give an order back.  cause, why: words for the note beside the job.
	 * SP_LOST: it is no longer ours. */
	enum sp_status (*release)(struct tr *tr, const struct sp_name *claimed,
	    enum tr_release how, const char *cause, const char *why,
	    struct sp_err *err);
	/* End an order of ours without a commit of ours: cancelled (499).
	 * text: its outcome, which says so; NULL: one that says `why`. */
	enum sp_status (*cancel)(struct tr *tr, const struct sp_name *claimed,
	    const char *text, size_t len, const char *why, struct sp_err *err);

	/* Housekeeping for a spool without a daemon; returns ms until it wants
	 * to be called again. */
	int64_t (*keep)(struct tr *tr, bool idle, int64_t now);
	/* Nothing claimable is left: nothing in new/ but `unfit` (names that
	 * this worker can never run, sorted), no raw drop on its way, nothing
	 * in waiting/ that becomes claimable by itself before long. */
	enum sp_status (*drained)(struct tr *tr, const struct sp_names *unfit,
	    bool *drained_out, struct sp_err *err);

	/* How much room there is where the spool lies, for its own files.
	 * SP_GONE: the medium does not say; the slot may be NULL then. */
	enum sp_status (*room)(
	    struct tr *tr, struct tr_room *room_out, struct sp_err *err);

	/* What an order's newest attempt has said of a metric, on top of what
	 * the curve has of it already (sp_curve_read).  NULL: this medium does
	 * not say, and orders with order.prune are not for us. */
	enum sp_status (*curve)(struct tr *tr, const struct sp_id *id,
	    const struct sp_prune *prune, int64_t most, struct sp_curve *curve,
	    bool *more_out, struct sp_err *err);

	/* Room in the spool for the outcomes of so many attempts, so that a
	 * full disk does not keep them from it (libspool/spare.h): set aside
	 * what is missing.  Asked before claims; no system call when nothing
	 * is.  SP_GONE: the medium has none; the slot may be NULL then.
	 * Anything else: there is no room, err says why. */
	enum sp_status (*set_aside)(
	    struct tr *tr, unsigned outcomes, struct sp_err *err);

	/* What the beats of all other workers have of the scripts of rows, in
	 * sum: rows[i].script is given, good and bad are filled. */
	enum sp_status (*peers)(struct tr *tr, struct sp_tally_row *rows,
	    size_t n, struct sp_err *err);

	const struct sp_policy *(*policy)(struct tr *tr);
	const char *(*worker)(struct tr *tr); /* our W */
	unsigned (*workers)(struct tr *tr); /* how many claim, we among them */
};

/* The transport that a URL or path asks for, NULL when there is none. */
const struct tr_ops *tr_find(const char *url);

#endif
