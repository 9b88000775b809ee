/*
 * noop.c - jobs that do nothing, through a real workerd with 2 slots on a fresh
 * spool, without spoold and with it, against posix_spawn of the same program
 * (nothing.c) and waitpid with 2 in flight.  The time is workerd's whole life:
 * start, look, claim, run, commit, publish, drain, end.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/lib/bench.h"

#define SLOTS   2
#define UNIT    "jobs/s"
#define NOTHING "bench/nothing"

static double
floor_rate(size_t n)
{
	char path[PATH_MAX];

	bench_program(NOTHING, path);
	return bench_floor_rate((const char *[]){ path, NULL }, SLOTS, n);
}

static double
our_rate(size_t n, bool daemon)
{
	char path[BENCH_PATH], outcomes[BENCH_PATH + 16], program[PATH_MAX];
	double begin, took;
	pid_t spoold = 0;

	bench_fresh(daemon ? "noop-spoold" : "noop", path);
	bench_program(NOTHING, program);
	free(bench_orders(path, program, "true", bench_job, n));
	if (daemon) {
		spoold = bench_spoold(path);
		bench_await_beat(path, "spoold");
	}

	begin = bench_now();
	bench_reap(bench_worker(path, "2", "--drain"), "workerd");
	took = bench_now() - begin;

	if (daemon)
		bench_stop(spoold, "spoold");
	(void)snprintf(outcomes, sizeof outcomes, "%s/outcomes", path);
	if (bench_count(outcomes) != n)
		bench_die(
		    "%zu jobs left %zu outcomes", n, bench_count(outcomes));
	return (double)n / took;
}

int
main(int argc, char **argv)
{
	double spawn[3], ours;
	size_t i, n;

	bench_begin(argc, argv);
	n = bench_many(400);
	for (i = 0; bench_round(i); i++) {
		spawn[0] = floor_rate(n);
		ours = our_rate(n, false);
		spawn[1] = floor_rate(n);
		bench_row("no-op jobs, 2 slots : posix_spawn + waitpid", UNIT,
		    ours, spawn[0], spawn[1]);
		ours = our_rate(n, true);
		spawn[2] = floor_rate(n);
		bench_row("no-op jobs, with spoold : posix_spawn + waitpid",
		    UNIT, ours, spawn[1], spawn[2]);
	}
	return 0;
}
