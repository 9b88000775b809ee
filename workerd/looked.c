/*
 * looked.c - what we looked at and left to others, and why: at most once a
 * minute a line of the log, and a member of our beat, for `spool why` and for
 * people with jq.  Nothing follows from it.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/log.h"
#include "workerd/worker.h"

#define EVERY_MS 60000

void
looked_at(struct worker *w)
{
	w->looked.orders++;
}

void
looked_declined(struct worker *w, const char *name, const char *why)
{
	struct looked *l = &w->looked;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->row[i].name, name) == 0)
			break;
	if (i == l->n)
		i = l->n < SP_DECLINES ? l->n++ : l->next++ % SP_DECLINES;
	(void)snprintf(l->row[i].name, sizeof l->row[i].name, "%s", name);
	(void)snprintf(l->row[i].why, sizeof l->row[i].why, "%s", why);
}

/* Those that are no longer in the queue are nobody's question. */
static void
forget(struct worker *w)
{
	struct looked *l = &w->looked;
	size_t i, n = 0;

	for (i = 0; i < l->n; i++)
		if (sp_names_has(&w->look.window.names, l->row[i].name))
			l->row[n++] = l->row[i];
	l->n = n;
	l->next = 0;
}

void
looked_beat(struct worker *w, struct sp_beat *b, int64_t now)
{
	struct looked *l = &w->looked;
	struct sp_name name;
	size_t i;

	if (l->orders == 0 || (l->said != 0 && now < l->said + EVERY_MS))
		return;
	forget(w);
	l->said = now;
	b->looked.when = sp_wall_ms();
	b->looked.orders = l->orders;
	b->looked.n = 0;
	for (i = 0; i < l->n; i++) {
		struct sp_beat_decline *d = &b->looked.declined[b->looked.n];

		if (sp_name_parse(l->row[i].name, &name) != SP_OK)
			continue;
		d->id = name.id;
		(void)memcpy(d->why, l->row[i].why, sizeof d->why);
		b->looked.n++;
	}
	if (b->looked.n > 0)
		sp_info("looked orders=%lld declined=%zu, as order=%s: %s",
		    (long long)l->orders, b->looked.n,
		    b->looked.declined[0].id.text, b->looked.declined[0].why);
	l->orders = 0;
}
