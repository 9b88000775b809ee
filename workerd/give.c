/*
 * give.c - hand back what is over: to the thread that commits, to the queue, or
 * to the cancelled.  The slot stays taken until that has happened, so nothing
 * is ever dropped while the spool is away.
 */
#include "libspool/log.h"
#include "workerd/report.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define DELAY_LEAST 500
#define DELAY_MOST  30000

static enum sp_status
give(struct worker *w, struct slot *s, struct sp_err *err)
{
	switch (s->give) {
	case GIVE_COMMIT:
		return commit_put(&w->commit, &s->name, s->status, &s->outcome);
	case GIVE_RELEASE:
		return w->ops->release(
		    w->tr, &s->name, s->how, s->cause, s->why, err);
	case GIVE_CANCEL:
		return w->ops->cancel(w->tr, &s->name,
		    s->outcome.len > 0 ? s->outcome.data : NULL, s->outcome.len,
		    s->why, err);
	case GIVE_NOTHING:
		break;
	}
	return SP_OK;
}

static void
say(const struct slot *s)
{
	static const char *const how[] = { [TR_BACK] = "back",
		[TR_PREEMPTED] = "preempted",
		[TR_RETRY] = "retry" };

	if (s->give == GIVE_RELEASE)
		sp_info("release order=%s as %s: %s", s->name.id.text,
		    how[s->how], s->why);
	else if (s->give == GIVE_CANCEL)
		sp_info("cancel order=%s: %s", s->name.id.text, s->why);
	else if (s->give == GIVE_NOTHING)
		sp_info("discard order=%s: %s", s->name.id.text, s->why);
}

int64_t
give_tick(struct worker *w, struct slot *s, int64_t now)
{
	struct sp_err err = { "" };
	enum sp_status st;

	if (now < s->give_at)
		return s->give_at;
	st = give(w, s, &err);
	if (st == SP_RETRY || st == SP_FATAL) {
		if (s->give_delay == 0)
			sp_warn("give order=%s waits: %s", s->name.id.text,
			    err.text);
		s->give_delay =
		    s->give_delay == 0 ? DELAY_LEAST : s->give_delay * 2;
		if (s->give_delay > DELAY_MOST)
			s->give_delay = DELAY_MOST;
		s->give_at = now + s->give_delay;
		return s->give_at;
	}
	if (st == SP_OK)
		say(s);
	else if (st == SP_BAD)
		sp_warn("give order=%s: %s", s->name.id.text, err.text);
	else
		sp_info(
		    "give order=%s: somebody else took it", s->name.id.text);
	slot_empty(w, s);
	return FAR;
}
