/*
 * whereread.c - the text of an expression into its tree.  Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libspool/job.h"
#include "libspool/json.h"
#include "libspool/wherein.h"

enum token {
	END,
	OPEN,
	CLOSE,
	OPERATOR,
	WORD
};

struct reader {
	struct sp_where *where;
	const char *text, *at;
	struct sp_err *err;
	enum sp_status status;
	int depth;

	/* the token at hand */
	enum token token;
	enum where_op op;
	bool quoted;
	const char *word;   /* in where->words */
	const char *begins; /* in text */
};

static void
wrong(struct reader *r, const char *expected)
{
	char part[40];

	if (r->status != SP_OK)
		return;
	sp_text_cut(part, sizeof part, r->begins);
	r->status = *part == '\0'
	    ? sp_err_set(
		  r->err, SP_BAD, "it ends where %s is expected", expected)
	    : sp_err_set(
		  r->err, SP_BAD, "%s is expected at \"%s\"", expected, part);
}

/* ---- tokens ---- */

static void
word_take(struct reader *r, const char *from, size_t len)
{
	struct sp_where *w = r->where;
	char *to = w->words + w->used;

	/* Words do not overlap in the text, so there is room. */
	memcpy(to, from, len);
	to[len] = '\0';
	w->used += len + 1;
	r->word = to;
	r->token = WORD;
}

static bool
keyword(struct reader *r, const char *word)
{
	return r->token == WORD && !r->quoted && strcasecmp(r->word, word) == 0;
}

static bool
operator_take(struct reader *r)
{
	static const struct {
		const char *text;
		enum where_op op;
	} ops[] = { { "==", WHERE_EQ }, { "!=", WHERE_NE }, { "<>", WHERE_NE },
		{ "<=", WHERE_LE }, { ">=", WHERE_GE }, { "!~", WHERE_HAS_NOT },
		{ "=", WHERE_EQ }, { "<", WHERE_LT }, { ">", WHERE_GT },
		{ "~", WHERE_HAS } };
	size_t i, n;

	for (i = 0; i < sizeof ops / sizeof *ops; i++) {
		n = strlen(ops[i].text);
		if (strncmp(r->at, ops[i].text, n) == 0) {
			r->token = OPERATOR;
			r->op = ops[i].op;
			r->at += n;
			return true;
		}
	}
	return false;
}

/* && || ! are words to us. */
static bool
sign_take(struct reader *r)
{
	static const struct {
		const char *sign, *word;
	} signs[] = { { "&&", "and" }, { "||", "or" }, { "!", "not" } };
	size_t i, n;

	for (i = 0; i < sizeof signs / sizeof *signs; i++) {
		n = strlen(signs[i].sign);
		if (strncmp(r->at, signs[i].sign, n) == 0) {
			r->at += n;
			r->token = WORD;
			r->word = signs[i].word;
			return true;
		}
	}
	return false;
}

static void
next(struct reader *r)
{
	static const char ends[] = " \t\r\n()=!<>~'\"&|";
	const char *close;
	size_t len;

	r->at += strspn(r->at, " \t\r\n");
	r->begins = r->at;
	r->quoted = false;
	if (*r->at == '\0') {
		r->token = END;
	} else if (*r->at == '(' || *r->at == ')') {
		r->token = *r->at++ == '(' ? OPEN : CLOSE;
	} else if (operator_take(r) || sign_take(r)) {
		return;
	} else if (*r->at == '\'' || *r->at == '"') {
		if ((close = strchr(r->at + 1, *r->at)) == NULL) {
			wrong(r, "the other quote of what begins");
			r->token = END;
			return;
		}
		r->quoted = true;
		word_take(r, r->at + 1, (size_t)(close - r->at) - 1);
		r->at = close + 1;
	} else if ((len = strcspn(r->at, ends)) > 0) {
		word_take(r, r->at, len);
		r->at += len;
	} else {
		wrong(r, "&& or ||");
		r->token = END;
	}
}

/* ---- the tree ---- */

