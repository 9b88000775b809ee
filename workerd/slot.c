/*
 * slot.c - one attempt from its start to its end: staged, started, reaped, and
 * cleared away with all its processes.
 * Starting its process is launch.c's business, stopping it slotstop.c's, what
 * came of it report.c's, handing it back give.c's.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "libspool/log.h"
#include "workerd/artifact.h"
#include "workerd/capture.h"
#include "workerd/probe.h"
#include "workerd/prune.h"
#include "workerd/report.h"
#include "workerd/slot.h"
#include "workerd/outcopy.h"
#include "workerd/worker.h"

#define PAUSE_MS 10000 /* after trouble of this host */
#define LEFT_MS  20    /* between looks whether anything is left */
#define PIN_MS   1000  /* of a run: now a later one is to be made of the same */

struct slot *
slot_free(struct worker *w)
{
	int i;

	for (i = 0; i < w->opt.slots; i++)
		if (w->slot[i].state == SLOT_FREE)
			return &w->slot[i];
	return NULL;
}

void
slot_reset(struct slot *s)
{
	capture_reset(&s->cap);
	s->group.fd = s->group.events = -1;
}

void
slot_empty(struct worker *w, struct slot *s)
{
	sp_job_clear(&s->job);
	sp_buf_clear(&s->outcome);
	s->state = SLOT_FREE;
	w->freed++;
	w->look.freed_at = sp_mono_ms();
	look_more(w);
	beat_soon(w);
}

/* ---- the start ---- */

static enum sp_status
prepare(struct worker *w, struct slot *s, const struct sp_buf *text,
    struct sp_job *job)
{
	struct sp_err err = { "" };

	if (job != NULL) {
		s->job = *job;
		*job = (struct sp_job){ 0 };
	} else if (sp_job_parse(text->data, text->len, &s->job, &err) !=
	    SP_OK) {
		(void)snprintf(s->why, sizeof s->why, "%.250s", err.text);
		s->unfit = SP_CAUSE_INVALID;
		return SP_BAD;
	}
	if (s->job.gpus != s->gpus.n) {
		(void)snprintf(s->why, sizeof s->why,
		    "order.gpus was changed while it was claimed");
		return SP_RETRY;
	}
	if (!as_take(w, s)) {
		s->unfit = SP_CAUSE_BAD_HOST;
		return SP_BAD;
	}
	sp_buf_init(&s->dressed, 2 * SP_JOB_MAX);
	sp_job_dress_as(
	    &s->job, text->data, text->len, &s->name.id, &s->dressed);
	if (s->dressed.failed) {
		(void)snprintf(s->why, sizeof s->why, "no memory");
		return SP_RETRY;
	}
	return stage_make(w, s, &s->dressed);
}

/* Say what came of it and clear up. */
static void
conclude(struct worker *w, struct slot *s)
{
	s->state = SLOT_GIVES;
	report(w, s);
	artifact_clear(s);
	if (s->give == GIVE_RELEASE)
		stage_pin(w, s);
	/* Not when it could not be staged: that may be the directory's fault.
	 */
	if (s->give == GIVE_RELEASE &&
	    (s->how == TR_PREEMPTED ||
		(s->how == TR_BACK && s->kept && s->stop != STOP_NO)))
		stage_keep(w, s);
	stage_clear(w, s);
	beat_soon(w);
	(void)give_tick(w, s, sp_mono_ms());
}

static int64_t
tick_counts(struct worker *w, struct slot *s, int64_t now)
{
	int64_t next = now;

	if ((s->count == NULL || artifact_done(s, now, &next)) &&
	    probe_ready(w, s, now, &next))
		conclude(w, s);
	return next;
}

/* It is over, one way or another, and so is all that it started. */
static void
finish(struct worker *w, struct slot *s)
{
	bool grouped = s->group.fd != -1;

	prune_end(w, s);
	s->state = SLOT_GIVES; /* so what it has left is a stray now */
	limit_end(s);
	group_clear(&w->cgroup, &s->group);
	kin_over(w, grouped);
	gpu_drop(w, s);
	capture_close(w, s);
	stage_metrics(w, s, true);
	s->state = SLOT_COUNTS;
	(void)artifact_begin(w, s, sp_mono_ms());
	(void)tick_counts(w, s, sp_mono_ms());
}

