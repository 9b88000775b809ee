/*
 * curlset.c - what a request is, said to libcurl, and what comes of its answer:
 * head line by head line (curlhead.c), body chunk by chunk.  What comes is a
 * stranger's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libspool/spool.h"
#include "transport/curlin.h"

#define WORDS_MOST (64 * 1024) /* of an answer that says what is wrong */

/* ---- the question ---- */

void
wire_put(struct sp_buf *path, const char *text, bool slash)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL || (slash && *text == '/'))
			sp_buf_put(path, text, 1);
		else
			sp_buf_printf(path, "%%%02X", (unsigned char)*text);
	}
}

/* ---- the answer ---- */

static size_t
refuse(struct flight *f, enum sp_status st, const char *why)
{
	f->st = st;
	(void)snprintf(f->why, sizeof f->why, "%s", why);
	return 0; /* libcurl gives up */
}

static size_t
refuse_sys(struct flight *f)
{
	f->call->sys = errno;
	return refuse(f, SP_RETRY, strerror(errno));
}

static bool
good_is(const struct wire_call *call)
{
	return call->status == 200 || call->status == 206;
}

static size_t
on_header(char *data, size_t one, size_t n, void *arg)
{
	struct flight *f = arg;

	f->moved = sp_mono_ms();
	wire_head(f->call, &f->partial, data, one * n);
	return one * n;
}

static size_t
save(struct flight *f, const char *data, size_t len)
{
	struct wire_call *call = f->call;
	int64_t at = call->to_at + call->got;
	size_t done = 0;
	ssize_t n;

	/* All of it comes, though a part was asked for: it has changed. */
	if (call->got == 0 && call->status == 200 && f->ranged)
		call->to_at = at = 0;
	if (call->got == 0 && call->size == -1)
		return refuse(f, SP_RETRY, "no length came with the answer");
	if (call->got == 0 && call->status == 206 &&
	    (!f->partial || call->start != f->asked))
		return refuse(
		    f, SP_RETRY, "another part came than was asked for");
	if (call->got == 0 && ftruncate(call->to, at) == -1)
		return refuse_sys(f);
	if (call->most > 0 && at + (int64_t)len > call->most)
		return refuse(f, SP_BAD, "more came than it may be long");
	while (done < len) {
		n = pwrite(call->to, data + done, len - done,
		    (off_t)(at + (int64_t)done));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return refuse_sys(f);
		done += (size_t)n;
	}
	return len;
}

static size_t
on_body(char *data, size_t one, size_t n, void *arg)
{
	struct flight *f = arg;
	struct wire_call *call = f->call;
	size_t len = one * n;

	f->moved = sp_mono_ms();
	if (call->save && good_is(call)) {
		if (save(f, data, len) != len)
			return 0;
	} else if (call->text != NULL) {
		if (!good_is(call) && call->text->len + len > WORDS_MOST)
			return len; /* words enough */
		sp_buf_put(call->text, data, len);
		if (call->text->failed)
			return refuse(f, SP_BAD,
			    "the answer is longer than any that makes sense");
	}
	call->got += (int64_t)len;
	return len;
}

/* ---- the request ---- */

static size_t
on_read(char *data, size_t one, size_t n, void *arg)
{
	struct flight *f = arg;
	struct wire_call *call = f->call;
	size_t room = one * n;
	ssize_t is;

	if ((int64_t)room > call->from_len - f->sent)
		room = (size_t)(call->from_len - f->sent);
	if (room == 0)
		return 0;
	do
		is = pread(
		    call->from, data, room, (off_t)(call->from_at + f->sent));
	while (is == -1 && errno == EINTR);
	if (is <= 0) {
		(void)refuse(f, SP_RETRY,
		    is == 0 ? "the file became shorter while it was sent"
			    : strerror(errno));
		return CURL_READFUNC_ABORT;
	}
	f->sent += is;
	f->moved = sp_mono_ms();
	return (size_t)is;
}

static int
on_seek(void *arg, curl_off_t at, int origin)
{
	struct flight *f = arg;

	if (origin != SEEK_SET || at < 0 || at > f->call->from_len)
		return CURL_SEEKFUNC_CANTSEEK;
	f->sent = at;
	return CURL_SEEKFUNC_OK;
}

/* Our children are not to have it. */
static curl_socket_t
on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	(void)arg;
	(void)purpose;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static bool
head_add(struct flight *f, const char *line)
{
	struct curl_slist *more = curl_slist_append(f->head, line);

	if (more == NULL)
		return false;
	f->head = more;
	return true;
}

