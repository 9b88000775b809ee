/*
 * topread.c - what `spool top` shows, by the same reading as of other verbs.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "tools/top.h"

#define TAIL 16384

static int
take(void *arg, const struct sp_row *row)
{
	struct top *top = arg;
	size_t cap = top->cap == 0 ? 256 : top->cap * 2;
	struct sp_row *more;

	if (top->n == top->cap) {
		if ((more = realloc(top->row, cap * sizeof *more)) == NULL)
			return 1;
		top->row = more;
		top->cap = cap;
	}
	top->row[top->n] = *row;
	top->row[top->n].metrics = NULL;
	top->n++;
	return 0;
}

/* Running, then the queue in its order, then what is over, newest first. */
static int
rank(const struct sp_row *row)
{
	return row->state == SP_ASSIGNED ? 0
	    : row->state == SP_NEW       ? 1
	    : row->state == SP_WAITING   ? 2
					 : 3;
}

static int
by_rank(const void *a, const void *b)
{
	const struct sp_row *x = a, *y = b;

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	return rank(x) == 3 ? strcmp(y->name.id.text, x->name.id.text)
			    : sp_name_cmp(&x->name, &y->name);
}

void
top_read(struct top *top)
{
	static const enum sp_state turn[] = { SP_ASSIGNED, SP_NEW, SP_WAITING };
	struct sp_err err = { "" };
	enum sp_status st = SP_OK;
	struct sp_id chosen = { "" };
	struct fleet fleet;
	size_t i;

	if (top_chosen(top) != NULL)
		chosen = top_chosen(top)->name.id;
	top->now = sp_wall_ms();
	top->n = 0;
	for (i = 0; i < sizeof turn / sizeof *turn && st == SP_OK; i++)
		st = see_rows(&top->tool->spool, SEE_STATE(turn[i]), TOP_ROWS,
		    take, top, &err);
	if (st == SP_OK)
		st = see_rows(&top->tool->spool, SEE_OVER, 50, take, top, &err);
	if (top->n > 0)
		qsort(top->row, top->n, sizeof *top->row, by_rank);
	memset(top->count, 0, sizeof top->count);
	for (i = 0; i < top->n; i++)
		top->count[top->row[i].state]++;
	/* The chosen one stays chosen, wherever it has come to. */
	for (i = 0; i < top->n; i++)
		if (strcmp(top->row[i].name.id.text, chosen.text) == 0)
			top->at = i;
	if (top->at >= top->n)
		top->at = top->n == 0 ? 0 : top->n - 1;
	if (st == SP_OK)
		st = fleet_read(top->tool, &fleet, &err);
	if (st == SP_OK) {
		if (top->fleet_known)
			fleet_clear(&top->fleet);
		top->fleet = fleet;
		top->fleet_known = true;
	}
	if (st != SP_OK)
		(void)snprintf(top->words, sizeof top->words, "%.500s",
		    err.text[0] == '\0' ? sp_status_text(st) : err.text);
	top_log(top);
}

const struct sp_row *
top_chosen(const struct top *top)
{
	return top->at < top->n ? &top->row[top->at] : NULL;
}

void
top_log(struct top *top)
{
	const struct sp_row *row = top_chosen(top);
	struct term_filter filter = { 0 };
	struct tries tries;
	struct stat st;
	char *text;
	ssize_t n;
	int fd;

	sp_buf_reset(&top->log);
	if (!top->shows_log || row == NULL ||
	    tries_read(&top->tool->spool, &row->name.id, &tries, NULL) != SP_OK)
		return;
	if (tries.n > 0 && tries.try[tries.n - 1].log[0] != '\0' &&
	    sp_open(tries.dir, tries.try[tries.n - 1].log, 0, &fd, &st, NULL) ==
		SP_OK) {
		if ((text = malloc(TAIL)) != NULL) {
			n = sp_fs_pread(fd, text, TAIL,
			    st.st_size > TAIL ? st.st_size - TAIL : 0);
			if (n > 0)
				term_filter(
				    &filter, text, (size_t)n, &top->log);
			free(text);
		}
		(void)sp_fs_close(fd);
	}
	tries_clear(&tries);
}

void
top_clear(struct top *top)
{
	if (top->fleet_known)
		fleet_clear(&top->fleet);
	free(top->row);
	sp_buf_clear(&top->log);
}
