/*
 * curl.c - one call from its start to its end, and when the next one may be
 * tried.  What a request looks like is curlset.c's business, lines and trust
 * curlopen.c's.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libspool/spool.h"
#include "transport/curlin.h"

#define TICK_MS 100 /* between looks at `stop` */

/* ---- when the link is down ---- */

int64_t
wire_away(struct wire *wire)
{
	int64_t now = sp_mono_ms(), ms;

	(void)pthread_mutex_lock(&wire->lock);
	ms = wire->off > now ? wire->off - now : 0;
	(void)pthread_mutex_unlock(&wire->lock);
	return ms;
}

/* Half of it is by chance: who lost the server together comes back one by one.
 */
static void
failed(struct wire *wire, const char *why)
{
	int64_t now = sp_mono_ms(), ms = wire->off_least;
	unsigned i;

	(void)pthread_mutex_lock(&wire->lock);
	/* Those that were under way together count once. */
	if (now >= wire->off) {
		for (i = 0; i < wire->fails && ms < wire->off_most; i++)
			ms *= 2;
		if (ms > wire->off_most)
			ms = wire->off_most;
		wire->fails++;
		wire->off =
		    now + ms / 2 + (int64_t)(sp_dice() % 1024) * ms / 2048;
	}
	(void)snprintf(wire->why, sizeof wire->why, "%s", why);
	(void)pthread_mutex_unlock(&wire->lock);
}

/* It is there, but it may ask to be left alone for a while. */
static void
answered(struct wire *wire, const struct wire_call *call)
{
	int64_t ms = 0;

	if (call->status == 429 || call->status == 502 || call->status == 504 ||
	    (call->status == 503 && call->later_ms > 0))
		ms = call->later_ms > wire->off_least ? call->later_ms
						      : wire->off_least;
	if (ms > wire->off_most)
		ms = wire->off_most;
	(void)pthread_mutex_lock(&wire->lock);
	wire->fails = 0;
	wire->off = ms > 0 ? sp_mono_ms() + ms : 0;
	if (ms > 0)
		(void)snprintf(wire->why, sizeof wire->why,
		    "it answered %d: busy", call->status);
	(void)pthread_mutex_unlock(&wire->lock);
}

/* Nothing came into the file, because there is nothing. */
static void
empty(struct wire_call *call)
{
	if (!call->save || call->got > 0 ||
	    (call->status != 200 && call->status != 206))
		return;
	if (call->status == 200)
		call->to_at = 0;
	if (ftruncate(call->to, (off_t)call->to_at) == -1)
		call->sys = errno;
}

static enum sp_status
down(struct wire *wire, struct sp_err *err)
{
	int64_t ms = wire_away(wire);
	char why[sizeof wire->why];

	if (atomic_load(&wire->stop))
		return sp_err_set(err, SP_RETRY, "%s: stopped", wire->shown);
	if (ms == 0)
		return SP_OK;
	(void)pthread_mutex_lock(&wire->lock);
	(void)strcpy(why, wire->why);
	(void)pthread_mutex_unlock(&wire->lock);
	return sp_err_set(err, SP_RETRY,
	    "%.200s is out of reach (%.200s); tried again in %.1fs",
	    wire->shown, why, (double)ms / 1000);
}

/* ---- one call ---- */

/* OpenSSL writes to sockets that may be shut. */
static bool
pipe_block(sigset_t *old)
{
	sigset_t pipe, pending;

	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	(void)sigpending(&pending);
	(void)pthread_sigmask(SIG_BLOCK, &pipe, old);
	return sigismember(&pending, SIGPIPE) == 1;
}

