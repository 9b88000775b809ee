/*
 * kin.h - all processes of an attempt, by its control group or by /proc.
 */
#ifndef WORKER_KIN_H
#define WORKER_KIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "workerd/proc.h"

struct slot;
struct worker;

#define KIN_OWN 64

struct seen;

struct kin {
	struct procs all, children;
	struct seen *seen; /* whose was what, when last looked */
	size_t seen_n;
	pid_t own[KIN_OWN];
	rlim_t mark; /* mark.h; 0: none */
	pid_t sid;
	int64_t born;
	int64_t sweep_at; /* 0: not */
};

/* Before the first child: it marks us. */
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
void kin_kill(struct worker *w, struct slot *s);
/* Nothing of it is left; its main process has been reaped. */
bool kin_gone_is(struct worker *w, struct slot *s);
/* Kill orphans of attempts that are over. */
void kin_sweep(struct worker *w);
/* One is over: sweep now, or soon, if it had a control group, which few leave
 * and that is empty. */
void kin_over(struct worker *w, bool grouped);
int64_t kin_tick(struct worker *w, int64_t now);

#endif
