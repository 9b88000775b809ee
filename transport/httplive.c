/*
 * httplive.c - beats over HTTP, and what is known from their answers: what we
 * hold, what is to be cancelled, what is asked of us.  So a beat is one request
 * of three, as long as nothing that it tells may have changed since.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/crash.h"
#include "libspool/json.h"
#include "libspool/spool.h"
#include "transport/http.h"

#define BEAT_LEAST 3000 /* ms for one, however short the lease */
#define BEAT_MOST  10000
#define HELD_MOST  (4 * 1024 * 1024)

/* ---- what we hold, by id ---- */

void
http_aged(struct http *h)
{
	(void)pthread_mutex_lock(&h->lock);
	h->ages++;
	(void)pthread_mutex_unlock(&h->lock);
}

void
http_claim_put(struct http *h, const struct sp_name *name)
{
	struct http_claim *c = calloc(1, sizeof *c);

	if (c == NULL)
		return; /* its pins are not written, that is all */
	c->name = *name;
	(void)pthread_mutex_lock(&h->lock);
	c->next = h->claims;
	h->claims = c;
	(void)pthread_mutex_unlock(&h->lock);
}

void
http_claim_drop(struct http *h, const struct sp_name *name)
{
	struct http_claim **at, *c;

	(void)pthread_mutex_lock(&h->lock);
	for (at = &h->claims; (c = *at) != NULL;) {
		if (sp_attempt_same(&c->name, name)) {
			*at = c->next;
			free(c);
		} else
			at = &c->next;
	}
	h->ages++;
	(void)pthread_mutex_unlock(&h->lock);
}

bool
http_claim_get(struct http *h, const struct sp_id *id, struct sp_name *name_out)
{
	const struct http_claim *c;

	(void)pthread_mutex_lock(&h->lock);
	for (c = h->claims; c != NULL; c = c->next)
		if (strcmp(c->name.id.text, id->text) == 0) {
			*name_out = c->name;
			break;
		}
	(void)pthread_mutex_unlock(&h->lock);
	return c != NULL;
}

/* ---- answers that say what we hold ---- */

static enum sp_status
take(struct http *h, const struct sp_buf *text, unsigned age, int64_t sent,
    struct sp_err *err)
{
	struct answer_held held;
	enum sp_status st;

	st = answer_held(sp_buf_text(text), text->len, h->worker, &held, err);
	if (st != SP_OK)
		return st;
	atomic_store(&h->workers, held.workers);
	(void)pthread_mutex_lock(&h->lock);
	answer_held_clear(&h->held);
	h->held = held;
	h->held_age = age;
	h->held_at = sent;
	h->held_fresh = h->held_known = true;
	(void)pthread_mutex_unlock(&h->lock);
	return SP_OK;
}

static unsigned
age_now(struct http *h)
{
	unsigned age;

	(void)pthread_mutex_lock(&h->lock);
	age = h->ages;
	(void)pthread_mutex_unlock(&h->lock);
	return age;
}

static enum sp_status
ask(struct http *h, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH),
		      text = SP_BUF_INIT(HELD_MOST);
	int64_t sent = sp_mono_ms();
	unsigned age = age_now(h);
	enum sp_status st;

	http_path(&path, "/v1/workers/", h->worker, "/held");
	st = http_call(h, "GET", &path, NULL, 0, &text, NULL, err);
	if (st == SP_OK)
		st = take(h, &text, age, sent, err);
	sp_buf_clear(&text);
	sp_buf_clear(&path);
	return st == SP_OK ? st : SP_RETRY;
}

enum sp_status
http_beat(struct tr *tr, const struct sp_beat *beat, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH),
		      body = SP_BUF_INIT(SP_BEAT_MAX),
		      text = SP_BUF_INIT(HELD_MOST);
	struct http *h = http_of(tr);
	int64_t sent = sp_mono_ms();
	int64_t ms = (int64_t)(h->about.policy.lease * 250);
	unsigned age = age_now(h);
	enum sp_status st;

	ms = ms < BEAT_LEAST ? BEAT_LEAST : ms > BEAT_MOST ? BEAT_MOST : ms;
	http_path(&path, "/v1/workers/", h->worker, "");
	sp_beat_print(beat, &body);
	SP_CRASH("http.beat.before");
	st = http_call(h, "PUT", &path, &body, ms, &text, NULL, err);
	SP_CRASH("http.beat.after");
	if (st == SP_OK)
		st = take(h, &text, age, sent, err);
	sp_buf_clear(&text);
	sp_buf_clear(&body);
	sp_buf_clear(&path);
	return st;
}

