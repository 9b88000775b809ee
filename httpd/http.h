/*
 * http.h - a request and its answer, with no socket in sight.
 *
 *	door.c		sockets, TLS, bodies coming in, answers going out
 *	serve.c		who is it, which route, what may it: then the handler
 *	crew.c		the threads that run handlers, and requests that wait
 *
 * A handler reads `struct request`, works on the spool through libspool, fills
 * `struct answer`, and keeps nothing: what must last is in the spool when it
 * returns.  It may be called from any thread, and once more for a request that
 * it told to wait.
 */
#ifndef HTTPD_HTTP_H
#define HTTPD_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/json.h"
#include "libspool/name.h"

struct server;

/* ---- requests ---- */

enum method {
	M_GET = 1,
	M_HEAD = 2,
	M_PUT = 4,
	M_POST = 8,
	M_DELETE = 16,
	M_OPTIONS = 32
};

#define URL_MAX    4096 /* bytes of a request's target */
#define PARAMS     2    /* {...} of a path */
#define QUERY_MOST 128
#define TAGS_MOST  64

struct pair {
	const char *key, *value;
};

struct url {
	char text[2 * URL_MAX + 2]; /* what the others point into */
	const char *token;          /* of /t/TOKEN/, or NULL */
	const char *path;           /* decoded; without /t/TOKEN */
	struct pair query[QUERY_MOST];
	size_t query_n;
};

/* Headers that we look at; NULL: not there. */
struct headers {
	const char *type, *authorization, *origin, *host;
	const char *range, *if_range, *if_match, *if_none_match;
	const char *length;
	const char *last_event;
};

struct request {
	enum method method;
	struct url url;
	struct headers head;
	char peer[64]; /* whose address, for limits and the log */
	bool loopback; /* which is this host's */

	/* serve_begin fills these */
	const struct route *route;
	const char *param[PARAMS];
	char params[URL_MAX + PARAMS];
	unsigned roles;              /* of the token; all without tokens */
	char bound[SP_BASE_MAX + 1]; /* its worker, "": any */
	char token[SP_BASE_MAX + 1]; /* its id, "" without tokens */

	/* the body: in memory, or (long ones) in an open file that has no
	 * name; -1: none */
	struct sp_buf body;
	int body_fd;
	int64_t body_len;

	unsigned turn;  /* how often it was asked, this time with */
	bool late;      /* it has waited as long as it asked for */
	int64_t since;  /* sp_mono_ms when it was whole */
	void *exchange; /* the door's */
};

/* ---- answers ---- */

/* Why not, in one word: what to do.  The table is in answer.c. */
enum wrong {
	W_REQUEST,   /* 400 bad-request */
	W_WHO,       /* 401 unauthorized */
	W_MAY_NOT,   /* 403 forbidden */
	W_GONE,      /* 404 gone */
	W_NO_ROUTE,  /* 404 no-route */
	W_METHOD,    /* 405 method */
	W_LOST,      /* 409 lost */
	W_OFFSET,    /* 409 offset */
	W_CHANGED,   /* 412 changed */
	W_LONG,      /* 413 too-large */
	W_TYPE,      /* 415 type */
	W_RANGE,     /* 416 range */
	W_BAD,       /* 422 bad */
	W_BUSY,      /* 429 busy */
	W_HEADER,    /* 431 too-large */
	W_INTERNAL,  /* 500 internal */
	W_RETRY,     /* 503 retry */
	W_DISK_FULL, /* 507 disk-full */
	W_WRONGS
};

/* What a request may wait for (bits). */
enum wake {
	WAKE_QUEUE = 1,   /* something may have become claimable */
	WAKE_OUTCOME = 2, /* an order has ended */
	WAKE_GROWTH = 4   /* a log or the like may have grown */
};

#define ANSWER_HEADERS 8
#define ANSWER_MOST    (80 * 1024 * 1024)

/* Instead of a body: bytes as they come.  read NULL: it is not one.  read
 * returns 0 when there are none, and has called `sleep` then, and will call
 * `wake` once; -1 at the end. */
struct stream {
	ssize_t (*read)(void *arg, char *buf, size_t max,
	    void (*sleep)(void *them), void (*wake)(void *them), void *them);
	void (*close)(void *arg);
	void *arg;
};

struct answer {
	int status; /* 0: nothing said yet */
	const char *type;
	struct sp_buf body;
	/* instead of body: a piece of an open file, which the door closes */
	int fd; /* -1 */
	int64_t at, len;
	bool steady; /* break off if the file changes meanwhile */
	struct stream stream;
	struct {
		const char *name;
		char value[256];
	} header[ANSWER_HEADERS];
	size_t header_n;
	/* instead of all that: ask the handler again when one of `wait` (enum
	 * wake) may have happened, or (late) at `until`, sp_mono_ms */
	unsigned wait;
	int64_t until;
};

