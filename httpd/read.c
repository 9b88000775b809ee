/*
 * read.c - values of a request: numbers of the query, members of a body, parts
 * of the path, ranges and ETags.  Strict: what is not known is refused by name.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "httpd/http.h"
#include "libspool/job.h"
#include "libspool/token.h"

/* ---- the query ---- */

static bool
digits(const char *text, size_t len, int64_t *out)
{
	int64_t v = 0;
	size_t i;

	if (len == 0 || len > 18)
		return false;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (text[i] - '0');
	}
	*out = v;
	return true;
}

bool
query_int(const struct request *r, const char *key, int64_t least, int64_t most,
    int64_t otherwise, int64_t *out, struct answer *a)
{
	const char *text = url_get(&r->url, key);

	*out = otherwise;
	if (text == NULL)
		return true;
	if (digits(text, strlen(text), out) && *out >= least && *out <= most)
		return true;
	answer_wrong(a, W_REQUEST,
	    "%s: found '%.40s', expected a number from %lld to %lld", key, text,
	    (long long)least, (long long)most);
	return false;
}

static bool
known_is(const char *key, const char *const *keys)
{
	for (; *keys != NULL; keys++)
		if (strcmp(*keys, key) == 0)
			return true;
	return false;
}

static void
unknown(const char *what, const char *key, const char *const *keys,
    struct answer *a)
{
	const char *near = sp_nearest(key, keys);

	if (near != NULL)
		answer_wrong(a, W_REQUEST,
		    "%s: '%.64s' is not known; do you mean '%s'?", what, key,
		    near);
	else
		answer_wrong(
		    a, W_REQUEST, "%s: '%.64s' is not known", what, key);
}

bool
query_only(const struct request *r, const char *const *keys, struct answer *a)
{
	size_t i;

	for (i = 0; i < r->url.query_n; i++)
		if (!known_is(r->url.query[i].key, keys)) {
			unknown("query", r->url.query[i].key, keys, a);
			return false;
		}
	return true;
}

/* ---- the body ---- */

bool
body_text(struct request *r, struct answer *a)
{
	size_t len = (size_t)r->body_len;
	ssize_t n;
	char *at;

	if (r->body_fd == -1 || r->body.len == len)
		return true;
	sp_buf_clear(&r->body);
	sp_buf_init(&r->body, len);
	if ((at = sp_buf_room(&r->body, len)) == NULL) {
		answer_wrong(a, W_RETRY, "no memory");
		return false;
	}
	while (r->body.len < len) {
		n = pread(r->body_fd, at + r->body.len, len - r->body.len,
		    (off_t)r->body.len);
		if (n <= 0) {
			answer_wrong(a, W_RETRY, "the body went away");
			return false;
		}
		r->body.len += (size_t)n;
	}
	at[len] = '\0';
	return true;
}

bool
body_json(struct request *r, const char *const *keys, struct json_t **out,
    struct answer *a)
{
	struct sp_err err = { "" };
	struct json_t *value;
	enum sp_status st;
	void *iter = NULL;
	const char *key;

	if (!body_text(r, a))
		return false;
	st = sp_json_parse(sp_buf_text(&r->body), r->body.len, out, &err);
	if (st != SP_OK) {
		answer_wrong(a, st == SP_RETRY ? W_RETRY : W_REQUEST,
		    "body: %s", err.text);
		return false;
	}
	while (keys != NULL && sp_json_next(*out, &iter, &key, &value))
		if (!known_is(key, keys)) {
			unknown("body", key, keys, a);
			sp_json_free(*out);
			return false;
		}
	return true;
}

/* ---- the path ---- */

bool
param_id(const char *text, struct sp_id *id, struct answer *a)
{
	if (sp_id_parse(text, id) == SP_OK)
		return true;
	answer_wrong(a, W_REQUEST,
	    "'%.64s' is no id: expected YYYYMMDDThhmmssmmm-xxxxxxxx", text);
	return false;
}

bool
param_name(const char *text, struct sp_name *name, struct answer *a)
{
	if (sp_name_parse(text, name) == SP_OK)
		return true;
	answer_wrong(a, W_REQUEST,
	    "'%.200s' is no order's name: expected PP.ID.tTaA[@W][.LABEL].json",
	    text);
	return false;
}

bool
worker_may(const struct request *r, const char *worker, struct answer *a)
{
	if (worker == NULL || !sp_worker_ok(worker)) {
		answer_wrong(a, W_REQUEST,
		    "worker: '%.64s' is none: expected NAME-nnnnnn, six "
		    "hexadecimal digits behind its name",
		    worker == NULL ? "" : worker);
		return false;
	}
	if (sp_token_worker_ok(r->bound, worker))
		return true;
	answer_wrong(a, W_MAY_NOT,
	    "this token acts for workers called %s, not for %s", r->bound,
	    worker);
	return false;
}

/* ---- ranges and ETags ---- */

int
range_parse(const char *text, int64_t size, int64_t *from, int64_t *len)
{
	size_t first, last;
	int64_t to;

	if (text == NULL || strncmp(text, "bytes=", 6) != 0)
		return 0;
	text += 6;
	first = strcspn(text, "-");
	if (text[first] != '-')
		return 0;
	last = strlen(text + first + 1);
	if (first == 0) { /* the last so many */
		if (!digits(text + 1, last, len))
			return 0;
		*len = *len > size ? size : *len;
		*from = size - *len;
		return *len > 0 ? 1 : -1;
	}
	if (!digits(text, first, from))
		return 0;
	if (last == 0)
		to = size - 1;
	else if (!digits(text + first + 1, last, &to) || to < *from)
		return 0;
	if (*from >= size)
		return -1;
	*len = (to >= size ? size - 1 : to) - *from + 1;
	return 1;
}

bool
etag_in(const char *list, const char *etag)
{
	size_t n, len = strlen(etag);

	while (list != NULL && *list != '\0') {
		list += strspn(list, " \t,");
		if (*list == '*')
			return true;
		/* Weak ones never: we have none. */
		n = *list == '"' ? strcspn(list + 1, "\"") + 2
				 : strcspn(list, ",");
		if (*list == '"' && list[n - 1] != '"')
			return false;
		if (n == len && memcmp(list, etag, n) == 0)
			return true;
		list += n;
	}
	return false;
}

/* ---- the type ---- */

bool
type_is(const char *type, const char *wanted)
{
	size_t n = strlen(wanted);

	return type != NULL && strncasecmp(type, wanted, n) == 0 &&
	    (type[n] == '\0' || strchr("; \t", type[n]) != NULL);
}
