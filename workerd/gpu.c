/*
 * gpu.c - the GPUs that we hand out: which job has which, from before it is
 * claimed until its last process is gone; and what is told of them.  Whether
 * one may be handed out is gpuseen.c's to say.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define FRESH_MS  2000  /* an answer is good for handing out */
#define HUNGER_MS 60000 /* then all that waits is looked at again */
#define WAIT_MS   50
/* Of the host itself: pids are what the driver says. */
#define INIT_PIDNS 4026531836ULL

/* ---- counting ---- */

/* As far as others are concerned. */
static bool
open_is(const struct gpus *g, int i)
{
	return !g->silent && g->at[i].blocked.why[0] == '\0';
}

/* How many jobs with one GPU each could still have one. */
static int
rooms(const struct worker *w, bool ours_only)
{
	const struct gpus *g = &w->gpus;
	int i, n = 0;

	for (i = 0; i < g->n; i++)
		n += g->at[i].jobs < w->opt.gpu_share &&
		    (ours_only || open_is(g, i));
	return n;
}

int
gpu_all(const struct worker *w)
{
	return w->gpus.n;
}

int
gpu_free(const struct worker *w)
{
	return rooms(w, false);
}

/* ---- handing out ---- */

void
gpu_changed(struct worker *w)
{
	w->gpus.wanted = false;
	w->gpus.hungry = 0;
	w->freed++; /* what had to wait is looked at again */
	look_soon(w);
	beat_soon(w);
}

/* "needs 2 GPUs, 1 of 2 is free; GPU 1: pid 4711 of anna" */
static void
lacks(const struct worker *w, int n, int have, char why[128])
{
	const struct gpus *g = &w->gpus;
	const struct sp_beat_block *b;
	int i, len;

	len = snprintf(why, 128, "needs %d GPU%s, %d of %d %s free", n,
	    n == 1 ? "" : "s", have, g->n, have == 1 ? "is" : "are");
	for (i = 0; i < g->n && len < 127; i++) {
		b = &g->at[i].blocked;
		if (b->pid != 0)
			len += snprintf(why + len, 128 - (size_t)len,
			    "; GPU %d: pid %lld of %s", g->at[i].is.index,
			    (long long)b->pid,
			    b->user[0] != '\0' ? b->user : "somebody");
		else if (b->why[0] != '\0')
			len += snprintf(why + len, 128 - (size_t)len,
			    "; GPU %d: %s", g->at[i].is.index, b->why);
	}
}

enum verdict
gpu_judge(struct worker *w, int n, char why[128])
{
	struct gpus *g = &w->gpus;
	int64_t now = sp_mono_ms();

	why[0] = '\0';
	if (n == 0)
		return VERDICT_NONE;
	lacks(w, n, rooms(w, false), why);
	if (!g->known || g->silent)
		(void)snprintf(why, 128,
		    g->silent ? "needs a GPU, and the driver does not answer"
			      : "needs a GPU, and the driver has not said yet "
				"which there are");
	if (!g->known || rooms(w, true) < n)
		return VERDICT_BUSY; /* an answer, or an end, will tell */
	if (g->answered == 0 || now - g->answered > FRESH_MS || g->silent) {
		g->wanted = !g->silent;
		if (!g->silent)
			(void)snprintf(why, 128,
			    "needs a GPU; the driver is being asked for news");
		return VERDICT_BUSY;
	}
	if (rooms(w, false) >= n)
		return VERDICT_NONE;
	if (g->hungry == 0)
		g->hungry = now + HUNGER_MS;
	return VERDICT_BUSY;
}

static void
undo(struct worker *w, int i)
{
	struct gpu *at = &w->gpus.at[i];

	if (--at->jobs > 0)
		return;
	gpulock_drop(at->lock);
	at->lock = -1;
}

static bool
taken_is(const struct gpus *g, int i)
{
	int k;

	for (k = 0; k < g->pending_n; k++)
		if (g->pending[k] == i)
			return true;
	return false;
}

/* The least used that is not on the list yet; -1: none. */
static int
best(const struct worker *w)
{
	const struct gpus *g = &w->gpus;
	int i, at = -1;

	for (i = 0; i < g->n; i++)
		if (open_is(g, i) && g->at[i].jobs < w->opt.gpu_share &&
		    !taken_is(g, i) &&
		    (at == -1 || g->at[i].jobs < g->at[at].jobs))
			at = i;
	return at;
}

bool
gpu_reserve(struct worker *w, int n)
{
	struct gpus *g = &w->gpus;
	struct gpu *at;
	int i;

	g->pending_n = 0;
	while (g->pending_n < n && (i = best(w)) != -1) {
		at = &g->at[i];
		if (at->jobs == 0 &&
		    (at->lock = gpulock_take(&at->is)) == GPULOCK_TAKEN) {
			at->lock = -1;
			at->elsewhere = true;
			(void)snprintf(at->blocked.why, sizeof at->blocked.why,
			    "another worker of this host has it");
			continue;
		}
		at->jobs++;
		g->pending[g->pending_n++] = i;
	}
	if (g->pending_n == n)
		return true;
	gpu_unreserve(w);
	g->hungry = sp_mono_ms() + HUNGER_MS;
	return false;
}

void
gpu_unreserve(struct worker *w)
{
	struct gpus *g = &w->gpus;

	while (g->pending_n > 0)
		undo(w, g->pending[--g->pending_n]);
}