void answer_init(struct answer *a);
void answer_clear(struct answer *a);
void answer_header(struct answer *a, const char *name, const char *fmt, ...)
    SP_PRINTF(3, 4);

/* Forget what was said, and say that; words for people. */
void answer_wrong(struct answer *a, enum wrong wrong, const char *fmt, ...)
    SP_PRINTF(3, 4);
/* The same with one member more. */
void answer_wrong_at(struct answer *a, enum wrong wrong, const char *key,
    int64_t value, const char *fmt, ...) SP_PRINTF(5, 6);
/* What a status of libspool means to a client. */
enum wrong wrong_of(enum sp_status status);
const char *wrong_text(enum wrong wrong);
void answer_status(struct answer *a, enum sp_status status,
    const struct sp_err *err, const char *what);

/* {"key":"value"...} with 200: pairs of texts up to a NULL. */
void answer_texts(struct answer *a, int status, ...);
/* Begin one JSON object; answer_end closes it and adds the newline. */
void answer_object(struct answer *a, int status, struct sp_jw *w);
void answer_end(struct answer *a, struct sp_jw *w);

/* ---- url.c, pure ---- */

/* Take a request's target apart.  false: why_out says what is wrong with it. */
bool url_parse(const char *target, struct url *url_out, const char **why_out);
/* Does the path fit the pattern?  The parts go to `room` and `param`. */
bool route_fits(const char *pattern, const char *path, char *room,
    const char *param[PARAMS]);
/* A value of the query, NULL when it is not there. */
const char *url_get(const struct url *url, const char *key);

/* ---- read.c: values of requests; false: the answer says what is wrong ---- */

/* A whole number within bounds; `otherwise` if it is not there. */
bool query_int(const struct request *r, const char *key, int64_t least,
    int64_t most, int64_t otherwise, int64_t *out, struct answer *a);
/* No other keys than these (NULL-terminated). */
bool
query_only(const struct request *r, const char *const *keys, struct answer *a);
/* The whole body; a body in a file is read into r->body. */
bool body_text(struct request *r, struct answer *a);
/* The body as an object with these members and no others; sp_json_free. */
bool body_json(struct request *r, const char *const *keys,
    struct json_t **json_out, struct answer *a);
/* One part of the path. */
bool param_id(const char *text, struct sp_id *id_out, struct answer *a);
bool param_name(const char *text, struct sp_name *name_out, struct answer *a);
/* May this request act for W? */
bool worker_may(const struct request *r, const char *worker, struct answer *a);

/* A Range header against a file of `size`, pure.  0: none, or one that is to be
 * passed over (several ranges, another unit); 1: from, len; -1: beyond. */
int range_parse(
    const char *text, int64_t size, int64_t *from_out, int64_t *len_out);
/* Is a Content-Type (NULL: none) the wanted one, whatever parameters follow? */
bool type_is(const char *type, const char *wanted);
/* Is an ETag among those of If-Match and the like? */
bool etag_in(const char *list, const char *etag);

/* ---- routes ---- */

typedef void handler_fn(struct server *s, struct request *r, struct answer *a);

enum body {
	BODY_NONE,
	BODY_JSON, /* Content-Type: application/json */
	BODY_ANY   /* the handler looks */
};

struct route {
	unsigned methods; /* enum method; HEAD comes with GET */
	/* "{}" stands for one component, and at the end, as "{*}", for all
	 * that follow. */
	const char *path;
	unsigned roles; /* enum sp_role: one of these will do; 0: no token */
	enum body body;
	int64_t most; /* bytes of the body */
	handler_fn *run;
};

#define JSON_MOST (4 << 20)
#define FILE_MOST (INT64_C(1) << 50)

/* The tables: up to a row without a path. */
extern const struct route v1_routes[], origin_routes[], watch_routes[],
    page_routes[];

/* The methods that a path has, and the row of this one (NULL: none). */
unsigned route_find(enum method method, const char *path, char *room,
    const char *param[PARAMS], const struct route **route_out);
const char *method_text(enum method method);
bool method_parse(const char *text, enum method *method_out);

/* ---- serve.c ---- */

/* Everything that can be said before the body is there.  false: the answer has
 * been given. */
bool serve_begin(
    struct server *s, const char *target, struct request *r, struct answer *a);
/* The body is there (or it was told to wait). */
void serve(struct server *s, struct request *r, struct answer *a);

void request_init(struct request *r);
void request_clear(struct request *r);

#endif
