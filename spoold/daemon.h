/*
 * daemon.h - what spoold knows, and its chores.  Each _tick does what is due
 * and returns when (sp_mono_ms) it wants to be called again; none decides what
 * another does, they only leave notes in struct daemon.
 */
#ifndef SPOOLD_DAEMON_H
#define SPOOLD_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "index/index.h"
#include "libspool/beat.h"
#include "libspool/keep.h"
#include "libspool/spool.h"
#include "spoold/watch.h"

/* When something is due, and how long it took the last time. */
struct pace {
	int64_t at;
	int64_t ended, took;
};

struct daemon {
	const char *path;
	struct sp_spool spool;
	bool watching; /* inotify sees all changes: the clock is for safety */

	struct sp_keep *keep;
	unsigned dirty; /* for it */
	struct pace keep_pace;

	struct sp_names news; /* names that the watch told, for the index */
	bool news_lost;       /* and not all of them */
	struct index_watch index_watch;
	struct index *index; /* NULL: another has it, or it is in trouble */
	bool standby;
	unsigned index_flags;
	int64_t index_again; /* ms until the next try: more each time */
	struct pace index_pace;
	int64_t follow_at;

	struct sp_buf ready; /* index/ready.jsonl as last published */
	struct sp_buf ready_next;
	bool ready_known;
	int64_t ready_at, ready_ended;

	/* index/ready.names: how many, and how many may be gone since */
	bool names_known;
	size_t names_n, names_gone;
	int64_t names_ended;
	char names_first[SP_NAME_MAX];

	struct sp_beat beat;
	int64_t beat_at;

	int64_t look_at, look_every;
	unsigned looks;
	bool changed; /* since the last look */

	bool anew; /* open the spool again */
	int64_t anew_at;
};

#define NEVER INT64_MAX

/* ---- daemon.c ---- */

/* Only here may spoold give up. */
enum sp_status daemon_open(
    struct daemon *d, const char *path, const char *name, struct sp_err *err);
void daemon_close(struct daemon *d);
/* Take what the watch has seen. */
void daemon_news(struct daemon *d, int64_t now);
/* Look at everything, whatever is known. */
void daemon_rescan(struct daemon *d, int64_t now);
/* Does its path still lead to the spool that we have open? */
void daemon_place(struct daemon *d, int64_t now);
int64_t anew_tick(struct daemon *d, int64_t now);
int64_t look_tick(struct daemon *d, int64_t now);
int64_t keep_tick(struct daemon *d, int64_t now);
int64_t beat_tick(struct daemon *d, int64_t now);
void beat_bye(struct daemon *d);

/* ---- indexing.c ---- */

int64_t index_tick(struct daemon *d, int64_t now);
/* Let go of the index; `retire`: and of the hints that nobody keeps now. */
void index_drop(struct daemon *d, bool retire);
int64_t ready_tick(struct daemon *d, int64_t now);
/* With each beat: whoever only looks at the time of index/ready.jsonl sees that
 * it is kept. */
void ready_touch(struct daemon *d);
/* The metrics of what runs. */
int64_t follow_tick(struct daemon *d, int64_t now);

/* ---- pace.c: quiet times grow with the work (pure) ---- */

/* Something came in at `now`: when to act on it?  At once after a rest, else
 * after `least` ms or so long that `share` of the time is rest. */
void pace_wake(struct pace *pace, int64_t now, int64_t delay, int64_t least,
    int64_t share, int64_t most);
void pace_done(struct pace *pace, int64_t began, int64_t ended);

#endif
