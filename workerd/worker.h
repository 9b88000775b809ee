/*
 * worker.h - what a worker knows, and the doors between its rooms:
 *
 *	look -> slot (stage, launch, capture) -> report -> give -> commit
 *
 * main.c waits; look.c claims; slot.c carries one attempt from its start to
 * its end; report.c says what came of it; give.c hands it back; commit.c
 * commits on a thread of its own; beat.c says that we live and compares what we
 * hold with what we run (pulse.c beats while the main thread is long at
 * something); wish.c heeds drain/; guard.c stops exclusive jobs when the spool
 * is away.  kin.c knows all processes of an attempt, by its control group
 * (cgroup.c) or without, limit.c their memory, gpu.c their GPUs (gpu.h),
 * floor.c whether there is room; stray.c leaves no process behind; kept.c keeps
 * what preempted attempts left.
 *
 * Staging has headers of its own: bring.h, what an attempt is made of (bring.c,
 * bringtree.c, pins.c; porter.c has it done by a thread), and cache.h, where it
 * is kept on this machine (cacheopen.c, cache.c, cachetrim.c).
 *
 * `_tick` does what is due and returns when it wants to be called again, by
 * sp_mono_ms.
 */
#ifndef WORKER_H
#define WORKER_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "libspool/fit.h"
#include "libspool/outcome.h"
#include "libspool/spool.h"
#include "libspool/streak.h"
#include "libspool/words.h"
#include "transport/transport.h"
#include "workerd/bring.h"
#include "workerd/python.h"
#include "workerd/cgroup.h"
#include "workerd/gpu.h"
#include "workerd/options.h"
#include "workerd/proc.h"

#define FAR         (INT64_MAX / 4) /* no deadline */
#define GONE_MS     10000           /* for the killed to be gone */
#define LINGER_MS   500  /* for what outlives the main process unasked */
#define METRICS_MS  1000 /* between copies of a job's metrics */
#define STDERR_TAIL SP_WORDS_TAIL
#define WORK_MAX    2048             /* our directory's path */
#define DIR_MAX     (WORK_MAX + 256) /* one below it */

#define EXIT_PREEMPTED 75 /* EX_TEMPFAIL: queue me again */

/* Bytes of metrics that may come at once. */
#define METRICS_BURST (1 << 20)

/* ---- what came to mind about an order in new/ (verdict.c) ---- */

enum verdict {
	VERDICT_NONE,
	VERDICT_NEVER, /* does not fit this worker, however idle */
	VERDICT_BUSY,  /* fits, but not beside what runs now */
	VERDICT_LATER  /* not eligible, or not whole yet: ask again then */
};

struct opinion {
	uint64_t key; /* of the name; 0: free */
	enum verdict verdict;
	unsigned freed; /* BUSY holds until another slot was freed */
	int64_t until;  /* LATER holds until then */
};

struct verdicts {
	struct opinion *row;
	size_t n, cap;
};

struct opinion *verdict_get(const struct verdicts *v, const char *name);
/* A row for this name, new or old; NULL on no memory. */
struct opinion *verdict_put(struct verdicts *v, const char *name);
void verdict_clear(struct verdicts *v);

/* ---- the output of a job (capture.c) ---- */

struct capture {
	int fd[2];         /* our ends of stdout and stderr, -1: closed */
	struct sp_buf log; /* not appended yet */
	int64_t flush_at;  /* when it must be */
	uint64_t logged;   /* bytes, with those */
	uint64_t lost; /* bytes that found no room while the spool was away */
	uint64_t most; /* --log-max */
	uint64_t cut;  /* bytes beyond that */
	struct sp_buf tail;         /* of stdout, for the last JSON line */
	char last[STDERR_TAIL + 1]; /* of stderr */
	size_t last_n;
	bool failed; /* the last append: warned already */
};

/* ---- slots ---- */

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
	char dir[DIR_MAX]; /* the work directory, "" when there is none */
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
	off_t metrics_n;    /* how much of them in all, */
	off_t metrics_lost; /* and how much was passed over */
	off_t metrics_room; /* bytes that may be copied now */
	int64_t metrics_due;
	unsigned missing; /* listings in a row without our name */

	char out[PATH_MAX]; /* $SPOOL_OUT, "": none yet */

	/* SLOT_COUNTS */
	struct count *count;
	int64_t count_until;

	/* SLOT_GIVES */
	enum give give;
	enum tr_release how;
	const char *cause;
	struct sp_buf outcome;
	int status;
	int64_t give_at;
	int64_t give_delay;
};

