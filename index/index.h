/*
 * index.h - the index: one row an order in SQLite, derived from the
 * directories and disposable at any moment.
 *
 * Readers (tools) get rows only while the index is fresh, which is decided by
 * the directories' own modification times, never by asking a daemon.  One
 * writer, the holder of index/lock, keeps it so: spoold, or `spool reindex`.
 *
 * The database is SPOOL/index/spool.db when the spool is local; else (WAL does
 * not work over a network) STATE/DIR/spool.db, where STATE is the first that
 * can be had of $XDG_STATE_HOME/spool, /var/lib/spool and
 * ~/.local/state/spool, and DIR is made from the spool's path.
 */
#ifndef INDEX_H
#define INDEX_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/row.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

/* ---- which of two entries is the order (pure) ---- */

/*
 * An order has one name, but whoever lists directories one after the other may
 * meet it twice (it moved, or a half rename, or a breach).  <0: a is the one
 * to show, >0: b.  Over beats not over; of two that are over the lowest
 * ticket; else the highest ticket, then the later state.
 */
int index_prefer(enum sp_state a_state, const struct sp_name *a,
    enum sp_state b_state, const struct sp_name *b);

/* Is `part` a part of this order's id or label? */
bool index_match_ok(const struct sp_name *name, const char *part);

/* ---- reading ---- */

#define INDEX_STATE(state) (1u << (state))
#define INDEX_ALL          ((1u << SP_STATES) - 1)
#define INDEX_METRICS      (1u << 30) /* rows have their metrics with them */
#define INDEX_FACTS        (1u << 29) /* and their facts */

/* A non-zero result ends the walk. */
typedef int index_row_fn(void *arg, const struct sp_row *row);

/*
 * What tools want: rows of the states asked for (INDEX_STATE bits), one an
 * order, ascending by id; from the index when it is fresh, else from the
 * directories, with the same result.  from_index_out may be NULL.
 */
enum sp_status index_list(const struct sp_spool *spool, unsigned states,
    index_row_fn *fn, void *arg, bool *from_index_out, struct sp_err *err);

/* The same of the `last` newest at least: it may begin sooner. */
enum sp_status index_newest(const struct sp_spool *spool, unsigned states,
    size_t last, index_row_fn *fn, void *arg, struct sp_err *err);

/* The same of those whose id is `from` or behind it. */
enum sp_status index_list_from(const struct sp_spool *spool, unsigned states,
    const struct sp_id *from, index_row_fn *fn, void *arg, struct sp_err *err);

/* The same from the directories alone.  last: the newest so many, as they are
 * listed (one that goes meanwhile is not made up for); 0: all.  from: NULL,
 * or where to begin. */
enum sp_status index_list_dirs(const struct sp_spool *spool, unsigned states,
    const struct sp_id *from, size_t last, index_row_fn *fn, void *arg,
    struct sp_err *err);

/*
 * The order whose id is `part`, else the only one of whose id or label `part`
 * is a part; from the index or the directories.  SP_GONE: none.  SP_BAD:
 * several; err names some of them.
 */
enum sp_status index_find(const struct sp_spool *spool, const char *part,
    struct sp_row *row_out, struct sp_err *err);

/* Orders in each state; from the index or the directories. */
enum sp_status index_count(const struct sp_spool *spool,
    size_t count_out[SP_STATES], struct sp_err *err);

/* How many orders stand before this one in new/, from the index alone.
 * SP_GONE: it is not fresh. */
enum sp_status index_ahead(
    const struct sp_spool *spool, const struct sp_name *name, size_t *n_out);

/* The parts of the above that read the index only. */
struct index_reader;

/*
 * SP_OK: it equalled the directories at a moment after this was called; what
 * is read through it is of that one moment.  SP_GONE: there is none, or it is
 * not fresh (a running spoold was given up to INDEX_WAIT_MS to make it so):
 * read the directories.
 */
#define INDEX_WAIT_MS 150
enum sp_status index_open_read(const struct sp_spool *spool,
    struct index_reader **reader_out, struct sp_err *err);
