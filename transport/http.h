/*
 * http.h - private to the transport over HTTP (httpd/openapi.json): http.c
 * opens it and has the small verbs, httpcall.c makes calls, httpqueue.c knows
 * what may be claimed, httplive.c beats and what comes with their answers,
 * httpwake.c the wake handle, httpstage.c scripts, data and blobs, httpruns.c
 * what attempts leave, httpend.c their ends.
 */
#ifndef TR_HTTP_H
#define TR_HTTP_H

#include <pthread.h>
#include <stdatomic.h>

#include "libspool/buf.h"
#include "transport/answer.h"
#include "transport/curl.h"
#include "transport/transport.h"

#define HTTP_PATH   4096   /* bytes of a path with its query, encoded */
#define HTTP_LONG   60000  /* ms for what the server has to sync */
#define HTTP_SENDS  4      /* tries of one file that bring nothing more */
#define HTTP_SINGLE 262144 /* bytes of a file that is sent in one piece */

/* An order of ours, for what is asked by its id alone. */
struct http_claim {
	struct http_claim *next;
	struct sp_name name;
};

struct http {
	struct wire *wire;
	char worker[SP_WORKER_MAX + 1];
	bool firm;     /* what our token may not do is SP_FATAL, not SP_RETRY */
	char mark[17]; /* of this server, in the texts of versions */
	struct answer_about about;
	atomic_uint workers;

	/* the head of the queue, main thread */
	struct answer_ready ready;
	bool *gone;     /* those of it that we tried to claim */
	size_t left;    /* and how many are not */
	size_t want;    /* so many of it */
	bool claimed;   /* something, since it was listed; */
	bool lost;      /* or somebody else did */
	int64_t listed; /* when that was, 0: not yet */

	pthread_mutex_t lock; /* for all below */
	struct http_claim *claims;
	struct answer_held held; /* of the last answer */
	bool held_fresh;         /* nobody has had it yet */
	bool held_known;
	int64_t held_at;
	unsigned held_age; /* `ages` when it was asked for */
	unsigned ages;     /* counts what changes what we hold */
	struct tr_room room;
	int64_t room_at;
	char seen[128]; /* where the queue stands now, "": nobody knows */

	/* httpwake.c */
	int event;
	pthread_t thread;
	bool running;
	atomic_bool stop;
};

static inline struct http *
http_of(struct tr *tr)
{
	return (struct http *)tr;
}

extern const struct tr_ops http_ops;

/* ---- http.c ---- */

/* Connected, and somebody there who knows a spool; no worker yet, no thread.
 * For the verbs of `spool`, too (httptree.c). */
enum sp_status
http_door_open(const char *url, struct http **http_out, struct sp_err *err);
void http_door_close(struct http *h); /* takes NULL too */

/* ---- httpcall.c ---- */

/* The path of "/v1/..." and a part that is encoded, and what follows. */
void http_path(
    struct sp_buf *path, const char *front, const char *part, const char *end);
/* The same of an order's name. */
void http_path_name(struct sp_buf *path, const char *front,
    const struct sp_name *name, const char *end);

/* body NULL: none.  text_out (its ceiling holds) has the answer when SP_OK,
 * which is one of 2xx: then *status_out (may be NULL) is it.  Anything else by
 * the answer's own word; a token that is not taken is SP_RETRY, with words, for
 * it may be again. */
enum sp_status http_call(struct http *h, const char *method,
    const struct sp_buf *path, const struct sp_buf *body, int64_t ms,
    struct sp_buf *text_out, int *status_out, struct sp_err *err);
/* What came of a call whose status is not 2xx. */
enum sp_status http_refused(const struct http *h, const struct wire_call *call,
    int64_t *size_out, struct sp_err *err);

/* A file's bytes into `to`, all of one version. */
enum sp_status http_fetch(struct http *h, const struct sp_buf *path, int to,
    const atomic_bool *stop, struct tr_version *version_out,
    struct sp_err *err);
/* The other way, as often as it takes; SP_RETRY also when the file changes
 * meanwhile. */
enum sp_status http_send(struct http *h, const struct sp_buf *path, int from,
    const atomic_bool *stop, struct sp_err *err);
/* What a version is, from the head of an answer; false: it says nothing. */
#define HTTP_WANT                                                              \
	{                                                                      \
		{ .name = "Spool-Kind" }, { .name = "Spool-Young" },           \
		{                                                              \
			.name = "Spool-Error"                                  \
		}                                                              \
	}
