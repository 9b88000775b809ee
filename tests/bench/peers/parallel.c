/*
 * parallel.c - GNU parallel: no queue that lives on, but one process for one
 * list of jobs, and a log with a line for each that has ended.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/peers/peers.h"

static char parallel[PATH_MAX];
static pid_t running;
static size_t given;

static void
begin(enum peer_work work, int form)
{
	(void)work;
	(void)form;
	if (peer_find("parallel", parallel) == NULL)
		bench_die("no parallel");
	/* Its jobs go through $SHELL: the least one. */
	(void)setenv("SHELL", "/bin/sh", 1);
	peer_env_path("PARALLEL_HOME", "home");
	peer_env_path("TMPDIR", "");
	(void)close(bench_dir("home"));
}

static void
submit(size_t n)
{
	char slots[8];
	FILE *f = fopen("list", "w");
	size_t i;

	if (f == NULL)
		bench_die("no list");
	for (i = 0; i < n; i++)
		(void)fprintf(f, "%zu\n", i);
	(void)fclose(f);
	(void)snprintf(slots, sizeof slots, "%d", PEER_SLOTS);
	running = bench_start_to(
	    (const char *[]){ parallel, "-j", slots, "-N0", "--joblog", "log",
		"-a", "list", peer_argv(PEER_TRUE)[0], NULL },
	    "said");
	given += n;
}

static void
await(size_t n)
{
	(void)n;
	bench_reap(running, "parallel");
}

static void
end(void)
{
	FILE *f = fopen("log", "r");
	char words[1024];
	size_t found = 0;
	int code;

	if (f == NULL)
		bench_die("no joblog");
	while (fgets(words, sizeof words, f) != NULL)
		found +=
		    sscanf(words, "%*d %*s %*f %*f %*d %*d %d", &code) == 1 &&
		    code == 0;
	(void)fclose(f);
	if (found != given)
		bench_die("parallel: %zu of %zu ended well", found, given);
}

const struct peer_kind peer_parallel = { "parallel", NULL, begin, submit, await,
	end };
