/*
 * claims.c - what a claim costs when much is waiting: workers (threads, each
 * with a spool of its own) take orders off the head of a queue and run nothing.
 * They look as workerd/look.c does: a listing walked through a window, the
 * order read, then claimed; listed anew when it is used up, or now and then.
 *
 * Against one worker on a queue of 1000, listing included, with a spoold that
 * publishes the head of the queue and without; how often a worker tries for
 * one claim; and how far from its place in the queue an order is taken.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/find.h"
#include "libspool/move.h"
#include "libspool/ready.h"
#include "libspool/scan.h"
#include "tests/bench/lib/bench.h"

#define CREW 64
#define MANY 3000 /* claims of a run on a long queue */
#define UNIT "claims/s"

static char spool_path[BENCH_PATH];
static atomic_size_t claimed, tried;
static size_t wanted, crew;
static char (*took)[SP_ID_LEN + 1]; /* in the order they were taken */

struct looker {
	struct sp_spool sp;
	struct sp_ready ready;
	struct sp_window window;
	double last, cost;
	pthread_t thread;
};

static void
list_anew(struct looker *l)
{
	struct sp_names names = { 0 };
	struct sp_err err = { 0 };
	enum sp_status st;

	l->last = bench_now();
	st = sp_ready_list(&l->ready, &names, &err);
	if (st == SP_OK)
		st = sp_window_fill(&l->window, &names, (unsigned)crew);
	else if (st == SP_LOST) /* nothing new */
		st = SP_OK;
	if (st != SP_OK)
		bench_die("list: %s", err.text);
	sp_names_clear(&names);
	l->cost = bench_now() - l->last;
	l->last += l->cost;
}

static void
try_one(struct looker *l, const char *text, struct sp_buf *job)
{
	struct sp_name name, mine;
	enum sp_status st;
	size_t n;

	if (sp_name_parse(text, &name) != SP_OK)
		bench_die("%s is no name", text);
	(void)atomic_fetch_add(&tried, 1);
	st = sp_order_read(&l->sp, SP_NEW, &name, job, NULL);
	if (st == SP_OK)
		st = sp_claim(&l->sp, &name, &mine, job, NULL);
	sp_window_told(&l->window, st == SP_OK);
	sp_ready_gone(&l->ready, &name);
	if (st == SP_OK && (n = atomic_fetch_add(&claimed, 1)) < wanted)
		(void)strcpy(took[n], name.id.text);
}

static void *
look(void *arg)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX + 64);
	struct looker *l = arg;
	const char *text;

	list_anew(l);
	while (atomic_load(&claimed) < wanted) {
		text = sp_window_next(&l->window, sp_dice());
		/* as workerd: not oftener than it may cost */
		if (text != NULL &&
		    bench_now() - l->last < 0.05 + l->cost * 8) {
			try_one(l, text, &job);
			continue;
		}
		if (text == NULL)
			bench_pause(l->cost * 2 < 0.002 ? l->cost * 2 : 0.002);
		list_anew(l);
	}
	sp_buf_clear(&job);
	return NULL;
}

