/*
 * httpcall.c - calls as the transport over HTTP makes them: a request with its
 * text, a file one way or the other, and what an answer means that is no
 * success.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "libspool/sha256.h"
#include "transport/http.h"

#define NAP_MS 20
#define PART   (INT64_C(4) << 20) /* bytes of a file in one request */

/* ---- paths ---- */

void
http_path(
    struct sp_buf *path, const char *front, const char *part, const char *end)
{
	sp_buf_puts(path, front);
	wire_put(path, part, true);
	sp_buf_puts(path, end);
}

void
http_path_name(struct sp_buf *path, const char *front,
    const struct sp_name *name, const char *end)
{
	char text[SP_NAME_MAX];

	sp_name_print(name, text);
	http_path(path, front, text, end);
}

/* ---- a call with texts ---- */

static bool
good_is(int status)
{
	return status >= 200 && status < 300;
}

enum sp_status
http_refused(const struct http *h, const struct wire_call *call,
    int64_t *size_out, struct sp_err *err)
{
	const struct sp_buf *text = call->text;
	enum sp_status st;
	const char *word = "";
	size_t i;

	for (i = 0; i < WIRE_WANT && call->want[i].name != NULL; i++)
		if (strcmp(call->want[i].name, "Spool-Error") == 0)
			word = call->want[i].value;
	if (size_out != NULL)
		*size_out = -1;
	if (strcmp(call->method, "HEAD") == 0 || text == NULL)
		st = answer_word(call->status, word, err);
	else
		st = answer_error(
		    call->status, sp_buf_text(text), text->len, size_out, err);
	return st == SP_FATAL && !h->firm ? SP_RETRY : st;
}

enum sp_status
http_call(struct http *h, const char *method, const struct sp_buf *path,
    const struct sp_buf *body, int64_t ms, struct sp_buf *text_out,
    int *status_out, struct sp_err *err)
{
	struct sp_buf words = SP_BUF_INIT(65536);
	struct wire_call call = { .method = method,
		.path = sp_buf_text(path),
		.type = "application/json",
		.want = HTTP_WANT,
		.ms = ms,
		.text = text_out != NULL ? text_out : &words };
	enum sp_status st;

	if (path->failed || (body != NULL && body->failed))
		return sp_err_set(err, SP_RETRY, "no memory for a call");
	if (body != NULL) {
		call.body = sp_buf_text(body);
		call.len = body->len;
	}
	sp_buf_reset(call.text);
	st = wire_call(h->wire, &call, err);
	if (st == SP_OK && !good_is(call.status))
		st = http_refused(h, &call, NULL, err);
	else if (st == SP_BAD || st == SP_FATAL)
		st = SP_RETRY; /* no answer that tells anything */
	if (status_out != NULL)
		*status_out = call.status;
	sp_buf_clear(&words);
	return st;
}

/* ---- files ---- */

bool
http_version(
    const struct http *h, const struct wire_call *call, struct tr_version *out)
{
	const char *etag = call->etag;
	size_t n = strlen(etag);
	char *end;

	if (n < 3 || strcmp(call->want[0].name, "Spool-Kind") != 0)
		return false;
	out->directory = strcmp(call->want[0].value, "directory") == 0;
	out->size = out->directory || call->size < 0 ? 0 : call->size;
	/* Another server's may look the same. */
	if (snprintf(out->text, sizeof out->text, "http %s %.*s", h->mark,
		(int)n - 2, etag + 1) >= (int)sizeof out->text)
		return false;
	out->young = strtoll(call->want[1].value, &end, 10);
	if (end == call->want[1].value || out->young < 0)
		out->young = 0;
	return true;
}

enum sp_status
http_fetch(struct http *h, const struct sp_buf *path, int to,
    const atomic_bool *stop, struct tr_version *version_out, struct sp_err *err)
{
	struct sp_buf words = SP_BUF_INIT(65536);
	struct wire_call call = { .path = sp_buf_text(path),
		.to = to,
		.stop = stop,
		.want = HTTP_WANT,
		.text = &words };
	struct tr_version v;
	enum sp_status st;
	int saved;

	if (path->failed)
		return sp_err_set(err, SP_RETRY, "no memory for a call");
	st = wire_get(h->wire, &call, err);
	saved = errno;
	if (st == SP_OK && call.status != 200)
		st = http_refused(h, &call, NULL, err);
	else if (st == SP_BAD || st == SP_FATAL)
		st = SP_RETRY;
	else if (st == SP_OK && strcmp(call.want[0].value, "directory") == 0)
		st = sp_err_set(err, SP_BAD, "%s is a directory", call.path);
	if (st == SP_OK && version_out != NULL) {
		if (http_version(h, &call, &v))
			*version_out = v;
		else
			st = sp_err_set(err, SP_RETRY,
			    "%s: the answer names no version", call.path);
	}
	sp_buf_clear(&words);
	errno = saved;
	return st;
}

