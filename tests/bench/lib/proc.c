/*
 * proc.c - the programs under measurement: started so that they cannot outlive
 * us, waited for with a deadline, and made to end cleanly.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/lib/bench.h"

#define DEADLINE 30.0

/* What they print is no line of ours. */
pid_t
bench_start(const char *const argv[])
{
	return bench_start_to(argv, NULL);
}

pid_t
bench_start_to(const char *const argv[], const char *file)
{
	pid_t us = getpid(), pid = fork();
	int to = STDERR_FILENO;

	if (pid == -1)
		bench_die("cannot fork");
	if (pid > 0)
		return pid;
	if (file != NULL &&
	    ((to = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666)) == -1 ||
		dup2(to, STDERR_FILENO) == -1))
		_exit(127);
	(void)dup2(to, STDOUT_FILENO);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 || getppid() != us)
		_exit(127);
	(void)execv(argv[0], (char *const *)argv);
	_exit(127);
}

void
bench_reap(pid_t pid, const char *what)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status != 0)
		bench_die("%s ended with status %#x", what, (unsigned)status);
}

pid_t
bench_worker_with(
    const char *spool, const char *slots, const char *const more[])
{
	char path[PATH_MAX], work[PATH_MAX];
	const char *argv[24];
	size_t n = 0;

	bench_program("workerd", path);
	/* On the machine's own disk, when the spool is on another's. */
	if (getenv("BENCH_WORK") != NULL)
		(void)snprintf(work, sizeof work, "%s", getenv("BENCH_WORK"));
	else
		(void)snprintf(work, sizeof work, "%s.work", spool);
	(void)close(bench_dir("%s", work));
	argv[n++] = path;
	argv[n++] = "--name";
	argv[n++] = "bench";
	argv[n++] = "-j";
	argv[n++] = slots;
	argv[n++] = "--work";
	argv[n++] = work;
	if (geteuid() == 0)
		argv[n++] = "--allow-root";
	while (*more != NULL && n < 22)
		argv[n++] = *more++;
	argv[n++] = spool;
	argv[n] = NULL;
	return bench_start(argv);
}

pid_t
bench_worker(const char *spool, const char *slots, const char *more)
{
	return bench_worker_with(spool, slots, (const char *[]){ more, NULL });
}

pid_t
bench_spoold(const char *spool)
{
	char path[PATH_MAX];

	bench_program("spoold", path);
	return bench_start((const char *[]){ path, spool, NULL });
}

static bool
beats_is(const char *spool, const char *name)
{
	char path[PATH_MAX];
	size_t len = strlen(name);
	bool found = false;
	struct dirent *e;
	DIR *d;

	(void)snprintf(path, sizeof path, "%s/workers", spool);
	if ((d = opendir(path)) == NULL)
		bench_die("no %s", path);
	while (!found && (e = readdir(d)) != NULL)
		found =
		    strncmp(e->d_name, name, len) == 0 && e->d_name[len] == '-';
	(void)closedir(d);
	return found;
}

void
bench_await_beat(const char *spool, const char *name)
{
	double end = bench_now() + DEADLINE;

	while (!beats_is(spool, name)) {
		if (bench_now() > end)
			bench_die("%s does not beat", name);
		bench_pause(0.002);
	}
}

void
bench_stop(pid_t pid, const char *what)
{
	if (kill(pid, SIGTERM) == -1)
		bench_die("%s is gone", what);
	bench_reap(pid, what);
}

void
bench_lay(
    const char *kind, size_t waiting, size_t done, char path_out[BENCH_PATH])
{
	const char *laid = waiting >= 1000000 ? getenv("BENCH_LAID") : NULL;
	char program[PATH_MAX], text[2][24];
	const char *argv[] = { program, path_out, text[0], text[1], NULL };

	bench_fresh(kind, path_out);
	if (laid != NULL) {
		if (snprintf(path_out, BENCH_PATH, "%s", laid) >= BENCH_PATH)
			bench_die("BENCH_LAID is too long");
		return;
	}
	bench_program("helpers/lay", program);
	(void)snprintf(text[0], sizeof text[0], "%zu", waiting);
	(void)snprintf(text[1], sizeof text[1], "%zu", done);
	bench_reap(bench_start(argv), "lay");
}

double
bench_cpu(pid_t pid)
{
	unsigned long user = 0, sys = 0;
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "r")) == NULL ||
	    fscanf(f,
		"%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		&user, &sys) != 2)
		bench_die("a process is gone");
	(void)fclose(f);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}
