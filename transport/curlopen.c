/*
 * curlopen.c - whom we call, with what trust and which token; and the lines,
 * one for each call that is under way: the connection of the last one that
 * ended well is taken first, so that as few as possible are open.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "libspool/log.h"
#include "transport/curlin.h"

#define CONNECT_MS 10000
#define CALL_MS    20000
#define STALL_MS   30000
#define OFF_LEAST  250
#define OFF_MOST   15000
#define IDLE_MOST  16
#define TOKEN_MOST 512

/* ---- the token ---- */

/* The first line of a file, without the blanks at its end. */
static enum sp_status
token_read(const char *path, char token_out[TOKEN_MOST + 1], struct sp_err *err)
{
	char buf[TOKEN_MOST + 3];
	enum sp_status st = SP_OK;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1) {
		(void)sp_err_sys(err, "token file %s", path);
		return SP_FATAL;
	}
	n = read(fd, buf, sizeof buf - 1);
	if (n == -1) {
		(void)sp_err_sys(err, "token file %s", path);
		st = SP_FATAL;
	}
	(void)close(fd);
	if (st != SP_OK)
		return st;
	buf[n] = '\0';
	buf[strcspn(buf, "\r\n")] = '\0';
	if (!wire_token_ok(buf))
		return sp_err_set(err, SP_FATAL,
		    "token file %s: its first line is no token (1 to %d "
		    "printable characters, no space)",
		    path, TOKEN_MOST);
	(void)strcpy(token_out, buf);
	return SP_OK;
}

static bool
auth_set(struct wire *wire, const char *token)
{
	char *auth;

	if (asprintf(&auth, "Authorization: Bearer %s", token) == -1)
		return false;
	(void)pthread_mutex_lock(&wire->lock);
	free(wire->auth);
	wire->auth = auth;
	(void)pthread_mutex_unlock(&wire->lock);
	return true;
}

bool
token_again(struct wire *wire)
{
	char token[TOKEN_MOST + 1];
	bool same;

	if (wire->token_file == NULL ||
	    token_read(wire->token_file, token, NULL) != SP_OK)
		return false;
	(void)pthread_mutex_lock(&wire->lock);
	same = wire->auth != NULL &&
	    strcmp(wire->auth + strlen("Authorization: Bearer "), token) == 0;
	(void)pthread_mutex_unlock(&wire->lock);
	return !same && auth_set(wire, token);
}

/* ---- lines ---- */

static void
line_free(struct line *line)
{
	if (line->easy != NULL)
		curl_easy_cleanup(line->easy);
	if (line->multi != NULL)
		(void)curl_multi_cleanup(line->multi);
	free(line);
}

struct line *
line_take(struct wire *wire, struct sp_err *err)
{
	struct line *line;

	(void)pthread_mutex_lock(&wire->lock);
	if ((line = wire->idle) != NULL) {
		wire->idle = line->next;
		wire->idle_n--;
	}
	(void)pthread_mutex_unlock(&wire->lock);
	if (line == NULL && (line = calloc(1, sizeof *line)) != NULL) {
		line->multi = curl_multi_init();
		line->easy = curl_easy_init();
		if (line->multi == NULL || line->easy == NULL) {
			line_free(line);
			line = NULL;
		}
	}
	if (line == NULL) {
		(void)sp_err_set(err, SP_RETRY, "no memory for a call");
		return NULL;
	}
	(void)pthread_mutex_lock(&wire->lock);
	line->next = wire->busy;
	wire->busy = line;
	(void)pthread_mutex_unlock(&wire->lock);
	return line;
}

void
line_give(struct wire *wire, struct line *line, bool good)
{
	struct line **at;

	(void)pthread_mutex_lock(&wire->lock);
	for (at = &wire->busy; *at != line; at = &(*at)->next)
		;
	*at = line->next;
	/* What broke is not used again. */
	good = good && wire->idle_n < IDLE_MOST;
	if (good) {
		line->next = wire->idle;
		wire->idle = line;
		wire->idle_n++;
	}
	(void)pthread_mutex_unlock(&wire->lock);
	if (!good)
		line_free(line);
}

