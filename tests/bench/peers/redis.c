/*
 * redis.c - celery and rq, which have Redis between client and workers.  All
 * that is theirs is in Python (celeryrun.py, rqrun.py), with Debian's own
 * interpreter; the client is a process that waits for us, so that its start is
 * not measured: for each line with a number it hands in so many jobs, and
 * answers "ok" when their results are stored.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/peers/peers.h"

#define PYTHON "/usr/bin/python3"

static FILE *to, *from;

static void
start_redis(int form)
{
	char path[PATH_MAX], env[PATH_MAX + 32];
	const char *libs = getenv("PEERS_LIBS");
	const char *argv[20] = { "/usr/bin/env", env, path, "--port", "0",
		"--unixsocket", "socket", "--save", "", "--appendonly", "no",
		NULL };

	if (peer_find("redis-server", path) == NULL)
		bench_die("no redis-server");
	(void)snprintf(
	    env, sizeof env, "LD_LIBRARY_PATH=%s", libs != NULL ? libs : "");
	if (form == REDIS_DURABLE) {
		argv[10] = "yes";
		argv[11] = "--appendfsync";
		argv[12] = "always";
		argv[13] = NULL;
	}
	(void)bench_start_to(argv, "redis.log");
	(void)close(peer_connect("socket"));
}

/* A client with a pipe each way. */
static void
start_client(const char *script, enum peer_work work)
{
	static const char *const word[] = { "true", "python", "start" };
	const char *const argv[] = { PYTHON, script, word[work], peer_job(work),
		NULL };
	int down[2], up[2];
	pid_t pid;

	if (pipe(down) == -1 || pipe(up) == -1 || (pid = fork()) == -1)
		bench_die("cannot start %s", script);
	if (pid == 0) {
		(void)dup2(down[0], STDIN_FILENO);
		(void)dup2(up[1], STDOUT_FILENO);
		(void)close(down[1]);
		(void)close(up[0]);
		(void)execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(down[0]);
	(void)close(up[1]);
	to = fdopen(down[1], "w");
	from = fdopen(up[0], "r");
}

static void
await(size_t n)
{
	char line[64];

	(void)n;
	if (fgets(line, sizeof line, from) == NULL || strcmp(line, "ok\n") != 0)
		bench_die("the client in Python failed");
}

static void
submit(size_t n)
{
	(void)fprintf(to, "%zu\n", n);
	(void)fflush(to);
}

/* Both find Redis by $PEER_REDIS; neither writes bytecode beside our files. */
static void
begin(int form)
{
	peer_env_path("PEER_REDIS", "socket");
	(void)setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
	(void)setenv("PYTHONPATH", getenv("PEERS_PYTHON"), 1);
	start_redis(form);
}

static const char *
ours(const char *name, char path_out[PATH_MAX])
{
	(void)snprintf(path_out, PATH_MAX, "%s/%s", getenv("PEERS_HERE"), name);
	return path_out;
}

static void
begin_celery(enum peer_work work, int form)
{
	const char *const argv[] = { PYTHON, "-m", "celery", "-A", "celeryrun",
		"worker", "-c", "2", "-l", "error", "--without-gossip",
		"--without-mingle", "--without-heartbeat", NULL };
	char path[PATH_MAX];

	begin(form);
	(void)setenv("C_FORCE_ROOT", "1", 1);
	(void)bench_start_to(argv, "worker.log");
	start_client(ours("celeryrun.py", path), work);
	await(1); /* one job has come through */
}

static void
begin_rq(enum peer_work work, int form)
{
	const char *argv[] = { PYTHON, NULL, "work", NULL };
	char path[PATH_MAX];
	int i;

	argv[1] = ours("rqrun.py", path);
	begin(form);
	for (i = 0; i < PEER_SLOTS; i++)
		(void)bench_start_to(argv, i ? "worker1.log" : "worker0.log");
	start_client(path, work);
	await(1);
}

static void
end(void)
{
	(void)fclose(to);
	(void)fclose(from);
}

const struct peer_kind peer_celery = { "redis-server python:celery", NULL,
	begin_celery, submit, await, end };
const struct peer_kind peer_rq = { "redis-server python:rq", NULL, begin_rq,
	submit, await, end };
