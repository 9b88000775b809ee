/*
 * dirahead.c - texts of orders that will be asked for next, read ahead where
 * each question is a round trip.  An order's text never changes under its name,
 * so what was read once is good for as long as it is kept; whether the order is
 * still there the claim tells.
 *
 * Who asks for one order an hour reads one; the faster they are asked for, the
 * more come with each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/fs.h"
#include "transport/dir.h"

#define QUICK_MS   2000  /* asked again within that: twice as many */
#define AHEAD_TEXT 65536 /* longer ones only when they are asked for */

void
dir_ahead_clear(struct dir_ahead *a)
{
	size_t i;

	for (i = 0; i < DIR_AHEAD; i++)
		sp_buf_clear(&a->row[i].text);
	sp_names_clear(&a->listed);
}

void
dir_ahead_listed(struct dir_ahead *a, const struct sp_names *names)
{
	struct sp_name name;
	size_t i;

	a->listed.n = a->listed.len = 0;
	for (i = 0; i < names->n; i++) {
		if (sp_name_parse(sp_names_at(names, i), &name) == SP_OK &&
		    name.bundle)
			continue; /* long, and seldom asked for */
		if (sp_names_add(&a->listed, sp_names_at(names, i)) != SP_OK)
			break;
	}
}

/* Rows are free when they have no text. */
static struct dir_ahead_row *
row_of(struct dir_ahead *a, const char *name)
{
	size_t i;

	for (i = 0; i < DIR_AHEAD; i++)
		if (a->row[i].text.len > 0 && strcmp(a->row[i].name, name) == 0)
			return &a->row[i];
	return NULL;
}

/* The one that was filled longest ago. */
static struct dir_ahead_row *
row_next(struct dir_ahead *a, const char *name)
{
	struct dir_ahead_row *r = &a->row[a->next++ % DIR_AHEAD];

	(void)strcpy(r->name, name);
	sp_buf_reset(&r->text);
	return r;
}

static struct sp_fs_op
get(int dir, struct dir_ahead_row *r, size_t max)
{
	r->text.max = max + 2;
	return (struct sp_fs_op){ .what = SP_FS_GET,
		.dir = dir,
		.path = r->name,
		.max = max,
		.text = &r->text };
}

/* The first in the listing that is not before `name`. */
static size_t
place(const struct sp_names *names, const char *name)
{
	size_t low = 0, high = names->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(sp_names_at(names, mid), name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static size_t
how_many(struct dir_ahead *a, int64_t now)
{
	if (now - a->asked > QUICK_MS)
		a->most = 1;
	else if (a->most < DIR_AHEAD)
		a->most *= 2;
	a->asked = now;
	return a->most;
}

/* It, and what the listing has behind it. */
static void
read_some(struct dir_ahead *a, int dir, const char *name)
{
	struct sp_fs_op *ops = calloc(DIR_AHEAD, sizeof *ops);
	size_t most = how_many(a, sp_mono_ms()), n = 0, i;
	const char *next;

	if (ops == NULL)
		return;
	ops[n++] = get(dir, row_next(a, name), SP_JOB_MAX);
	for (i = place(&a->listed, name); i < a->listed.n && n < most; i++) {
		next = sp_names_at(&a->listed, i);
		if (strcmp(next, name) != 0 && row_of(a, next) == NULL)
			ops[n++] = get(dir, row_next(a, next), AHEAD_TEXT);
	}
	sp_fs_many(ops, n);
	for (i = 0; i < n; i++)
		if (ops[i].error != 0 || ops[i].text->failed)
			sp_buf_reset(ops[i].text);
	free(ops);
}

bool
dir_ahead_read(
    struct dir_ahead *a, int dir, const char *name, struct sp_buf *text_out)
{
	struct dir_ahead_row *r = row_of(a, name);

	if (r == NULL) {
		read_some(a, dir, name);
		r = row_of(a, name);
	}
	return r != NULL && dir_ahead_known(a, name, text_out);
}

bool
dir_ahead_known(struct dir_ahead *a, const char *name, struct sp_buf *text_out)
{
	const struct dir_ahead_row *r = row_of(a, name);

	sp_buf_reset(text_out);
	if (r == NULL)
		return false;
	sp_buf_put(text_out, r->text.data, r->text.len);
	return !text_out->failed;
}

void
dir_ahead_forget(struct dir_ahead *a, const char *name)
{
	struct dir_ahead_row *r = row_of(a, name);

	if (r != NULL)
		sp_buf_reset(&r->text);
}