/* ---- commits ---- */

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

/* ---- looking and beating ---- */

struct look {
	struct sp_window window;
	struct verdicts seen;
	bool over;          /* the window is used up */
	bool nothing;       /* the last whole pass claimed nothing */
	bool dirty;         /* something may have changed since the listing */
	unsigned claims;    /* in this pass */
	unsigned empty;     /* passes without a claim, in a row */
	int64_t last, cost; /* when the last listing ended, what it took */
	int64_t next;       /* look by the clock */
	int64_t again;      /* a verdict runs out */
	int64_t pause;      /* no claims before */
	int64_t drained_at; /* ask then whether all is done */
	int64_t drained_delay;
	struct {
		struct sp_id id;
		int64_t until;
		unsigned times; /* in a row */
		bool shy;       /* rather others, if there are any */
	} * cool;               /* preempted at once: not claimed at once */
	size_t cool_n, cool_cap;
};

/* What we left to others (looked.c). */
struct looked {
	struct {
		char name[SP_NAME_MAX];
		char why[128];
	} row[SP_DECLINES];
	size_t n, next;
	int64_t orders; /* looked at since we last said so */
	int64_t said;   /* when that was, 0: never */
};

/* The lock is for heart.self and for beating. */
struct pulse {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int64_t said;  /* the last beat, anybody's */
	int64_t alive; /* the last one of the main thread */
	bool stop;
};

struct heart {
	struct sp_beat self;
	int64_t next;
	int64_t tried;
	_Atomic int64_t good; /* when a beat last got through */
	bool changed;         /* what runs has changed since */
	bool away;            /* the last one failed */
	struct sp_names ours, stale, cancel;
};

struct health {
	struct sp_tally tally;
	struct sp_streak row;
	char last[160];   /* how the last of the row ended */
	char words[256];  /* why nothing is claimed, "" when it is */
	int64_t next;     /* ask others again */
	int64_t claim_at; /* no claims before */
	int64_t delay;    /* that made it so */
	bool probing;
};

struct worker {
	struct options opt;
	const struct tr_ops *ops;
	struct tr *tr;
	const struct sp_policy *policy;
	char dir[WORK_MAX]; /* our own, below --work */
	struct bringing bringing;
	struct probe *probe; /* NULL: not yet */
	int null;            /* /dev/null */
	int signals;         /* signalfd */
	double cpus;
	int64_t memory;

	struct warm *warm; /* NULL: --cold */

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

	struct {
		pthread_mutex_t lock;
		pthread_t thread;
		bool running;
		bool stop;
	} guard;

	struct {
		bool known;
		struct tr_wishes is;
	} wish;

	struct {
		uint32_t tag; /* of this spool */
		int64_t next;
		struct sp_names names;
		size_t at;        /* among them */
		unsigned drops;   /* counts directories to be removed, */
		unsigned until;   /* those that the thread is to remove, */
		atomic_uint gone; /* and those that it has */
		pthread_t thread;
		bool running;
	} kept;
	unsigned serial; /* attempts so far */
	struct cgroup cgroup;
#define KIN_OWN 64
	struct {
		struct procs all, children;
		struct seen *seen; /* whose was what, when last looked */
		size_t seen_n;
		pid_t own[KIN_OWN];
		pid_t sid;
		int64_t born;
	} kin;
	struct {
		char oom_adj[16]; /* of jobs */
		int64_t next;
	} limit;
	struct {
		bool low;
		char words[128]; /* "" while there is room */
		int64_t next;
		int64_t yield; /* ask the cache again */
	} floor;

	struct gpus gpus;

	pid_t minder;
	int minder_fd;
	int64_t oom_kills; /* of the kernel, when last looked */

	unsigned terms;  /* SIGTERMs so far */
	int claims_left; /* -1: any number */
	bool done;       /* nothing is left for us to do */
};

