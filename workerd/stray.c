/*
 * stray.c - leave nothing behind, even when we are killed and the order will
 * run elsewhere: a small process of our own, the minder, waits for our end on a
 * pipe, kills what is in our control group or carries our mark (kin.c), and
 * removes our directory.
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
#include "workerd/stray.h"
#include "workerd/worker.h"

#define ENV_MOST 131072
#define ROUNDS   200 /* of the minder, 10 ms apart, while it finds any */

/* ---- the minder ---- */

static unsigned
kill_marked(const char *worker)
{
	static char env[ENV_MOST];
	struct dirent *e;
	const char *whose;
	unsigned n = 0;
	size_t len;
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
		if (pid == getpid() || !proc_read(pid, &p) ||
		    (len = proc_environ(pid, env, ENV_MOST)) == 0)
			continue;
		whose = proc_env(env, len, "SPOOL_WORKER=");
		if (whose != NULL && strcmp(whose, worker) == 0 &&
		    proc_signal(&p, SIGKILL))
			n++;
	}
	(void)closedir(d);
	return n;
}

static _Noreturn void
minder(struct worker *w, int fd)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	char path[WORK_MAX], worker[SP_WORKER_MAX + 1], byte;
	unsigned round, n, killed = 0;
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
	if (got == 1)
		_exit(0);    /* a clean farewell */
	w->cgroup.base = -1; /* closed above; the paths are good */
	cgroup_close(&w->cgroup);
	for (round = 0; round < ROUNDS; round++) {
		if ((n = kill_marked(worker)) == 0 && round > 0)
			break;
		killed += n;
		(void)nanosleep(&pause, NULL);
	}
	if (killed > 0)
		sp_warn("workerd=%s was killed; killed its processes", worker);
	rmtree(path);
	_exit(0);
}

enum sp_status
stray_open(struct worker *w, struct sp_err *err)
{
	int p[2];

	w->minder = -1;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		return sp_err_sys(err, "subreaper");
	if (pipe2(p, O_CLOEXEC) == -1)
		return sp_err_sys(err, "pipe");
	w->minder = fork();
	if (w->minder == 0) {
		(void)close(p[1]);
		minder(w, p[0]);
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
