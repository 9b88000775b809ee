/*
 * verdict.c - what we thought of an order in new/, so that its file is read
 * once and not at each look.  A hash table of names' hashes: if two names ever
 * share one, an order is taken a little later or by another worker.
 */
#include <stdlib.h>
#include <string.h>

#include "workerd/verdict.h"
#include "workerd/worker.h"

static uint64_t
hash(const char *name)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return h == 0 ? 1 : h;
}

static struct opinion *
slot_of(struct opinion *row, size_t cap, uint64_t key)
{
	size_t i = (size_t)(key ^ key >> 32) & (cap - 1);

	while (row[i].key != 0 && row[i].key != key)
		i = (i + 1) & (cap - 1);
	return &row[i];
}

struct opinion *
verdict_get(const struct verdicts *v, const char *name)
{
	struct opinion *o;

	if (v->cap == 0)
		return NULL;
	o = slot_of(v->row, v->cap, hash(name));
	return o->key == 0 ? NULL : o;
}

static bool
grow(struct verdicts *v)
{
	size_t i, cap = v->cap == 0 ? 256 : v->cap * 2;
	struct opinion *row;

	if ((row = calloc(cap, sizeof *row)) == NULL)
		return false;
	for (i = 0; i < v->cap; i++)
		if (v->row[i].key != 0)
			*slot_of(row, cap, v->row[i].key) = v->row[i];
	free(v->row);
	v->row = row;
	v->cap = cap;
	return true;
}

struct opinion *
verdict_put(struct verdicts *v, const char *name)
{
	struct opinion *o;

	if (v->n * 2 >= v->cap && !grow(v))
		return NULL;
	o = slot_of(v->row, v->cap, hash(name));
	if (o->key == 0) {
		(void)memset(o, 0, sizeof *o);
		o->key = hash(name);
		v->n++;
	}
	return o;
}

void
verdict_clear(struct verdicts *v)
{
	free(v->row);
	(void)memset(v, 0, sizeof *v);
}
