/*
 * lease.h - who is dead, without clocks.  Pure arithmetic.
 *
 * An observer writes down each worker's beat counter and, by its own monotonic
 * clock, when it last saw the counter change.  Nothing is compared with a time
 * that somebody else wrote.
 */
#ifndef SP_LEASE_H
#define SP_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/err.h"
#include "libspool/name.h"

struct sp_lease {
	char worker[SP_WORKER_MAX + 1];
	int64_t count;   /* the beat counter last seen, -1: no file */
	int64_t changed; /* monotonic ms when it was first seen so */
	bool seen;       /* in the round going on */
	bool gone;       /* its process is known to be gone */
	bool dead;       /* late by a lease, and believed */
};

struct sp_book {
	struct sp_lease *row;
	size_t n, cap;
	int64_t lease; /* ms */
	int64_t mass;  /* since when over half fell silent, 0: not */
	int64_t last;  /* when the last round ended, -1: none did */
};

void sp_book_init(struct sp_book *book, int64_t lease_ms);
void sp_book_clear(struct sp_book *book);

/* A round: begin, note every worker there is or that holds an order, end.
 * Rows not noted are forgotten at the end.
 * count -1: it holds an order but has no file (noting both, in any order, does
 * no harm).  gone: same host, no process. */
void sp_book_begin(struct sp_book *book);
enum sp_status sp_book_note(struct sp_book *book, const char *worker,
    int64_t count, bool gone, int64_t now);
/* probe_ok false: our own probe write failed or stalled in this round, so
 * everybody may look dead: all observation starts anew.  Late workers are
 * believed or not here, so rounds should be well under a lease apart. */
void sp_book_end(struct sp_book *book, bool probe_ok, int64_t now);

/* May its orders be revoked?  Late by a lease and believed at the end of the
 * last round, or gone. */
bool
sp_book_dead_is(const struct sp_book *book, const char *worker, int64_t now);
/* ms since its counter last changed, less those that are forgiven; -1 if
 * unknown. */
int64_t
sp_book_silence(const struct sp_book *book, const char *worker, int64_t now);

#endif
