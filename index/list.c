/*
 * list.c - what tools ask, from the index when it is fresh, else from the
 * directories: the same answers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/inner.h"
#include "libspool/facts.h"
#include "libspool/find.h"
#include "libspool/fs.h"

/* ---- the directories ---- */

/*
 * One text an entry, "ID RANK STATE NAME": sorted by bytes the entries of an
 * order lie together, the one to show first.
 */
#define AT_STATE (SP_ID_LEN + 10)
#define AT_NAME  (AT_STATE + 2)

struct gather {
	struct sp_names *entries;
	enum sp_status status;
};

static int
gather_one(void *arg, enum sp_state state, const struct sp_name *name)
{
	char text[AT_NAME + SP_NAME_MAX], file[SP_NAME_MAX];
	struct gather *g = arg;

	sp_name_print(name, file);
	(void)snprintf(text, sizeof text, "%s %08lld %d %s", name->id.text,
	    (long long)sql_rank(state, name), (int)state, file);
	g->status = sp_names_add(g->entries, text);
	return g->status != SP_OK;
}

/* In the direction orders move, so that one on its way is met at least once;
 * those that go back (released, promoted) are met by the second look. */
static enum sp_status
gather(const struct sp_spool *spool, unsigned states, struct sp_names *out,
    struct sp_err *err)
{
	static const enum sp_state path[] = { SP_NEW, SP_WAITING, SP_ASSIGNED,
		SP_NEW, SP_WAITING, SP_ASSIGNED, SP_DONE, SP_FAILED };
	struct gather g = { out, SP_OK };
	enum sp_status st = SP_OK;
	size_t i;

	for (i = 0; st == SP_OK && i < sizeof path / sizeof *path; i++) {
		if (!(states & INDEX_STATE(path[i])))
			continue;
		st = sp_walk(spool, path[i], gather_one, NULL, &g, err);
		if (st == SP_OK && g.status != SP_OK)
			st = sp_err_set(err, g.status, "no memory");
	}
	if (st == SP_OK)
		sp_names_sort(out);
	return st;
}

/* What is read of an order beside its row. */
struct beside {
	struct sp_metrics metrics;
	bool wanted; /* its facts */
	struct sp_row_texts texts;
	struct sp_buf facts;
};

static void
beside_init(struct beside *b, unsigned states)
{
	b->wanted = (states & INDEX_FACTS) != 0;
	sp_row_texts_init(&b->texts);
	sp_buf_init(&b->facts, SP_FACTS_MAX + 2);
}

static void
beside_clear(struct beside *b)
{
	sp_row_texts_clear(&b->texts);
	sp_buf_clear(&b->facts);
}

static enum sp_status
read_row(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, struct sp_row *row, struct beside *b,
    struct sp_err *err)
{
	enum sp_status st;

	sp_metrics_init(&b->metrics);
	st = sp_row_read_texts(spool, -1, state, name, row, &b->texts, err);
	if (st != SP_OK)
		return st;
	sp_buf_reset(&b->facts);
	if (b->wanted && b->texts.job.len > 0) {
		sp_facts_print(
		    sp_buf_text(&b->texts.job), b->texts.job.len, &b->facts);
		row->facts = sp_buf_text(&b->facts);
	}
	return sp_row_fold(spool, row, &b->metrics, err);
}

/* Where one stood that has moved since the listing, if that is asked for. */
static enum sp_status
read_moved(const struct sp_spool *spool, unsigned states,
    const struct sp_id *id, struct sp_row *row, struct beside *b,
    struct sp_err *err)
{
	enum sp_status st = SP_GONE;
	enum sp_state state;
	struct sp_name name;
	int tries;

	for (tries = 0; st == SP_GONE && tries < 10; tries++) {
		if ((st = sp_find(spool, id, &state, &name, err)) != SP_OK)
			return st;
		if (!(states & INDEX_STATE(state)))
			return SP_GONE;
		st = read_row(spool, state, &name, row, b, err);
	}
	return st;
}