static int
node(struct reader *r, enum where_op op, int left, int right)
{
	struct sp_where *w = r->where;
	struct where_node *n;

	if (w->nodes == SP_WHERE_NODES) {
		if (r->status == SP_OK)
			r->status = sp_err_set(r->err, SP_BAD,
			    "it has more than %d parts", SP_WHERE_NODES);
		return 0;
	}
	n = &w->node[w->nodes];
	n->op = op;
	n->left = left;
	n->right = right;
	return w->nodes++;
}

static int
field_of(struct sp_where *w, const char *name)
{
	size_t i;

	for (i = 0; i < w->fields; i++)
		if (strcmp(w->field[i], name) == 0)
			return (int)i;
	w->field[w->fields] = name;
	return (int)w->fields++;
}

static void
value_take(struct reader *r, struct where_value *v)
{
	int64_t bytes;

	v->text = r->word;
	v->null = !r->quoted && strcmp(r->word, "null") == 0;
	v->has_number = where_number(r->word, &v->number);
	v->has_time = where_time(r->word, &v->ms);
	v->has_span = !v->has_number && sp_seconds_parse(r->word, &v->span);
	if (!v->has_number && !v->has_span && sp_bytes_parse(r->word, &bytes)) {
		v->has_span = true;
		v->span = (double)bytes;
	}
}

static int expression(struct reader *r);

static int
comparison(struct reader *r)
{
	struct where_node *n;
	int at;

	if (r->token != WORD || keyword(r, "and") || keyword(r, "or") ||
	    *r->word == '\0') {
		wrong(r, "the name of a field");
		return 0;
	}
	at = node(r, WHERE_THERE, 0, 0);
	if (r->status != SP_OK)
		return 0;
	n = &r->where->node[at];
	n->field = field_of(r->where, r->word);
	next(r);
	if (r->token != OPERATOR)
		return at;
	n->op = r->op;
	next(r);
	if (r->token != WORD) {
		wrong(r, "a value");
		return 0;
	}
	value_take(r, &n->value);
	next(r);
	return at;
}

static int
factor(struct reader *r)
{
	int at;

	if (++r->depth > SP_WHERE_DEPTH && r->status == SP_OK)
		r->status = sp_err_set(r->err, SP_BAD,
		    "it is nested more than %d deep", SP_WHERE_DEPTH);
	if (r->status != SP_OK)
		return 0;
	if (keyword(r, "not")) {
		next(r);
		at = node(r, WHERE_NOT, factor(r), 0);
	} else if (r->token == OPEN) {
		next(r);
		at = expression(r);
		if (r->status == SP_OK && r->token != CLOSE)
			wrong(r, "and, or, or a closing bracket");
		next(r);
	} else {
		at = comparison(r);
	}
	r->depth--;
	return at;
}

static int
term(struct reader *r)
{
	int at = factor(r);

	while (r->status == SP_OK && keyword(r, "and")) {
		next(r);
		at = node(r, WHERE_AND, at, factor(r));
	}
	return at;
}

static int
expression(struct reader *r)
{
	int at = term(r);

	while (r->status == SP_OK && keyword(r, "or")) {
		next(r);
		at = node(r, WHERE_OR, at, term(r));
	}
	return at;
}

enum sp_status
sp_where_parse(const char *text, struct sp_where **out, struct sp_err *err)
{
	struct reader r = {
		.text = text, .at = text, .begins = text, .err = err
	};

	*out = NULL;
	if (strlen(text) > SP_WHERE_MAX)
		return sp_err_set(
		    err, SP_BAD, "it is longer than %d bytes", SP_WHERE_MAX);
	if ((r.where = calloc(1, sizeof *r.where)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	next(&r);
	r.where->top = expression(&r);
	if (r.status == SP_OK && r.token != END)
		wrong(&r,
		    "an operator (= != < <= > >= ~), and, or, or the "
		    "end");
	if (r.status == SP_OK)
		*out = r.where;
	else
		sp_where_free(r.where);
	return r.status;
}

void
sp_where_free(struct sp_where *where)
{
	free(where);
}
