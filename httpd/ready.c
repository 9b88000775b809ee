/*
 * ready.c - the queue as a worker sees it that judges orders itself: names and
 * texts, one text, and the end of what is no valid job.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpd/v1.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/outcome.h"
#include "libspool/scan.h"

static const char *const no_keys[] = { NULL };

#define LIMIT      256        /* names in one answer, if not said */
#define TEXTS_MOST (16 << 20) /* bytes of texts in one answer */

struct ask {
	struct queue_pick pick;
	struct sp_offer offer;
	const char *tags[TAGS_MOST];
	const char *seen;
	bool texts;
	int64_t wait, limit;
};

/* ---- the request ---- */

static bool
real(const struct request *r, const char *key, double *out, struct answer *a)
{
	const char *text = url_get(&r->url, key);
	char *end;

	*out = 0;
	if (text == NULL)
		return true;
	if (strspn(text, "0123456789.") == strlen(text)) {
		*out = strtod(text, &end);
		if (end != text && *end == '\0')
			return true;
	}
	answer_wrong(
	    a, W_REQUEST, "%s: found '%.40s', expected a number", key, text);
	return false;
}

static bool
offer_of(const struct request *r, struct ask *k, struct answer *a)
{
	int64_t gpus;
	size_t i;

	if (!query_int(r, "gpus", 0, 100000, 0, &gpus, a) ||
	    !real(r, "cpus", &k->offer.cpus, a) ||
	    !query_int(r, "memory", 0, INT64_MAX, 0, &k->offer.memory, a))
		return false;
	k->offer.gpus = (int)gpus;
	k->offer.tags = k->tags;
	for (i = 0; i < r->url.query_n; i++) {
		if (strcmp(r->url.query[i].key, "tag") != 0)
			continue;
		if (k->offer.tags_n == TAGS_MOST) {
			answer_wrong(a, W_REQUEST, "tag: at most 64");
			return false;
		}
		k->tags[k->offer.tags_n++] = r->url.query[i].value;
	}
	if (url_get(&r->url, "gpus") != NULL ||
	    url_get(&r->url, "cpus") != NULL ||
	    url_get(&r->url, "memory") != NULL || k->offer.tags_n > 0)
		k->pick.offer = &k->offer;
	return true;
}

static bool
ask_of(const struct request *r, struct ask *k, struct answer *a)
{
	static const char *const keys[] = { "seen", "wait", "limit", "after",
		"texts", "gpus", "cpus", "memory", "tag", NULL };
	const char *texts = url_get(&r->url, "texts");
	struct sp_name after;

	k->seen = url_get(&r->url, "seen");
	k->pick.after = url_get(&r->url, "after");
	k->texts = texts == NULL || strcmp(texts, "0") != 0;
	k->pick.all = !k->texts;
	if (!query_only(r, keys, a) ||
	    !query_int(r, "wait", 0, WAIT_MOST, 0, &k->wait, a) ||
	    !query_int(r, "limit", 0, 1000, LIMIT, &k->limit, a) ||
	    !offer_of(r, k, a))
		return false;
	k->pick.limit = (size_t)k->limit;
	if (k->pick.after == NULL)
		k->pick.after = "";
	else if (!param_name(k->pick.after, &after, a))
		return false;
	if (texts != NULL && strcmp(texts, "0") != 0 &&
	    strcmp(texts, "1") != 0) {
		answer_wrong(a, W_REQUEST, "texts: expected 0 or 1");
		return false;
	}
	return true;
}

/* ---- the answer ---- */

/* Can it be a text in JSON, byte for byte? */
static bool
text_is(const struct sp_buf *b)
{
	struct sp_buf quoted = SP_BUF_INIT(8 * SP_JOB_MAX);
	bool is;

	if (memchr(sp_buf_text(b), '\0', b->len) != NULL)
		return false;
	/* What is no UTF-8 becomes U+FFFD: then these bytes are new. */
	sp_json_put_text(&quoted, sp_buf_text(b));
	is = !quoted.failed &&
	    (strstr(sp_buf_text(&quoted), "\xef\xbf\xbd") == NULL ||
		strstr(sp_buf_text(b), "\xef\xbf\xbd") != NULL);
	sp_buf_clear(&quoted);
	return is;
}

/* false: it is not there any more. */
static bool
put_one(struct server *s, struct sp_jw *w, const char *text, bool texts,
    size_t room)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_name name;
	enum sp_status st = SP_OK;

	if (sp_name_parse(text, &name) != SP_OK)
		return false;
	if (texts)
		st = sp_order_read(&s->spool, SP_NEW, &name, &job, NULL);
	if (st == SP_OK || st == SP_BAD) {
		sp_jw_open(w, NULL, '{');
		sp_jw_text(w, "name", text);
		if (texts && job.len <= room)
			sp_jw_text(w, "text",
			    st == SP_OK && text_is(&job) ? sp_buf_text(&job)
							 : NULL);
		sp_jw_close(w, '}');
	}
	sp_buf_clear(&job);
	return st == SP_OK || st == SP_BAD;
}

