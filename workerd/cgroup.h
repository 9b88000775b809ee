/*
 * cgroup.h - a control group (v2) for each attempt, where we may make some:
 *
 *	HOME/			the group that we were started in
 *	HOME/spool-W/		ours, locked (flock) while we live
 *	HOME/spool-W/worker/	us, when controllers were switched on
 *	HOME/spool-W/ID.tTaA/	an attempt, or a later one that needs no other
 *	HOME/spool-W/warm.N/	the same, made before there was one (warm.h)
 *
 * Everything that a job starts is born in its group and cannot leave it unless
 * it may write to another one.
 */
#ifndef WORKER_CGROUP_H
#define WORKER_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "libspool/job.h"
#include "workerd/proc.h"

/* Of one attempt. */
struct group {
	int fd;     /* on its directory; -1: it has none */
	int events; /* on its cgroup.events, with fd; -1: not opened */
	char name[64];
	bool counted; /* the kernel says how much memory it has */
	bool limited; /* and how much it may */
	bool plain;   /* nothing was set or is counted in it */
	bool calm;    /* it was seen empty, and not frozen by who was in it */
	bool killed;  /* group_kill */
};

#define CGROUP_IDLE 32

struct cgroup {
	bool on;
	int64_t again;       /* sp_mono_ms: make none before that; it failed */
	bool memory, cpu;    /* controllers that attempts have */
	bool moved;          /* we are in worker/ */
	int base;            /* handle on spool-W, locked */
	char home[PATH_MAX]; /* where we were found */
	char path[PATH_MAX]; /* spool-W */
	/* Plain ones that are empty again: the kernel takes longer to make and
	 * remove a group than many a job runs. */
	struct group idle[CGROUP_IDLE];
	int idle_n;
	unsigned ahead; /* how many were made so far by group_ahead */
};

/* Find our group, clear away what dead workers left in it, make ours.  Without
 * one `on` is false, and why_out says why. */
void cgroup_open(struct cgroup *c, const char *worker, char why_out[128]);
/* Remove attempts' groups that are empty and not of the n `keep`. */
void
cgroup_sweep(const struct cgroup *c, const struct group *const *keep, int n);
/* Kill what is in them, remove all, go back to HOME.  Also for the minder, in
 * which only the paths are right. */
void cgroup_close(struct cgroup *c);

/* false: it cannot be made, errno says why.  Then try again when CGROUP_REST_MS
 * are over: what stood in the way, as a limit or somebody else's doing, may be
 * gone. */
#define CGROUP_REST_MS 60000
bool group_make(struct cgroup *c, const struct sp_job *job, const char *name,
    struct group *g_out);
/* One in which a process is to wait for an attempt, and it is that attempt's
 * from then on, with its limits. */
bool group_ahead(struct cgroup *c, struct group *g_out);
void
group_fit(const struct cgroup *c, const struct sp_job *job, struct group *g);
/* Kill all of it and of what was made below it. */
void group_kill(struct group *g);
bool group_empty_is(struct group *g);
/* Who is in it. */
void group_procs(const struct group *g, struct procs *all_out);
/* Bytes that nothing else can hold for it; 0: unknown. */
int64_t group_anon(const struct group *g);
/* The kernel killed in it for its memory; peak_out: bytes, 0: unknown. */
bool group_oom_is(const struct group *g, int64_t *peak_out);
/* Remove it if it is empty, or keep it for the next attempt; let go of it
 * anyway. */
void group_clear(struct cgroup *c, struct group *g);
void group_close(struct group *g); /* its handles */

#endif
