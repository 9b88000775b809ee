/*
 * table.c - orders and their metrics as the page draws them: many at a time,
 * with what tells them apart.
 */
#include <string.h>

#include "httpd/v1.h"
#include "index/index.h"
#include "libspool/drawn.h"
#include "libspool/facts.h"
#include "libspool/find.h"
#include "page/page.h"

#define ROWS_MOST   10000
#define IDS_MOST    100
#define CURVES_MOST 32
#define WITH        (INDEX_FACTS | INDEX_METRICS)

/* ---- a list of ids in the query ---- */

typedef enum sp_status
id_fn(void *arg, const struct sp_id *id, struct sp_err *err);

/* Call fn with each; false: the answer says what is wrong. */
static bool
ids_each(const char *text, size_t most, id_fn *fn, void *arg, struct answer *a)
{
	char word[SP_ID_LEN + 1];
	struct sp_err err = { "" };
	enum sp_status st;
	struct sp_id id;
	size_t n, count = 0;

	for (; *text != '\0'; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		sp_text_cut(word, n < SP_ID_LEN ? n + 1 : sizeof word, text);
		if (n != SP_ID_LEN || ++count > most) {
			answer_wrong(a, W_REQUEST,
			    "ids: expected at most %zu whole ids with commas "
			    "between them",
			    most);
			return false;
		}
		if (!param_id(word, &id, a))
			return false;
		if ((st = fn(arg, &id, &err)) != SP_OK && st != SP_GONE) {
			answer_status(a, st, &err, id.text);
			return false;
		}
	}
	return true;
}

/* ---- rows ---- */

struct rows {
	struct server *s;
	struct sp_jw w;
	int64_t limit, skip;
	const char *after;
	struct sp_id last;
	bool more;
};

static int
put_row(void *arg, const struct sp_row *row)
{
	struct rows *k = arg;

	if (k->after != NULL && strcmp(row->name.id.text, k->after) <= 0)
		return 0;
	if (k->limit-- == 0) {
		k->more = true;
		return 1;
	}
	if (k->w.comma)
		sp_buf_puts(k->w.buf, ",");
	k->w.comma = true;
	page_row_print(row, k->w.buf);
	k->last = row->name.id;
	return 0;
}

/* One, from the directories. */
static enum sp_status
put_one(void *arg, const struct sp_id *id, struct sp_err *err)
{
	struct sp_buf facts = SP_BUF_INIT(SP_FACTS_MAX + 2);
	struct sp_row_texts texts;
	struct rows *k = arg;
	struct sp_metrics m;
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	struct sp_row row;
	int i;

	sp_row_texts_init(&texts);
	/* It may move between the two. */
	for (i = 0, st = SP_LOST; i < 5 && st == SP_LOST; i++) {
		sp_err_clear(err);
		st = sp_find(&k->s->spool, id, &state, &name, err);
		if (st != SP_OK)
			break;
		st = sp_row_read_texts(
		    &k->s->spool, -1, state, &name, &row, &texts, err);
		if (st == SP_GONE)
			st = SP_LOST;
	}
	sp_metrics_init(&m);
	if (st == SP_OK)
		st = sp_row_fold(&k->s->spool, &row, &m, err);
	if (st == SP_OK) {
		if (texts.job.len > 0)
			sp_facts_print(
			    sp_buf_text(&texts.job), texts.job.len, &facts);
		row.facts = facts.len > 0 ? sp_buf_text(&facts) : NULL;
		row.metrics = m.worker[0] != '\0' ? &m : NULL;
		(void)put_row(k, &row);
	}
	sp_row_texts_clear(&texts);
	sp_buf_clear(&facts);
	return st == SP_LOST ? SP_RETRY : st;
}

static enum sp_status
put_counts(struct server *s, struct sp_jw *w, struct sp_err *err)
{
	size_t count[SP_STATES];
	enum sp_status st;
	size_t i;

	if ((st = index_count(&s->spool, count, err)) != SP_OK)
		return st;
	sp_jw_open(w, "counts", '{');
	for (i = 0; i < SP_STATES; i++)
		sp_jw_int(
		    w, sp_state_text((enum sp_state)i), (int64_t)count[i]);
	sp_jw_close(w, '}');
	return SP_OK;
}

void
v1_table(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "after", "limit", "last", "ids",
		NULL };
	const char *ids = url_get(&r->url, "ids");
	struct rows k = { .s = s, .after = url_get(&r->url, "after") };
	enum sp_status st = SP_OK;
	struct sp_err err = { "" };
	struct sp_id after = { "" };
	int64_t last;

	if (!query_only(r, keys, a) ||
	    !query_int(r, "limit", 1, ROWS_MOST, ROWS_MOST, &k.limit, a) ||
	    !query_int(r, "last", 1, ROWS_MOST, 0, &last, a) ||
	    (k.after != NULL && !param_id(k.after, &after, a)))
		return;
	answer_object(a, 200, &k.w);
	sp_buf_puts(k.w.buf, "\"columns\":");
	sp_buf_puts(k.w.buf, page_columns);
	k.w.comma = true;
	sp_jw_open(&k.w, "rows", '[');
	if (ids != NULL) {
		k.limit = IDS_MOST;
		if (!ids_each(ids, IDS_MOST, put_one, &k, a))
			return;
	} else if (last > 0) {
		k.limit = INT64_MAX;
		st = index_newest(&s->spool, INDEX_ALL | WITH, (size_t)last,
		    put_row, &k, &err);
	} else {
		st = index_list_from(
		    &s->spool, INDEX_ALL | WITH, &after, put_row, &k, &err);
	}
	sp_jw_close(&k.w, ']');
	sp_jw_text(&k.w, "next", k.more ? k.last.text : NULL);
	if (st == SP_OK && ids == NULL && k.after == NULL)
		st = put_counts(s, &k.w, &err);
	answer_end(a, &k.w);
	if (st != SP_OK)
		answer_status(a, st, &err, NULL);
}

/* ---- curves ---- */

struct drawn {
	struct server *s;
	struct sp_jw w;
	unsigned points;
	const char *keys;
};

static enum sp_status
put_curves(void *arg, const struct sp_id *id, struct sp_err *err)
{
	struct drawn *k = arg;
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;

	st = sp_find(&k->s->spool, id, &state, &name, err);
	if (st != SP_OK)
		return st;
	if (k->w.comma)
		sp_buf_puts(k->w.buf, ",");
	sp_json_put_text(k->w.buf, id->text);
	sp_buf_puts(k->w.buf, ":");
	k->w.comma = true;
	return sp_curves_print(
	    &k->s->spool, state, &name, k->points, k->keys, k->w.buf, err);
}

void
v1_curves(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "ids", "points", "keys", NULL };
	const char *ids = url_get(&r->url, "ids");
	struct drawn k = { .s = s, .keys = url_get(&r->url, "keys") };
	int64_t points;

	if (!query_only(r, keys, a) ||
	    !query_int(r, "points", 2, SP_DRAWN_MOST, 200, &points, a))
		return;
	k.points = (unsigned)points;
	answer_object(a, 200, &k.w);
	sp_jw_open(&k.w, "curves", '{');
	if (ids != NULL && !ids_each(ids, CURVES_MOST, put_curves, &k, a))
		return;
	sp_jw_close(&k.w, '}');
	answer_end(a, &k.w);
}
