/*
 * export.h - orders for other programs: what export.c asks of the formats.
 */
#ifndef EXPORT_H
#define EXPORT_H

#include "tools/field.h"
#include "tools/flat.h"

/* ---- exportflat.c: one flat object an order, all of one shape ---- */

enum flat_kind {
	FLAT_NULL, /* nothing was seen yet */
	FLAT_BOOL,
	FLAT_INT,
	FLAT_REAL,
	FLAT_TEXT
};

struct flat_columns {
	struct sp_names name;
	enum flat_kind *kind;
	size_t cap;
	bool failed;
};

/* One order as one line of JSON: the row's fields, group, tags, params.X and
 * metrics.X.last, .best, .min, .max; its columns are noted. */
void export_flat(
    struct view *view, struct flat_columns *columns, struct sp_buf *line_out);
/* The lines of `from` again, each with every column, in the column's type:
 * as JSON lines, or as CSV with a head. */
int export_columns(
    FILE *from, const struct flat_columns *columns, bool csv, FILE *to);
/* {"columns":[{"name":..,"type":"bool|int64|double|string"}]} */
void export_schema(const struct flat_columns *columns, FILE *to);
void flat_columns_clear(struct flat_columns *columns);

/* ---- exportsql.c ---- */

struct sql_out;
enum sp_status
export_sql(struct view *view, struct sql_out *out, struct sp_err *err);

#endif
