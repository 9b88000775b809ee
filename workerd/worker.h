/*
 * worker.h - what a worker knows.  Each room has a header of its own beside it,
 * with what it holds and its doors:
 *
 *	look -> take -> slot (stage, launch, capture) -> report -> give
 *
 * and commit behind that.  main.c waits; look.c looks; take.c claims; slot.c
 * carries one attempt from its start to its end; report.c says what came of it;
 * give.c makes a parcel of it (parcel.c) that commit.c hands over on a thread
 * of its own, and outbox.c keeps on disk what has to wait; beat.c says that we
 * live and compares what we hold with what we run (pulse.c beats while the main
 * thread is long at something); wish.c heeds drain/; guard.c stops exclusive
 * jobs when the spool is away.  kin.c knows all processes of an attempt, by its
 * control group (cgroup.c) or without (proc.c, mark.c), limit.c their memory,
 * gpu.c their GPUs (gpu.h), floor.c whether there is room; stray.c leaves no
 * process behind; prune.c follows metrics (order.prune); kept.c keeps what
 *preempted attempts left.
 *
 * Staging: bring.h, what an attempt is made of (bring.c, bringtree.c, pins.c;
 * porter.c has it done by a thread), and cache.h, where it is kept on this
 * machine (cacheopen.c, cache.c, cachetrim.c).
 *
 * `_tick` does what is due and returns when it wants to be called again, by
 * sp_mono_ms.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libspool/spool.h"
#include "transport/transport.h"
#include "workerd/as.h"
#include "workerd/beat.h"
#include "workerd/bring.h"
#include "workerd/cgroup.h"
#include "workerd/commit.h"
#include "workerd/floor.h"
#include "workerd/gpu.h"
#include "workerd/guard.h"
#include "workerd/health.h"
#include "workerd/kept.h"
#include "workerd/workdir.h"
#include "workerd/kin.h"
#include "workerd/limit.h"
#include "workerd/look.h"
#include "workerd/options.h"
#include "workerd/outbox.h"
#include "workerd/stage.h"
#include "workerd/wish.h"

#define FAR (INT64_MAX / 4) /* no deadline */

struct worker {
	struct options opt;
	bool far; /* the spool is no directory of this machine */
	const struct tr_ops *ops;    /* for the main thread (medium.h), */
	const struct tr_ops *direct; /* for all others */
	struct tr *tr;
	const struct sp_policy *policy;
	struct tr_origin *boss; /* boss.h; NULL: none */
	char dir[WORK_MAX];     /* our own, below --work */
	struct bringing bringing;
	struct probe *probe; /* NULL: not yet */
	int null;            /* /dev/null */
	int signals;         /* signalfd */
	double cpus;
	int64_t memory;

	struct warm *warm;       /* NULL: --cold */
	struct as as;            /* jobs run as their owners */
	struct pruning *pruning; /* prune.h; NULL: nobody asked for that yet */

	struct slot *slot;
	unsigned freed; /* counts slots that became free */
	struct look look;
	struct looked looked;
	struct heart heart;
	struct pulse pulse;
	struct health health;
	struct commit commit;
	int64_t keep_at;
	int64_t keep_least; /* not before, whatever has changed */

	struct guard guard;
	struct wish wish;
	struct kept kept;
	struct workdirs workdirs;
	struct outbox outbox;
	unsigned serial; /* attempts so far */
	struct cgroup cgroup;
	struct kin kin;
	struct limit limit;
	struct floor floor;
	struct gpus gpus;

	pid_t minder;
	int minder_fd;
	int64_t oom_kills; /* of the kernel, when last looked */

	unsigned terms;  /* SIGTERMs so far */
	int claims_left; /* -1: any number */
	bool done;       /* nothing is left for us to do */
};

struct call;
struct slot;
struct spawn;

/* main.c */
bool worker_idle_is(struct worker *w); /* nothing runs or waits to be given */

/* warm.c: a process that has imported what the job will import becomes the
 * job's; warm.h has the plan.  False: it is to be started cold, s->warm and
 * s->warm_why say whether that was not as it was to be. */
bool warm_spawn(struct worker *w, struct slot *s, const struct call *call,
    struct spawn *how, pid_t *pid_out);
void warm_open(struct worker *w);
int warm_fd(const struct worker *w); /* readable: warm_take */
void warm_take(struct worker *w);
int64_t warm_tick(struct worker *w, int64_t now);
/* A child has died: was it one of these? */
bool warm_reaped(struct worker *w, pid_t pid, int status);
/* Is this one of these, by its number or its session? */
bool warm_own_is(const struct worker *w, pid_t pid, pid_t sid);
/* Control groups in which they wait or are to; how many. */
#define WARM_GROUPS 128
int warm_groups(const struct worker *w, const struct group **all_out);
/* Is this, for SPOOL_ID, no job's but theirs? */
bool warm_mark_is(const char *id);
void warm_close(struct worker *w); /* when no job runs */

#endif
