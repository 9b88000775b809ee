/*
 * claim.c - orders to workers: the first that fits, waited for, or by their
 * names (claimname.c).  Who wins is decided by sp_claim's rename, for all ways
 * to a spool.
 *
 * An answer may be lost.  By name the same request gets the same answer again;
 * else the worker says which names it holds, and is given first what carries
 * its W beyond those.  For that its requests must not overlap: a newer one ends
 * one that still waits (whose connection, most likely, is dead).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/v1.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/move.h"
#include "libspool/scan.h"

#define WAITERS_MOST 4096

/* ---- one waiting request a worker ---- */

struct waiter {
	char worker[SP_WORKER_MAX + 1];
	const struct request *request;
	struct waiter *next;
};

static pthread_mutex_t waiters_lock = PTHREAD_MUTEX_INITIALIZER;
static struct waiter *waiters;

/* This one is the newest of its worker's from here on. */
static void
waiter_put(struct server *s, const char *worker, const struct request *r)
{
	struct waiter *w;
	bool other = false;
	size_t n = 0;

	(void)pthread_mutex_lock(&waiters_lock);
	for (w = waiters; w != NULL; w = w->next, n++)
		if (strcmp(w->worker, worker) == 0)
			break;
	if (w == NULL && n < WAITERS_MOST &&
	    (w = calloc(1, sizeof *w)) != NULL) {
		(void)strcpy(w->worker, worker);
		w->next = waiters;
		waiters = w;
	}
	if (w != NULL) {
		other = w->request != NULL;
		w->request = r;
	}
	(void)pthread_mutex_unlock(&waiters_lock);
	if (other)
		clock_news(s, WAKE_QUEUE);
}

static bool
waiter_is(const char *worker, const struct request *r)
{
	const struct waiter *w;
	bool is = true; /* where there was no room, nobody is ended */

	(void)pthread_mutex_lock(&waiters_lock);
	for (w = waiters; w != NULL; w = w->next)
		if (strcmp(w->worker, worker) == 0)
			is = w->request == r;
	(void)pthread_mutex_unlock(&waiters_lock);
	return is;
}

static void
waiter_drop(const struct request *r)
{
	struct waiter **at, *w;

	(void)pthread_mutex_lock(&waiters_lock);
	for (at = &waiters; (w = *at) != NULL;)
		if (w->request == r) {
			*at = w->next;
			free(w);
		} else {
			at = &w->next;
		}
	(void)pthread_mutex_unlock(&waiters_lock);
}

/* ---- the request ---- */

struct ask {
	const char *worker, *name;
	struct sp_offer offer;
	const char *tags[TAGS_MOST];
	const struct json_t *holds;
	int64_t wait;
};

static bool
wrong(struct answer *a, const char *member, const char *expected)
{
	answer_wrong(a, W_REQUEST, "%s: expected %s", member, expected);
	return false;
}

static bool
offer_of(const struct json_t *json, struct ask *k, struct answer *a)
{
	static const char *const keys[] = { "gpus", "cpus", "memory", "tags",
		NULL };
	const struct json_t *tags = sp_json_get(json, "tags");
	struct json_t *value;
	const char *key;
	void *iter = NULL;
	size_t i;

	if (sp_json_kind(json) != SP_JSON_OBJECT)
		return wrong(a, "offer", "an object");
	while (sp_json_next(json, &iter, &key, &value)) {
		for (i = 0; keys[i] != NULL && strcmp(keys[i], key) != 0; i++)
			;
		if (keys[i] == NULL)
			return wrong(a, "offer", "gpus, cpus, memory and tags");
	}
	k->offer.gpus = (int)sp_json_int(sp_json_get(json, "gpus"), 0);
	k->offer.cpus = sp_json_real(sp_json_get(json, "cpus"), 0);
	k->offer.memory = sp_json_int(sp_json_get(json, "memory"), 0);
	if (tags != NULL && sp_json_kind(tags) != SP_JSON_LIST)
		return wrong(a, "offer.tags", "a list of texts");
	for (i = 0; i < sp_json_count(tags); i++) {
		if (i == TAGS_MOST)
			return wrong(a, "offer.tags", "64 at most");
		k->tags[i] = sp_json_text(sp_json_at(tags, i));
		if (k->tags[i] == NULL)
			return wrong(a, "offer.tags", "a list of texts");
	}
	k->offer.tags = k->tags;
	k->offer.tags_n = i;
	return true;
}

static bool
ask_of(const struct request *r, const struct json_t *json, struct ask *k,
    struct answer *a)
{
	const struct json_t *offer = sp_json_get(json, "offer");

