/*
 * httpruns.c - what attempts leave, over HTTP: logs and metrics, added to where
 * they end, and the files of out/.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/crash.h"
#include "transport/http.h"

/* ---- logs and metrics ---- */

/* A piece that a request can hold.  *at moves to where the server says that it
 * ends, when there is less than we thought. */
static enum sp_status
append_piece(struct http *h, const struct sp_buf *front, int64_t *at,
    const char *data, size_t len, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH), text = SP_BUF_INIT(65536);
	struct wire_call call = {
		.method = "PUT", .body = data, .len = len, .text = &text
	};
	enum sp_status st = SP_RETRY;
	int64_t size;
	int i;

	for (i = 0; i < 2; i++) {
		sp_buf_reset(&path);
		sp_buf_printf(
		    &path, "%s?at=%lld", sp_buf_text(front), (long long)*at);
		call.path = sp_buf_text(&path);
		sp_buf_reset(&text);
		SP_CRASH("http.append.before");
		st = wire_call(h->wire, &call, err);
		SP_CRASH("http.append.after");
		if (st == SP_FATAL)
			st = SP_RETRY;
		if (st != SP_OK || call.status == 200)
			break;
		st = http_refused(h, &call, &size, err);
		if (size < 0 || size >= *at)
			break;
		if (err != NULL)
			sp_err_clear(err);
		st = SP_RETRY;
		*at = size; /* somebody has cut it */
	}
	sp_buf_clear(&path);
	sp_buf_clear(&text);
	return st;
}

enum sp_status
http_append(struct tr *tr, const struct sp_name *claimed, enum tr_trace which,
    int64_t at, const void *data, size_t len, struct sp_err *err)
{
	struct sp_buf front = SP_BUF_INIT(HTTP_PATH);
	struct http *h = http_of(tr);
	enum sp_status st = SP_OK;
	size_t done, n;

	http_path_name(&front, "/v1/claims/", claimed,
	    which == TR_LOG ? "/log" : "/metrics");
	/* In pieces it is no longer all or nothing, but the next try begins at
	 * the same place again, and says the same. */
	for (done = 0; done < len && st == SP_OK; done += n) {
		n = len - done;
		if ((int64_t)n > h->about.body)
			n = (size_t)h->about.body;
		st = append_piece(
		    h, &front, &at, (const char *)data + done, n, err);
		at += (int64_t)n;
	}
	sp_buf_clear(&front);
	return st;
}

/* ---- out/ ---- */

enum sp_status
http_out_dir(struct tr *tr, const struct sp_id *id, char *path_out, size_t size,
    bool *old_out, struct sp_err *err)
{
	(void)tr;
	(void)id;
	(void)path_out;
	(void)size;
	(void)old_out;
	(void)err;
	return SP_GONE;
}

enum sp_status
http_out_list(struct tr *tr, const struct sp_id *id, struct sp_names *paths_out,
    struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH),
		      text = SP_BUF_INIT(ANSWER_MOST);
	struct http *h = http_of(tr);
	enum sp_status st;

	http_path(&path, "/v1/orders/", id->text, "/out");
	st = http_call(h, "GET", &path, NULL, 0, &text, NULL, err);
	if (st == SP_OK)
		st = answer_files(sp_buf_text(&text), text.len, paths_out, err);
	if (st == SP_OK && paths_out->n == 0)
		st = SP_GONE;
	sp_buf_clear(&text);
	sp_buf_clear(&path);
	return st;
}

enum sp_status
http_out_get(struct tr *tr, const struct sp_id *id, const char *path, int to,
    const atomic_bool *stop, struct sp_err *err)
{
	struct sp_buf at = SP_BUF_INIT(HTTP_PATH);
	enum sp_status st;

	http_path(&at, "/v1/orders/", id->text, "/out/");
	wire_put(&at, path, true);
	st = http_fetch(http_of(tr), &at, to, stop, NULL, err);
	sp_buf_clear(&at);
	return st;
}

enum sp_status
http_out_put(struct tr *tr, const struct sp_name *claimed, const char *path,
    int fd, const atomic_bool *stop, struct sp_err *err)
{
	struct sp_buf at = SP_BUF_INIT(HTTP_PATH);
	struct http *h = http_of(tr);
	enum sp_status st;

	http_path_name(&at, "/v1/claims/", claimed, "/out/");
	wire_put(&at, path, true);
	SP_CRASH("http.out.before");
	if (fd == -1) {
		st = http_call(h, "DELETE", &at, NULL, 0, NULL, NULL, err);
		if (st == SP_GONE)
			st = SP_OK;
	} else
		st = http_send(h, &at, fd, stop, err);
	SP_CRASH("http.out.after");
	sp_buf_clear(&at);
	return st;
}
