/*
 * exportflat.c - orders as rows of one table, every column of one type: what
 * CSV and the makers of Parquet want.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "tools/export.h"
#include "tools/listing.h"

#define COLUMNS 2000 /* what comes after is left out, and that is said */

/* ---- columns ---- */

static void
note(struct flat_columns *c, const char *name, enum flat_kind kind)
{
	enum flat_kind *more;
	size_t i;

	for (i = 0; i < c->name.n; i++)
		if (strcmp(sp_names_at(&c->name, i), name) == 0)
			break;
	if (i == c->name.n) {
		if (i == COLUMNS || sp_names_add(&c->name, name) != SP_OK) {
			c->failed = true;
			return;
		}
		if (i >= c->cap) {
			c->cap = c->cap == 0 ? 64 : c->cap * 2;
			more = realloc(c->kind, c->cap * sizeof *more);
			if (more == NULL) {
				c->failed = true;
				c->name.n = i;
				return;
			}
			c->kind = more;
		}
		c->kind[i] = FLAT_NULL;
	}
	/* Of two kinds the one that holds both. */
	if (c->kind[i] == FLAT_NULL || kind == c->kind[i])
		c->kind[i] = kind == FLAT_NULL ? c->kind[i] : kind;
	else if (kind != FLAT_NULL)
		c->kind[i] = kind != FLAT_TEXT && c->kind[i] != FLAT_TEXT &&
			kind != FLAT_BOOL && c->kind[i] != FLAT_BOOL
		    ? FLAT_REAL
		    : FLAT_TEXT;
}

void
flat_columns_clear(struct flat_columns *c)
{
	sp_names_clear(&c->name);
	free(c->kind);
	memset(c, 0, sizeof *c);
}

static enum flat_kind
kind_of(const struct flat_one *one)
{
	if (one->text)
		return FLAT_TEXT;
	if (strcmp(one->value, "true") == 0 || strcmp(one->value, "false") == 0)
		return FLAT_BOOL;
	if (one->value[strspn(one->value, "-0123456789")] == '\0')
		return strlen(one->value) > 18 ? FLAT_TEXT : FLAT_INT;
	if (one->value[strspn(one->value, "+-.0123456789eE")] == '\0')
		return FLAT_REAL;
	return FLAT_TEXT;
}

/* ---- one order ---- */

static void
put_metrics(struct sp_jw *w, struct flat_columns *c, const struct sp_metrics *m)
{
	static const char *const ends[] = { "last", "best", "min", "max" };
	char name[SP_METRIC_KEY + 24];
	enum sp_best best;
	double value[4];
	size_t i, k;

	for (i = 0; m != NULL && i < m->n; i++) {
		if (m->key[i].n == 0)
			continue;
		best = sp_metric_best(m->key[i].key);
		value[0] = m->key[i].last_odd ? NAN : m->key[i].last;
		value[1] = best == SP_BEST_MIN ? m->key[i].min
		    : best == SP_BEST_MAX      ? m->key[i].max
					       : NAN;
		value[2] = m->key[i].min;
		value[3] = m->key[i].max;
		for (k = 0; k < 4; k++) {
			if (isnan(value[k]))
				continue;
			(void)snprintf(name, sizeof name, "metrics.%s.%s",
			    m->key[i].key, ends[k]);
			note(c, name, FLAT_REAL);
			sp_jw_real(w, name, value[k]);
		}
	}
}

void
export_flat(struct view *view, struct flat_columns *c, struct sp_buf *line)
{
	static const char *const but[] = { "order", NULL };
	const char *const *name = field_names();
	struct flat params = { 0 };
	struct sp_value value;
	struct sp_err err;
	struct field field;
	char key[1100];
	struct sp_jw w;
	size_t i;

	sp_jw_init(&w, line);
	sp_jw_open(&w, NULL, '{');
	for (i = 0; name[i] != NULL; i++) {
		if (strcmp(name[i], "age") == 0)
			continue; /* of a moment that has passed */
		(void)field_parse(name[i], &field, &err);
		field_get(&field, view, &value);
		note(c, name[i],
		    value.kind == SP_VALUE_NONE               ? FLAT_NULL
			: value.kind != SP_VALUE_NUMBER       ? FLAT_TEXT
			: value.number == floor(value.number) ? FLAT_INT
							      : FLAT_REAL);
		field_put(&value, name[i], &w);
	}
	flat_add(&params, "", view_job(view), but);
	for (i = 0; i < params.n; i++) {
		(void)snprintf(
		    key, sizeof key, "params.%s", params.one[i].name);
		note(c, key, kind_of(&params.one[i]));
		if (params.one[i].text) {
			sp_jw_text(&w, key, params.one[i].value);
		} else {
			sp_buf_puts(line, w.comma ? "," : "");
			sp_json_put_text(line, key);
			sp_buf_printf(line, ":%s", params.one[i].value);
			w.comma = true;
		}
	}
	flat_clear(&params);
	put_metrics(&w, c, view->row->metrics);
	sp_jw_close(&w, '}');
	sp_buf_puts(line, "\n");
}

