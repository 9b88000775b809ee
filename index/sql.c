/*
 * sql.c - all SQL: the tables, the statements, opening and transactions.  The
 * typed calls are in sqlput.c and sqlget.c; what is written when is sync.c's
 * business.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index/sql.h"
#include "index/sqlq.h"

#define APPLICATION 0x53706f6c /* "Spol" */
#define VERSION     4          /* of the tables below */
#define BUSY_MS     1000
#define ROW_COLUMNS                                                            \
	"name, state, script, data, project, title, retry_of, status, cause,"  \
	" error, loss, metric, seconds, started, finished, epochs, steps,"     \
	" step, progress, eta, owner, facts"

/*
 * entry: one a file in a state directory.  dir: stamp.h's numbers.  loss,
 * metric and the like have no type, or SQLite would make 0 of -0.
 * dirs: what the directories looked like when their entries were listed.
 * metrics: of an order, the text of metrictext.c: how far its files were
 * folded, and to what.
 * lined: whose outcome stands in outcomes.jsonl; outlives the entry.
 * meta: 'fresh' and how far outcomes.jsonl goes.
 */
static const char tables[] =
    "CREATE TABLE entry("
    " dir INTEGER NOT NULL, name TEXT NOT NULL, state INTEGER NOT NULL,"
    " id TEXT NOT NULL, rank INTEGER NOT NULL,"
    " script TEXT NOT NULL, data TEXT NOT NULL, project TEXT NOT NULL,"
    " title TEXT NOT NULL, retry_of TEXT NOT NULL, status INTEGER NOT NULL,"
    " cause TEXT NOT NULL, error TEXT NOT NULL,"
    " loss, metric, seconds,"
    " started INTEGER NOT NULL, finished INTEGER NOT NULL,"
    " epochs NOT NULL, steps NOT NULL, step, progress,"
    " eta INTEGER NOT NULL, owner TEXT NOT NULL, facts TEXT, need TEXT);"
    "CREATE TABLE metrics(id TEXT PRIMARY KEY, text TEXT NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE UNIQUE INDEX entry_name ON entry(dir, name);"
    "CREATE INDEX entry_id ON entry(id, rank);"
    "CREATE INDEX entry_state ON entry(state, id, rank);"
    "CREATE INDEX entry_pending ON entry(id) WHERE status = 0 AND state >= 3;"
    "CREATE TABLE dirs(dir INTEGER PRIMARY KEY, ino INTEGER NOT NULL,"
    " mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,"
    " settled INTEGER NOT NULL);"
    "CREATE TABLE lined(id TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE meta(one INTEGER PRIMARY KEY CHECK(one = 1),"
    " fresh TEXT NOT NULL, ino INTEGER NOT NULL, at INTEGER NOT NULL,"
    " tail BLOB NOT NULL);"
    "INSERT INTO meta VALUES(1, '', 0, 0, x'');";

