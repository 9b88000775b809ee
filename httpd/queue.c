/*
 * queue.c - the queue as the server knows it: a list of entries (entry.c), made
 * anew by listing, and what is asked of it.
 *
 * One lock for all of it: what is done under it is short but for the listing
 * and the first reading, which all who ask are waiting for anyway.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpd/entry.h"
#include "httpd/queue.h"
#include "httpd/server.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "libspool/ready.h"

#define AGAIN_MS 1000
/* After a listing, so many times its length of rest. */
#define LISTING_SHARE 4

struct queue {
	struct server *server;
	pthread_mutex_t lock;
	struct sp_ready ready;
	struct entry **at;
	size_t n, head; /* all before head are gone */
	bool dirty;
	int64_t listed, took;
	uint32_t nonce;
	uint64_t state;
};

struct queue *
queue_new(struct server *s)
{
	struct queue *q = calloc(1, sizeof *q);

	if (q == NULL)
		return NULL;
	q->server = s;
	q->dirty = true;
	q->nonce = sp_dice();
	q->state = 1;
	(void)pthread_mutex_init(&q->lock, NULL);
	sp_ready_init(&q->ready, &s->spool);
	return q;
}

void
queue_free(struct queue *q)
{
	size_t i;

	for (i = 0; i < q->n; i++)
		entry_free(q->at[i]);
	free(q->at);
	sp_ready_clear(&q->ready);
	(void)pthread_mutex_destroy(&q->lock);
	free(q);
}

void
queue_seen(struct queue *q, char seen[QUEUE_SEEN])
{
	(void)pthread_mutex_lock(&q->lock);
	(void)snprintf(seen, QUEUE_SEEN, "%08x.%llu", q->nonce,
	    (unsigned long long)q->state);
	(void)pthread_mutex_unlock(&q->lock);
}

void
queue_news(struct queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	q->dirty = true;
	q->state++;
	q->ready.marks_at = -1;
	(void)pthread_mutex_unlock(&q->lock);
}

/* ---- the listing ---- */

/* Both are sorted: what is known goes over to the new list. */
static enum sp_status
merge(struct queue *q, const struct sp_names *names)
{
	struct entry **to = calloc(names->n + 1, sizeof *to);
	size_t i, k = 0;
	int cmp;

	if (to == NULL)
		return SP_RETRY;
	for (i = 0; i < names->n; i++) {
		const char *name = sp_names_at(names, i);

		cmp = 1;
		while (k < q->n && (cmp = strcmp(q->at[k]->name, name)) < 0)
			entry_free(q->at[k++]);
		if (k < q->n && cmp == 0)
			to[i] = q->at[k++];
		else if ((to[i] = entry_new(name)) == NULL)
			break;
	}
	q->dirty |= i < names->n; /* the others come the next time */
	while (k < q->n)
		entry_free(q->at[k++]);
	free(q->at);
	q->at = to;
	q->n = i;
	q->head = 0;
	return SP_OK;
}

static enum sp_status
refresh(struct queue *q, struct sp_err *err)
{
	struct sp_names names = { 0 };
	int64_t now = sp_mono_ms();
	int64_t age = (int64_t)(q->server->spool.policy.poll * 1000);
	bool more = false;
	enum sp_status st;

	if (!q->dirty && now - q->listed < age)
		return SP_OK;
	if (q->n > 0 && now - q->listed < q->took * LISTING_SHARE)
		return SP_OK;
	q->dirty = false;
	st = sp_ready_list(&q->ready, &names, err);
	if (st == SP_OK)
		st = sp_ready_orders(&q->ready, &names, &more, err);
	if (st == SP_OK)
		st = merge(q, &names);
	sp_names_clear(&names);
	q->dirty |= st != SP_OK || more;
	q->listed = sp_mono_ms();
	q->took = q->listed - now;
	return st;
}

/* ---- may it? ---- */

/* SP_LOST: not now. */
static enum sp_status
may(struct queue *q, const struct entry *e, struct sp_err *err)
{
	static const struct sp_job plain = { .object = true };
	struct sp_name name;

	if (sp_name_parse(e->name, &name) != SP_OK)
		return SP_LOST;
	return sp_ready_is(
	    &q->ready, &name, e->job == NULL ? &plain : e->job, err);
}

enum sp_status
queue_may(struct queue *q, const struct sp_name *name, const struct sp_job *job,
    struct sp_err *err)
{
	enum sp_status st;

	(void)pthread_mutex_lock(&q->lock);
	st = sp_ready_is(&q->ready, name, job, err);
	(void)pthread_mutex_unlock(&q->lock);
	return st;
}

enum sp_status
queue_drained(struct queue *q, const struct sp_names *unfit, bool *drained_out,
    struct sp_err *err)
{
	enum sp_status st;

	(void)pthread_mutex_lock(&q->lock);
	st = sp_ready_drained(&q->ready, unfit, drained_out, err);
	(void)pthread_mutex_unlock(&q->lock);
	return st;
}

/* ---- what is asked ---- */

