/*
 * sql.h - the database as typed calls.  All SQL of the project is in sql.c, the
 * only file that includes sqlite3.h.
 *
 * SP_BAD from any of these: the file is no use any more (corrupt, of another
 * version, taken away): the caller throws it away.  SP_RETRY: disk full, no
 * memory, busy.
 */
#ifndef INDEX_SQL_H
#define INDEX_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include "index/index.h"
#include "index/stamp.h"
#include "libspool/err.h"
#include "libspool/metric.h"
#include "libspool/row.h"
#include "libspool/scan.h"

#define SQL_TAIL 512 /* bytes of outcomes.jsonl that we recognise it by */

struct sql;

/* How far outcomes.jsonl was written when these rows were. */
struct sql_lines {
	uint64_t ino;
	int64_t at;
	char tail[SQL_TAIL];
	size_t tail_n;
};

/* Writing makes the file and its tables; reading wants them there (SP_GONE). */
enum sp_status sql_open(
    const char *path, bool write, struct sql **sql_out, struct sp_err *err);
void sql_close(struct sql *sql);
/* Is the file no longer the one that lies at its path? */
bool sql_moved_is(struct sql *sql);

enum sp_status sql_begin(struct sql *sql, struct sp_err *err);
enum sp_status sql_commit(struct sql *sql, struct sp_err *err);
void sql_rollback(struct sql *sql);

/* ---- rows ---- */

/* No rows, stamps, exports, freshness. */
enum sp_status sql_clear(struct sql *sql, struct sp_err *err);
/* name: its file's; need: what ready.jsonl says of it, NULL for none. */
enum sp_status sql_put(struct sql *sql, int64_t dir, const struct sp_row *row,
    const char *name, const char *need, struct sp_err *err);
enum sp_status
sql_drop(struct sql *sql, int64_t dir, const char *name, struct sp_err *err);
enum sp_status sql_drop_dir(struct sql *sql, int64_t dir, struct sp_err *err);
/* Names recorded for a directory, sorted: the first `most` after `after`. */
enum sp_status sql_names(struct sql *sql, int64_t dir, const char *after,
    size_t most, struct sp_names *names_out, struct sp_err *err);
/* Names, any directory, of orders that are over but have no outcome yet. */
enum sp_status
sql_pending(struct sql *sql, struct sp_names *names_out, struct sp_err *err);
/* Call fn with each order that is over, ascending by id. */
typedef enum sp_status
sql_over_fn(void *arg, enum sp_state state, const char *name, int status);
enum sp_status
sql_over(struct sql *sql, sql_over_fn *fn, void *arg, struct sp_err *err);

/* ---- what else is remembered ---- */

enum sp_status
sql_stamps(struct sql *sql, struct stamps *stamps_out, struct sp_err *err);
enum sp_status
sql_stamp_set(struct sql *sql, const struct stamp *stamp, struct sp_err *err);
enum sp_status sql_stamp_drop(struct sql *sql, int64_t dir, struct sp_err *err);
/* The text of the stamps that the rows are as fresh as; "" for not fresh. */
enum sp_status
sql_fresh(struct sql *sql, struct sp_buf *text_out, struct sp_err *err);
enum sp_status
sql_fresh_set(struct sql *sql, const char *text, struct sp_err *err);
/* This order's outcome is appended to outcomes.jsonl.  *first_out: it was not
 * before. */
enum sp_status sql_lined_set(struct sql *sql, const struct sp_id *id,
    bool *first_out, struct sp_err *err);
enum sp_status sql_lined_clear(struct sql *sql, struct sp_err *err);
enum sp_status
sql_lines(struct sql *sql, struct sql_lines *lines_out, struct sp_err *err);
enum sp_status sql_lines_set(
    struct sql *sql, const struct sql_lines *lines, struct sp_err *err);

/* ---- metrics ---- */

/* The names of orders that run, by id. */
enum sp_status
sql_running(struct sql *sql, struct sp_names *names_out, struct sp_err *err);

/* As they were folded last; SP_OK also for none: then m_out is empty. */
enum sp_status sql_metrics(struct sql *sql, const struct sp_id *id,
    struct sp_metrics *m_out, struct sp_err *err);
enum sp_status sql_metrics_set(struct sql *sql, const struct sp_id *id,
    const struct sp_metrics *m, struct sp_err *err);
/* Of orders that have no entry any more. */
enum sp_status sql_metrics_sweep(struct sql *sql, struct sp_err *err);

/* ---- questions of readers ---- */

/* Ascending by id, beginning with `from`. */
enum sp_status sql_rows(struct sql *sql, unsigned states,
    const struct sp_id *from, index_row_fn *fn, void *arg, struct sp_err *err);
/* Where the `last` newest begin. */
enum sp_status sql_newest(struct sql *sql, unsigned states, size_t last,
    struct sp_id *from_out, struct sp_err *err);
/* Every order's best entry for this id.  SP_GONE: none. */
enum sp_status sql_row(struct sql *sql, const struct sp_id *id,
    struct sp_row *row_out, struct sp_err *err);
/* Call fn with every canonical name, ascending by id. */
typedef int sql_name_fn(void *arg, const struct sp_name *name);
enum sp_status
sql_each_name(struct sql *sql, sql_name_fn *fn, void *arg, struct sp_err *err);
enum sp_status
sql_count(struct sql *sql, size_t count_out[SP_STATES], struct sp_err *err);
/* How many names of a directory come before this one. */
enum sp_status sql_ahead(struct sql *sql, int64_t dir,
    const struct sp_name *name, size_t *n_out, struct sp_err *err);
/* The needs of the first n names of a directory, one a line. */
enum sp_status sql_head(struct sql *sql, int64_t dir, size_t n,
    struct sp_buf *text_out, struct sp_err *err);

/* The smaller, the rather it is the order: index_prefer's arithmetic. */
int64_t sql_rank(enum sp_state state, const struct sp_name *name);

#endif
