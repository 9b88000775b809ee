/*
 * sqlget.c - typed calls that read the database.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "index/sql.h"
#include "index/sqlq.h"

static void
copy_at(sqlite3_stmt *q, int i, char *out, size_t size)
{
	(void)snprintf(out, size, "%s", sql_text_at(q, i));
}

static bool
real_at(sqlite3_stmt *q, int i, double *value_out)
{
	if (sqlite3_column_type(q, i) == SQLITE_NULL)
		return false;
	*value_out = sqlite3_column_double(q, i);
	return true;
}

/* The first column of every row, in the order that the statement gives. */
static enum sp_status
collect(
    struct sql *sql, sqlite3_stmt *q, struct sp_names *out, struct sp_err *err)
{
	enum sp_status st = SP_OK, ended;
	int rc;

	out->n = out->len = 0;
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		if ((st = sp_names_add(out, sql_text_at(q, 0))) != SP_OK) {
			(void)sp_err_set(err, st, "no memory");
			break;
		}
	ended = sql_end(sql, q, rc, err);
	return st != SP_OK ? st : ended;
}

enum sp_status
sql_names(struct sql *sql, int64_t dir, const char *after, size_t most,
    struct sp_names *names_out, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_NAMES, err);

	if (q == NULL)
		return SP_BAD;
	(void)sqlite3_bind_int64(q, 1, dir);
	sql_bind_text(q, 2, after);
	(void)sqlite3_bind_int64(q, 3, (int64_t)most);
	return collect(sql, q, names_out, err);
}

/* The state's digit stands before each name. */
enum sp_status
sql_pending(struct sql *sql, struct sp_names *names_out, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_PENDING, err);

	return q == NULL ? SP_BAD : collect(sql, q, names_out, err);
}

enum sp_status
sql_over(struct sql *sql, sql_over_fn *fn, void *arg, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_OVER, err);
	enum sp_status st = SP_OK, ended;
	int rc;

	if (q == NULL)
		return SP_BAD;
	while (st == SP_OK && (rc = sqlite3_step(q)) == SQLITE_ROW)
		st = fn(arg, (enum sp_state)sqlite3_column_int(q, 0),
		    sql_text_at(q, 1), sqlite3_column_int(q, 2));
	ended = sql_end(sql, q, st == SP_OK ? rc : SQLITE_ROW, err);
	return st != SP_OK ? st : ended;
}
/* ---- what else is remembered ---- */

enum sp_status
sql_stamps(struct sql *sql, struct stamps *out, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_STAMPS, err);
	enum sp_status st = SP_OK, ended;
	struct stamp s = { 0 };
	int rc;

	if (q == NULL)
		return SP_BAD;
	out->n = 0;
	while (st == SP_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		s.dir = sqlite3_column_int64(q, 0);
		s.ino = (uint64_t)sqlite3_column_int64(q, 1);
		s.mtime = sqlite3_column_int64(q, 2);
		s.ctime = sqlite3_column_int64(q, 3);
		s.settled = sqlite3_column_int(q, 4) != 0;
		if ((st = stamps_set(out, &s)) != SP_OK)
			(void)sp_err_set(err, st, "no memory");
	}
	ended = sql_end(sql, q, st == SP_OK ? rc : SQLITE_ROW, err);
	return st != SP_OK ? st : ended;
}

enum sp_status
sql_fresh(struct sql *sql, struct sp_buf *text_out, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_FRESH, err);
	int rc;

	if (q == NULL)
		return SP_BAD;
	sp_buf_reset(text_out);
	if ((rc = sqlite3_step(q)) == SQLITE_ROW)
		sp_buf_puts(text_out, sql_text_at(q, 0));
	return sql_end(sql, q, rc, err);
}

