/*
 * readyhint.c - index/ready.jsonl, the head of the queue as spoold publishes
 * it, for those to whom a listing of new/ is dear: one look a poll tells
 * whether it has changed.  It is a hint, no more: a claim is a rename.
 *
 * spoold renews the file's time with each of its beats, so one that stands
 * still is nobody's any more; and so is one that was never seen to move.
 */
#include <string.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/readyin.h"

#define FILE_MAX  (4 * 1024 * 1024)
#define BEATS     3    /* without a new time, and it is not believed, */
#define STILL_MS  3000 /* but not sooner: times may be whole seconds */
#define COARSE_MS 1500 /* times of a second may hide a second change */
#define FULL      10   /* polls between listings when it may be not all */

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ino == b->st_ino;
}

/* One line: {"name":"...", ...} */
static enum sp_status
take_line(const char *line, size_t len, struct sp_names *names)
{
	struct json_t *json = NULL;
	struct sp_name name;
	enum sp_status st;
	const char *text;

	st = sp_json_parse(line, len, &json, NULL);
	if (st == SP_OK) {
		text = sp_json_text(sp_json_get(json, "name"));
		if (text == NULL || sp_name_parse(text, &name) != SP_OK ||
		    name.worker[0] != '\0')
			st = SP_BAD;
		else if (!name.bundle)
			st = sp_names_add(names, text);
	}
	sp_json_free(json);
	return st;
}

/* Half a hint is none. */
static enum sp_status
take(const struct sp_buf *text, struct sp_names *names, size_t *lines_out)
{
	const char *at = sp_buf_text(text), *end = at + text->len, *nl;
	enum sp_status st = SP_OK;

	names->n = names->len = 0;
	for (*lines_out = 0; at < end && st == SP_OK; at = nl + 1) {
		nl = memchr(at, '\n', (size_t)(end - at));
		st = nl == NULL ? SP_BAD
				: take_line(at, (size_t)(nl - at), names);
		if (nl == NULL)
			break;
		++*lines_out;
	}
	if (st == SP_OK && names->n > SP_READY_HEAD)
		st = SP_BAD; /* not spoold's */
	if (st == SP_OK)
		sp_names_sort(names);
	return st;
}

static enum sp_status
read_it(struct sp_ready *r)
{
	struct sp_buf text = SP_BUF_INIT(FILE_MAX);
	struct sp_hint *h = &r->hint;
	enum sp_status st;
	struct stat is;

	st = sp_read(r->spool->dir[SP_DIR_INDEX], "ready.jsonl", FILE_MAX,
	    &text, &is, NULL);
	if (st == SP_OK)
		st = take(&text, &h->names, &h->lines);
	sp_buf_clear(&text);
	(void)memset(h->gone, 0, sizeof h->gone);
	return st;
}

/* As far as was looked. */
static bool
moves(const struct sp_ready *r, int64_t now)
{
	double most = r->spool->policy.beat * 1000 * BEATS;

	return r->hint.moved &&
	    (double)(now - r->hint.changed) <
	    (most < STILL_MS ? STILL_MS : most);
}

enum sp_status
hint_look(struct sp_ready *r, int64_t now)
{
	struct sp_hint *h = &r->hint;
	bool first = !h->seen, fresh;
	struct stat is;

	h->looked = now;
	if (sp_fs_lstat(r->spool->dir[SP_DIR_INDEX], "ready.jsonl", &is) ==
	    -1) {
		h->seen = h->moved = h->good = false;
		return SP_GONE;
	}
	fresh = first || !same(&is, &h->was);
	h->seen = true;
	h->was = is;
	if (fresh && !first) {
		h->moved = true;
		h->changed = now;
	}
	if (!moves(r, now))
		return SP_GONE;
	/* It may change twice in what the medium takes for one moment. */
	if (fresh || !h->good ||
	    (h->read_at < h->changed + COARSE_MS &&
		now >= h->changed + COARSE_MS)) {
		h->news = fresh || h->news;
		h->good = read_it(r) == SP_OK;
		h->read_at = now;
	}
	return h->good ? SP_OK : SP_GONE;
}

bool
hint_enough(struct sp_ready *r, int64_t now)
{
	struct sp_hint *h = &r->hint;
	bool news = h->news;

	h->news = false;
	if (h->lines < SP_READY_HEAD || news)
		return true;
	/* We were told of these before, and are here again: none of them was
	 * for us, and there may be more behind them. */
	return (double)(now - h->full_at) < r->spool->policy.poll * 1000 * FULL;
}

enum sp_status
hint_copy(const struct sp_ready *r, struct sp_names *names_out)
{
	const struct sp_hint *h = &r->hint;
	enum sp_status st = SP_OK;
	size_t i;

	names_out->n = names_out->len = 0;
	for (i = 0; i < h->names.n && st == SP_OK; i++)
		if (!h->gone[i])
			st = sp_names_add(names_out, sp_names_at(&h->names, i));
	return st;
}

void
sp_ready_gone(struct sp_ready *r, const struct sp_name *name)
{
	struct sp_hint *h = &r->hint;
	char text[SP_NAME_MAX];
	size_t i;

	sp_name_print(name, text);
	for (i = 0; i < h->names.n; i++)
		if (strcmp(sp_names_at(&h->names, i), text) == 0)
			h->gone[i] = true;
}

bool
sp_ready_spoold_is(struct sp_ready *r, int64_t now)
{
	struct sp_hint *h = &r->hint;

	if (!h->seen ||
	    (double)(now - h->looked) >= r->spool->policy.beat * 1000)
		(void)hint_look(r, now);
	return moves(r, now);
}
