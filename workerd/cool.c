/*
 * cool.c - orders that came back from here and are left alone for a while, so
 * that others have their turn: others' orders, or for them other workers.
 */
#include <stdlib.h>
#include <string.h>

#include "workerd/cool.h"
#include "workerd/worker.h"

#define COOL      1024 /* orders that are remembered */
#define COOL_MS   2000 /* the first time; doubled each time */
#define COOL_MOST 600000

/* The row of this order; cool_n: none. */
static size_t
cool_of(const struct look *l, const struct sp_id *id)
{
	size_t i;

	for (i = 0; i < l->cool_n; i++)
		if (strcmp(l->cool[i].id.text, id->text) == 0)
			break;
	return i;
}

/* A row for one more: a new one, else that which is over first. */
static size_t
cool_new(struct look *l)
{
	size_t i, first = 0, cap = l->cool_cap == 0 ? 16 : l->cool_cap * 2;
	void *more;

	if (l->cool_n == l->cool_cap && cap <= COOL &&
	    (more = realloc(l->cool, cap * sizeof *l->cool)) != NULL) {
		l->cool = more;
		l->cool_cap = cap;
	}
	if (l->cool_n < l->cool_cap)
		return l->cool_n++;
	for (i = 1; i < l->cool_n; i++)
		if (l->cool[i].until < l->cool[first].until)
			first = i;
	return first;
}

int64_t
cool_again(struct worker *w, const struct sp_id *id, int64_t now)
{
	struct look *l = &w->look;
	size_t i = cool_of(l, id);
	int64_t ms = COOL_MS;
	unsigned n;

	if (i == l->cool_n) {
		i = cool_new(l);
		if (l->cool_cap == 0)
			return 0; /* no memory: this once it is as without */
		l->cool[i].id = *id;
		l->cool[i].times = 0;
	}
	for (n = 0; n < l->cool[i].times && ms < COOL_MOST; n++)
		ms *= 2;
	if (l->cool[i].times++ == 0)
		l->cool[i].since = now;
	ms = ms > COOL_MOST ? COOL_MOST : ms;
	l->cool[i].until = now + ms;
	l->cool[i].shy = false;
	return ms;
}

int64_t
cool_since(const struct worker *w, const struct sp_id *id, int64_t now)
{
	const struct look *l = &w->look;
	size_t i = cool_of(l, id);

	return i < l->cool_n && l->cool[i].times > 0 ? now - l->cool[i].since
						     : 0;
}

void
cool_avoid(struct worker *w, const struct sp_id *id, int64_t until)
{
	struct look *l = &w->look;
	size_t i = cool_of(l, id);

	if (i == l->cool_n && (i = cool_new(l), l->cool_cap == 0))
		return;
	l->cool[i].id = *id;
	l->cool[i].times = 0;
	l->cool[i].until = until;
	l->cool[i].shy = true;
}

void
cool_forget(struct worker *w, const struct sp_id *id)
{
	struct look *l = &w->look;
	size_t i = cool_of(l, id);

	if (i < l->cool_n)
		l->cool[i] = l->cool[--l->cool_n];
}

bool
cool_is(struct worker *w, const struct sp_id *id, int64_t now, int64_t *again)
{
	const struct look *l = &w->look;
	size_t i = cool_of(l, id);

	if (i == l->cool_n || now >= l->cool[i].until ||
	    (l->cool[i].shy && w->ops->workers(w->tr) < 2))
		return false;
	*again = *again < l->cool[i].until ? *again : l->cool[i].until;
	return true;
}

void
cool_clear(struct worker *w)
{
	free(w->look.cool);
	w->look.cool = NULL;
	w->look.cool_n = w->look.cool_cap = 0;
}
