/*
 * wherein.h - an expression that was read.  Private to where*.c.
 */
#ifndef SP_WHEREIN_H
#define SP_WHEREIN_H

#include <stdint.h>

#include "libspool/where.h"

enum where_op {
	WHERE_OR,
	WHERE_AND,
	WHERE_NOT,
	WHERE_THERE,
	WHERE_EQ,
	WHERE_NE,
	WHERE_LT,
	WHERE_LE,
	WHERE_GT,
	WHERE_GE,
	WHERE_HAS,
	WHERE_HAS_NOT
};

/* The right side, and all that it may be taken for. */
struct where_value {
	const char *text;
	bool null, has_number, has_span, has_time;
	double number;
	double span; /* "2h" in seconds, "16G" in bytes */
	int64_t ms;
};

struct where_node {
	enum where_op op;
	int left, right; /* nodes */
	int field;
	struct where_value value;
};

struct sp_where {
	struct where_node node[SP_WHERE_NODES];
	int nodes, top;
	const char *field[SP_WHERE_NODES];
	size_t fields;
	/* Every word, with its NUL: one more byte a word. */
	char words[2 * SP_WHERE_MAX];
	size_t used;
};

/* A whole decimal number; a moment. */
bool where_number(const char *text, double *out);
bool where_time(const char *text, int64_t *ms_out);

#endif