void
wire_stop(struct wire *wire)
{
	struct line *line;

	atomic_store(&wire->stop, true);
	(void)pthread_mutex_lock(&wire->lock);
	for (line = wire->busy; line != NULL; line = line->next)
		(void)curl_multi_wakeup(line->multi);
	(void)pthread_mutex_unlock(&wire->lock);
}

unsigned
wire_connects(struct wire *wire)
{
	return atomic_load(&wire->connects);
}

/* ---- what the lines share: names and TLS sessions ---- */

static void
share_lock(CURL *easy, curl_lock_data data, curl_lock_access how, void *arg)
{
	struct wire *wire = arg;

	(void)easy;
	(void)how;
	(void)pthread_mutex_lock(&wire->shared[(unsigned)data % WIRE_SHARES]);
}

static void
share_unlock(CURL *easy, curl_lock_data data, void *arg)
{
	struct wire *wire = arg;

	(void)easy;
	(void)pthread_mutex_unlock(&wire->shared[(unsigned)data % WIRE_SHARES]);
}

static bool
share_open(struct wire *wire)
{
	CURLSH *s = wire->share = curl_share_init();

	return s != NULL &&
	    curl_share_setopt(s, CURLSHOPT_USERDATA, wire) == CURLSHE_OK &&
	    curl_share_setopt(s, CURLSHOPT_LOCKFUNC, share_lock) ==
	    CURLSHE_OK &&
	    curl_share_setopt(s, CURLSHOPT_UNLOCKFUNC, share_unlock) ==
	    CURLSHE_OK &&
	    curl_share_setopt(s, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) ==
	    CURLSHE_OK &&
	    curl_share_setopt(s, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) ==
	    CURLSHE_OK;
}

/* ---- opening ---- */