static const char *const queries[Q_ALL] = {
	[Q_BEGIN] = "BEGIN",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_PUT] = "INSERT OR REPLACE INTO entry(dir, id, rank, need,"
		  " " ROW_COLUMNS ") VALUES(?1, ?2, ?3, ?4,"
		  " ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
		  " ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)",
	[Q_DROP] = "DELETE FROM entry WHERE dir = ?1 AND name = ?2",
	[Q_DROP_DIR] = "DELETE FROM entry WHERE dir = ?1",
	[Q_NAMES] = "SELECT name FROM entry WHERE dir = ?1 AND name > ?2"
		    " ORDER BY name LIMIT ?3",
	[Q_PENDING] = "SELECT state || name FROM entry INDEXED BY entry_pending"
		      " WHERE status = 0 AND state >= 3 ORDER BY id",
	[Q_OVER] = "SELECT state, name, status FROM entry"
		   " WHERE state >= 3 ORDER BY id, rank",
	[Q_STAMPS] = "SELECT dir, ino, mtime, ctime, settled FROM dirs",
	[Q_STAMP_SET] = "INSERT OR REPLACE INTO dirs VALUES(?1,?2,?3,?4,?5)",
	[Q_STAMP_DROP] = "DELETE FROM dirs WHERE dir = ?1",
	[Q_FRESH] = "SELECT fresh FROM meta",
	[Q_FRESH_SET] = "UPDATE meta SET fresh = ?1",
	[Q_LINED_SET] = "INSERT OR IGNORE INTO lined VALUES(?1)",
	[Q_LINES] = "SELECT ino, at, tail FROM meta",
	[Q_LINES_SET] = "UPDATE meta SET ino = ?1, at = ?2, tail = ?3",
	[Q_ROWS] = "SELECT id, " ROW_COLUMNS " FROM entry"
		   " WHERE ?1 >> state & 1 AND id >= ?2"
		   " ORDER BY id, rank, name",
	[Q_ROWS_STATE] = "SELECT id, " ROW_COLUMNS " FROM entry"
			 " WHERE state = ?1 AND id >= ?2"
			 " ORDER BY id, rank, name",
	[Q_NEWEST] =
	    "SELECT id FROM entry WHERE ?1 >> state & 1 ORDER BY id DESC",
	[Q_NEWEST_STATE] =
	    "SELECT id FROM entry WHERE state = ?1 ORDER BY id DESC",
	[Q_ROW] = "SELECT id, " ROW_COLUMNS " FROM entry"
		  " WHERE id = ?1 ORDER BY rank, name LIMIT 1",
	[Q_ALL_NAMES] = "SELECT name FROM entry ORDER BY id, rank, name",
	[Q_COUNT] =
	    "SELECT state, count(DISTINCT id) FROM entry GROUP BY state",
	[Q_HEAD] = "SELECT need FROM entry"
		   " WHERE dir = ?1 AND need IS NOT NULL ORDER BY name"
		   " LIMIT ?2",
	[Q_AHEAD] = "SELECT count(*) FROM entry WHERE dir = ?1 AND name < ?2",
	[Q_RUNNING] = "SELECT name FROM entry WHERE state = 2 ORDER BY id",
	[Q_METRICS] = "SELECT text FROM metrics WHERE id = ?1",
	[Q_METRICS_SET] = "INSERT OR REPLACE INTO metrics VALUES(?1, ?2)",
	[Q_METRICS_SWEEP] = "DELETE FROM metrics"
			    " WHERE id NOT IN (SELECT id FROM entry)",
	[Q_CLEAR_METRICS] = "DELETE FROM metrics",
	[Q_CLEAR_ROWS] = "DELETE FROM entry",
	[Q_CLEAR_DIRS] = "DELETE FROM dirs",
	[Q_CLEAR_LINED] = "DELETE FROM lined",
	[Q_CLEAR_FRESH] = "UPDATE meta SET fresh = ''",
};

enum sp_status
sql_trouble(struct sql *sql, int rc, struct sp_err *err)
{
	enum sp_status st = SP_BAD;

	switch (rc & 0xff) {
	case SQLITE_FULL:
	case SQLITE_NOMEM:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
	case SQLITE_INTERRUPT:
		st = SP_RETRY;
	}
	return sp_err_set(err, st, "index: %s (%d)",
	    sql->db != NULL ? sqlite3_errmsg(sql->db) : sqlite3_errstr(rc), rc);
}

sqlite3_stmt *
sql_query(struct sql *sql, int which, struct sp_err *err)
{
	int rc;

	if (sql->q[which] == NULL) {
		rc = sqlite3_prepare_v3(sql->db, queries[which], -1,
		    SQLITE_PREPARE_PERSISTENT, &sql->q[which], NULL);
		if (rc != SQLITE_OK) {
			(void)sql_trouble(sql, rc, err);
			return NULL;
		}
	}
	return sql->q[which];
}

enum sp_status
sql_end(struct sql *sql, sqlite3_stmt *q, int rc, struct sp_err *err)
{
	enum sp_status st;

	st = rc == SQLITE_DONE || rc == SQLITE_ROW ? SP_OK
						   : sql_trouble(sql, rc, err);
	(void)sqlite3_reset(q);
	(void)sqlite3_clear_bindings(q);
	return st;
}

/* A statement that gives no rows. */
enum sp_status
sql_run(struct sql *sql, sqlite3_stmt *q, struct sp_err *err)
{
	return q == NULL ? SP_BAD : sql_end(sql, q, sqlite3_step(q), err);
}

