/*
 * offer.c - what this machine has and what of it is free.  A job that does not
 * say what it needs takes a slot and nothing else.
 */
#include <sched.h>
#include <unistd.h>

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

enum verdict
offer_judge(const struct worker *w, const struct sp_job *job, char why[128])
{
	struct sp_offer all = { .gpus = 0,
		.cpus = w->cpus,
		.memory = w->memory,
		.tags = w->opt.tags,
		.tags_n = w->opt.tags_n };
	struct sp_offer now = all;
	char unused[128];
	int i;

	for (i = 0; i < w->opt.slots; i++) {
		const struct slot *s = &w->slot[i];

		if (s->state != SLOT_RUNS && s->state != SLOT_LINGERS)
			continue;
		now.cpus -= s->job.cpus;
		now.memory -= s->job.memory;
	}
	if (w->memory > 0 && now.memory < 1)
		now.memory = 1; /* 0 would mean: unknown */
	if (!sp_fit_ok(job, &all, why))
		return VERDICT_NEVER;
	/* Nothing asked for fits even where more is promised than there is. */
	if (job->cpus <= 0 && now.cpus < 0)
		now.cpus = 0;
	return sp_fit_ok(job, &now, unused) ? VERDICT_NONE : VERDICT_BUSY;
}