/* main.c */
bool worker_idle_is(struct worker *w); /* nothing runs or waits to be given */

/* look.c: find orders that fit, claim them, start them. */
int64_t look_tick(struct worker *w, int64_t now);
void look_soon(struct worker *w);
/* No claims for a while: it is the host that has trouble. */
void look_pause(struct worker *w, int64_t now, int64_t ms);
/* Is there nothing left to claim (--drain, --once)?  Sets w->done. */
int64_t look_drained_tick(struct worker *w, int64_t now);
void look_clear(struct worker *w);

/* cool.c: orders that came back from here, and are left alone for a while. */
/* At once, or it could not be started: later each time, in so many ms. */
int64_t cool_again(struct worker *w, const struct sp_id *id, int64_t now);
/* This time it took a while. */
void cool_forget(struct worker *w, const struct sp_id *id);
/* It failed here and may do better elsewhere: rather not by us until then. */
void cool_avoid(struct worker *w, const struct sp_id *id, int64_t until);
/* Not now; again_out is no later than the end of that. */
bool cool_is(
    struct worker *w, const struct sp_id *id, int64_t now, int64_t *again_out);
void cool_clear(struct worker *w);

/* looked.c: what we looked at and declined, for the beat. */
void looked_at(struct worker *w);
void looked_declined(struct worker *w, const char *name, const char *why);
void looked_beat(struct worker *w, struct sp_beat *beat, int64_t now);

/* offer.c: what this machine has, and what is free of it. */
void offer_init(struct worker *w);
/* What is free of it, for others to see. */
void offer_beat(const struct worker *w, struct sp_beat *beat);
/* VERDICT_NONE: it fits now; else why says what is lacking. */
enum verdict
offer_judge(struct worker *w, const struct sp_job *job, char why[128]);

/* gpu.c: may a job have so many GPUs now?  Asks for a fresh answer where what
 * is known is old. */
enum verdict gpu_judge(struct worker *w, int n, char why[128]);

/* slot.c */
struct slot *slot_free(struct worker *w);
void slot_reset(struct slot *s); /* before its first attempt */
void slot_start(struct worker *w, struct slot *s, const struct sp_name *claimed,
    const struct sp_buf *text);
void slot_stop(struct slot *s, enum stop stop, const char *why, int64_t now);
/* Children have died. */
void slot_reap(struct worker *w);
int64_t slot_tick(struct worker *w, int64_t now);
/* It is over and was handed back. */
void slot_empty(struct worker *w, struct slot *s);

/* launch.c: start what is staged.  SP_OK: s->pid; SP_BAD: it cannot be, s->why
 * and s->unfit; SP_RETRY: this host has trouble, s->why. */
enum sp_status launch(struct worker *w, struct slot *s);

/* stage.c: the work directory of an attempt. */
#define STAGE_JOB     ".spool-job.json"
#define STAGE_OUTCOME ".spool-outcome.json"
#define STAGE_METRICS ".spool-metrics.jsonl"
/* SP_OK; SP_BAD: what the job names is not there, s->why and s->unfit say so;
 * SP_RETRY: this host has trouble, s->why says which; SP_LOST: it takes a
 * while: when porter_done says so, stage_made has one of the others. */
enum sp_status
stage_make(struct worker *w, struct slot *s, const struct sp_buf *dressed);
enum sp_status stage_made(struct slot *s);
/* Write down what it is made of, for later attempts. */
void stage_pin(struct worker *w, struct slot *s);
void stage_clear(struct slot *s);
/* The attempt is to go on later: what it left is kept, if that is possible. */
void stage_keep(struct worker *w, struct slot *s);
/* Where the data file lies in the work directory; "" when there is none. */
void stage_data(const struct slot *s, char path_out[PATH_MAX]);
/* Copy what came to the metrics. */
void stage_metrics(struct worker *w, struct slot *s, bool final);
/* $SPOOL_OUTCOME as the script left it; false: nothing there that is one. */
bool stage_outcome(const struct slot *s, struct sp_buf *text_out);
/* Remove what is there, a directory with all below it, following nothing. */
void rmtree(const char *path);

