/*
 * limit.c - how much memory an attempt may have.  Twice a second we look at
 * what its processes hold together, files not counted, and kill it for more
 * than order.memory.
 *
 * That is too late for who allocates a machine's memory within half a second.
 * A control group holds that (group.c).  Where there is none each process of
 * such a job has a ceiling for what it may map writable for itself
 * (RLIMIT_DATA), well above order.memory, for mapped is not used; not for
 * address space as a whole, which CUDA reserves by the terabyte.  And whatever
 * a job says, the kernel in need takes a job before workerd.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/limit.h"
#include "workerd/slot.h"
#include "workerd/spawn.h"
#include "workerd/worker.h"

#define LOOK_MS  500
#define CALM_MS  2000 /* after page tables had to be walked in vain */
#define OOM_MORE 500  /* of 1000 */
#define SPARE    (INT64_C(4) << 30)
#define MIB      (1024.0 * 1024)

void
limit_init(struct worker *w)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	int adj = 0;

	if (fd != -1) {
		if (read(fd, text, sizeof text - 1) > 0)
			adj = (int)strtol(text, NULL, 10);
		(void)close(fd);
	}
	adj = adj + OOM_MORE > 1000 ? 1000 : adj + OOM_MORE;
	(void)snprintf(w->limit.oom_adj, sizeof w->limit.oom_adj, "%d", adj);
}

void
limit_spawn(const struct worker *w, const struct slot *s, struct spawn *how)
{
	int64_t memory = s->job.memory;

	how->oom_adj = w->limit.oom_adj;
	if (memory > 0 && !s->group.limited && memory < INT64_MAX / 4)
		how->data = (rlim_t)(2 * memory + SPARE);
}

/* ---- looking ---- */

/* By its group, or by looking through /proc? */
static bool
counted_is(const struct slot *s)
{
	return s->state == SLOT_RUNS && s->pid > 0 && s->group.fd != -1 &&
	    s->group.counted;
}

static bool
watched_is(const struct slot *s)
{
	return s->state == SLOT_RUNS && s->pid > 0 && s->job.memory > 0 &&
	    !counted_is(s);
}

/* "17.2 GiB", "512 MiB" */
static void
amount(int64_t bytes, char out[24])
{
	double n = (double)bytes / MIB;

	if (n >= 1024)
		(void)snprintf(out, 24, "%.4g GiB", n / 1024);
	else
		(void)snprintf(out, 24, "%.4g MiB", n);
}

static void
words(struct slot *s, int64_t used, const char *who)
{
	char is[24], may[24];

	amount(used, is);
	amount(s->job.memory, may);
	(void)snprintf(s->why, sizeof s->why,
	    "out of memory: used %s of order.memory %s%s", is, may, who);
}

static int64_t
sum(const struct procs *all, int me, int64_t (*of)(pid_t pid))
{
	int64_t n = 0;
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->at[i].owner == me)
			n += of(all->at[i].pid);
	return n;
}

/* What it has; what processes share is counted once where that matters. */
static int64_t
used_by(struct worker *w, struct slot *s, const struct procs *all, int64_t now)
{
	int me = (int)(s - w->slot);
	int64_t used;

	if (counted_is(s))
		return group_anon(&s->group);
	used = all == NULL ? 0 : sum(all, me, proc_anon);
	if (used <= s->job.memory)
		return used;
	if (now < s->calm_until)
		return 0;
	used = sum(all, me, proc_anon_share);
	if (used <= s->job.memory)
		s->calm_until = now + CALM_MS;
	return used;
}

static void
look(struct worker *w, struct slot *s, const struct procs *all, int64_t now)
{
	int64_t used = used_by(w, s, all, now);
	char why[sizeof s->why];

	if (used > s->peak)
		s->peak = used;
	if (s->job.memory <= 0 || used <= s->job.memory || s->stop != STOP_NO)
		return;
	words(s, used, "");
	(void)memcpy(why, s->why, sizeof why);
	slot_stop(s, STOP_MEMORY, why, now);
}

int64_t
limit_tick(struct worker *w, int64_t now)
{
	const struct procs *all = NULL;
	bool any = false, scan = false;
	int64_t took;
	int i;

	for (i = 0; i < w->opt.slots; i++) {
		scan = scan || watched_is(&w->slot[i]);
		any = any || scan || counted_is(&w->slot[i]);
	}
	if (!any)
		return FAR;
	if (now < w->limit.next)
		return w->limit.next;
	if (scan)
		all = kin_look(w);
	for (i = 0; i < w->opt.slots; i++)
		if (watched_is(&w->slot[i]) || counted_is(&w->slot[i]))
			look(w, &w->slot[i], all, now);
	/* A twentieth of our time at most. */
	took = sp_mono_ms() - now;
	w->limit.next = now + (20 * took > LOOK_MS ? 20 * took : LOOK_MS);
	return w->limit.next;
}

/* ---- what came of it ---- */

void
limit_end(struct slot *s)
{
	int64_t peak;

	s->oom = s->stop == STOP_MEMORY;
	/* A job that one of its processes was killed in, and that ended well,
	 * is well; who was told to stop was stopped for that. */
	if (s->group.fd == -1 || !s->group.counted ||
	    !group_oom_is(&s->group, &peak) || s->stop != STOP_NO ||
	    (WIFEXITED(s->wait) && WEXITSTATUS(s->wait) == 0))
		return;
	s->oom = true;
	if (peak > s->peak)
		s->peak = peak;
	if (s->group.limited && s->peak > s->job.memory)
		words(s, s->peak, ": the kernel killed it");
	else
		(void)snprintf(s->why, sizeof s->why,
		    "out of memory: the kernel killed it (%.4g MiB at most)",
		    (double)s->peak / MIB);
}