void index_close_read(struct index_reader *reader);
/* last: 0 for all that begin at `from` (NULL: at the first). */
enum sp_status index_reader_list(struct index_reader *reader, unsigned states,
    const struct sp_id *from, size_t last, index_row_fn *fn, void *arg,
    struct sp_err *err);
enum sp_status index_reader_find(struct index_reader *reader, const char *part,
    struct sp_row *row_out, struct sp_err *err);
enum sp_status index_reader_count(struct index_reader *reader,
    size_t count_out[SP_STATES], struct sp_err *err);

/* For who shuts himself in: the nth directory outside the spool where the
 * database may be; false: none. */
#define INDEX_PATH_MAX (PATH_MAX + 64)
bool index_outside(
    const struct sp_spool *spool, unsigned nth, char path_out[INDEX_PATH_MAX]);

/* ---- spool reindex ---- */

/*
 * Make the index and index/outcomes.jsonl anew from the directories.  Where a
 * spoold has the index, ask it to (index/rebuild) and wait until it did, at
 * most wait_ms: then SP_RETRY.  by_spoold_out may be NULL.
 */
enum sp_status index_rebuild(const struct sp_spool *spool, int64_t wait_ms,
    bool *by_spoold_out, struct sp_err *err);

/* ---- writing: spoold ---- */

struct index;

/* SP_LOST: another process has index/lock.  Anything wrong with the database
 * is mended by making it anew; SP_RETRY: the disk is in the way. */
enum sp_status index_open(
    const struct sp_spool *spool, struct index **index_out, struct sp_err *err);
void index_close(struct index *index);

/*
 * What a watch on the spool's own directories sees spares listing them.  Names
 * are hints where to look, but none may be missing.
 */
#define INDEX_NEWS_MOST 16384 /* names at a time: listing is cheaper */

struct index_watch {
	/* Add what changed since the last call: "new/NAME", "done/DAY/NAME".
	 * false: some was missed, or there is no watch. */
	bool (*take)(void *arg, struct sp_names *names);
	/* Is this directory ("new", "done/DAY") watched from now on? */
	bool (*on)(void *arg, const char *dir);
	void *arg;
};

/* Borrowed; by index_open there is none. */
void index_watched(struct index *index, const struct index_watch *watch);

enum index_flags {
	INDEX_FORCE = 1,   /* list all, whatever the modification times say */
	INDEX_OUTCOMES = 2 /* outcomes may have been taken away: compare all */
};

/* What a sync found. */
struct index_report {
	bool more;         /* it stopped after its share of time: call again */
	bool fresh;        /* readers will believe it */
	bool head_changed; /* something came into or left new/ */
	size_t put, gone, lines;
};

/*
 * Bring rows and index/outcomes.jsonl up to the directories, for about
 * share_ms (0: to the end).  SP_LOST: index/ was taken away, or another has
 * it: close, open again.  SP_RETRY: later.
 */
enum sp_status index_sync(struct index *index, unsigned flags, int64_t share_ms,
    struct index_report *report_out, struct sp_err *err);

/*
 * Fold what came to the metrics of running orders, for about share_ms.  Rows
 * need not wait for it: a reader folds what is still missing.  *running_out:
 * how many there are; *more_out: time was up, call again.
 */
enum sp_status index_follow(struct index *index, int64_t share_ms,
    size_t *running_out, bool *more_out, struct sp_err *err);

/* index/ready.jsonl's text: the first n orders of new/ in dispatch order, one
 * JSON object a line: name, script, gpus, cpus, memory, requires.  SP_GONE:
 * new/ was not gone through yet. */
enum sp_status index_head(
    struct index *index, size_t n, struct sp_buf *text_out, struct sp_err *err);

/* The same orders' names alone, a line each, for who needs many. */
enum sp_status index_names(struct index *index, size_t n,
    struct sp_buf *text_out, size_t *n_out, struct sp_err *err);

/* A handle on SPOOL/index as it is now; borrowed. */
int index_dir(const struct index *index);

#endif
