/*
 * scan.c - sorted listings, and the window of a claimer.  Reads names only,
 * never the files.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/fs.h"
#include "libspool/scan.h"

#define ENTRY_MAX     256 /* NAME_MAX and its NUL */
#define WINDOW_LEAST  16
#define WINDOW_MISSES 4u

void
sp_names_clear(struct sp_names *names)
{
	free(names->text);
	free(names->at);
	(void)memset(names, 0, sizeof *names);
}

enum sp_status
sp_names_add(struct sp_names *names, const char *name)
{
	size_t len = strlen(name) + 1, cap;
	uint32_t *at;
	char *text;

	if (names->len + len > names->cap) {
		cap = names->cap == 0 ? 4096 : names->cap * 2;
		while (cap < names->len + len)
			cap *= 2;
		if (cap > UINT32_MAX ||
		    (text = realloc(names->text, cap)) == NULL)
			return SP_RETRY;
		names->text = text;
		names->cap = cap;
	}
	if (names->n == names->at_cap) {
		cap = names->at_cap == 0 ? 64 : names->at_cap * 2;
		if ((at = realloc(names->at, cap * sizeof *at)) == NULL)
			return SP_RETRY;
		names->at = at;
		names->at_cap = cap;
	}
	(void)memcpy(names->text + names->len, name, len);
	names->at[names->n++] = (uint32_t)names->len;
	names->len += len;
	return SP_OK;
}

static int
by_text(const void *a, const void *b, void *text)
{
	return strcmp((char *)text + *(const uint32_t *)a,
	    (char *)text + *(const uint32_t *)b);
}

void
sp_names_sort(struct sp_names *names)
{
	if (names->n > 1)
		qsort_r(names->at, names->n, sizeof *names->at, by_text,
		    names->text);
}

int64_t
sp_names_place(const struct sp_names *names, const char *name)
{
	size_t lo = 0, hi = names->n, mid;
	int c;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = strcmp(name, sp_names_at(names, mid));
		if (c == 0)
			return (int64_t)mid;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return -1;
}

bool
sp_names_has(const struct sp_names *names, const char *name)
{
	return sp_names_place(names, name) >= 0;
}

struct listing {
	struct sp_names *names;
	bool dots;
	enum sp_status status;
};

static bool
take(void *arg, const char *name, const struct stat *st)
{
	struct listing *l = arg;

	(void)st;
	if (name[0] != '.' || l->dots)
		l->status = sp_names_add(l->names, name);
	return l->status == SP_OK;
}

enum sp_status
sp_list(int dirfd, bool dots, struct sp_names *names_out, struct sp_err *err)
{
	struct listing l = { .names = names_out, .dots = dots };

	names_out->len = names_out->n = 0;
	if (sp_fs_list(dirfd, ".", take, &l) == -1)
		return sp_err_sys(err, "list");
	if (l.status != SP_OK)
		return sp_err_set(err, l.status, "no memory for a listing");
	sp_names_sort(names_out);
	return SP_OK;
}

enum sp_status
sp_list_all(const struct sp_listing *all, size_t n, struct sp_err *err)
{
	struct sp_fs_op ops[SP_LISTINGS] = { 0 };
	struct listing l[SP_LISTINGS];
	size_t i;

	assert(n <= SP_LISTINGS);
	for (i = 0; i < n; i++) {
		l[i] = (struct listing){ .names = all[i].names };
		l[i].names->len = l[i].names->n = 0;
		ops[i] = (struct sp_fs_op){ .what = SP_FS_LIST,
			.dir = all[i].dirfd,
			.path = ".",
			.one = take,
			.arg = &l[i] };
	}
	sp_fs_many(ops, n);
	for (i = 0; i < n; i++) {
		if (ops[i].error != 0) {
			errno = ops[i].error;
			return sp_err_sys(err, "list");
		}
		if (l[i].status != SP_OK)
			return sp_err_set(
			    err, l[i].status, "no memory for a listing");
		sp_names_sort(l[i].names);
	}
	return SP_OK;
}

/* ---- in stretches ---- */

struct stretch {
	struct sp_names *names;
	const char *after;
	size_t most;
	char last[ENTRY_MAX]; /* of `most` that were found; "": of fewer */
	bool more;
	enum sp_status status;
};

