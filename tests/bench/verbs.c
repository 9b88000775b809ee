/*
 * verbs.c - what each verb that looks at all orders takes, of 100,000, half
 * waiting and half done, beside a spoold at rest: from its start to its end,
 * against a loop in C that reads the index's file from one end to the other.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/lib/bench.h"

#define ROUNDS 3

static char spool_path[BENCH_PATH];

/* ms for all of spool.db and what is beside it. */
static double
floor_ms(void)
{
	static const char *const files[] = { "spool.db", "spool.db-wal" };
	static char part[1 << 20];
	double begin = bench_now();
	char path[BENCH_PATH + 32];
	size_t i;
	int fd;

	for (i = 0; i < sizeof files / sizeof *files; i++) {
		(void)snprintf(
		    path, sizeof path, "%s/index/%s", spool_path, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			continue;
		while (read(fd, part, sizeof part) > 0)
			;
		(void)close(fd);
	}
	return (bench_now() - begin) * 1000;
}

static double
verb_ms(const char *const words[])
{
	const char *argv[16];
	char program[PATH_MAX];
	double begin;
	size_t n = 0, i;

	bench_program("spool", program);
	argv[n++] = program;
	argv[n++] = "-s";
	argv[n++] = spool_path;
	for (i = 0; words[i] != NULL; i++)
		argv[n++] = words[i];
	argv[n] = NULL;
	begin = bench_now();
	bench_reap(bench_start_to(argv, "/dev/null"), words[0]);
	return (bench_now() - begin) * 1000;
}

static const struct {
	const char *title;
	const char *words[8];
} rows[] = {
	{ "ls -n 20", { "ls", "-n", "20" } },
	{ "ls", { "ls" } },
	{ "ls --json", { "ls", "--json" } },
	{ "ls --where of a row's fields",
	    { "ls", "--where", "state=done and loss<0.1" } },
	{ "ls --where of a parameter", { "ls", "--where", "learningRate>1" } },
	{ "ls --sort loss", { "ls", "--sort", "loss" } },
	{ "ls --columns id,learningRate",
	    { "ls", "--columns", "id,learningRate" } },
	{ "compare --top 10", { "compare", "--top", "10" } },
	{ "export --format jsonl", { "export", "--format", "jsonl" } },
	{ "export --format csv", { "export", "--format", "csv" } },
	{ "complete show 2", { "complete", "show", "2" } },
};

#define ROWS (sizeof rows / sizeof *rows)

int
main(int argc, char **argv)
{
	size_t many, i;
	char row[128];
	pid_t spoold;
	int round;

	bench_begin(argc, argv);
	many = bench_many(50000);
	bench_lay("verbs", many, many, spool_path);
	spoold = bench_spoold(spool_path);
	/* Its index is there and fresh. */
	(void)verb_ms((const char *const[]){ "reindex", NULL });
	for (round = 0; round < (bench_quick() ? 1 : ROUNDS); round++)
		for (i = 0; i < ROWS; i++) {
			double before = floor_ms();
			double ours = verb_ms(rows[i].words);

			(void)snprintf(row, sizeof row, "%s, %zu : the index",
			    rows[i].title, 2 * many);
			bench_row(row, "ms", ours, before, floor_ms());
		}
	bench_stop(spoold, "spoold");
	return 0;
}
