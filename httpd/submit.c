/*
 * submit.c - jobs in, one or a line each.  What is answered as accepted is
 * durable (sp_submit).
 *
 * An answer may be lost.  Who gives ids with his request may repeat it: what
 * has such an id already was accepted then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "httpd/v1.h"
#include "libspool/find.h"
#include "libspool/scan.h"
#include "libspool/submit.h"

#define LINES_MOST 100000

struct many {
	struct sp_submit *at;
	bool *again; /* accepted by an earlier request */
	size_t n, cap;
	char label[SP_LABEL_MAX + 1];
	int64_t prio; /* -1: the job's */
	bool named;
	struct sp_id first;
};

static void
many_free(struct many *m)
{
	free(m->at);
	free(m->again);
}

/* The id of the i-th line: its last eight digits count up. */
static bool
id_of(const struct many *m, size_t i, struct sp_id *out)
{
	unsigned long bits = strtoul(m->first.text + SP_ID_LEN - 8, NULL, 16);

	*out = m->first;
	if (bits + i > 0xffffffffUL)
		return false;
	(void)snprintf(out->text + SP_ID_LEN - 8, 9, "%08lx", bits + i);
	return true;
}

static bool
add(struct many *m, const char *text, size_t len)
{
	struct sp_submit *at;
	size_t cap;

	if (m->n == m->cap) {
		cap = m->cap == 0 ? 16 : m->cap * 2;
		if ((at = realloc(m->at, cap * sizeof *at)) == NULL)
			return false;
		m->at = at;
		m->cap = cap;
	}
	at = &m->at[m->n];
	(void)memset(at, 0, sizeof *at);
	at->text = text;
	at->len = len;
	at->prio = (int)m->prio;
	at->named = m->named;
	(void)strcpy(at->label, m->label);
	if (m->named && !id_of(m, m->n, &at->id))
		return false;
	m->n++;
	return true;
}

static bool
add_lines(struct many *m, const char *text, size_t len, struct answer *a)
{
	const char *end = text + len, *nl;

	for (; text < end; text = nl + 1) {
		if ((nl = memchr(text, '\n', (size_t)(end - text))) == NULL)
			nl = end;
		if (strspn(text, " \t\r") >= (size_t)(nl - text))
			continue;
		if (m->n >= LINES_MOST) {
			answer_wrong(
			    a, W_LONG, "more than %d jobs at once", LINES_MOST);
			return false;
		}
		if (!add(m, text, (size_t)(nl - text))) {
			answer_wrong(a, W_RETRY,
			    "no memory, or the ids that `id` begins are spent");
			return false;
		}
	}
	return true;
}

/* Which of these ids are there?  Each directory is listed once, in the
 * direction in which orders move, so that one on its way is met. */
static enum sp_status
look_in(
    struct server *s, struct many *m, enum sp_state state, struct sp_err *err)
{
	struct sp_names names = { 0 };
	struct sp_name name;
	unsigned long first, bits;
	enum sp_status st;
	size_t i, k;
	int fd;

	st = sp_state_open(&s->spool, state, &m->first, false, &fd, NULL);
	if (st != SP_OK)
		return st == SP_GONE ? SP_OK : st;
	st = sp_list(fd, false, &names, err);
	(void)close(fd);
	first = strtoul(m->first.text + SP_ID_LEN - 8, NULL, 16);
	for (i = 0; i < names.n && st == SP_OK; i++) {
		if (sp_name_parse(sp_names_at(&names, i), &name) != SP_OK ||
		    memcmp(name.id.text, m->first.text, SP_ID_LEN - 8) != 0)
			continue;
		bits = strtoul(name.id.text + SP_ID_LEN - 8, NULL, 16);
		k = bits - first;
		if (bits >= first && k < m->n)
			m->again[k] = true;
	}
	sp_names_clear(&names);
	return st;
}

static enum sp_status
look_again(struct server *s, struct many *m, struct sp_err *err)
{
	static const enum sp_state path[] = { SP_NEW, SP_WAITING, SP_NEW,
		SP_ASSIGNED, SP_DONE, SP_FAILED, SP_NEW, SP_WAITING,
		SP_ASSIGNED, SP_DONE, SP_FAILED };
	enum sp_status st = SP_OK;
	size_t i;

	for (i = 0; m->named && i < sizeof path / sizeof *path && st == SP_OK;
	     i++)
		st = look_in(s, m, path[i], err);
	return st;
}

/* The new ones, together; a group of sp_submit is what lies between two that
 * were there before. */
static void
submit(struct server *s, struct many *m)
{
	size_t i, from;

	for (i = 0; i < m->n;) {
		if (m->again[i]) {
			m->at[i++].status = SP_OK;
			continue;
		}
		for (from = i; i < m->n && !m->again[i]; i++)
			;
		(void)sp_submit(&s->spool, m->at + from, i - from, NULL);
	}
	clock_news(s, WAKE_QUEUE);
}

