/*
 * door.c - the one door to libmicrohttpd: sockets and TLS, bodies coming in,
 * answers going out.  One thread does that with epoll and never waits for a
 * disk: what a request asks for is done by the crew, while its connection is
 * suspended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/doorin.h"
#include "httpd/server.h"
#include "libspool/file.h"
#include "libspool/log.h"

#define HEADER_MOST (32 * 1024)  /* bytes of a header */
#define GULP        (48 * 1024)  /* of one, and of what MHD has beside it */
#define IN_MEMORY   (256 * 1024) /* longer bodies go to a file */
#define SWALLOW     (1 << 20)    /* of a body that nobody wants */
#define TIMEOUT     75           /* seconds without a byte either way */

struct door {
	struct server *server;
	struct MHD_Daemon *mhd;
	struct conns *conns;
};

enum stage {
	STAGE_HEAD,  /* its target is known */
	STAGE_BODY,  /* the body comes */
	STAGE_WASTE, /* likewise, but the answer is known */
	STAGE_RUNS,  /* with the crew */
	STAGE_SAID   /* the answer is known */
};

struct exchange {
	struct door *door;
	struct MHD_Connection *mhd;
	struct conn *conn;
	enum stage stage;
	char *target;
	int64_t waste;
	struct request request;
	struct answer answer;
	struct task task;
};

/* ---- answers ---- */

static enum MHD_Result
say(struct exchange *x)
{
	struct request *r = &x->request;
	struct MHD_Response *m;
	enum MHD_Result done;

	/* Not the target: a token may stand in it. */
	sp_debug("%s %s %d from=%s token=%s", method_text(r->method),
	    r->url.path == NULL ? "?" : r->url.path, x->answer.status, r->peer,
	    r->token[0] == '\0' ? "-" : r->token);
	conns_note(x->door->conns, x->conn, PHASE_BUSY, 0, sp_mono_ms());
	tally_answer(&x->door->server->tally, r->method, x->answer.status);
	if ((m = door_response(&x->answer, x->mhd)) == NULL)
		return MHD_NO;
	done = door_queue(x->mhd, (unsigned)x->answer.status, m);
	MHD_destroy_response(m);
	return done;
}

/* ---- requests ---- */

static void
peer_of(struct MHD_Connection *mhd, struct request *r)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info == NULL ? NULL : info->client_addr;
	const void *at = NULL;

	(void)strcpy(r->peer, "?");
	if (sa == NULL)
		return;
	if (sa->sa_family == AF_INET)
		at = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	else if (sa->sa_family == AF_INET6)
		at =
		    &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	if (at != NULL)
		(void)inet_ntop(sa->sa_family, at, r->peer, sizeof r->peer);
}

static void
headers_of(struct MHD_Connection *mhd, struct headers *h)
{
	const struct {
		const char *name;
		const char **to;
	} wanted[] = {
		{ "Content-Type", &h->type },
		{ "Content-Length", &h->length },
		{ "Authorization", &h->authorization },
		{ "Origin", &h->origin },
		{ "Host", &h->host },
		{ "Range", &h->range },
		{ "If-Range", &h->if_range },
		{ "If-Match", &h->if_match },
		{ "If-None-Match", &h->if_none_match },
		{ "Last-Event-ID", &h->last_event },
	};
	size_t i;

	for (i = 0; i < sizeof wanted / sizeof *wanted; i++)
		*wanted[i].to = MHD_lookup_connection_value(
		    mhd, MHD_HEADER_KIND, wanted[i].name);
}

/* A file without a name, where the spool lies. */
static int
body_file(struct door *d)
{
	const struct sp_spool *spool = &d->server->spool;
	char name[SP_NAME_MAX];
	int fd, tmp = spool->dir[SP_DIR_TMP];

	fd = openat(tmp, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd != -1)
		return fd;
	sp_tmp_name(spool, name);
	fd = openat(tmp, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd != -1)
		(void)unlinkat(tmp, name, 0);
	return fd;
}

