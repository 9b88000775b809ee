/*
 * kin.c - all processes that an attempt has started: which they are, told to
 * end, killed, gone.  A control group knows (cgroup.c).  Where there is none:
 *
 * We are the subreaper, so whatever a job starts is below us for ever.  What
 * hangs below its main process is its; the chain breaks when a process in
 * between ends, and the orphan becomes our child.  Then it is told by its
 * session or process group, or by its mark (mark.h); where it has got rid of
 * that, by what its environment says (SPOOL_WORKER, SPOOL_ID), by what was seen
 * of the chain before; or else by when it was started: it is of one of the
 * attempts that ran then.  When those are all over but one it is that one's,
 * and when they are all over it is a stray.
 *
 * What is in our own session is our own helper (no process can enter another
 * one's session), and what is older than we are is no job's.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/cgroup.h"
#include "workerd/kin.h"
#include "workerd/mark.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define ENV_MOST 131072
#define TICK_MS  10 /* that births are counted in */
#define SWEEP_MS 100

/* struct proc's owner: a slot, or */
#define OWNER_NONE  (-1) /* not a job's, or it cannot be told whose */
#define OWNER_STRAY (-2) /* of an attempt that is over */

struct seen {
	pid_t pid;
	uint64_t start;
	unsigned serial;
};

void
kin_init(struct worker *w)
{
	struct procs *all = &w->kin.children;
	size_t i;

	/* Not since our process began: who started us by exec, as a shell, may
	 * have had children of its own, in sessions of their own. */
	w->kin.born = sp_mono_ms() - TICK_MS;
	w->kin.sid = getsid(0);
	if ((w->kin.mark = mark_open()) == 0)
		sp_debug("mark none: little is left of the limit on locks");
	(void)proc_children(all, NULL, NULL);
	for (i = 0; i < all->n; i++)
		kin_own(w, all->at[i].pid);
}

void
kin_clear(struct worker *w)
{
	procs_clear(&w->kin.all);
	procs_clear(&w->kin.children);
	free(w->kin.seen);
	w->kin.seen = NULL;
	w->kin.seen_n = 0;
}

void
kin_own(struct worker *w, pid_t pid)
{
	size_t i;

	for (i = 0; i < KIN_OWN; i++)
		if (w->kin.own[i] == 0) {
			w->kin.own[i] = pid;
			return;
		}
}

void
kin_disown(struct worker *w, pid_t pid)
{
	size_t i;

	for (i = 0; i < KIN_OWN; i++)
		if (w->kin.own[i] == pid)
			w->kin.own[i] = 0;
}

/* ---- whose ---- */

static bool
on_is(const struct slot *s)
{
	return s->state == SLOT_RUNS || s->state == SLOT_LINGERS;
}

/* Each of them has a control group. */
static bool
grouped_is(const struct worker *w)
{
	int i;

	for (i = 0; i < w->opt.slots; i++)
		if (on_is(&w->slot[i]) && w->slot[i].group.fd == -1)
			return false;
	return w->cgroup.on;
}

static bool
own_is(const struct worker *w, const struct proc *p)
{
	size_t i;

	if (p->sid == w->kin.sid || p->born < w->kin.born ||
	    p->pid == w->minder || warm_own_is(w, p->pid, p->sid))
		return true;
	for (i = 0; i < KIN_OWN; i++)
		if (w->kin.own[i] == p->pid)
			return true;
	return false;
}

/* Not a stray, without a look at it. */
static bool
known_is(const void *arg, pid_t pid)
{
	const struct worker *w = arg;
	int i;

	for (i = 0; i < w->opt.slots; i++)
		if (on_is(&w->slot[i]) && w->slot[i].pid == pid)
			return true;
	return pid == w->minder || warm_own_is(w, pid, pid);
}

static int
of_serial(const struct worker *w, unsigned serial)
{
	int i;

	for (i = 0; i < w->opt.slots; i++)
		if (on_is(&w->slot[i]) && w->slot[i].serial == serial)
			return i;
	return OWNER_STRAY;
}