/* Keep the first `most`, in a block of their own. */
static enum sp_status
cut(struct stretch *s)
{
	struct sp_names kept = { 0 };
	enum sp_status st = SP_OK;
	size_t i;

	sp_names_sort(s->names);
	if (s->names->n <= s->most)
		return SP_OK;
	for (i = 0; st == SP_OK && i < s->most; i++)
		st = sp_names_add(&kept, sp_names_at(s->names, i));
	sp_names_clear(s->names);
	*s->names = kept;
	s->more = true;
	if (st == SP_OK && s->most > 0)
		(void)snprintf(s->last, sizeof s->last, "%s",
		    sp_names_at(s->names, s->most - 1));
	return st;
}

static bool
take_next(void *arg, const char *name, const struct stat *st)
{
	struct stretch *s = arg;

	(void)st;
	if (name[0] == '.' || strcmp(name, s->after) <= 0)
		return true;
	if (s->last[0] != '\0' && strcmp(name, s->last) > 0) {
		s->more = true;
		return true;
	}
	s->status = sp_names_add(s->names, name);
	if (s->status == SP_OK && s->names->n >= s->most * 2)
		s->status = cut(s);
	return s->status == SP_OK;
}

enum sp_status
sp_list_next(int dirfd, const char *after, size_t most,
    struct sp_names *names_out, bool *more_out, struct sp_err *err)
{
	struct stretch s = { .names = names_out, .after = after, .most = most };

	names_out->len = names_out->n = 0;
	if (sp_fs_list(dirfd, ".", take_next, &s) == -1)
		return sp_err_sys(err, "list");
	if (s.status == SP_OK)
		s.status = cut(&s);
	if (s.status != SP_OK)
		return sp_err_set(err, s.status, "no memory for a listing");
	*more_out = s.more;
	return SP_OK;
}

void
sp_window_init(struct sp_window *w)
{
	(void)memset(w, 0, sizeof *w);
}

void
sp_window_clear(struct sp_window *w)
{
	sp_names_clear(&w->names);
	free(w->used);
	sp_window_init(w);
}

enum sp_status
sp_window_fill(struct sp_window *w, struct sp_names *names, unsigned workers)
{
	sp_window_clear(w);
	if (names->n > 0 && (w->used = calloc(names->n, 1)) == NULL)
		return SP_RETRY;
	w->names = *names;
	(void)memset(names, 0, sizeof *names);
	w->width = workers <= 1 ? 1 : (size_t)workers * 4;
	if (workers > 1 && w->width < WINDOW_LEAST)
		w->width = WINDOW_LEAST;
	return SP_OK;
}

const char *
sp_window_next(struct sp_window *w, uint32_t dice)
{
	size_t width, i, k;

	for (;;) {
		while (w->head < w->names.n && w->used[w->head])
			w->head++;
		if (w->head == w->names.n)
			return NULL;
		width = w->names.n - w->head;
		if (width > w->width)
			width = w->width;
		for (i = 0; i < width; i++) {
			k = w->head + (dice + i) % width;
			if (w->used[k])
				continue;
			w->used[k] = 1;
			w->last = k;
			return sp_names_at(&w->names, k);
		}
		w->head += width;
	}
}

void
sp_window_again(struct sp_window *w)
{
	size_t i;

	for (i = 0; i < w->names.n; i++)
		w->used[i] = w->used[i] == 2 ? 2 : 0;
	w->head = 0;
	w->misses = w->skips = 0;
}

void
sp_window_told(struct sp_window *w, bool won)
{
	if (w->last < w->names.n)
		w->used[w->last] = 2; /* either way */
	if (won) {
		w->misses = w->skips = 0;
		return;
	}
	if (++w->misses < WINDOW_MISSES >> w->skips || w->width <= 1)
		return;
	/* Others have emptied this stretch; what we skip, a new list finds.
	 * The next one is believed to be empty sooner. */
	w->misses = 0;
	if (WINDOW_MISSES >> w->skips > 1)
		w->skips++;
	w->head += w->width;
	if (w->head > w->names.n)
		w->head = w->names.n;
}