static bool
heads(struct flight *f)
{
	struct wire_call *call = f->call;
	char line[64 + 512];
	bool ok = head_add(f, "Expect:");
	size_t i;

	for (i = 0; ok && i < WIRE_HEAD && call->head[i] != NULL; i++) {
		ok = head_add(f, call->head[i]);
		if (sscanf(call->head[i], "Range: bytes=%" SCNd64, &f->asked) ==
		    1)
			f->ranged = true;
	}
	if (ok && (call->body != NULL || call->send)) {
		(void)snprintf(line, sizeof line, "Content-Type: %.200s",
		    call->type != NULL ? call->type
				       : "application/octet-stream");
		ok = head_add(f, line);
	}
	(void)pthread_mutex_lock(&f->wire->lock);
	if (ok && f->wire->auth != NULL)
		ok = head_add(f, f->wire->auth);
	(void)pthread_mutex_unlock(&f->wire->lock);
	return ok;
}

static bool
set_body(struct flight *f, CURL *e)
{
	struct wire_call *call = f->call;
	bool ok = true;

	if (call->body != NULL) {
		ok &= curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK;
		ok &= curl_easy_setopt(e, CURLOPT_POSTFIELDS, call->body) ==
		    CURLE_OK;
		ok &= curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
			  (curl_off_t)call->len) == CURLE_OK;
	} else if (call->send) {
		ok &= curl_easy_setopt(e, CURLOPT_UPLOAD, 1L) == CURLE_OK;
		ok &= curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read) ==
		    CURLE_OK;
		ok &= curl_easy_setopt(e, CURLOPT_READDATA, f) == CURLE_OK;
		ok &= curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek) ==
		    CURLE_OK;
		ok &= curl_easy_setopt(e, CURLOPT_SEEKDATA, f) == CURLE_OK;
		ok &= curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE,
			  (curl_off_t)call->from_len) == CURLE_OK;
	} else if (strcmp(call->method, "HEAD") == 0)
		ok &= curl_easy_setopt(e, CURLOPT_NOBODY, 1L) == CURLE_OK;
	if (strcmp(call->method, "HEAD") != 0)
		ok &= curl_easy_setopt(
			  e, CURLOPT_CUSTOMREQUEST, call->method) == CURLE_OK;
	return ok;
}

static bool
set_times(struct flight *f, CURL *e)
{
	const struct wire *w = f->wire;
	const struct wire_call *call = f->call;
	bool stream = call->ms == 0 && (call->save || call->send), ok = true;

	ok &= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
		  (long)w->connect_ms) == CURLE_OK;
	/* Of a stream it is watched whether anything moves (curl.c). */
	if (!stream)
		ok &= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS,
			  (long)(call->ms > 0 ? call->ms : w->call_ms)) ==
		    CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075700 /* no waiting for a resolver */
	ok &= curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
#endif
	return ok;
}

static bool
set_trust(struct flight *f, CURL *e)
{
	const struct wire *w = f->wire;
	bool ok = true;

#if LIBCURL_VERSION_NUM >= 0x075500
	ok &= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") ==
	    CURLE_OK;
#else
	ok &= curl_easy_setopt(e, CURLOPT_PROTOCOLS,
		  (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)) == CURLE_OK;
#endif
	ok &= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
		  (long)CURL_HTTP_VERSION_2TLS) == CURLE_OK;
	if (w->cacert != NULL)
		ok &=
		    curl_easy_setopt(e, CURLOPT_CAINFO, w->cacert) == CURLE_OK;
	if (w->cert != NULL)
		ok &= curl_easy_setopt(e, CURLOPT_SSLCERT, w->cert) == CURLE_OK;
	if (w->key != NULL)
		ok &= curl_easy_setopt(e, CURLOPT_SSLKEY, w->key) == CURLE_OK;
	if (w->loopback) /* whatever the environment says of proxies */
		ok &= curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK;
	ok &= curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) ==
	    CURLE_OK;
	return ok;
}

enum sp_status
flight_set(struct flight *f, struct line *line, struct sp_err *err)
{
	struct wire *w = f->wire;
	CURL *e = line->easy;
	char *url = NULL;
	bool ok;

	ok = asprintf(&url, "%s%s", w->url, f->call->path) != -1;
	if (!ok)
		url = NULL;
	ok = ok && curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK;
	free(url);
	ok = ok && set_times(f, e) && set_trust(f, e) && set_body(f, e) &&
	    heads(f);
	ok = ok &&
	    curl_easy_setopt(e, CURLOPT_HTTPHEADER, f->head) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_USERAGENT, w->agent) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->error) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SHARE, w->share) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket) ==
		CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) ==
		CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HEADERDATA, f) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, f) == CURLE_OK;
	return ok ? SP_OK : sp_err_set(err, SP_RETRY, "no memory for a call");
}
