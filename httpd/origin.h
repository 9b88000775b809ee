/*
 * origin.h - the original's Workers, unchanged, served from a spool.
 *
 *	origin.c	its routes: requests and answers
 *	originbeat.c	who asks, and the beats that we make for them
 *	originhold.c	what they hold, and when they have lost it
 *	originclaim.c	an order for one that is bored
 *	origincall.c	what one posts to /callback
 *
 * Such a worker has no W, beats never, says who it is only when it is bored,
 * and must be answered or it is stuck for ever.  So we hold orders for it,
 * under a W = NAME-nnnnnn whose six digits are made from its token, or from its
 * address if there is none: the same after a restart of ours.  We beat for it,
 * with the role "origin", which is how we know it again; so nothing here is
 * lost with us but the workers that hold nothing.
 *
 * All calls may be made from any thread.
 */
#ifndef HTTPD_ORIGIN_H
#define HTTPD_ORIGIN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/name.h"
#include "libspool/origin.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

#define ORIGIN_ROLE  "origin"
#define ORIGIN_MOST  1024 /* workers that we beat for at a time */
#define ORIGIN_ASIDE 16   /* later outcomes kept of one order */
#define ORIGIN_LOST  1000 /* orphans kept */
/* How long it may hold an order that has no time-out. */
#define ORIGIN_PATIENCE (INT64_C(7) * 24 * 3600 * 1000)

/* ---- who asks ---- */

struct server;

struct origin_who {
	char worker[SP_WORKER_MAX + 1]; /* W; "" when it did not say its name */
	char nonce[8];                  /* W's last six digits */
	bool token;                     /* which its token has made */
	char peer[65];
};

/* token: its id, "" without tokens; bound: the NAME it is bound to, or "";
 * name: what it calls itself, NULL when it does not say. */
void origin_who_make(const char *token, const char *bound, const char *name,
    const char *peer, struct origin_who *who_out);
bool origin_who_is(const struct origin_who *who, const char *worker);

/* ---- what they hold ---- */

struct origin_held {
	struct sp_name name;
	int64_t since;   /* when it was claimed, ms, by the server's clock */
	int64_t timeout; /* ms */
	bool seen;
};

struct origin_row {
	char worker[SP_WORKER_MAX + 1];
	char peer[65];
	int64_t count;
	int64_t started;           /* ms since 1970 */
	int64_t polled;            /* sp_mono_ms, 0: not since we started */
	char running[SP_NAME_MAX]; /* "": nothing */
};

struct origin {
	pthread_mutex_t lock; /* of all below */
	struct origin_row *row;
	size_t rows;
	struct origin_held *held;
	size_t held_n, held_cap;
	struct sp_names others; /* workers that are none of ours, sorted */
};

/* Its row; a new one goes on counting where its beat stood.  NULL: there is
 * none, or there are too many. */
struct origin_row *origin_row_of(struct origin *o, const char *worker);
struct origin_row *
origin_row_get(struct origin *o, const struct sp_spool *sp, const char *worker);
enum sp_status
origin_row_beat(const struct sp_spool *sp, struct origin_row *row);
/* With its beat. */
void origin_row_forget(struct origin *o, const struct sp_spool *sp, size_t i);

bool origin_init(struct origin *o);
void origin_clear(struct origin *o);

/* Beat for them; end what was cancelled, take back what is held too long.
 * Returns ms until it wants to be called again. */
int64_t origin_tick(struct server *s);

/* Is this W one of theirs?  By its beat; known_out (may be NULL): that could be
 * read. */
bool origin_is(const struct sp_spool *sp, const char *worker, bool *known_out);

/* ---- orders ---- */

/* One for a worker that is bored.  SP_OK: claimed, its job's text in text_out.
 * SP_GONE: there is none for it, why_out says so in words. */
enum sp_status origin_bored(struct server *s, const struct origin_who *who,
    struct sp_name *name_out, struct sp_buf *text_out, const char **why_out,
    struct sp_err *err);

/* The first in new/ that it can run, claimed. */
enum sp_status origin_claim(struct server *s, const struct origin_who *who,
    struct sp_name *name_out, struct sp_buf *text_out, struct sp_err *err);

enum origin_called {
	ORIGIN_TAKEN, /* it is the order's outcome, or was tried again for it */
	ORIGIN_ASIDES, /* the order has one, or is another's: kept beside it */
	ORIGIN_ORPHAN  /* of no order that we know: kept in outcomes/orphans */
};

/* What was posted to /callback.  Whatever is OK is durable.  id_out: of which
 * order, unless it is an orphan.  SP_BAD: no JSON object. */
enum sp_status origin_call(const struct sp_spool *sp,
    const struct origin_who *who, const char *text, size_t len,
    enum origin_called *how_out, struct sp_id *id_out, struct sp_err *err);

#endif
