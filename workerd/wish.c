/*
 * wish.c - what people ask of this worker (libspool/wish.h), looked at before
 * each beat, so that the beat says already what is done about it.  Until that
 * is known for the first time nothing is claimed: a worker that is started
 * again while it is drained stays so.
 */
#include "libspool/log.h"
#include "workerd/slot.h"
#include "workerd/wish.h"
#include "workerd/worker.h"

bool
wish_drained(const struct worker *w)
{
	return !w->wish.known || w->wish.is.drain;
}

void
wish_look(struct worker *w, int64_t now)
{
	bool before = w->wish.is.drain, known = w->wish.known;
	struct sp_err err = { "" };
	struct tr_wishes is;
	int i;

	if (w->ops->wishes(w->tr, &is, &err) != SP_OK) {
		if (sp_warn_due("wishes"))
			sp_warn("look at drain/: %s", err.text);
		return;
	}
	w->wish.is = is;
	w->wish.known = true;
	if (is.drain && !before)
		sp_info("drain: no more claims until 'spool resume'");
	if ((before && !is.drain) || is.resume) {
		sp_info("resume: claims again");
		health_forgive(w);
		look_pause(w, now, 0);
	}
	if (is.resume)
		health_forgive(w);
	if (!known || before != is.drain || is.resume)
		look_soon(w);
	for (i = 0; i < w->opt.slots && is.now; i++)
		slot_stop(&w->slot[i], STOP_QUIT,
		    "the worker is drained (spool drain --now)", now);
}
