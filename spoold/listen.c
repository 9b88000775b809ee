/*
 * listen.c - a process of its own for HTTP: what reads strangers' bytes is not
 * the process that keeps the house.  What it may and what it serves are its own
 * business.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/listen.h"
#include "libspool/log.h"
#include "libspool/spool.h"
#include "spoold/listen.h"

#define PROGRAM     "spool-httpd"
#define DELAY_LEAST 100
#define DELAY_MOST  30000
#define LIVED       60000 /* ms after which it counts as well */
#define END_MS      5000  /* for a good end */

enum sp_status
listen_open(struct listen *l, const char *spool, struct sp_err *err)
{
	char where[SP_WHERE_MAX];
	bool loopback;
	enum sp_status st;

	l->socket = -1;
	l->spool = spool;
	if (l->where == NULL)
		return SP_OK;
	st = sp_listen(l->where, &l->socket, err);
	if (st == SP_OK)
		st = sp_listens(l->socket, where, &loopback, err);
	if (st == SP_OK)
		sp_info("listen at=%s", where);
	return st;
}

/* Beside our own program, else wherever PATH says. */
static void
program(char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	out[n < 0 ? 0 : n] = '\0';
	slash = strrchr(out, '/');
	if (slash != NULL &&
	    (size_t)(slash - out) + sizeof PROGRAM + 1 < PATH_MAX) {
		(void)strcpy(slash + 1, PROGRAM);
		if (access(out, X_OK) == 0)
			return;
	}
	(void)strcpy(out, PROGRAM);
}

/* In the child. */
static void
become(const struct listen *l, const char *path, pid_t parent)
{
	const char *argv[LISTEN_WORDS + 6];
	char number[16];
	sigset_t none;
	int n = 0, i;

	argv[n++] = PROGRAM;
	argv[n++] = "--socket";
	argv[n++] = number;
	for (i = 0; i < l->words_n; i++)
		argv[n++] = l->words[i];
	argv[n++] = "--";
	argv[n++] = l->spool;
	argv[n] = NULL;
	(void)snprintf(number, sizeof number, "%d", l->socket);
	(void)fcntl(l->socket, F_SETFD, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* It must not outlive us: another spoold would find its port taken. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() == parent)
		(void)execvp(path, (char *const *)(uintptr_t)argv);
	sp_warn("run %s: %s", path, strerror(errno));
	_exit(127);
}

static void
later(struct listen *l, int64_t now)
{
	l->delay = l->delay == 0 ? DELAY_LEAST : l->delay * 2;
	if (l->delay > DELAY_MOST)
		l->delay = DELAY_MOST;
	l->again = now + l->delay;
}

int64_t
listen_tick(struct listen *l, int64_t now)
{
	char path[PATH_MAX];
	pid_t parent = getpid();

	if (l->socket == -1 || l->pid != 0)
		return INT64_MAX;
	if (now < l->again)
		return l->again;
	program(path);
	l->began = now;
	l->pid = fork();
	if (l->pid == 0)
		become(l, path, parent);
	if (l->pid == -1) {
		sp_warn("start %s: %s", PROGRAM, strerror(errno));
		l->pid = 0;
		later(l, now);
		return l->again;
	}
	return INT64_MAX;
}

void
listen_reap(struct listen *l, int64_t now)
{
	int status;

	if (l->pid == 0 || waitpid(l->pid, &status, WNOHANG) != l->pid)
		return;
	l->pid = 0;
	if (now - l->began >= LIVED)
		l->delay = 0;
	later(l, now);
	if (WIFSIGNALED(status))
		sp_warn("%s ended: signal %d; again in %lld ms", PROGRAM,
		    WTERMSIG(status), (long long)l->delay);
	else
		sp_warn("%s ended: status %d; again in %lld ms", PROGRAM,
		    WEXITSTATUS(status), (long long)l->delay);
}

void
listen_close(struct listen *l)
{
	int64_t until = sp_mono_ms() + END_MS;

	if (l->pid != 0)
		(void)kill(l->pid, SIGTERM);
	while (l->pid != 0 && waitpid(l->pid, NULL, WNOHANG) == 0) {
		if (sp_mono_ms() >= until)
			(void)kill(l->pid, SIGKILL);
		(void)poll(NULL, 0, 10);
	}
	l->pid = 0;
	if (l->socket != -1)
		(void)close(l->socket);
	l->socket = -1;
}
