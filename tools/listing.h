/*
 * listing.h - orders, one after the other, as a table, as JSON lines or as
 * CSV; as they come, or sorted.
 */
#ifndef LISTING_H
#define LISTING_H

#include "tools/field.h"
#include "tools/pile.h"

#define LISTING_COLUMNS 40

enum listing_form {
	LISTING_TABLE,
	LISTING_JSON,
	LISTING_CSV
};

struct listing {
	enum listing_form form;
	size_t last; /* the newest so many; 0: all */
	bool holds;  /* nothing can be printed before all have come */

	struct field *column; /* of --columns; none: the usual ones */
	size_t columns;
	struct field sort;
	bool sorts, down;

	struct table table;
	struct table_column head[LISTING_COLUMNS];
	struct sp_buf text; /* of one order */
	struct pile pile;
	size_t bundles, jobs; /* not opened yet, and what is in them */
};

void listing_init(struct listing *l);
void listing_clear(struct listing *l);
/* --columns A,B,C and --sort [-]FIELD.  They complain. */
int listing_columns(struct listing *l, const char *text);
int listing_sort(struct listing *l, const char *text);
/* Before the first order comes. */
void listing_begin(struct listing *l);
/* Non-zero: it cannot be printed. */
int listing_put(struct listing *l, struct view *view);
int listing_end(struct listing *l);

/* One line to stdout; a terminal gets no control characters of others. */
void listing_text(const char *text, size_t len);
/* One cell of CSV (RFC 4180), with the comma before it unless it is first. */
void csv_put(struct sp_buf *out, const char *text, bool first);

#endif
