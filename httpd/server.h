/*
 * server.h - what the server has open, and its rooms.
 */
#ifndef HTTPD_SERVER_H
#define HTTPD_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "httpd/http.h"
#include "httpd/origin.h"
#include "httpd/watch.h"
#include "libspool/spool.h"
#include "libspool/token.h"

#define WAIT_MOST 60 /* seconds that a request may wait */
#define CREW      4  /* threads that work on the spool */

struct options {
	const char *spool;
	const char *listen; /* ADDR:PORT */
	int socket;         /* a listening one that was given to us; -1 */
	const char *cert, *key;
	const char *tokens; /* NULL: the spool's, if there */
	const char *user;
	bool insecure;
	int connections; /* at most */
	int rate;        /* requests a second of one caller */
	int64_t body;    /* bytes of one file */
};

/* ---- keys.c: the file of tokens, read again when it changes ---- */

struct keys {
	pthread_mutex_t lock, looking;
	int dir;        /* where the file is */
	char name[256]; /* how it is called */
	bool needed;    /* without a token nothing goes */
	bool broken;    /* the file is not understood: nobody comes in */
	struct sp_tokens tokens;
	struct {
		int64_t size, sec, nsec;
		uint64_t ino;
	} was;
};

/* path NULL: SPOOL/tokens, if there is one now or later. */
enum sp_status keys_open(struct keys *k, const struct sp_spool *spool,
    const char *path, struct sp_err *err);
void keys_close(struct keys *k);
/* Look whether the file is another one; now and then. */
void keys_tick(struct keys *k);
/* false: it is none.  text NULL: no token was given, which is enough where
 * none is needed. */
bool keys_find(struct keys *k, const char *text, struct request *r);
bool keys_needed(struct keys *k);

/* ---- the server ---- */

struct server {
	struct options opt;
	struct sp_spool spool;
	struct keys keys;
	struct queue *queue;
	struct crew *crew;
	struct limits *limits;
	struct origin origin; /* of the original's workers */
	struct health health;
	struct tally tally;
	struct events *events;
	struct clock *clock;
	struct door *door;
	struct {
		pthread_mutex_t lock;
		int64_t ms, at;
	} now; /* the file server's clock, asked then */
	bool tls;
	atomic_bool ending;
};

/* The spool as the worker W sees it. */
void server_as(
    const struct server *s, const char *worker, struct sp_spool *view_out);
/* The file server's clock, asked for afresh every ten seconds. */
enum sp_status
server_now(struct server *s, int64_t *now_out, struct sp_err *err);

/* ---- crew.c: threads that run handlers ---- */

/* done: called from any thread when the answer is filled. */
typedef void done_fn(void *exchange);
/* Is there still somebody to answer to?  Asked of requests that waited. */
typedef bool alive_fn(void *exchange);

struct task {
	struct request *request;
	struct answer *answer;
	struct task *next;
	unsigned wait;
	int64_t until;
	bool late;
};

struct crew *
crew_new(struct server *s, unsigned threads, done_fn *done, alive_fn *alive);
/* All that wait are asked for the last time, all that run are waited for; what
 * is put after that is answered 503. */
void crew_end(struct crew *crew);
void crew_free(struct crew *crew);
void crew_put(struct crew *crew, struct task *task);
/* Ask those again that wait for any of these; from any thread. */
void crew_wake(struct crew *crew, unsigned what);
/* Those whose time is up; ms until the next. */
int64_t crew_tick(struct crew *crew, int64_t now);
/* Does anybody wait for it? */
bool crew_waits(struct crew *crew, unsigned what);

/* ---- clock.c: one thread that waits for news and for deadlines ---- */

struct clock *clock_new(struct server *s, struct sp_err *err);
bool clock_start(struct clock *c);
void clock_end(struct clock *c);
void clock_free(struct clock *c);
/* This happened (enum wake), whatever the watch tells; from any thread. */
void clock_news(struct server *s, unsigned wakes);
/* There is a deadline that may be nearer than those before. */
void clock_kick(struct server *s);

/* ---- door.c: the one door to libmicrohttpd ---- */

/* Takes the listening socket.  cert, key: PEM texts, NULL: no TLS. */
struct door *door_new(struct server *s, int socket, const char *cert,
    const char *key, struct sp_err *err);
/* No more connections; requests that wait are answered. */
void door_close(struct door *d);
void door_free(struct door *d);
/* Shut out who is too slow; returns when to look again. */
int64_t door_tick(struct door *d, int64_t now);

/* ---- conns.c: connections, and how long each may take ---- */

enum phase {
	PHASE_HEAD, /* until all of a request's header is there */
	PHASE_BODY, /* its body comes */
	PHASE_BUSY, /* it is being answered */
	PHASE_IDLE  /* until the next one begins */
};

struct conns *conns_new(int most);
void conns_free(struct conns *c);
/* NULL: no memory. */
struct conn *conns_add(struct conns *c, int fd, int64_t now);
void conns_drop(struct conns *c, struct conn *conn);
/* What it does now; bytes: of the body, so far. */
void conns_note(struct conns *c, struct conn *conn, enum phase phase,
    int64_t bytes, int64_t now);
/* Has the other side gone? */
bool conns_gone(struct conns *c, struct conn *conn);
int64_t conns_tick(struct conns *c, int64_t now);

/* ---- limits.c: how much one caller may ask ---- */

struct limits *limits_new(int rate);
void limits_free(struct limits *l);
/* One request of `who` (a token's id, an address); false: too many. */
bool limits_take(struct limits *l, const char *who, int64_t now);
/* A wrong token from there; false: it is too often wrong, say no more. */
bool limits_wrong(struct limits *l, const char *peer, int64_t now);
bool limits_barred(struct limits *l, const char *peer, int64_t now);

#endif
