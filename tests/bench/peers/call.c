/*
 * call.c - what peers are made of and called with: the jobs, the programs, a
 * client that is run and waited for.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/peers/peers.h"

#define DEADLINE 30.0

static char stamp[PATH_MAX], script[PATH_MAX], start_job[PATH_MAX + 256];

static const char *argv_of[PEER_WORKS][4] = {
	{ "/bin/true", NULL },
	{ "/usr/bin/python3", script, bench_python, NULL },
	{ stamp, start_job, NULL },
};

const char *const *
peer_argv(enum peer_work work)
{
	return argv_of[work];
}

const char *
peer_job(enum peer_work work)
{
	return work == PEER_TRUE  ? bench_job
	    : work == PEER_PYTHON ? bench_python
				  : start_job;
}

void
peer_jobs_set(const char *cwd, const char *fifo)
{
	bench_program("bench/stamp", stamp);
	(void)snprintf(script, sizeof script, "%s/script.py", cwd);
	(void)snprintf(start_job, sizeof start_job,
	    "{\"scriptName\": \"stamp\", \"stampSize\": %zu,"
	    " \"stamp\":\"%s/%s\"}\n",
	    sizeof(struct bench_stamp), cwd, fifo);
}

const char *
peer_find(const char *name, char path_out[PATH_MAX])
{
	const char *at = getenv("PATH");
	size_t len;

	for (; at != NULL && *at != '\0'; at += len + (at[len] == ':')) {
		len = strcspn(at, ":");
		(void)snprintf(
		    path_out, PATH_MAX, "%.*s/%s", (int)len, at, name);
		if (access(path_out, X_OK) == 0)
			return path_out;
	}
	return NULL;
}

/* Has Debian's Python this module? */
static bool
imports_is(const char *module)
{
	char text[64];
	const char *const argv[] = { "/usr/bin/python3", "-c", text, NULL };
	int status;
	pid_t pid;

	(void)snprintf(text, sizeof text, "import %s", module);
	pid = bench_start_to(argv, "import.log");
	return waitpid(pid, &status, 0) == pid && status == 0;
}

const char *
peer_missing(const struct peer_row *row)
{
	static char text[128];
	char word[64], path[PATH_MAX];
	const char *at = row->kind->needs, *why = NULL;
	size_t len;

	if (row->kind->why != NULL)
		why = row->kind->why(row->form);
	if (why != NULL)
		return why;
	for (; at != NULL && *at != '\0'; at += len + (at[len] == ' ')) {
		len = strcspn(at, " ");
		(void)snprintf(word, sizeof word, "%.*s", (int)len, at);
		if (strncmp(word, "python:", 7) == 0
			? imports_is(word + 7)
			: peer_find(word, path) != NULL)
			continue;
		(void)snprintf(text, sizeof text, "no %s is installed", word);
		return text;
	}
	return NULL;
}

void
peer_call(const char *const argv[])
{
	static posix_spawn_file_actions_t quiet;
	static bool made;
	int status, rc;
	pid_t pid;

	if (!made) {
		(void)posix_spawn_file_actions_init(&quiet);
		(void)posix_spawn_file_actions_addopen(
		    &quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
		made = true;
	}
	rc = posix_spawn(&pid, argv[0], &quiet, NULL,
	    (char *const *)(uintptr_t)argv, environ);
	if (rc != 0)
		bench_die("%s: %s", argv[0], strerror(rc));
	if (waitpid(pid, &status, 0) != pid || status != 0)
		bench_die(
		    "%s ended with status %#x", argv[0], (unsigned)status);
}

void
peer_env_path(const char *key, const char *name)
{
	char cwd[PATH_MAX - 64], path[PATH_MAX];

	if (getcwd(cwd, sizeof cwd) == NULL)
		bench_die("no working directory");
	(void)snprintf(path, sizeof path, "%s/%s", cwd, name);
	(void)setenv(key, path, 1);
}

int
peer_connect(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	double end = bench_now() + DEADLINE;
	int fd;

	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		bench_die("no socket");
	while (connect(fd, (struct sockaddr *)&at, sizeof at) == -1) {
		if (bench_now() > end)
			bench_die("nobody listens at %s", path);
		bench_pause(0.005);
	}
	return fd;
}
