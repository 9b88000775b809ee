/*
 * slot.h - an attempt, from its start to its end (slot.c), how it is started
 * (launch.c) and stopped (slotstop.c).
 */
#ifndef WORKER_SLOT_H
#define WORKER_SLOT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "libspool/job.h"
#include "libspool/name.h"
#include "libspool/outcome.h"
#include "transport/transport.h"
#include "workerd/as.h"
#include "workerd/bring.h"
#include "workerd/capture.h"
#include "workerd/cgroup.h"
#include "workerd/gpu.h"
#include "workerd/python.h"
#include "workerd/stage.h"

struct count;
struct outcopy;
struct worker;

#define GONE_MS   10000 /* for the killed to be gone */
#define LINGER_MS 500   /* for what outlives the main process unasked */

#define EXIT_PREEMPTED 75 /* EX_TEMPFAIL: queue me again */

enum slot_state {
	SLOT_FREE,
	SLOT_STAGES, /* a thread brings what it is made of */
	SLOT_RUNS,
	SLOT_LINGERS, /* the main process is gone, its group is not */
	SLOT_COUNTS,  /* it is over; what it left is looked at (artifact.c) */
	SLOT_GIVES    /* it is over; to be committed, released or cancelled */
};

/* Why we told it to stop. */
enum stop {
	STOP_NO,
	STOP_TIMEOUT,
	STOP_CANCEL,
	STOP_PRUNED, /* order.prune */
	STOP_GONE,   /* the order is no longer ours */
	STOP_SILENT, /* order.exclusive, and no beat got through */
	STOP_MEMORY, /* more than order.memory */
	STOP_QUIT    /* we are to go */
};

enum give {
	GIVE_COMMIT,
	GIVE_RELEASE,
	GIVE_CANCEL,
	GIVE_NOTHING /* it is no longer ours */
};

struct slot {
	enum slot_state state;
	struct sp_name name; /* as claimed */
	char text[SP_NAME_MAX];
	struct sp_job job;
	struct as_owner owner; /* --as-owner: who runs it */
	char dir[DIR_MAX];     /* the work directory, "" when there is none */
	struct workdir *work;
	bool resumed;
	bool kept; /* the directory is one that a preempted attempt left */
	struct bring *bring;   /* what it is made of; NULL before the first */
	struct sp_buf dressed; /* SLOT_STAGES: the job's text */
	struct python_facts facts; /* what runs it */
	int asked;                 /* the probe's row + 1 that will tell */
	bool pinned;               /* pins.json says what it is made of */
	int64_t pin_at;

	pid_t pid; /* its session and process group too */
	int wait;  /* what wait4 said */
	struct rusage usage;
	int64_t began; /* sp_mono_ms */
	int64_t ended;
	int64_t died;    /* seen so by slot_watch, 0: not */
	int64_t started; /* sp_wall_ms, for the outcome */
	int64_t finished;

	unsigned serial; /* of all attempts of this worker */
	struct slot_gpus gpus;
	struct group group;
	enum sp_warm warm;
	char warm_why[128]; /* why it is cold */
	int64_t peak;       /* bytes of memory, 0: unknown */
	int64_t calm_until; /* limit.c */
	bool oom;           /* it was killed for its memory */

	bool past;  /* health.c: its beginning was counted as good */
	bool probe; /* claimed to see whether this host is well again */

	enum stop stop;
	double pruned_best, pruned_step;
	bool told;           /* what has left the process group, too */
	int64_t gone_by;     /* SIGKILL was sent to what lingers, 0: not yet */
	char why[384];       /* words for the stop, or why it could not start */
	enum sp_cause unfit; /* cause when it could not start, else 0 */
	int64_t grace;       /* ms between SIGTERM and SIGKILL */
	int64_t kill_at;
	bool killed;

	/* order.exclusive (guard.c), under its lock */
	pid_t guarded;       /* 0: not */
	int64_t guard_fired; /* when it was told to stop, 0: not */

	struct capture cap;
	off_t metrics;      /* how far they were copied, */
	off_t metrics_n;    /* how much of them in all: so long is the copy, */
	off_t metrics_lost; /* and how much was passed over */
	off_t metrics_room; /* bytes that may be copied now */
	struct sp_buf metrics_rest; /* the last of these, not written yet */
	int64_t metrics_due;
	unsigned missing; /* listings in a row without our name */

	char out[PATH_MAX];   /* $SPOOL_OUT, "": none yet */
	struct outcopy *copy; /* it is a copy of the spool's (outcopy.h) */

	/* SLOT_COUNTS */
	struct count *count;
	int64_t count_until;

	/* SLOT_GIVES */
	enum give give;
	enum tr_release how;
	const char *cause;
	struct sp_buf outcome;
	int status;
};

struct slot *slot_free(struct worker *w);
void slot_reset(struct slot *s); /* before its first attempt */
/* job: what the text says, which is taken over; NULL: it is to be parsed. */
void slot_start(struct worker *w, struct slot *s, const struct sp_name *claimed,
    const struct sp_buf *text, struct sp_job *job);
/* Children have died. */
void slot_reap(struct worker *w);
int64_t slot_tick(struct worker *w, int64_t now);
/* It is over and was handed back. */
void slot_empty(struct worker *w, struct slot *s);

/* slotstop.c */
void slot_stop(struct slot *s, enum stop stop, const char *why, int64_t now);
/* What cannot wait while the main thread waits for the spool: time limits, and
 * who ended when.  Asks nobody, and no slot goes on to another state. */
void slot_watch(struct worker *w, int64_t now);
/* For one that runs: the time that it has; returns when more is due. */
int64_t slot_due(struct worker *w, struct slot *s, int64_t now);
/* What the guard did while we may have been stuck. */
void slot_silent(struct worker *w, struct slot *s, int64_t now);
/* SIGTERM to its process group, whose number is still its own. */
void slot_hint(const struct slot *s);
/* Then to what has left that, once, if it was to stop. */
void slot_tell(struct worker *w, struct slot *s);

/* launch.c: start what is staged.  SP_OK: s->pid; SP_BAD: it cannot be, s->why
 * and s->unfit; SP_RETRY: this host has trouble, s->why. */
enum sp_status launch(struct worker *w, struct slot *s);

#endif