/* Claims a second, of `n` claims by so many workers. */
static double
rate(const char *path, size_t n, size_t workers)
{
	struct looker *all = calloc(workers, sizeof *all);
	struct sp_err err = { 0 };
	double begin, took_s;
	size_t i;

	(void)strcpy(spool_path, path);
	wanted = n;
	crew = workers;
	free(took);
	took = calloc(n, sizeof *took);
	if (all == NULL || took == NULL)
		bench_die("no memory");
	atomic_store(&claimed, 0);
	atomic_store(&tried, 0);
	for (i = 0; i < workers; i++) {
		if (sp_spool_open(path, "bench", &all[i].sp, &err) != SP_OK)
			bench_die("%s: %s", path, err.text);
		sp_ready_init(&all[i].ready, &all[i].sp);
		sp_window_init(&all[i].window);
	}
	bench_settle(all[0].sp.root);
	begin = bench_now();
	for (i = 0; i < workers; i++)
		if (pthread_create(&all[i].thread, NULL, look, &all[i]) != 0)
			bench_die("no thread");
	for (i = 0; i < workers; i++)
		(void)pthread_join(all[i].thread, NULL);
	took_s = bench_now() - begin;
	for (i = 0; i < workers; i++) {
		sp_window_clear(&all[i].window);
		sp_ready_clear(&all[i].ready);
		sp_spool_close(&all[i].sp);
	}
	free(all);
	return (double)n / took_s;
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* How many places from its turn the order is taken of which p of all are
 * nearer; in the last run. */
static double
displaced(double p)
{
	char(*sorted)[SP_ID_LEN + 1] = calloc(wanted, sizeof *sorted), *at;
	double *far = calloc(wanted, sizeof *far), answer;
	size_t i;

	if (sorted == NULL || far == NULL)
		bench_die("no memory");
	(void)memcpy(sorted, took, wanted * sizeof *sorted);
	qsort(sorted, wanted, sizeof *sorted, by_id);
	for (i = 0; i < wanted; i++) {
		at = bsearch(took[i], sorted, wanted, sizeof *sorted, by_id);
		far[i] =
		    (double)((at - sorted[0]) / (ptrdiff_t)sizeof *sorted) -
		    (double)i;
		far[i] = far[i] < 0 ? -far[i] : far[i];
	}
	answer = bench_percentile(far, wanted, p);
	free(sorted);
	free(far);
	return answer < 1 ? 1 : answer;
}

static double
short_queue(size_t workers)
{
	char path[BENCH_PATH];

	bench_lay("claims-1k", 1000, 0, path);
	return rate(path, 1000, workers);
}

/* It has looked at all of it, and rests. */
static void
await_quiet(const char *path, pid_t spoold)
{
	char file[BENCH_PATH + 32];
	double until = bench_now() + 1800, before;

	(void)snprintf(file, sizeof file, "%s/index/outcomes.jsonl", path);
	do {
		before = bench_cpu(spoold);
		bench_pause(bench_quick() ? 0.1 : 0.999);
		if (bench_now() > until)
			bench_die("spoold does not come to an end");
	} while (access(file, F_OK) == -1 || bench_cpu(spoold) > before + 0.02);
}

/* What so many of them do to each other. */
static void
crowd(const char *title, const char *whose, double tries)
{
	char row[128];

	(void)snprintf(row, sizeof row,
	    "tries a claim, %s wait, %s, %d workers : 3", title, whose, CREW);
	bench_row(row, "tries", tries, 3, 3);
	(void)snprintf(row, sizeof row,
	    "places from its turn, p50, %s wait, %s : workers", title, whose);
	bench_row(row, "places", displaced(0.5), CREW, CREW);
	(void)snprintf(row, sizeof row,
	    "places from its turn, p99, %s wait, %s : workers", title, whose);
	bench_row(row, "places", displaced(0.99), CREW, CREW);
}

static void
one_size(size_t n, const char *title)
{
	static const size_t crews[] = { 1, 4, 16, CREW };
	double base[2], ours;
	char path[BENCH_PATH], row[128];
	pid_t spoold;
	size_t i, k;

	bench_lay("claims-long", n, 0, path);
	for (k = 0; k < 2; k++) {
		spoold = k == 0 ? 0 : bench_spoold(path);
		if (k > 0)
			await_quiet(path, spoold);
		for (i = 0; i < sizeof crews / sizeof *crews; i++) {
			base[0] = short_queue(crews[i]);
			if (k > 0) /* the run before is the run before's */
				await_quiet(path, spoold);
			ours = rate(path, bench_many(MANY), crews[i]);
			(void)snprintf(row, sizeof row,
			    "claim, %s wait, %s, %zu workers : 1000 wait",
			    title, k == 0 ? "no spoold" : "spoold", crews[i]);
			base[1] = (double)atomic_load(&tried) /
			    (double)bench_many(MANY);
			if (crews[i] == CREW)
				crowd(title, k == 0 ? "no spoold" : "spoold",
				    base[1]);
			base[1] = short_queue(crews[i]);
			bench_row(row, UNIT, ours, base[0], base[1]);
		}
		if (k > 0)
			bench_stop(spoold, "spoold");
	}
}

int
main(int argc, char **argv)
{
	bench_begin(argc, argv);
	if (getenv("BENCH_FULL") == NULL)
		one_size(bench_many(100000), "100k");
	else
		one_size(1000000, "1M");
	return 0;
}
