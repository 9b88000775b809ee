/*
 * wire.c - calls through the door to libcurl, for the stories of 77-curl.sh:
 *
 *	wire URL [KEY=VALUE...] -- STEP...
 *
 * KEY: cacert, cert, key, token-file, token, connect, call, stall, least, most
 * (the last five in ms).  Steps, done one after another; each prints one line:
 *
 *	get PATH		STATUS BYTES TEXT
 *	post PATH TEXT		likewise
 *	put PATH FILE		likewise; the file's bytes are sent
 *	file PATH FILE		fetched into a new file: STATUS BYTES
 *	away			whether calls are tried now: "up" or "away"
 *	wait			until they are
 *	until FILE		until there is one of that name
 *	connects		how many connections were made
 *	many N PATH		N threads, 20 calls each: how many were answered
 *	stop PATH		a call that another thread stops after 0.2 s
 *
 * A call without an answer prints "none MS: WORDS" (retry) or "never ...".
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libspool/spool.h"
#include "transport/curl.h"

static struct wire *wire;

static void
say(enum sp_status st, const struct wire_call *call, int64_t began,
    const struct sp_err *err)
{
	if (st == SP_OK)
		(void)printf("%d %lld %.200s\n", call->status,
		    (long long)call->got,
		    call->text != NULL ? sp_buf_text(call->text) : "");
	else
		(void)printf("%s %lld: %s\n",
		    st == SP_FATAL     ? "never"
			: st == SP_BAD ? "bad"
				       : "none",
		    (long long)(sp_mono_ms() - began), err->text);
	(void)fflush(stdout);
}

static void
call_it(struct wire_call *call)
{
	struct sp_buf text = SP_BUF_INIT(65536);
	struct sp_err err = { "" };
	int64_t began = sp_mono_ms();
	enum sp_status st;

	call->text = &text;
	st = wire_call(wire, call, &err);
	say(st, call, began, &err);
	sp_buf_clear(&text);
}

static void
file(const char *path, const char *name)
{
	struct wire_call call = { .path = path };
	struct sp_err err = { "" };
	int64_t began = sp_mono_ms();
	enum sp_status st;

	call.to = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	st = wire_get(wire, &call, &err);
	say(st, &call, began, &err);
	(void)close(call.to);
}

static void
put(const char *path, const char *name)
{
	struct wire_call call = { .method = "PUT", .path = path, .send = true };
	struct stat st;

	call.from = open(name, O_RDONLY | O_CLOEXEC);
	if (call.from == -1 || fstat(call.from, &st) == -1)
		exit(100);
	call.from_len = st.st_size;
	call_it(&call);
	(void)close(call.from);
}

static void *
caller(void *arg)
{
	static const int rounds = 20;
	struct sp_buf text = SP_BUF_INIT(65536);
	struct sp_err err = { "" };
	uintptr_t good = 0;
	int i;

	for (i = 0; i < rounds; i++) {
		struct wire_call call = {
			.method = "GET", .path = arg, .text = &text
		};

		sp_buf_reset(&text);
		if (wire_call(wire, &call, &err) == SP_OK && call.status == 200)
			good++;
	}
	sp_buf_clear(&text);
	return (void *)good;
}

static void
many(int n, char *path)
{
	pthread_t *t = calloc((size_t)n, sizeof *t);
	uintptr_t good = 0;
	void *is;
	int i;

	for (i = 0; t != NULL && i < n; i++)
		if (pthread_create(&t[i], NULL, caller, path) != 0)
			abort();
	for (i = 0; t != NULL && i < n; i++) {
		(void)pthread_join(t[i], &is);
		good += (uintptr_t)is;
	}
	(void)printf("%lu\n", (unsigned long)good);
	free(t);
}

static void *
stopper(void *arg)
{
	const struct timespec nap = { .tv_nsec = 200000000 };

	(void)nanosleep(&nap, NULL);
	atomic_store((atomic_bool *)arg, true);
	return NULL;
}

static void
stopped(const char *path)
{
	atomic_bool stop = false;
	struct wire_call call = {
		.method = "GET", .path = path, .stop = &stop
	};
	pthread_t t;

	if (pthread_create(&t, NULL, stopper, &stop) != 0)
		abort();
	call_it(&call);
	(void)pthread_join(t, NULL);
}

static void
wait_up(void)
{
	const struct timespec nap = { .tv_nsec = 20000000 };

	while (wire_away(wire) > 0)
		(void)nanosleep(&nap, NULL);
}

static bool
option(struct wire_how *how, char *text)
{
	char *value = strchr(text, '=');
	size_t i;
	struct {
		const char *key;
		const char **text;
		int64_t *ms;
	} table[] = {
		{ "cacert", &how->cacert, NULL },
		{ "cert", &how->cert, NULL },
		{ "key", &how->key, NULL },
		{ "token-file", &how->token_file, NULL },
		{ "token", &how->token, NULL },
		{ "connect", NULL, &how->connect_ms },
		{ "call", NULL, &how->call_ms },
		{ "stall", NULL, &how->stall_ms },
		{ "least", NULL, &how->off_least },
		{ "most", NULL, &how->off_most },
	};

	if (value == NULL)
		return false;
	*value++ = '\0';
	for (i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].key, text) == 0) {
			if (table[i].text != NULL)
				*table[i].text = value;
			else
				*table[i].ms = atoll(value);
			return true;
		}
	return false;
}

static void
until(const char *path)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	int i;

	for (i = 0; i < 3000 && access(path, F_OK) == -1; i++)
		(void)nanosleep(&nap, NULL);
}

/* How many words it took. */
static int
step(char **word, int left)
{
	struct wire_call call = { .method = "GET" };
	const char *what = word[0];

	if (strcmp(what, "away") == 0) {
		(void)puts(wire_away(wire) > 0 ? "away" : "up");
		return 1;
	}
	if (strcmp(what, "connects") == 0) {
		(void)printf("%u\n", wire_connects(wire));
		return 1;
	}
	if (strcmp(what, "wait") == 0) {
		wait_up();
		return 1;
	}
	if (left < 2)
		exit(100);
	call.path = word[1];
	if (strcmp(what, "get") == 0) {
		call_it(&call);
		return 2;
	}
	if (strcmp(what, "until") == 0) {
		until(word[1]);
		return 2;
	}
	if (strcmp(what, "stop") == 0) {
		stopped(word[1]);
		return 2;
	}
	if (left < 3)
		exit(100);
	if (strcmp(what, "post") == 0) {
		call.method = "POST";
		call.body = word[2];
		call.len = strlen(word[2]);
		call_it(&call);
	} else if (strcmp(what, "put") == 0)
		put(word[1], word[2]);
	else if (strcmp(what, "file") == 0)
		file(word[1], word[2]);
	else if (strcmp(what, "many") == 0)
		many(atoi(word[1]), word[2]);
	else
		exit(100);
	return 3;
}

int
main(int argc, char **argv)
{
	struct wire_how how = { .agent = "wire" };
	struct sp_err err = { "" };
	int i = 2;

	if (argc < 3)
		return 100;
	how.url = argv[1];
	while (i < argc && strcmp(argv[i], "--") != 0)
		if (!option(&how, argv[i++]))
			return 100;
	if (wire_open(&how, &wire, &err) != SP_OK) {
		(void)printf("never: %s\n", err.text);
		return 1;
	}
	for (i++; i < argc;)
		i += step(argv + i, argc - i);
	wire_stop(wire);
	wire_close(wire);
	return 0;
}
