/*
 * origin.c - the thread that serves an original Boss: one step of one order at
 * a time, each with a deadline; what fails is tried again later, each with a
 * back-off of its own.  The back-off of a Boss that is away is
 * transport/curl.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/originin.h"

/* ---- the thread ---- */

static int64_t
next_due(const struct tr_origin *o, bool asking)
{
	int64_t next = asking ? o->ask_at : INT64_MAX;
	size_t i;

	for (i = 0; i < o->book.n; i++)
		if (o->book.owed[i].due < next)
			next = o->book.owed[i].due;
	return next;
}

static void
wait_until(struct tr_origin *o, int64_t until)
{
	int64_t ms = until - sp_mono_ms();
	struct timespec at;

	if (ms <= 0)
		return;
	if (ms > 10000)
		ms = 10000;
	at = sp_mono_in(ms);
	(void)pthread_cond_timedwait(&o->news, &o->lock, &at);
}

static void *
run(void *arg)
{
	struct tr_origin *o = arg;
	bool ending;
	int want;

	for (;;) {
		(void)pthread_mutex_lock(&o->lock);
		want = o->want;
		ending = o->ending;
		(void)pthread_mutex_unlock(&o->lock);
		if (ending && (sp_mono_ms() >= o->end_by || !origin_owing(o)))
			break;
		origin_settle(o);
		if (want > 0 && !ending)
			origin_ask(o, want);
		(void)pthread_mutex_lock(&o->lock);
		if (o->want == want && o->ending == ending)
			wait_until(o, next_due(o, want > 0 && !ending));
		(void)pthread_mutex_unlock(&o->lock);
	}
	(void)pthread_mutex_lock(&o->lock);
	o->ended = true;
	(void)pthread_cond_broadcast(&o->news);
	(void)pthread_mutex_unlock(&o->lock);
	return NULL;
}

static void
origin_want(struct tr_origin *o, int n)
{
	(void)pthread_mutex_lock(&o->lock);
	if (n != o->want) {
		o->want = n;
		if (n > 0)
			o->quiet = false;
		(void)pthread_cond_broadcast(&o->news);
	}
	(void)pthread_mutex_unlock(&o->lock);
}

static bool
origin_quiet(struct tr_origin *o)
{
	bool quiet;

	(void)pthread_mutex_lock(&o->lock);
	quiet = o->quiet;
	(void)pthread_mutex_unlock(&o->lock);
	return quiet;
}

/* ---- from start to end ---- */

static enum sp_status
start(struct tr_origin *o, const char *url, const char *spool, const char *name,
    struct sp_err *err)
{
	struct wire_how how = { .url = url, .agent = "spool-workerd" };
	struct sp_buf path = SP_BUF_INIT(512);
	pthread_condattr_t attr;
	enum sp_status st;

	if ((st = wire_open(&how, &o->wire, err)) != SP_OK ||
	    (st = book_open(&o->book, url, spool, err)) != SP_OK)
		return st;
	o->every = (int64_t)(o->book.spool.policy.poll * 5000);
	sp_buf_puts(&path, "/bored/");
	wire_put(&path, name, false);
	if ((o->bored = path.data) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	(void)pthread_mutex_init(&o->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&o->news, &attr);
	if (pthread_create(&o->thread, NULL, run, o) != 0)
		return sp_err_set(err, SP_RETRY, "no thread to be had");
	return SP_OK;
}

static void
clear(struct tr_origin *o)
{
	wire_close(o->wire);
	book_close(&o->book);
	free(o->bored);
	free(o);
}

static enum sp_status
origin_open(const char *url, const char *spool, const char *name,
    struct tr_origin **out, struct sp_err *err)
{
	struct tr_origin *o = calloc(1, sizeof *o);
	enum sp_status st;
	size_t len;

	if (o == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	o->book.spool.root = o->book.dir = o->book.lock = -1;
	len = (size_t)snprintf(o->url, sizeof o->url, "%s", url);
	while (len > 0 && len < sizeof o->url && o->url[len - 1] == '/')
		o->url[--len] = '\0';
	st = len < sizeof o->url
	    ? start(o, o->url, spool, name, err)
	    : sp_err_set(err, SP_FATAL, "--origin: the URL is too long");
	if (st != SP_OK)
		clear(o);
	else
		*out = o;
	return st;
}

static void
origin_close(struct tr_origin *o, int64_t ms)
{
	if (o == NULL)
		return;
	(void)pthread_mutex_lock(&o->lock);
	o->end_by = sp_mono_ms() + ms;
	o->ending = true;
	(void)pthread_cond_broadcast(&o->news);
	while (!o->ended && sp_mono_ms() < o->end_by)
		wait_until(o, o->end_by);
	(void)pthread_mutex_unlock(&o->lock);
	wire_stop(o->wire);
	(void)pthread_join(o->thread, NULL);
	clear(o);
}

const struct tr_origin_ops tr_origin_ops = {
	.open = origin_open,
	.want = origin_want,
	.quiet = origin_quiet,
	.close = origin_close,
};