/* false: the answer says why. */
static bool
body_put(struct exchange *x, const char *data, size_t len)
{
	struct request *r = &x->request;
	struct answer *a = &x->answer;

	if (r->route->body == BODY_NONE ||
	    r->body_len + (int64_t)len > r->route->most) {
		answer_wrong(a, W_LONG,
		    "the body is longer than the %lld bytes that are taken "
		    "here",
		    (long long)r->route->most);
		return false;
	}
	r->body_len += (int64_t)len;
	if (r->body_fd == -1 && r->body_len <= IN_MEMORY) {
		sp_buf_put(&r->body, data, len);
		if (!r->body.failed)
			return true;
		answer_wrong(a, W_RETRY, "no memory");
		return false;
	}
	if (r->body_fd == -1) {
		r->body_fd = body_file(x->door);
		if (r->body_fd != -1 &&
		    sp_write_all(r->body_fd, r->body.data, r->body.len) ==
			SP_OK)
			sp_buf_clear(&r->body);
	}
	if (r->body_fd != -1 && r->body.len == 0 &&
	    sp_write_all(r->body_fd, data, len) == SP_OK)
		return true;
	answer_wrong(a,
	    errno == ENOSPC || errno == EDQUOT ? W_DISK_FULL : W_RETRY,
	    "the body could not be kept: %s", strerror(errno));
	return false;
}

/* ---- the life of an exchange ---- */

static void *
begin(void *arg, const char *target, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct exchange *x = calloc(1, sizeof *x);

	if (x == NULL || info == NULL || info->socket_context == NULL ||
	    (x->target = strdup(target)) == NULL) {
		free(x);
		return NULL;
	}
	x->door = arg;
	x->mhd = mhd;
	x->conn = info->socket_context;
	request_init(&x->request);
	answer_init(&x->answer);
	x->request.exchange = x;
	x->task.request = &x->request;
	x->task.answer = &x->answer;
	conns_note(x->door->conns, x->conn, PHASE_HEAD, 0, sp_mono_ms());
	return x;
}

static void
end(void *arg, struct MHD_Connection *mhd, void **cls,
    enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *cls;

	(void)arg;
	(void)mhd;
	(void)why;
	*cls = NULL;
	if (x == NULL)
		return;
	conns_note(x->door->conns, x->conn, PHASE_IDLE, 0, sp_mono_ms());
	request_clear(&x->request);
	answer_clear(&x->answer);
	free(x->target);
	free(x);
}

/* More than GULP does not come so far: MHD refuses that, and what is no HTTP,
 * in a text of its own, for which it has no hook (transmit_error_response_len
 * in its connection.c, 0.9.75). */
static bool
header_long_is(const struct exchange *x)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    x->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info != NULL && info->header_size > HEADER_MOST;
}

/* Its header is there. */
static enum MHD_Result
header(struct exchange *x, const char *method)
{
	struct request *r = &x->request;
	struct answer *a = &x->answer;

	conns_note(x->door->conns, x->conn, PHASE_BODY, 0, sp_mono_ms());
	peer_of(x->mhd, r);
	headers_of(x->mhd, &r->head);
	if (!method_parse(method, &r->method))
		answer_wrong(a, W_METHOD, "%.32s is not known", method);
	else if (header_long_is(x))
		answer_wrong(a, W_HEADER,
		    "the header is longer than the %d bytes that are taken",
		    HEADER_MOST);
	else if (serve_begin(x->door->server, x->target, r, a)) {
		x->stage = STAGE_BODY;
		return MHD_YES;
	}
	/* An answer to a long body is given before it: who sends it all the
	 * same is cut off.  A short one is let pass, so that the answer is
	 * read. */
	if (r->head.length == NULL || strlen(r->head.length) < 7) {
		x->stage = STAGE_WASTE;
		return MHD_YES;
	}
	x->stage = STAGE_SAID;
	return say(x);
}

