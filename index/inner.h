/*
 * inner.h - the writer's state, for the rooms of this directory only.
 */
#ifndef INDEX_INNER_H
#define INDEX_INNER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "index/ahead.h"
#include "index/index.h"
#include "index/lines.h"
#include "index/sql.h"
#include "index/stamp.h"

#define INDEX_REQUEST "rebuild" /* in index/: make it anew, please */

/* One of two sorted lists that are compared, a stretch at a time. */
struct side {
	struct sp_names names;
	size_t at;
	bool more;      /* behind this stretch */
	char last[256]; /* of the stretch before it */
};

/* The comparison of one directory with its rows: when time is up it stays where
 * it is. */
struct walk {
	bool on;
	bool told;          /* it is watched, since before it was listed */
	struct stamp began; /* what it looked like then */
	struct side here, known;
	size_t ahead; /* so many of here's stretch are being read */
};

struct index {
	const struct sp_spool *spool;
	int dirfd; /* SPOOL/index */
	int lockfd;
	char path[INDEX_PATH_MAX]; /* the database's */
	struct sql *sql;
	uint64_t ino; /* the database's */
	struct stamps known;
	struct walk walk;
	const struct index_watch *watch; /* NULL: none */
	struct sp_names news;            /* "new/NAME", told, not seen to yet */
	struct sp_buf fresh; /* the stamps that readers go by, "" for none */
	struct lines lines;
	bool compare;          /* outcomes may have been taken away */
	bool asked;            /* index/rebuild is being served */
	unsigned thrown;       /* in a row */
	struct sp_id followed; /* the last one whose metrics were looked at */
};

/* One sync under way; one transaction. */
struct work {
	struct index *ix;
	struct stamps now;
	bool *done;       /* of each of now: recorded with this transaction */
	bool begun;       /* a transaction */
	size_t odd;       /* what could not be read: never fresh */
	bool behind;      /* rows are of a moment that has passed */
	int64_t deadline; /* 0: none */
	int dirfd;        /* of the directory that was read from last, -1 */
	int64_t dir;      /* and which that was */
	struct ahead *ahead;    /* who reads from there, NULL: we alone */
	struct entry_read read; /* by ourselves */
	struct index_report *report;
};

bool work_late(const struct work *work); /* is its time up? */
/* Begin the transaction, unless it was. */
enum sp_status work_begin(struct work *work, struct sp_err *err);
/* Read the order that lies in `dir` under this name and record it.  SP_GONE: it
 * is not there. */
enum sp_status work_put(struct work *work, int64_t dir, enum sp_state state,
    const char *text, struct sp_err *err);
/* Have it read, for work_put is near; false: not now. */
bool work_ahead(
    struct work *work, int64_t dir, enum sp_state state, const char *text);
void work_alone(struct work *work); /* no more of that */
enum sp_status work_drop(struct work *work, int64_t dir, enum sp_state state,
    const char *text, struct sp_err *err);

/* ---- one directory (walk.c) ---- */

/* Begin, or go on: bring the entries of `now` up to date by listing.
 * *more_out: time was up.  Done, `now` is what the rows are as new as. */
enum sp_status work_dir(struct work *work, struct stamp *now,
    enum sp_state state, bool *more_out, struct sp_err *err);
void walk_stop(struct walk *walk);

/* Take what the watch has to tell, after the stamps were taken. */
void news_take(struct work *work);
/* Is what it told all that happened there? */
bool news_of(const struct work *work, const struct stamp *now);
/* Bring its entries up to date by that.  *more_out: time was up. */
enum sp_status work_news(struct work *work, struct stamp *now,
    enum sp_state state, bool *more_out, struct sp_err *err);
/* They are recorded for good; or not, and everything must be listed. */
void news_keep(struct index *index);
void news_lost(struct index *index);

/* The names of root/path, sorted: the next stretch when the last was used. */
enum sp_status
side_list(struct side *side, int root, const char *path, struct sp_err *err);
const char *side_name(const struct side *side); /* NULL: no more */
void side_clear(struct side *side);             /* to the beginning */

/* ---- outcomes (over.c) ---- */

/* Read orders again whose outcome came or went. */
enum sp_status
work_outcomes(struct work *work, bool *more_out, struct sp_err *err);

/* The directory of the database: made when `make`.  `nth`: places to try in
 * turn; SP_GONE behind the last. */
enum sp_status index_place(const struct sp_spool *spool, unsigned nth,
    bool make, char path_out[INDEX_PATH_MAX], struct sp_err *err);
/* Open the database and what it tells of; one that is no use is thrown away
 * and made anew. */
enum sp_status index_load(struct index *index, struct sp_err *err);
/* Close the database and remove its files. */
void index_throw(struct index *index);
/* Are index/ and its lock still the ones at their place? */
bool index_ours_is(const struct index *index);
/* And the database's files? */
bool index_whole_is(const struct index *index);
/* ---- a part of an id or label (list.c) ---- */

struct index_search {
	const char *part;
	struct sp_id first, last;
	size_t found;
	char some[160];
};

/* Names come ascending by id; an id may come twice. */
int index_search_one(void *search, const struct sp_name *name);
/* SP_OK: `first` is the only one. */
enum sp_status
index_search_end(const struct index_search *search, struct sp_err *err);

/* Has somebody index/lock?  (Who asks may disturb for a moment.) */
bool index_kept_is(const struct sp_spool *spool);

#endif
