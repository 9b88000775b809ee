/*
 * transport.h - how a worker reaches a spool: one short table of verbs in the
 * language of the job, not of the medium.
 *
 * Every slot may say SP_RETRY (the medium is away: back off, ask again) and
 * each is safe to repeat.  Buffers handed in belong to the caller.  All slots
 * but commit are called from one thread; commit may run on another one at the
 * same time.
 */
#ifndef TR_TRANSPORT_H
#define TR_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/beat.h"
#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/finish.h"
#include "libspool/job.h"
#include "libspool/name.h"
#include "libspool/policy.h"
#include "libspool/scan.h"

struct tr;

/* What an attempt leaves beside its outcome, in runs/DAY/ID/. */
enum tr_trace {
	TR_LOG,		/* tTaA@W.log */
	TR_METRICS	/* tTaA@W.metrics.jsonl */
};

enum tr_release {
	TR_BACK,	/* to new/, attempt not counted (drain, lost reply) */
	TR_PREEMPTED,	/* to new/, not counted, noted as preempted */
	TR_RETRY	/* to waiting/, attempt counted, back-off */
};

struct tr_ops {
	const char	*scheme; /* "dir", "sftp", "https" */

	/* url: as given on the command line; base: the NAME of our W. */
	enum sp_status	(*open)(const char *url, const char *base,
			    struct tr **tr_out, struct sp_err *err);
	void		(*close)(struct tr *tr);

	/* A handle that polls readable when something may have changed, -1 if
	 * there is none; drain clears it. */
	int		(*wake)(struct tr *tr);
	void		(*drain)(struct tr *tr);

	/* Canonical names waiting in new/, in dispatch order; raw drops that
	 * are whole are admitted on the way. */
	enum sp_status	(*list)(struct tr *tr, struct sp_names *names_out,
			    struct sp_err *err);
	/* The text of an order that is still in new/, for the fit. */
	enum sp_status	(*read)(struct tr *tr, const struct sp_name *name,
			    struct sp_buf *text_out, struct sp_err *err);
	/* May it run now: not held, not cancelled, its dependencies done?
	 * SP_OK: yes.  SP_LOST: not now (it was or will be moved). */
	enum sp_status	(*eligible)(struct tr *tr, const struct sp_name *name,
			    const struct sp_job *job, struct sp_err *err);
	/* SP_OK: ours, the text in text_out.  SP_LOST: someone else's. */
	enum sp_status	(*claim)(struct tr *tr, const struct sp_name *name,
			    struct sp_name *claimed_out,
			    struct sp_buf *text_out, struct sp_err *err);
	/* End an order in new/ that is no valid job, with an outcome 400. */
	enum sp_status	(*refuse)(struct tr *tr, const struct sp_name *name,
			    const char *why, struct sp_err *err);

	/* Bring scripts/FILE or data/FILE (which: SP_DIR_SCRIPTS, SP_DIR_DATA)
	 * to the path dst: a copy or a link that stays as it is.  SP_GONE: no
	 * such file.  SP_BAD: not a plain file. */
	enum sp_status	(*stage)(struct tr *tr, int which, const char *file,
			    const char *dst, struct sp_err *err);
	/* The local directory that is $SPOOL_OUT for this order; made. */
	enum sp_status	(*out_dir)(struct tr *tr, const struct sp_id *id,
			    char *path_out, size_t size, struct sp_err *err);
	/* Append to what the attempt leaves. */
	enum sp_status	(*append)(struct tr *tr, const struct sp_name *claimed,
			    enum tr_trace which, const void *data, size_t len,
			    struct sp_err *err);

	/* Say that we live. */
	enum sp_status	(*beat)(struct tr *tr, const struct sp_beat *beat,
			    struct sp_err *err);
	/* A clean farewell: we hold nothing and will not come back. */
	enum sp_status	(*bye)(struct tr *tr, struct sp_err *err);
	/* Names in assigned/ that carry our W, or our NAME with another nonce
	 * (stale_out); and the ids that are marked for cancelling. */
	enum sp_status	(*held)(struct tr *tr, struct sp_names *ours_out,
			    struct sp_names *stale_out,
			    struct sp_names *cancel_out, struct sp_err *err);

	/* Outcomes first, then the orders to done/ or failed/: finish.h. */
	void		(*commit)(struct tr *tr, struct sp_ended *group,
			    size_t n, struct sp_err *err);
	/* Give an order back. why: words for the note beside the job. */
	enum sp_status	(*release)(struct tr *tr, const struct sp_name *claimed,
			    enum tr_release how, const char *cause,
			    const char *why, struct sp_err *err);
	/* End an order of ours without a commit of ours: cancelled (499). */
	enum sp_status	(*cancel)(struct tr *tr, const struct sp_name *claimed,
			    const char *why, struct sp_err *err);

	/* Housekeeping for a spool without a daemon; returns ms until it wants
	 * to be called again. */
	int64_t		(*keep)(struct tr *tr, bool idle, int64_t now);
	/* Nothing claimable is left: nothing in new/, no raw drop on its way,
	 * nothing in waiting/ that can become claimable by itself. */
	enum sp_status	(*drained)(struct tr *tr, bool *drained_out,
			    struct sp_err *err);

	const struct sp_policy *(*policy)(struct tr *tr);
	const char	*(*worker)(struct tr *tr); /* our W */
	unsigned	(*workers)(struct tr *tr); /* how many claim beside us */
};

/* The transport that a URL or path asks for, NULL when there is none. */
const struct tr_ops *tr_find(const char *url);

#endif
