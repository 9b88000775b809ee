/*
 * reason.c - what stands between an order and a worker: its state, what it has,
 * what of that is taken and by whom, and when enough of it will be free if what
 * runs keeps its pace.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/fit.h"
#include "libspool/reason.h"

#define NAMED 3 /* orders that are named; the others are counted */

const char *
sp_reason_text(enum sp_reason_kind kind)
{
	switch (kind) {
	case SP_REASON_NOW:
		return "now";
	case SP_REASON_BUSY:
		return "busy";
	case SP_REASON_CLOSED:
		return "closed";
	case SP_REASON_NEVER:
		break;
	}
	return "never";
}

void
sp_reason_id(const struct sp_id *id, char text[16])
{
	(void)snprintf(text, 16, "...%s", id->text + SP_ID_LEN - 8);
}

/* ---- words ---- */

static void SP_PRINTF(2, 3) say(struct sp_reason *r, const char *fmt, ...)
{
	size_t n = strlen(r->words);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->words + n, sizeof r->words - n, fmt, ap);
	va_end(ap);
}

/* "...9f3c21ab, ...77aa0102 and 3 more": the runs that take of it. */
static void
say_takers(struct sp_reason *r, const struct sp_reason_run *run, size_t n,
    bool (*takes)(const struct sp_reason_run *run))
{
	size_t i, all = 0, said = 0;
	char id[16];

	for (i = 0; i < n; i++)
		all += takes(&run[i]);
	for (i = 0; i < n && said < NAMED; i++) {
		if (!takes(&run[i]))
			continue;
		sp_reason_id(&run[i].id, id);
		say(r, "%s%s", said == 0 ? "" : ", ", id);
		said++;
	}
	if (all == 0)
		say(r, "others");
	else if (all > said)
		say(r, " and %zu more", all - said);
}

static bool
any(const struct sp_reason_run *run)
{
	(void)run;
	return true;
}

static bool
of_gpus(const struct sp_reason_run *run)
{
	return run->gpus > 0;
}

static bool
of_cpus(const struct sp_reason_run *run)
{
	return run->cpus > 0;
}

static bool
of_memory(const struct sp_reason_run *run)
{
	return run->memory > 0;
}

/* ---- what is lacking now ---- */

static void
say_gpus(const struct sp_job *job, const struct sp_beat *beat,
    const struct sp_reason_run *run, size_t n, struct sp_reason *r)
{
	int blocked = 0, taken;
	size_t i;

	for (i = 0; i < beat->gpu_n; i++)
		blocked += beat->gpu[i].blocked.why[0] != '\0';
	taken = beat->gpus - beat->free.gpus - blocked;
	say(r, "needs %d GPU%s; has %d", job->gpus, job->gpus == 1 ? "" : "s",
	    beat->gpus);
	if (taken > 0) {
		say(r, ", %s taken by ",
		    taken < beat->gpus ? "some"
			: taken == 2   ? "both"
			: taken > 2    ? "all"
				       : "which is");
		say_takers(r, run, n, of_gpus);
	}
	for (i = 0; i < beat->gpu_n; i++)
		if (beat->gpu[i].blocked.why[0] != '\0')
			say(r, ", GPU %d not to be had: %s", beat->gpu[i].index,
			    beat->gpu[i].blocked.why);
}

static bool
lacks(const struct sp_job *job, const struct sp_beat *beat,
    const struct sp_reason_run *run, size_t n, struct sp_reason *r)
{
	if (job->gpus > beat->free.gpus) {
		say_gpus(job, beat, run, n, r);
		return true;
	}
	if (job->cpus > beat->free.cpus) {
		say(r,
		    "needs %.4g CPUs; %.4g of %.4g are free, the others "
		    "taken by ",
		    job->cpus, beat->free.cpus, beat->cpus);
		say_takers(r, run, n, of_cpus);
		return true;
	}
	if (beat->memory > 0 && job->memory > beat->free.memory) {
		say(r,
		    "needs %.4g GiB of memory; %.4g of %.4g are free, the "
		    "others taken by ",
		    (double)job->memory / (1 << 30),
		    (double)beat->free.memory / (1 << 30),
		    (double)beat->memory / (1 << 30));
		say_takers(r, run, n, of_memory);
		return true;
	}
	if (beat->free.slots < 1) {
		say(r, "%s taken by ",
		    beat->slots == 1 ? "its slot is" : "all its slots are");
		say_takers(r, run, n, any);
		return true;
	}
	return false;
}

/* ---- when ---- */

static int
by_eta(const void *a, const void *b)
{
	const struct sp_reason_run *x = a, *y = b;
	int64_t ex = x->eta == 0 ? INT64_MAX : x->eta;
	int64_t ey = y->eta == 0 ? INT64_MAX : y->eta;

	return ex < ey ? -1 : ex > ey;
}

/* As each run ends it gives back what it took. */
static int64_t
when(const struct sp_job *job, const struct sp_beat *beat,
    const struct sp_reason_run *run, size_t n)
{
	int slots = beat->free.slots, gpus = beat->free.gpus;
	double cpus = beat->free.cpus;
	int64_t memory = beat->free.memory;
	size_t i;

	for (i = 0; i < n && run[i].eta > 0; i++) {
		slots++;
		gpus += run[i].gpus;
		cpus += run[i].cpus;
		memory += run[i].memory;
		if (slots > 0 && gpus >= job->gpus && cpus >= job->cpus &&
		    (beat->memory <= 0 || memory >= job->memory))
			return run[i].eta;
	}
	return 0;
}

static bool
closed_is(const struct sp_beat *beat)
{
	return strcmp(beat->state, "idle") != 0 &&
	    strcmp(beat->state, "busy") != 0;
}

void
sp_reason(const struct sp_job *job, const struct sp_beat *beat,
    struct sp_reason_run *run, size_t n, struct sp_reason *r)
{
	const char *tags[SP_TAGS_MOST];
	struct sp_offer all = { .gpus = beat->gpus,
		.cpus = beat->cpus,
		.memory = beat->memory,
		.tags = tags };
	char why[128];

	for (; all.tags_n < beat->tags_n && all.tags_n < SP_TAGS_MOST;
	     all.tags_n++)
		tags[all.tags_n] = beat->tags[all.tags_n];
	memset(r, 0, sizeof *r);
	if (n > 0)
		qsort(run, n, sizeof *run, by_eta);
	if (!sp_fit_ok(job, &all, why)) {
		r->kind = SP_REASON_NEVER;
		say(r, "%s", why);
	} else if (closed_is(beat)) {
		r->kind = SP_REASON_CLOSED;
		say(r, "%s%s%s", beat->state, beat->note[0] != '\0' ? ": " : "",
		    beat->note);
	} else if (beat->free_said && lacks(job, beat, run, n, r)) {
		r->kind = SP_REASON_BUSY;
		r->at = when(job, beat, run, n);
	}
}
