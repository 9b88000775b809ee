/*
 * origin.h - serve an original Boss (the system that this one comes from): its
 * orders are put into a spool of ours, where they run as any other, and what
 * came of them is posted back.
 *
 *	origin.c	the thread that asks and posts
 *	originbook.c	what we owe the Boss, on disk
 *
 * The Boss may be away for as long as it likes; may drop the connection, hang,
 * or answer 200 to everything; and takes no outcome with a number that is none.
 * What it is owed lies in SPOOL/origin/BOSS/ORDER.json from the moment that it
 * gave us an order until it has answered to the outcome.  A crash between its
 * answer and that file loses the order to us: the Boss believes for ever that
 * somebody has it, which is a fault of its own that nobody outside can mend.
 */
#ifndef TR_ORIGIN_H
#define TR_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/err.h"

struct tr_origin;

struct tr_origin_ops {
	/* url: http[s]://HOST[:PORT][/PREFIX]; spool: a directory; name: what
	 * we call ourselves.  SP_FATAL in words: no such URL, no such spool, or
	 * another process serves this Boss from this spool. */
	enum sp_status (*open)(const char *url, const char *spool,
	    const char *name, struct tr_origin **origin_out,
	    struct sp_err *err);
	/* So many orders could be begun at once.  From the main thread; never
	 * waits. */
	void (*want)(struct tr_origin *o, int n);
	/* When asked last, the Boss had none, and it is owed nothing. */
	bool (*quiet)(struct tr_origin *o);
	/* Post what is over, for at most so many ms; then leave the rest to the
	 * next one.  Takes NULL too. */
	void (*close)(struct tr_origin *o, int64_t ms);
};

extern const struct tr_origin_ops tr_origin_ops; /* media.h says who has it */

#endif
