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

#define FILES (INT64_C(64) << 20)

/* What the kernel holds is a little above order.memory, for files: exactly
 * there it would throw a program's own pages away and read them again for hours
 * rather than call that out of memory.  limit.c looks at the rest.  No swap,
 * which only makes slow what is to end anyway; and one killed, all killed: half
 * a job is no job. */
static bool
limit_memory(const struct sp_job *job, int fd)
{
	int64_t most = job->memory / 16 > FILES ? job->memory / 16 : FILES;
	char text[32];

	most = job->memory > INT64_MAX - most ? INT64_MAX : job->memory + most;
	(void)snprintf(text, sizeof text, "%" PRId64, most);
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

static bool
make(struct cgroup *c, const char *name, struct group *g)
{
	if (c->idle_n > 0) {
		*g = c->idle[--c->idle_n];
		g->calm = false;
		return true;
	}
	*g = (struct group){ .fd = -1, .events = -1 };
	(void)snprintf(g->name, sizeof g->name, "%s", name);
	if (mkdirat(c->base, name, 0755) == -1 && errno != EEXIST)
		return false;
	if ((g->fd = cg_open(c->base, name)) == -1)
		return false;
	g->counted = c->memory;
	g->plain = !c->memory;
	return true;
}

bool
group_ahead(struct cgroup *c, struct group *g)
{
	char name[32];

	(void)snprintf(name, sizeof name, "warm.%u", ++c->ahead);
	return make(c, name, g);
}

void
group_fit(const struct cgroup *c, const struct sp_job *job, struct group *g)
{
	if (job->memory > 0 && c->memory)
		g->limited = limit_memory(job, g->fd);
	if (job->cpus > 0 && c->cpu) {
		weigh(job, g->fd);
		g->plain = false;
	}
}

bool
group_make(struct cgroup *c, const struct sp_job *job, const char *name,
    struct group *g)
{
	if (!make(c, name, g))
		return false;
	group_fit(c, job, g);
	return true;
}

/* The kernel (seen in 6.18) remembers that a group was killed, and kills who is
 * born in it later, too: it is not used again. */
void
group_kill(struct group *g)
{
	g->killed = true;
	cg_kill(g->fd);
}

bool
group_empty_is(struct group *g)
{
	bool frozen = true, empty;

	if (g->events == -1)
		g->events = cg_events_open(g->fd);
	empty = g->events == -1 ? cg_empty_is(g->fd, &frozen)
				: cg_events_empty_is(g->events, &frozen);
	/* Nobody is left in it who could freeze it now. */
	g->calm = empty && !frozen;
	return empty;
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

int64_t
group_anon(const struct group *g)
{
	char text[8192];

	text[0] = '\n';
	if (proc_text(g->fd, "memory.stat", text + 1, sizeof text - 1) <= 0)
		return 0;
	return number_after(text, "\nanon ") + number_after(text, "\nshmem ");
}

bool
group_oom_is(const struct group *g, int64_t *peak_out)
{
	char text[1024];

	*peak_out = 0;
	if (proc_text(g->fd, "memory.peak", text, sizeof text) > 0)
		*peak_out = strtoll(text, NULL, 10);
	return proc_text(g->fd, "memory.events", text, sizeof text) > 0 &&
	    number_after(text, "\noom_kill ") > 0;
}

void
group_close(struct group *g)
{
	(void)close(g->fd);
	if (g->events != -1)
		(void)close(g->events);
}

void
group_clear(struct cgroup *c, struct group *g)
{
	if (g->fd == -1)
		return;
	if (c->on && g->plain && c->idle_n < CGROUP_IDLE && g->calm &&
	    !g->killed) {
		c->idle[c->idle_n++] = *g;
	} else {
		group_close(g);
		cg_remove(c->base, g->name);
	}
	*g = (struct group){ .fd = -1, .events = -1 };
}
