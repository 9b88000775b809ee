/*
 * httpqueue.c - what may be claimed, over HTTP.  The server tells the head of
 * the queue, with the texts, so that most orders are judged without a further
 * word; whether one may run now it decides itself, when it is claimed.
 *
 * As long as something of the head can be claimed that is enough.  When nothing
 * of it was (all of it fits others only) the next listing goes further.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/crash.h"
#include "libspool/json.h"
#include "libspool/log.h"
#include "libspool/spool.h"
#include "transport/http.h"

#define WANT_LEAST 64
#define WANT_MOST  200000
#define PAGE_MOST  1000
#define LIST_MS    30000
#define KNOWN_MS   5000 /* what was listed may stand for the queue */

/* ---- the listing ---- */

/* What the next one is to bring. */
static size_t
want(const struct http *h)
{
	size_t least = atomic_load(&h->workers) * (size_t)8, n = h->want;

	least = least < WANT_LEAST ? WANT_LEAST
	    : least > PAGE_MOST    ? PAGE_MOST
				   : least;
	if (h->claimed)
		n /= 2;
	else if (h->ready.more)
		n *= 2;
	return n < least ? least : n > WANT_MOST ? WANT_MOST : n;
}

/* The texts move as they are; where each begins does not. */
static enum sp_status
join(struct answer_ready *to, const struct answer_ready *more,
    struct sp_err *err)
{
	size_t i, n = to->names.n, all = n + more->names.n + 1;
	size_t *at = realloc(to->at, all * sizeof *at);
	int64_t *len;

	if (at != NULL)
		to->at = at;
	len = realloc(to->len, all * sizeof *len);
	if (len != NULL)
		to->len = len;
	if (at == NULL || len == NULL)
		return sp_err_set(err, SP_RETRY, "no memory for the queue");
	for (i = 0; i < more->names.n; i++) {
		if (sp_names_add(&to->names, sp_names_at(&more->names, i)) !=
		    SP_OK)
			return sp_err_set(
			    err, SP_RETRY, "no memory for the queue");
		to->at[n + i] = to->texts.len;
		to->len[n + i] = more->len[i];
		if (more->len[i] < 0)
			continue;
		sp_buf_put(&to->texts, more->texts.data + more->at[i],
		    (size_t)more->len[i]);
		if (to->texts.failed) { /* enough: the rest is asked for */
			to->texts.failed = false;
			to->len[n + i] = -1;
		}
	}
	to->more = more->more;
	return SP_OK;
}

static enum sp_status
page(struct http *h, size_t n, const char *after, struct answer_ready *out,
    struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH),
		      text = SP_BUF_INIT(ANSWER_MOST);
	enum sp_status st;

	sp_buf_printf(&path, "/v1/ready?limit=%zu",
	    n > PAGE_MOST ? (size_t)PAGE_MOST : n);
	if (after != NULL)
		http_path(&path, "&after=", after, "");
	st = http_call(h, "GET", &path, NULL, LIST_MS, &text, NULL, err);
	if (st == SP_OK)
		st = answer_ready(sp_buf_text(&text), text.len, out, err);
	else if (st != SP_RETRY)
		st = SP_RETRY;
	sp_buf_clear(&text);
	sp_buf_clear(&path);
	return st;
}

/* The server has said where the queue stood when it was listed, and would have
 * said if anything had come to it; what went, went to us. */
static bool
known_is(struct http *h)
{
	bool same;

	if (h->listed == 0 || h->lost || sp_mono_ms() - h->listed > KNOWN_MS ||
	    (h->left == 0 && h->ready.more))
		return false;
	(void)pthread_mutex_lock(&h->lock);
	same = h->seen[0] != '\0' && strcmp(h->seen, h->ready.seen) == 0;
	(void)pthread_mutex_unlock(&h->lock);
	return same;
}

static enum sp_status
list_left(const struct http *h, struct sp_names *names_out)
{
	enum sp_status st = SP_OK;
	size_t i;

	names_out->n = names_out->len = 0;
	for (i = 0; i < h->ready.names.n && st == SP_OK; i++)
		if (!h->gone[i])
			st = sp_names_add(
			    names_out, sp_names_at(&h->ready.names, i));
	return st;
}

