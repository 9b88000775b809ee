/*
 * provejoin.h - `spool prove --join`: several hosts, each with a process of
 * `spool prove --join` on the same spool, find each other and try out what they
 * see of each other.
 *
 *	provejoin.c	finding each other, and who does what when
 *	provetalk.c	messages
 *	provelag.c	how late one sees what another has done
 *	provecrowd.c	who wins when hosts want the same
 *
 * One leads: of all that wait in tmp/ (their rooms have a file "meet") the one
 * whose room's name comes first.  In the leader's room each has a directory
 * by.W, which nobody else writes into: a change of one's own would refresh what
 * an NFS client remembers of it.  A message is a file that is renamed into it.
 */
#ifndef PROVEJOIN_H
#define PROVEJOIN_H

#include "tools/prove.h"

#define JOIN_MOST (SP_CERT_HOSTS - 1)
#define STEP_MS   180000 /* until a message is not coming: three caches' age */
#define CROWD     200    /* files that all hosts race for */

#define LAG_KINDS  4
#define LAG_ROUNDS 8
#define LAG_MOST   (JOIN_MOST * LAG_ROUNDS)

struct peer {
	char w[SP_WORKER_MAX + 1];
	int by; /* its by.W, -1: none */
	struct sp_cert_host host;
	bool unsafe; /* by what it has found itself */
};

struct meeting {
	struct prove *p;
	char room[SP_NAME_MAX]; /* in tmp/: the leader's */
	int fd;
	int by;    /* our own by.W */
	int stage; /* st.W, where our messages are written */
	bool leads;
	struct peer peer[JOIN_MOST]; /* a guest has one: the leader */
	size_t peers;
	/* what the leader has measured */
	double lag[LAG_KINDS][LAG_MOST]; /* s, each there and back */
	size_t lags[LAG_KINDS];
	double skew;
	unsigned seen, heard; /* changes that guests saw, by an event too */
	bool torn;            /* a step failed: said as a finding */
};

/* ---- provetalk.c ---- */

/* Our by.W and st.W in the room. */
bool talk_open(struct meeting *m, struct sp_err *err);
void talk_close(struct meeting *m);
/* The directory of another; -1: not there yet. */
int talk_of(const struct meeting *m, const char *w);
/* Put by.W/NAME; 0 or an errno. */
int talk_put(struct meeting *m, const char *name, const char *text);
/* Is it there, by a listing? */
bool talk_seen(int by, const char *name);
bool talk_read(int by, const char *name, struct sp_buf *text);
/* Until it is there; false: not within STEP_MS, or a signal came. */
bool talk_await(struct meeting *m, int by, const char *name);
/* Wait a little, longer the longer it has taken (ms). */
void talk_nap(int64_t waited);
/* A step with a host failed. */
void talk_lost(struct meeting *m, const char *what, const char *who);

/* ---- provelag.c ---- */

/* The leader's side, with one guest; and the guest's. */
void lag_lead(struct meeting *m, struct peer *peer);
void lag_guest(struct meeting *m);
/* What all of it came to, as findings and in the certificate. */
void lag_judge(struct meeting *m);

/* ---- provecrowd.c ---- */

void crowd_lead(struct meeting *m);
void crowd_guest(struct meeting *m);

/* ---- provejoin.c ---- */

/* After all that one host can try.  Findings are added; false: nobody came, or
 * a signal did, which was said.  *guest_out: the leader writes the certificate.
 */
bool prove_join(struct prove *p, unsigned hosts, int64_t wait_ms,
    bool *guest_out, bool *safe_out);

#endif
