/*
 * bean.c - beanstalkd, with the least client and the least worker in C: a
 * worker a slot, which reserves, spawns, waits and deletes.  That a job is
 * deleted is all that is recorded of its end.
 */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/peers/peers.h"

#define SOCKET "socket"
#define BODY   4096

static pid_t server, worker[PEER_SLOTS];
static int client, over; /* a byte for each job that is deleted */
static const char *job;

/* ---- talk ---- */

static void
say(int fd, const char *text, size_t len)
{
	if (write(fd, text, len) != (ssize_t)len)
		bench_die("beanstalkd does not listen");
}

/* An answer, up to the CRLF that ends it, and `more` bytes after that. */
static void
hear(int fd, char *text, size_t size, size_t *more)
{
	size_t len = 0, want = 0;
	unsigned long bytes;
	char *eol = NULL;
	ssize_t n;

	do {
		n = read(fd, text + len, size - 1 - len);
		if (n <= 0)
			bench_die("beanstalkd is silent");
		len += (size_t)n;
		text[len] = '\0';
		if (eol == NULL && (eol = strstr(text, "\r\n")) != NULL) {
			want = (size_t)(eol - text) + 2;
			if (more != NULL &&
			    sscanf(text, "RESERVED %*u %lu", &bytes) == 1) {
				*more = want;
				want += bytes + 2;
			}
		}
	} while (eol == NULL || len < want);
}

/* ---- the worker ---- */

static void
work(enum peer_work what, int done)
{
	const char *argv[4] = { NULL };
	char text[BODY + 256], words[64];
	int fd = peer_connect(SOCKET), status;
	unsigned long id;
	size_t body, i;
	pid_t pid;

	for (i = 0; i < 3; i++)
		argv[i] = peer_argv(what)[i];
	for (;;) {
		say(fd, "reserve\r\n", 9);
		hear(fd, text, sizeof text, &body);
		if (sscanf(text, "RESERVED %lu", &id) != 1)
			bench_die("reserve: %s", text);
		/* What was handed in is the job's last word. */
		*strstr(text + body, "\r\n") = '\0';
		for (i = 1; argv[i] != NULL; i++)
			if (argv[i + 1] == NULL)
				argv[i] = text + body;
		if (posix_spawn(&pid, argv[0], NULL, NULL,
			(char *const *)(uintptr_t)argv, environ) != 0 ||
		    waitpid(pid, &status, 0) != pid || status != 0)
			bench_die("%s failed", argv[0]);
		(void)snprintf(words, sizeof words, "delete %lu\r\n", id);
		say(fd, words, strlen(words));
		hear(fd, words, sizeof words, NULL);
		if (strncmp(words, "DELETED", 7) != 0)
			bench_die("delete: %s", words);
		say(done, ".", 1);
	}
}

static pid_t
start_worker(enum peer_work what, int done)
{
	pid_t us = getpid(), pid = fork();

	if (pid == -1)
		bench_die("cannot fork");
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == us)
			work(what, done);
		_exit(1);
	}
	return pid;
}

/* ---- the peer ---- */

static void
begin(enum peer_work what, int form)
{
	const char *argv[] = { NULL, "-l", "unix:" SOCKET, "-b", "binlog",
		"-f0", NULL };
	char path[PATH_MAX];
	int ends[2], i;

	if (peer_find("beanstalkd", path) == NULL || pipe(ends) == -1)
		bench_die("no beanstalkd, or no pipe");
	argv[0] = path;
	if (form == BEAN_MEMORY)
		argv[3] = NULL;
	else
		(void)close(bench_dir("binlog"));
	server = bench_start(argv);
	client = peer_connect(SOCKET);
	job = peer_job(what);
	over = ends[0];
	for (i = 0; i < PEER_SLOTS; i++)
		worker[i] = start_worker(what, ends[1]);
	(void)close(ends[1]);
}

static void
submit(size_t n)
{
	char text[BODY + 128], words[64];
	int len = snprintf(
	    text, sizeof text, "put 0 0 60 %zu\r\n%s\r\n", strlen(job), job);

	for (; n > 0; n--) {
		say(client, text, (size_t)len);
		hear(client, words, sizeof words, NULL);
		if (strncmp(words, "INSERTED", 8) != 0)
			bench_die("put: %s", words);
	}
}

static void
await(size_t n)
{
	char bytes[512];
	ssize_t got;

	while (n > 0) {
		got = read(over, bytes, n < sizeof bytes ? n : sizeof bytes);
		if (got <= 0)
			bench_die("the workers of beanstalkd are gone");
		n -= (size_t)got;
	}
}

static void
end(void)
{
	int i;

	for (i = 0; i < PEER_SLOTS; i++)
		(void)kill(worker[i], SIGKILL);
	(void)kill(server, SIGKILL);
}

const struct peer_kind peer_bean = { "beanstalkd", NULL, begin, submit, await,
	end };
