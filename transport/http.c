/*
 * http.c - the transport over HTTP: opening it, its small verbs, and the table.
 * The server keeps house, so a worker of its own does not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/log.h"
#include "libspool/sha256.h"
#include "libspool/spool.h"
#include "libspool/version.h"
#include "transport/http.h"
#include "transport/means.h"

#define CONNECT_MS 5000
#define CALL_MS    10000 /* the main loop waits for it */
#define KEEP_MS    60000
#define ROOM_MS    30000 /* age of what is known of the room */

/* ---- open and close ---- */

static enum sp_status
wire_make(const char *url, struct wire **wire_out, struct sp_err *err)
{
	struct wire_how how = { .url = url,
		.cacert = tr_means.cacert,
		.cert = tr_means.cert,
		.key = tr_means.key,
		.token_file = tr_means.token_file,
		.agent = "spool/" SP_VERSION,
		.connect_ms = CONNECT_MS,
		.call_ms = CALL_MS };
	const char *env;

	if (how.token_file == NULL &&
	    (env = getenv("SPOOL_TOKEN_FILE")) != NULL && env[0] != '\0')
		how.token_file = env;
	if (how.token_file == NULL && (env = getenv("SPOOL_TOKEN")) != NULL &&
	    env[0] != '\0')
		how.token = env;
	return wire_open(&how, wire_out, err);
}

/* Here what the server does not take is our set-up's fault. */
static enum sp_status
about(struct http *h, const char *url, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(65536);
	struct wire_call call = {
		.method = "GET", .path = "/v1", .text = &text
	};
	struct sp_err why = { "" };
	enum sp_status st;

	st = wire_call(h->wire, &call, &why);
	if (st != SP_OK)
		(void)sp_err_set(err, st, "%s", why.text);
	else if (call.status == 401)
		st = sp_err_set(err, SP_FATAL,
		    "%.200s: it wants a token that it knows: --token-file FILE "
		    "(spool token makes one)",
		    url);
	else if (call.status != 200)
		st = answer_error(
		    call.status, sp_buf_text(&text), text.len, NULL, err);
	else
		st = answer_about(sp_buf_text(&text), text.len, &h->about, err);
	/* Somebody is there, and it is no spool. */
	if (st == SP_GONE || st == SP_LOST || st == SP_BAD ||
	    (st == SP_RETRY && call.status >= 300 && call.status < 500 &&
		call.status != 429))
		st = SP_FATAL;
	sp_buf_clear(&text);
	return st;
}

/* Whose the token is, it is for that worker. */
static enum sp_status
name_us(struct http *h, const char *url, const char *base, struct sp_err *err)
{
	char wanted[SP_WORKER_MAX + 1];

	if (!h->about.work)
		return sp_err_set(err, SP_FATAL,
		    "%.200s: this token may not do the work of a worker: make "
		    "one with the role work",
		    url);
	sp_worker_make(base, sp_dice(), wanted);
	(void)strcpy(h->worker, wanted);
	if (h->about.worker[0] != '\0') {
		sp_worker_make(h->about.worker, sp_dice(), h->worker);
		if (!sp_worker_kin(h->worker, wanted))
			sp_info("name=%s: the token is for that worker",
			    h->about.worker);
	}
	return SP_OK;
}

void
http_door_close(struct http *h)
{
	struct http_claim *next;

	if (h == NULL)
		return;
	atomic_store(&h->stop, true);
	if (h->wire != NULL)
		wire_stop(h->wire);
	http_wake_close(h);
	wire_close(h->wire);
	answer_ready_clear(&h->ready);
	free(h->gone);
	answer_held_clear(&h->held);
	for (; h->claims != NULL; h->claims = next) {
		next = h->claims->next;
		free(h->claims);
	}
	(void)pthread_mutex_destroy(&h->lock);
	free(h);
}

