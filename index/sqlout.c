/*
 * sqlout.c - a database of its own for people.
 */
#include <sqlite3.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "index/sqlout.h"

struct sql_out {
	sqlite3 *db;
	sqlite3_stmt *put[SQL_OUT_TABLES];
};

static const char tables[] =
    "CREATE TABLE orders(id TEXT PRIMARY KEY, name TEXT, state TEXT, "
    "prio INTEGER, ticket INTEGER, attempt INTEGER, worker TEXT, script TEXT, "
    "data TEXT, project TEXT, retryOf TEXT, status INTEGER, cause TEXT, "
    "error TEXT, loss REAL, metric REAL, step REAL, progress REAL, "
    "seconds REAL, submitted TEXT, started TEXT, finished TEXT, "
    "grouped TEXT, tags TEXT, job TEXT);"
    "CREATE TABLE params(id TEXT, name TEXT, value, "
    "PRIMARY KEY(id, name)) WITHOUT ROWID;"
    "CREATE TABLE metrics(id TEXT, name TEXT, last REAL, best REAL, "
    "min REAL, max REAL, n INTEGER, PRIMARY KEY(id, name)) WITHOUT ROWID;"
    "BEGIN;";

static const char put_order[] =
    "INSERT INTO orders VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
    "?,?,?,?)";
static const char *const puts_text[SQL_OUT_TABLES] = {
	put_order,
	"INSERT OR REPLACE INTO params VALUES(?,?,?)",
	"INSERT OR REPLACE INTO metrics VALUES(?,?,?,?,?,?,?)",
};

static enum sp_status
trouble(struct sql_out *out, struct sp_err *err)
{
	return sp_err_set(err, SP_RETRY, "%s",
	    out->db == NULL ? "no memory" : sqlite3_errmsg(out->db));
}

enum sp_status
sql_out_begin(const char *path, struct sql_out **out_out, struct sp_err *err)
{
	struct sql_out *out;
	int fd, i;

	/* sqlite3 would add to whatever is there. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd == -1)
		return sp_err_sys(err, "%s", path);
	(void)close(fd);
	if ((out = calloc(1, sizeof *out)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	*out_out = out;
	if (sqlite3_open(path, &out->db) != SQLITE_OK ||
	    sqlite3_exec(out->db, tables, NULL, NULL, NULL) != SQLITE_OK)
		return trouble(out, err);
	for (i = 0; i < SQL_OUT_TABLES; i++)
		if (sqlite3_prepare_v2(out->db, puts_text[i], -1, &out->put[i],
			NULL) != SQLITE_OK)
			return trouble(out, err);
	return SP_OK;
}

static void
bind(sqlite3_stmt *q, int i, const struct sql_out_value *v)
{
	switch (v->kind) {
	case SQL_OUT_NULL:
		(void)sqlite3_bind_null(q, i);
		break;
	case SQL_OUT_INT:
		(void)sqlite3_bind_int64(q, i, v->number);
		break;
	case SQL_OUT_REAL:
		(void)sqlite3_bind_double(q, i, v->real);
		break;
	case SQL_OUT_TEXT:
		(void)sqlite3_bind_text(q, i, v->text, -1, SQLITE_STATIC);
		break;
	}
}

enum sp_status
sql_out_put(struct sql_out *out, enum sql_out_table table,
    const struct sql_out_value *value, size_t n, struct sp_err *err)
{
	sqlite3_stmt *q = out->put[table];
	size_t i;
	int rc;

	(void)sqlite3_reset(q);
	for (i = 0; i < n; i++)
		bind(q, (int)i + 1, &value[i]);
	rc = sqlite3_step(q);
	(void)sqlite3_reset(q);
	return rc == SQLITE_DONE ? SP_OK : trouble(out, err);
}

enum sp_status
sql_out_end(struct sql_out *out, bool ok, struct sp_err *err)
{
	enum sp_status st = SP_OK;
	int i;

	if (out == NULL)
		return SP_OK;
	for (i = 0; i < SQL_OUT_TABLES; i++)
		(void)sqlite3_finalize(out->put[i]);
	if (ok &&
	    sqlite3_exec(out->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		st = trouble(out, err);
	(void)sqlite3_close(out->db);
	free(out);
	return st;
}
