/*
 * events.c - /v1/events: what happens to orders, as it happens, as server-sent
 * events.  Found by comparing listings while anybody listens, and kept in a
 * ring of the newest: who comes back with the id of the last one he saw goes on
 * behind it, and who was away for too long, or comes to another server, is told
 * to look anew (reset).  Nobody's slowness costs more than his place.
 *
 *	event: order	data: {"id","state","name","ticket","attempt",...}
 *	event: hello	from here on (no id was given)
 *	event: reset	something was missed: look at /v1/orders again
 *	: comment	nothing has happened for a while
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpd/eventsin.h"
#include "httpd/server.h"

#define RING        1024
#define TEXT_MAX    640
#define READERS     128
#define QUIET_MS    15000 /* until a comment */
#define LINGER_MS   60000 /* we go on looking for those that come back */
#define LOOK_MS     250   /* between listings, at least; */
#define LOOK_SLOWLY 1000  /* when nothing has told us of news */
#define LOOK_SHARE  20    /* and so many times what one takes */

struct event {
	char type[8];
	char data[TEXT_MAX];
};

struct event_reader {
	struct events *events;
	struct event_reader *next, **prev;
	uint64_t at;       /* the next to be read */
	const char *first; /* "hello", "reset": said before that; or NULL */
	bool beat;         /* say that we are here */
	char out[TEXT_MAX + 128];
	size_t out_n, out_at;
	int64_t said;            /* when bytes were last read */
	void (*wake)(void *arg); /* NULL: it does not sleep */
	void *arg;
};

struct events {
	pthread_mutex_t lock;
	uint32_t epoch;
	struct event *ring; /* NULL: nobody has ever asked */
	uint64_t next;      /* the number of the next event, from 1 */
	uint64_t oldest;
	struct event_reader *first;
	size_t readers;
	bool ended;
	bool primed;  /* we know what was before */
	int64_t left; /* when the last reader went */
	/* the thread of the clock's */
	struct follow *follow; /* NULL: nobody listens */
	int64_t looked, cost;
	bool news;
};

struct events *
events_new(void)
{
	struct events *e = calloc(1, sizeof *e);

	if (e == NULL)
		return NULL;
	(void)pthread_mutex_init(&e->lock, NULL);
	e->epoch = sp_dice();
	e->next = e->oldest = 1;
	return e;
}

void
events_free(struct events *e)
{
	if (e == NULL)
		return;
	follow_free(e->follow);
	free(e->ring);
	(void)pthread_mutex_destroy(&e->lock);
	free(e);
}

/* ---- readers ---- */

static void
wake(struct event_reader *r)
{
	void (*fn)(void *) = r->wake;

	r->wake = NULL;
	if (fn != NULL)
		fn(r->arg);
}

/* "EPOCH-NUMBER" of an event that we can go on behind. */
static bool
known(const struct events *e, const char *last, uint64_t *at_out)
{
	unsigned long epoch;
	unsigned long long n;
	char *end;

	if (strlen(last) > 40)
		return false;
	errno = 0;
	epoch = strtoul(last, &end, 16);
	if (end != last + 8 || *end != '-' || epoch != e->epoch)
		return false;
	n = strtoull(end + 1, &end, 10);
	if (errno != 0 || *end != '\0' || n + 1 < e->oldest || n >= e->next)
		return false;
	*at_out = n + 1;
	return true;
}

struct event_reader *
events_open(struct events *e, const char *last)
{
	struct event_reader *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	(void)pthread_mutex_lock(&e->lock);
	if (e->ring == NULL)
		e->ring = calloc(RING, sizeof *e->ring);
	if (e->ring == NULL || e->readers == READERS || e->ended) {
		(void)pthread_mutex_unlock(&e->lock);
		free(r);
		return NULL;
	}
	r->events = e;
	r->at = e->next;
	if (last == NULL)
		r->first = "hello";
	else if (!known(e, last, &r->at))
		r->first = "reset";
	r->said = sp_mono_ms();
	r->next = e->first;
	r->prev = &e->first;
	if (e->first != NULL)
		e->first->prev = &r->next;
	e->first = r;
	e->readers++;
	(void)pthread_mutex_unlock(&e->lock);
	return r;
}

void
events_close(struct event_reader *r)
{
	struct events *e = r->events;

	(void)pthread_mutex_lock(&e->lock);
	*r->prev = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	e->readers--;
	e->left = sp_mono_ms();
	(void)pthread_mutex_unlock(&e->lock);
	free(r);
}

static void
put(struct event_reader *r, uint64_t n, const char *type, const char *data)
{
	int len;

	len = snprintf(r->out, sizeof r->out,
	    "id: %08x-%llu\nevent: %s\ndata: %s\n\n", r->events->epoch,
	    (unsigned long long)n, type, data);
	r->out_n = len < (int)sizeof r->out ? (size_t)len : 0;
	r->out_at = 0;
}