/* Who waits for them?  People, or a run that is to be pruned. */
static int64_t
metrics_every(const struct worker *w, const struct slot *s)
{
	return s->job.prune.method != SP_PRUNE_NO && !w->far ? PRUNE_MS
							     : METRICS_MS;
}

static void
clock_start(struct slot *s)
{
	s->started = sp_wall_ms();
	s->began = sp_mono_ms();
	s->metrics_due = s->began + METRICS_MS;
	s->pin_at = s->began + PIN_MS;
	s->kill_at = FAR;
}

/* It has all it needs, or will not get it. */
static void
staged(struct worker *w, struct slot *s, enum sp_status st)
{
	s->state = SLOT_RUNS;
	if (st == SP_OK && s->stop == STOP_NO)
		st = launch(w, s);
	sp_buf_clear(&s->dressed);
	if (st == SP_OK && s->pid > 0) {
		prune_begin(w, s);
		s->metrics_due = s->began + metrics_every(w, s);
		if (s->copy != NULL && !outcopy_start(s->copy, false))
			sp_warn("out order=%s: no thread; copied at the end",
			    s->name.id.text);
		sp_info("start order=%s ticket=%u script=%s pid=%d",
		    s->name.id.text, s->name.ticket, s->job.script,
		    (int)s->pid);
		beat_soon(w);
		return;
	}
	s->ended = sp_mono_ms();
	s->finished = sp_wall_ms();
	outcopy_free(s->copy, true); /* nothing of this attempt is in it */
	s->copy = NULL;
	if (st == SP_RETRY && s->stop == STOP_NO && !stage_busy_is(s))
		look_pause(w, s->ended, PAUSE_MS);
	finish(w, s);
}

void
slot_start(struct worker *w, struct slot *s, const struct sp_name *claimed,
    const struct sp_buf *text, struct sp_job *job)
{
	enum sp_status st;

	s->name = *claimed;
	sp_name_print(claimed, s->text);
	s->state = SLOT_RUNS;
	s->stop = STOP_NO;
	s->unfit = SP_CAUSE_OK;
	s->why[0] = s->dir[0] = s->out[0] = '\0';
	s->work = NULL;
	s->pid = 0;
	s->died = 0;
	gpu_bind(w, s);
	s->grace = (int64_t)(w->opt.grace * 1000);
	s->killed = s->resumed = s->kept = s->told = s->oom = false;
	s->warm = SP_WARM_UNSAID;
	s->warm_why[0] = '\0';
	s->serial = ++w->serial;
	s->group = (struct group){ .fd = -1, .events = -1 };
	s->peak = s->calm_until = s->gone_by = 0;
	s->guard_fired = 0;
	capture_reset(&s->cap); /* what the last one said is not this one's */
	s->metrics = s->metrics_n = s->metrics_lost = 0;
	sp_buf_clear(&s->metrics_rest);
	s->metrics_rest.max = METRICS_BURST + 65536;
	s->metrics_room = METRICS_BURST;
	s->missing = 0;
	s->wait = 0;
	(void)memset(&s->usage, 0, sizeof s->usage);
	(void)memset(&s->job, 0, sizeof s->job);
	s->pinned = false;
	s->asked = 0;
	(void)memset(&s->facts, 0, sizeof s->facts);
	stage_forget(s);
	clock_start(s);

	st = prepare(w, s, text, job);
	if (st == SP_LOST) {
		s->state = SLOT_STAGES;
		beat_soon(w);
		return;
	}
	staged(w, s, st);
}

/* ---- the end ---- */

static void
reaped(struct worker *w, struct slot *s, int status, const struct rusage *usage)
{
	int64_t now = sp_mono_ms();

	slot_silent(w, s, now);
	s->wait = status;
	s->usage = *usage;
	s->ended = s->died != 0 ? s->died : now;
	s->finished = sp_wall_ms() - (now - s->ended);
	s->state = SLOT_LINGERS;
	if (kin_gone_is(w, s)) {
		finish(w, s);
		return;
	}
	/* Its children are still there: when we stopped it they have the rest
	 * of the grace, to save what they have; else they are left over. */
	if (s->stop == STOP_NO) {
		slot_hint(s);
		kin_tell(w, s);
		s->kill_at = now + LINGER_MS;
	}
}

