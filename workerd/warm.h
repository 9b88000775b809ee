/*
 * warm.h - warm interpreters: Python processes that have started and imported
 * what a job will import, so that it begins at once.
 *
 * For each interpreter, list of modules and start-up environment (warmkey.c)
 * there is one server, a Python that runs warm.py.  It forks spares ahead of
 * time: processes that are children of ours already, wait on a socket of their
 * own, and know nothing of any job.  To start one is to send it the job
 * (warmjob.c): its pid was known before, so a job is started once or, when the
 * message cannot be sent, not at all; and a server that dies takes nothing with
 * it but the wish for more spares.  Whatever is amiss, the job runs cold.
 *
 * A spare is born in the control group that its job will have, where that can
 * be: who enters one later waits until nobody in the machine is just forking.
 */
#ifndef WORKER_WARM_H
#define WORKER_WARM_H

#include "workerd/cgroup.h"
#include "workerd/env.h"
#include "workerd/slot.h"
#include "workerd/spawn.h"
#include "workerd/worker.h"

#define WARM_SERVERS 4  /* that run at once */
#define WARM_ROWS    32 /* that are remembered */
#define WARM_SPARES  16 /* of one server */

enum warm_state {
	WARM_SEEN,   /* asked for, not started */
	WARM_STARTS, /* it imports */
	WARM_READY,
	WARM_UNFIT /* it cannot be, `why` says why; until `until` */
};

struct warm_spare {
	pid_t pid;
	int fd;
	struct group group; /* it was born in; fd -1: in none */
};

struct warm_row {
	enum warm_state state;
	struct sp_buf key; /* warmkey.c; empty: the row is free */
	char label[160];   /* program and modules, for people */
	char why[256];
	unsigned seen;   /* orders that asked for it */
	unsigned deaths; /* in a row, soon after it was ready */
	pid_t pid;       /* its session too; 0: there is no process */
	int control;     /* -1: none */
	int64_t since;   /* when it was started, then when it was ready */
	int64_t used;    /* when it was last asked for */
	int64_t until;
	unsigned asked; /* forks that have not come yet */
	int64_t asked_at;
	struct group ahead[WARM_SPARES]; /* for these */
	unsigned aheads;
	struct warm_spare spare[WARM_SPARES];
	unsigned spares;
};

struct warm {
	int epoll; /* readable when a server says something; -1: none yet */
	bool laid; /* warm.py is in its place */
	bool bare; /* no spare is born in a group: it died of that */
	char dir[DIR_MAX];
	struct warm_row row[WARM_ROWS];
};

/* warmpy.c, made from warm.py and, as a shared object, warmfork.c. */
extern const char warm_text[];
extern const unsigned char warm_fork[];
extern const size_t warm_fork_size;

/* warmkey.c: what an order needs of a server. */
struct warm_want {
	const struct call *call;
	const struct sp_job *job;
	char *const *module;
	size_t module_n;
	struct sp_buf key;
	char label[160];
	bool own; /* order.env has a say in how Python or a library starts */
};
/* false: it is not to run warm, or no memory. */
bool warm_want(const struct worker *w, const struct slot *s,
    const struct call *call, struct warm_want *want_out);
/* The environment of a server: "KEY=value" that `strings` owns. */
bool warm_env(const struct worker *w, const struct warm_want *want,
    const char *dir, struct sp_names *strings_out);

/* warmstart.c: r->pid and r->control; 0, or why not. */
#define WARM_SNDBUF (1 << 19)
int
warm_start(struct worker *w, struct warm_row *r, const struct warm_want *want);

/* warmhear.c */
/* Ask for as many forks as should wait. */
void warm_ask(struct worker *w, struct warm_row *r, int64_t now);
/* All that it has said; false: it has hung up. */
bool warm_listen_to(struct worker *w, struct warm_row *r, int64_t now);
void warm_hang_up(struct worker *w, struct warm_row *r);
/* End its process and its spares; what it gave to jobs is not its any more. */
void warm_kill_row(struct worker *w, struct warm_row *r);
void
warm_unfit(struct worker *w, struct warm_row *r, int64_t now, const char *why);
void warm_forget_spare(struct worker *w, struct warm_row *r, unsigned i);

/* warmjob.c */
/* Make a spare the job's process, and its group the slot's; false: it is none.
 */
bool warm_give(struct worker *w, struct slot *s, const struct call *call,
    struct spawn *how, struct warm_spare *spare, const char **why_out);

#endif
