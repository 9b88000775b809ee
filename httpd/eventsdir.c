/*
 * eventsdir.c - what has happened to orders since we last looked: two listings
 * of new/, waiting/ and assigned/ compared by id.  Who is in none of them any
 * more has ended, and his outcome says how; until that is there he is looked
 * for again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpd/eventsin.h"
#include "libspool/find.h"
#include "libspool/json.h"
#include "libspool/scan.h"

#define ALIVE 3  /* states: new, waiting, assigned */
#define TRIES 40 /* looks for the end of one that has vanished */

struct seen {
	char id[SP_ID_LEN + 1];
	uint8_t state;
	uint8_t tries; /* looked for in vain */
	uint32_t ticket;
	uint32_t at; /* in its listing */
};

struct listing {
	struct seen *at;
	size_t n, cap;
	struct sp_names names[ALIVE];
};

struct follow {
	const struct sp_spool *sp;
	struct listing was;
	bool primed;
};

static void
listing_clear(struct listing *l)
{
	int i;

	for (i = 0; i < ALIVE; i++)
		sp_names_clear(&l->names[i]);
	free(l->at);
	(void)memset(l, 0, sizeof *l);
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(
	    ((const struct seen *)a)->id, ((const struct seen *)b)->id);
}

static bool
listing_add(struct listing *l, const struct seen *one)
{
	struct seen *more;

	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 256 : l->cap * 2;

		if ((more = realloc(l->at, cap * sizeof *more)) == NULL)
			return false;
		l->at = more;
		l->cap = cap;
	}
	l->at[l->n++] = *one;
	return true;
}

/* An order that moves while we list may be met twice: the higher ticket, then
 * the later state, is where it is. */
static void
listing_sort(struct listing *l)
{
	size_t i, k = 0;

	if (l->n == 0)
		return;
	qsort(l->at, l->n, sizeof *l->at, by_id);
	for (i = 1; i < l->n; i++) {
		struct seen *a = &l->at[k], *b = &l->at[i];

		if (strcmp(a->id, b->id) != 0)
			l->at[++k] = *b;
		else if (b->ticket > a->ticket ||
		    (b->ticket == a->ticket && b->state > a->state))
			*a = *b;
	}
	l->n = k + 1;
}

static bool
listing_read(const struct sp_spool *sp, struct listing *l)
{
	struct sp_name name;
	struct seen one;
	size_t i;
	int s;

	(void)memset(l, 0, sizeof *l);
	for (s = 0; s < ALIVE; s++) {
		if (sp_list(sp->dir[s], false, &l->names[s], NULL) != SP_OK)
			return false;
		for (i = 0; i < l->names[s].n; i++) {
			if (sp_name_parse(
				sp_names_at(&l->names[s], i), &name) != SP_OK ||
			    name.bundle)
				continue;
			(void)memset(&one, 0, sizeof one);
			(void)memcpy(one.id, name.id.text, sizeof one.id);
			one.state = (uint8_t)s;
			one.ticket = name.ticket;
			one.at = (uint32_t)i;
			if (!listing_add(l, &one))
				return false;
		}
	}
	listing_sort(l);
	return true;
}

/* ---- telling ---- */

static void
tell(struct events *e, enum sp_state state, const struct sp_name *name,
    int status)
{
	struct sp_buf text = SP_BUF_INIT(1024);
	char file[SP_NAME_MAX];
	struct sp_jw w;

	sp_name_print(name, file);
	sp_jw_init(&w, &text);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "id", name->id.text);
	sp_jw_text(&w, "state", sp_state_text(state));
	sp_jw_text(&w, "name", file);
	sp_jw_int(&w, "ticket", name->ticket);
	sp_jw_int(&w, "attempt", name->attempt);
	if (name->worker[0] != '\0')
		sp_jw_text(&w, "worker", name->worker);
	if (status != 0)
		sp_jw_int(&w, "status", status);
	sp_jw_close(&w, '}');
	if (!text.failed)
		events_put(e, "order", text.data);
	sp_buf_clear(&text);
}

static void
tell_alive(struct events *e, const struct listing *l, const struct seen *one)
{
	struct sp_name name;

	if (sp_name_parse(sp_names_at(&l->names[one->state], one->at), &name) ==
	    SP_OK)
		tell(e, (enum sp_state)one->state, &name, 0);
}

/* false: its end is not to be seen yet. */
static bool
tell_over(struct events *e, const struct sp_spool *sp, const struct seen *one)
{
	enum sp_state state;
	struct sp_name name;
	struct sp_id id;
	int status = 0;

	if (sp_id_parse(one->id, &id) != SP_OK ||
	    sp_find_status(sp, &id, &status, NULL) != SP_OK ||
	    sp_find(sp, &id, &state, &name, NULL) != SP_OK ||
	    !sp_state_over_is(state))
		return false;
	tell(e, state, &name, status);
	return true;
}

/* ---- comparing ---- */

struct follow *
follow_new(const struct sp_spool *sp)
{
	struct follow *f = calloc(1, sizeof *f);

	if (f != NULL)
		f->sp = sp;
	return f;
}

bool
follow_primed(const struct follow *f)
{
	return f->primed;
}

void
follow_free(struct follow *f)
{
	if (f == NULL)
		return;
	listing_clear(&f->was);
	free(f);
}

/* One of the older listing that is not in the newer: it stays in mind until it
 * is known how it ended. */
static void
vanished(struct follow *f, struct events *e, const struct seen *old,
    struct listing *missing)
{
	struct seen one = *old;

	if (!tell_over(e, f->sp, old) && ++one.tries < TRIES)
		(void)listing_add(missing, &one);
}

void
follow_look(struct follow *f, struct events *e)
{
	struct listing now, missing = { 0 };
	size_t i = 0, k = 0;

	if (!listing_read(f->sp, &now)) {
		listing_clear(&now);
		return;
	}
	while (f->primed && (i < f->was.n || k < now.n)) {
		const struct seen *a = i < f->was.n ? &f->was.at[i] : NULL;
		const struct seen *b = k < now.n ? &now.at[k] : NULL;
		int cmp = a == NULL ? 1 : b == NULL ? -1 : strcmp(a->id, b->id);

		if (cmp < 0) {
			vanished(f, e, a, &missing);
		} else if (cmp > 0 || a->state != b->state ||
		    a->ticket != b->ticket) {
			tell_alive(e, &now, b);
		}
		i += cmp <= 0;
		k += cmp >= 0;
	}
	for (i = 0; i < missing.n; i++)
		(void)listing_add(&now, &missing.at[i]);
	if (now.n > 0)
		qsort(now.at, now.n, sizeof *now.at, by_id);
	listing_clear(&missing);
	listing_clear(&f->was);
	f->was = now;
	f->primed = true;
}
