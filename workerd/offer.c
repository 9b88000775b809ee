/*
 * offer.c - what this machine has and what of it is free.  A job that does not
 * say what it needs takes a slot and nothing else.
 */
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "libspool/fit.h"
#include "workerd/offer.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

void
offer_init(struct worker *w)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	cpu_set_t set;

	/* What we may use, not what is built in: taskset, cpusets. */
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		w->cpus = CPU_COUNT(&set);
	else
		w->cpus = (double)sysconf(_SC_NPROCESSORS_ONLN);
	w->memory = pages > 0 && size > 0 ? (int64_t)pages * size : 0;
}

static struct sp_offer
all_of(const struct worker *w)
{
	return (struct sp_offer){ .gpus = gpu_all(w),
		.cpus = w->cpus,
		.memory = w->memory,
		.tags = w->opt.tags,
		.tags_n = w->opt.tags_n };
}

/* Less what those that run, or are about to, have asked for. */
static struct sp_offer
free_of(const struct worker *w)
{
	struct sp_offer now = all_of(w);
	int i;

	for (i = 0; i < w->opt.slots; i++) {
		const struct slot *s = &w->slot[i];

		if (s->state != SLOT_STAGES && s->state != SLOT_RUNS &&
		    s->state != SLOT_LINGERS)
			continue;
		now.cpus -= s->job.cpus;
		now.memory -= s->job.memory;
	}
	now.cpus -= w->look.taking_cpus;
	now.memory -= w->look.taking_memory;
	now.gpus = gpu_free(w);
	if (w->memory > 0 && now.memory < 1)
		now.memory = 1; /* 0 would mean: unknown */
	return now;
}

void
offer_beat(const struct worker *w, struct sp_beat *beat)
{
	struct sp_offer now = free_of(w);
	int i;

	beat->free_said = true;
	beat->free.slots = 0;
	for (i = 0; i < w->opt.slots; i++)
		beat->free.slots += w->slot[i].state == SLOT_FREE;
	beat->free.cpus = now.cpus > 0 ? now.cpus : 0;
	beat->free.memory = now.memory > 1 ? now.memory : 0;
	beat->free.gpus = now.gpus;
}

enum verdict
offer_judge(struct worker *w, const struct sp_job *job, char why[128])
{
	struct sp_offer all = all_of(w), now = free_of(w);

	if (job->prune.method != SP_PRUNE_NO && w->direct->curve == NULL) {
		(void)snprintf(why, 128,
		    "order.prune compares the metrics of all runs, which the "
		    "HTTP server does not show to workers");
		return VERDICT_NEVER;
	}
	if (!w->gpus.known) /* it may come to have as many */
		all.gpus = job->gpus;
	if (!sp_fit_ok(job, &all, why))
		return VERDICT_NEVER;
	now.gpus = job->gpus; /* gpu.c knows better, and last: it may ask */
	/* Nothing asked for fits even where more is promised than there is. */
	if (job->cpus <= 0 && now.cpus < 0)
		now.cpus = 0;
	if (!sp_fit_ok(job, &now, why))
		return VERDICT_BUSY;
	return gpu_judge(w, job->gpus, why);
}
