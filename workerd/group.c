/*
 * group.c - the control group of one attempt: made with its limits, entered by
 * its first process before that is the job's program, killed as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workerd/cgroup.h"
#include "workerd/cgroupfile.h"

/* order.memory is all that it gets: swap would only make it slow before it
 * ends.  One killed, all killed: half a job is no job. */
static bool
limit_memory(const struct sp_job *job, int fd)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%" PRId64, job->memory);
	if (!cg_write(fd, "memory.max", text))
		return false;
	(void)cg_write(fd, "memory.swap.max", "0");
	(void)cg_write(fd, "memory.oom.group", "1");
	return true;
}

/* Where CPUs are short each job gets them in the proportion of order.cpus; one
 * that does not say counts as one. */
static void
weigh(const struct sp_job *job, int fd)
{
	char text[32];
	double weight = job->cpus * 100;

	weight = weight < 1 ? 1 : weight > 10000 ? 10000 : weight;
	(void)snprintf(text, sizeof text, "%d", (int)weight);
	(void)cg_write(fd, "cpu.weight", text);
}

bool
group_make(const struct cgroup *c, const struct sp_job *job, const char *name,
    struct group *g)
{
	*g = (struct group){ .fd = -1 };
	(void)snprintf(g->name, sizeof g->name, "%s", name);
	if (mkdirat(c->base, name, 0755) == -1 && errno != EEXIST)
		return false;
	if ((g->fd = cg_open(c->base, name)) == -1)
		return false;
	if (job->memory > 0 && c->memory)
		g->memory = limit_memory(job, g->fd);
	if (job->cpus > 0 && c->cpu)
		weigh(job, g->fd);
	return true;
}

int
group_door(const struct group *g)
{
	return openat(g->fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
}

void
group_kill(const struct group *g)
{
	cg_kill(g->fd);
}

bool
group_empty_is(const struct group *g)
{
	return cg_empty_is(g->fd);
}

void
group_procs(const struct group *g, struct procs *all)
{
	cg_procs(g->fd, all);
}

static int64_t
number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at == NULL ? 0 : strtoll(at + strlen(key), NULL, 10);
}

void
group_facts(const struct group *g, struct group_facts *facts)
{
	char text[1024];

	*facts = (struct group_facts){ 0 };
	if (g->fd == -1)
		return;
	if (cg_read(g->fd, "memory.peak", text, sizeof text) > 0)
		facts->peak = strtoll(text, NULL, 10);
	if (cg_read(g->fd, "memory.events", text, sizeof text) > 0)
		facts->oom = number_after(text, "\noom_kill ") > 0;
}

void
group_clear(const struct cgroup *c, struct group *g)
{
	if (g->fd == -1)
		return;
	(void)close(g->fd);
	g->fd = -1;
	cg_remove(c->base, g->name);
	g->name[0] = '\0';
}