/* probe.c: fill s->facts, now or when the answer is there. */
void probe_want(struct worker *w, struct slot *s, const struct python *p);
/* It has ended: is there an answer, or no more time for one? */
bool
probe_ready(struct worker *w, struct slot *s, int64_t now, int64_t *next_out);
void probe_close(struct worker *w);

/* cacheopen.c: what staging needs. */
enum sp_status bringing_open(struct worker *w, struct sp_err *err);
/* Let go of half of the cache, if that helps the work space. */
bool bringing_yield(struct worker *w);
void bringing_close(struct worker *w); /* no thread is at it any more */

/* kept.c: work directories of preempted attempts, on this host. */
void kept_open(struct worker *w);
/* Take the one that the order left when it was given back: to the path s->dir,
 * which is not there.  false: there is none. */
bool kept_take(struct worker *w, const struct slot *s);
/* The order is about to be given back with the next ticket; s->dir is moved.
 * false: it is not, and is still the caller's. */
bool kept_put(struct worker *w, const struct slot *s);
/* Drop those that nobody comes back for; a little at a time. */
int64_t kept_tick(struct worker *w, int64_t now);
void kept_close(struct worker *w);

/* env.c: what a script is told. */
struct call {
	char program[PATH_MAX];
	char script[PATH_MAX];
	const char *argv[6];
	char **envp;
	struct sp_names strings; /* that envp points into */
};
/* SP_OK; SP_BAD: no such interpreter, s->why; SP_RETRY: no memory. */
enum sp_status env_make(struct worker *w, struct slot *s,
    const struct sp_buf *dressed, struct call *call_out);
void env_clear(struct call *call);
/* The path of a program, as a shell would find it. */
bool env_find(const char *program, char path_out[PATH_MAX]);

/* spawn.c: a process, as fast as it goes.  0, or why not. */
struct spawn {
	const char *program;
	const char *const *argv;
	char *const *envp;
	const char *dir;
	int in, out, err;
	bool job;            /* else a helper: in our session, not its own */
	int door;            /* of its control group (group_door), -1: none */
	rlim_t data;         /* RLIMIT_DATA, 0: as ours */
	const char *oom_adj; /* text for oom_score_adj, NULL: as ours */
};
/* Before all: may we have as many open files as so many slots need? */
enum sp_status spawn_files(int slots, struct sp_err *err);
#define SPAWN_NO_GROUP (-1) /* it could not enter its control group */
int spawn(const struct spawn *how, pid_t *pid_out);
/* What such a child has besides program, session and files, for one of ours
 * that was forked by a child of spawn() and waits: its group and its limits. */
bool spawn_into(const struct spawn *how, pid_t pid);

/* warm.c: a process that has imported what the job will import becomes the
 * job's; warm.h has the plan.  False: it is to be started cold, s->warm and
 * s->warm_why say whether that was not as it was to be. */
bool warm_spawn(struct worker *w, struct slot *s, const struct call *call,
    const struct spawn *how, pid_t *pid_out);
void warm_open(struct worker *w);
int warm_fd(const struct worker *w); /* readable: warm_take */
void warm_take(struct worker *w);
int64_t warm_tick(struct worker *w, int64_t now);
/* A child has died: was it one of these? */
bool warm_reaped(struct worker *w, pid_t pid, int status);
/* Is this one of these, by its number or its session? */
bool warm_own_is(const struct worker *w, pid_t pid, pid_t sid);
/* Is this, for SPOOL_ID, no job's but theirs? */
bool warm_mark_is(const char *id);
void warm_close(struct worker *w); /* when no job runs */

/* capture.c */
/* most: bytes of the log. */
bool capture_open(struct capture *c, uint64_t most, int child_out[2]);
/* Read a chunk of what is there. */
void capture_read(struct capture *c, int which, int64_t now);
int64_t capture_tick(struct worker *w, struct slot *s, int64_t now);
/* Read what is left, close, flush. */
void capture_close(struct worker *w, struct slot *s);
void capture_reset(struct capture *c);
void capture_clear(struct capture *c);

