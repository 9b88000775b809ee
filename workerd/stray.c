/*
 * stray.c - leave no process behind.
 *
 * A job's process group is killed with it (slot.c).  What has left the group by
 * setsid is found in two ways: we are the subreaper, so orphans become our
 * children; and each job's environment says whose it is (SPOOL_WORKER,
 * SPOOL_ID), which children inherit.  What has no such mark is not touched.
 *
 * When we are killed there is nobody to do that, and the order will run
 * elsewhere: so a small process of our own, the minder, waits for our end on a
 * pipe and then kills whatever carries our mark and removes our directory.
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
#include "workerd/worker.h"

#define ENV_MOST 131072
#define ROUNDS   200 /* of the minder, 10 ms apart, while it finds any */

/* ---- marks ---- */

/* The value of KEY= in the environment that a process was started with; NULL:
 * none, or not for us to read. */
static const char *
mark(const char *env, size_t len, const char *key)
{
	size_t n = strlen(key);
	const char *at = env, *end = env + len;

	while (at < end) {
		if ((size_t)(end - at) > n && strncmp(at, key, n) == 0)
			return at + n;
		at += strnlen(at, (size_t)(end - at)) + 1;
	}
	return NULL;
}

static size_t
environ_read(pid_t pid, char *buf, size_t size)
{
	char path[64];
	size_t len = 0;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	buf[len] = '\0';
	return len;
}

/* ---- strays that have become our children ---- */

static bool
runs_is(struct worker *w, const char *id)
{
	int i;

	for (i = 0; i < w->opt.slots; i++) {
		const struct slot *s = &w->slot[i];

		if ((s->state == SLOT_RUNS || s->state == SLOT_LINGERS) &&
		    strcmp(s->name.id.text, id) == 0)
			return true;
	}
	return false;
}

static bool
known_is(struct worker *w, pid_t pid)
{
	int i;

	for (i = 0; i < w->opt.slots; i++)
		if (w->slot[i].state == SLOT_RUNS && w->slot[i].pid == pid)
			return true;
	return pid == w->minder;
}

static void
sweep_one(struct worker *w, pid_t pid)
{
	static char env[ENV_MOST];
	const char *whose, *id;
	size_t len;

	if (known_is(w, pid) || (len = environ_read(pid, env, ENV_MOST)) == 0)
		return;
	whose = mark(env, len, "SPOOL_WORKER=");
	id = mark(env, len, "SPOOL_ID=");
	if (whose == NULL || id == NULL ||
	    strcmp(whose, w->ops->worker(w->tr)) != 0 || runs_is(w, id))
		return;
	sp_info("kill stray=%d of order=%.40s", (int)pid, id);
	(void)kill(pid, SIGKILL);
}

void
stray_sweep(struct worker *w)
{
	char path[64], buf[4096], *at = buf, *end;
	ssize_t n;
	long pid;
	int fd;

	/* The main thread's: orphans come to it. */
	(void)snprintf(
	    path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	n = read(fd, buf, sizeof buf - 1);
	(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	for (;; at = end) {
		pid = strtol(at, &end, 10);
		/* A number cut short by the buffer is not one. */
		if (end == at || *end != ' ')
			break;
		sweep_one(w, (pid_t)pid);
	}
}

/* ---- the minder ---- */

static unsigned
kill_marked(const char *worker)
{
	static char env[ENV_MOST];
	struct dirent *e;
	const char *whose;
	unsigned n = 0;
	size_t len;
	pid_t pid;
	DIR *d;

	if ((d = opendir("/proc")) == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		pid = (pid_t)strtol(e->d_name, NULL, 10);
		if (pid == getpid() ||
		    (len = environ_read(pid, env, ENV_MOST)) == 0)
			continue;
		whose = mark(env, len, "SPOOL_WORKER=");
		if (whose != NULL && strcmp(whose, worker) == 0 &&
		    kill(pid, SIGKILL) == 0)
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
		_exit(0); /* a clean farewell */
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
