/*
 * answer.h - what a spool's HTTP server answers (httpd/openapi.json), read.
 * Pure: the bytes are a stranger's, and what comes out is as if it were our
 * own: names that parse, paths that lead nowhere else, bounded lists.
 *
 * SP_OK fills the output; SP_RETRY with words: that is no such answer (a proxy
 * may have spoken), or no memory; nothing is known then.
 */
#ifndef TR_ANSWER_H
#define TR_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/finish.h"
#include "libspool/policy.h"
#include "libspool/scan.h"
#include "libspool/tally.h"
#include "transport/transport.h"

#define ANSWER_MOST  (64 * 1024 * 1024) /* bytes of one */
#define ANSWER_PATHS 100000             /* in one list */
#define ANSWER_ENDED 128                /* in one commit */
#define ANSWER_FILE  1000               /* bytes of a path */

/* An answer that is no success: what to do about it, and its words.  A status
 * of 2xx is none: SP_RETRY.  size_out: of "offset", else -1; may be NULL. */
enum sp_status answer_error(int status, const char *text, size_t len,
    int64_t *size_out, struct sp_err *err);
/* The same of the one word alone, for an answer without a body. */
enum sp_status answer_word(int status, const char *word, struct sp_err *err);

struct answer_about {
	struct sp_policy policy;
	int64_t now;                  /* the file server's clock */
	bool submit, work, read;      /* may we? */
	char worker[SP_BASE_MAX + 1]; /* "": any */
	int64_t body;                 /* bytes of one */
	int wait;                     /* seconds */
};

enum sp_status answer_about(const char *text, size_t len,
    struct answer_about *about_out, struct sp_err *err);

/* The head of the queue: names in their order, and their texts behind each
 * other in `texts`; at[i] is where the i-th begins, len[i] how long it is,
 * -1: none came. */
struct answer_ready {
	char seen[128];
	unsigned workers;
	bool more;
	struct sp_names names;
	struct sp_buf texts;
	size_t *at;
	int64_t *len;
};

enum sp_status answer_ready(const char *text, size_t len,
    struct answer_ready *ready_out, struct sp_err *err);
void answer_ready_clear(struct answer_ready *ready);
/* Of one that brings no orders: where the queue stands. */
enum sp_status answer_seen(const char *text, size_t len, char seen_out[128],
    unsigned *workers_out, struct sp_err *err);

/* A claim of `order` by `worker`: another's is no answer. */
enum sp_status answer_claimed(const char *text, size_t len,
    const struct sp_name *order, const char *worker,
    struct sp_name *claimed_out, struct sp_buf *text_out, struct sp_err *err);
/* Claims of several: each one's status is filled, and its name and text where
 * that is SP_OK.  What makes no sense is SP_RETRY, for it may be ours. */
enum sp_status answer_claims(const char *text, size_t len,
    struct sp_claiming *all, size_t n, const char *worker, struct sp_err *err);

struct answer_held {
	struct sp_names ours, stale, cancel; /* sorted */
	struct tr_wishes wishes;
	unsigned workers;
};

enum sp_status answer_held(const char *text, size_t len, const char *worker,
    struct answer_held *held_out, struct sp_err *err);
void answer_held_clear(struct answer_held *held);

/* The status of each; those of which nothing is said stay as they are. */
enum sp_status answer_committed(const char *text, size_t len,
    struct sp_ended *group, size_t n, struct sp_err *err);

/* "paths", sorted, each of them good as a path below a directory and, when
 * `below` is not NULL, below that. */
enum sp_status answer_paths(const char *text, size_t len, const char *below,
    struct sp_names *paths_out, struct sp_err *err);
/* The paths of "files", sorted. */
enum sp_status answer_files(const char *text, size_t len,
    struct sp_names *paths_out, struct sp_err *err);

enum sp_status
answer_stands(const char *text, size_t len, const struct sp_id *id,
    enum sp_state *state_out, struct sp_name *name_out, struct sp_err *err);
enum sp_status answer_room(
    const char *text, size_t len, struct tr_room *room_out, struct sp_err *err);
enum sp_status answer_drained(
    const char *text, size_t len, bool *drained_out, struct sp_err *err);
/* good and bad of rows, by their scripts. */
enum sp_status answer_peers(const char *text, size_t len,
    struct sp_tally_row *rows, size_t n, struct sp_err *err);
/* A member "size", at least 0. */
enum sp_status answer_size(
    const char *text, size_t len, int64_t *size_out, struct sp_err *err);

#endif
