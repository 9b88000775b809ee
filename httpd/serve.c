/*
 * serve.c - from a request to its answer: who asks, which route, what may it,
 * what must the body be; then the handler.  No socket here: the fuzzer calls
 * this as the door does.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "httpd/server.h"
#include "libspool/log.h"

void
request_init(struct request *r)
{
	(void)memset(r, 0, sizeof *r);
	r->body_fd = -1;
	sp_buf_init(&r->body, JSON_MOST);
}

void
request_clear(struct request *r)
{
	sp_buf_clear(&r->body);
	if (r->body_fd != -1)
		(void)close(r->body_fd);
	r->body_fd = -1;
}

/* ---- who ---- */

/*
 * A browser tells with each request that can change something which site it is
 * from, and a site may not speak for its visitors.  Where no token is needed a
 * site could also give its own name our address (rebinding), so then we must
 * be called by a name that nobody else can have.
 */
static bool
stranger_is(struct server *s, const struct request *r)
{
	const char *own, *host = r->head.host, *origin = r->head.origin;
	size_t n;

	if (origin != NULL) {
		own = strstr(origin, "://");
		if (own == NULL || host == NULL ||
		    strcasecmp(own + 3, host) != 0)
			return true;
	}
	if (host == NULL || keys_needed(&s->keys) || s->opt.insecure)
		return false;
	n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	return !((n == 9 && strncasecmp(host, "localhost", n) == 0) ||
	    (n > 4 && strncmp(host, "127.", 4) == 0 &&
		strspn(host, "0123456789.") == n) ||
	    (n == 5 && strncmp(host, "[::1]", n) == 0));
}

static bool
known_is(struct server *s, struct request *r, struct answer *a)
{
	const char *text = r->url.token;
	int64_t now = sp_mono_ms();

	if (text == NULL && r->head.authorization != NULL &&
	    strncasecmp(r->head.authorization, "Bearer ", 7) == 0)
		text = r->head.authorization + 7 +
		    strspn(r->head.authorization + 7, " ");
	if (limits_barred(s->limits, r->peer, now)) {
		answer_wrong(
		    a, W_BUSY, "too many wrong tokens from %s", r->peer);
		return false;
	}
	if (keys_find(&s->keys, text, r))
		return true;
	if (text != NULL) { /* it may have been made just now */
		keys_tick(&s->keys);
		if (keys_find(&s->keys, text, r))
			return true;
	}
	if (text != NULL && !limits_wrong(s->limits, r->peer, now) &&
	    sp_warn_due("tokens"))
		sp_warn(
		    "token wrong from=%s: too often; answered 429", r->peer);
	answer_wrong(a, W_WHO,
	    text == NULL ? "a token is needed: Authorization: Bearer TOKEN"
			 : "this token is not known");
	return false;
}

static bool
may_is(const struct request *r, struct answer *a)
{
	char words[64] = "";
	size_t i, n = 0;

	if (r->route->roles == 0 ||
	    (r->roles & (r->route->roles | SP_ROLE_ADMIN)) != 0)
		return true;
	for (i = 0; i < SP_ROLES; i++)
		if ((r->route->roles & 1u << i) != 0)
			n += (size_t)snprintf(words + n, sizeof words - n,
			    "%s%s", n == 0 ? "" : " or ",
			    sp_role_text((enum sp_role)(1u << i)));
	answer_wrong(a, W_MAY_NOT, "this token has not the role %s", words);
	return false;
}

/* ---- what ---- */

static void
allow(struct answer *a, unsigned methods)
{
	char words[64] = "";
	unsigned m;
	size_t n = 0;

	for (m = M_GET; m <= M_OPTIONS; m <<= 1)
		if ((methods & m) != 0)
			n += (size_t)snprintf(words + n, sizeof words - n,
			    "%s%s", n == 0 ? "" : ", ",
			    method_text((enum method)m));
	answer_header(a, "Allow", "%s", words);
}

static bool
route_is(struct request *r, struct answer *a)
{
	unsigned has;

	has =
	    route_find(r->method, r->url.path, r->params, r->param, &r->route);
	if (has == 0) {
		answer_wrong(
		    a, W_NO_ROUTE, "there is nothing at %.200s", r->url.path);
		return false;
	}
	if (r->method == M_OPTIONS && r->route == NULL) {
		a->status = 204;
		allow(a, has | M_OPTIONS);
		return false;
	}
	if (r->route == NULL) {
		answer_wrong(a, W_METHOD, "%s is not for %.200s",
		    method_text(r->method), r->url.path);
		allow(a, has | M_OPTIONS);
		return false;
	}
	return true;
}

static bool
body_may(const struct request *r, struct answer *a)
{
	const char *length = r->head.length;
	const struct route *row = r->route;
	int64_t n = 0;
	size_t i;

	if (row->body == BODY_JSON &&
	    !type_is(r->head.type, "application/json")) {
		answer_wrong(a, W_TYPE,
		    "Content-Type: found '%.64s', expected application/json",
		    r->head.type == NULL ? "" : r->head.type);
		return false;
	}
	for (i = 0; length != NULL && length[i] != '\0'; i++) {
		if (length[i] < '0' || length[i] > '9') {
			answer_wrong(a, W_REQUEST,
			    "Content-Length: found '%.32s', expected a number",
			    length);
			return false;
		}
		/* Enough to see that it is too much. */
		if (n <= INT64_MAX / 100)
			n = n * 10 + (length[i] - '0');
	}
	if (n > row->most) {
		answer_wrong(a, W_LONG,
		    "the body has %s bytes; at most %lld are taken here",
		    length, (long long)row->most);
		return false;
	}
	return true;
}

bool
serve_begin(
    struct server *s, const char *target, struct request *r, struct answer *a)
{
	const char *why;

	if (!url_parse(target, &r->url, &why)) {
		answer_wrong(a, W_REQUEST, "%s", why);
		return false;
	}
	if (stranger_is(s, r)) {
		answer_wrong(a, W_MAY_NOT,
		    "another site's page may not ask here (Origin, Host)");
		return false;
	}
	if (!route_is(r, a))
		return false;
	if (r->route->roles != 0 && !known_is(s, r, a))
		return false;
	if (!limits_take(s->limits, r->token[0] != '\0' ? r->token : r->peer,
		sp_mono_ms())) {
		answer_wrong(
		    a, W_BUSY, "more than %d requests a second", s->opt.rate);
		return false;
	}
	return may_is(r, a) && body_may(r, a);
}

void
serve(struct server *s, struct request *r, struct answer *a)
{
	a->wait = 0;
	r->turn++;
	r->route->run(s, r, a);
	if (a->wait != 0)
		return;
	if (a->body.failed)
		answer_wrong(a, W_RETRY, "no memory for the answer");
	else if (a->status == 0)
		answer_wrong(a, W_INTERNAL, "nothing was answered");
}
