/*
 * sqlout.h - a database of its own, for people: `spool export --format sqlite`.
 * It has nothing to do with the index.
 */
#ifndef INDEX_SQLOUT_H
#define INDEX_SQLOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/err.h"

enum sql_out_kind {
	SQL_OUT_NULL,
	SQL_OUT_INT,
	SQL_OUT_REAL,
	SQL_OUT_TEXT
};

struct sql_out_value {
	enum sql_out_kind kind;
	int64_t number;
	double real;
	const char *text; /* borrowed */
};

enum sql_out_table {
	SQL_OUT_ORDERS,  /* SQL_OUT_ORDER values, in the order of its columns */
	SQL_OUT_PARAMS,  /* id, name, value */
	SQL_OUT_METRICS, /* id, name, last, best, min, max, n */
	SQL_OUT_TABLES
};

#define SQL_OUT_ORDER 25 /* columns of orders */

struct sql_out;

/* Make the file, which must not be there (SP_LOST), and its tables, in one
 * transaction that ends with sql_out_end.  A crash leaves an empty one. */
enum sp_status
sql_out_begin(const char *path, struct sql_out **out_out, struct sp_err *err);
enum sp_status sql_out_put(struct sql_out *out, enum sql_out_table table,
    const struct sql_out_value *value, size_t n, struct sp_err *err);
/* Close it; ok: and keep what is in it. */
enum sp_status sql_out_end(struct sql_out *out, bool ok, struct sp_err *err);

#endif
