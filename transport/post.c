/*
 * post.c - one JSON text to somebody's URL.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "libspool/version.h"
#include "transport/curl.h"
#include "transport/means.h"
#include "transport/post.h"

#define TRIES    3
#define CALL_MS  10000
#define PAUSE_MS 1000

/* https://HOST:PORT and what follows. */
static enum sp_status
split(
    const char *url, char host[512], const char **path_out, struct sp_err *err)
{
	const char *at = strstr(url, "://"), *slash;

	if (at == NULL ||
	    (strncmp(url, "http://", 7) != 0 &&
		strncmp(url, "https://", 8) != 0))
		return sp_err_set(err, SP_FATAL,
		    "%s: give a URL that begins with https:// or http://", url);
	slash = strpbrk(at + 3, "/?");
	*path_out = slash == NULL || *slash == '?' ? "/" : slash;
	if (slash == NULL)
		slash = url + strlen(url);
	if (slash - url >= 512)
		return sp_err_set(err, SP_FATAL, "its host is too long");
	(void)snprintf(host, 512, "%.*s", (int)(slash - url), url);
	return SP_OK;
}

enum sp_status
post_json(const char *url, const void *text, size_t len, int *status_out,
    struct sp_err *err)
{
	struct wire_how how = { .cacert = tr_means.cacert,
		.agent = "spool/" SP_VERSION,
		.call_ms = CALL_MS,
		.off_least = 1,
		.off_most = 2 };
	char host[512];
	struct wire *wire = NULL;
	const char *path = "/";
	enum sp_status st;
	int i;

	st = split(url, host, &path, err);
	how.url = host;
	if (st == SP_OK)
		st = wire_open(&how, &wire, err);
	for (i = 0; i < TRIES && wire != NULL; i++) {
		struct sp_buf answer = SP_BUF_INIT(65536);
		struct wire_call call = { .method = "POST",
			.path = path,
			.body = text,
			.len = len,
			.type = "application/json",
			.text = &answer,
			.ms = CALL_MS };

		if (i > 0)
			(void)poll(NULL, 0, PAUSE_MS);
		sp_err_clear(err);
		st = wire_call(wire, &call, err);
		*status_out = call.status;
		sp_buf_clear(&answer);
		if (st != SP_RETRY && (st != SP_OK || call.status < 500))
			break;
	}
	wire_close(wire);
	return st;
}
