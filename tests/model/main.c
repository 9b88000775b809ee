/*
 * main.c - model: worlds by the thousand, each from a seed of its own; of the
 * first that breaks a promise a short script.
 *
 *	model [-s SEED] [-n ORDERS] [-f FSYNC]
 *	model --replay FILE
 *
 * -f: that fsync is ignored (calls.h); "?": say which there are.  The seed also
 * by MODEL_SEED, the number of orders by MODEL_ORDERS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/log.h"
#include "tests/model/calls.h"
#include "tests/model/plan.h"

static struct event events[EVENTS_MOST];

struct totals {
	uint64_t worlds, orders, calls, befell[EV_KINDS];
};

/* One process has a few hundred worlds: a crash of ours ends these alone. */
#define BATCH 200

static bool
one(uint64_t seed, const char *nosync, struct totals *t, struct world *w)
{
	struct plan plan;
	bool ok;
	int k;

	plan_make(seed, &plan);
	(void)snprintf(plan.nosync, sizeof plan.nosync, "%s", nosync);
	world_run(&plan, events, 0, false, false, w);
	ok = w->failed[0] == '\0';
	t->worlds++;
	t->orders += (uint64_t)oracle_orders();
	t->calls += w->steps;
	for (k = 0; k < EV_KINDS; k++)
		t->befell[k] += w->befell[k];
	if (!ok)
		shrink(&plan, events, w->event_n, w->failed);
	world_clear(w);
	return ok;
}

static void
totals_add(struct totals *t, const struct totals *got)
{
	int k;

	t->worlds += got->worlds;
	t->orders += got->orders;
	t->calls += got->calls;
	for (k = 0; k < EV_KINDS; k++)
		t->befell[k] += got->befell[k];
}

/* Worlds `first` .. of this seed, until there are enough orders. */
static bool
batch(uint64_t first, uint64_t orders, const char *nosync, struct totals *t)
{
	struct world *w = malloc(sizeof *w);
	struct totals got = { 0 };
	int ends[2], status, i;
	bool ok = true;
	pid_t pid;

	if (w == NULL || pipe(ends) == -1)
		abort();
	(void)fflush(stdout);
	if ((pid = fork()) == 0) {
		for (i = 0; ok && i < BATCH && t->orders + got.orders < orders;
		     i++)
			ok = one(first + (uint64_t)i, nosync, &got, w);
		for (i = 0; nosync[0] == '?' && i < sync_sites; i++)
			printf(
			    "%s  %lu\n", sync_site[i].what, sync_site[i].calls);
		(void)fflush(stdout);
		(void)!write(ends[1], &got, sizeof got);
		_exit(ok ? 0 : 1);
	}
	free(w);
	(void)close(ends[1]);
	if (read(ends[0], &got, sizeof got) == (ssize_t)sizeof got)
		totals_add(t, &got);
	(void)close(ends[0]);
	(void)waitpid(pid, &status, 0);
	if (!WIFEXITED(status))
		printf("BROKEN: a world of seed %llu to %llu ended by signal "
		       "%d\n",
		    (unsigned long long)first,
		    (unsigned long long)first + BATCH - 1, WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int
soak(uint64_t seed, uint64_t orders, const char *nosync)
{
	struct totals t = { 0 };
	uint64_t at = model_mix(seed);
	bool ok = true;
	int k;

	printf("seed %llu\n", (unsigned long long)seed);
	for (; ok && t.orders < orders; at += BATCH)
		ok = batch(at, orders, nosync, &t);
	printf("%s: %llu orders, %llu worlds, %llu calls;",
	    ok ? "kept" : "BROKEN", (unsigned long long)t.orders,
	    (unsigned long long)t.worlds, (unsigned long long)t.calls);
	for (k = 0; k < EV_KINDS; k++)
		printf(
		    " %s %llu", event_text[k], (unsigned long long)t.befell[k]);
	(void)putchar('\n');
	return ok ? 0 : 1;
}

static int
replay(const char *path)
{
	struct world *w = malloc(sizeof *w);
	struct plan plan;
	size_t n;
	int rc;

	if (w == NULL || !plan_read(path, &plan, events, &n))
		return 2;
	sp_log_level(1);
	world_run(&plan, events, n, true, true, w);
	printf("%s\n", w->failed[0] == '\0' ? "kept" : w->failed);
	rc = w->failed[0] != '\0';
	world_clear(w);
	free(w);
	return rc;
}

int
main(int argc, char **argv)
{
	const char *s = getenv("MODEL_SEED"), *n = getenv("MODEL_ORDERS");
	uint64_t seed = s == NULL ? 1 : strtoull(s, NULL, 10);
	uint64_t orders = n == NULL ? 10000 : strtoull(n, NULL, 10);
	const char *nosync = "";
	int opt;

	if (argc == 3 && strcmp(argv[1], "--replay") == 0)
		return replay(argv[2]);
	while ((opt = getopt(argc, argv, "s:n:f:")) != -1)
		switch (opt) {
		case 's':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			orders = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			nosync = optarg;
			break;
		default:
			fprintf(stderr,
			    "usage: model [-s SEED] [-n ORDERS] [-f SITE]\n"
			    "       model --replay FILE\n");
			return 2;
		}
	return soak(seed, orders, nosync);
}