void
gpu_bind(struct worker *w, struct slot *s)
{
	struct gpus *g = &w->gpus;

	for (s->gpus.n = 0; s->gpus.n < g->pending_n; s->gpus.n++)
		s->gpus.at[s->gpus.n] = (unsigned char)g->pending[s->gpus.n];
	g->pending_n = 0;
	s->gpus.held = true;
}

void
gpu_drop(struct worker *w, struct slot *s)
{
	int i;

	for (i = 0; s->gpus.held && i < s->gpus.n; i++)
		undo(w, s->gpus.at[i]);
	s->gpus.held = false;
}

/* ---- for others ---- */

void
gpu_words(const struct worker *w, const struct slot *s, char *out, size_t size)
{
	const struct sp_gpu *is;
	size_t n = 0;
	int i;

	*out = '\0';
	for (i = 0; i < s->gpus.n && n < size; i++) {
		is = &w->gpus.at[s->gpus.at[i]].is;
		if (is->uuid[0] != '\0')
			n += (size_t)snprintf(out + n, size - n, "%s%s",
			    i > 0 ? "," : "", is->uuid);
		else
			n += (size_t)snprintf(out + n, size - n, "%s%d",
			    i > 0 ? "," : "", is->index);
	}
}

int
gpu_run(const struct worker *w, const struct slot *s,
    struct sp_run_gpu out[SP_GPU_MOST])
{
	const struct sp_gpu *is;
	int i;

	for (i = 0; i < s->gpus.n; i++) {
		is = &w->gpus.at[s->gpus.at[i]].is;
		out[i] = (struct sp_run_gpu){
			.index = is->index, .uuid = is->uuid, .name = is->name
		};
	}
	return s->gpus.n;
}

void
gpu_beat(const struct worker *w, struct sp_beat *beat)
{
	const struct gpus *g = &w->gpus;
	struct sp_beat_gpu *out;
	const struct gpu *at;
	int i;

	beat->gpus = 0;
	beat->gpu_n = (size_t)g->n;
	for (i = 0; i < g->n; i++) {
		at = &g->at[i];
		out = &beat->gpu[i];
		out->index = at->is.index;
		(void)memcpy(out->uuid, at->is.uuid, sizeof out->uuid);
		(void)memcpy(out->name, at->is.name, sizeof out->name);
		out->memory = at->is.memory;
		out->used = at->is.used;
		out->jobs = at->jobs;
		out->share = w->opt.gpu_share;
		out->blocked = at->blocked;
		if (g->silent && at->blocked.why[0] == '\0') {
			out->blocked = (struct sp_beat_block){ .mib = -1 };
			(void)snprintf(out->blocked.why,
			    sizeof out->blocked.why,
			    "the driver does not answer");
		}
		beat->gpus += at->seen && at->is.word[0] == '\0';
	}
}

/* ---- from the start to the end ---- */

/* Whoever started us may have set GPUs aside for us. */
static const char *
granted(void)
{
	const char *list = getenv("CUDA_VISIBLE_DEVICES");
	char why[128];

	if (list == NULL)
		return "auto";
	if (*list == '\0' || strcmp(list, "-1") == 0 ||
	    strcmp(list, "NoDevFiles") == 0)
		return "none";
	if (sp_gpu_list_ok(list, why))
		return list;
	sp_warn("gpus: CUDA_VISIBLE_DEVICES: %s; all are handed out", why);
	return "auto";
}

int64_t
gpu_tick(struct worker *w, int64_t now)
{
	struct gpus *g = &w->gpus;

	if (g->hungry != 0 && now >= g->hungry)
		gpu_changed(w);
	return gpuread_tick(w, now);
}

void
gpu_again(struct worker *w)
{
	if (!w->gpus.on)
		gpuread_open(w, sp_mono_ms());
	else
		w->gpus.wanted = true;
}

void
gpu_open(struct worker *w)
{
	struct gpus *g = &w->gpus;

	struct sp_beat self = { .pidns = 0 };

	sp_beat_self(&self);
	g->host = self.pidns == INIT_PIDNS;
	g->in = g->out = -1;
	sp_buf_init(&g->text, GPUPROBE_MAX + 4096);
	g->ask = w->opt.gpus != NULL ? w->opt.gpus : "auto";
	if (strcmp(g->ask, "auto") == 0)
		g->ask = granted();
	gpuread_open(w, sp_mono_ms());
	if (!g->on && strcmp(g->ask, "none") != 0 && w->opt.gpus != NULL &&
	    strcmp(w->opt.gpus, "auto") != 0)
		sp_warn("gpus=%s: there is no driver here", g->ask);
	else if (!g->on)
		sp_info("gpus none: %s",
		    strcmp(g->ask, "none") == 0 ? "not wanted"
						: "no driver here");
}

int
gpu_slots(struct worker *w)
{
	struct gpus *g = &w->gpus;
	struct pollfd fd;
	int n;

	while (!g->known) { /* gpuread.c's deadline ends it */
		(void)gpuread_tick(w, sp_mono_ms());
		fd = (struct pollfd){ .fd = g->out, .events = POLLIN };
		if (poll(&fd, 1, WAIT_MS) > 0)
			gpuread_take(w);
	}
	n = g->n > 0 ? g->n * w->opt.gpu_share : (int)w->cpus;
	return n < 1 ? 1 : n > SLOTS_MOST ? SLOTS_MOST : n;
}

void
gpu_close(struct worker *w)
{
	int i;

	gpuread_close(w);
	for (i = 0; i < w->gpus.n; i++)
		gpulock_drop(w->gpus.at[i].lock);
}