static void
pipe_unblock(const sigset_t *old, bool was_pending)
{
	const struct timespec none = { 0 };
	sigset_t pipe;

	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	if (!was_pending)
		(void)sigtimedwait(&pipe, NULL, &none);
	(void)pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* libcurl has its own clocks; this one is for what it may do behind them. */
static CURLcode
turn(struct flight *f, struct line *line, int64_t until)
{
	const atomic_bool *stop = f->call->stop;
	int running = 1, wait, left_n;
	bool stream = f->call->ms == 0 && (f->call->save || f->call->send);
	int64_t left, still;
	CURLMsg *msg;

	for (;;) {
		if (curl_multi_perform(line->multi, &running) != CURLM_OK)
			return CURLE_FAILED_INIT;
		if (running == 0)
			break;
		left = until - sp_mono_ms();
		still = f->moved + f->wire->stall_ms - sp_mono_ms();
		if (stream && still < left)
			left = still;
		if (left <= 0)
			return CURLE_OPERATION_TIMEDOUT;
		if (atomic_load(&f->wire->stop) ||
		    (stop != NULL && atomic_load(stop)))
			return CURLE_ABORTED_BY_CALLBACK;
		wait = stop != NULL && left > TICK_MS ? TICK_MS
		    : left > 1000                     ? 1000
						      : (int)left;
		if (curl_multi_poll(line->multi, NULL, 0, wait, NULL) !=
		    CURLM_OK)
			return CURLE_FAILED_INIT;
	}
	while ((msg = curl_multi_info_read(line->multi, &left_n)) != NULL)
		if (msg->msg == CURLMSG_DONE)
			return msg->data.result;
	return CURLE_FAILED_INIT;
}

static int64_t
deadline(const struct wire *wire, const struct wire_call *call)
{
	if (call->ms > 0)
		return call->ms;
	/* A file may be large and the link slow. */
	return call->save || call->send ? INT64_C(7) * 86400 * 1000
					: wire->call_ms;
}

static bool
ours_is(CURLcode rc)
{
	return rc == CURLE_PEER_FAILED_VERIFICATION ||
	    rc == CURLE_SSL_CACERT_BADFILE || rc == CURLE_SSL_CERTPROBLEM ||
	    rc == CURLE_SSL_ISSUER_ERROR;
}

/* In words, and for the back-off. */
static enum sp_status
broken(struct flight *f, CURLcode rc, struct sp_err *err)
{
	const char *why = f->why[0] != '\0' ? f->why
	    : f->error[0] != '\0'           ? f->error
					    : curl_easy_strerror(rc);

	if (f->why[0] != '\0' && f->st != SP_OK)
		return sp_err_set(err, f->st, "%.200s%.120s: %s",
		    f->wire->shown, f->call->path, why);
	if (rc == CURLE_ABORTED_BY_CALLBACK)
		return sp_err_set(err, SP_RETRY, "%.200s%.120s: stopped",
		    f->wire->shown, f->call->path);
	failed(f->wire, why);
	if (ours_is(rc))
		return sp_err_set(
		    err, SP_FATAL, "%.200s: %s", f->wire->shown, why);
	return sp_err_set(err, SP_RETRY, "%.200s%.120s: %s", f->wire->shown,
	    f->call->path, why);
}

static void
take_facts(struct flight *f, struct line *line)
{
	struct wire_call *call = f->call;
	long made = 0, status = 0;
	curl_off_t later = 0;

	(void)curl_easy_getinfo(line->easy, CURLINFO_NUM_CONNECTS, &made);
	(void)atomic_fetch_add(&f->wire->connects, (unsigned)made);
	(void)curl_easy_getinfo(line->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(line->easy, CURLINFO_RETRY_AFTER, &later);
	call->status = (int)status;
	call->later_ms = later > 0 && later < 3600 ? later * 1000 : 0;
}

static void
forget(struct wire_call *call)
{
	size_t i;

	call->status = 0;
	call->etag[0] = '\0';
	call->size = -1;
	for (i = 0; i < WIRE_WANT; i++)
		call->want[i].value[0] = '\0';
	call->start = call->got = call->later_ms = call->server_ms = 0;
	call->sys = 0;
}

static enum sp_status
once(struct wire *wire, struct wire_call *call, struct sp_err *err)
{
	struct flight f = { .wire = wire, .call = call };
	bool pending, good = false;
	enum sp_status st;
	struct line *line;
	CURLcode rc;
	sigset_t old;

	forget(call);
	if ((st = down(wire, err)) != SP_OK)
		return st;
	if ((line = line_take(wire, err)) == NULL)
		return SP_RETRY;
	pending = pipe_block(&old);
	f.moved = sp_mono_ms();
	st = flight_set(&f, line, err);
	if (st == SP_OK) {
		rc = curl_multi_add_handle(line->multi, line->easy) == CURLM_OK
		    ? turn(&f, line, sp_mono_ms() + deadline(wire, call))
		    : CURLE_OUT_OF_MEMORY;
		take_facts(&f, line);
		(void)curl_multi_remove_handle(line->multi, line->easy);
		good = rc == CURLE_OK;
		if (good)
			answered(wire, call);
		else
			st = broken(&f, rc, err);
	}
	if (good)
		empty(call);
	curl_easy_reset(line->easy);
	curl_slist_free_all(f.head);
	line_give(wire, line, good);
	pipe_unblock(&old, pending);
	return st;
}

enum sp_status
wire_call(struct wire *wire, struct wire_call *call, struct sp_err *err)
{
	enum sp_status st;

	st = once(wire, call, err);
	/* It may have been replaced by another since we read it. */
	if (st == SP_OK && call->status == 401 && token_again(wire)) {
		if (call->text != NULL)
			sp_buf_reset(call->text);
		st = once(wire, call, err);
	}
	return st;
}
