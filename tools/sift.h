/*
 * sift.h - which orders a verb means: states, a group, an expression.  Options
 * of ls, compare, export, cancel, hold, ... that are all read the same way.
 */
#ifndef SIFT_H
#define SIFT_H

#include "tools/field.h"

struct sift {
	struct tool *tool;
	unsigned states;        /* SEE_STATE bits; 0: all */
	bool metrics;           /* rows are to bring theirs */
	const char *group;      /* NULL: of any */
	struct sp_where *where; /* NULL: all */
	struct field *field;    /* those of where */
	struct sp_id *ids;      /* these alone; NULL: any */
	size_t ids_n;
	size_t looked, passed;
	struct view view;
};

void sift_init(struct sift *sift, struct tool *tool);
void sift_clear(struct sift *sift);
/* --where TEXT.  Complains; returns the exit code. */
int sift_where(struct sift *sift, const char *text);
/* GROUP, or ID ...: none means all.  Complains; returns the exit code. */
int sift_words(struct sift *sift, int n, char **words);
/* Bring what this field takes. */
void sift_needs(struct sift *sift, const struct field *field);

/* Those that pass, by id; fn's non-zero result ends it. */
typedef int sift_fn(void *arg, struct view *view);
enum sp_status
sift_rows(struct sift *sift, sift_fn *fn, void *arg, struct sp_err *err);
/* One that is given already: does it pass? */
bool sift_passes(struct sift *sift, const struct sp_row *row);
/* Nothing passed: was a field's name wrong?  To stderr. */
void sift_hint(struct sift *sift);

/* Ids of those that pass, to be freed.  Complains. */
int sift_ids(struct sift *sift, struct sp_id **ids_out, size_t *n_out);

/* Is there an order of this group? */
bool sift_group_is(struct tool *tool, const char *group);

#endif
