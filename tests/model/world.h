/*
 * world.h - a world of the model: a file server, the hosts that reach it, and
 * the actors on them, one at a time, each a coroutine that may lose its turn at
 * every file call.  Everything follows from the plan, and from the events: the
 * seed makes them up as it goes, a script says them one by one.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "tests/model/disk.h"

#define SLOTS_MOST  10
#define HOSTS_MOST  5
#define ORDERS_MOST 64
#define EVENTS_MOST 4096

enum role {
	SUBMITTER,
	DROPPER,
	WORKER,
	KEEPER,
	CANCELLER,
	ROLES
};

enum event_kind {
	EV_SWITCH, /* another one's turn; arg: which of those that could */
	EV_STALL,  /* it stands still for arg ms; the call comes after */
	EV_CRASH,  /* its process dies before the call */
	EV_AFTER,  /* ... after it */
	EV_CUT,    /* the server loses its power; arg: the dice */
	EV_HOST,   /* this host loses its power */
	EV_FAILS,  /* the call fails and did nothing */
	EV_LOST,   /* it was done, the answer says it failed */
	EV_AGAIN,  /* it was done and asked for again: the second answer */
	EV_LATE,   /* the answer says it failed; it is done arg ms later */
	EV_KINDS
};

struct event {
	uint8_t slot, kind;
	uint32_t nth; /* call of that slot */
	uint32_t arg;
};

/* What a world is made of.  All of it can be said in a script. */
struct plan {
	uint64_t seed;
	int orders;
	bool journal;
	bool soft;            /* NFS mounts give up */
	int hosts;            /* 0 is the server */
	int skew[HOSTS_MOST]; /* s, of its wall clock */
	int cache;            /* ms that an NFS client believes */
	int n;                /* slots */
	struct {
		enum role role;
		int host;
		bool off;
	} slot[SLOTS_MOST];
	char nosync[48]; /* fsyncs that are ignored (calls.h), "": none */
	uint32_t rate[EV_KINDS]; /* of a million calls */
};

enum sort {
	CALL_LOOK,
	CALL_CHANGE,
	CALL_DATA,
	CALL_SYNC
};
enum reply {
	REPLY_PLAIN,
	REPLY_NOT,
	REPLY_LOST,
	REPLY_AGAIN,
	REPLY_LATE,
	REPLY_AFTER
};

struct slot {
	int n, host, inc;
	enum role role;
	bool up, dead, off, stalled;
	ucontext_t at;
	char *stack;
	int64_t wake;  /* us */
	uint64_t turn; /* when it had its last one */
	uint32_t calls;
	uint64_t dice;
	int64_t born;
	char actor[48]; /* its W, while it lives */
	int64_t beat;   /* the last one that went through, us */
	bool gap;       /* it was silent for long, or a beat was lost */
	bool unsynced;  /* an fsync has failed */
	int unwound;    /* calls since it is dead */
};

struct late {
	int64_t when;
	int what; /* 'r', 'l', 'u' */
	struct inode *from, *to;
	const char *name, *as;
	bool dir;
};

struct world {
	const struct plan *plan;
	struct disk disk;
	int64_t now; /* us */
	struct slot slot[SLOTS_MOST];
	int n;
	struct slot *me; /* NULL: the director */
	ucontext_t director;
	uint64_t turns, steps;
	uint64_t befell[EV_KINDS];
	/* events: told or made up */
	struct event *event;
	size_t event_n;
	bool told;
	uint64_t dice;
	int64_t gap; /* calls until the next made-up one */
	bool calm;   /* no more events */
	bool over;   /* and nobody is started again */
	struct late late[16];
	int late_n;
	uint64_t boots; /* of the server */
	bool trace;
	char failed[512];    /* "": all is well */
	const char *promise; /* which one: what is the same for all worlds */
};

extern struct world *W;

void world_run(const struct plan *plan, struct event *events, size_t n,
    bool told, bool trace, struct world *world_out);
void world_clear(struct world *w);

/* The promise that is broken; the first one counts. */
void world_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void world_trace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Before each call; -1: the actor is dead (errno is set).  *why_out: what a
 * reply that is none says. */
int world_call(
    enum sort sort, const char *what, enum reply *reply_out, int *why_out);
void world_after(enum reply reply);
/* The actor sleeps. */
void world_sleep(int64_t ms);
bool world_dead(void);
void world_late(const struct late *l, int64_t ms);

uint32_t world_dice(void); /* the actor's own */
bool world_alive(int host, int pid, int *inc_out);
int world_pid(void);
void world_cut(uint64_t dice);

/* cast.c */
void cast_play(struct slot *s);
extern const char *const role_text[ROLES];
extern const char *const event_text[EV_KINDS];

/* mount.c */
void mounts_init(void);
void mounts_clear(void);
void mounts_host_gone(int host); /* caches and open files */
void mounts_slot_gone(int slot);
void mounts_resend(void); /* before the server's disk is cut */
int mount_root(void);

/* oracle.c */
void oracle_init(void);
void oracle_entry(void *arg, struct inode *dir, const char *name,
    struct inode *to, bool comes);
void oracle_stepped(void *arg);
void oracle_cut(void);
void oracle_accepted(int key, const char *id);
/* What the actor has admitted is accepted. */
void oracle_admitted(void);
void oracle_told(const char *id, const char *text, size_t len);
bool oracle_over(void); /* all that was accepted has its outcome */
void oracle_end(void);
int oracle_orders(void); /* accepted */
void oracle_left(char *out, size_t size);

#endif
