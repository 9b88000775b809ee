/*
 * gpuseen.c - what an answer of the driver means for each GPU that we hand out.
 *
 * A GPU is not handed out while a process is on it that is not of a job of ours
 * that has it: people log in and use GPUs, other workers do, and a job may use
 * one that it was not given.  Where processes cannot be seen (another pid name
 * space, no permission) memory in use says that somebody is there.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/log.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define HIDDEN_MIB 1024 /* in use by what cannot be seen */

static bool
has(const struct slot *s, int gpu)
{
	int i;

	for (i = 0; s->gpus.held && i < s->gpus.n; i++)
		if (s->gpus.at[i] == gpu)
			return true;
	return false;
}

/* The row of a GPU: by its UUID, or by its number when one of the two has no
 * UUID (it is lost); a new one; -1: there are too many. */
static int
row_of(struct gpus *g, const struct sp_gpu *is)
{
	int i;

	for (i = 0; i < g->n; i++)
		if (is->uuid[0] != '\0' &&
		    strcmp(g->at[i].is.uuid, is->uuid) == 0)
			return i;
	for (i = 0; i < g->n; i++)
		if ((is->uuid[0] == '\0' || g->at[i].is.uuid[0] == '\0') &&
		    is->parent[0] == '\0' && g->at[i].is.parent[0] == '\0' &&
		    g->at[i].is.index == is->index)
			return i;
	if (g->n == SP_GPU_MOST)
		return -1;
	(void)memset(&g->at[g->n], 0, sizeof *g->at);
	g->at[g->n].lock = -1;
	g->at[g->n].is.index = -1;
	return g->n++;
}

/* Take the facts over; keep the name of what says nothing of itself any more.
 * Returns how many are new. */
static int
update(struct worker *w, const struct sp_gpus *said)
{
	struct gpus *g = &w->gpus;
	const struct sp_gpu *is;
	int i, row, before = g->n;
	struct sp_gpu old;
	size_t k;

	for (i = 0; i < g->n; i++)
		g->at[i].seen = false;
	for (k = 0; k < said->n; k++) {
		is = &said->gpu[k];
		if (is->split || !sp_gpu_listed(g->ask, is) ||
		    (row = row_of(g, is)) < 0)
			continue;
		old = g->at[row].is;
		g->at[row].is = *is;
		g->at[row].seen = true;
		if (is->uuid[0] == '\0')
			(void)memcpy(
			    g->at[row].is.uuid, old.uuid, sizeof old.uuid);
		if (is->name[0] == '\0')
			(void)memcpy(
			    g->at[row].is.name, old.name, sizeof old.name);
		if (is->memory < 0)
			g->at[row].is.memory = old.memory;
	}
	return g->n - before;
}

/* The slot that a process is of; -1: none of ours. */
static int
slot_of(struct worker *w, const struct procs *all, pid_t pid)
{
	struct proc *p = all == NULL ? NULL : procs_find(all, pid);
	struct procs of = { 0 };
	int i, owner = p == NULL ? -1 : p->owner;
	size_t k;

	for (i = 0; i < w->opt.slots && owner < 0; i++) {
		if (!w->slot[i].gpus.held || w->slot[i].group.fd == -1)
			continue;
		group_procs(&w->slot[i].group, &of);
		for (k = 0; k < of.n; k++)
			if (of.at[k].pid == pid)
				owner = i;
	}
	procs_clear(&of);
	return owner;
}

static bool
here_is(const struct gpu *at, const struct sp_gpu_proc *p)
{
	/* nvidia-smi knows only the GPU, not which part of it. */
	return strcmp(p->gpu, at->is.uuid) == 0 ||
	    (at->is.parent[0] != '\0' && strcmp(p->gpu, at->is.parent) == 0);
}

/* Does the slot have this one, or another part of the same GPU? */
static bool
holds(const struct worker *w, int slot, const struct sp_gpu_proc *p)
{
	int i;

	for (i = 0; slot >= 0 && i < w->gpus.n; i++)
		if (has(&w->slot[slot], i) && here_is(&w->gpus.at[i], p))
			return true;
	return false;
}

