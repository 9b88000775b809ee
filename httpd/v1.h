/*
 * v1.h - the handlers of /v1, by what they are about.
 */
#ifndef HTTPD_V1_H
#define HTTPD_V1_H

#include "httpd/queue.h"
#include "httpd/server.h"

/* about.c: the server itself */
handler_fn v1_about, v1_document, v1_room;
/* submit.c: jobs in */
handler_fn v1_submit;
/* marks.c: people's marks on orders */
handler_fn v1_cancel, v1_hold, v1_priority;
/* orders.c: where orders stand and what came of them */
handler_fn v1_orders, v1_order, v1_job, v1_outcome, v1_outcomes;
/* again.c: and once more */
handler_fn v1_retry;
/* table.c: many of them, as they are drawn */
handler_fn v1_table, v1_curves;
/* runs.c, append.c: what attempts leave: logs, metrics, pins */
handler_fn v1_attempts, v1_log, v1_metrics, v1_log_append, v1_metrics_append,
    v1_pins, v1_pin;
/* out.c: runs/DAY/ID/out/ */
handler_fn v1_out_list, v1_out_get, v1_out_put, v1_out_remove;
/* ready.c: the queue, seen by a worker that chooses itself */
handler_fn v1_ready, v1_ready_text, v1_refuse, v1_drained;
/* claim.c, claimname.c: orders to workers */
handler_fn v1_claim, v1_claims, v1_claim_look;
/* finish.c: and back */
handler_fn v1_commit, v1_release, v1_claim_cancel;
/* workers.c, wishes.c: beats and wishes, and people's marks */
handler_fn v1_workers, v1_worker, v1_beat, v1_bye, v1_held, v1_resumed,
    v1_wishes, v1_wish, v1_peers, v1_marks;
/* files.c: scripts, data and blobs */
handler_fn v1_names, v1_file, v1_file_put, v1_blob, v1_blob_put, v1_imports;

/* The text of openapi.json. */
extern const char openapi_text[];

/* ---- workers.c ---- */

/* How many beat; looked at every few seconds. */
unsigned workers_alive(struct server *s);
/* A member that is a list of names. */
struct sp_names;
void put_names(struct sp_jw *w, const char *key, const struct sp_names *names);

/* ---- runs.c ---- */

/* Of the files of an attempt: log, metrics, note. */
extern const char *const run_endings[];
/* Take away what an order that is over left empty. */
void run_tidy(const struct sp_spool *spool, const struct sp_id *id);

/* ---- claim.c ---- */

/* The name of the path, as it is in assigned/, and may this request act for
 * the worker in it? */
bool claim_named(struct request *r, struct sp_name *name_out, struct answer *a);
/* Does it stand there?  SP_LOST: no more. */
enum sp_status claim_stands(
    const struct server *s, const struct sp_name *name, struct sp_err *err);

/* ---- claimname.c ---- */

/* What was claimed. */
void claim_say(struct answer *a, const struct sp_name *name,
    const struct sp_buf *text, bool again);
/* The order of that name, for the worker whose view this is. */
void claim_by_name(struct server *s, const struct sp_spool *view,
    const char *name, struct answer *a);

/* ---- part.c: files that come in one request or many ---- */

struct part {
	const char *what; /* "out ID sub/file": the same file, the same part */
	const char *sha256; /* that the whole must have; NULL: any */
	int64_t most;
};

/* Take what the body brings.  0: the answer has been given (202, or what was
 * wrong).  1: it is whole now, in an open file of our own, synced, whose name
 * in tmp/ is tmp_out (to be moved away, or removed); the caller closes it. */
int part_take(struct server *s, struct request *r, const struct part *p,
    char tmp_out[SP_NAME_MAX], int *fd_out, struct answer *a);

/* ---- file.c: a file as an answer ---- */

/* Answer with an open file (which is the answer's from here on), heeding Range,
 * If-Range and If-None-Match.  etag: with its quotes. */
void file_answer(struct request *r, struct answer *a, int fd, int64_t size,
    const char *etag, const char *type);
/* "dev-ino-size-mtime-ctime" in quotes. */
struct stat;
void etag_print(const struct stat *st, char etag_out[128]);

#endif
