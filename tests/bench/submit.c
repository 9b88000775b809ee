/*
 * submit.c - durable submits through libspool, one at a time and in groups of
 * 100, against write + fsync + rename + fsync(dir) in C, and the groups also
 * against a floor that groups likewise: all written, then fsync of each file,
 * one of the directory.
 */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>

#include "libspool/submit.h"
#include "tests/bench/lib/bench.h"

#define GROUP 100
#define UNIT  "jobs/s"

static double
floor_rate(size_t n, size_t group)
{
	char path[BENCH_PATH], from[32], to[SP_NAME_MAX];
	struct sp_name *name;
	double begin, took;
	int tmp, new, fd[GROUP];
	size_t i, k;

	bench_fresh("submit-floor", path);
	(void)close(bench_dir("%s", path));
	tmp = bench_dir("%s/tmp", path);
	new = bench_dir("%s/new", path);
	if ((name = calloc(n, sizeof *name)) == NULL)
		bench_die("no memory");
	bench_names(name, n);
	bench_settle(new);

	begin = bench_now();
	for (i = 0; i < n; i += group) {
		for (k = 0; k < group; k++) {
			(void)snprintf(
			    from, sizeof from, "bench.%016zx", i + k);
			fd[k] = bench_create(
			    tmp, from, bench_job, strlen(bench_job), true);
		}
		for (k = 0; k < group; k++)
			bench_finish(fd[k], true);
		for (k = i; k < i + group; k++) {
			(void)snprintf(from, sizeof from, "bench.%016zx", k);
			sp_name_print(&name[k], to);
			bench_rename(tmp, from, new, to);
		}
		bench_sync(new);
	}
	took = bench_now() - begin;

	free(name);
	(void)close(tmp);
	(void)close(new);
	return (double)n / took;
}

static double
our_rate(size_t n, size_t group)
{
	char path[BENCH_PATH], new[BENCH_PATH + 8];
	struct sp_submit job[GROUP] = { 0 };
	struct sp_err err = { 0 };
	struct sp_spool sp;
	double begin, took;
	size_t i;

	for (i = 0; i < group; i++) {
		job[i].text = bench_job;
		job[i].len = strlen(bench_job);
		job[i].prio = -1;
	}
	bench_fresh("submit-ours", path);
	bench_spool(path, &sp);
	bench_settle(sp.root);

	begin = bench_now();
	for (i = 0; i < n; i += group)
		if (sp_submit(&sp, job, group, &err) != SP_OK)
			bench_die("submit: %s", err.text);
	took = bench_now() - begin;

	(void)snprintf(new, sizeof new, "%s/new", path);
	if (bench_count(new) != n)
		bench_die("%zu submits left other orders", n);
	sp_spool_close(&sp);
	return (double)n / took;
}

/* spool submit of one file of many jobs, the program's start included. */
static double
bundle_rate(size_t n)
{
	char path[BENCH_PATH], file[BENCH_PATH + 8], program[PATH_MAX];
	const char *argv[] = { program, "-s", path, "submit", file, NULL };
	struct sp_spool sp;
	double begin;
	FILE *f;
	size_t i;

	bench_program("spool", program);
	bench_fresh("submit-bundle", path);
	bench_spool(path, &sp);
	(void)snprintf(file, sizeof file, "%s.jsonl", path);
	if ((f = fopen(file, "w")) == NULL)
		bench_die("cannot write %s", file);
	for (i = 0; i < n; i++)
		(void)fputs(bench_job, f);
	if (fclose(f) != 0)
		bench_die("cannot write %s", file);
	bench_settle(sp.root);
	sp_spool_close(&sp);
	begin = bench_now();
	bench_reap(bench_start(argv), "spool submit");
	return (double)n / (bench_now() - begin);
}

int
main(int argc, char **argv)
{
	double one[3], many[2], ours;
	size_t i, n;

	bench_begin(argc, argv);
	n = bench_many(600) / GROUP * GROUP + GROUP;
	for (i = 0; bench_round(i); i++) {
		one[0] = floor_rate(n, 1);
		ours = our_rate(n, 1);
		one[1] = floor_rate(n, 1);
		bench_row("submit : write+fsync+rename+fsync(dir)", UNIT, ours,
		    one[0], one[1]);

		many[0] = floor_rate(n, GROUP);
		ours = our_rate(n, GROUP);
		many[1] = floor_rate(n, GROUP);
		one[2] = floor_rate(n, 1);
		bench_row(
		    "submit, groups of 100 : write+fsync+rename+fsync(dir)",
		    UNIT, ours, one[1], one[2]);
		bench_row("submit, groups of 100 : one fsync(dir) a group",
		    UNIT, ours, many[0], many[1]);
		if (i > 2)
			continue;
		one[0] = floor_rate(n, 1);
		ours = bundle_rate(bench_many(100000));
		one[1] = floor_rate(n, 1);
		bench_row("spool submit of 100,000 lines : one at a time", UNIT,
		    ours, one[0], one[1]);
	}
	return 0;
}