/* Look at who is on it. */
static void
look_at(struct worker *w, struct gpu *at, const struct sp_gpus *said,
    const struct procs *all)
{
	bool hidden = at->is.hidden || !w->gpus.host;
	struct sp_beat_block *b = &at->blocked;
	const struct sp_gpu_proc *p;
	size_t i;

	for (i = 0; i < said->proc_n; i++) {
		p = &said->proc[i];
		if (!here_is(at, p) ||
		    holds(w, slot_of(w, all, (pid_t)p->pid), p))
			continue;
		/* It has ended since; or is one of the host, seen from in
		 * here, where its number means nothing. */
		if (kill((pid_t)p->pid, 0) == -1 && errno == ESRCH)
			continue;
		if (b->pid != 0 && p->mib <= b->mib)
			continue;
		b->pid = p->pid;
		b->mib = p->mib;
		sp_text_cut(b->user, sizeof b->user, p->user);
		(void)snprintf(b->why, sizeof b->why,
		    "in use by a process that is none of ours");
	}
	if (b->pid == 0 && hidden && at->jobs == 0 &&
	    at->is.used > HIDDEN_MIB) {
		b->mib = at->is.used;
		(void)snprintf(b->why, sizeof b->why,
		    "more than %d MiB are in use, by what cannot be seen from "
		    "here",
		    HIDDEN_MIB);
	}
}

/* Is it free again, or the first time? */
static void
try_lock(struct gpu *at)
{
	int lock;

	if (!at->elsewhere)
		return;
	if ((lock = gpulock_take(&at->is)) == GPULOCK_TAKEN)
		return;
	gpulock_drop(lock);
	at->elsewhere = false;
}

static void
judge(struct worker *w, struct gpu *at, const struct sp_gpus *said,
    const struct procs *all)
{
	struct sp_beat_block *b = &at->blocked;

	(void)memset(b, 0, sizeof *b);
	b->mib = -1;
	if (at->is.word[0] != '\0')
		(void)snprintf(b->why, sizeof b->why, "%s", at->is.word);
	else if (!at->seen)
		(void)snprintf(b->why, sizeof b->why, "it is gone%s%.80s",
		    said->word[0] != '\0' ? ": " : "", said->word);
	else
		look_at(w, at, said, all);
	try_lock(at);
	if (at->elsewhere && b->why[0] == '\0')
		(void)snprintf(b->why, sizeof b->why,
		    "another worker of this host has it");
}

/* Once for each change. */
static void
tell(const struct gpu *at, const struct sp_beat_block *before)
{
	const struct sp_beat_block *b = &at->blocked;

	if (b->pid == before->pid && strcmp(b->why, before->why) == 0)
		return;
	if (b->why[0] == '\0')
		sp_info("gpu=%d free again", at->is.index);
	else if (b->pid != 0)
		sp_info("gpu=%d not handed out: pid %lld of %s, %lld MiB, is "
			"none of ours",
		    at->is.index, (long long)b->pid,
		    b->user[0] != '\0' ? b->user : "somebody",
		    (long long)b->mib);
	else
		sp_info("gpu=%d not handed out: %s", at->is.index, b->why);
}

static void
tell_first(struct worker *w, const struct sp_gpus *said)
{
	struct gpus *g = &w->gpus;

	if (g->n == 0)
		sp_info("gpus none: %s%s",
		    said->n > 0 ? "those there are are not on the list "
				: said->word,
		    said->n > 0 ? g->ask : "");
	else
		sp_info("gpus=%d share=%d by=%s", g->n, w->opt.gpu_share,
		    said->source[0] != '\0' ? said->source : "?");
}

void
gpu_take(struct worker *w, const char *text, size_t len)
{
	static struct sp_gpus said;
	const struct procs *all = NULL;
	struct gpus *g = &w->gpus;
	struct sp_beat_block before;
	int i, had = gpu_free(w), more;
	bool held = false;

	sp_gpus_parse(text, len, &said);
	more = update(w, &said);
	for (i = 0; i < w->opt.slots; i++)
		held = held || w->slot[i].gpus.held;
	if (said.proc_n > 0 && held)
		all = kin_look(w);
	for (i = 0; i < g->n; i++) {
		before = g->at[i].blocked;
		judge(w, &g->at[i], &said, all);
		tell(&g->at[i], &before);
	}
	if (!g->known || strcmp(g->word, said.word) != 0)
		tell_first(w, &said);
	(void)snprintf(g->word, sizeof g->word, "%s", said.word);
	if (more > 0) /* what never fitted may do so now */
		verdict_clear(&w->look.seen);
	if (more > 0 || !g->known || g->wanted || gpu_free(w) > had)
		gpu_changed(w);
}
