/*
 * remote.c - the transports over SFTP and HTTP: round trips of a claim, of a
 * commit and of a whole job that does nothing, against what the protocol needs
 * at least (far.h, BENCHMARKS.md); and jobs/s of a real workerd through a real
 * sshd and a real spool-httpd, on loopback and at 20 ms RTT, against the same
 * orders by raw requests (least.c) just before and after.
 *
 * Round trips are counted on the wire, by the proxy that makes the 20 ms.
 * jobs/s are from the moment when a fifth of the outcomes are published to the
 * last one: what a worker that has just started asks once is left out.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/outcome.h"
#include "tests/bench/far/far.h"
#include "transport/transport.h"

#define SLOTS    8
#define DEADLINE 120.0
/* A script so old is not looked at twice: its time tells versions apart. */
#define SETTLED 2.2

static const struct medium {
	enum remote_medium medium;
	const char *name;
	/* round trips, at least */
	double claim, commit;
} media[] = {
	{ REMOTE_SFTP, "SFTP", 2, 4 },
	{ REMOTE_HTTP, "HTTP", 1, 1 },
};

/* ---- round trips, call by call ---- */

static void
outcome_of(const struct sp_name *claimed, struct sp_buf *text_out)
{
	struct sp_run run = bench_run(claimed);
	int status;

	if (sp_outcome_make(&run, false, NULL, 0, NULL, text_out, &status) !=
	    SP_OK)
		bench_die("no outcome");
}

struct cost {
	double claim, commit, commits;
};

/* Of `some` claimed one after the other, and of their commits; and of one that
 * has `some` in it.  Each with the reading before the claim, but not the
 * listing: that is one for many. */
static void
calls(const struct remote *far, size_t some, struct cost *cost)
{
	const struct tr_ops *ops = tr_find(far->url);
	struct sp_ended ended[2 * SLOTS] = { 0 };
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 64), outcome[2 * SLOTS];
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	struct sp_name name;
	unsigned long was, is;
	struct tr *tr;
	size_t i;

	if (ops->open(far->url, "bench", &tr, &err) != SP_OK ||
	    ops->list(tr, &names, &err) != SP_OK || names.n < 2 * some)
		bench_die("%s: %s", far->url, err.text);
	was = remote_trips(far);
	for (i = 0; i < 2 * some; i++) {
		if (sp_name_parse(sp_names_at(&names, i), &name) != SP_OK ||
		    ops->read(tr, &name, &text, &err) != SP_OK ||
		    ops->claim(tr, &name, &ended[i].name, &text, &err) != SP_OK)
			bench_die("claim: %s", err.text);
		sp_buf_init(&outcome[i], SP_OUTCOME_MAX);
		outcome_of(&ended[i].name, &outcome[i]);
		ended[i].text = outcome[i].data;
		ended[i].len = outcome[i].len;
		ended[i].good = true;
	}
	is = remote_trips(far);
	cost->claim = (double)(is - was) / (double)(2 * some);
	for (i = 0; i < some; i++)
		ops->commit(tr, &ended[i], 1, &err);
	was = is;
	is = remote_trips(far);
	cost->commit = (double)(is - was) / (double)some;
	ops->commit(tr, &ended[some], some, &err);
	cost->commits = (double)(remote_trips(far) - is);
	for (i = 0; i < 2 * some; i++) {
		if (ended[i].status != SP_OK)
			bench_die("commit: %s", err.text);
		sp_buf_clear(&outcome[i]);
	}
	sp_buf_clear(&text);
	sp_names_clear(&names);
	ops->close(tr);
}

/* ---- a worker ---- */

static size_t
count_in(const char *spool, const char *dir)
{
	char path[BENCH_PATH + 16];

	(void)snprintf(path, sizeof path, "%s/%s", spool, dir);
	return bench_count(path);
}

static double
wait_until(const char *spool, const char *dir, size_t least)
{
	double end = bench_now() + DEADLINE;

	while (count_in(spool, dir) < least) {
		if (bench_now() > end)
			bench_die("%s/%s does not fill", spool, dir);
		bench_pause(0.002);
	}
	return bench_now();
}

static pid_t
worker(const struct remote *far, const char *spool, const char *slots)
{
	char path[PATH_MAX], work[BENCH_PATH + 16];

	bench_program("workerd", path);
	(void)snprintf(work, sizeof work, "%s.work", spool);
	(void)close(bench_dir("%s", work));
	return bench_start((const char *[]){ path, "--name", "bench", "-j",
	    slots, "--work", work, "--drain",
	    geteuid() == 0 ? "--allow-root" : "-v", far->url, NULL });
}