/* ---- the answer ---- */

static void
print_one(
    struct server *s, struct sp_jw *w, const struct sp_submit *one, bool again)
{
	enum sp_state state = SP_NEW;
	char text[SP_NAME_MAX] = "";
	struct sp_name name;

	sp_jw_text(w, "id", one->id.text);
	/* It may have moved on; its id is what counts. */
	if (sp_find(&s->spool, &one->id, &state, &name, NULL) == SP_OK)
		sp_name_print(&name, text);
	sp_jw_text(w, "name", text);
	sp_jw_text(w, "state", sp_state_text(state));
	if (again)
		sp_jw_bool(w, "again", true);
}

static void
print_wrong(struct sp_jw *w, const struct sp_submit *one, size_t line)
{
	sp_jw_int(w, "line", (int64_t)line);
	sp_jw_text(w, "error", wrong_text(wrong_of(one->status)));
	sp_jw_text(w, "reason", one->err.text);
}

static void
say_one(struct server *s, struct many *m, struct answer *a)
{
	struct sp_jw w;

	if (m->at->status != SP_OK) {
		answer_status(a, m->at->status, &m->at->err, NULL);
		return;
	}
	answer_object(a, 201, &w);
	print_one(s, &w, m->at, m->again[0]);
	answer_end(a, &w);
	answer_header(a, "Location", "/v1/orders/%s", m->at->id.text);
}

/* Where each stands is not looked up: that would cost a listing a line. */
static void
say_many(struct many *m, struct answer *a)
{
	size_t i, good = 0;
	struct sp_jw w;

	for (i = 0; i < m->n; i++)
		good += m->at[i].status == SP_OK;
	answer_object(a, good == m->n ? 201 : good > 0 ? 207 : 422, &w);
	if (good == 0 && m->n > 0) {
		sp_jw_text(&w, "error", wrong_text(wrong_of(m->at->status)));
		sp_jw_text(&w, "reason", m->at->err.text);
	}
	sp_jw_int(&w, "accepted", (int64_t)good);
	sp_jw_int(&w, "refused", (int64_t)(m->n - good));
	sp_jw_open(&w, "orders", '[');
	for (i = 0; i < m->n; i++) {
		sp_jw_open(&w, NULL, '{');
		if (m->at[i].status != SP_OK)
			print_wrong(&w, &m->at[i], i + 1);
		else
			sp_jw_text(&w, "id", m->at[i].id.text);
		if (m->at[i].status == SP_OK && m->again[i])
			sp_jw_bool(&w, "again", true);
		sp_jw_close(&w, '}');
	}
	sp_jw_close(&w, ']');
	answer_end(a, &w);
}

/* ---- the request ---- */

static bool
asked(struct request *r, struct many *m, struct answer *a)
{
	static const char *const keys[] = { "id", "label", "priority", NULL };
	const char *text;

	if (!query_only(r, keys, a) ||
	    !query_int(r, "priority", 0, SP_PRIO_MAX, -1, &m->prio, a))
		return false;
	if ((text = url_get(&r->url, "label")) != NULL) {
		if (!sp_label_ok(text)) {
			answer_wrong(a, W_REQUEST,
			    "label: found '%.80s', expected up to %d letters, "
			    "digits, _ and -",
			    text, SP_LABEL_MAX);
			return false;
		}
		(void)strcpy(m->label, text);
	}
	if ((text = url_get(&r->url, "id")) != NULL) {
		m->named = true;
		if (!param_id(text, &m->first, a))
			return false;
	}
	return true;
}

void
v1_submit(struct server *s, struct request *r, struct answer *a)
{
	bool one = type_is(r->head.type, "application/json");
	struct sp_err err = { "" };
	struct many m = { 0 };
	enum sp_status st;
	bool ok;

	if (!one && !type_is(r->head.type, "application/jsonl") &&
	    !type_is(r->head.type, "application/x-ndjson")) {
		answer_wrong(a, W_TYPE,
		    "Content-Type: found '%.64s', expected application/json "
		    "(one job) or application/jsonl (one a line)",
		    r->head.type == NULL ? "" : r->head.type);
		return;
	}
	if (!asked(r, &m, a) || !body_text(r, a))
		return;
	ok = one ? add(&m, sp_buf_text(&r->body), r->body.len)
		 : add_lines(&m, sp_buf_text(&r->body), r->body.len, a);
	if (ok && (m.again = calloc(m.n + 1, sizeof *m.again)) == NULL)
		ok = false;
	if (!ok && a->status == 0)
		answer_wrong(a, W_RETRY, "no memory");
	if (ok && (st = look_again(s, &m, &err)) != SP_OK) {
		answer_status(a, st, &err, NULL);
		ok = false;
	}
	if (ok) {
		submit(s, &m);
		if (one)
			say_one(s, &m, a);
		else
			say_many(&m, a);
	}
	many_free(&m);
}
