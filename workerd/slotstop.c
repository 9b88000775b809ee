/*
 * slotstop.c - an attempt is told to stop, for one reason, once: by a time
 * limit, or by whoever calls slot_stop; and killed when its grace is over.
 * That it is gone then slot.c sees.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "libspool/log.h"
#include "workerd/artifact.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

void
slot_hint(const struct slot *s)
{
	(void)kill(-s->pid, SIGTERM);
	(void)kill(-s->pid, SIGCONT); /* a stopped one would not hear it */
}

void
slot_stop(struct slot *s, enum stop stop, const char *why, int64_t now)
{
	if (s->state == SLOT_COUNTS) {
		artifact_cut(s, now);
		if (stop == STOP_QUIT)
			s->asked = 0; /* its Python goes unnamed */
		/* Of others it has ended by itself. */
		if (stop == STOP_GONE ||
		    (stop == STOP_CANCEL && s->stop == STOP_NO)) {
			s->stop = stop;
			(void)snprintf(s->why, sizeof s->why, "%s", why);
		}
		return;
	}
	if (s->state != SLOT_RUNS && s->state != SLOT_LINGERS &&
	    s->state != SLOT_STAGES)
		return;
	if (s->stop != STOP_NO) {
		/* Of all reasons this one leaves nothing to report. */
		if (stop == STOP_GONE)
			s->stop = stop;
		return;
	}
	s->stop = stop;
	(void)snprintf(s->why, sizeof s->why, "%s", why);
	sp_info("stop order=%s: %s", s->name.id.text, why);
	if (s->state == SLOT_STAGES)
		atomic_store(&s->bring->stop, true);
	if (s->state != SLOT_RUNS)
		return; /* its group was told already, or there is none */
	if (stop == STOP_MEMORY) { /* no grace: others need it */
		s->kill_at = now;
		return;
	}
	s->kill_at = now + s->grace;
	slot_hint(s);
}

void
slot_silent(struct worker *w, struct slot *s, int64_t now)
{
	if (s->job.exclusive && s->stop == STOP_NO && guard_fired_is(w, s))
		slot_stop(s, STOP_SILENT,
		    "the spool is out of reach and order.exclusive forbids to "
		    "go on without it",
		    now);
}

void
slot_tell(struct worker *w, struct slot *s)
{
	if (s->stop == STOP_NO || s->stop == STOP_MEMORY || s->told)
		return;
	s->told = true;
	kin_tell(w, s);
}

int64_t
slot_due(struct worker *w, struct slot *s, int64_t now)
{
	int64_t limit = FAR;
	char why[128];

	if (s->job.timeout > 0)
		limit = s->began + (int64_t)(s->job.timeout * 1000);
	if (s->stop == STOP_NO && now >= limit) {
		(void)snprintf(why, sizeof why,
		    "timed out after %g s (order.timeout)", s->job.timeout);
		slot_stop(s, STOP_TIMEOUT, why, now);
	}
	slot_silent(w, s, now);
	slot_tell(w, s);
	if (s->stop != STOP_NO && !s->killed && now >= s->kill_at) {
		sp_info("kill order=%s", s->name.id.text);
		kin_kill(w, s);
		s->killed = true;
	}
	if (s->stop == STOP_NO)
		return limit;
	return s->killed ? FAR : s->kill_at;
}

void
slot_watch(struct worker *w, int64_t now)
{
	siginfo_t si;
	int i;

	for (i = 0; i < w->opt.slots; i++) {
		struct slot *s = &w->slot[i];

		if (s->state != SLOT_RUNS || s->pid <= 0 || s->died != 0)
			continue;
		si.si_pid = 0;
		if (waitid(P_PID, (id_t)s->pid, &si,
			WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    si.si_pid == s->pid)
			s->died = now;
		else
			(void)slot_due(w, s, now);
	}
}
