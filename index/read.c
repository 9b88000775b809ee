/*
 * read.c - readers: is the index fresh, and what does it say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "index/inner.h"
#include "libspool/fs.h"

#define LOOK_MS 10

struct index_reader {
	const struct sp_spool *spool;
	struct sql *sql; /* in a transaction: one moment */
};

int
index_prefer(enum sp_state a_state, const struct sp_name *a,
    enum sp_state b_state, const struct sp_name *b)
{
	int64_t ra = sql_rank(a_state, a), rb = sql_rank(b_state, b);
	char ta[SP_NAME_MAX], tb[SP_NAME_MAX];

	if (ra != rb)
		return ra < rb ? -1 : 1;
	sp_name_print(a, ta);
	sp_name_print(b, tb);
	return strcmp(ta, tb);
}

bool
index_match_ok(const struct sp_name *name, const char *part)
{
	return part[0] != '\0' &&
	    (strstr(name->id.text, part) != NULL ||
		strstr(name->label, part) != NULL);
}

/* ---- opening ---- */

static enum sp_status
open_any(const struct sp_spool *spool, struct sql **sql_out)
{
	char path[INDEX_PATH_MAX];
	enum sp_status st;
	unsigned nth;

	for (nth = 0;; nth++) {
		st = index_place(spool, nth, false, path, NULL);
		if (st == SP_GONE)
			return SP_GONE;
		if (st == SP_OK &&
		    sql_open(path, false, sql_out, NULL) == SP_OK)
			return SP_OK;
	}
}

/*
 * In a transaction: do the stamps that the rows are as new as equal those of
 * now?  The file must still be the one at its path, else its -wal might be
 * another's.
 */
static bool
fresh_is(const struct sp_spool *spool, struct sql *sql)
{
	struct sp_buf said = SP_BUF_INIT(SIZE_MAX / 4);
	struct sp_buf seen = SP_BUF_INIT(SIZE_MAX / 4);
	struct stamps now = { 0 };
	bool fresh = false;

	if (sql_fresh(sql, &said, NULL) == SP_OK && said.len > 0 &&
	    stamps_take(spool, &now, NULL) == SP_OK) {
		stamps_print(&now, &seen);
		fresh = !said.failed && !seen.failed && said.len == seen.len &&
		    memcmp(said.data, seen.data, seen.len) == 0 &&
		    !sql_moved_is(sql);
	}
	stamps_clear(&now);
	sp_buf_clear(&said);
	sp_buf_clear(&seen);
	return fresh;
}

/* Look once. */
static enum sp_status
look(const struct sp_spool *spool, struct sql **sql_out)
{
	struct sql *sql;

	if (open_any(spool, &sql) != SP_OK)
		return SP_GONE;
	if (sql_begin(sql, NULL) == SP_OK && fresh_is(spool, sql)) {
		*sql_out = sql;
		return SP_OK;
	}
	sql_close(sql);
	return SP_GONE;
}

enum sp_status
index_open_read(const struct sp_spool *spool, struct index_reader **reader_out,
    struct sp_err *err)
{
	const struct timespec nap = { .tv_nsec = LOOK_MS * 1000000L };
	int64_t until = sp_mono_ms() + INDEX_WAIT_MS;
	struct sql *sql;

	/* A database cannot be read over there. */
	if (sp_fs_far(spool->root))
		return SP_GONE;
	while (look(spool, &sql) != SP_OK) {
		if (sp_mono_ms() >= until || !index_kept_is(spool))
			return SP_GONE;
		(void)nanosleep(&nap, NULL);
	}
	if ((*reader_out = calloc(1, sizeof **reader_out)) == NULL) {
		sql_close(sql);
		return sp_err_set(err, SP_RETRY, "no memory");
	}
	(*reader_out)->sql = sql;
	(*reader_out)->spool = spool;
	return SP_OK;
}

void
index_close_read(struct index_reader *reader)
{
	if (reader == NULL)
		return;
	sql_rollback(reader->sql);
	sql_close(reader->sql);
	free(reader);
}

/* ---- asking ---- */

/* A reader cannot mend the index: whatever is wrong, the directories know. */
static enum sp_status
answer(enum sp_status st)
{
	return st == SP_BAD ? SP_RETRY : st;
}

/*
 * The metrics of a running order grow without a change in any directory that
 * we have the times of.  What the index knows of them is a beginning; the rest
 * is folded here, so that the answer is that of the directories.
 */
static enum sp_status
refresh(struct index_reader *reader, bool all, struct sp_row *row,
    struct sp_metrics *m, struct sp_err *err)
{
	enum sp_status st;

	if (row->state != SP_ASSIGNED && !all)
		return SP_OK;
	st = sql_metrics(reader->sql, &row->name.id, m, err);
	if (st != SP_OK || row->state != SP_ASSIGNED)
		return st;
	return sp_row_fold(reader->spool, row, m, err);
}

struct asked {
	struct index_reader *reader;
	bool all;
	index_row_fn *fn;
	void *arg;
	enum sp_status status;
	struct sp_err *err;
};

static int
walk_one(void *arg, const struct sp_row *bare)
{
	struct asked *walk = arg;
	struct sp_row row = *bare;
	struct sp_metrics m;

	walk->status = refresh(walk->reader, walk->all, &row, &m, walk->err);
	if (walk->status != SP_OK)
		return 1;
	if (walk->all && m.worker[0] != '\0')
		row.metrics = &m;
	return walk->fn(walk->arg, &row);
}

enum sp_status
index_reader_list(struct index_reader *reader, unsigned states,
    const struct sp_id *begin, size_t last, index_row_fn *fn, void *arg,
    struct sp_err *err)
{
	struct asked walk = { reader, (states & INDEX_METRICS) != 0, fn, arg,
		SP_OK, err };
	struct sp_id from = { "" };
	enum sp_status st = SP_OK;

	if (begin != NULL)
		from = *begin;
	if (last > 0)
		st = sql_newest(
		    reader->sql, states & INDEX_ALL, last, &from, err);
	if (st == SP_OK)
		st = sql_rows(reader->sql, states & INDEX_ALL, &from, walk_one,
		    &walk, err);
	return answer(st == SP_OK ? walk.status : st);
}

enum sp_status
index_reader_find(struct index_reader *reader, const char *part,
    struct sp_row *row_out, struct sp_err *err)
{
	struct index_search s = { .part = part };
	enum sp_status st = SP_OK;
	struct sp_metrics m;

	if (sp_id_parse(part, &s.first) != SP_OK) {
		st = answer(
		    sql_each_name(reader->sql, index_search_one, &s, err));
		if (st == SP_OK)
			st = index_search_end(&s, err);
	}
	if (st == SP_OK)
		st = answer(sql_row(reader->sql, &s.first, row_out, err));
	return st == SP_OK ? answer(refresh(reader, false, row_out, &m, err))
			   : st;
}

enum sp_status
index_reader_count(struct index_reader *reader, size_t count_out[SP_STATES],
    struct sp_err *err)
{
	return answer(sql_count(reader->sql, count_out, err));
}

enum sp_status
index_ahead(
    const struct sp_spool *spool, const struct sp_name *name, size_t *n_out)
{
	struct index_reader *reader;
	enum sp_status st;

	if ((st = index_open_read(spool, &reader, NULL)) != SP_OK)
		return st;
	st = sql_ahead(reader->sql, SP_NEW, name, n_out, NULL);
	index_close_read(reader);
	return answer(st);
}