/* One of the listing; read: its texts are in `row` already. */
static enum sp_status
read_entry(const struct sp_spool *spool, unsigned states, const char *entry,
    bool read, struct sp_row *row, struct beside *b, struct sp_err *err)
{
	enum sp_state state = (enum sp_state)(entry[AT_STATE] - '0');
	struct sp_err why = { "" };
	enum sp_status st = SP_GONE;
	struct sp_name name;

	sp_metrics_init(&b->metrics);
	if (sp_name_parse(entry + AT_NAME, &name) == SP_OK)
		st = read ? sp_row_fold(spool, row, &b->metrics, &why)
			  : read_row(spool, state, &name, row, b, &why);
	if (st == SP_GONE)
		st = read_moved(spool, states, &name.id, row, b, &why);
	if (st == SP_OK || st == SP_GONE)
		return st;
	if (st == SP_RETRY)
		return sp_err_set(err, st, "%s", why.text);
	/* One that we may not read does not hide the others. */
	(void)memset(row, 0, sizeof *row);
	row->name = name;
	row->state = state;
	(void)snprintf(row->title, sizeof row->title, "%s", name.label);
	(void)snprintf(row->error, sizeof row->error, "%s", why.text);
	return SP_OK;
}

#define AT_ONCE 32
#define SPARE   64 /* for those that go while the newest are listed */

/* Over there many are read at a time, before they are looked at one by one. */
static void
read_ahead(const struct sp_spool *spool, const struct sp_names *entries,
    size_t from, struct sp_row_some all[AT_ONCE])
{
	const char *entry;
	size_t i, n = 0;

	for (i = from; i < entries->n && n < AT_ONCE; i++, n++) {
		entry = sp_names_at(entries, i);
		all[n].read = false;
		all[n].row.state = (enum sp_state)(entry[AT_STATE] - '0');
		/* All of ours are names. */
		if (sp_name_parse(entry + AT_NAME, &all[n].row.name) != SP_OK)
			break;
	}
	sp_row_read_some(spool, all, n);
}

/* The first entry of each order that is not before `from`, in place; of those
 * the last so many, 0: all. */
static void
thin_out(struct sp_names *entries, const struct sp_id *from, size_t last)
{
	const char *first = from == NULL ? "" : from->text;
	size_t i, n = 0;

	for (i = 0; i < entries->n; i++)
		if (strcmp(sp_names_at(entries, i), first) < 0)
			continue;
		else if (n == 0 ||
		    strncmp(sp_names_at(entries, i),
			sp_names_at(entries, n - 1), SP_ID_LEN) != 0)
			entries->at[n++] = entries->at[i];
	i = last > 0 && n > last ? n - last : 0;
	if (i > 0)
		(void)memmove(entries->at, entries->at + i,
		    (n - i) * sizeof *entries->at);
	entries->n = n - i;
}

enum sp_status
index_list_dirs(const struct sp_spool *spool, unsigned states,
    const struct sp_id *from, size_t last, index_row_fn *fn, void *arg,
    struct sp_err *err)
{
	bool far = sp_fs_far(spool->root) && (states & INDEX_FACTS) == 0;
	struct sp_row_some *all = calloc(far ? AT_ONCE : 1, sizeof *all), *one;
	struct sp_names entries = { 0 };
	struct beside beside;
	enum sp_status st;
	size_t i;

	if (all == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	st = gather(spool, states, &entries, err);
	thin_out(&entries, from, last);
	beside_init(&beside, states);
	for (i = 0; st == SP_OK && i < entries.n; i++) {
		one = &all[far ? i % AT_ONCE : 0];
		if (far && i % AT_ONCE == 0)
			read_ahead(spool, &entries, i, all);
		st = read_entry(spool, states, sp_names_at(&entries, i),
		    far && one->read, &one->row, &beside, err);
		if (st == SP_OK && (states & INDEX_METRICS) != 0 &&
		    beside.metrics.worker[0] != '\0')
			one->row.metrics = &beside.metrics;
		if (st == SP_OK && fn(arg, &one->row) != 0)
			break;
		if (st == SP_GONE)
			st = SP_OK;
	}
	sp_names_clear(&entries);
	beside_clear(&beside);
	free(all);
	return st;
}

static enum sp_status
find_dirs(const struct sp_spool *spool, const char *part,
    struct sp_row *row_out, struct sp_err *err)
{
	struct index_search s = { .part = part };
	struct sp_names entries = { 0 };
	struct beside beside;
	struct sp_name name;
	enum sp_status st;
	bool stop = false;
	size_t i;

