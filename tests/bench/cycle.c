/*
 * cycle.c - claim and commit through libspool, alone and in groups of 8,
 * against a raw loop in C that does what such a cycle does to the disk: create
 * one file (the outcome) and rename three times (claim, commit, publication);
 * the raw loop once with nothing synced and once with the same fsyncs.
 *
 * Not measured here: submitting, listing, and reading the job before the claim.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/finish.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "tests/bench/lib/bench.h"

#define GROUP_MOST 8
#define UNIT       "cycles/s"

/* The directories a cycle touches. */
struct place {
	int new, assigned, done, outcomes;
};

static void
outcome_of(const struct sp_name *claimed, struct sp_buf *text_out)
{
	struct sp_run run = bench_run(claimed);
	static const char own[] = "{\"loss\": 0.125, \"metric\": 0.875}";
	int status;

	run.max_rss_kib = 1024;
	run.cpu_seconds = 0.001;
	sp_buf_reset(text_out);
	if (sp_outcome_make(&run, false, own, strlen(own), NULL, text_out,
		&status) != SP_OK)
		bench_die("no outcome");
}

/* Orders that lie in new/ before the clock starts. */
static struct sp_name *
lay_orders(int newfd, size_t n)
{
	struct sp_name *order;
	char name[SP_NAME_MAX];
	size_t i;

	if ((order = calloc(n, sizeof *order)) == NULL)
		bench_die("no memory");
	bench_names(order, n);
	for (i = 0; i < n; i++) {
		sp_name_print(&order[i], name);
		bench_write(newfd, name, bench_job, strlen(bench_job), false);
	}
	bench_settle(newfd);
	return order;
}

/* ---- the floor ---- */

static void
raw_claim(const struct place *at, const struct sp_name *order)
{
	char src[SP_NAME_MAX], dst[SP_NAME_MAX];
	struct sp_name own = *order;

	sp_name_print(order, src);
	(void)strcpy(own.worker, "bench-000000");
	sp_name_print(&own, dst);
	bench_rename(at->new, src, at->assigned, dst);
}

static void
raw_commit(const struct place *at, const struct sp_name *order, size_t n,
    const struct sp_buf *text, bool sync)
{
	char name[GROUP_MOST][SP_NAME_MAX];
	char dot[GROUP_MOST][SP_NAME_MAX + 1], json[SP_ID_LEN + 6];
	struct sp_name own;
	int fd[GROUP_MOST];
	size_t i;

	for (i = 0; i < n; i++) {
		own = order[i];
		(void)strcpy(own.worker, "bench-000000");
		sp_name_print(&own, name[i]);
		dot[i][0] = '.';
		sp_attempt_print(&own, dot[i] + 1);
		fd[i] = bench_create(
		    at->outcomes, dot[i], text->data, text->len, sync);
	}
	for (i = 0; i < n; i++)
		bench_finish(fd[i], sync);
	if (sync)
		bench_sync(at->outcomes);
	for (i = 0; i < n; i++)
		bench_rename(at->assigned, name[i], at->done, name[i]);
	if (sync) {
		bench_sync(at->done);
		bench_sync(at->assigned);
	}
	for (i = 0; i < n; i++) {
		(void)snprintf(json, sizeof json, "%s.json", order[i].id.text);
		bench_rename(at->outcomes, dot[i], at->outcomes, json);
	}
}

static double
floor_rate(size_t n, size_t group, bool sync)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_name *order;
	char path[BENCH_PATH];
	double begin, took;
	struct place at;
	size_t i, k;

	bench_fresh("cycle-floor", path);
	(void)close(bench_dir("%s", path));
	at.new = bench_dir("%s/new", path);
	at.assigned = bench_dir("%s/assigned", path);
	at.done = bench_dir("%s/done", path);
	at.outcomes = bench_dir("%s/outcomes", path);
	order = lay_orders(at.new, n);
	outcome_of(&order[0], &text);

	begin = bench_now();
	for (i = 0; i < n; i += group) {
		for (k = 0; k < group; k++)
			raw_claim(&at, &order[i + k]);
		raw_commit(&at, &order[i], group, &text, sync);
	}
	took = bench_now() - begin;

	sp_buf_clear(&text);
	free(order);
	(void)close(at.new);
	(void)close(at.assigned);
	(void)close(at.done);
	(void)close(at.outcomes);
	return (double)n / took;
}

