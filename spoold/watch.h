/*
 * watch.h - which directories may have changed, and which names in them.  An
 * event is a hint to look there, no more: what is there is found by looking.
 *
 * One watcher a process (libinotifytools has one).  Call watch_open first of
 * all in main, before threads and other files.
 */
#ifndef SPOOLD_WATCH_H
#define SPOOLD_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/err.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

struct watch_news {
	unsigned dirty; /* SP_DIRTY bits (keep.h): what must be listed, */
	bool any;       /* or something was told by name */
	bool taken;     /* an outcome was taken away */
	bool lost;      /* not all names were told */
	bool anew;      /* a directory was replaced, or events were lost with
	                 * their watches: open the spool and watch anew */
};

void watch_open(void);
/* Watch the directories of this spool and no others.  SP_RETRY: some cannot
 * be; then there is no handle, and the clock has to do. */
enum sp_status watch_set(const struct sp_spool *spool, struct sp_err *err);
/* Polls readable when there is news; -1: none to be had. */
int watch_fd(void);
/* All the news there is; never waits.  Added to `changed`: names of orders that
 * came or went ("new/NAME", "done/DAY/NAME"), NULL: nobody asks; to `came`:
 * what came into new/. */
struct watch_news watch_take(struct sp_names *changed, struct sp_names *came);
/* Watch a day in done/ or failed/ ("done/DAY") too, unless it is.  false: that
 * cannot be had. */
bool watch_day(const struct sp_spool *spool, const char *day);
void watch_close(void);

/* ---- the two ways to inotify (watch.c, raw.c) ---- */

struct watch_event {
	int wd;
	uint32_t mask;
	const char *name; /* until the next call; "" when none */
};

struct watch_door {
	const char *name;
	int (*open)(void); /* a handle for poll, non-blocking; -1 */
	int (*add)(const char *path, uint32_t mask); /* a wd; -1, errno */
	bool (*next)(struct watch_event *event_out); /* never waits */
	void (*close)(void);
};

extern const struct watch_door watch_raw;

/* Which way it is; for the log. */
const char *watch_name(void);

#endif
