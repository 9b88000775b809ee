/*
 * doorown.c - what libmicrohttpd refuses without asking us: what is no HTTP, or
 * too much of it.  It has no hook for that, and pages of HTML of its own, some
 * of them with two headers (0.9.75); but it queues them by its public function,
 * which the linker finds here first.  Its connection ends with such an answer,
 * so we send one in JSON ourselves, and have it think that it could not.
 *
 * Where a libmicrohttpd does not look its own functions up by name, its pages
 * stay (76-http.no_http would tell).
 */
#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>

#include "httpd/doorin.h"

#define PAGE   4096
#define UNREAD (1 << 20) /* bytes of what it sent that are taken from it */

typedef enum MHD_Result
queue_fn(struct MHD_Connection *, unsigned, struct MHD_Response *);

static queue_fn *theirs;

void
door_own_init(void)
{
	*(void **)&theirs = dlsym(RTLD_NEXT, "MHD_queue_response");
}

enum MHD_Result
door_queue(struct MHD_Connection *mhd, unsigned status, struct MHD_Response *m)
{
	return theirs == NULL ? MHD_NO : theirs(mhd, status, m);
}

static void
words(struct answer *a, unsigned status)
{
	switch (status) {
	case 413:
		answer_wrong(a, W_LONG, "a length beyond 64 bits");
		break;
	case 414:
		answer_wrong(a, W_LONG, "the target is too long");
		break;
	case 431:
		answer_wrong(a, W_HEADER, "the header is too long");
		break;
	case 505:
		answer_wrong(a, W_REQUEST, "HTTP/1.1 is spoken here");
		break;
	case 500:
	case 503:
		answer_wrong(a, W_RETRY, "no memory for this connection");
		break;
	default:
		answer_wrong(a, W_REQUEST,
		    "this is no HTTP: a header line that is none, no Host, a "
		    "Content-Length that is no number, or a broken chunk");
	}
	a->status = (int)status;
}

/* The head comes before the body, in one buffer. */
static void
whole(struct answer *a, struct sp_buf *b)
{
	time_t now = time(NULL);
	char date[64] = "";
	struct tm tm;
	size_t i;

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(
		    date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	sp_buf_printf(b,
	    "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\n"
	    "Content-Type: %s\r\n"
	    "Content-Length: %zu\r\nCache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n",
	    a->status, MHD_get_reason_phrase_for((unsigned)a->status), date,
	    a->type, a->body.len);
	for (i = 0; i < a->header_n; i++)
		sp_buf_printf(
		    b, "%s: %s\r\n", a->header[i].name, a->header[i].value);
	sp_buf_puts(b, "\r\n");
	sp_buf_put(b, a->body.data, a->body.len);
}

/* Nothing of ours waits to be sent on this connection, so it has room for a
 * page; if not, it ends without. */
static void
send_last(struct MHD_Connection *mhd, const struct sp_buf *b)
{
	const union MHD_ConnectionInfo *tls =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	const union MHD_ConnectionInfo *sock =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	static char waste[16 * 1024]; /* by one thread, and not read */
	size_t n;
	ssize_t got;

	if (tls != NULL && tls->tls_session != NULL)
		(void)gnutls_record_send(tls->tls_session, b->data, b->len);
	else if (sock != NULL)
		(void)send(sock->connect_fd, b->data, b->len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sock == NULL)
		return;
	/* A close with something unread would take the answer back. */
	for (n = 0; n < UNREAD; n += (size_t)got) {
		got = recv(sock->connect_fd, waste, sizeof waste, MSG_DONTWAIT);
		if (got <= 0)
			break;
	}
}

/* Called by libmicrohttpd alone. */
enum MHD_Result
MHD_queue_response(
    struct MHD_Connection *mhd, unsigned status, struct MHD_Response *page)
{
	struct sp_buf b;
	struct answer a;

	(void)page;
	answer_init(&a);
	sp_buf_init(&b, PAGE);
	words(&a, status);
	whole(&a, &b);
	if (!b.failed)
		send_last(mhd, &b);
	answer_clear(&a);
	sp_buf_clear(&b);
	return MHD_NO; /* it ends the connection */
}
