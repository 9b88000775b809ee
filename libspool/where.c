/*
 * where.c - the language of `--where`: read into a tree (whereread.c), and what
 * it says of one order.  Pure.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/buf.h"
#include "libspool/job.h"
#include "libspool/json.h"
#include "libspool/wherein.h"

/* ---- values ---- */

void
sp_value_json(const struct json_t *json, struct sp_value *v)
{
	struct sp_buf b = SP_BUF_INIT(2 * 1024 * 1024);

	v->kind = SP_VALUE_NONE;
	v->json = json;
	switch (sp_json_kind(json)) {
	case SP_JSON_NULL:
		break;
	case SP_JSON_INT:
	case SP_JSON_REAL:
		v->kind = SP_VALUE_NUMBER;
		v->number = sp_json_real(json, 0);
		break;
	case SP_JSON_BOOL:
		v->kind = SP_VALUE_TEXT;
		v->text = sp_json_true(json) ? "true" : "false";
		break;
	case SP_JSON_TEXT:
		v->kind = SP_VALUE_TEXT;
		v->text = sp_json_text(json);
		break;
	case SP_JSON_LIST:
		v->kind = SP_VALUE_LIST;
		break;
	case SP_JSON_OBJECT:
		sp_json_put(&b, json);
		sp_text_cut(v->room, sizeof v->room, sp_buf_text(&b));
		v->kind = SP_VALUE_TEXT;
		v->text = v->room;
		sp_buf_clear(&b);
		break;
	}
}

static int
rank(const struct sp_value *v)
{
	return v->kind == SP_VALUE_NUMBER ? 0
	    : v->kind == SP_VALUE_TEXT    ? 1
	    : v->kind == SP_VALUE_LIST    ? 2
					  : 3;
}

int
sp_value_cmp(const struct sp_value *a, const struct sp_value *b)
{
	if (rank(a) != rank(b))
		return rank(a) - rank(b);
	if (a->kind == SP_VALUE_NUMBER)
		return (a->number > b->number) - (a->number < b->number);
	return a->kind == SP_VALUE_TEXT ? strcmp(a->text, b->text) : 0;
}

/* ---- comparing ---- */

bool
where_number(const char *text, double *out)
{
	char *end;

	/* no "inf", "nan", "0x10" */
	if (*text == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0')
		return false;
	*out = strtod(text, &end);
	return *end == '\0' && end != text && isfinite(*out);
}

/* A day alone is its beginning. */
bool
where_time(const char *text, int64_t *ms_out)
{
	char day[24];

	if (strlen(text) == 10) {
		(void)snprintf(day, sizeof day, "%sT00:00", text);
		return sp_time_parse(day, ms_out);
	}
	return sp_time_parse(text, ms_out);
}

static bool
said(enum where_op op, int cmp)
{
	switch (op) {
	case WHERE_EQ:
		return cmp == 0;
	case WHERE_NE:
		return cmp != 0;
	case WHERE_LT:
		return cmp < 0;
	case WHERE_LE:
		return cmp <= 0;
	case WHERE_GT:
		return cmp > 0;
	default:
		return cmp >= 0;
	}
}

static bool
number_is(double n, enum where_op op, const struct where_value *lit)
{
	double to = lit->number;

	if (!lit->has_number && !lit->has_span)
		return op == WHERE_NE;
	if (!lit->has_number)
		to = lit->span;
	return said(op, (n > to) - (n < to));
}

static bool
text_is(const char *text, enum where_op op, const struct where_value *lit)
{
	double n;
	int64_t ms;

	if (lit->has_number && where_number(text, &n))
		return number_is(n, op, lit);
	if (lit->has_time && where_time(text, &ms))
		return said(op, (ms > lit->ms) - (ms < lit->ms));
	return said(op, strcmp(text, lit->text));
}

static bool
item_is(
    const struct sp_value *v, enum where_op op, const struct where_value *lit)
{
	char text[40];

	if (v->kind == SP_VALUE_NONE)
		return lit->null ? op == WHERE_EQ : op == WHERE_NE;
	if (lit->null)
		return op == WHERE_NE;
	if (op != WHERE_HAS)
		return v->kind == SP_VALUE_NUMBER
		    ? number_is(v->number, op, lit)
		    : text_is(v->text, op, lit);
	if (v->kind == SP_VALUE_TEXT)
		return strcasestr(v->text, lit->text) != NULL;
	(void)snprintf(text, sizeof text, "%.15g", v->number);
	return strcasestr(text, lit->text) != NULL;
}

static bool
value_is(
    const struct sp_value *v, enum where_op op, const struct where_value *lit)
{
	struct sp_value item;
	size_t i;

	/* != and !~ are what = and ~ are not, of a list too. */
	if (op == WHERE_NE)
		return !value_is(v, WHERE_EQ, lit);
	if (op == WHERE_HAS_NOT)
		return !value_is(v, WHERE_HAS, lit);
	if (v->kind == SP_VALUE_NONE)
		return lit->null && op == WHERE_EQ;
	if (v->kind != SP_VALUE_LIST)
		return item_is(v, op, lit);
	for (i = 0; i < sp_json_count(v->json); i++) {
		sp_value_json(sp_json_at(v->json, i), &item);
		if (item.kind != SP_VALUE_LIST && item_is(&item, op, lit))
			return true;
	}
	return false;
}

static bool
there_is(const struct sp_value *v)
{
	switch (v->kind) {
	case SP_VALUE_NONE:
		return false;
	case SP_VALUE_TEXT:
		return *v->text != '\0' && strcmp(v->text, "false") != 0;
	case SP_VALUE_LIST:
		return sp_json_count(v->json) > 0;
	default:
		return true;
	}
}

/* ---- the tree ---- */

static bool
node_is(const struct sp_where *w, int at, sp_where_get *get, void *arg)
{
	const struct where_node *n = &w->node[at];
	struct sp_value value = { .kind = SP_VALUE_NONE };

	switch (n->op) {
	case WHERE_OR:
		return node_is(w, n->left, get, arg) ||
		    node_is(w, n->right, get, arg);
	case WHERE_AND:
		return node_is(w, n->left, get, arg) &&
		    node_is(w, n->right, get, arg);
	case WHERE_NOT:
		return !node_is(w, n->left, get, arg);
	default:
		get(arg, (size_t)n->field, &value);
		return n->op == WHERE_THERE
		    ? there_is(&value)
		    : value_is(&value, n->op, &n->value);
	}
}

bool
sp_where_is(const struct sp_where *w, sp_where_get *get, void *arg)
{
	return node_is(w, w->top, get, arg);
}

size_t
sp_where_fields(const struct sp_where *w)
{
	return w->fields;
}

const char *
sp_where_field(const struct sp_where *w, size_t i)
{
	return w->field[i];
}
