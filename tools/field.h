/*
 * field.h - what an order is worth in a field: of its row, its job, its
 * metrics.  What --where, --sort and --columns of several verbs stand on.
 */
#ifndef FIELD_H
#define FIELD_H

#include "libspool/where.h"
#include "tools/spool.h"

#define FIELD_MAX 256 /* bytes of a name */

/* One order while it is looked at.  Its job is read when it is asked for. */
struct view {
	const struct sp_spool *spool;
	const struct sp_row *row; /* borrowed */
	int64_t now;
	struct sp_buf text; /* of the job; empty: not there */
	struct json_t *job; /* NULL: none that can be read */
	bool looked;
};

void view_init(struct view *view, const struct sp_spool *spool);
/* The next order; what was known of the one before goes. */
void view_set(struct view *view, const struct sp_row *row);
void view_clear(struct view *view);
/* Borrowed; NULL when it cannot be read. */
const struct json_t *view_job(struct view *view);
/* A member of the job, dots nest: "layers.0.n". */
const struct json_t *job_member(const struct json_t *job, const char *path);
/* The group that a job is of: order.group, else order.sweep; "" none. */
const char *job_group(const struct json_t *job);
/* Is it of this group, by either? */
bool job_group_is(const struct json_t *job, const char *group);

/* A name as people write it:
 *   id name state prio ... of `spool ls --json`, group, tags, age
 *   params.X   the job's member X;  metrics.X  the last value of a metric
 *   X.best X.last X.min X.max   of a metric
 *   any other  the job's member, else the last value of a metric */
struct field {
	char name[FIELD_MAX + 1];
	int kind;        /* field.c's */
	size_t rest;     /* in name: where params. or metrics. has ended */
	size_t rest_n;   /* bytes of it that are the metric's name */
	char end;        /* 'b'est, 'l'ast, mi'n', ma'x'; 0: not said */
	bool asked, met; /* of some order; some order had it */
};

/* SP_BAD: no name; err says why. */
enum sp_status
field_parse(const char *name, struct field *field_out, struct sp_err *err);
/* Do rows have to bring their metrics? */
bool field_metrics_is(const struct field *field);
void
field_get(struct field *field, struct view *view, struct sp_value *value_out);
/* All of it as a text: for people, or for programs (digits that read back the
 * same). */
void
field_print(const struct sp_value *value, bool people, struct sp_buf *text_out);
/* As a member of an object. */
void field_put(const struct sp_value *value, const char *key, struct sp_jw *w);
/* A field that no order had: is another one meant?  To stderr. */
void field_unmet(const struct field *field, struct view *view);
/* Names of the fields of rows, NULL at the end. */
const char *const *field_names(void);

#endif