bool http_version(
    const struct http *h, const struct wire_call *call, struct tr_version *out);

/* ---- httplive.c ---- */

/* What we hold is another than before. */
void http_aged(struct http *h);
void http_claim_put(struct http *h, const struct sp_name *name);
void http_claim_drop(struct http *h, const struct sp_name *name);
/* false: we hold no such order. */
bool http_claim_get(
    struct http *h, const struct sp_id *id, struct sp_name *name_out);

/* ---- httpwake.c ---- */

void http_wake_open(struct http *h);
void http_wake_close(struct http *h);

/* ---- slots ---- */

enum sp_status
http_list(struct tr *tr, struct sp_names *names_out, struct sp_err *err);
enum sp_status http_read(struct tr *tr, const struct sp_name *name,
    struct sp_buf *text_out, struct sp_err *err);
enum sp_status http_eligible(struct tr *tr, const struct sp_name *name,
    const struct sp_job *job, struct sp_err *err);
enum sp_status http_claim(struct tr *tr, const struct sp_name *name,
    struct sp_name *claimed_out, struct sp_buf *text_out, struct sp_err *err);
void http_claims(
    struct tr *tr, struct sp_claiming *all, size_t n, struct sp_err *err);
enum sp_status http_refuse(struct tr *tr, const struct sp_name *name,
    const char *why, struct sp_err *err);
enum sp_status http_drained(struct tr *tr, const struct sp_names *unfit,
    bool *drained_out, struct sp_err *err);

enum sp_status
http_beat(struct tr *tr, const struct sp_beat *beat, struct sp_err *err);
enum sp_status http_bye(struct tr *tr, struct sp_err *err);
enum sp_status
http_held(struct tr *tr, struct sp_names *ours_out, struct sp_names *stale_out,
    struct sp_names *cancel_out, struct sp_err *err);
enum sp_status
http_wishes(struct tr *tr, struct tr_wishes *wishes_out, struct sp_err *err);
enum sp_status http_peers(
    struct tr *tr, struct sp_tally_row *rows, size_t n, struct sp_err *err);

enum sp_status http_look_at(struct tr *tr, int which, const char *path,
    struct tr_version *version_out, struct sp_err *err);
enum sp_status http_tree(struct tr *tr, int which, const char *name,
    struct sp_names *paths_out, struct sp_err *err);
enum sp_status http_imported(struct tr *tr, const struct sp_buf *text,
    struct sp_names *paths_out, struct sp_err *err);
enum sp_status http_stage(struct tr *tr, int which, const char *path, int to,
    const atomic_bool *stop, struct tr_version *version_out,
    struct sp_err *err);
enum sp_status
http_keep_blob(struct tr *tr, int fd, const char *hex, struct sp_err *err);
enum sp_status http_pins(struct tr *tr, const struct sp_id *id,
    struct sp_buf *text_out, struct sp_err *err);
enum sp_status http_pin(struct tr *tr, const struct sp_id *id,
    const struct sp_buf *text, struct sp_err *err);

enum sp_status
http_append(struct tr *tr, const struct sp_name *claimed, enum tr_trace which,
    int64_t at, const void *data, size_t len, struct sp_err *err);
enum sp_status http_out_dir(struct tr *tr, const struct sp_id *id,
    char *path_out, size_t size, bool *old_out, struct sp_err *err);
enum sp_status http_out_list(struct tr *tr, const struct sp_id *id,
    struct sp_names *paths_out, struct sp_err *err);
enum sp_status http_out_get(struct tr *tr, const struct sp_id *id,
    const char *path, int to, const atomic_bool *stop, struct sp_err *err);
enum sp_status http_out_put(struct tr *tr, const struct sp_name *claimed,
    const char *path, int fd, const atomic_bool *stop, struct sp_err *err);

void http_commit(
    struct tr *tr, struct sp_ended *group, size_t n, struct sp_err *err);
enum sp_status
http_release(struct tr *tr, const struct sp_name *claimed, enum tr_release how,
    const char *cause, const char *why, struct sp_err *err);
enum sp_status http_cancel(struct tr *tr, const struct sp_name *claimed,
    const char *text, size_t len, const char *why, struct sp_err *err);

#endif
