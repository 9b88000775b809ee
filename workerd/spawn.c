/*
 * spawn.c - start a program in a session of its own, with nothing of ours:
 * no handles, no limits, no blocked or ignored signals.  It dies when we die,
 * and is in its control group before it is anything else.
 *
 * vfork, for posix_spawn cannot set the death signal and fork copies page
 * tables: the child borrows our memory until it calls execve and must not
 * return, allocate or lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workerd/mark.h"
#include "workerd/spawn.h"
#include "workerd/worker.h"

/* ---- open files ---- */

#define FILES_OURS 64 /* but for slots */
#define FILES_MUST 3  /* of a slot: two pipes, its group */
#define FILES_MOST 8  /* and what it brings, and counts at its end */

static struct rlimit files; /* as we were started; children have that again */

enum sp_status
spawn_files(int slots, struct sp_err *err)
{
	rlim_t want = FILES_OURS + FILES_MOST * (rlim_t)slots;
	rlim_t must = FILES_OURS + FILES_MUST * (rlim_t)slots;
	struct rlimit r;

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
	if (prlimit(pid, RLIMIT_CORE, NULL, &r) == 0) {
		r.rlim_cur = 0;
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

/* Runs in the child, in our memory. */
static _Noreturn void
child(const struct spawn *how, pid_t parent, volatile int *why)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	int sig;

	if (how->job && how->door != -1 && write(how->door, "0", 1) != 1) {
		*why = SPAWN_NO_GROUP;
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
	if (getppid() != parent) /* we died before that */
		_exit(127);
	/* Ignored signals would stay ignored over execve. */
	for (sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			(void)sigaction(sig, &dfl, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir(how->dir) == -1 || dup2(how->in, 0) == -1 ||
	    dup2(how->out, 1) == -1 || dup2(how->err, 2) == -1) {
		*why = errno;
		_exit(127);
	}
	/* Ours are all O_CLOEXEC; this is for those we were started with. */
	(void)close_range(3, ~0U, 0);
	(void)execve(
	    how->program, (char *const *)(uintptr_t)how->argv, how->envp);
	*why = errno;
	_exit(127);
}

int
spawn(const struct spawn *how, pid_t *pid_out)
{
	volatile int why = 0;
	pid_t parent = getpid(), pid;
	sigset_t all, before;

	/* No handler of ours may run in the child. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (pid == 0)
		child(how, parent, &why);
	if (pid == -1)
		why = errno;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid == -1)
		return why;
	if (why != 0) {
		(void)wait4(pid, NULL, 0, NULL);
		return why;
	}
	*pid_out = pid;
	return 0;
}

bool
spawn_into(const struct spawn *how, pid_t pid)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d", (int)pid);

	if (how->door != -1 && write(how->door, text, (size_t)n) != n)
		return false;
	limit(how, pid);
	return true;
}