/* trips_out: a job's, all that the worker asked meanwhile counted in. */
static double
our_rate(enum remote_medium medium, const char *path, int ms, size_t n,
    const char *slots, double *trips_out)
{
	size_t all = n, begun;
	unsigned long was;
	double begin, took;
	struct remote far;
	pid_t pid, spoold = 0;

	/* The server over HTTP keeps house itself. */
	if (medium == REMOTE_SFTP) {
		spoold = bench_spoold(path);
		bench_await_beat(path, "spoold");
	}
	remote_open(medium, path, &far);
	remote_rtt(&far, ms);
	pid = worker(&far, path, slots);
	begin = wait_until(path, "outcomes", n / 5 + 1);
	was = remote_trips(&far);
	begun = count_in(path, "outcomes");
	n -= begun < n ? begun : n - 1;
	took = wait_until(path, "outcomes", all) - begin;
	*trips_out = (double)(remote_trips(&far) - was) / (double)n;
	bench_reap(pid, "workerd");
	remote_close(&far);
	if (spoold != 0)
		bench_stop(spoold, "spoold");
	return (double)n / took;
}

static double
floor_rate(enum remote_medium medium, int ms, size_t n, size_t at_once)
{
	char path[BENCH_PATH];
	struct sp_name *order;
	struct remote far;
	double rate;

	bench_fresh("least", path);
	order = bench_orders(path, "/bin/true", "true", bench_job, n);
	remote_open(medium, path, &far);
	remote_rtt(&far, ms);
	rate = least_rate(&far, path, order, n, at_once);
	if (count_in(path, "outcomes") != n)
		bench_die("%zu jobs left other outcomes", n);
	remote_close(&far);
	free(order);
	return rate;
}

/* ---- rows ---- */

enum row {
	CLAIM,
	COMMIT,
	COMMITS,
	LOOPBACK,
	FAR_8,
	FAR_1,
	JOB,
	ROWS
};

static const struct {
	const char *what, *unit;
} rows[] = {
	[CLAIM] = { ", a claim, alone : least", "trips" },
	[COMMIT] = { ", a commit, alone : least", "trips" },
	[COMMITS] = { ", a commit of 8 : least", "trips" },
	[LOOPBACK] = { ", loopback, 8 slots : raw requests, 8 at once",
	    "jobs/s" },
	[FAR_8] = { ", 20 ms RTT, 8 slots : raw requests, 8 at once",
	    "jobs/s" },
	[FAR_1] = { ", 20 ms RTT, 1 slot : raw requests, 1 at once", "jobs/s" },
	[JOB] = { ", a job, 1 slot, beats and all : claim + commit", "trips" },
};

static void
say(const struct medium *m, enum row which, double ours, double before,
    double after)
{
	char text[64];

	(void)snprintf(text, sizeof text, "%s%s", m->name, rows[which].what);
	bench_row(text, rows[which].unit, ours, before, after);
}

static void
rows_trips(const struct medium *m)
{
	size_t some = bench_quick() ? 2 : SLOTS;
	char path[BENCH_PATH];
	struct cost cost;
	struct remote far;

	bench_fresh("calls", path);
	free(bench_orders(path, "/bin/true", "true", bench_job, 2 * some));
	remote_open(m->medium, path, &far);
	remote_rtt(&far, 2);
	calls(&far, some, &cost);
	remote_close(&far);
	say(m, CLAIM, cost.claim, m->claim, m->claim);
	say(m, COMMIT, cost.commit, m->commit, m->commit);
	say(m, COMMITS, cost.commits, m->commit, m->commit);
}

static double
row_rate(const struct medium *m, enum row which, int ms, size_t n, int slots)
{
	double before, ours, after, trips, old;
	char path[BENCH_PATH], text[8];

	(void)snprintf(text, sizeof text, "%d", slots);
	bench_fresh("remote", path);
	free(bench_orders(path, "/bin/true", "true", bench_job, n));
	old = bench_now() + SETTLED;
	before = floor_rate(m->medium, ms, n, (size_t)slots);
	if (!bench_quick() && old > bench_now())
		bench_pause(old - bench_now());
	ours = our_rate(m->medium, path, ms, n, text, &trips);
	after = floor_rate(m->medium, ms, n, (size_t)slots);
	say(m, which, ours, before, after);
	return trips;
}

static void
rows_rate(const struct medium *m)
{
	size_t many = bench_many(320), few = bench_quick() ? 12 : 40;
	double trips;

	(void)row_rate(m, LOOPBACK, 0, many, SLOTS);
	(void)row_rate(m, FAR_8, REMOTE_RTT_MS, many, SLOTS);
	trips = row_rate(m, FAR_1, REMOTE_RTT_MS, few, 1);
	say(m, JOB, trips, m->claim + m->commit, m->claim + m->commit);
}

static void
skip_all(const struct medium *m, const char *why)
{
	char text[64];
	int i;

	for (i = 0; i < ROWS; i++) {
		(void)snprintf(
		    text, sizeof text, "%s%s", m->name, rows[i].what);
		bench_skip(text, why);
	}
}

int
main(int argc, char **argv)
{
	char why[128] = "";
	bool ssh;
	size_t i, k;

	bench_begin(argc, argv);
	ssh = remote_sshd(why);
	for (i = 0; bench_round(i); i++)
		for (k = 0; k < sizeof media / sizeof *media; k++)
			if (media[k].medium == REMOTE_HTTP || ssh) {
				rows_trips(&media[k]);
				rows_rate(&media[k]);
			} else if (i == 0)
				skip_all(&media[k], why);
	return 0;
}