enum sp_status
http_bye(struct tr *tr, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH);
	struct http *h = http_of(tr);
	enum sp_status st;

	http_path(&path, "/v1/workers/", h->worker, "");
	SP_CRASH("http.bye.before");
	st = http_call(h, "DELETE", &path, NULL, 0, NULL, NULL, err);
	SP_CRASH("http.bye.after");
	sp_buf_clear(&path);
	return st == SP_GONE ? SP_OK : st;
}

static enum sp_status
copy(struct sp_names *to, const struct sp_names *from)
{
	enum sp_status st = SP_OK;
	size_t i;

	to->n = to->len = 0;
	for (i = 0; i < from->n && st == SP_OK; i++)
		st = sp_names_add(to, sp_names_at(from, i));
	return st;
}

/* With the lock: may the last answer stand for a listing made now? */
static bool
fresh_is(const struct http *h)
{
	return h->held_fresh && h->held_age == h->ages &&
	    (double)(sp_mono_ms() - h->held_at) <
	    h->about.policy.beat * 1000 / 2 + 500;
}

enum sp_status
http_held(struct tr *tr, struct sp_names *ours_out, struct sp_names *stale_out,
    struct sp_names *cancel_out, struct sp_err *err)
{
	struct http *h = http_of(tr);
	enum sp_status st;
	bool fresh;

	(void)pthread_mutex_lock(&h->lock);
	fresh = fresh_is(h);
	(void)pthread_mutex_unlock(&h->lock);
	if (!fresh && (st = ask(h, err)) != SP_OK)
		return st;
	(void)pthread_mutex_lock(&h->lock);
	st = copy(ours_out, &h->held.ours);
	if (st == SP_OK)
		st = copy(stale_out, &h->held.stale);
	if (st == SP_OK)
		st = copy(cancel_out, &h->held.cancel);
	h->held_fresh = false; /* who asks again wants to know it afresh */
	(void)pthread_mutex_unlock(&h->lock);
	return st == SP_OK ? st : sp_err_set(err, st, "no memory");
}

/* ---- wishes ---- */

static enum sp_status
resumed(struct http *h, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH);
	enum sp_status st;

	http_path(&path, "/v1/workers/", h->worker, "/wishes/resume");
	SP_CRASH("http.resumed.before");
	st = http_call(h, "DELETE", &path, NULL, 0, NULL, NULL, err);
	SP_CRASH("http.resumed.after");
	sp_buf_clear(&path);
	return st == SP_GONE ? SP_OK : st;
}

/* Asked right before each beat: the last one's answer will do. */
enum sp_status
http_wishes(struct tr *tr, struct tr_wishes *wishes_out, struct sp_err *err)
{
	struct http *h = http_of(tr);
	struct tr_wishes is;
	enum sp_status st;
	bool known;

	(void)pthread_mutex_lock(&h->lock);
	known = h->held_known &&
	    (double)(sp_mono_ms() - h->held_at) <
		h->about.policy.beat * 1500 + 1000;
	(void)pthread_mutex_unlock(&h->lock);
	if (!known && (st = ask(h, err)) != SP_OK)
		return st;
	(void)pthread_mutex_lock(&h->lock);
	is = h->held.wishes;
	(void)pthread_mutex_unlock(&h->lock);
	if (is.resume) {
		if ((st = resumed(h, err)) != SP_OK)
			return st;
		(void)pthread_mutex_lock(&h->lock);
		h->held.wishes.resume = false;
		(void)pthread_mutex_unlock(&h->lock);
	}
	*wishes_out = is;
	return SP_OK;
}

/* ---- the others ---- */

enum sp_status
http_peers(
    struct tr *tr, struct sp_tally_row *rows, size_t n, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(64), body = SP_BUF_INIT(65536),
		      text = SP_BUF_INIT(65536);
	struct http *h = http_of(tr);
	enum sp_status st;
	struct sp_jw w;
	size_t i;

	sp_buf_puts(&path, "/v1/peers");
	sp_jw_init(&w, &body);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "worker", h->worker);
	sp_jw_open(&w, "scripts", '[');
	for (i = 0; i < n; i++)
		sp_jw_text(&w, NULL, rows[i].script);
	sp_jw_close(&w, ']');
	sp_jw_close(&w, '}');
	st = http_call(h, "POST", &path, &body, 0, &text, NULL, err);
	if (st == SP_OK)
		st = answer_peers(sp_buf_text(&text), text.len, rows, n, err);
	sp_buf_clear(&text);
	sp_buf_clear(&body);
	sp_buf_clear(&path);
	return st;
}