static pid_t
reap_one(struct worker *w, int *status, struct rusage *usage)
{
	pid_t pid;
	int i;

	guard_lock(w);
	pid = wait4(-1, status, WNOHANG, usage);
	for (i = 0; i < w->opt.slots && pid > 0; i++)
		if (w->slot[i].guarded == pid)
			w->slot[i].guarded = 0;
	guard_unlock(w);
	return pid;
}

void
slot_reap(struct worker *w)
{
	struct rusage usage;
	int i, status;
	pid_t pid;

	while ((pid = reap_one(w, &status, &usage)) > 0) {
		kin_disown(w, pid);
		gpuread_reaped(w, pid);
		kin_disown(w, pid);
		if (pid == w->minder) {
			sp_warn("minder gone: what outlives workerd now is "
				"nobody's");
			w->minder = -1;
		}
		for (i = 0; i < w->opt.slots; i++)
			if (w->slot[i].state == SLOT_RUNS &&
			    w->slot[i].pid == pid)
				reaped(w, &w->slot[i], status, &usage);
		(void)warm_reaped(w, pid, status);
	}
}

/* ---- what is due ---- */

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Was it compared with others, and found worse? */
static void
tick_pruned(struct worker *w, struct slot *s, int64_t now)
{
	char words[SP_PRUNE_WORDS];

	if (s->died == 0 && s->stop == STOP_NO &&
	    prune_said(w, s, words, &s->pruned_best, &s->pruned_step))
		slot_stop(s, STOP_PRUNED, words, now);
}

static int64_t
tick_runs(struct worker *w, struct slot *s, int64_t now)
{
	int64_t next = capture_tick(w, s, now);

	tick_pruned(w, s, now);
	if (now >= s->metrics_due) {
		stage_metrics(w, s, false);
		s->metrics_due = now + metrics_every(w, s);
	}
	health_runs(w, s, now);
	if (!s->pinned && now >= s->pin_at) {
		stage_pin(w, s);
		s->pin_at = s->pinned ? FAR : now + PAUSE_MS;
	}
	if (s->died == 0)
		next = least(next, slot_due(w, s, sp_mono_ms()));
	next = least(next, s->metrics_due);
	return s->pinned ? next : least(next, s->pin_at);
}

static int64_t
tick_lingers(struct worker *w, struct slot *s, int64_t now)
{
	(void)capture_tick(w, s, now);
	slot_tell(w, s);
	if (!kin_gone_is(w, s)) {
		if (now < s->kill_at)
			return least(now + LEFT_MS, s->kill_at);
		if (s->gone_by == 0) {
			sp_info("kill order=%s: left-over processes",
			    s->name.id.text);
			s->gone_by = now + GONE_MS;
		}
		kin_kill(w, s); /* again, for what it started meanwhile */
		if (now < s->gone_by)
			return now + LEFT_MS;
		/* In the kernel's hands, as on a server that is away. */
		sp_warn("order=%s: processes that do not die", s->name.id.text);
	}
	finish(w, s);
	return now;
}

static void
tick_stages(struct worker *w, struct slot *s)
{
	if (!porter_done(s->bring))
		return;
	clock_start(s); /* of the run; what was said so far is our affair */
	staged(w, s, stage_made(s));
}

int64_t
slot_tick(struct worker *w, int64_t now)
{
	int64_t next = FAR;
	int i;

	for (i = 0; i < w->opt.slots; i++) {
		struct slot *s = &w->slot[i];

		if (s->state == SLOT_STAGES)
			tick_stages(w, s);
		if (s->state == SLOT_RUNS)
			next = least(next, tick_runs(w, s, now));
		else if (s->state == SLOT_LINGERS)
			next = least(next, tick_lingers(w, s, now));
		else if (s->state == SLOT_COUNTS)
			next = least(next, tick_counts(w, s, now));
		else if (s->state == SLOT_GIVES)
			next = least(next, give_tick(w, s, now));
	}
	return next;
}
