/*
 * spawn.c - start a program in a session of its own, with nothing of ours:
 * no handles, no limits, no blocked or ignored signals.  It dies when we die,
 * and is in its control group before it is anything else.
 *
 * clone_into (clone.h), or where there is none or no group vfork, for
 * posix_spawn cannot set the death signal and fork copies page tables: the
 * child borrows our memory until it calls execve and must not return, allocate
 * or lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workerd/clone.h"
#include "workerd/mark.h"
#include "workerd/spawn.h"
#include "workerd/worker.h"

/* ---- open files ---- */

#define FILES_OURS 96 /* but for slots */
#define FILES_WARM 96 /* of those that wait for a job, if there may be more */
#define FILES_MUST 6  /* of a slot: two pipes, its group, its directory */
#define FILES_MOST 11 /* and what it brings, and counts at its end */

static struct rlimit files; /* as we were started; children have that again */
static struct rlimit core;
static bool core_known;

enum sp_status
spawn_files(int slots, struct sp_err *err)
{
	rlim_t want = FILES_OURS + FILES_WARM + FILES_MOST * (rlim_t)slots;
	rlim_t must = FILES_OURS + FILES_MUST * (rlim_t)slots;
	struct rlimit r;

	core_known = getrlimit(RLIMIT_CORE, &core) == 0;
	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		return sp_err_sys(err, "RLIMIT_NOFILE");
	r = files;
	if (r.rlim_max < must)
		return sp_err_set(err, SP_FATAL,
		    "-j %d: needs %llu open files and may have %llu: raise the "
		    "hard limit (ulimit -n, LimitNOFILE=), or take fewer slots",
		    slots, (unsigned long long)must,
		    (unsigned long long)r.rlim_max);
	if (r.rlim_cur >= want)
		return SP_OK;
	r.rlim_cur = want < r.rlim_max ? want : r.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &r) == 0
	    ? SP_OK
	    : sp_err_sys(err, "RLIMIT_NOFILE");
}

/* ---- a process ---- */

/* No core files unless the job asks for them: they would go with the work
 * directory.  What cannot be set is left: the watcher is there as well. */
static void
limit(const struct spawn *how, pid_t pid)
{
	struct rlimit r;
	int fd;

	mark_put(pid, how->mark, how->serial);
	if (core_known) {
		r = (struct rlimit){ .rlim_cur = 0, .rlim_max = core.rlim_max };
		(void)prlimit(pid, RLIMIT_CORE, &r, NULL);
	}
	if (how->data > 0 && prlimit(pid, RLIMIT_DATA, NULL, &r) == 0 &&
	    how->data < r.rlim_max) {
		r.rlim_cur = r.rlim_max = how->data;
		(void)prlimit(pid, RLIMIT_DATA, &r, NULL);
	}
	/* A fork has what the one that forked it was given. */
	if (how->oom_adj == NULL || pid != 0)
		return;
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd != -1) {
		(void)!write(fd, how->oom_adj, strlen(how->oom_adj));
		(void)close(fd);
	}
}

struct start {
	const struct spawn *how;
	pid_t parent;
	int door;     /* to write "0" to; -1: it is where it belongs */
	bool cleared; /* of handlers */
	volatile bool ran;
	volatile int why;
};

/* Ignored signals would stay ignored over execve.  Which they are does not
 * change once we run. */
static unsigned
ignored(void)
{
	static unsigned known;
	struct sigaction is;
	unsigned set = 1;
	int sig;

	for (sig = 1; known == 0 && sig < 32; sig++)
		if (sigaction(sig, NULL, &is) == 0 && is.sa_handler == SIG_IGN)
			set |= 1U << sig;
	if (known == 0)
		known = set;
	return known;
}

static void
usual_signals(const struct start *start)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	unsigned which = start->cleared ? ignored() : ~0U;
	sigset_t none;
	int sig;

	for (sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP && (which & 1U << sig))
			(void)sigaction(sig, &dfl, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Runs in the child, in our memory. */
static _Noreturn void
child(struct start *start)
{
	const struct timespec nap = { .tv_nsec = 2000000 };
	const struct spawn *how = start->how;
	int tries = 0;

	if (start->door != -1 && write(start->door, "0", 1) != 1) {
		start->why = SPAWN_NO_GROUP;
		_exit(127);
	}
	limit(how, 0);
	if (files.rlim_max > 0)
		(void)setrlimit(RLIMIT_NOFILE, &files);
	/* Helpers stay in our session: by that they are told from orphans. */
	if (how->job)
		(void)setsid();
	else
		(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != start->parent) /* we died before that */
		_exit(127);
	usual_signals(start);
	if (chdir(how->dir) == -1 || dup2(how->in, 0) == -1 ||
	    dup2(how->out, 1) == -1 || dup2(how->err, 2) == -1) {
		start->why = errno;
		_exit(127);
	}
	/* Ours are all O_CLOEXEC; this is for those we were started with. */
	(void)close_range(3, ~0U, 0);
	/* Another child, born while this program was being written, may not
	 * have come to the line above yet: it has a handle to write. */
	do
		(void)execve(how->program, (char *const *)(uintptr_t)how->argv,
		    how->envp);
	while (errno == ETXTBSY && tries++ < 100 && nanosleep(&nap, NULL) == 0);
	start->why = errno;
	_exit(127);
}

static void
child_cleared(void *arg)
{
	struct start *start = arg;

	start->cleared = start->ran = true;
	child(start);
}

static int
door(const struct spawn *how)
{
	return openat(how->group, "cgroup.procs", O_WRONLY | O_CLOEXEC);
}

static bool cannot; /* be born in a group */

static pid_t
born_there(struct start *start)
{
	pid_t pid;

	(void)ignored();
	pid = clone_into(start->how->group, child_cleared, start);
	if (pid == -1) {
		cannot = errno == ENOSYS || errno == EINVAL || errno == EPERM;
	} else if (!start->ran) {
		/* Killed by the kernel, which takes a group that we were
		 * started in and that was once killed for this one. */
		(void)wait4(pid, NULL, 0, NULL);
		cannot = true;
		pid = -1;
	}
	return pid;
}

static pid_t
born(struct start *start)
{
	pid_t pid;

	if (start->how->group != -1) {
		if (!cannot && (pid = born_there(start)) != -1)
			return pid;
		/* The old way also says what is wrong with it. */
		if ((start->door = door(start->how)) == -1) {
			start->why = SPAWN_NO_GROUP;
			return -1;
		}
	}
	pid = vfork();
	if (pid == 0)
		child(start);
	if (pid == -1)
		start->why = errno;
	if (start->door != -1)
		(void)close(start->door);
	return pid;
}

int
spawn(const struct spawn *how, pid_t *pid_out)
{
	struct start start = { .how = how, .parent = getpid(), .door = -1 };
	sigset_t all, before;
	pid_t pid;

	/* No handler of ours may run in the child. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = born(&start);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid == -1)
		return start.why;
	if (start.why != 0) {
		(void)wait4(pid, NULL, 0, NULL);
		return start.why;
	}
	*pid_out = pid;
	return 0;
}

bool
spawn_into(const struct spawn *how, pid_t pid)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d", (int)pid);
	int fd = how->group == -1 ? -1 : door(how);
	bool in = how->group == -1 ||
	    (fd != -1 && write(fd, text, (size_t)n) == (ssize_t)n);

	if (fd != -1)
		(void)close(fd);
	if (in)
		limit(how, pid);
	return in;
}
