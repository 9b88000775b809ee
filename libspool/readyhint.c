/*
 * readyhint.c - index/ready.jsonl, the head of the queue as spoold publishes
 * it, for those to whom a listing of new/ is dear: over there one look a poll
 * tells whether it has changed, and here a directory of a million names takes
 * a second.  It is a hint, no more: a claim is a rename.
 *
 * spoold renews the file's time with each of its beats, so one that stands
 * still is nobody's any more; and so is one that was never seen to move, where
 * our clock is not the file's.
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
#define FULL      10   /* polls between listings when it may be not all; */
#define REST      10   /* here, so often what a listing takes */
#define NEWS_MS   1000 /* a spoold that is well renews it sooner */
#define LONG      (1024 * 1024) /* bytes of new/: some 16,000 names */

/* Reading costs nothing near, and many may ask at once. */
static bool
near(const struct sp_ready *r)
{
	return r->spool->local;
}

static const char *
file_of(const struct sp_ready *r)
{
	return near(r) ? "ready.names" : "ready.jsonl";
}

static size_t
most(const struct sp_ready *r)
{
	return near(r) ? SP_READY_NAMES : SP_READY_HEAD;
}

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ino == b->st_ino;
}

/* As spoold writes them: {"name":"...",...}, and a name needs no escapes. */
static bool
plain_line(const char *line, size_t len, char text_out[SP_NAME_MAX])
{
	static const char head[] = "{\"name\":\"";
	const char *at = line + sizeof head - 1, *end;

	if (len < sizeof head || line[len - 1] != '}' ||
	    memcmp(line, head, sizeof head - 1) != 0)
		return false;
	end = memchr(at, '"', len - (sizeof head - 1));
	if (end == NULL || end - at >= SP_NAME_MAX)
		return false;
	(void)memcpy(text_out, at, (size_t)(end - at));
	text_out[end - at] = '\0';
	return true;
}

static enum sp_status
take_name(const char *text, struct sp_names *names)
{
	struct sp_name name;

	if (sp_name_parse(text, &name) != SP_OK || name.worker[0] != '\0')
		return SP_BAD;
	return name.bundle ? SP_OK : sp_names_add(names, text);
}

/* One line: {"name":"...", ...} */
static enum sp_status
take_line(const char *line, size_t len, struct sp_names *names)
{
	struct json_t *json = NULL;
	char plain[SP_NAME_MAX];
	enum sp_status st;
	const char *text;

	if (plain_line(line, len, plain))
		return take_name(plain, names);
	st = sp_json_parse(line, len, &json, NULL);
	if (st == SP_OK) {
		text = sp_json_text(sp_json_get(json, "name"));
		st = text == NULL ? SP_BAD : take_name(text, names);
	}
	sp_json_free(json);
	return st;
}

/* One line of ready.names. */
static enum sp_status
take_bare(const char *line, size_t len, struct sp_names *names)
{
	char text[SP_NAME_MAX];

	if (len >= sizeof text)
		return SP_BAD;
	(void)memcpy(text, line, len);
	text[len] = '\0';
	return take_name(text, names);
}

/* Half a hint is none. */
enum sp_status
hint_parse(const char *text, size_t len, bool bare, struct sp_names *names,
    size_t *lines_out)
{
	enum sp_status (*line)(const char *, size_t, struct sp_names *) =
	    bare ? take_bare : take_line;
	const char *at = text, *end = at + len, *nl;
	enum sp_status st = SP_OK;

	names->n = names->len = 0;
	for (*lines_out = 0; at < end && st == SP_OK; at = nl + 1) {
		nl = memchr(at, '\n', (size_t)(end - at));
		st = nl == NULL ? SP_BAD : line(at, (size_t)(nl - at), names);
		if (nl == NULL)
			break;
		++*lines_out;
	}
	if (st == SP_OK &&
	    names->n > (size_t)(bare ? SP_READY_NAMES : SP_READY_HEAD))
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

	st = sp_read(r->spool->dir[SP_DIR_INDEX], file_of(r), FILE_MAX, &text,
	    &is, NULL);
	if (st == SP_OK)
		st = hint_parse(sp_buf_text(&text), text.len, near(r),
		    &h->names, &h->lines);
	sp_buf_clear(&text);
	(void)memset(h->gone, 0, sizeof h->gone);
	return st;
}

bool
sp_ready_long_is(const struct sp_spool *spool)
{
	struct stat new;

	return spool->local && fstat(spool->dir[SP_DIR_NEW], &new) == 0 &&
	    new.st_size >= LONG;
}

bool
hint_wanted(const struct sp_ready *r)
{
	return sp_fs_far(r->spool->root) || sp_ready_long_is(r->spool);
}

/* As far as was looked. */
static bool
moves(const struct sp_ready *r, int64_t now)
{
	double still = r->spool->policy.beat * 1000 * BEATS, age;

	if (still < STILL_MS)
		still = STILL_MS;
	if (near(r)) {
		age = (double)sp_wall_ms() -
		    (double)r->hint.was.st_mtim.tv_sec * 1000;
		return r->hint.seen && age > -still && age < still;
	}
	return r->hint.moved && (double)(now - r->hint.changed) < still;
}

enum sp_status
hint_look(struct sp_ready *r, int64_t now)
{
	struct sp_hint *h = &r->hint;
	bool first = !h->seen, fresh;
	struct stat is;

	h->looked = now;
	if (sp_fs_lstat(r->spool->dir[SP_DIR_INDEX], file_of(r), &is) == -1) {
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

/* They were told of these before, and are here again. */
enum sp_status
hint_enough(struct sp_ready *r, int64_t now)
{
	struct sp_hint *h = &r->hint;
	bool news = h->news, useful = h->useful, full;

	h->news = h->useful = false;
	if (news)
		return SP_OK;
	full = h->lines < most(r);
	if (!near(r))
		return full ||
			(double)(now - h->full_at) <
			    r->spool->policy.poll * 1000 * FULL
		    ? SP_OK
		    : SP_GONE;
	/* None of them is for us, or nobody renews what is used up: there may
	 * be more behind them. */
	if (full || useful || now - h->read_at < NEWS_MS ||
	    (h->full_at != 0 && now - h->full_at < h->full_cost * REST))
		return SP_LOST;
	return SP_GONE;
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
	size_t low = 0, high = h->names.n, middle;
	char text[SP_NAME_MAX];
	int c;

	sp_name_print(name, text);
	while (low < high) {
		middle = low + (high - low) / 2;
		c = strcmp(text, sp_names_at(&h->names, middle));
		if (c == 0)
			h->gone[middle] = h->useful = true;
		if (c == 0)
			return;
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
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
