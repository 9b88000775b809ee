/*
 * curlin.h - private to the door to libcurl: curl.c calls, curlopen.c opens
 * and closes, curlset.c says what a request is, curlget.c fetches files.
 */
#ifndef TR_CURLIN_H
#define TR_CURLIN_H

#include <curl/curl.h>
#include <pthread.h>

#include "transport/curl.h"

/* What one call at a time is made with; its connection stays open. */
struct line {
	CURLM *multi;
	CURL *easy;
	struct line *next;
};

#define WIRE_SHARES 8 /* of CURL_LOCK_DATA_... */

struct wire {
	char *url;   /* without a "/" at its end */
	char *shown; /* the same for people: no token in its path */
	char *cacert, *cert, *key, *agent, *token_file;
	bool loopback;
	int64_t connect_ms, call_ms, stall_ms, off_least, off_most;
	CURLSH *share;
	pthread_mutex_t shared[WIRE_SHARES];
	atomic_bool stop;
	atomic_uint connects;

	pthread_mutex_t lock; /* for all below */
	struct line *idle, *busy;
	size_t idle_n;
	char *auth;     /* "Authorization: Bearer ...", NULL: none */
	unsigned fails; /* in a row */
	int64_t off;    /* nothing is tried before */
	char why[256];  /* the last of them */
};

/* One call on its way. */
struct flight {
	struct wire *wire;
	struct wire_call *call;
	struct curl_slist *head;
	char error[CURL_ERROR_SIZE];
	char why[160];     /* why we broke it off, "" */
	bool partial;      /* Content-Range was there, and good */
	bool ranged;       /* it was asked for */
	int64_t asked;     /* from where */
	int64_t sent;      /* of the file */
	int64_t moved;     /* when something last did */
	enum sp_status st; /* of why */
};

/* ---- curlset.c ---- */

/* Say all of it to line->easy.  SP_RETRY: no memory. */
enum sp_status
flight_set(struct flight *f, struct line *line, struct sp_err *err);

/* ---- curlopen.c ---- */

struct line *line_take(struct wire *wire, struct sp_err *err);
void line_give(struct wire *wire, struct line *line, bool good);
/* The token's file may hold another one now. */
bool token_again(struct wire *wire);

#endif