enum sp_status
sql_lines(struct sql *sql, struct sql_lines *out, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_LINES, err);
	const void *tail;
	int rc, n;

	if (q == NULL)
		return SP_BAD;
	(void)memset(out, 0, sizeof *out);
	if ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		out->ino = (uint64_t)sqlite3_column_int64(q, 0);
		out->at = sqlite3_column_int64(q, 1);
		tail = sqlite3_column_blob(q, 2);
		n = sqlite3_column_bytes(q, 2);
		if (n > 0 && n <= SQL_TAIL) {
			(void)memcpy(out->tail, tail, (size_t)n);
			out->tail_n = (size_t)n;
		}
	}
	return sql_end(sql, q, rc, err);
}

/* ---- metrics ---- */

enum sp_status
sql_running(struct sql *sql, struct sp_names *names_out, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_RUNNING, err);

	return q == NULL ? SP_BAD : collect(sql, q, names_out, err);
}

enum sp_status
sql_metrics(struct sql *sql, const struct sp_id *id, struct sp_metrics *m_out,
    struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_METRICS, err);
	const char *text;
	int rc;

	if (q == NULL)
		return SP_BAD;
	sp_metrics_init(m_out);
	sql_bind_text(q, 1, id->text);
	if ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		text = sql_text_at(q, 0);
		/* What is no text of ours is folded anew. */
		if (sp_metrics_parse(text, strlen(text), m_out) != SP_OK)
			sp_metrics_init(m_out);
	}
	return sql_end(sql, q, rc, err);
}

/* ---- questions of readers ---- */

/* Columns 1.. are ROW_COLUMNS.  false: nobody of ours wrote that. */
static bool
row_at(sqlite3_stmt *q, struct sp_row *row)
{
	(void)memset(row, 0, sizeof *row);
	if (sp_name_parse(sql_text_at(q, 1), &row->name) != SP_OK)
		return false;
	row->state = (enum sp_state)(sqlite3_column_int(q, 2) % SP_STATES);
	copy_at(q, 3, row->script, sizeof row->script);
	copy_at(q, 4, row->data, sizeof row->data);
	copy_at(q, 5, row->project, sizeof row->project);
	copy_at(q, 6, row->title, sizeof row->title);
	copy_at(q, 7, row->retry_of, sizeof row->retry_of);
	row->status = sqlite3_column_int(q, 8);
	copy_at(q, 9, row->cause, sizeof row->cause);
	copy_at(q, 10, row->error, sizeof row->error);
	row->has_loss = real_at(q, 11, &row->loss);
	row->has_metric = real_at(q, 12, &row->metric);
	row->has_seconds = real_at(q, 13, &row->seconds);
	row->started = sqlite3_column_int64(q, 14);
	row->finished = sqlite3_column_int64(q, 15);
	row->length.epochs = sqlite3_column_double(q, 16);
	row->length.steps = sqlite3_column_double(q, 17);
	row->has_step = real_at(q, 18, &row->step);
	row->has_progress = real_at(q, 19, &row->progress);
	row->eta = sqlite3_column_int64(q, 20);
	copy_at(q, 21, row->owner, sizeof row->owner);
	return true;
}

/* One state only has an index of its own. */
static bool
one_is(unsigned states)
{
	return (states & (states - 1)) == 0;
}

enum sp_status
sql_newest(struct sql *sql, unsigned states, size_t last,
    struct sp_id *from_out, struct sp_err *err)
{
	bool one = one_is(states);
	sqlite3_stmt *q = sql_query(sql, one ? Q_NEWEST_STATE : Q_NEWEST, err);
	int rc = SQLITE_DONE;
	size_t n = 0;

	if (q == NULL)
		return SP_BAD;
	from_out->text[0] = '\0';
	if (states == 0)
		return SP_OK;
	(void)sqlite3_bind_int(q, 1, one ? __builtin_ctz(states) : (int)states);
	while (n < last && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		/* An id may come twice. */
		if (strcmp(sql_text_at(q, 0), from_out->text) == 0)
			continue;
		copy_at(q, 0, from_out->text, sizeof from_out->text);
		n++;
	}
	return sql_end(sql, q, rc, err);
}

