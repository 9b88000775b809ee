/*
 * fuzz_http.c - whatever comes in at spool-httpd: method, target, headers and
 * body of a request, as the door hands them on, against a spool of its own.
 * Every request gets an answer; what is no success says so in the words that
 * clients rely on; what was told to wait answers when its time is up.  And the
 * file of tokens, which people may write.
 *
 *	METHOD TARGET\n
 *	Header: value\n ...
 *	\n
 *	body
 */
#undef NDEBUG
#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "httpd/queue.h"
#include "httpd/server.h"
#include "httpd/watch.h"
#include "libspool/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define ANEW 500 /* requests until the spool is made anew */

static struct server server;
static char place[128];

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	(void)remove(path);
	return 0;
}

static void
forget(void)
{
	(void)nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
put(enum sp_dir dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	(void)snprintf(
	    path, sizeof path, "%s/%s/%s", place, sp_dir_text(dir), name);
	if ((f = fopen(path, "w")) == NULL)
		return;
	(void)fputs(text, f);
	(void)fclose(f);
}

/* A spool in which there is something to be found. */
static void
anew(void)
{
	struct sp_err err = { "" };

	if (server.queue != NULL) {
		queue_free(server.queue);
		sp_spool_close(&server.spool);
	}
	forget();
	assert(sp_spool_make(place, &err) == SP_OK);
	assert(sp_spool_open(place, "httpd", &server.spool, &err) == SP_OK);
	server.spool.local = true;
	put(SP_DIR_NEW, "50.20260101T000000000-00000001.t1a0.json",
	    "{\"scriptName\":\"a.py\"}");
	put(SP_DIR_ASSIGNED,
	    "50.20260101T000000000-00000002.t1a0@box-0a1b2c.json",
	    "{\"scriptName\":\"a.py\"}");
	put(SP_DIR_SCRIPTS, "a.py", "import b\n");
	put(SP_DIR_SCRIPTS, "b.py", "x = 1\n");
	put(SP_DIR_INDEX, "outcomes.jsonl", "{}\n");
	server.queue = queue_new(&server);
	assert(server.queue != NULL);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct sp_err err = { "" };

	(void)argc;
	(void)argv;
	sp_log_level(0);
	if (freopen("/dev/null", "w", stdin) == NULL)
		return 1;
	(void)snprintf(place, sizeof place, "%s/spool-fuzz.%d",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	(void)atexit(forget);
	(void)pthread_mutex_init(&server.now.lock, NULL);
	(void)pthread_mutex_init(&server.health.lock, NULL);
	server.limits = limits_new(0);
	server.events = events_new();
	assert(server.limits != NULL && server.events != NULL &&
	    origin_init(&server.origin));
	anew();
	assert(keys_open(&server.keys, &server.spool, NULL, &err) == SP_OK);
	return 0;
}

/* The next line of *at, ended; NULL: there is none. */
static char *
line(char **at)
{
	char *start = *at, *nl = strchr(start, '\n');

	if (nl == NULL)
		return NULL;
	*nl = '\0';
	*at = nl + 1;
	return start;
}

static void
header(struct headers *h, char *text)
{
	const struct {
		const char *name;
		const char **to;
	} known[] = {
		{ "Content-Type: ", &h->type },
		{ "Content-Length: ", &h->length },
		{ "Authorization: ", &h->authorization },
		{ "Origin: ", &h->origin },
		{ "Host: ", &h->host },
		{ "Range: ", &h->range },
		{ "If-Range: ", &h->if_range },
		{ "If-Match: ", &h->if_match },
		{ "If-None-Match: ", &h->if_none_match },
	};
	size_t i, n;

	for (i = 0; i < sizeof known / sizeof *known; i++) {
		n = strlen(known[i].name);
		if (strncmp(text, known[i].name, n) == 0)
			*known[i].to = text + n;
	}
}

static void
check(const struct answer *a)
{
	struct json_t *json;

	assert(a->status >= 200 && a->status < 600 && a->status != 500);
	assert(!a->body.failed);
	if (a->status < 400 || a->status == 422 || a->body.len == 0 ||
	    strcmp(a->type, "application/json") != 0)
		return;
	assert(sp_json_parse(a->body.data, a->body.len, &json, NULL) == SP_OK);
	sp_json_free(json);
}

static void
request(char *text, size_t size)
{
	char *at = text, *method, *target, *one;
	struct request r;
	struct answer a;

	request_init(&r);
	answer_init(&a);
	(void)strcpy(r.peer, "127.0.0.1");
	r.head.host = "localhost";
	r.since = sp_mono_ms();
	if ((method = line(&at)) == NULL ||
	    (target = strchr(method, ' ')) == NULL)
		return;
	*target++ = '\0';
	while ((one = line(&at)) != NULL && *one != '\0')
		header(&r.head, one);
	if (method_parse(method, &r.method)) {
		if (serve_begin(&server, target, &r, &a)) {
			if (r.route->body != BODY_NONE) {
				sp_buf_put(
				    &r.body, at, (size_t)(text + size - at));
				r.body_len = (int64_t)r.body.len;
			}
			serve(&server, &r, &a);
			if (a.wait != 0) {
				assert(a.until >= r.since);
				r.late = true;
				serve(&server, &r, &a);
				assert(a.wait == 0);
			}
		}
		if (a.stream.read == NULL)
			check(&a);
	}
	request_clear(&r);
	answer_clear(&a);
}

static void
tokens(const char *text, size_t len)
{
	struct sp_buf one = SP_BUF_INIT(1 << 22), two = SP_BUF_INIT(1 << 22);
	struct sp_tokens is = { 0 }, back = { 0 };
	struct sp_err err = { "" };
	size_t i;

	if (sp_tokens_parse(text, len, &is, &err) == SP_OK) {
		for (i = 0; i < is.n; i++) {
			assert(is.at[i].roles != 0);
			sp_token_print(&is.at[i], &one);
		}
		assert(sp_tokens_parse(
			   sp_buf_text(&one), one.len, &back, &err) == SP_OK);
		assert(back.n == is.n);
		for (i = 0; i < back.n; i++)
			sp_token_print(&back.at[i], &two);
		assert(one.len == two.len &&
		    memcmp(sp_buf_text(&one), sp_buf_text(&two), one.len) == 0);
	} else {
		assert(err.text[0] != '\0');
	}
	sp_tokens_clear(&is);
	sp_tokens_clear(&back);
	sp_buf_clear(&one);
	sp_buf_clear(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned n;
	char *text = malloc(size + 1);

	assert(text != NULL);
	(void)memcpy(text, data, size);
	text[size] = '\0';
	if (++n % ANEW == 0)
		anew();
	tokens(text, size);
	request(text, size);
	free(text);
	return 0;
}
