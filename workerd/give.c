/*
 * give.c - an attempt that is over leaves its slot: what is to be handed back
 * of it goes to the thread that does that (commit.c), and keeps no slot from
 * the next one, however far away the spool is.
 */
#include "libspool/log.h"
#include "workerd/outcopy.h"
#include "workerd/parcel.h"
#include "workerd/report.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define AGAIN_MS 500

int64_t
give_tick(struct worker *w, struct slot *s, int64_t now)
{
	struct parcel *p;

	if (s->give == GIVE_NOTHING) {
		sp_info("discard order=%s: %s", s->name.id.text, s->why);
		outcopy_free(s->copy, true);
		s->copy = NULL;
	} else if ((p = parcel_make(s)) == NULL) {
		if (sp_warn_due("give"))
			sp_warn(
			    "give order=%s waits: no memory", s->name.id.text);
		return now + AGAIN_MS;
	} else
		commit_put(&w->commit, p);
	slot_empty(w, s);
	return FAR;
}