enum sp_status
http_door_open(const char *url, struct http **http_out, struct sp_err *err)
{
	struct http *h = calloc(1, sizeof *h);
	char hex[SP_SHA_LEN + 1];
	enum sp_status st;

	if (h == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	h->event = -1;
	h->room_at = -1;
	atomic_store(&h->workers, 1);
	(void)pthread_mutex_init(&h->lock, NULL);
	sp_sha_text(url, strlen(url), hex);
	(void)snprintf(h->mark, sizeof h->mark, "%.16s", hex);
	if ((st = wire_make(url, &h->wire, err)) == SP_OK)
		st = about(h, url, err);
	if (st == SP_OK)
		*http_out = h;
	else
		http_door_close(h);
	return st;
}

static enum sp_status
open_http(
    const char *url, const char *base, struct tr **tr_out, struct sp_err *err)
{
	struct http *h;
	enum sp_status st;

	if ((st = http_door_open(url, &h, err)) != SP_OK)
		return st;
	if ((st = name_us(h, url, base, err)) != SP_OK) {
		http_door_close(h);
		return st;
	}
	http_wake_open(h);
	*tr_out = (struct tr *)h;
	return SP_OK;
}

static void
close_http(struct tr *tr)
{
	http_door_close(http_of(tr));
}

/* ---- small verbs ---- */

static int
wake(struct tr *tr)
{
	return http_of(tr)->running ? http_of(tr)->event : -1;
}

static void
drain(struct tr *tr)
{
	uint64_t count;

	(void)!read(http_of(tr)->event, &count, sizeof count);
}

static enum sp_status
stands(struct tr *tr, const struct sp_id *id, enum sp_state *state_out,
    struct sp_name *name_out, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH),
		      text = SP_BUF_INIT(4 * 1024 * 1024);
	struct http *h = http_of(tr);
	enum sp_status st;

	http_path(&path, "/v1/orders/", id->text, "");
	st = http_call(h, "GET", &path, NULL, 0, &text, NULL, err);
	if (st == SP_OK)
		st = answer_stands(
		    sp_buf_text(&text), text.len, id, state_out, name_out, err);
	sp_buf_clear(&text);
	sp_buf_clear(&path);
	return st;
}

static int64_t
keep(struct tr *tr, bool idle, int64_t now)
{
	(void)tr;
	(void)idle;
	(void)now;
	return KEEP_MS;
}

static enum sp_status
room(struct tr *tr, struct tr_room *room_out, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(64), text = SP_BUF_INIT(65536);
	struct http *h = http_of(tr);
	int64_t now = sp_mono_ms();
	enum sp_status st = SP_OK;

	if (h->room_at == -1 || now - h->room_at >= ROOM_MS) {
		sp_buf_puts(&path, "/v1/room");
		st = http_call(h, "GET", &path, NULL, 0, &text, NULL, err);
		if (st == SP_OK)
			st = answer_room(
			    sp_buf_text(&text), text.len, &h->room, err);
		h->room_at = st == SP_OK ? now : -1;
		sp_buf_clear(&text);
		sp_buf_clear(&path);
	}
	if (st == SP_OK)
		*room_out = h->room;
	return st;
}

static const struct sp_policy *
policy(struct tr *tr)
{
	return &http_of(tr)->about.policy;
}

static const char *
worker(struct tr *tr)
{
	return http_of(tr)->worker;
}

static unsigned
workers(struct tr *tr)
{
	return atomic_load(&http_of(tr)->workers);
}

const struct tr_ops http_ops = {
	.scheme = "https",
	.far = true,
	.open = open_http,
	.close = close_http,
	.wake = wake,
	.drain = drain,
	.list = http_list,
	.read = http_read,
	.eligible = http_eligible,
	.claim = http_claim,
	.claims = http_claims,
	.refuse = http_refuse,
	.stands = stands,
	.look_at = http_look_at,
	.tree = http_tree,
	.imported = http_imported,
	.fetch = http_stage,
	.keep_blob = http_keep_blob,
	.pins = http_pins,
	.pin = http_pin,
	.out_dir = http_out_dir,
	.out_list = http_out_list,
	.out_get = http_out_get,
	.out_put = http_out_put,
	.append = http_append,
	.beat = http_beat,
	.bye = http_bye,
	.held = http_held,
	.wishes = http_wishes,
	.commit = http_commit,
	.release = http_release,
	.cancel = http_cancel,
	.keep = keep,
	.drained = http_drained,
	.room = room,
	.peers = http_peers,
	.policy = policy,
	.worker = worker,
	.workers = workers,
};