enum sp_status
sql_rows(struct sql *sql, unsigned states, const struct sp_id *from,
    index_row_fn *fn, void *arg, struct sp_err *err)
{
	bool one = one_is(states);
	sqlite3_stmt *q = sql_query(sql, one ? Q_ROWS_STATE : Q_ROWS, err);
	struct sp_id last = { "" };
	struct sp_row row;
	bool stop = false;
	int rc = SQLITE_DONE;

	if (q == NULL)
		return SP_BAD;
	if (states == 0)
		return SP_OK;
	(void)sqlite3_bind_int(q, 1, one ? __builtin_ctz(states) : (int)states);
	sql_bind_text(q, 2, from->text);
	while (!stop && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		/* The first of an id is the one to show. */
		if (strcmp(sql_text_at(q, 0), last.text) == 0 ||
		    !row_at(q, &row))
			continue;
		last = row.name.id;
		if (sqlite3_column_type(q, 22) != SQLITE_NULL)
			row.facts = sql_text_at(q, 22);
		stop = fn(arg, &row) != 0;
	}
	return sql_end(sql, q, rc, err);
}

enum sp_status
sql_row(struct sql *sql, const struct sp_id *id, struct sp_row *row_out,
    struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_ROW, err);
	enum sp_status st;
	bool found;
	int rc;

	if (q == NULL)
		return SP_BAD;
	sql_bind_text(q, 1, id->text);
	found = (rc = sqlite3_step(q)) == SQLITE_ROW && row_at(q, row_out);
	st = sql_end(sql, q, rc, err);
	return st == SP_OK && !found ? SP_GONE : st;
}

enum sp_status
sql_each_name(struct sql *sql, sql_name_fn *fn, void *arg, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_ALL_NAMES, err);
	struct sp_name name;
	bool stop = false;
	int rc = SQLITE_DONE;

	if (q == NULL)
		return SP_BAD;
	while (!stop && (rc = sqlite3_step(q)) == SQLITE_ROW)
		if (sp_name_parse(sql_text_at(q, 0), &name) == SP_OK)
			stop = fn(arg, &name) != 0;
	return sql_end(sql, q, rc, err);
}

enum sp_status
sql_count(struct sql *sql, size_t count_out[SP_STATES], struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_COUNT, err);
	int rc, state;

	if (q == NULL)
		return SP_BAD;
	(void)memset(count_out, 0, SP_STATES * sizeof *count_out);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		state = sqlite3_column_int(q, 0);
		if (state >= 0 && state < SP_STATES)
			count_out[state] = (size_t)sqlite3_column_int64(q, 1);
	}
	return sql_end(sql, q, rc, err);
}

enum sp_status
sql_head(struct sql *sql, int64_t dir, size_t n, struct sp_buf *text_out,
    struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_HEAD, err);
	int rc;

	if (q == NULL)
		return SP_BAD;
	(void)sqlite3_bind_int64(q, 1, dir);
	(void)sqlite3_bind_int64(q, 2, (int64_t)n);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		sp_buf_puts(text_out, sql_text_at(q, 0));
		sp_buf_puts(text_out, "\n");
	}
	return sql_end(sql, q, rc, err);
}

enum sp_status
sql_ahead(struct sql *sql, int64_t dir, const struct sp_name *name,
    size_t *n_out, struct sp_err *err)
{
	sqlite3_stmt *q = sql_query(sql, Q_AHEAD, err);
	char text[SP_NAME_MAX];
	int rc;

	if (q == NULL)
		return SP_BAD;
	sp_name_print(name, text);
	(void)sqlite3_bind_int64(q, 1, dir);
	sql_bind_text(q, 2, text);
	if ((rc = sqlite3_step(q)) == SQLITE_ROW)
		*n_out = (size_t)sqlite3_column_int64(q, 0);
	return sql_end(sql, q, rc, err);
}
