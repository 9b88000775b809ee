/*
 * orders.c - where orders stand and what came of them; rows as `spool ls` has
 * them, from the index when it is fresh.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/v1.h"
#include "index/index.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/outcome.h"
#include "libspool/row.h"

static const char *const no_keys[] = { NULL };
static const char *const wait_keys[] = { "wait", NULL };

/* ---- rows ---- */

struct walk {
	struct answer *answer;
	struct sp_jw w;
	const char *after, *match;
	int64_t limit;
	int64_t skip; /* so many of the first, to leave the last */
	struct sp_id last;
	bool more;
};

static bool
wanted(struct walk *k, const struct sp_row *row)
{
	return (k->after == NULL || strcmp(row->name.id.text, k->after) > 0) &&
	    (k->match == NULL || index_match_ok(&row->name, k->match));
}

static int
print_row(void *arg, const struct sp_row *row)
{
	struct walk *k = arg;

	if (!wanted(k, row))
		return 0;
	if (k->skip > 0) {
		k->skip--;
		return 0;
	}
	if (k->limit-- == 0) {
		k->more = true;
		return 1;
	}
	if (k->w.comma)
		sp_buf_puts(k->w.buf, ",");
	k->w.comma = true;
	sp_row_print(row, k->w.buf);
	k->last = row->name.id;
	return 0;
}

static int
count_row(void *arg, const struct sp_row *row)
{
	struct walk *k = arg;

	k->skip += wanted(k, row);
	return 0;
}

static bool
states_of(const char *text, unsigned *states, struct answer *a)
{
	char word[16];
	enum sp_state state;
	size_t n;

	*states = text == NULL ? INDEX_ALL : 0;
	while (text != NULL && *text != '\0') {
		n = strcspn(text, ",");
		(void)snprintf(word, sizeof word, "%.*s",
		    n < sizeof word ? (int)n : 0, text);
		if (!sp_state_parse(word, &state)) {
			answer_wrong(a, W_REQUEST,
			    "state: found '%.40s', expected new, waiting, "
			    "assigned, done or failed",
			    text);
			return false;
		}
		*states |= INDEX_STATE(state);
		text += n + (text[n] == ',');
	}
	return true;
}

void
v1_orders(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "state", "limit", "after", "match",
		"last", NULL };
	struct walk k = { .answer = a };
	struct sp_err err = { "" };
	struct sp_id after;
	enum sp_status st = SP_OK;
	unsigned states;
	int64_t last;

	k.after = url_get(&r->url, "after");
	k.match = url_get(&r->url, "match");
	if (!query_only(r, keys, a) ||
	    !states_of(url_get(&r->url, "state"), &states, a) ||
	    !query_int(r, "limit", 0, 1000, 100, &k.limit, a) ||
	    !query_int(r, "last", 1, 1000, 0, &last, a) ||
	    (k.after != NULL && !param_id(k.after, &after, a)))
		return;
	if (last > 0) {
		st = index_list(&s->spool, states, count_row, &k, NULL, &err);
		k.skip = k.skip > last ? k.skip - last : 0;
		k.limit = last;
	}
	answer_object(a, 200, &k.w);
	sp_jw_open(&k.w, "orders", '[');
	k.w.comma = false;
	if (st == SP_OK)
		st = index_list(&s->spool, states, print_row, &k, NULL, &err);
	sp_jw_close(&k.w, ']');
	sp_jw_text(&k.w, "next", k.more && last == 0 ? k.last.text : NULL);
	answer_end(a, &k.w);
	if (st != SP_OK)
		answer_status(a, st, &err, NULL);
}

void
v1_order(struct server *s, struct request *r, struct answer *a)
{
	struct sp_err err = { "" };
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	struct sp_row row;
	struct sp_id id;

	if (!query_only(r, no_keys, a) || !param_id(r->param[0], &id, a))
		return;
	st = sp_find(&s->spool, &id, &state, &name, &err);
	if (st == SP_OK)
		st = sp_row_read(&s->spool, state, &name, &row, &err);
	if (st != SP_OK) {
		answer_status(a, st, &err, id.text);
		return;
	}
	a->status = 200;
	sp_row_print(&row, &a->body);
	sp_buf_puts(&a->body, "\n");
}

/* ---- texts ---- */

void
v1_job(struct server *s, struct request *r, struct answer *a)
{
	struct sp_err err = { "" };
	enum sp_state state;
	struct sp_name name;
	enum sp_status st = SP_LOST;
	struct sp_id id;
	int i;

	if (!query_only(r, no_keys, a) || !param_id(r->param[0], &id, a))
		return;
	/* It may move between the two. */
	for (i = 0; i < 5 && (st == SP_LOST || (st == SP_GONE && i > 1)); i++) {
		sp_err_clear(&err);
		st = sp_find(&s->spool, &id, &state, &name, &err);
		if (st != SP_OK)
			break;
		st = sp_order_read(&s->spool, state, &name, &a->body, &err);
		if (st == SP_GONE)
			st = SP_LOST;
	}
	if (st == SP_OK)
		a->status = 200;
	else
		answer_status(a, st == SP_LOST ? SP_RETRY : st, &err, id.text);
}

static void
wait_until(
    const struct request *r, int64_t seconds, unsigned what, struct answer *a)
{
	a->wait = what;
	a->until = r->since + seconds * 1000;
}

void
v1_outcome(struct server *s, struct request *r, struct answer *a)
{
	char file[SP_ID_LEN + 8];
	struct sp_err err = { "" };
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	struct stat is;
	struct sp_id id;
	int64_t wait;

	if (!query_only(r, wait_keys, a) || !param_id(r->param[0], &id, a) ||
	    !query_int(r, "wait", 0, WAIT_MOST, 0, &wait, a))
		return;
	(void)snprintf(file, sizeof file, "%s.json", id.text);
	sp_refresh(&s->spool, SP_DIR_OUTCOMES);
	st = sp_read(s->spool.dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX,
	    &a->body, &is, &err);
	if (st == SP_OK) {
		a->status = 200;
		return;
	}
	if (st == SP_GONE && wait > 0 && !r->late &&
	    sp_find(&s->spool, &id, &state, &name, NULL) == SP_OK) {
		wait_until(r, wait, WAKE_OUTCOME, a);
		return;
	}
	answer_status(a, st, st == SP_GONE ? NULL : &err, id.text);
}

/* index/outcomes.jsonl: whoever keeps the index appends to it.  Its ETag is of
 * the file, not of its length: a range of it stays what it was. */
void
v1_outcomes(struct server *s, struct request *r, struct answer *a)
{
	struct sp_err err = { "" };
	int64_t wait, from, len;
	enum sp_status st;
	struct stat is;
	char etag[64];
	int fd;

	if (!query_only(r, wait_keys, a) ||
	    !query_int(r, "wait", 0, WAIT_MOST, 0, &wait, a))
		return;
	st = sp_open(
	    s->spool.dir[SP_DIR_INDEX], "outcomes.jsonl", 0, &fd, &is, &err);
	if (st != SP_OK) {
		answer_status(a, st, st == SP_GONE ? NULL : &err,
		    "index/outcomes.jsonl (spoold keeps it)");
		return;
	}
	if (wait > 0 && !r->late &&
	    range_parse(r->head.range, is.st_size, &from, &len) == -1) {
		(void)close(fd);
		wait_until(r, wait, WAKE_GROWTH, a);
		return;
	}
	(void)snprintf(
	    etag, sizeof etag, "\"%llx\"", (unsigned long long)is.st_ino);
	file_answer(r, a, fd, is.st_size, etag, "application/jsonl");
}