/* The first behind `after`. */
static size_t
behind(const struct queue *q, const char *after)
{
	size_t low = q->head, high = q->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(q->at[mid]->name, after) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

enum sp_status
queue_list(struct queue *q, const struct queue_pick *pick,
    struct sp_names *names, bool *more_out, struct sp_err *err)
{
	enum sp_status st;
	size_t i;

	*more_out = false;
	(void)pthread_mutex_lock(&q->lock);
	st = refresh(q, err);
	for (i = behind(q, pick->after); i < q->n && st == SP_OK; i++) {
		struct entry *e = q->at[i];

		if (e->gone)
			continue;
		if (names->n == pick->limit) {
			*more_out = true;
			break;
		}
		if (!pick->all) {
			st = entry_read(&q->server->spool, e, err);
			if (st == SP_GONE) {
				e->gone = true;
				st = SP_OK;
				continue;
			}
			/* What is no valid job is for the worker to refuse. */
			if (st == SP_OK && e->known == READ &&
			    !entry_fits(e, pick->offer))
				continue;
			if (st == SP_OK)
				st = may(q, e, err);
			if (st == SP_LOST) {
				st = SP_OK;
				continue;
			}
		}
		if (st == SP_OK)
			st = sp_names_add(names, e->name);
	}
	(void)pthread_mutex_unlock(&q->lock);
	return st;
}

/* The first that fits and that nobody else is at.  SP_GONE: there is none. */
static enum sp_status
take_one(struct queue *q, const struct sp_offer *offer, struct entry **out,
    struct sp_err *err)
{
	int64_t now = sp_mono_ms();
	enum sp_status st;
	struct entry *e;
	size_t i;

	while (q->head < q->n && q->at[q->head]->gone)
		q->head++;
	for (i = q->head; i < q->n; i++) {
		e = q->at[i];
		if (e->taken || e->gone || now < e->again)
			continue;
		st = entry_read(&q->server->spool, e, err);
		e->gone = st == SP_GONE;
		if (st != SP_OK && st != SP_GONE)
			return st;
		if (st != SP_OK || !entry_fits(e, offer))
			continue;
		st = may(q, e, err);
		if (st == SP_LOST)
			continue;
		if (st == SP_OK)
			*out = e;
		return st;
	}
	return SP_GONE;
}

/* Without the lock. */
static enum sp_status
claim_one(struct queue *q, struct entry *e, const struct sp_spool *view,
    struct sp_name *claimed, struct sp_buf *text, struct sp_err *err)
{
	struct sp_name name;
	enum sp_status st;

	e->taken = true;
	(void)sp_name_parse(e->name, &name);
	(void)pthread_mutex_unlock(&q->lock);
	sp_buf_reset(text);
	st = sp_claim(view, &name, claimed, text, err);
	(void)pthread_mutex_lock(&q->lock);
	e->taken = false;
	e->gone = st == SP_OK || st == SP_LOST || st == SP_GONE;
	e->again = sp_mono_ms() + AGAIN_MS;
	if (e->orphan)
		entry_free(e);
	return st;
}

bool
queue_hold(struct queue *q, const struct sp_name *name, struct entry **out)
{
	char text[SP_NAME_MAX];
	bool free = true;
	size_t i;

	*out = NULL;
	sp_name_print(name, text);
	(void)pthread_mutex_lock(&q->lock);
	for (i = q->head; i < q->n && *out == NULL; i++)
		if (strcmp(q->at[i]->name, text) == 0)
			*out = q->at[i];
	if (*out != NULL) {
		free = !(*out)->taken;
		(*out)->taken = true;
	}
	if (!free)
		*out = NULL;
	(void)pthread_mutex_unlock(&q->lock);
	return free;
}

void
queue_let(struct queue *q, struct entry *e, bool gone)
{
	if (e == NULL)
		return;
	(void)pthread_mutex_lock(&q->lock);
	e->taken = false;
	e->gone = e->gone || gone;
	if (e->orphan)
		entry_free(e);
	(void)pthread_mutex_unlock(&q->lock);
}

enum sp_status
queue_claim(struct queue *q, const struct sp_spool *view,
    const struct sp_offer *offer, struct sp_name *claimed, struct sp_buf *text,
    struct sp_err *err)
{
	struct sp_err why;
	enum sp_status st;
	struct entry *e;

	(void)pthread_mutex_lock(&q->lock);
	st = refresh(q, err);
	while (st == SP_OK && (st = take_one(q, offer, &e, err)) == SP_OK) {
		sp_err_clear(&why);
		st = claim_one(q, e, view, claimed, text, &why);
		if (st == SP_OK)
			break;
		/* Two links, or no plain file: others mend that. */
		if (st == SP_BAD && sp_warn_due(why.text))
			sp_warn("claim: %s", why.text);
		if (st == SP_LOST || st == SP_GONE || st == SP_BAD)
			st = SP_OK;
		else
			(void)sp_err_set(err, st, "%s", why.text);
	}
	(void)pthread_mutex_unlock(&q->lock);
	return st;
}
