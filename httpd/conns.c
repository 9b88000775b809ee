/*
 * conns.c - connections and how long each may take: a header that never ends
 * and a body that trickles are cut off, and where many wait for that, the
 * oldest at once.  The descriptors are the door's; here they are only shut.
 */
#include <poll.h>
#include <stdlib.h>

#include <sys/socket.h>

#include "httpd/server.h"
#include "libspool/log.h"

#define HEAD_MS   10000 /* for a whole header, TLS's greetings with it */
#define IDLE_MS   75000 /* between requests */
#define BODY_MS   20000 /* for a body, */
#define BODY_RATE 1024  /* and as long again as these bytes a second take */
#define CROWD_MS  500   /* so old the oldest goes where there is no room */
#define TICK_MS   1000

struct conn {
	struct conn *next, **prev;
	int fd;
	enum phase phase;
	int64_t since, bytes;
	bool shut;
};

struct conns {
	pthread_mutex_t lock;
	struct conn *first;
	int n, most;
};

struct conns *
conns_new(int most)
{
	struct conns *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->most = most;
	(void)pthread_mutex_init(&c->lock, NULL);
	return c;
}

void
conns_free(struct conns *c)
{
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static void
shut(struct conn *conn)
{
	if (!conn->shut)
		(void)shutdown(conn->fd, SHUT_RDWR);
	conn->shut = true;
}

/* One that has brought nothing yet makes room for one that may.  false: there
 * is none that is old enough. */
static bool
make_room(struct conns *c, int64_t now)
{
	struct conn *conn, *oldest = NULL;

	for (conn = c->first; conn != NULL; conn = conn->next)
		if ((conn->phase == PHASE_HEAD || conn->phase == PHASE_IDLE) &&
		    !conn->shut && now - conn->since >= CROWD_MS &&
		    (oldest == NULL || conn->since < oldest->since))
			oldest = conn;
	if (oldest == NULL)
		return false;
	if (sp_warn_due("crowd"))
		sp_warn("connections: %d of %d taken; those that bring "
			"nothing are shut",
		    c->n, c->most);
	shut(oldest);
	return true;
}

static bool
crowded_is(const struct conns *c)
{
	return c->n > c->most - c->most / 8;
}

struct conn *
conns_add(struct conns *c, int fd, int64_t now)
{
	struct conn *conn = calloc(1, sizeof *conn);

	if (conn == NULL)
		return NULL;
	conn->fd = fd;
	conn->since = now;
	(void)pthread_mutex_lock(&c->lock);
	conn->next = c->first;
	conn->prev = &c->first;
	if (c->first != NULL)
		c->first->prev = &conn->next;
	c->first = conn;
	c->n++;
	if (crowded_is(c))
		(void)make_room(c, now);
	(void)pthread_mutex_unlock(&c->lock);
	return conn;
}

void
conns_drop(struct conns *c, struct conn *conn)
{
	(void)pthread_mutex_lock(&c->lock);
	*conn->prev = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	c->n--;
	(void)pthread_mutex_unlock(&c->lock);
	free(conn);
}

void
conns_note(struct conns *c, struct conn *conn, enum phase phase, int64_t bytes,
    int64_t now)
{
	(void)pthread_mutex_lock(&c->lock);
	if (conn->phase != phase)
		conn->since = now;
	conn->phase = phase;
	conn->bytes = bytes;
	(void)pthread_mutex_unlock(&c->lock);
}

bool
conns_gone(struct conns *c, struct conn *conn)
{
	struct pollfd p = { .events = POLLRDHUP };

	(void)pthread_mutex_lock(&c->lock);
	p.fd = conn->fd;
	(void)pthread_mutex_unlock(&c->lock);
	return poll(&p, 1, 0) == 1 &&
	    (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static int64_t
until(const struct conn *conn)
{
	switch (conn->phase) {
	case PHASE_HEAD:
		return conn->since + HEAD_MS;
	case PHASE_IDLE:
		return conn->since + IDLE_MS;
	case PHASE_BODY:
		return conn->since + BODY_MS + conn->bytes * 1000 / BODY_RATE;
	case PHASE_BUSY:
		break;
	}
	return INT64_MAX;
}

int64_t
conns_tick(struct conns *c, int64_t now)
{
	int64_t next = INT64_MAX, at, tick = TICK_MS;
	struct conn *conn;
	int n;

	(void)pthread_mutex_lock(&c->lock);
	/* Where nobody more is let in nobody more comes to say so. */
	if (crowded_is(c)) {
		for (n = c->most / 8; n > 0 && make_room(c, now); n--)
			;
		tick = CROWD_MS;
	}
	for (conn = c->first; conn != NULL; conn = conn->next) {
		if (conn->shut)
			continue;
		if ((at = until(conn)) <= now)
			shut(conn);
		else if (at < next)
			next = at;
	}
	if (c->n == 0)
		tick = 3600000;
	(void)pthread_mutex_unlock(&c->lock);
	/* A new one is nobody's news: looked for by the clock. */
	return next < now + tick ? next < now ? now : next : now + tick;
}