static enum MHD_Result
bytes(struct exchange *x, const char *data, size_t *len)
{
	int64_t n = (int64_t)*len;

	if (x->stage == STAGE_BODY && !body_put(x, data, *len))
		x->stage = STAGE_WASTE;
	if (x->stage == STAGE_WASTE && (x->waste += n) > SWALLOW)
		return MHD_NO;
	*len = 0;
	conns_note(x->door->conns, x->conn, PHASE_BODY,
	    x->stage == STAGE_WASTE ? 0 : x->request.body_len, sp_mono_ms());
	return MHD_YES;
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **cls)
{
	struct exchange *x = *cls;

	(void)url;
	(void)version;
	(void)mhd;
	if (x == NULL)
		return MHD_NO;
	if (x->stage == STAGE_HEAD)
		return header(x, method);
	if (*len > 0)
		return bytes(x, data, len);
	if (x->stage == STAGE_BODY) {
		struct door *d = arg;

		x->stage = STAGE_RUNS;
		x->request.since = sp_mono_ms();
		conns_note(d->conns, x->conn, PHASE_BUSY, 0, x->request.since);
		MHD_suspend_connection(mhd);
		crew_put(d->server->crew, &x->task);
		return MHD_YES;
	}
	return say(x);
}

/* From a thread of the crew. */
static void
done(void *exchange)
{
	struct exchange *x = exchange;

	x->stage = STAGE_SAID;
	MHD_resume_connection(x->mhd);
}

static bool
alive(void *exchange)
{
	struct exchange *x = exchange;

	return !conns_gone(x->door->conns, x->conn);
}

static void
connected(void *arg, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct door *d = arg;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context != NULL)
			conns_drop(d->conns, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info != NULL)
		*context = conns_add(d->conns, info->connect_fd, sp_mono_ms());
}

/* ---- open and close ---- */

static void
complain(void *arg, const char *fmt, va_list ap)
{
	char words[512];

	(void)arg;
	(void)vsnprintf(words, sizeof words, fmt, ap);
	words[strcspn(words, "\r\n")] = '\0';
	sp_debug("http: %s", words);
}

/* The target is taken apart by us (url.c). */
static size_t
as_it_is(void *arg, struct MHD_Connection *mhd, char *text)
{
	(void)arg;
	(void)mhd;
	return strlen(text);
}

struct door *
door_new(struct server *s, int fd, const char *cert, const char *key,
    struct sp_err *err)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD |
	    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
	    (cert == NULL ? 0 : (unsigned)MHD_USE_TLS);
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct door *d = calloc(1, sizeof *d);

	if (d == NULL || (d->conns = conns_new(s->opt.connections)) == NULL) {
		free(d);
		(void)sp_err_set(err, SP_RETRY, "no memory");
		return NULL;
	}
	d->server = s;
	door_own_init();
	if ((s->crew = crew_new(s, CREW, done, alive)) != NULL)
		d->mhd = MHD_start_daemon(flags, 0, NULL, NULL, handle, d,
		    MHD_OPTION_EXTERNAL_LOGGER, complain, NULL,
		    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		    (unsigned)s->opt.connections, MHD_OPTION_CONNECTION_TIMEOUT,
		    (unsigned)TIMEOUT, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		    (size_t)GULP, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		    MHD_OPTION_NOTIFY_CONNECTION, connected, d,
		    MHD_OPTION_NOTIFY_COMPLETED, end, d,
		    MHD_OPTION_URI_LOG_CALLBACK, begin, d,
		    MHD_OPTION_UNESCAPE_CALLBACK, as_it_is, NULL,
		    MHD_OPTION_ARRAY, cert == NULL ? tls + 2 : tls,
		    MHD_OPTION_END);
	if (d->mhd != NULL)
		return d;
	(void)sp_err_set(err, SP_FATAL,
	    cert == NULL ? "the server does not start"
			 : "the server does not start: are --cert and --key a "
			   "certificate and its key, in PEM?");
	if (s->crew != NULL) {
		crew_end(s->crew);
		crew_free(s->crew);
	}
	conns_free(d->conns);
	free(d);
	return NULL;
}

void
door_close(struct door *d)
{
	int fd = MHD_quiesce_daemon(d->mhd);

	if (fd != -1)
		(void)close(fd);
	crew_end(d->server->crew);
	events_end(d->server->events);
}

void
door_free(struct door *d)
{
	MHD_stop_daemon(d->mhd);
	crew_free(d->server->crew);
	conns_free(d->conns);
	free(d);
}

int64_t
door_tick(struct door *d, int64_t now)
{
	return conns_tick(d->conns, now);
}
