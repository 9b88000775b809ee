/*
 * parcel.c - one attempt that is over, from its slot to the spool.  Who carries
 * it there, and when, is commit.c's business.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/log.h"
#include "libspool/state.h"
#include "workerd/outcopy.h"
#include "workerd/parcel.h"

#define TAIL_TRIES 3 /* while the spool is there */

struct parcel *
parcel_make(struct slot *s)
{
	struct parcel *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->name = s->name;
	(void)memcpy(p->text, s->text, sizeof p->text);
	p->give = s->give;
	p->status = s->status;
	p->how = s->how;
	(void)snprintf(p->cause, sizeof p->cause, "%s",
	    s->give == GIVE_RELEASE ? s->cause : "");
	(void)snprintf(p->why, sizeof p->why, "%s", s->why);
	p->outcome = s->outcome;
	sp_buf_init(&s->outcome, s->outcome.max);
	capture_rest(&s->cap, &p->tail[TR_LOG].text, &p->tail[TR_LOG].at);
	p->tail[TR_METRICS].text = s->metrics_rest;
	p->tail[TR_METRICS].at = s->metrics_n - (off_t)s->metrics_rest.len;
	sp_buf_init(&s->metrics_rest, p->tail[TR_METRICS].text.max);
	p->tail[TR_LOG].done = p->tail[TR_LOG].text.len == 0;
	p->tail[TR_METRICS].done = p->tail[TR_METRICS].text.len == 0;
	p->copy = s->copy;
	s->copy = NULL;
	if (p->copy != NULL)
		outcopy_finish(p->copy);
	p->since = sp_mono_ms();
	p->came = SP_RETRY;
	return p;
}

void
parcel_free(struct parcel *p, bool kept)
{
	if (p == NULL)
		return;
	outcopy_free(p->copy, !kept);
	sp_buf_clear(&p->outcome);
	sp_buf_clear(&p->tail[TR_LOG].text);
	sp_buf_clear(&p->tail[TR_METRICS].text);
	free(p->place);
	free(p);
}

/* ---- on the thread that commits ---- */

/* Where a try failed it may have happened all the same.  SP_LOST: so it is. */
static enum sp_status
look(const struct tr_ops *ops, struct tr *tr, const struct parcel *p,
    struct sp_err *err)
{
	struct sp_name now;
	enum sp_state state;
	enum sp_status st;

	st = ops->stands(tr, &p->name.id, &state, &now, err);
	if (st == SP_OK && sp_state_over_is(state) &&
	    sp_attempt_same(&now, &p->name))
		return SP_LOST;
	/* Anywhere else: the commit itself finds out, and says so there. */
	return st == SP_OK || st == SP_GONE ? SP_OK : SP_RETRY;
}

/* What cannot be written though the spool is there must not keep the outcome
 * from it for ever. */
static enum sp_status
write_tail(const struct tr_ops *ops, struct tr *tr, struct parcel *p,
    enum tr_trace which, struct sp_err *err)
{
	struct parcel_tail *tail = &p->tail[which];
	enum sp_status st;

	if (tail->done)
		return SP_OK;
	st = ops->append(tr, &p->name, which, tail->at, tail->text.data,
	    tail->text.len, err);
	if (st == SP_RETRY && p->tries++ < TAIL_TRIES)
		return st;
	if (st != SP_OK)
		sp_warn("order=%s: the end of its %s is lost: %s",
		    p->name.id.text, which == TR_LOG ? "log" : "metrics",
		    err->text);
	tail->done = true;
	return SP_OK;
}

/* ---- several at a time ---- */

#define AT_ONCE 8

struct tails {
	const struct tr_ops *ops;
	struct tr *tr;
	pthread_mutex_t lock;
	struct parcel *next;
};

static bool
tail_is(const struct parcel *p)
{
	/* In doubt whether all is over it is looked at first. */
	return !p->doubt && p->tries == 0 &&
	    (!p->tail[TR_LOG].done || !p->tail[TR_METRICS].done);
}

