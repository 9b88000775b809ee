/*
 * peers.h - other people's queues, so that each can be measured in the same
 * way: one file a peer, which knows how it is started, fed, waited for and
 * ended.  peers.c measures, rows.c says what.
 *
 * Each measurement is a process of its own in a directory of its own (its
 * working directory); whatever it leaves behind is killed after it, so no peer
 * needs to be tidy on a way out that is none.
 */
#ifndef PEERS_H
#define PEERS_H

#include "tests/bench/lib/bench.h"

#define PEER_SLOTS 2

enum peer_work {
	PEER_TRUE,   /* /bin/true */
	PEER_PYTHON, /* reads its job, prints a line */
	PEER_START,  /* says when it began */
	PEER_WORKS
};

/* All but `needs` die on trouble; the clock runs from the begin of `submit` to
 * the end of `await`. */
struct peer_kind {
	const char *needs;            /* programs, blanks between; NULL: none */
	const char *(*why)(int form); /* not in that form; may be NULL */
	void (*begin)(enum peer_work work, int form);
	void (*submit)(size_t n); /* hand in n jobs */
	void (*await)(size_t n);  /* until these have ended well */
	void (*end)(void);
};

extern const struct peer_kind peer_ours, peer_bean, peer_nq, peer_tsp,
    peer_parallel, peer_celery, peer_rq, peer_at;

enum {
	OURS_BUNDLE,
	OURS_LAX,
	OURS_EACH,
	OURS_WARM,
	OURS_CP
};
enum {
	BEAN_MEMORY,
	BEAN_DURABLE
};
enum {
	REDIS_MEMORY,
	REDIS_DURABLE
};

struct peer_row {
	enum peer_work work;
	const char *name; /* what BENCH_ONLY calls it */
	const char *row;
	const struct peer_kind *kind;
	int form;
	size_t n; /* jobs, or samples */
	const char *command;
};

extern const struct peer_row peer_rows[];
extern const size_t peer_rows_n;

/* Why it cannot be measured here, or NULL. */
const char *peer_missing(const struct peer_row *row);

/* ---- for the peers (call.c) ---- */

/* What runs as a job of that work, for those who run command lines. */
const char *const *peer_argv(enum peer_work work);
/* The job in JSON: what peer_argv has as its last word, and what ours and
 * functions get. */
const char *peer_job(enum peer_work work);
void peer_jobs_set(const char *cwd, const char *fifo);

/* Where a program of a peer is; NULL: nowhere. */
const char *peer_find(const char *name, char path_out[PATH_MAX]);
/* Run a client, its words to nowhere; it must exit with 0. */
void peer_call(const char *const argv[]);
/* Set a variable of the clients' environment to a path below our directory. */
void peer_env_path(const char *key, const char *name);
/* Connect to a unix socket as soon as somebody listens there. */
int peer_connect(const char *path);

#endif
