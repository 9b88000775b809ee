/*
 * httpend.c - how attempts end, over HTTP.  Each request may be repeated: what
 * happened before is answered in the same way, or as somebody else's.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/crash.h"
#include "libspool/json.h"
#include "transport/http.h"

#define COMMIT_MOST (64 * 1024 * 1024)

/* ---- commits ---- */

/* As many as one request can hold, from group on: their number. */
static size_t
commit_body(const struct http *h, const struct sp_ended *group, size_t n,
    struct sp_buf *body)
{
	char name[SP_NAME_MAX];
	size_t i, before;
	struct sp_jw w;

	sp_jw_init(&w, body);
	sp_jw_open(&w, NULL, '{');
	sp_jw_open(&w, "ended", '[');
	for (i = 0; i < n && i < ANSWER_ENDED; i++) {
		before = body->len;
		sp_name_print(&group[i].name, name);
		sp_jw_open(&w, NULL, '{');
		sp_jw_text(&w, "name", name);
		sp_jw_text(&w, "text", group[i].text);
		sp_jw_close(&w, '}');
		if (i > 0 && (int64_t)body->len + 2 > h->about.body) {
			body->len = before;
			break;
		}
	}
	sp_jw_close(&w, ']');
	sp_jw_close(&w, '}');
	return i;
}

void
http_commit(struct tr *tr, struct sp_ended *group, size_t n, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(64), body = SP_BUF_INIT(COMMIT_MOST),
		      text = SP_BUF_INIT(ANSWER_MOST);
	struct http *h = http_of(tr);
	enum sp_status st = SP_OK;
	size_t at, i, some;

	sp_buf_puts(&path, "/v1/commit");
	for (i = 0; i < n; i++)
		group[i].status = SP_RETRY;
	for (at = 0; at < n && st == SP_OK; at += some) {
		sp_buf_reset(&body);
		some = commit_body(h, group + at, n - at, &body);
		SP_CRASH("http.commit.before");
		st = http_call(
		    h, "POST", &path, &body, HTTP_LONG, &text, NULL, err);
		SP_CRASH("http.commit.after");
		if (st == SP_OK)
			st = answer_committed(sp_buf_text(&text), text.len,
			    group + at, some, err);
		for (i = at; i < at + some; i++)
			if (group[i].status == SP_OK ||
			    group[i].status == SP_LOST)
				http_claim_drop(h, &group[i].name);
	}
	sp_buf_clear(&text);
	sp_buf_clear(&body);
	sp_buf_clear(&path);
}

/* ---- other ends ---- */

static enum sp_status
end(struct http *h, const struct sp_name *claimed, const char *verb,
    const struct sp_buf *body, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH);
	enum sp_status st;

	http_path_name(&path, "/v1/claims/", claimed, verb);
	st = http_call(h, "POST", &path, body, 0, NULL, NULL, err);
	if (st == SP_OK || st == SP_LOST || st == SP_GONE)
		http_claim_drop(h, claimed);
	sp_buf_clear(&path);
	return st == SP_GONE ? SP_LOST : st;
}

enum sp_status
http_release(struct tr *tr, const struct sp_name *claimed, enum tr_release how,
    const char *cause, const char *why, struct sp_err *err)
{
	static const char *const words[] = { [TR_BACK] = "back",
		[TR_PREEMPTED] = "preempted",
		[TR_RETRY] = "retry" };
	struct sp_buf body = SP_BUF_INIT(65536);
	enum sp_status st;
	struct sp_jw w;

	sp_jw_init(&w, &body);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "how", words[how]);
	if (cause != NULL)
		sp_jw_text(&w, "cause", cause);
	if (why != NULL)
		sp_jw_text(&w, "why", why);
	sp_jw_close(&w, '}');
	SP_CRASH("http.release.before");
	st = end(http_of(tr), claimed, "/release", &body, err);
	SP_CRASH("http.release.after");
	sp_buf_clear(&body);
	return st;
}

enum sp_status
http_cancel(struct tr *tr, const struct sp_name *claimed, const char *text,
    size_t len, const char *why, struct sp_err *err)
{
	struct sp_buf body = SP_BUF_INIT(8 * 1024 * 1024);
	enum sp_status st;
	struct sp_jw w;

	(void)len; /* it ends in a NUL, as all of our texts */
	sp_jw_init(&w, &body);
	sp_jw_open(&w, NULL, '{');
	if (text != NULL)
		sp_jw_text(&w, "text", text);
	if (why != NULL)
		sp_jw_text(&w, "why", why);
	sp_jw_close(&w, '}');
	SP_CRASH("http.cancel.before");
	st = end(http_of(tr), claimed, "/cancel", &body, err);
	SP_CRASH("http.cancel.after");
	sp_buf_clear(&body);
	return st;
}
