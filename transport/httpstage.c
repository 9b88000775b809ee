/*
 * httpstage.c - what jobs are made of, over HTTP: scripts, data and blobs, and
 * what an order is pinned to.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/crash.h"
#include "libspool/spool.h"
#include "transport/http.h"

#define TREE_MS 60000

static const char *
front(int which)
{
	switch (which) {
	case SP_DIR_SCRIPTS:
		return "/v1/scripts/";
	case SP_DIR_DATA:
		return "/v1/data/";
	default:
		return "/v1/blobs/";
	}
}

static void
put_path(struct sp_buf *path, int which, const char *name)
{
	if (strcmp(name, ".") == 0)
		sp_buf_put(path, front(which), strlen(front(which)) - 1);
	else
		http_path(path, front(which), name, "");
}

/* The head of an answer alone. */
static enum sp_status
head(struct http *h, int which, const char *name, struct wire_call *call,
    struct sp_err *err)
{
	const struct wire_want want[] = HTTP_WANT;
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH);
	enum sp_status st;

	put_path(&path, which, name);
	(void)memset(call, 0, sizeof *call);
	(void)memcpy(call->want, want, sizeof want);
	call->method = "HEAD";
	call->path = sp_buf_text(&path);
	st = path.failed ? sp_err_set(err, SP_BAD, "%.100s: too long", name)
			 : wire_call(h->wire, call, err);
	if (st == SP_OK && call->status != 200)
		st = http_refused(h, call, NULL, err);
	else if (st == SP_FATAL)
		st = SP_RETRY;
	call->path = NULL;
	sp_buf_clear(&path);
	return st;
}

enum sp_status
http_look_at(struct tr *tr, int which, const char *path,
    struct tr_version *version_out, struct sp_err *err)
{
	struct http *h = http_of(tr);
	struct wire_call call;
	struct tr_version v;
	enum sp_status st;

	if ((st = head(h, which, path, &call, err)) != SP_OK)
		return st;
	if (!http_version(h, &call, &v))
		return sp_err_set(
		    err, SP_RETRY, "%.200s: the answer names no version", path);
	*version_out = v;
	return SP_OK;
}

enum sp_status
http_tree(struct tr *tr, int which, const char *name,
    struct sp_names *paths_out, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH),
		      text = SP_BUF_INIT(ANSWER_MOST);
	struct wire_call call = {
		.method = "GET", .want = HTTP_WANT, .text = &text, .ms = TREE_MS
	};
	struct http *h = http_of(tr);
	enum sp_status st;

	put_path(&path, which, name);
	call.path = sp_buf_text(&path);
	st = wire_call(h->wire, &call, err);
	if (st == SP_OK && call.status != 200)
		st = http_refused(h, &call, NULL, err);
	else if (st == SP_FATAL)
		st = SP_RETRY;
	else if (st == SP_OK && strcmp(call.want[0].value, "directory") != 0)
		st = sp_err_set(err, SP_BAD, "%.200s is no directory", name);
	if (st == SP_OK)
		st = answer_paths(
		    sp_buf_text(&text), text.len, name, paths_out, err);
	sp_buf_clear(&text);
	sp_buf_clear(&path);
	return st;
}

enum sp_status
http_imported(struct tr *tr, const struct sp_buf *script,
    struct sp_names *paths_out, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(ANSWER_MOST);
	struct wire_call call = { .method = "POST",
		.path = "/v1/imports",
		.body = sp_buf_text(script),
		.len = script->len,
		.type = "text/x-python",
		.text = &text };
	struct http *h = http_of(tr);
	enum sp_status st;

	st = wire_call(h->wire, &call, err);
	if (st == SP_OK && call.status != 200)
		st = http_refused(h, &call, NULL, err);
	else if (st == SP_FATAL)
		st = SP_RETRY;
	if (st == SP_OK)
		st = answer_paths(
		    sp_buf_text(&text), text.len, NULL, paths_out, err);
	sp_buf_clear(&text);
	return st;
}

enum sp_status
http_stage(struct tr *tr, int which, const char *path, int to,
    const atomic_bool *stop, struct tr_version *version_out, struct sp_err *err)
{
	struct sp_buf at = SP_BUF_INIT(HTTP_PATH);
	struct http *h = http_of(tr);
	enum sp_status st;

	put_path(&at, which, path);
	st = http_fetch(
	    h, &at, to, stop, which == SP_DIR_BLOBS ? NULL : version_out, err);
	sp_buf_clear(&at);
	return st;
}

enum sp_status
http_keep_blob(struct tr *tr, int fd, const char *hex, struct sp_err *err)
{
	struct sp_buf at = SP_BUF_INIT(HTTP_PATH);
	struct http *h = http_of(tr);
	struct wire_call call;
	enum sp_status st;

	st = head(h, SP_DIR_BLOBS, hex, &call, NULL);
	if (st == SP_OK)
		return st;
	put_path(&at, SP_DIR_BLOBS, hex);
	SP_CRASH("http.blob.before");
	st = http_send(h, &at, fd, NULL, err);
	SP_CRASH("http.blob.after");
	sp_buf_clear(&at);
	/* It hashes to something else: it changed on its way. */
	return st == SP_BAD ? SP_RETRY : st;
}

/* ---- pins ---- */

enum sp_status
http_pins(struct tr *tr, const struct sp_id *id, struct sp_buf *text_out,
    struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH);
	enum sp_status st;

	http_path(&path, "/v1/orders/", id->text, "/pins");
	st = http_call(http_of(tr), "GET", &path, NULL, 0, text_out, NULL, err);
	sp_buf_clear(&path);
	return st;
}

enum sp_status
http_pin(struct tr *tr, const struct sp_id *id, const struct sp_buf *text,
    struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH);
	struct http *h = http_of(tr);
	struct sp_name name;
	enum sp_status st;

	if (!http_claim_get(h, id, &name))
		return SP_LOST;
	http_path_name(&path, "/v1/claims/", &name, "/pins");
	SP_CRASH("http.pin.before");
	st = http_call(h, "PUT", &path, text, 0, NULL, NULL, err);
	SP_CRASH("http.pin.after");
	sp_buf_clear(&path);
	return st;
}
