/*
 * commit.h - outcomes are committed on a thread of its own, many at a time.
 */
#ifndef WORKER_COMMIT_H
#define WORKER_COMMIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/name.h"
#include "transport/transport.h"

struct commit_item {
	struct commit_item *next;
	struct sp_name name;
	char text[SP_NAME_MAX];
	struct sp_buf outcome;
	int status;
	bool lost; /* out */
};

struct commit {
	const struct tr_ops *ops;
	struct tr *tr;
	pthread_t thread;
	bool running;
	int event; /* readable when something was done */

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t wake;
	struct commit_item *queue; /* newest first */
	struct commit_item *hand;  /* being committed */
	struct commit_item *done;  /* for the main thread to report */
	size_t pending;            /* queue and hand */
	bool stuck;                /* the last try failed for some */
	bool stop;
};

enum sp_status commit_open(struct commit *c, const struct tr_ops *ops,
    struct tr *tr, struct sp_err *err);
/* SP_OK: taken, outcome is empty now; SP_RETRY: no memory. */
enum sp_status commit_put(struct commit *c, const struct sp_name *name,
    int status, struct sp_buf *outcome);
bool commit_holds(struct commit *c, const char *name);
bool commit_idle_is(struct commit *c);
/* Outcomes pile up or cannot be written: claim no more. */
bool commit_full_is(struct commit *c);
/* Report what was done; the number of orders. */
size_t commit_done(struct commit *c);
/* Wait until all is committed. */
void commit_close(struct commit *c);

#endif