static int
by_mark(const struct worker *w, const struct proc *p)
{
	unsigned serial;

	return mark_of(p->pid, w->kin.mark, &serial) == MARKED_ATTEMPT
	    ? of_serial(w, serial)
	    : OWNER_NONE;
}

/* The running slot with this id, or a stray's; OWNER_NONE: it says none. */
static int
by_environ(const struct worker *w, const struct proc *p)
{
	static char env[ENV_MOST];
	const char *whose, *id;
	size_t len;
	int i;

	if ((len = proc_environ(p->pid, env, sizeof env)) == 0)
		return OWNER_NONE;
	whose = proc_env(env, len, "SPOOL_WORKER=");
	id = proc_env(env, len, "SPOOL_ID=");
	if (whose == NULL || id == NULL ||
	    strcmp(whose, w->ops->worker(w->tr)) != 0 || warm_mark_is(id))
		return OWNER_NONE;
	for (i = 0; i < w->opt.slots; i++)
		if (on_is(&w->slot[i]) &&
		    strcmp(w->slot[i].name.id.text, id) == 0)
			return i;
	return OWNER_STRAY;
}

static int
by_memory(const struct worker *w, const struct proc *p)
{
	size_t k;

	for (k = 0; k < w->kin.seen_n; k++)
		if (w->kin.seen[k].pid == p->pid &&
		    w->kin.seen[k].start == p->start)
			break;
	return k == w->kin.seen_n ? OWNER_NONE
				  : of_serial(w, w->kin.seen[k].serial);
}

/* The only attempt that ran when it was started and is not over; a stray's when
 * there is none, and nobody's while there are several. */
static int
by_birth(const struct worker *w, const struct proc *p)
{
	int i, owner = OWNER_STRAY;

	/* As the first process of a container we are given others' orphans,
	 * too: of what somebody started in there by hand. */
	if (getpid() == 1)
		return OWNER_NONE;
	for (i = 0; i < w->opt.slots; i++) {
		if (!on_is(&w->slot[i]) || p->born + 10 < w->slot[i].began)
			continue;
		if (owner != OWNER_STRAY)
			return OWNER_NONE;
		owner = i;
	}
	return owner;
}

/* Of a child of ours. */
static int
owner_of_child(const struct worker *w, const struct proc *p)
{
	int i, owner;

	if (own_is(w, p))
		return OWNER_NONE;
	for (i = 0; i < w->opt.slots; i++)
		if (on_is(&w->slot[i]) && w->slot[i].pid > 0 &&
		    (p->pid == w->slot[i].pid || p->sid == w->slot[i].pid ||
			p->pgrp == w->slot[i].pid))
			return i;
	if ((owner = by_mark(w, p)) != OWNER_NONE ||
	    (owner = by_environ(w, p)) != OWNER_NONE || grouped_is(w))
		return owner;
	if ((owner = by_memory(w, p)) != OWNER_NONE)
		return owner;
	return by_birth(w, p);
}

/* Of any process: up to a slot's main process or to a child of ours. */
static int
owner_of(const struct worker *w, const struct procs *all, const struct proc *p)
{
	pid_t self = getpid();
	size_t depth;
	int i;

	for (depth = 0; p != NULL && depth < all->n; depth++) {
		for (i = 0; i < w->opt.slots; i++)
			/* Once it is reaped that number may be anybody's. */
			if (w->slot[i].state == SLOT_RUNS &&
			    w->slot[i].pid == p->pid)
				return i;
		if (p->ppid == self)
			return owner_of_child(w, p);
		if (p->ppid <= 1)
			break;
		p = procs_find(all, p->ppid);
	}
	return OWNER_NONE;
}

/* Remember whose is whose, for when a chain breaks. */
static void
remember(struct worker *w)
{
	struct procs *all = &w->kin.all;
	struct seen *seen;
	size_t i, n = 0;

	if (all->n == 0 || (seen = calloc(all->n, sizeof *seen)) == NULL)
		return;
	for (i = 0; i < all->n; i++)
		if (all->at[i].owner >= 0)
			seen[n++] = (struct seen){ .pid = all->at[i].pid,
				.start = all->at[i].start,
				.serial = w->slot[all->at[i].owner].serial };
	free(w->kin.seen);
	w->kin.seen = seen;
	w->kin.seen_n = n;
}

