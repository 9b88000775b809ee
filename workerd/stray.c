/*
 * stray.c - leave nothing behind, even when we are killed and the order will
 * run elsewhere: a small process of our own, the minder, waits for our end on a
 * pipe, kills what is in our control group, has our mark (mark.h) or our name
 * in its environment, and removes our directory.  Orphans are not its children,
 * for those of a killed subreaper go to who is above both.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/mark.h"
#include "workerd/stray.h"
#include "workerd/worker.h"

#define ENV_MOST 131072
#define ROUNDS   200 /* of the minder, 10 ms apart, while it finds any */

/* ---- the minder ---- */

struct ours {
	const char *worker;
	rlim_t mark;
	pid_t us; /* while we live */
};

static bool
marked_is(const struct ours *o, pid_t pid)
{
	unsigned serial;

	return mark_of(pid, o->mark, &serial) != MARKED_NOT;
}

static bool
named_is(const struct ours *o, pid_t pid)
{
	static char env[ENV_MOST];
	size_t len = proc_environ(pid, env, ENV_MOST);
	const char *whose = proc_env(env, len, "SPOOL_WORKER=");

	return whose != NULL && strcmp(whose, o->worker) == 0;
}

static unsigned
kill_each(const struct ours *o, bool (*is)(const struct ours *o, pid_t pid))
{
	struct dirent *e;
	unsigned n = 0;
	struct proc p;
	pid_t pid;
	DIR *d;

	if ((d = opendir("/proc")) == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		pid = (pid_t)strtol(e->d_name, NULL, 10);
		/* Who it is first, so that who gets its number is not hit. */
		if (pid != getpid() && pid != o->us && is(o, pid) &&
		    proc_read(pid, &p) && !p.dead && is(o, pid) &&
		    proc_signal(&p, SIGKILL))
			n++;
	}
	(void)closedir(d);
	return n;
}

/* Until so many looks in a row have found none, for what is killed may have
 * started others meanwhile, behind our back. */
static unsigned
kill_all(const struct ours *o, bool (*is)(const struct ours *o, pid_t pid),
    unsigned looks)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	unsigned round, n, none = 0, killed = 0;

	for (round = 0; round < ROUNDS; round++) {
		n = kill_each(o, is);
		none = n == 0 ? none + 1 : 0;
		if (none == looks)
			break;
		killed += n;
		(void)nanosleep(&pause, NULL);
	}
	return killed;
}

static _Noreturn void
minder(struct worker *w, pid_t us, int fd)
{
	char path[WORK_MAX], worker[SP_WORKER_MAX + 1], byte;
	struct ours o = { worker, w->kin.mark, us };
	unsigned killed;
	sigset_t all;
	ssize_t got;

	(void)setsid(); /* a ^C or a kill of the group is not for us */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)prctl(PR_SET_NAME, "workerd-minder");
	(void)memcpy(path, w->dir, sizeof path);
	(void)snprintf(worker, sizeof worker, "%s", w->ops->worker(w->tr));
	(void)dup2(w->null, 0);
	(void)dup2(w->null, 1);
	if (fd != 3 && dup2(fd, 3) == -1)
		_exit(1);
	(void)close_range(4, ~0U, 0);
	if (chdir("/") == -1)
		_exit(1);

	do
		got = read(3, &byte, 1);
	while (got == -1 && errno == EINTR);
	if (got == 1) { /* a clean farewell: no job runs */
		if ((killed = kill_all(&o, marked_is, 1)) > 0)
			sp_warn("killed=%u that outlived their jobs", killed);
		_exit(0);
	}
	w->cgroup.base = -1; /* closed above; the paths are good */
	cgroup_close(&w->cgroup);
	/* The mark first: to read an environment may be to wait. */
	killed = kill_all(&o, marked_is, 2);
	if (killed + kill_all(&o, named_is, 2) > 0)
		sp_warn("workerd=%s was killed; killed its processes", worker);
	rmtree(path);
	_exit(0);
}

enum sp_status
stray_open(struct worker *w, struct sp_err *err)
{
	pid_t us = getpid();
	int p[2];

	w->minder = -1;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		return sp_err_sys(err, "subreaper");
	if (pipe2(p, O_CLOEXEC) == -1)
		return sp_err_sys(err, "pipe");
	w->minder = fork();
	if (w->minder == 0) {
		(void)close(p[1]);
		minder(w, us, p[0]);
	}
	(void)close(p[0]);
	if (w->minder == -1) {
		(void)close(p[1]);
		return sp_err_sys(err, "fork");
	}
	w->minder_fd = p[1];
	return SP_OK;
}

void
stray_close(struct worker *w)
{
	if (w->minder == -1)
		return;
	(void)!write(w->minder_fd, "q", 1);
	(void)close(w->minder_fd);
	(void)waitpid(w->minder, NULL, 0);
	w->minder = -1;
}
