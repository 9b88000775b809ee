/*
 * curl.h - the one door to libcurl: calls to one HTTP server, by any number of
 * threads at once.  Nobody else includes libcurl's headers.
 *
 * A call always ends: by an answer, by its deadline, because nothing has moved
 * for a while, or because it was stopped.  When the server cannot be reached
 * the next calls fail at once, until a back-off with jitter lets one try
 * again; an answer, whatever it says, ends that.
 *
 * What was sent may have arrived although no answer came: every request must
 * be safe to repeat.  Redirects are not followed, for a token goes to nobody
 * else.
 */
#ifndef TR_CURL_H
#define TR_CURL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"

struct wire;

/* Borrowed texts, of which it makes copies. */
struct wire_how {
	const char *url;        /* http[s]://HOST[:PORT][/PREFIX] */
	const char *cacert;     /* a file; NULL: the system's CAs */
	const char *cert, *key; /* files of our own, NULL: none */
	const char *token_file; /* read again when it no longer holds */
	const char *token;      /* or itself; NULL: none */
	const char *agent;      /* User-Agent */
	int64_t connect_ms;     /* 0: usual */
	int64_t call_ms;        /* for a call that does not say, 0: usual */
	int64_t stall_ms;       /* streams: nothing has moved, 0: usual */
	int64_t off_least, off_most; /* of the back-off, 0: usual */
};

#define WIRE_ETAG 128
#define WIRE_HEAD 8
#define WIRE_WANT 3

/* A header of the answer, "" when it was not there. */
struct wire_want {
	const char *name;
	char value[64];
};

/* One request and its answer.  Zero it, say what is wanted. */
struct wire_call {
	const char *method;
	const char *path;            /* behind the URL, "/v1/...", encoded */
	const char *head[WIRE_HEAD]; /* more header lines, NULL behind them */
	const void *body;            /* NULL: none, or */
	size_t len;
	const char *type; /* its Content-Type */
	int from;         /* a file's bytes, when from_len >= 0 and body NULL */
	bool send;        /* there is such a file */
	int64_t from_at, from_len;
	/* The answer's body: a text (its ceiling holds), and when `save`, of a
	 * good answer, the file `to` from `to_at`; what is behind it there is
	 * cut off. */
	struct sp_buf *text;
	bool save;
	int to;
	int64_t to_at;
	int64_t most; /* bytes that may be saved, 0: any number */
	int64_t ms;   /* deadline; 0: the usual, of streams none but stalling */
	struct wire_want want[WIRE_WANT]; /* name NULL behind them */
	const atomic_bool *stop; /* given up soon after it became true */

	/* out */
	int status;           /* of the answer */
	char etag[WIRE_ETAG]; /* with its quotes, "" when there is none */
	int64_t size;         /* of the whole thing, -1: not said */
	int64_t start;        /* of the part that came, 0: the whole */
	int64_t got;          /* bytes of the answer's body */
	int64_t later_ms;     /* Retry-After, 0: not said */
	int64_t server_ms;    /* its Date, 0: not said */
	int sys;              /* errno of our own files, 0: none */
};

/* SP_FATAL in words: no such URL, a file that cannot be read.  Nothing is
 * sent yet. */
enum sp_status wire_open(
    const struct wire_how *how, struct wire **wire_out, struct sp_err *err);
/* Ends all calls that are under way; the callers must have come back before
 * wire_close. */
void wire_stop(struct wire *wire);
void wire_close(struct wire *wire); /* takes NULL too */

/* SP_OK: an answer came, whatever it says.  SP_RETRY: none, in words.
 * SP_FATAL: none, and it is our set-up: a certificate that we do not trust, or
 * a file that cannot be used. */
enum sp_status
wire_call(struct wire *wire, struct wire_call *call, struct sp_err *err);

/* GET into the empty file `to`, as often as it takes: what has come so far is
 * kept when the link breaks, as long as the ETag says it is the same thing.
 * call has path, most and stop; afterwards the last answer, whose status is
 * 200 when SP_OK.  SP_OK with another status: that was the answer.  An errno
 * of `to` stays in errno. */
enum sp_status
wire_get(struct wire *wire, struct wire_call *call, struct sp_err *err);

/* ms until the next call may try, 0: now. */
int64_t wire_away(struct wire *wire);
/* How often connections were made so far, for tests of keep-alive. */
unsigned wire_connects(struct wire *wire);

/* A part of a path or query, encoded: all but letters, digits and "-._~", and
 * "/" if `slash`. */
void wire_put(struct sp_buf *path, const char *text, bool slash);

/* ---- pure, of answers ---- */

/* "bytes 5-9/10" or "bytes 5-9/" and a star.  false: it is not one. */
bool wire_range_parse(
    const char *text, int64_t *first_out, int64_t *last_out, int64_t *size_out);
/* A line of an answer's head, its status too; partial_out: it is of a part. */
void wire_head(
    struct wire_call *call, bool *partial_out, const char *data, size_t len);
/* What a token is made of: 1 to 512 printable characters, no space. */
bool wire_token_ok(const char *token);

#endif
