/*
 * sqlq.h - statements, for sql.c, sqlput.c and sqlget.c only; they include
 * sqlite3.h before it.
 */
#ifndef INDEX_SQLQ_H
#define INDEX_SQLQ_H

#include "libspool/err.h"

enum {
	Q_BEGIN,
	Q_COMMIT,
	Q_ROLLBACK,
	Q_PUT,
	Q_DROP,
	Q_DROP_DIR,
	Q_NAMES,
	Q_PENDING,
	Q_OVER,
	Q_STAMPS,
	Q_STAMP_SET,
	Q_STAMP_DROP,
	Q_FRESH,
	Q_FRESH_SET,
	Q_LINED_SET,
	Q_LINES,
	Q_LINES_SET,
	Q_ROWS,
	Q_ROWS_STATE,
	Q_NEWEST,
	Q_NEWEST_STATE,
	Q_ROW,
	Q_ALL_NAMES,
	Q_COUNT,
	Q_HEAD,
	Q_AHEAD,
	Q_RUNNING,
	Q_METRICS,
	Q_METRICS_SET,
	Q_METRICS_SWEEP,
	Q_CLEAR_ROWS,
	Q_CLEAR_DIRS,
	Q_CLEAR_LINED,
	Q_CLEAR_FRESH,
	Q_CLEAR_METRICS,
	Q_ALL
};

struct sql {
	sqlite3 *db;
	sqlite3_stmt *q[Q_ALL];
};

/* The statement, ready for its parameters; NULL when it cannot be had. */
sqlite3_stmt *sql_query(struct sql *sql, int which, struct sp_err *err);
/* The status of sqlite3_step's last answer; the statement is ready again. */
enum sp_status
sql_end(struct sql *sql, sqlite3_stmt *q, int rc, struct sp_err *err);
/* A statement that gives no rows; q may be NULL. */
enum sp_status sql_run(struct sql *sql, sqlite3_stmt *q, struct sp_err *err);
enum sp_status sql_trouble(struct sql *sql, int rc, struct sp_err *err);

static inline const char *
sql_text_at(sqlite3_stmt *q, int i)
{
	const char *text = (const char *)sqlite3_column_text(q, i);

	return text == NULL ? "" : text;
}

static inline void
sql_bind_text(sqlite3_stmt *q, int i, const char *text)
{
	(void)sqlite3_bind_text(q, i, text, -1, SQLITE_STATIC);
}

#endif
