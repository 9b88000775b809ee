/*
 * pile.h - texts that are kept until they can be sorted, or until it is known
 * which are the last.
 */
#ifndef PILE_H
#define PILE_H

#include "libspool/where.h"
#include "tools/spool.h"

struct pile_one {
	struct sp_value key; /* its text: in the pile, by `word` */
	size_t word;
	size_t at, len; /* the text */
	size_t nth;     /* as they came */
};

struct pile {
	struct pile_one *one;
	size_t n, cap;
	char *text;
	size_t used, room;
	bool failed; /* no memory */
};

void pile_put(struct pile *pile, const struct sp_value *key, const char *text,
    size_t len);
/* By their keys, equal ones as they came; what has none stays last. */
void pile_sort(struct pile *pile, bool down);
void pile_clear(struct pile *pile);

#endif