/* It is ours, or somebody else's. */
static void
went(struct http *h, const char *name, bool lost)
{
	int64_t i = sp_names_place(&h->ready.names, name);

	h->lost |= lost;
	if (i < 0 || h->gone[i])
		return;
	h->gone[i] = true;
	h->left--;
}

enum sp_status
http_list(struct tr *tr, struct sp_names *names_out, struct sp_err *err)
{
	struct http *h = http_of(tr);
	struct answer_ready all = { .workers = 1 }, more;
	enum sp_status st;
	size_t n = want(h), had;
	bool *gone;

	if (known_is(h))
		return list_left(h, names_out);
	st = page(h, n, NULL, &all, err);
	while (st == SP_OK && all.more && all.names.n < n && all.names.n > 0) {
		had = all.names.n;
		more = (struct answer_ready){ .workers = 1 };
		st = page(
		    h, n - had, sp_names_at(&all.names, had - 1), &more, err);
		if (st == SP_OK && more.names.n > 0 &&
		    strcmp(sp_names_at(&more.names, 0),
			sp_names_at(&all.names, had - 1)) <= 0)
			st = sp_err_set(
			    err, SP_RETRY, "the queue is not in order");
		if (st == SP_OK)
			st = join(&all, &more, err);
		answer_ready_clear(&more);
		if (st == SP_OK && all.names.n == had)
			break;
	}
	gone = st == SP_OK ? calloc(all.names.n + 1, sizeof *gone) : NULL;
	if (gone == NULL) {
		answer_ready_clear(&all);
		return sp_err_set(
		    err, st == SP_OK ? SP_RETRY : st, "list new/");
	}
	atomic_store(&h->workers, all.workers);
	answer_ready_clear(&h->ready);
	free(h->gone);
	h->ready = all;
	h->gone = gone;
	h->left = all.names.n;
	h->want = n;
	h->claimed = h->lost = false;
	h->listed = sp_mono_ms();
	return list_left(h, names_out);
}

/* ---- one order ---- */

enum sp_status
http_read(struct tr *tr, const struct sp_name *name, struct sp_buf *text_out,
    struct sp_err *err)
{
	struct http *h = http_of(tr);
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH);
	char text[SP_NAME_MAX];
	enum sp_status st;
	int64_t i;

	sp_name_print(name, text);
	i = sp_names_place(&h->ready.names, text);
	sp_buf_reset(text_out);
	if (i >= 0 && h->ready.len[i] >= 0) {
		sp_buf_put(text_out, h->ready.texts.data + h->ready.at[i],
		    (size_t)h->ready.len[i]);
		return text_out->failed
		    ? sp_err_set(
			  err, SP_BAD, "%s: longer than a job may be", text)
		    : SP_OK;
	}
	http_path_name(&path, "/v1/ready/", name, "");
	st = http_call(h, "GET", &path, NULL, 0, text_out, NULL, err);
	sp_buf_clear(&path);
	return st;
}

/* What is held, cancelled or not due is in no listing, and not claimed. */
enum sp_status
http_eligible(struct tr *tr, const struct sp_name *name,
    const struct sp_job *job, struct sp_err *err)
{
	(void)tr;
	(void)name;
	(void)job;
	(void)err;
	return SP_OK;
}

