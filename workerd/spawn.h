/*
 * spawn.h - a process, as fast as it goes.
 */
#ifndef WORKER_SPAWN_H
#define WORKER_SPAWN_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "libspool/err.h"

/* spawn: 0, or errno why not. */
struct spawn {
	const char *program;
	const char *const *argv;
	char *const *envp;
	const char *dir;
	int in, out, err;
	bool job;    /* else a helper: in our session, not its own */
	int group;   /* its control group, a handle on it; -1: none */
	rlim_t mark; /* mark.h, 0: as ours */
	unsigned serial;
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

#endif
