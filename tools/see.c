/*
 * see.c - looking at orders: rows from the index when it is there and fresh
 * and from the directories otherwise (index/ decides), and a list of where
 * every order stands, from the directories alone.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "index/index.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "tools/served.h"
#include "tools/spool.h"

/* ---- rows ---- */

/* The newest rows are the last to come: a ring keeps them, and their
 * metrics. */
struct ring {
	struct sp_row *row;
	size_t size, next, n;
	bool failed; /* no memory */
};

static void
ring_drop(struct sp_row *row)
{
	union {
		const struct sp_metrics *theirs;
		void *ours;
	} metrics = { .theirs = row->metrics };

	free(metrics.ours);
	row->metrics = NULL;
}

static int
ring_put(void *arg, const struct sp_row *row)
{
	struct ring *ring = arg;
	struct sp_metrics *copy = NULL;

	if (row->metrics != NULL) {
		if ((copy = malloc(sizeof *copy)) == NULL) {
			ring->failed = true;
			return 1;
		}
		*copy = *row->metrics;
	}
	ring_drop(&ring->row[ring->next]);
	ring->row[ring->next] = *row;
	ring->row[ring->next].metrics = copy;
	ring->row[ring->next].facts = NULL; /* was borrowed */
	ring->next = (ring->next + 1) % ring->size;
	if (ring->n < ring->size)
		ring->n++;
	return 0;
}

enum sp_status
see_rows(const struct sp_spool *spool, unsigned states, size_t last, see_fn *fn,
    void *arg, struct sp_err *err)
{
	struct ring ring = { .size = last };
	enum sp_status st;
	size_t i, at;

	if (served_is(spool) && last <= SERVED_LAST)
		return served_rows(spool, states, last, fn, arg, err);
	if (last == 0)
		return index_list(spool, states, fn, arg, NULL, err);
	if ((ring.row = calloc(last, sizeof *ring.row)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	st = served_is(spool)
	    ? served_rows(spool, states, 0, ring_put, &ring, err)
	    : index_newest(spool, states, last, ring_put, &ring, err);
	if (ring.failed)
		st = sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; st == SP_OK && i < ring.n; i++) {
		at = (ring.next + ring.size - ring.n + i) % ring.size;
		if (fn(arg, &ring.row[at]) != 0)
			break;
	}
	for (i = 0; i < ring.n; i++)
		ring_drop(&ring.row[i]);
	free(ring.row);
	return st;
}

/* So long that the index, which may have to become fresh first, is quicker. */
#define LONG (1024 * 1024)

static bool
long_is(const struct sp_spool *spool, const struct sp_id *id)
{
	static const enum sp_state states[] = { SP_NEW, SP_DONE, SP_FAILED,
		SP_WAITING };
	bool yes = false;
	struct stat st;
	size_t i;
	int fd;

	if (sp_fs_far(spool->root))
		return false;
	for (i = 0; i < sizeof states / sizeof *states && !yes; i++) {
		if (sp_state_open(spool, states[i], id, false, &fd, NULL) !=
		    SP_OK)
			continue;
		yes = fstat(fd, &st) == 0 && st.st_size >= LONG;
		(void)sp_fs_close(fd);
	}
	return yes;
}

/* The index is as of now, so an order that it does not know is not there; but
 * that is asked for so seldom that it may as well be seen. */
static enum sp_status
where(const struct sp_spool *spool, const struct sp_id *id,
    enum sp_state *state_out, struct sp_name *name_out, struct sp_err *err)
{
	struct index_reader *reader = NULL;
	enum sp_status st = SP_GONE;
	struct sp_row row;

	if (long_is(spool, id) &&
	    index_open_read(spool, &reader, NULL) == SP_OK) {
		st = index_reader_find(reader, id->text, &row, NULL);
		*state_out = row.state;
		*name_out = row.name;
	}
	index_close_read(reader);
	return st == SP_OK ? SP_OK
			   : sp_find(spool, id, state_out, name_out, err);
}

enum sp_status
see_row(const struct sp_spool *spool, const struct sp_id *id,
    struct sp_row *row_out, struct sp_err *err)
{
	enum sp_status st = SP_GONE;
	enum sp_state state;
	struct sp_name name;
	int tries;

	if (served_is(spool))
		return served_row(spool, id, row_out, err);
	/* it may move between the two steps */
	for (tries = 0; tries < 20; tries++) {
		if ((st = where(spool, id, &state, &name, err)) != SP_OK)
			return st;
		st = sp_row_read(spool, state, &name, row_out, err);
		if (st != SP_GONE && st != SP_LOST)
			return st;
	}
	return st;
}

enum sp_status
see_find(const struct sp_spool *spool, const struct sp_id *id,
    enum sp_state *state_out, struct sp_name *name_out, struct sp_err *err)
{
	enum sp_status st;
	struct sp_row row;

	if (!served_is(spool))
		return where(spool, id, state_out, name_out, err);
	if ((st = served_row(spool, id, &row, err)) == SP_OK) {
		*state_out = row.state;
		*name_out = row.name;
	}
	return st;
}

/* ---- where every order stands ---- */

static int
list_put(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct see_list *list = arg;
	struct see_entry *entry;
	size_t cap;

	if (list->n == list->cap) {
		cap = list->cap == 0 ? 256 : list->cap * 2;
		entry = realloc(list->entry, cap * sizeof *entry);
		if (entry == NULL)
			return 1;
		list->entry = entry;
		list->cap = cap;
	}
	list->entry[list->n].name = *name;
	list->entry[list->n].state = state;
	list->n++;
	return 0;
}

static int
by_id(const void *a, const void *b)
{
	const struct see_entry *x = a, *y = b;
	int c = strcmp(x->name.id.text, y->name.id.text);

	return c != 0 ? c
		      : index_prefer(x->state, &x->name, y->state, &y->name);
}

/*
 * Orders move while we look: forwards they are met twice, which the sorting
 * mends; backwards (given back, promoted) they could slip from a place that we
 * have not read yet to one that we have, so those are read twice.
 */
enum sp_status
see_list(
    const struct sp_spool *spool, struct see_list *list_out, struct sp_err *err)
{
	static const enum sp_state turn[] = { SP_NEW, SP_WAITING, SP_ASSIGNED,
		SP_NEW, SP_WAITING, SP_ASSIGNED, SP_DONE, SP_FAILED };
	struct see_list list = { 0 };
	enum sp_status st;
	size_t i, n;

	if (served_is(spool))
		return served_list(spool, NULL, list_out, err);
	for (i = 0; i < sizeof turn / sizeof *turn; i++) {
		st = sp_walk(spool, turn[i], list_put, NULL, &list, err);
		if (st != SP_OK) {
			see_list_clear(&list);
			return st;
		}
	}
	if (list.n > 0)
		qsort(list.entry, list.n, sizeof *list.entry, by_id);
	for (i = n = 0; i < list.n; i++) {
		if (n > 0 &&
		    strcmp(list.entry[n - 1].name.id.text,
			list.entry[i].name.id.text) == 0)
			continue;
		list.entry[n++] = list.entry[i];
	}
	list.n = n;
	*list_out = list;
	return SP_OK;
}

void
see_list_clear(struct see_list *list)
{
	free(list->entry);
	memset(list, 0, sizeof *list);
}

const struct see_entry *
see_entry(const struct see_list *list, const struct sp_id *id)
{
	size_t low = 0, high = list->n, middle;
	int c;

	while (low < high) {
		middle = low + (high - low) / 2;
		c = strcmp(id->text, list->entry[middle].name.id.text);
		if (c == 0)
			return &list->entry[middle];
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