/* One request of a file, from `at`.  SP_OK: *at_out is how far it has come,
 * -1: it is there. */
static enum sp_status
send_part(struct http *h, const struct sp_buf *path, const char *hex, int from,
    int64_t at, int64_t size, bool ask, const atomic_bool *stop,
    int64_t *at_out, struct sp_err *err)
{
	struct sp_buf words = SP_BUF_INIT(65536),
		      whole = SP_BUF_INIT(HTTP_PATH);
	struct wire_call call = {
		.method = "PUT", .stop = stop, .text = &words
	};
	enum sp_status st;
	int64_t is = -1;

	sp_buf_puts(&whole, sp_buf_text(path));
	if (hex[0] != '\0')
		sp_buf_printf(&whole, "?total=%lld&at=%lld&sha256=%s",
		    (long long)size, (long long)at, hex);
	call.path = sp_buf_text(&whole);
	if (ask) {
		call.body = "";
	} else {
		call.send = true;
		call.from = from;
		call.from_at = at;
		/* In parts: what broke off is not kept there. */
		call.from_len = size - at < PART ? size - at : PART;
	}
	st = whole.failed ? sp_err_set(err, SP_RETRY, "no memory for a call")
			  : wire_call(h->wire, &call, err);
	if (st == SP_OK && call.status == 202) {
		st = answer_size(sp_buf_text(&words), words.len, &is, err);
	} else if (st == SP_OK && !good_is(call.status)) {
		st = http_refused(h, &call, &is, err);
		if (is >= 0) { /* there is less than we thought */
			if (err != NULL)
				sp_err_clear(err);
			st = SP_OK;
		}
	} else if (st == SP_FATAL)
		st = SP_RETRY;
	if (st == SP_OK && is > size)
		st = sp_err_set(
		    err, SP_RETRY, "%s: more is there than we have", call.path);
	*at_out = is;
	sp_buf_clear(&words);
	sp_buf_clear(&whole);
	return st;
}

/* Until a call may be tried again.  false: stopped. */
static bool
rest(struct http *h, const atomic_bool *stop)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000 };

	while (wire_away(h->wire) > 0) {
		if ((stop != NULL && atomic_load(stop)) ||
		    atomic_load(&h->stop))
			return false;
		(void)nanosleep(&nap, NULL);
	}
	return true;
}

enum sp_status
http_send(struct http *h, const struct sp_buf *path, int from,
    const atomic_bool *stop, struct sp_err *err)
{
	char hex[SP_SHA_LEN + 1] = "";
	int64_t at = 0, is, most = 0;
	struct sp_err why;
	enum sp_status st;
	struct stat now;
	bool ask = false;
	int tries = 0;

	if (fstat(from, &now) == -1)
		return sp_err_sys(err, "%s", sp_buf_text(path));
	if (now.st_size > HTTP_SINGLE &&
	    (st = sp_sha_file(from, hex, err)) != SP_OK)
		return st;
	for (;;) {
		sp_err_clear(&why);
		st = send_part(
		    h, path, hex, from, at, now.st_size, ask, stop, &is, &why);
		if (st == SP_OK && is == -1 && !ask)
			return SP_OK;
		ask = st == SP_RETRY && hex[0] != '\0';
		if (st == SP_OK && is >= 0)
			at = is;
		if (st != SP_OK && st != SP_RETRY)
			break;
		tries = at > most ? 0 : tries + 1;
		most = at > most ? at : most;
		if (tries >= HTTP_SENDS || !rest(h, stop)) {
			if (st == SP_OK)
				st = sp_err_set(&why, SP_RETRY,
				    "%s: it gets no further",
				    sp_buf_text(path));
			break;
		}
	}
	return sp_err_set(err, st, "%s", why.text);
}