const struct procs *
kin_look(struct worker *w)
{
	struct procs *all = &w->kin.all;
	size_t i;

	if (!proc_all(all))
		return NULL;
	for (i = 0; i < all->n; i++)
		all->at[i].owner = owner_of(w, all, &all->at[i]);
	remember(w);
	return all;
}

void
kin_note(struct worker *w)
{
	int i, n = 0;

	if (grouped_is(w))
		return;
	for (i = 0; i < w->opt.slots; i++)
		n += on_is(&w->slot[i]);
	if (n > 1) /* of one alone it can be told anyway */
		(void)kin_look(w);
}

/* ---- told, killed, gone ---- */

static void
signal_each(struct worker *w, const struct slot *s, int sig, bool group_too)
{
	const struct procs *all = kin_look(w);
	int me = (int)(s - w->slot);
	size_t i;

	for (i = 0; all != NULL && i < all->n; i++)
		if (all->at[i].owner == me &&
		    (group_too || all->at[i].pgrp != s->pid))
			(void)proc_signal(&all->at[i], sig);
}

void
kin_tell(struct worker *w, const struct slot *s)
{
	struct procs all = { 0 };
	size_t i;

	if (s->pid <= 0)
		return;
	if (s->group.fd == -1) {
		signal_each(w, s, SIGTERM, false);
		signal_each(w, s, SIGCONT, false);
		return;
	}
	group_procs(&s->group, &all);
	for (i = 0; i < all.n; i++)
		if (all.at[i].pgrp != s->pid) {
			(void)proc_signal(&all.at[i], SIGTERM);
			(void)proc_signal(&all.at[i], SIGCONT);
		}
	procs_clear(&all);
}

void
kin_kill(struct worker *w, struct slot *s)
{
	if (s->pid <= 0)
		return;
	/* Once the main process is reaped its number may be another's. */
	if (s->state == SLOT_RUNS)
		(void)kill(-s->pid, SIGKILL);
	if (s->group.fd != -1)
		group_kill(&s->group);
	else
		signal_each(w, s, SIGKILL, true);
}

/* What is left of an attempt whose main process was reaped hangs below children
 * of ours: one short list tells. */
bool
kin_gone_is(struct worker *w, struct slot *s)
{
	struct procs *all = &w->kin.children;
	int me = (int)(s - w->slot);
	size_t i;

	if (s->group.fd != -1)
		return group_empty_is(&s->group);
	if (kill(-s->pid, 0) == 0 || errno != ESRCH)
		return false;
	if (!proc_children(all, known_is, w))
		return errno == ENOENT; /* no such file in this kernel? */
	for (i = 0; i < all->n; i++)
		if (!all->at[i].dead && owner_of_child(w, &all->at[i]) == me)
			return false;
	return true;
}

void
kin_sweep(struct worker *w)
{
	struct procs *all = &w->kin.children;
	size_t i;

	if (!proc_children(all, known_is, w))
		return;
	for (i = 0; i < all->n; i++) {
		if (all->at[i].dead ||
		    owner_of_child(w, &all->at[i]) != OWNER_STRAY)
			continue;
		sp_info("kill stray=%d of an attempt that is over",
		    (int)all->at[i].pid);
		(void)proc_signal(&all->at[i], SIGKILL);
	}
}

void
kin_over(struct worker *w, bool grouped)
{
	if (!grouped)
		kin_sweep(w);
	else if (w->kin.sweep_at == 0)
		w->kin.sweep_at = sp_mono_ms() + SWEEP_MS;
}

int64_t
kin_tick(struct worker *w, int64_t now)
{
	if (w->kin.sweep_at == 0)
		return FAR;
	if (now < w->kin.sweep_at)
		return w->kin.sweep_at;
	w->kin.sweep_at = 0;
	kin_sweep(w);
	return FAR;
}
