/*
 * inner.h - the writer's state, for the rooms of this directory only.
 */
#ifndef INDEX_INNER_H
#define INDEX_INNER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "index/index.h"
#include "index/lines.h"
#include "index/sql.h"
#include "index/stamp.h"

#define INDEX_REQUEST "rebuild" /* in index/: make it anew, please */

struct index {
	const struct sp_spool *spool;
	int dirfd; /* SPOOL/index */
	int lockfd;
	char path[INDEX_PATH_MAX]; /* the database's */
	struct sql *sql;
	uint64_t ino; /* the database's */
	struct stamps known;
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
	int64_t deadline; /* 0: none */
	struct index_report *report;
};

bool work_late(const struct work *work); /* is its time up? */
/* Begin the transaction, unless it was. */
enum sp_status work_begin(struct work *work, struct sp_err *err);
/* Read the order that lies in `dir` under this name and record it. */
enum sp_status work_put(struct work *work, int64_t dir, enum sp_state state,
    const char *text, struct sp_err *err);
/* Bring one directory's entries up to date.  *more_out: time was up. */
enum sp_status work_dir(struct work *work, int64_t dir, enum sp_state state,
    bool *more_out, struct sp_err *err);
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
