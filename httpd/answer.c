/*
 * answer.c - what is said, and how errors are: {"error","reason"}, one table of
 * words and numbers.  Pure.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "httpd/http.h"

static const struct {
	const char *word;
	int status;
} wrongs[W_WRONGS] = {
	[W_REQUEST] = { "bad-request", 400 },
	[W_WHO] = { "unauthorized", 401 },
	[W_MAY_NOT] = { "forbidden", 403 },
	[W_GONE] = { "gone", 404 },
	[W_NO_ROUTE] = { "no-route", 404 },
	[W_METHOD] = { "method", 405 },
	[W_LOST] = { "lost", 409 },
	[W_OFFSET] = { "offset", 409 },
	[W_CHANGED] = { "changed", 412 },
	[W_LONG] = { "too-large", 413 },
	[W_TYPE] = { "type", 415 },
	[W_RANGE] = { "range", 416 },
	[W_BAD] = { "bad", 422 },
	[W_BUSY] = { "busy", 429 },
	[W_HEADER] = { "too-large", 431 },
	[W_INTERNAL] = { "internal", 500 },
	[W_RETRY] = { "retry", 503 },
	[W_DISK_FULL] = { "disk-full", 507 },
};

void
answer_init(struct answer *a)
{
	(void)memset(a, 0, sizeof *a);
	a->type = "application/json";
	a->fd = -1;
	sp_buf_init(&a->body, ANSWER_MOST);
}

void
answer_clear(struct answer *a)
{
	sp_buf_clear(&a->body);
	if (a->fd != -1)
		(void)close(a->fd);
	if (a->stream.read != NULL)
		a->stream.close(a->stream.arg);
	answer_init(a);
}

void
answer_header(struct answer *a, const char *name, const char *fmt, ...)
{
	va_list ap;
	size_t i;

	for (i = 0; i < a->header_n; i++)
		if (strcmp(a->header[i].name, name) == 0)
			break;
	if (i == ANSWER_HEADERS)
		return;
	a->header[i].name = name;
	va_start(ap, fmt);
	(void)vsnprintf(a->header[i].value, sizeof a->header[i].value, fmt, ap);
	va_end(ap);
	if (i == a->header_n)
		a->header_n++;
}

/* ---- errors ---- */

const char *
wrong_text(enum wrong wrong)
{
	return wrongs[wrong].word;
}

static void
say_wrong(struct answer *a, enum wrong wrong, const char *key, int64_t value,
    const char *fmt, va_list ap)
{
	char words[1024];
	struct sp_jw w;

	(void)vsnprintf(words, sizeof words, fmt, ap);
	answer_clear(a);
	answer_object(a, wrongs[wrong].status, &w);
	sp_jw_text(&w, "error", wrongs[wrong].word);
	sp_jw_text(&w, "reason", words);
	if (key != NULL)
		sp_jw_int(&w, key, value);
	answer_end(a, &w);
	answer_header(a, "Spool-Error", "%s", wrongs[wrong].word);
	if (wrong == W_BUSY || wrong == W_RETRY || wrong == W_DISK_FULL)
		answer_header(a, "Retry-After", "%d", wrong == W_RETRY ? 1 : 2);
	if (wrong == W_WHO)
		answer_header(a, "WWW-Authenticate", "Bearer");
}

void
answer_wrong(struct answer *a, enum wrong wrong, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_wrong(a, wrong, NULL, 0, fmt, ap);
	va_end(ap);
}

void
answer_wrong_at(struct answer *a, enum wrong wrong, const char *key,
    int64_t value, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_wrong(a, wrong, key, value, fmt, ap);
	va_end(ap);
}

enum wrong
wrong_of(enum sp_status status)
{
	switch (status) {
	case SP_LOST:
		return W_LOST;
	case SP_GONE:
		return W_GONE;
	case SP_RETRY:
		return W_RETRY;
	case SP_BAD:
		return W_BAD;
	case SP_OK:
	case SP_FATAL:
		break;
	}
	return W_INTERNAL;
}

void
answer_status(struct answer *a, enum sp_status status, const struct sp_err *err,
    const char *what)
{
	const char *words = err != NULL && err->text[0] != '\0'
	    ? err->text
	    : sp_status_text(status);

	if (what == NULL)
		answer_wrong(a, wrong_of(status), "%s", words);
	else
		answer_wrong(a, wrong_of(status), "%s: %s", what, words);
}

/* ---- JSON ---- */

void
answer_object(struct answer *a, int status, struct sp_jw *w)
{
	a->status = status;
	sp_jw_init(w, &a->body);
	sp_jw_open(w, NULL, '{');
}

void
answer_end(struct answer *a, struct sp_jw *w)
{
	sp_jw_close(w, '}');
	sp_buf_puts(&a->body, "\n");
}

void
answer_texts(struct answer *a, int status, ...)
{
	const char *key;
	struct sp_jw w;
	va_list ap;

	answer_object(a, status, &w);
	va_start(ap, status);
	while ((key = va_arg(ap, const char *)) != NULL)
		sp_jw_text(&w, key, va_arg(ap, const char *));
	va_end(ap);
	answer_end(a, &w);
}