enum sp_status
http_claim(struct tr *tr, const struct sp_name *name,
    struct sp_name *claimed_out, struct sp_buf *text_out, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(64), body = SP_BUF_INIT(1024),
		      text = SP_BUF_INIT(8 * SP_JOB_MAX);
	struct http *h = http_of(tr);
	char is[SP_NAME_MAX];
	enum sp_status st;
	struct sp_jw w;
	int status;

	sp_name_print(name, is);
	sp_buf_puts(&path, "/v1/claim");
	sp_jw_init(&w, &body);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "worker", h->worker);
	sp_jw_text(&w, "name", is);
	sp_jw_close(&w, '}');
	SP_CRASH("http.claim.before");
	st = http_call(h, "POST", &path, &body, 0, &text, &status, err);
	SP_CRASH("http.claim.after");
	if (st == SP_OK && status != 200)
		st = SP_LOST;
	if (st == SP_OK)
		st = answer_claimed(sp_buf_text(&text), text.len, name,
		    h->worker, claimed_out, text_out, err);
	if (st == SP_GONE)
		st = SP_LOST;
	if (st == SP_OK) {
		h->claimed = true;
		http_claim_put(h, claimed_out);
	}
	if (st != SP_RETRY)
		went(h, is, st != SP_OK);
	http_aged(h); /* it may be ours, whatever came back */
	sp_buf_clear(&text);
	sp_buf_clear(&body);
	sp_buf_clear(&path);
	return st;
}

void
http_claims(
    struct tr *tr, struct sp_claiming *all, size_t n, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(64), body = SP_BUF_INIT(65536),
		      text = SP_BUF_INIT(ANSWER_MOST);
	struct http *h = http_of(tr);
	char is[SP_NAME_MAX];
	enum sp_status st;
	struct sp_jw w;
	size_t i;

	sp_buf_puts(&path, "/v1/claims");
	sp_jw_init(&w, &body);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "worker", h->worker);
	sp_jw_open(&w, "names", '[');
	for (i = 0; i < n; i++) {
		sp_name_print(&all[i].order, is);
		sp_jw_text(&w, NULL, is);
		all[i].status = SP_RETRY;
	}
	sp_jw_close(&w, ']');
	sp_jw_close(&w, '}');
	st = http_call(h, "POST", &path, &body, 0, &text, NULL, err);
	if (st == SP_OK)
		(void)answer_claims(
		    sp_buf_text(&text), text.len, all, n, h->worker, err);
	for (i = 0; i < n; i++) {
		if (all[i].status == SP_OK) {
			h->claimed = true;
			http_claim_put(h, &all[i].claimed);
		}
		sp_name_print(&all[i].order, is);
		if (all[i].status != SP_RETRY)
			went(h, is, all[i].status != SP_OK);
	}
	http_aged(h); /* they may be ours, whatever came back */
	sp_buf_clear(&text);
	sp_buf_clear(&body);
	sp_buf_clear(&path);
}

enum sp_status
http_refuse(struct tr *tr, const struct sp_name *name, const char *why,
    struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH), body = SP_BUF_INIT(8192);
	struct http *h = http_of(tr);
	enum sp_status st;
	struct sp_jw w;

	http_path_name(&path, "/v1/ready/", name, "/refuse");
	sp_jw_init(&w, &body);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "worker", h->worker);
	sp_jw_text(&w, "why", why);
	sp_jw_close(&w, '}');
	SP_CRASH("http.refuse.before");
	st = http_call(h, "POST", &path, &body, 0, NULL, NULL, err);
	SP_CRASH("http.refuse.after");
	sp_buf_clear(&body);
	sp_buf_clear(&path);
	return st;
}

/* ---- is that all? ---- */

enum sp_status
http_drained(struct tr *tr, const struct sp_names *unfit, bool *drained_out,
    struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(64), body = SP_BUF_INIT(ANSWER_MOST),
		      text = SP_BUF_INIT(65536);
	struct http *h = http_of(tr);
	enum sp_status st;
	struct sp_jw w;
	size_t i;

	sp_buf_puts(&path, "/v1/drained");
	sp_jw_init(&w, &body);
	sp_jw_open(&w, NULL, '{');
	sp_jw_open(&w, "unfit", '[');
	for (i = 0; i < unfit->n; i++)
		sp_jw_text(&w, NULL, sp_names_at(unfit, i));
	sp_jw_close(&w, ']');
	sp_jw_close(&w, '}');
	st = http_call(h, "POST", &path, &body, 0, &text, NULL, err);
	if (st == SP_OK)
		st = answer_drained(
		    sp_buf_text(&text), text.len, drained_out, err);
	sp_buf_clear(&text);
	sp_buf_clear(&body);
	sp_buf_clear(&path);
	return st;
}