/* ---- opening ---- */

static int
pragma_is(void *want, int n, char **value, char **name)
{
	(void)name;
	if (n != 1 || value[0] == NULL ||
	    strtol(value[0], NULL, 10) != *(const int *)want)
		return 1;
	*(int *)want = -1; /* seen */
	return 0;
}

/* Is it ours, and of this version?  An empty file is neither. */
static bool
ours_is(sqlite3 *db)
{
	int application = APPLICATION, version = VERSION;

	(void)sqlite3_exec(
	    db, "PRAGMA application_id", pragma_is, &application, NULL);
	(void)sqlite3_exec(
	    db, "PRAGMA user_version", pragma_is, &version, NULL);
	return application == -1 && version == -1;
}

static enum sp_status
make_tables(struct sql *sql, struct sp_err *err)
{
	char text[128];
	int rc;

	(void)snprintf(text, sizeof text,
	    "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
	    APPLICATION, VERSION);
	if ((rc = sqlite3_exec(sql->db, "BEGIN EXCLUSIVE", NULL, NULL, NULL)) !=
		SQLITE_OK ||
	    (rc = sqlite3_exec(sql->db, tables, NULL, NULL, NULL)) !=
		SQLITE_OK ||
	    (rc = sqlite3_exec(sql->db, text, NULL, NULL, NULL)) != SQLITE_OK)
		return sql_trouble(sql, rc, err);
	return SP_OK;
}

/*
 * WAL: readers see one moment and never wait for the writer.  synchronous
 * NORMAL: a power cut may take the last transactions, never the file's shape;
 * and the directories have them.
 */
static enum sp_status
set_up(struct sql *sql, bool write, struct sp_err *err)
{
	int rc;

	(void)sqlite3_extended_result_codes(sql->db, 1);
	(void)sqlite3_busy_timeout(sql->db, BUSY_MS);
	if (write) {
		rc = sqlite3_exec(sql->db,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
		    "PRAGMA journal_size_limit = 16777216;"
		    "PRAGMA temp_store = MEMORY",
		    NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			return sql_trouble(sql, rc, err);
	}
	if (ours_is(sql->db))
		return SP_OK;
	if (!write)
		return sp_err_set(err, SP_GONE, "the index is not ours");
	return make_tables(sql, err);
}

enum sp_status
sql_open(const char *path, bool write, struct sql **sql_out, struct sp_err *err)
{
	enum sp_status st;
	struct sql *sql;
	int rc;

	if (!write && access(path, R_OK) == -1)
		return SP_GONE;
	if ((sql = calloc(1, sizeof *sql)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	rc = sqlite3_open_v2(path, &sql->db,
	    SQLITE_OPEN_NOMUTEX |
		(write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
		       : SQLITE_OPEN_READONLY),
	    NULL);
	st = rc == SQLITE_OK ? set_up(sql, write, err)
			     : sql_trouble(sql, rc, err);
	if (st != SP_OK) {
		sql_close(sql);
		return st;
	}
	*sql_out = sql;
	return SP_OK;
}

void
sql_close(struct sql *sql)
{
	int i;

	if (sql == NULL)
		return;
	for (i = 0; i < Q_ALL; i++)
		(void)sqlite3_finalize(sql->q[i]);
	(void)sqlite3_close(sql->db);
	free(sql);
}

bool
sql_moved_is(struct sql *sql)
{
	int moved = 0;

	return sqlite3_file_control(sql->db, "main", SQLITE_FCNTL_HAS_MOVED,
		   &moved) != SQLITE_OK ||
	    moved;
}

enum sp_status
sql_begin(struct sql *sql, struct sp_err *err)
{
	return sql_run(sql, sql_query(sql, Q_BEGIN, err), err);
}

enum sp_status
sql_commit(struct sql *sql, struct sp_err *err)
{
	return sql_run(sql, sql_query(sql, Q_COMMIT, err), err);
}

void
sql_rollback(struct sql *sql)
{
	/* A full disk has rolled back by itself: then this says so, no more. */
	if (!sqlite3_get_autocommit(sql->db))
		(void)sql_run(sql, sql_query(sql, Q_ROLLBACK, NULL), NULL);
}