/* ---- ours ---- */

static void
our_cycle(const struct sp_spool *sp, const struct sp_name *order, size_t n,
    struct sp_buf *job, struct sp_buf *text)
{
	struct sp_ended ended[GROUP_MOST] = { 0 };
	struct sp_err err = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		if (sp_claim(sp, &order[i], &ended[i].name, job, &err) != SP_OK)
			bench_die("claim: %s", err.text);
		outcome_of(&ended[i].name, &text[i]);
		ended[i].text = text[i].data;
		ended[i].len = text[i].len;
		ended[i].good = true;
	}
	sp_commit(sp, ended, n, &err);
	for (i = 0; i < n; i++)
		if (ended[i].status != SP_OK)
			bench_die("commit: %s", err.text);
}

static double
our_rate(size_t n, size_t group)
{
	struct sp_buf text[GROUP_MOST], job = SP_BUF_INIT(SP_JOB_MAX);
	char path[BENCH_PATH], outcomes[BENCH_PATH + 16];
	struct sp_name *order;
	struct sp_spool sp;
	double begin, took;
	size_t i;

	for (i = 0; i < GROUP_MOST; i++)
		sp_buf_init(&text[i], SP_OUTCOME_MAX);
	bench_fresh("cycle-ours", path);
	bench_spool(path, &sp);
	order = lay_orders(sp.dir[SP_DIR_NEW], n);

	begin = bench_now();
	for (i = 0; i < n; i += group)
		our_cycle(&sp, &order[i], group, &job, text);
	took = bench_now() - begin;

	(void)snprintf(outcomes, sizeof outcomes, "%s/outcomes", path);
	if (bench_count(outcomes) != n)
		bench_die("%zu cycles left other outcomes", n);
	for (i = 0; i < GROUP_MOST; i++)
		sp_buf_clear(&text[i]);
	sp_buf_clear(&job);
	free(order);
	sp_spool_close(&sp);
	return (double)n / took;
}

/* Each of ours stands between two runs of each of its floors. */
int
main(int argc, char **argv)
{
	size_t i, n, fast;
	double raw[3], one[2], eight[2], ours;

	bench_begin(argc, argv);
	n = bench_many(600) / GROUP_MOST * GROUP_MOST + GROUP_MOST;
	fast = n * 4;
	for (i = 0; bench_round(i); i++) {
		raw[0] = floor_rate(fast, 1, false);
		one[0] = floor_rate(n, 1, true);
		ours = our_rate(n, 1);
		one[1] = floor_rate(n, 1, true);
		raw[1] = floor_rate(fast, 1, false);
		bench_row("claim+commit : create + 3 renames", UNIT, ours,
		    raw[0], raw[1]);
		bench_row("claim+commit : the same, fsyncs too", UNIT, ours,
		    one[0], one[1]);
		bench_row("  that floor : without its fsyncs", UNIT,
		    (one[0] + one[1]) / 2, raw[0], raw[1]);

		eight[0] = floor_rate(n, GROUP_MOST, true);
		ours = our_rate(n, GROUP_MOST);
		eight[1] = floor_rate(n, GROUP_MOST, true);
		raw[2] = floor_rate(fast, 1, false);
		bench_row("claim+commit, groups of 8 : create + 3 renames",
		    UNIT, ours, raw[1], raw[2]);
		bench_row("claim+commit, groups of 8 : the same, fsyncs too",
		    UNIT, ours, eight[0], eight[1]);
		bench_row("  that floor : without its fsyncs (groups)", UNIT,
		    (eight[0] + eight[1]) / 2, raw[1], raw[2]);
	}
	return 0;
}
