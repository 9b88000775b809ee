/*
 * where.h - which orders are meant: a small language of fields and values, as
 * in  state=failed and learningRate<0.01 .  What a field is worth the caller
 * knows.  Pure.
 *
 *	expression  = term { "or" term }
 *	term        = factor { "and" factor }
 *	factor      = "not" factor | "(" expression ")"
 *	            | FIELD [ OPERATOR VALUE ]
 *	OPERATOR    = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"
 *
 * == is =, <> is !=, && || ! are and or not.  A FIELD alone: it is there, and
 * neither null nor false.  ~: a text has the other in it, upper and lower case
 * alike.  FIELD and VALUE are words, or stand in ' ' or " ".
 */
#ifndef SP_WHERE_H
#define SP_WHERE_H

#include <stdbool.h>
#include <stddef.h>

#include "libspool/err.h"

#define SP_WHERE_MAX   4096 /* bytes of an expression */
#define SP_WHERE_NODES 256  /* parts of it */
#define SP_WHERE_DEPTH 64   /* of brackets and nots */

struct json_t;

enum sp_value_kind {
	SP_VALUE_NONE, /* not there, or null */
	SP_VALUE_NUMBER,
	SP_VALUE_TEXT, /* also true and false, and times as they are printed */
	SP_VALUE_LIST  /* any of its items may be meant */
};

struct sp_value {
	enum sp_value_kind kind;
	double number;
	const char *text;          /* borrowed, or `room` */
	const struct json_t *json; /* borrowed; what it was, NULL: no JSON */
	char room[64];             /* for a text that is made here */
};

/* What a JSON value is here; an object is a text, `room` cuts it. */
void sp_value_json(const struct json_t *json, struct sp_value *value_out);
/* For sorting: numbers first, then texts, what is not there last. */
int sp_value_cmp(const struct sp_value *a, const struct sp_value *b);

struct sp_where;

/* SP_BAD: err says where it breaks and what is expected.  SP_RETRY: no memory.
 * Free with sp_where_free. */
enum sp_status sp_where_parse(
    const char *text, struct sp_where **where_out, struct sp_err *err);
void sp_where_free(struct sp_where *where);

/* The fields that it names, each once; borrowed. */
size_t sp_where_fields(const struct sp_where *where);
const char *sp_where_field(const struct sp_where *where, size_t i);

/* Fill in what the i-th field is worth; asked for when it matters. */
typedef void sp_where_get(void *arg, size_t i, struct sp_value *value_out);
bool sp_where_is(const struct sp_where *where, sp_where_get *get, void *arg);

#endif