	k->worker = sp_json_text(sp_json_get(json, "worker"));
	k->name = sp_json_text(sp_json_get(json, "name"));
	k->holds = sp_json_get(json, "holds");
	k->wait = sp_json_int(sp_json_get(json, "wait"), 0);
	if (!worker_may(r, k->worker, a))
		return false;
	if (k->wait < 0 || k->wait > WAIT_MOST)
		return wrong(a, "wait", "seconds from 0 to 60");
	if (k->holds != NULL && sp_json_kind(k->holds) != SP_JSON_LIST)
		return wrong(a, "holds", "a list of names");
	if ((k->name == NULL) == (offer == NULL))
		return wrong(a, "body", "either name or offer");
	return offer == NULL || offer_of(offer, k, a);
}

/* ---- the first that fits ---- */

static bool
listed_is(const struct json_t *holds, const char *name)
{
	const char *text;
	size_t i;

	for (i = 0; i < sp_json_count(holds); i++) {
		text = sp_json_text(sp_json_at(holds, i));
		if (text != NULL && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

/* One that carries this W and that its worker does not know of.  SP_GONE:
 * there is none. */
static enum sp_status
unknown_one(struct server *s, const struct ask *k, struct sp_name *name,
    struct sp_buf *text, struct sp_err *err)
{
	struct sp_names all = { 0 };
	enum sp_status st;
	size_t i;

	st = sp_list(s->spool.dir[SP_DIR_ASSIGNED], false, &all, err);
	for (i = 0; i < all.n && st == SP_OK; i++)
		if (sp_name_parse(sp_names_at(&all, i), name) == SP_OK &&
		    strcmp(name->worker, k->worker) == 0 && !name->bundle &&
		    !listed_is(k->holds, sp_names_at(&all, i)))
			break;
	if (st == SP_OK)
		st = i == all.n
		    ? SP_GONE
		    : sp_order_read(&s->spool, SP_ASSIGNED, name, text, err);
	sp_names_clear(&all);
	return st;
}

static void
by_offer(struct server *s, struct request *r, const struct sp_spool *view,
    const struct ask *k, struct answer *a)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" };
	struct sp_name name;
	enum sp_status st = SP_GONE;
	bool again = false;

	if (r->turn == 1)
		waiter_put(s, k->worker, r);
	else if (!waiter_is(k->worker, r)) {
		a->status = 204;
		return;
	}
	if (k->holds != NULL)
		st = unknown_one(s, k, &name, &text, &err);
	again = st == SP_OK;
	if (st == SP_GONE) {
		sp_err_clear(&err);
		st = queue_claim(s->queue, view, &k->offer, &name, &text, &err);
	}
	if (st == SP_OK) {
		claim_say(a, &name, &text, again);
	} else if (st != SP_GONE) {
		answer_status(a, st, &err, NULL);
	} else if (r->late || k->wait == 0) {
		a->status = 204;
	} else {
		a->wait = WAKE_QUEUE;
		a->until = r->since + k->wait * 1000;
	}
	if (a->wait == 0)
		waiter_drop(r);
	sp_buf_clear(&text);
}

void
v1_claim(struct server *s, struct request *r, struct answer *a)
{
	static const char *const no_keys[] = { NULL };
	static const char *const keys[] = { "worker", "name", "offer", "wait",
		"holds", NULL };
	struct sp_spool view;
	struct json_t *json;
	struct ask k = { 0 };

	if (!query_only(r, no_keys, a) || !body_json(r, keys, &json, a))
		return;
	if (ask_of(r, json, &k, a)) {
		server_as(s, k.worker, &view);
		if (k.name != NULL)
			claim_by_name(s, &view, k.name, a);
		else
			by_offer(s, r, &view, &k, a);
	}
	sp_json_free(json);
}

/* ---- what is claimed ---- */

bool
claim_named(struct request *r, struct sp_name *name, struct answer *a)
{
	if (!param_name(r->param[0], name, a))
		return false;
	if (name->worker[0] != '\0')
		return worker_may(r, name->worker, a);
	answer_wrong(a, W_REQUEST,
	    "'%.200s' is not as an order is called in assigned/", r->param[0]);
	return false;
}

enum sp_status
claim_stands(
    const struct server *s, const struct sp_name *name, struct sp_err *err)
{
	char text[SP_NAME_MAX];
	struct stat is;
	enum sp_status st;
	int fd;

	sp_name_print(name, text);
	st = sp_open(s->spool.dir[SP_DIR_ASSIGNED], text, 0, &fd, &is, err);
	if (st == SP_OK)
		(void)close(fd);
	if (st != SP_GONE)
		return st;
	if (err != NULL)
		sp_err_clear(err);
	return sp_err_set(err, SP_LOST, "%s is not held by that worker", text);
}

void
v1_claim_look(struct server *s, struct request *r, struct answer *a)
{
	static const char *const no_keys[] = { NULL };
	struct sp_err err = { "" };
	struct sp_name name;
	enum sp_status st;

	if (!query_only(r, no_keys, a) || !claim_named(r, &name, a))
		return;
	st = claim_stands(s, &name, &err);
	if (st == SP_OK)
		answer_texts(
		    a, 200, "name", r->param[0], "state", "assigned", NULL);
	else
		answer_status(a, st == SP_LOST ? SP_GONE : st, &err, NULL);
}