static void *
tails_thread(void *arg)
{
	struct tails *t = arg;
	struct sp_err err;
	struct parcel *p;

	for (;;) {
		(void)pthread_mutex_lock(&t->lock);
		while ((p = t->next) != NULL && !tail_is(p))
			t->next = p->next;
		if (p != NULL)
			t->next = p->next;
		(void)pthread_mutex_unlock(&t->lock);
		if (p == NULL)
			return NULL;
		sp_err_clear(&err);
		if (write_tail(t->ops, t->tr, p, TR_LOG, &err) == SP_OK)
			(void)write_tail(t->ops, t->tr, p, TR_METRICS, &err);
	}
}

void
parcel_tails(const struct tr_ops *ops, struct tr *tr, struct parcel *list)
{
	struct tails t = { .ops = ops, .tr = tr, .next = list };
	pthread_t thread[AT_ONCE];
	const struct parcel *p;
	size_t n = 0, i, some = 0;

	for (p = list; p != NULL; p = p->next)
		some += tail_is(p);
	if (some < 2)
		return;
	(void)pthread_mutex_init(&t.lock, NULL);
	/* This thread is one of them. */
	while (n + 1 < some && n < AT_ONCE &&
	    pthread_create(&thread[n], NULL, tails_thread, &t) == 0)
		n++;
	(void)tails_thread(&t);
	for (i = 0; i < n; i++)
		(void)pthread_join(thread[i], NULL);
	(void)pthread_mutex_destroy(&t.lock);
}

enum sp_status
parcel_prepare(const struct tr_ops *ops, struct tr *tr, struct parcel *p,
    struct sp_err *err)
{
	enum sp_status st = SP_OK;

	/* SP_LOST: the commit finds that out, too. */
	/* In this order: its end is either seen here or wakes us later. */
	p->waits = p->copy != NULL;
	if (p->waits && outcopy_done(p->copy) == SP_RETRY)
		return SP_GONE;
	p->waits = false;
	if (p->doubt)
		st = look(ops, tr, p, err);
	if (st == SP_OK)
		st = write_tail(ops, tr, p, TR_LOG, err);
	if (st == SP_OK)
		st = write_tail(ops, tr, p, TR_METRICS, err);
	return st;
}

void
parcel_return(const struct tr_ops *ops, struct tr *tr, struct parcel *p,
    struct sp_err *err)
{
	if (p->give == GIVE_CANCEL)
		p->came = ops->cancel(tr, &p->name,
		    p->outcome.len > 0 ? p->outcome.data : NULL, p->outcome.len,
		    p->why, err);
	else
		p->came =
		    ops->release(tr, &p->name, p->how, p->cause, p->why, err);
	if (p->came == SP_BAD)
		sp_warn("give order=%s: %s", p->name.id.text, err->text);
	else if (p->came == SP_GONE)
		p->came = SP_LOST;
	else if (p->came == SP_FATAL)
		p->came = SP_RETRY;
}

/* ---- words ---- */

void
parcel_say(const struct parcel *p)
{
	static const char *const how[] = { [TR_BACK] = "back",
		[TR_PREEMPTED] = "preempted",
		[TR_RETRY] = "retry" };
	const char *id = p->name.id.text;

	if (p->came == SP_BAD)
		return; /* that was said */
	if (p->give == GIVE_COMMIT && p->came == SP_LOST)
		sp_info("discard order=%s: it was taken from us before its "
			"commit; its outcome is set aside in runs/",
		    id);
	else if (p->came == SP_LOST)
		sp_info("give order=%s: somebody else took it", id);
	else if (p->give == GIVE_RELEASE)
		sp_info("release order=%s as %s: %s", id, how[p->how], p->why);
	else if (p->give == GIVE_CANCEL)
		sp_info("cancel order=%s: %s", id, p->why);
	else if (p->adopted || p->place != NULL)
		sp_info("deliver order=%s status=%d: its outcome had waited "
			"%lld s%s",
		    id, p->status, (long long)(sp_mono_ms() - p->since) / 1000,
		    p->adopted ? ", also for a new worker" : "");
	else
		sp_debug("commit order=%s status=%d", id, p->status);
}