/* ---- all of them ---- */

static void
print_json(const struct json_t *v, enum flat_kind kind, struct sp_buf *out)
{
	struct sp_buf text = SP_BUF_INIT(4 * 1024 * 1024);

	if (sp_json_kind(v) == SP_JSON_NULL) {
		sp_buf_puts(out, "null");
	} else if (kind == FLAT_TEXT && sp_json_text(v) == NULL) {
		sp_json_put(&text, v);
		sp_json_put_text(out, sp_buf_text(&text));
	} else if (kind == FLAT_REAL) {
		sp_json_put_real(out, sp_json_real(v, NAN));
	} else {
		sp_json_put(out, v);
	}
	sp_buf_clear(&text);
}

static void
print_line(const struct json_t *json, const struct flat_columns *c, bool csv,
    struct sp_buf *out)
{
	struct sp_buf text = SP_BUF_INIT(4 * 1024 * 1024);
	const struct json_t *v;
	size_t i;

	for (i = 0; i < c->name.n; i++) {
		v = sp_json_get(json, sp_names_at(&c->name, i));
		sp_buf_reset(&text);
		if (!csv) {
			sp_buf_puts(out, i == 0 ? "{" : ",");
			sp_json_put_text(out, sp_names_at(&c->name, i));
			sp_buf_puts(out, ":");
			print_json(v, c->kind[i], out);
			continue;
		}
		if (sp_json_text(v) != NULL)
			sp_buf_puts(&text, sp_json_text(v));
		else if (sp_json_kind(v) != SP_JSON_NULL)
			sp_json_put(&text, v);
		csv_put(out, sp_buf_text(&text), i == 0);
	}
	sp_buf_puts(out, csv ? "\r\n" : "}\n");
	sp_buf_clear(&text);
}

static void
put_text(const struct sp_buf *out, FILE *to)
{
	if (to == stdout)
		listing_text(sp_buf_text(out), out->len);
	else
		(void)fwrite(sp_buf_text(out), 1, out->len, to);
}

int
export_columns(FILE *from, const struct flat_columns *c, bool csv, FILE *to)
{
	struct sp_buf out = SP_BUF_INIT(64 * 1024 * 1024);
	struct json_t *json = NULL;
	char *line = NULL;
	size_t room = 0, i;
	ssize_t n;

	for (i = 0; csv && i < c->name.n; i++)
		csv_put(&out, sp_names_at(&c->name, i), i == 0);
	if (csv)
		sp_buf_puts(&out, "\r\n");
	if (csv)
		put_text(&out, to);
	while ((n = getline(&line, &room, from)) > 0) {
		if (sp_json_parse(line, (size_t)n, &json, NULL) != SP_OK)
			continue;
		sp_buf_reset(&out);
		print_line(json, c, csv, &out);
		put_text(&out, to);
		sp_json_free(json);
	}
	free(line);
	sp_buf_clear(&out);
	return ferror(from) || ferror(to);
}

void
export_schema(const struct flat_columns *c, FILE *to)
{
	static const char *const types[] = { "string", "bool", "int64",
		"double", "string" };
	struct sp_buf out = SP_BUF_INIT(4 * 1024 * 1024);
	struct sp_jw w;
	size_t i;

	sp_jw_init(&w, &out);
	sp_jw_open(&w, NULL, '{');
	sp_jw_open(&w, "columns", '[');
	for (i = 0; i < c->name.n; i++) {
		sp_jw_open(&w, NULL, '{');
		sp_jw_text(&w, "name", sp_names_at(&c->name, i));
		sp_jw_text(&w, "type", types[c->kind[i]]);
		sp_jw_close(&w, '}');
	}
	sp_jw_close(&w, ']');
	sp_jw_close(&w, '}');
	(void)fprintf(to, "%s\n", sp_buf_text(&out));
	sp_buf_clear(&out);
}
