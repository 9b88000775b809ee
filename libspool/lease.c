/*
 * lease.c - who is dead, without clocks.  Pure arithmetic: no file is read and
 * no clock looked at here, and nobody is revoked.
 *
 * A counter that stays the same for a lease tells two stories: its worker is
 * dead, or nobody's beats reach us.  So one worker falling silent among many
 * is believed, and the silence of more than half is not, until one more lease
 * has passed in which our own writes went through all the time.  Half a lease
 * of silence counts for that: beats come at least four times a lease, so when
 * the first worker is late by a whole one, all that fell silent with it have
 * been silent for longer than half.  Once begun, the second lease is waited out
 * in full: when an outage ends, the beats come back one after the other too.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/lease.h"

#define BACK_MOST 120000 /* ms: Linux's TCP_RTO_MAX */

void
sp_book_init(struct sp_book *book, int64_t lease_ms)
{
	*book = (struct sp_book){ .lease = lease_ms, .last = -1 };
}

void
sp_book_clear(struct sp_book *book)
{
	free(book->row);
	sp_book_init(book, book->lease);
}

/* Where the worker's row is, or would be. */
static size_t
row_find(const struct sp_book *book, const char *worker, bool *there_out)
{
	size_t low = 0, high = book->n;

	*there_out = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int cmp = strcmp(book->row[mid].worker, worker);

		if (cmp == 0) {
			*there_out = true;
			return mid;
		}
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static enum sp_status
row_insert(struct sp_book *book, size_t at, const char *worker)
{
	struct sp_lease *row = book->row;
	size_t cap = book->cap;

	if (book->n == cap) {
		cap = cap > 0 ? cap * 2 : 16;
		if ((row = realloc(row, cap * sizeof *row)) == NULL)
			return SP_RETRY;
		book->row = row;
		book->cap = cap;
	}
	memmove(row + at + 1, row + at, (book->n - at) * sizeof *row);
	row[at] = (struct sp_lease){ 0 };
	memcpy(row[at].worker, worker, strlen(worker) + 1);
	book->n++;
	return SP_OK;
}

void
sp_book_begin(struct sp_book *book)
{
	for (size_t i = 0; i < book->n; i++)
		book->row[i].seen = false;
}

/*
 * A worker may be noted twice in a round, for its file and for an order that
 * it holds, in any order: a missing file is never news, a known end stays.
 */
enum sp_status
sp_book_note(struct sp_book *book, const char *worker, int64_t count, bool gone,
    int64_t now)
{
	enum sp_status st;
	struct sp_lease *row;
	bool there;
	size_t at = row_find(book, worker, &there);

	if (!there) {
		if (strlen(worker) > SP_WORKER_MAX)
			return SP_BAD;
		if ((st = row_insert(book, at, worker)) != SP_OK)
			return st;
	}
	row = &book->row[at];
	if (!there || (count >= 0 && count != row->count)) {
		row->count = count;
		row->changed = now;
		row->dead = false;
	}
	row->gone = gone || (row->seen && row->gone);
	row->seen = true;
	return SP_OK;
}

static void
forget_unseen(struct sp_book *book)
{
	size_t kept = 0;

	for (size_t i = 0; i < book->n; i++) {
		if (book->row[i].seen)
			book->row[kept++] = book->row[i];
	}
	book->n = kept;
}

/*
 * Time in which nobody looked counts for half a lease at most: a machine that
 * was suspended may have slept together with its workers.  If it was a lease or
 * more they may be back later than we are: an NFS client whose server stood
 * still asks again after as long as it got no answer, up to BACK_MOST.
 */
static void
forgive_sleep(struct sp_book *book, int64_t now)
{
	int64_t slept = now - book->last - book->lease / 2, late = 0;

	if (slept >= book->lease)
		late = slept < BACK_MOST ? slept : BACK_MOST;
	if (book->last >= 0 && slept > 0) {
		for (size_t i = 0; i < book->n; i++) {
			if (book->row[i].changed <= book->last)
				book->row[i].changed += slept;
			/* A beat that is only seen now may be from before. */
			book->row[i].changed += late;
		}
		if (book->mass > 0)
			book->mass += slept + late;
	}
	book->last = now;
}

/* Are so many silent that it may be our fault?  Those whose end is known, or
 * was believed before, say nothing about today. */
static bool
mass_is(const struct sp_book *book, int64_t now)
{
	size_t silent = 0, alive = 0;

	for (size_t i = 0; i < book->n; i++) {
		const struct sp_lease *row = &book->row[i];

		if (row->gone || row->dead)
			continue;
		alive++;
		if (now - row->changed > book->lease / 2)
			silent++;
	}
	return silent * 2 > alive;
}

static bool
late_is(const struct sp_book *book, const struct sp_lease *row, int64_t now)
{
	return !row->gone && now - row->changed > book->lease;
}

void
sp_book_end(struct sp_book *book, bool probe_ok, int64_t now)
{
	bool late = false;

	forget_unseen(book);
	forgive_sleep(book, now);
	if (!probe_ok) {
		for (size_t i = 0; i < book->n; i++) {
			book->row[i].changed = now;
			book->row[i].dead = false;
		}
		book->mass = 0;
		return;
	}

	for (size_t i = 0; i < book->n; i++)
		late = late ||
		    (!book->row[i].dead && late_is(book, &book->row[i], now));
	if (!late)
		book->mass = 0;
	else if (book->mass == 0 && mass_is(book, now))
		book->mass = now;
	if (book->mass != 0 && now - book->mass <= book->lease)
		return;
	for (size_t i = 0; i < book->n; i++) {
		if (late_is(book, &book->row[i], now))
			book->row[i].dead = true;
	}
}

bool
sp_book_dead_is(const struct sp_book *book, const char *worker, int64_t now)
{
	bool there;
	size_t at = row_find(book, worker, &there);

	if (!there)
		return false;
	return book->row[at].gone ||
	    (book->row[at].dead && late_is(book, &book->row[at], now));
}

int64_t
sp_book_silence(const struct sp_book *book, const char *worker, int64_t now)
{
	bool there;
	size_t at = row_find(book, worker, &there);
	int64_t ms = there ? now - book->row[at].changed : -1;

	/* It may have been forgiven more than it had been silent for. */
	return there && ms < 0 ? 0 : ms;
}
