/*
 * sqlput.c - typed calls that write to the database.
 */
#include <sqlite3.h>
#include <string.h>

#include "index/sql.h"
#include "index/sqlq.h"

static void
sql_bind_real(sqlite3_stmt *q, int i, bool has, double value)
{
	if (has)
		(void)sqlite3_bind_double(q, i, value);
	else
		(void)sqlite3_bind_null(q, i);
}

/* ---- rows ---- */

int64_t
sql_rank(enum sp_state state, const struct sp_name *name)
{
	if (sp_state_over_is(state))
		return (int64_t)name->ticket * 2 + (state == SP_FAILED);
	return 10000000 + (int64_t)(SP_COUNT_MAX - name->ticket) * 4 +
	    (SP_ASSIGNED - (int)state);
}

enum sp_status
sql_clear(struct sql *sql, struct sp_err *err)
{
	static const int all[] = { Q_CLEAR_ROWS, Q_CLEAR_DIRS, Q_CLEAR_LINED,
		Q_CLEAR_FRESH, Q_CLEAR_METRICS };
	enum sp_status st = SP_OK;
	size_t i;

	for (i = 0; i < sizeof all / sizeof *all && st == SP_OK; i++)
		st = sql_run(sql, sql_query(sql, all[i], err), err);
	return st;
}

enum sp_status
sql_put(struct sql *sql, int64_t dir, const struct sp_row *row,
    const char *name, const char *need, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_PUT, err);

	if (q == NULL)
		return SP_BAD;
	(void)sqlite3_bind_int64(q, 1, dir);
	sql_bind_text(q, 2, row->name.id.text);
	(void)sqlite3_bind_int64(q, 3, sql_rank(row->state, &row->name));
	if (need != NULL)
		sql_bind_text(q, 4, need);
	sql_bind_text(q, 5, name);
	(void)sqlite3_bind_int(q, 6, (int)row->state);
	sql_bind_text(q, 7, row->script);
	sql_bind_text(q, 8, row->data);
	sql_bind_text(q, 9, row->project);
	sql_bind_text(q, 10, row->title);
	sql_bind_text(q, 11, row->retry_of);
	(void)sqlite3_bind_int(q, 12, row->status);
	sql_bind_text(q, 13, row->cause);
	sql_bind_text(q, 14, row->error);
	sql_bind_real(q, 15, row->has_loss, row->loss);
	sql_bind_real(q, 16, row->has_metric, row->metric);
	sql_bind_real(q, 17, row->has_seconds, row->seconds);
	(void)sqlite3_bind_int64(q, 18, row->started);
	(void)sqlite3_bind_int64(q, 19, row->finished);
	sql_bind_real(q, 20, true, row->length.epochs);
	sql_bind_real(q, 21, true, row->length.steps);
	sql_bind_real(q, 22, row->has_step, row->step);
	sql_bind_real(q, 23, row->has_progress, row->progress);
	(void)sqlite3_bind_int64(q, 24, row->eta);
	sql_bind_text(q, 25, row->owner);
	if (row->facts != NULL)
		sql_bind_text(q, 26, row->facts);
	return sql_run(sql, q, err);
}

enum sp_status
sql_drop(struct sql *sql, int64_t dir, const char *name, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_DROP, err);

	if (q == NULL)
		return SP_BAD;
	(void)sqlite3_bind_int64(q, 1, dir);
	sql_bind_text(q, 2, name);
	return sql_run(sql, q, err);
}

enum sp_status
sql_drop_dir(struct sql *sql, int64_t dir, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_DROP_DIR, err);

	if (q == NULL)
		return SP_BAD;
	(void)sqlite3_bind_int64(q, 1, dir);
	return sql_run(sql, q, err);
}

/* ---- metrics ---- */

enum sp_status
sql_metrics_set(struct sql *sql, const struct sp_id *id,
    const struct sp_metrics *m, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_METRIC_TEXT);
	sqlite3_stmt *q = sql_query(sql, Q_METRICS_SET, err);
	enum sp_status st = SP_BAD;

	if (q != NULL) {
		sp_metrics_print(m, &text);
		sql_bind_text(q, 1, id->text);
		sql_bind_text(q, 2, sp_buf_text(&text));
		st = text.failed
		    ? sp_err_set(err, SP_RETRY, "no memory for metrics")
		    : sql_run(sql, q, err);
	}
	sp_buf_clear(&text);
	return st;
}

enum sp_status
sql_metrics_sweep(struct sql *sql, struct sp_err *err)
{
	return sql_run(sql, sql_query(sql, Q_METRICS_SWEEP, err), err);
}

/* ---- what else is remembered ---- */

enum sp_status
sql_stamp_set(struct sql *sql, const struct stamp *stamp, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_STAMP_SET, err);

	if (q == NULL)
		return SP_BAD;
	(void)sqlite3_bind_int64(q, 1, stamp->dir);
	(void)sqlite3_bind_int64(q, 2, (int64_t)stamp->ino);
	(void)sqlite3_bind_int64(q, 3, stamp->mtime);
	(void)sqlite3_bind_int64(q, 4, stamp->ctime);
	(void)sqlite3_bind_int(q, 5, stamp->settled);
	return sql_run(sql, q, err);
}

enum sp_status
sql_stamp_drop(struct sql *sql, int64_t dir, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_STAMP_DROP, err);

	if (q == NULL)
		return SP_BAD;
	(void)sqlite3_bind_int64(q, 1, dir);
	return sql_run(sql, q, err);
}

enum sp_status
sql_fresh_set(struct sql *sql, const char *text, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_FRESH_SET, err);

	if (q == NULL)
		return SP_BAD;
	sql_bind_text(q, 1, text);
	return sql_run(sql, q, err);
}

enum sp_status
sql_lined_set(struct sql *sql, const struct sp_id *id, bool *first_out,
    struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_LINED_SET, err);
	enum sp_status st;

	if (q == NULL)
		return SP_BAD;
	sql_bind_text(q, 1, id->text);
	st = sql_run(sql, q, err);
	*first_out = sqlite3_changes(sql->db) > 0;
	return st;
}

enum sp_status
sql_lined_clear(struct sql *sql, struct sp_err *err)
{
	return sql_run(sql, sql_query(sql, Q_CLEAR_LINED, err), err);
}

enum sp_status
sql_lines_set(
    struct sql *sql, const struct sql_lines *lines, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_LINES_SET, err);

	if (q == NULL)
		return SP_BAD;
	(void)sqlite3_bind_int64(q, 1, (int64_t)lines->ino);
	(void)sqlite3_bind_int64(q, 2, lines->at);
	(void)sqlite3_bind_blob(
	    q, 3, lines->tail, (int)lines->tail_n, SQLITE_STATIC);
	return sql_run(sql, q, err);
}