	beside_init(&beside, INDEX_ALL);
	if (sp_id_parse(part, &s.first) == SP_OK) {
		st = read_moved(
		    spool, INDEX_ALL, &s.first, row_out, &beside, err);
		beside_clear(&beside);
		return st;
	}
	st = gather(spool, INDEX_ALL, &entries, err);
	for (i = 0; st == SP_OK && !stop && i < entries.n; i++)
		if (sp_name_parse(sp_names_at(&entries, i) + AT_NAME, &name) ==
		    SP_OK)
			stop = index_search_one(&s, &name) != 0;
	sp_names_clear(&entries);
	if (st == SP_OK)
		st = index_search_end(&s, err);
	if (st == SP_OK)
		st = read_moved(
		    spool, INDEX_ALL, &s.first, row_out, &beside, err);
	beside_clear(&beside);
	return st;
}

static enum sp_status
count_dirs(const struct sp_spool *spool, size_t count_out[SP_STATES],
    struct sp_err *err)
{
	struct sp_names entries = { 0 };
	enum sp_status st;
	const char *entry, *last = "";
	size_t i;

	(void)memset(count_out, 0, SP_STATES * sizeof *count_out);
	st = gather(spool, INDEX_ALL, &entries, err);
	for (i = 0; st == SP_OK && i < entries.n; i++) {
		entry = sp_names_at(&entries, i);
		if (strncmp(entry, last, SP_ID_LEN) != 0)
			count_out[entry[AT_STATE] - '0']++;
		last = entry;
	}
	sp_names_clear(&entries);
	return st;
}

/* ---- either ---- */

static enum sp_status
list_either(const struct sp_spool *spool, unsigned states,
    const struct sp_id *from, size_t last, index_row_fn *fn, void *arg,
    bool *from_index_out, struct sp_err *err)
{
	struct index_reader *reader;
	enum sp_status st;
	bool index;

	index = index_open_read(spool, &reader, NULL) == SP_OK;
	if (from_index_out != NULL)
		*from_index_out = index;
	if (!index)
		return index_list_dirs(spool, states, from,
		    last == 0 ? 0 : last + SPARE, fn, arg, err);
	st = index_reader_list(reader, states, from, last, fn, arg, err);
	index_close_read(reader);
	return st;
}

enum sp_status
index_list(const struct sp_spool *spool, unsigned states, index_row_fn *fn,
    void *arg, bool *from_index_out, struct sp_err *err)
{
	return list_either(
	    spool, states, NULL, 0, fn, arg, from_index_out, err);
}

enum sp_status
index_list_from(const struct sp_spool *spool, unsigned states,
    const struct sp_id *from, index_row_fn *fn, void *arg, struct sp_err *err)
{
	return list_either(spool, states, from, 0, fn, arg, NULL, err);
}

enum sp_status
index_newest(const struct sp_spool *spool, unsigned states, size_t last,
    index_row_fn *fn, void *arg, struct sp_err *err)
{
	return list_either(spool, states, NULL, last, fn, arg, NULL, err);
}

enum sp_status
index_find(const struct sp_spool *spool, const char *part,
    struct sp_row *row_out, struct sp_err *err)
{
	struct index_reader *reader;
	enum sp_status st;

	if (index_open_read(spool, &reader, NULL) != SP_OK)
		return find_dirs(spool, part, row_out, err);
	st = index_reader_find(reader, part, row_out, err);
	index_close_read(reader);
	return st;
}

enum sp_status
index_count(const struct sp_spool *spool, size_t count_out[SP_STATES],
    struct sp_err *err)
{
	struct index_reader *reader;
	enum sp_status st;

	if (index_open_read(spool, &reader, NULL) != SP_OK)
		return count_dirs(spool, count_out, err);
	st = index_reader_count(reader, count_out, err);
	index_close_read(reader);
	return st;
}

/* ---- a part of an id or label ---- */

/* Names come ascending by id; an id may come twice. */
int
index_search_one(void *arg, const struct sp_name *name)
{
	struct index_search *s = arg;
	size_t len;

	if (!index_match_ok(name, s->part) ||
	    strcmp(name->id.text, s->last.text) == 0)
		return 0;
	s->last = name->id;
	if (s->found++ == 0)
		s->first = name->id;
	len = strlen(s->some);
	(void)snprintf(s->some + len, sizeof s->some - len, "%s%s",
	    len > 0 ? ", " : "", name->id.text);
	return s->found == 4;
}

/* What the search came to. */
enum sp_status
index_search_end(const struct index_search *s, struct sp_err *err)
{
	if (s->found == 0)
		return SP_GONE;
	if (s->found > 1)
		return sp_err_set(err, SP_BAD, "%s is part of several: %s%s",
		    s->part, s->some, s->found > 3 ? ", ..." : "");
	return SP_OK;
}
