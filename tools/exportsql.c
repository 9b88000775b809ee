/*
 * exportsql.c - orders into tables of a database: orders, params, metrics.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index/sqlout.h"
#include "libspool/json.h"
#include "tools/export.h"

static struct sql_out_value
text(const char *t)
{
	struct sql_out_value v = {
		.kind = t == NULL ? SQL_OUT_NULL : SQL_OUT_TEXT, .text = t
	};

	return v;
}

static struct sql_out_value
real(bool has, double n)
{
	struct sql_out_value v = { .kind = has && isfinite(n) ? SQL_OUT_REAL
							      : SQL_OUT_NULL,
		.real = n };

	return v;
}

static enum sp_status
put_order(struct view *view, struct sql_out *out, struct sp_err *err)
{
	/* The names of fields, as sqlout.c has its columns. */
	static const char *const names[] = { "id", "name", "state", "prio",
		"ticket", "attempt", "worker", "script", "data", "project",
		"retryOf", "status", "cause", "error", "loss", "metric", "step",
		"progress", "seconds", "submitted", "started", "finished",
		"group", "tags" };
	struct sp_buf room[SQL_OUT_ORDER];
	struct sql_out_value v[SQL_OUT_ORDER];
	struct sp_value value;
	struct field field;
	enum sp_status st;
	size_t i;

	for (i = 0; i < SQL_OUT_ORDER - 1; i++) {
		sp_buf_init(&room[i], 4 * 1024 * 1024);
		(void)field_parse(names[i], &field, NULL);
		field_get(&field, view, &value);
		if (value.kind == SP_VALUE_NONE) {
			v[i] = text(NULL);
		} else if (value.kind == SP_VALUE_NUMBER) {
			v[i] = real(true, value.number);
			if (value.number == floor(value.number) &&
			    fabs(value.number) < 1e15) {
				v[i].kind = SQL_OUT_INT;
				v[i].number = (int64_t)value.number;
			}
		} else {
			field_print(&value, false, &room[i]);
			v[i] = text(sp_buf_text(&room[i]));
		}
	}
	(void)view_job(view);
	v[i] = text(view->text.len > 0 ? sp_buf_text(&view->text) : NULL);
	st = sql_out_put(out, SQL_OUT_ORDERS, v, SQL_OUT_ORDER, err);
	for (i = 0; i < SQL_OUT_ORDER - 1; i++)
		sp_buf_clear(&room[i]);
	return st;
}

static enum sp_status
put_params(struct view *view, struct sql_out *out, struct sp_err *err)
{
	static const char *const but[] = { "order", NULL };
	struct flat params = { 0 };
	struct sql_out_value v[3];
	enum sp_status st = SP_OK;
	size_t i, n;
	char *end;

	flat_add(&params, "", view_job(view), but);
	v[0] = text(view->row->name.id.text);
	for (i = 0; st == SP_OK && i < params.n; i++) {
		const struct flat_one *one = &params.one[i];

		v[1] = text(one->name);
		v[2] = text(one->value);
		n = strlen(one->value);
		if (!one->text && n < 19 &&
		    strspn(one->value, "-0123456789") == n) {
			v[2].kind = SQL_OUT_INT;
			v[2].number = strtoll(one->value, NULL, 10);
		} else if (!one->text &&
		    strspn(one->value, "+-.0123456789eE") == n) {
			v[2] = real(true, strtod(one->value, &end));
		}
		st = sql_out_put(out, SQL_OUT_PARAMS, v, 3, err);
	}
	flat_clear(&params);
	return st;
}

enum sp_status
export_sql(struct view *view, struct sql_out *out, struct sp_err *err)
{
	const struct sp_metrics *m = view->row->metrics;
	struct sql_out_value v[7];
	enum sp_status st;
	enum sp_best best;
	size_t i;

	st = put_order(view, out, err);
	if (st == SP_OK)
		st = put_params(view, out, err);
	for (i = 0; st == SP_OK && m != NULL && i < m->n; i++) {
		const struct sp_metric *k = &m->key[i];

		best = sp_metric_best(k->key);
		v[0] = text(view->row->name.id.text);
		v[1] = text(k->key);
		v[2] = real(k->n > 0 && !k->last_odd, k->last);
		v[3] = real(k->n > 0 && best != SP_BEST_NONE,
		    best == SP_BEST_MIN ? k->min : k->max);
		v[4] = real(k->n > 0, k->min);
		v[5] = real(k->n > 0, k->max);
		v[6] = (struct sql_out_value){ .kind = SQL_OUT_INT,
			.number = k->n };
		st = sql_out_put(out, SQL_OUT_METRICS, v, 7, err);
	}
	return st;
}
