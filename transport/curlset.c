/*
 * curlset.c - what a request is, said to libcurl, and what comes of its answer:
 * head line by head line, body chunk by chunk.  What comes is a stranger's.
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

/* ---- pure ---- */

static bool
number(const char **at, int64_t *out)
{
	int64_t n = 0;
	const char *p = *at;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > (INT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (*p - '0');
	}
	if (p == *at)
		return false;
	*at = p;
	*out = n;
	return true;
}

bool
wire_range_parse(const char *text, int64_t *first, int64_t *last, int64_t *size)
{
	if (strncasecmp(text, "bytes ", 6) != 0)
		return false;
	text += 6;
	if (!number(&text, first) || *text++ != '-' || !number(&text, last) ||
	    *text++ != '/')
		return false;
	*size = -1;
	if (strcmp(text, "*") == 0)
		return *first <= *last;
	return number(&text, size) && *text == '\0' && *first <= *last &&
	    *last < *size;
}

bool
wire_token_ok(const char *token)
{
	size_t n = 0;

	for (; token[n] > ' ' && token[n] < 0x7f; n++)
		;
	return token[n] == '\0' && n > 0 && n <= 512;
}

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

/* The value of a header, without the blanks around it. */
static bool
header_is(const char *line, const char *name, char *out, size_t size)
{
	size_t n = strlen(name), len;

	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return false;
	line += n + 1;
	line += strspn(line, " \t");
	len = strcspn(line, "\r\n");
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	if (len >= size)
		return false;
	(void)memcpy(out, line, len);
	out[len] = '\0';
	return true;
}

static void
take_header(struct flight *f, const char *line)
{
	struct wire_call *call = f->call;
	int64_t first, last, size;
	char value[256];
	const char *at = value;
	time_t when;
	size_t i;

	for (i = 0; i < WIRE_WANT && call->want[i].name != NULL; i++)
		if (header_is(line, call->want[i].name, call->want[i].value,
			sizeof call->want[i].value))
			return;

	if (header_is(line, "ETag", call->etag, sizeof call->etag)) {
		if (call->etag[0] != '"')
			call->etag[0] = '\0'; /* a weak one helps nobody */
	} else if (header_is(line, "Content-Length", value, sizeof value)) {
		if (call->size == -1 && number(&at, &size) && *at == '\0')
			call->size = size;
	} else if (header_is(line, "Content-Range", value, sizeof value)) {
		if (wire_range_parse(value, &first, &last, &size)) {
			call->start = first;
			call->size = size;
			f->partial = true;
		}
	} else if (header_is(line, "Date", value, sizeof value)) {
		if ((when = curl_getdate(value, NULL)) > 0)
			call->server_ms = (int64_t)when * 1000;
	}
}

static size_t
on_header(char *data, size_t one, size_t n, void *arg)
{
	struct flight *f = arg;
	char line[512];
	const char *at;
	size_t len = one * n;
	int64_t status;

	f->moved = sp_mono_ms();
	if (len >= sizeof line)
		return len; /* none that we know is so long */
	(void)memcpy(line, data, len);
	line[len] = '\0';
	if (strncmp(line, "HTTP/", 5) != 0) {
		take_header(f, line);
		return len;
	}
	/* An answer begins, perhaps after a "100 Continue". */
	f->call->etag[0] = '\0';
	f->call->size = -1;
	f->call->start = 0;
	f->partial = false;
	at = line + strcspn(line, " ");
	at += strspn(at, " ");
	f->call->status =
	    number(&at, &status) && status < 1000 ? (int)status : 0;
	return len;
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
