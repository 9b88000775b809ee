/*
 * floor.c - floors that more than one benchmark stands on: programs spawned and
 * waited for, and a directory that is watched for what is to be spawned.
 */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/lib/bench.h"

#define DEADLINE 10.0

static void
spawn(const char *const argv[])
{
	pid_t pid;
	int rc = posix_spawn(
	    &pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);

	if (rc != 0)
		bench_die("spawn %s: %s", argv[0], strerror(rc));
}

double
bench_floor_rate(const char *const argv[], size_t at_once, size_t n)
{
	size_t begun = 0, ended = 0;
	double begin = bench_now();
	int status;

	while (ended < n) {
		for (; begun < n && begun - ended < at_once; begun++)
			spawn(argv);
		if (waitpid(-1, &status, 0) == -1 || status != 0)
			bench_die("%s failed", argv[0]);
		ended++;
	}
	return (double)n / (bench_now() - begin);
}

/* One job after the other, as names appear. */
static void
serve(const char *path, const char *const argv[])
{
	char events[4096] __attribute__((aligned(8)));
	int fd = inotify_init1(IN_CLOEXEC), status;
	const struct inotify_event *e;
	ssize_t n;
	char *at;

	if (fd == -1 || inotify_add_watch(fd, path, IN_MOVED_TO) == -1)
		bench_die("cannot watch %s", path);
	(void)close(bench_dir("%s.ready", path));
	while ((n = read(fd, events, sizeof events)) > 0)
		for (at = events; at < events + n; at += sizeof *e + e->len) {
			e = (const struct inotify_event *)(void *)at;
			spawn(argv);
			(void)wait(&status);
		}
	_exit(1);
}

pid_t
bench_floor_server(const char *path, const char *const argv[])
{
	double end = bench_now() + DEADLINE;
	char ready[BENCH_PATH + 16];
	pid_t us = getpid(), pid;
	struct stat st;

	(void)close(bench_dir("%s", path));
	(void)snprintf(ready, sizeof ready, "%s.ready", path);
	if ((pid = fork()) == -1)
		bench_die("cannot fork");
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == us)
			serve(path, argv);
		_exit(1);
	}
	while (stat(ready, &st) == -1) {
		if (bench_now() > end)
			bench_die("the floor does not start");
		bench_pause(0.002);
	}
	return pid;
}
