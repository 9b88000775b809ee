/*
 * bundlelook.c - which bundle does an order lie in that is not one yet?  Its id
 * is the bundle's and the number of its line, so the names tell, and the file
 * whether there is such a line.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/bundle.h"
#include "libspool/find.h"
#include "libspool/job.h"

static int
add(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct sp_bundles *b = arg;
	struct sp_bundle_row *more;
	size_t cap;

	if (!name->bundle)
		return 0;
	if (b->n == b->cap) {
		cap = b->cap == 0 ? 64 : b->cap * 2;
		if ((more = realloc(b->row, cap * sizeof *more)) == NULL)
			return 1;
		b->row = more;
		b->cap = cap;
	}
	b->row[b->n++] =
	    (struct sp_bundle_row){ .name = *name, .state = state };
	return 0;
}

static int
by_id(const void *a, const void *b)
{
	const struct sp_bundle_row *x = a, *y = b;

	return strcmp(x->name.id.text, y->name.id.text);
}

enum sp_status
sp_bundles_list(
    const struct sp_spool *sp, struct sp_bundles *out, struct sp_err *err)
{
	static const enum sp_state turn[] = { SP_NEW, SP_WAITING, SP_ASSIGNED };
	enum sp_status st = SP_OK;
	size_t i;

	(void)memset(out, 0, sizeof *out);
	sp_buf_init(&out->text, SP_BUNDLE_MAX + 16);
	for (i = 0; i < sizeof turn / sizeof *turn && st == SP_OK; i++)
		st = sp_walk(sp, turn[i], add, NULL, out, err);
	if (out->n > 0)
		qsort(out->row, out->n, sizeof *out->row, by_id);
	out->read = out->n;
	return st;
}

void
sp_bundles_clear(struct sp_bundles *b)
{
	free(b->row);
	sp_buf_clear(&b->text);
	(void)memset(b, 0, sizeof *b);
}

static bool
read_row(const struct sp_spool *sp, struct sp_bundles *b, size_t i)
{
	const struct sp_bundle_row *row = &b->row[i];

	if (b->read == i)
		return true;
	b->read = b->n;
	if (sp_order_read(sp, row->state, &row->name, &b->text, NULL) != SP_OK)
		return false;
	b->read = i;
	b->jobs = sp_bundle_jobs(sp_buf_text(&b->text), b->text.len);
	b->line = 1;
	b->at = 0;
	return true;
}

/* Is line n there, and a job?  And is the bundle so short that its lines have
 * these ids? */
static bool
line_is(const struct sp_spool *sp, struct sp_bundles *b, size_t i, unsigned n)
{
	const char *text, *nl;

	if (!read_row(sp, b, i) || b->jobs > (unsigned)sp->policy.slice)
		return false;
	if (n < b->line) {
		b->line = 1;
		b->at = 0;
	}
	text = sp_buf_text(&b->text);
	for (; b->at < b->text.len; b->at = (size_t)(nl - text) + 1) {
		nl = memchr(text + b->at, '\n', b->text.len - b->at);
		if (nl == NULL)
			nl = text + b->text.len;
		if (b->line == n)
			return sp_bundle_jobs(text + b->at,
				   (size_t)(nl - text) - b->at) > 0;
		b->line++;
	}
	return false;
}

const struct sp_bundle_row *
sp_bundles_find(const struct sp_spool *sp, struct sp_bundles *b,
    const struct sp_id *id, unsigned *line_out)
{
	int64_t ms = sp_id_ms(id);
	uint32_t bits = sp_id_bits(id), n;
	size_t low = 0, high = b->n, middle, i;

	while (low < high) { /* how many ids are less than this one? */
		middle = low + (high - low) / 2;
		if (strcmp(b->row[middle].name.id.text, id->text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	/* Those of the same moment: they may lie between one another. */
	for (i = low; i-- > 0 && sp_id_ms(&b->row[i].name.id) == ms;) {
		n = bits - sp_id_bits(&b->row[i].name.id);
		if (n > 0 && n <= SP_BUNDLE_MAX && line_is(sp, b, i, n)) {
			*line_out = n;
			return &b->row[i];
		}
	}
	return NULL;
}