void
v1_ready(struct server *s, struct request *r, struct answer *a)
{
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	struct ask k = { 0 };
	char seen[QUEUE_SEEN];
	enum sp_status st;
	struct sp_jw w;
	bool more;
	size_t i;

	if (!ask_of(r, &k, a))
		return;
	/* Before the listing: what changes during it counts as later. */
	queue_seen(s->queue, seen);
	if (k.seen != NULL && k.wait > 0 && !r->late &&
	    strcmp(k.seen, seen) == 0) {
		a->wait = WAKE_QUEUE;
		a->until = r->since + k.wait * 1000;
		return;
	}
	st = queue_list(s->queue, &k.pick, &names, &more, &err);
	if (st != SP_OK) {
		answer_status(a, st, &err, "list new/");
		sp_names_clear(&names);
		return;
	}
	answer_object(a, 200, &w);
	sp_jw_text(&w, "seen", seen);
	sp_jw_open(&w, "orders", '[');
	for (i = 0; i < names.n; i++)
		(void)put_one(s, &w, sp_names_at(&names, i), k.texts,
		    a->body.len < TEXTS_MOST ? TEXTS_MOST - a->body.len : 0);
	sp_jw_close(&w, ']');
	sp_jw_bool(&w, "more", more);
	sp_jw_int(&w, "workers", workers_alive(s));
	answer_end(a, &w);
	sp_names_clear(&names);
}

static bool
named(const struct request *r, struct sp_name *name, struct answer *a)
{
	if (!param_name(r->param[0], name, a))
		return false;
	if (name->worker[0] == '\0' && !name->bundle)
		return true;
	answer_wrong(a, W_REQUEST,
	    "'%.200s' is not as an order is called in new/", r->param[0]);
	return false;
}

void
v1_ready_text(struct server *s, struct request *r, struct answer *a)
{
	struct sp_err err = { "" };
	struct sp_name name;
	enum sp_status st;

	if (!query_only(r, no_keys, a) || !named(r, &name, a))
		return;
	st = sp_order_read(&s->spool, SP_NEW, &name, &a->body, &err);
	if (st == SP_OK) {
		a->status = 200;
		a->type = "application/octet-stream";
	} else {
		answer_status(a, st, &err, r->param[0]);
	}
}

/* What a worker says of it is looked at again: nobody ends a job of others by
 * calling it names. */
void
v1_refuse(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "worker", "why", NULL };
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" }, why;
	struct sp_spool view;
	struct json_t *json;
	struct sp_name name;
	struct sp_job job;
	const char *worker;
	enum sp_status st;

	if (!query_only(r, no_keys, a) || !named(r, &name, a) ||
	    !body_json(r, keys, &json, a))
		return;
	worker = sp_json_text(sp_json_get(json, "worker"));
	if (!worker_may(r, worker, a)) {
		sp_json_free(json);
		return;
	}
	server_as(s, worker, &view);
	sp_json_free(json);
	st = sp_order_read(&s->spool, SP_NEW, &name, &text, &err);
	if (st == SP_OK) {
		st = sp_job_parse(text.data, text.len, &job, &err);
		if (st == SP_OK || (st == SP_BAD && !job.object)) {
			answer_wrong(a, W_LOST,
			    st == SP_OK ? "%s is a valid job"
					: "%s is no whole JSON object; the "
					  "keeper sets it aside",
			    name.id.text);
			st = SP_LOST;
		} else if (st == SP_BAD) {
			why = err;
			sp_err_clear(&err);
			st = sp_end(&view, SP_NEW, &name, SP_ST_INVALID, false,
			    why.text, &err);
		}
		sp_job_clear(&job);
	}
	sp_buf_clear(&text);
	if (a->status != 0)
		return;
	if (st == SP_OK)
		answer_texts(
		    a, 200, "id", name.id.text, "state", "failed", NULL);
	else
		answer_status(a, st, &err, r->param[0]);
}

void
v1_drained(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "unfit", NULL };
	struct sp_names unfit = { 0 };
	struct sp_err err = { "" };
	enum sp_status st = SP_OK;
	const struct json_t *list;
	struct json_t *json;
	const char *text;
	bool drained = false;
	struct sp_jw w;
	size_t i;

	if (!query_only(r, no_keys, a) || !body_json(r, keys, &json, a))
		return;
	list = sp_json_get(json, "unfit");
	for (i = 0; i < sp_json_count(list) && st == SP_OK; i++)
		if ((text = sp_json_text(sp_json_at(list, i))) != NULL)
			st = sp_names_add(&unfit, text);
	sp_json_free(json);
	sp_names_sort(&unfit);
	if (st == SP_OK)
		st = queue_drained(s->queue, &unfit, &drained, &err);
	sp_names_clear(&unfit);
	if (st != SP_OK) {
		answer_status(a, st, &err, NULL);
		return;
	}
	answer_object(a, 200, &w);
	sp_jw_bool(&w, "drained", drained);
	answer_end(a, &w);
}
