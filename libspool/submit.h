/*
 * submit.h - new orders: from a program (durable when it returns) and from
 * what people drop into new/.
 */
#ifndef SP_SUBMIT_H
#define SP_SUBMIT_H

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/job.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

/* A job on its way in. */
struct sp_submit {
	const char *text;
	size_t len;
	char label[SP_LABEL_MAX + 1]; /* used where the job has none */
	int prio;                     /* -1: the job's own */
	struct sp_id id;              /* out; in, if `named`: */
	bool named;  /* the id is the caller's, who knows that it is new */
	bool owned;  /* the caller may say order.owner (owner.h) */
	bool bundle; /* many jobs, one a line, of priority `prio`: not looked
	              * into, and it goes to new/ */
	struct {     /* what the caller knows of the job already, */
		bool is; /* if it does: sp_submit_seen */
		bool valid, waits, owned;
		int prio;
	} seen;
	enum sp_status status; /* out: SP_OK accepted and durable */
	struct sp_err err;     /* out */
};

/* Check and publish a group with one fsync of the directory; returns SP_OK when
 * all were accepted, else the first trouble.  Each one's status says its own
 * fate; one bad job does not stop the others.  Jobs with order.after or
 * notBefore go to waiting/, others to new/. */
enum sp_status sp_submit(const struct sp_spool *spool, struct sp_submit *group,
    size_t n, struct sp_err *err);

/* What sp_job_parse said of its text, so that nobody asks again. */
void
sp_submit_seen(struct sp_submit *one, const struct sp_job *job, bool valid);

/* The same, of many in less time: where there are a slice of jobs of one
 * priority and label (and more), they go in as short bundles (bundle.h), in
 * which each is a line and has its id already. */
enum sp_status sp_submit_packed(const struct sp_spool *spool,
    struct sp_submit *group, size_t n, struct sp_err *err);

/* The first name of an order: PP.ID.t1a0 and the job's label, else `label`. */
void sp_name_first(const struct sp_job *job, const struct sp_id *id,
    const char *label, struct sp_name *name_out);

/* Set a file that cannot be a job aside in bad/, with a .why in plain words.
 * Nothing is ever deleted there. */
enum sp_status sp_set_bad(const struct sp_spool *spool, int fromfd,
    const char *name, const char *why, struct sp_err *err);

/* Look at one raw drop in new/.  server_now: sp_server_now's.
 * SP_OK: admitted (name_out filled) or set aside in bad/ (name_out->ticket 0).
 * The caller fsyncs new/ after a round of admissions.
 * SP_RETRY: young and not whole yet: look again.  SP_LOST/SP_GONE: not ours. */
enum sp_status
sp_admit(const struct sp_spool *spool, const char *raw, enum sp_drop kind,
    int64_t server_now, struct sp_name *name_out, struct sp_err *err);

/* Any text, with what cannot be printed as \xNN. */
void sp_put_safe(struct sp_buf *b, const char *text);

/* Write bad/NAME.why where it is missing (a crash after the move). */
enum sp_status sp_bad_explain(const struct sp_spool *spool, struct sp_err *err);

#endif
