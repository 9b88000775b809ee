/*
 * warm.c - scripts in Python through a real workerd with 2 slots that keeps
 * interpreters warm, against `python3 -u script.py` with 2 in flight: one that
 * does nothing, and one that imports scikit-learn.  The time is workerd's whole
 * life on orders that were there before, so the start of the interpreter, when
 * jobs run cold, is in it; of jobs that do nothing there are so many that it is
 * some hundredths of the time, for what is asked is how many run in a second.
 * Beside that, against the same floor, the least fork server
 * (lib/forkserver.py): how many run if nothing is done but to fork.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/lib/bench.h"

#define SLOTS  2
#define UNIT   "jobs/s"
#define PYTHON "/usr/bin/python3"

struct kind {
	const char *row, *bare, *text, *warm;
	size_t floor_n, n; /* jobs in a round */
};

static double
floor_rate(const char *script, size_t n)
{
	return bench_floor_rate(
	    (const char *[]){ PYTHON, "-u", script, bench_job, NULL }, SLOTS,
	    n);
}

static double
our_rate(const struct kind *kind, const char *script)
{
	const char *const more[] = { "--python", PYTHON, "--warm", kind->warm,
		"--drain", NULL };
	char path[BENCH_PATH], outcomes[BENCH_PATH + 16];
	double begin, took;

	bench_fresh("warm", path);
	/* The job's text is that of the other benches, and so is its name. */
	free(bench_orders(path, script, "true.py", bench_python, kind->n));
	begin = bench_now();
	bench_reap(bench_worker_with(path, "2", more), "workerd");
	took = bench_now() - begin;
	(void)snprintf(outcomes, sizeof outcomes, "%s/outcomes", path);
	if (bench_count(outcomes) != kind->n)
		bench_die("%zu jobs left %zu outcomes", kind->n,
		    bench_count(outcomes));
	return (double)kind->n / took;
}

/* With its start, as ours. */
static double
bare_rate(const struct kind *kind, const char *script)
{
	const char *top = getenv("BENCH_TOP");
	char server[BENCH_PATH + PATH_MAX], n[24];
	const char *const argv[] = { PYTHON, server, "2", n,
		strcmp(kind->warm, "none") == 0 ? "sys" : kind->warm, script,
		bench_job, NULL };
	double begin = bench_now();

	if (top == NULL)
		bench_die("$BENCH_TOP is not set");
	(void)snprintf(
	    server, sizeof server, "%s/tests/bench/lib/forkserver.py", top);
	(void)snprintf(n, sizeof n, "%zu", kind->n);
	bench_reap(bench_start(argv), "the fork server");
	return (double)kind->n / (bench_now() - begin);
}

static void
lay_script(const char *name, const char *text)
{
	int dir = bench_dir(".");

	bench_write(dir, name, text, strlen(text), false);
	(void)close(dir);
}

static bool
runs_is(const char *script)
{
	const char *const argv[] = { PYTHON, "-u", script, "{}", NULL };
	int status;

	return waitpid(bench_start(argv), &status, 0) > 0 && status == 0;
}

int
main(int argc, char **argv)
{
	const struct kind kind[] = {
		{ "warm no-op.py, 2 slots : python3 no-op.py",
		    "bare fork server, no-op.py : python3 no-op.py", "", "none",
		    bench_many(100), bench_many(4000) },
		{ "warm, imports sklearn : python3 imports sklearn",
		    "bare fork server, sklearn : python3 imports sklearn",
		    "import sklearn\n", "sklearn", bench_many(8),
		    bench_many(800) },
	};
	double before, between, after, ours, bare;
	char script[32];
	size_t i, k;

	bench_begin(argc, argv);
	for (k = 0; k < sizeof kind / sizeof *kind; k++) {
		(void)snprintf(script, sizeof script, "script%zu.py", k);
		lay_script(script, kind[k].text);
		if (!runs_is(script))
			bench_skip(kind[k].row, PYTHON " has no scikit-learn");
		if (!runs_is(script))
			bench_skip(kind[k].bare, PYTHON " has no scikit-learn");
	}
	for (i = 0; bench_round(i); i++)
		for (k = 0; k < sizeof kind / sizeof *kind; k++) {
			(void)snprintf(
			    script, sizeof script, "script%zu.py", k);
			if (!runs_is(script))
				continue;
			before = floor_rate(script, kind[k].floor_n);
			ours = our_rate(&kind[k], script);
			between = floor_rate(script, kind[k].floor_n);
			bare = bare_rate(&kind[k], script);
			after = floor_rate(script, kind[k].floor_n);
			bench_row(kind[k].row, UNIT, ours, before, between);
			bench_row(kind[k].bare, UNIT, bare, between, after);
		}
	return 0;
}