/* The next thing to say into r->out; false: there is none. */
static bool
fill(struct event_reader *r)
{
	struct events *e = r->events;

	if (r->first == NULL && r->at < e->oldest)
		r->first = "reset";
	/* Who looks at the orders after this misses nothing. */
	if (r->first != NULL && !e->primed)
		return false;
	if (r->first != NULL) {
		if (r->at < e->oldest || strcmp(r->first, "reset") == 0)
			r->at = e->next;
		put(r, r->at - 1, r->first, "{}");
		r->first = NULL;
	} else if (r->at < e->next) {
		const struct event *event = &e->ring[r->at % RING];

		put(r, r->at, event->type, event->data);
		r->at++;
	} else if (r->beat) {
		(void)strcpy(r->out, ": still here\n\n");
		r->out_n = strlen(r->out);
		r->out_at = 0;
	} else {
		return false;
	}
	r->beat = false;
	return true;
}

ssize_t
events_read(struct event_reader *r, char *buf, size_t max,
    void (*sleep)(void *arg), void (*wake_fn)(void *arg), void *arg)
{
	struct events *e = r->events;
	size_t got = 0, n;

	(void)pthread_mutex_lock(&e->lock);
	while (got < max && (r->out_at < r->out_n || fill(r))) {
		n = r->out_n - r->out_at;
		if (n > max - got)
			n = max - got;
		(void)memcpy(buf + got, r->out + r->out_at, n);
		r->out_at += n;
		got += n;
	}
	if (got > 0) {
		r->said = sp_mono_ms();
	} else if (!e->ended) {
		/* Under the lock: nobody wakes it before it sleeps. */
		r->wake = wake_fn;
		r->arg = arg;
		sleep(arg);
	}
	n = got == 0 && e->ended;
	(void)pthread_mutex_unlock(&e->lock);
	return n ? -1 : (ssize_t)got;
}

void
events_end(struct events *e)
{
	struct event_reader *r;

	(void)pthread_mutex_lock(&e->lock);
	e->ended = true;
	for (r = e->first; r != NULL; r = r->next)
		wake(r);
	(void)pthread_mutex_unlock(&e->lock);
}

/* ---- news ---- */

void
events_put(struct events *e, const char *type, const char *data)
{
	struct event *event;

	(void)pthread_mutex_lock(&e->lock);
	event = &e->ring[e->next++ % RING];
	if (e->next - e->oldest > RING)
		e->oldest = e->next - RING;
	(void)snprintf(event->type, sizeof event->type, "%s", type);
	(void)snprintf(event->data, sizeof event->data, "%s", data);
	(void)pthread_mutex_unlock(&e->lock);
}

static void
wake_all(struct events *e, int64_t now)
{
	struct event_reader *r;

	(void)pthread_mutex_lock(&e->lock);
	e->primed = e->follow != NULL && follow_primed(e->follow);
	for (r = e->first; r != NULL; r = r->next) {
		r->beat |= now - r->said >= QUIET_MS;
		if (r->beat || r->at < e->next || r->first != NULL)
			wake(r);
	}
	(void)pthread_mutex_unlock(&e->lock);
}

/* Does anybody listen, or may he come back?  If not, what was said is
 * forgotten, so that nobody goes on behind it. */
static bool
listened(struct events *e, int64_t now)
{
	bool is;

	(void)pthread_mutex_lock(&e->lock);
	is = e->ring != NULL && (e->readers > 0 || now - e->left < LINGER_MS) &&
	    !e->ended;
	if (!is && e->follow != NULL) {
		e->epoch = sp_dice();
		e->oldest = e->next;
		e->primed = false;
	}
	(void)pthread_mutex_unlock(&e->lock);
	return is;
}

int64_t
events_tick(struct server *s, bool news, int64_t now)
{
	struct events *e = s->events;
	int64_t next;

	e->news |= news;
	if (!listened(e, now)) {
		follow_free(e->follow);
		e->follow = NULL;
		e->looked = 0;
		return INT64_MAX;
	}
	next = e->looked + (e->news ? LOOK_MS : LOOK_SLOWLY) +
	    LOOK_SHARE * e->cost;
	if (now >= next || e->follow == NULL) {
		e->news = false;
		if (e->follow == NULL)
			e->follow = follow_new(&s->spool);
		if (e->follow != NULL)
			follow_look(e->follow, e);
		e->looked = sp_mono_ms();
		e->cost = e->looked - now;
		next = e->looked + LOOK_SLOWLY;
	}
	wake_all(e, sp_mono_ms());
	return next;
}

/* ---- the route ---- */

static ssize_t
read_stream(void *arg, char *buf, size_t max, void (*sleep)(void *arg),
    void (*wake_fn)(void *arg), void *them)
{
	return events_read(arg, buf, max, sleep, wake_fn, them);
}

static void
close_stream(void *arg)
{
	events_close(arg);
}

handler_fn events;

void
events(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "after", NULL };
	const char *last = r->head.last_event;
	struct event_reader *reader;

	if (!query_only(r, keys, a))
		return;
	if (last == NULL)
		last = url_get(&r->url, "after");
	if ((reader = events_open(s->events, last)) == NULL) {
		answer_wrong(a, W_BUSY, "too many listen already");
		return;
	}
	a->status = 200;
	a->type = "text/event-stream";
	if (r->method == M_HEAD) {
		events_close(reader);
		return;
	}
	a->stream.read = read_stream;
	a->stream.close = close_stream;
	a->stream.arg = reader;
	clock_kick(s); /* there is somebody to look for now */
}