/* artifact.c: what the job left in $SPOOL_OUT, for its outcome. */
/* Begin to look; false: nothing is there, go on. */
bool artifact_begin(struct worker *w, struct slot *s, int64_t now);
/* Make an end of it soon. */
void artifact_cut(struct slot *s, int64_t now);
bool artifact_done(struct slot *s, int64_t now, int64_t *next_out);
/* NULL: nothing is known. */
const struct sp_artifacts *artifact_get(const struct slot *s);
void artifact_clear(struct slot *s);

/* report.c: what came of an attempt: fills the slot's give. */
void report_init(struct worker *w);
void report(struct worker *w, struct slot *s);

/* health.c: is it the job, or is it us? */
void health_init(struct worker *w);
/* It is about to be started. */
void health_claims(struct worker *w, struct slot *s);
void health_runs(struct worker *w, struct slot *s, int64_t now);
/* It ended by itself, with s->status; words: as told to people.  True: that is
 * this host's fault, and others may do better. */
bool health_ended(
    struct worker *w, struct slot *s, enum sp_cause cause, const char *words);
/* It is over, however. */
void health_over(struct worker *w, struct slot *s);
/* Somebody says that all is well again. */
void health_forgive(struct worker *w);
bool health_guilty_is(const struct worker *w);
/* May anything be claimed? */
bool health_lets(const struct worker *w, int64_t now);
int64_t health_tick(struct worker *w, int64_t now);

/* give.c: commit, release or cancel; again until it is done. */
int64_t give_tick(struct worker *w, struct slot *s, int64_t now);

/* commit.c */
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

/* beat.c */
void beat_init(struct worker *w);
int64_t beat_tick(struct worker *w, int64_t now);
void beat_soon(struct worker *w);
/* What the order.exclusive jobs may still trust in. */
bool beat_trusted(const struct worker *w, int64_t now);
void beat_clear(struct worker *w);

/* wish.c: what people ask of us. */
void wish_look(struct worker *w, int64_t now);
bool wish_drained(const struct worker *w); /* nothing may be claimed */

/* pulse.c: beats while the main thread is busy. */
enum sp_status pulse_open(struct worker *w, struct sp_err *err);
void pulse_lock(struct worker *w);
void pulse_unlock(struct worker *w);
/* One beat, under the lock. */
enum sp_status pulse_beat(struct worker *w, int64_t now, struct sp_err *err);
void pulse_close(struct worker *w);

/* guard.c: stop order.exclusive jobs when the spool is out of reach. */
void guard_init(struct worker *w);
/* false: no thread for it. */
bool guard_add(struct worker *w, struct slot *s);
void guard_lock(struct worker *w); /* around reaping */
void guard_unlock(struct worker *w);
bool guard_fired_is(struct worker *w, struct slot *s);
void guard_close(struct worker *w);

/* kin.c: all processes of an attempt. */
void kin_init(struct worker *w);
void kin_clear(struct worker *w);
/* A child of ours in a session of its own that is no job's; what is in our own
 * session, as spawn's helpers are, need not be named. */
void kin_own(struct worker *w, pid_t pid);
void kin_disown(struct worker *w, pid_t pid);
/* All processes there are, each with its owner: the index of a slot, or below
 * 0.  NULL: they cannot be listed. */
const struct procs *kin_look(struct worker *w);
/* Look, if it helps to tell later whose an orphan is. */
void kin_note(struct worker *w);
/* SIGTERM to what has left the attempt's process group. */
void kin_tell(struct worker *w, const struct slot *s);
/* SIGKILL to all of it. */
void kin_kill(struct worker *w, const struct slot *s);
/* Nothing of it is left; its main process has been reaped. */
bool kin_gone_is(struct worker *w, const struct slot *s);
/* Kill orphans of attempts that are over. */
void kin_sweep(struct worker *w);

/* limit.c: memory. */
void limit_init(struct worker *w);
void
limit_spawn(const struct worker *w, const struct slot *s, struct spawn *how);
int64_t limit_tick(struct worker *w, int64_t now);
/* It is over: what it had at most, and was that too much? */
void limit_end(struct slot *s);

/* floor.c: no claims where there is no room. */
int64_t floor_tick(struct worker *w, int64_t now);

/* stray.c */
enum sp_status stray_open(struct worker *w, struct sp_err *err);
void stray_close(struct worker *w);

#endif
