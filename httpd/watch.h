/*
 * watch.h - what people and their programs watch: is the server well
 * (health.c), how much of everything is there (metrics.c), what is happening
 * (events.c).
 */
#ifndef HTTPD_WATCH_H
#define HTTPD_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libspool/spool.h"

struct server;

/* ---- health.c ---- */

enum spoold {
	SPOOLD_NONE, /* no beat of one: the spool works without */
	SPOOLD_BEATING,
	SPOOLD_SILENT /* for a lease */
};

struct health {
	pthread_mutex_t lock;
	int64_t at; /* when it was looked at, sp_mono_ms; 0: never */
	bool answers, room;
	char words[128]; /* why not */
	enum spoold spoold;
	int64_t count, changed; /* spoold's beat, and since when it is so */
	int64_t size, free;     /* bytes */
	int64_t files, files_free;
};

/* As it was at most a second ago. */
void health_look(struct server *s, struct health *out);

/* ---- metrics.c ---- */

#define TALLY_METHODS 6
#define TALLY_CLASSES 6 /* of statuses: 1xx to 5xx, and others */

struct tally {
	atomic_ullong answers[TALLY_METHODS][TALLY_CLASSES];
};

/* An answer goes out. */
void tally_answer(struct tally *t, unsigned method, int status);

/* ---- events.c ---- */

struct events;
struct event_reader;

struct events *events_new(void);
/* After the last reader has gone. */
void events_free(struct events *e);
/* Look at the spool if anybody listens; when to be called again.  news:
 * something has changed. */
int64_t events_tick(struct server *s, bool news, int64_t now);
/* Nothing more comes: every reader ends. */
void events_end(struct events *e);

/* last: the id that the reader has seen last, NULL: none.  NULL: too many. */
struct event_reader *events_open(struct events *e, const char *last);
/* Bytes of the stream; 0: none now, and `sleep` was called with `arg` so that
 * `wake` will be when there are; -1: it has ended. */
ssize_t events_read(struct event_reader *r, char *buf, size_t max,
    void (*sleep)(void *arg), void (*wake)(void *arg), void *arg);
void events_close(struct event_reader *r);

#endif