static bool
loopback_is(const char *host)
{
	return strcasecmp(host, "localhost") == 0 ||
	    strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

/* What is before the host may be seen by all, in ps(1). */
static enum sp_status
url_ok(struct wire *wire, bool token, struct sp_err *err)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *query = NULL, *user = NULL;
	enum sp_status st = SP_OK;

	if (u == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	if (curl_url_set(u, CURLUPART_URL, wire->url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		st = sp_err_set(err, SP_FATAL,
		    "%.200s: no address of a spool: https://HOST:PORT",
		    wire->url);
	else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
		st = sp_err_set(err, SP_FATAL,
		    "a token in an address can be seen by everybody here: put "
		    "it into a file, and say --token-file FILE");
	else if (curl_url_get(u, CURLUPART_QUERY, &query, 0) == CURLUE_OK ||
	    strchr(wire->url, '#') != NULL)
		st = sp_err_set(err, SP_FATAL,
		    "%.200s: nothing may stand behind '?' or '#'", wire->url);
	else {
		wire->loopback = loopback_is(host);
		if (strcmp(scheme, "http") == 0 && !wire->loopback && token)
			st = sp_err_set(err, SP_FATAL,
			    "%.200s: a token goes over https:// only, but on "
			    "this machine itself",
			    wire->url);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(query);
	curl_free(user);
	curl_url_cleanup(u);
	return st;
}

static enum sp_status
file_ok(const char *path, const char *what, struct sp_err *err)
{
	if (path == NULL || access(path, R_OK) == 0)
		return SP_OK;
	(void)sp_err_sys(err, "%s %s", what, path);
	return SP_FATAL;
}

static enum sp_status
token_set(struct wire *wire, const struct wire_how *how, struct sp_err *err)
{
	char token[TOKEN_MOST + 1];
	enum sp_status st;

	if (how->token_file != NULL) {
		if ((st = token_read(how->token_file, token, err)) != SP_OK)
			return st;
		return auth_set(wire, token)
		    ? SP_OK
		    : sp_err_set(err, SP_RETRY, "no memory");
	}
	if (how->token == NULL)
		return SP_OK;
	if (!wire_token_ok(how->token))
		return sp_err_set(err, SP_FATAL,
		    "SPOOL_TOKEN: no token (1 to %d printable characters, no "
		    "space)",
		    TOKEN_MOST);
	return auth_set(wire, how->token)
	    ? SP_OK
	    : sp_err_set(err, SP_RETRY, "no memory");
}

static int64_t
or_usual(int64_t ms, int64_t usual)
{
	return ms > 0 ? ms : usual;
}

static char *
copy(const char *text, bool *failed)
{
	char *is = text == NULL ? NULL : strdup(text);

	*failed |= text != NULL && is == NULL;
	return is;
}

static bool
fill(struct wire *wire, const struct wire_how *how)
{
	bool bad = false;
	char *secret;
	size_t n, i;

	(void)pthread_mutex_init(&wire->lock, NULL);
	for (i = 0; i < WIRE_SHARES; i++)
		(void)pthread_mutex_init(&wire->shared[i], NULL);
	wire->url = copy(how->url, &bad);
	wire->cacert = copy(how->cacert, &bad);
	wire->cert = copy(how->cert, &bad);
	wire->key = copy(how->key, &bad);
	wire->token_file = copy(how->token_file, &bad);
	wire->agent = copy(how->agent != NULL ? how->agent : "spool", &bad);
	wire->connect_ms = or_usual(how->connect_ms, CONNECT_MS);
	wire->call_ms = or_usual(how->call_ms, CALL_MS);
	wire->stall_ms = or_usual(how->stall_ms, STALL_MS);
	wire->off_least = or_usual(how->off_least, OFF_LEAST);
	wire->off_most = or_usual(how->off_most, OFF_MOST);
	if (wire->url != NULL)
		for (n = strlen(wire->url); n > 0 && wire->url[n - 1] == '/';)
			wire->url[--n] = '\0';
	wire->shown = copy(wire->url, &bad);
	/* What follows is a secret. */
	if (wire->shown != NULL &&
	    (secret = strstr(wire->shown, "/t/")) != NULL)
		secret[2] = '\0';
	return !bad;
}

enum sp_status
wire_open(
    const struct wire_how *how, struct wire **wire_out, struct sp_err *err)
{
	struct wire *wire;
	enum sp_status st;

	/* Counted, and safe with threads, since 7.84. */
	if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK ||
	    (wire = calloc(1, sizeof *wire)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	if (!fill(wire, how) || !share_open(wire))
		st = sp_err_set(err, SP_RETRY, "no memory");
	else if ((st = token_set(wire, how, err)) == SP_OK &&
	    (st = url_ok(wire, wire->auth != NULL, err)) == SP_OK &&
	    (st = file_ok(wire->cacert, "--cacert", err)) == SP_OK &&
	    (st = file_ok(wire->cert, "--cert", err)) == SP_OK)
		st = file_ok(wire->key, "--key", err);
	if (st != SP_OK)
		wire_close(wire);
	else
		*wire_out = wire;
	return st;
}

void
wire_close(struct wire *wire)
{
	struct line *next;
	size_t i;

	if (wire == NULL)
		return;
	for (; wire->idle != NULL; wire->idle = next) {
		next = wire->idle->next;
		line_free(wire->idle);
	}
	if (wire->share != NULL)
		(void)curl_share_cleanup(wire->share);
	(void)pthread_mutex_destroy(&wire->lock);
	for (i = 0; i < WIRE_SHARES; i++)
		(void)pthread_mutex_destroy(&wire->shared[i]);
	free(wire->url);
	free(wire->shown);
	free(wire->cacert);
	free(wire->cert);
	free(wire->key);
	free(wire->token_file);
	free(wire->agent);
	free(wire->auth);
	free(wire);
	curl_global_cleanup();
}
