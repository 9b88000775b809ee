/*
 * clock.c - one thread that waits for news and for deadlines: inotify tells
 * what others do in the spool, handlers tell what they did themselves, and
 * whoever waits for that is asked again.  An event is only a hint to look.
 *
 * Where inotify does not see everything the clock looks instead, and only while
 * somebody waits.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "httpd/queue.h"
#include "httpd/server.h"
#include "libspool/log.h"

#define CHORES_MS 2000 /* between looks at the tokens and the directories */
#define GROWTH_MS 500  /* between looks at logs that others write */

/* Claims (IN_MOVED_FROM) make nothing claimable. */
#define ARRIVE (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR)
#define MARKS  (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR)

static const struct {
	enum sp_dir dir;
	uint32_t mask;
	unsigned wakes;
} watched[] = {
	{ SP_DIR_NEW, ARRIVE, WAKE_QUEUE },
	{ SP_DIR_CANCEL, MARKS, WAKE_QUEUE },
	{ SP_DIR_HOLD, MARKS, WAKE_QUEUE },
	{ SP_DIR_OUTCOMES, IN_MOVED_TO | IN_ONLYDIR, WAKE_OUTCOME },
};

#define WATCHED (sizeof watched / sizeof *watched)

struct clock {
	struct server *server;
	pthread_t thread;
	int kick;  /* eventfd */
	int watch; /* inotify; -1: none */
	int wd[WATCHED];
	int64_t chores, polled, origin;
	atomic_uint news;
	atomic_bool ending;
};

static void
watch_close(struct clock *c)
{
	if (c->watch != -1)
		(void)close(c->watch);
	c->watch = -1;
}

static void
watch_open(struct clock *c)
{
	const struct sp_spool *spool = &c->server->spool;
	char path[64];
	size_t i;

	c->watch = -1;
	if (!spool->local)
		return;
	c->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (i = 0; i < WATCHED && c->watch != -1; i++) {
		/* By the handle, not the path: a spool may be renamed. */
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d",
		    spool->dir[watched[i].dir]);
		c->wd[i] = inotify_add_watch(c->watch, path, watched[i].mask);
		if (c->wd[i] == -1)
			watch_close(c);
	}
	if (c->watch == -1)
		sp_warn("watch off: inotify: %s; looking by the clock",
		    strerror(errno));
}

static unsigned
watch_take(struct clock *c)
{
	_Alignas(struct inotify_event) char buf[16384];
	const struct inotify_event *e;
	unsigned wakes = 0;
	ssize_t n;
	char *at;
	size_t i;

	while (c->watch != -1 && (n = read(c->watch, buf, sizeof buf)) > 0)
		for (at = buf; at < buf + n; at += sizeof *e + e->len) {
			e = (const struct inotify_event *)(const void *)at;
			if ((e->mask &
				(IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT)) != 0)
				wakes |= WAKE_QUEUE | WAKE_OUTCOME;
			for (i = 0; i < WATCHED; i++)
				if (c->wd[i] == e->wd)
					wakes |= watched[i].wakes;
		}
	return wakes;
}

/* What nobody tells us of. */
static int64_t
poll_tick(struct clock *c, int64_t now, unsigned *wakes)
{
	struct server *s = c->server;
	unsigned what = WAKE_GROWTH;
	int64_t every = GROWTH_MS;

	if (c->watch == -1)
		what |= WAKE_QUEUE | WAKE_OUTCOME;
	if (!crew_waits(s->crew, what))
		return INT64_MAX;
	if (!crew_waits(s->crew, WAKE_GROWTH))
		every = (int64_t)(s->spool.policy.poll * 1000);
	if (now - c->polled >= every) {
		c->polled = now;
		*wakes |= what;
	}
	return c->polled + every;
}

static int64_t
chores_tick(struct clock *c, int64_t now, unsigned *wakes)
{
	struct server *s = c->server;

	if (now < c->chores)
		return c->chores;
	keys_tick(&s->keys);
	if (sp_spool_again(&s->spool) != 0) {
		sp_info("spool: directories were replaced; taken anew");
		watch_close(c);
		watch_open(c);
		*wakes |= WAKE_QUEUE | WAKE_OUTCOME;
	}
	c->chores = now + CHORES_MS;
	return c->chores;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void *
run(void *arg)
{
	struct clock *c = arg;
	struct server *s = c->server;
	struct pollfd fds[2] = { { .fd = c->kick, .events = POLLIN },
		{ .events = POLLIN } };
	int64_t now, next;
	unsigned wakes;
	uint64_t drop;

	while (!atomic_load(&c->ending)) {
		now = sp_mono_ms();
		wakes = atomic_exchange(&c->news, 0) | watch_take(c);
		next = chores_tick(c, now, &wakes);
		next = least(next, poll_tick(c, now, &wakes));
		next = least(next, events_tick(s, wakes != 0, now));
		if (now >= c->origin)
			c->origin = now + origin_tick(s);
		next = least(next, c->origin);
		if ((wakes & WAKE_QUEUE) != 0)
			queue_news(s->queue);
		if (wakes != 0)
			crew_wake(s->crew, wakes);
		next = least(next, crew_tick(s->crew, now));
		next = least(next, door_tick(s->door, now));
		next = next <= now ? 0 : next - now;
		fds[1].fd = c->watch;
		if (poll(fds, 2, next > 60000 ? 60000 : (int)next) == -1 &&
		    errno != EINTR)
			sp_warn("poll: %s", strerror(errno));
		while (read(c->kick, &drop, sizeof drop) > 0)
			;
	}
	return NULL;
}

struct clock *
clock_new(struct server *s, struct sp_err *err)
{
	struct clock *c = calloc(1, sizeof *c);

	if (c == NULL ||
	    (c->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) == -1) {
		free(c);
		(void)sp_err_set(err, SP_RETRY, "no memory, or no handle");
		return NULL;
	}
	c->server = s;
	watch_open(c);
	return c;
}

bool
clock_start(struct clock *c)
{
	return pthread_create(&c->thread, NULL, run, c) == 0;
}

void
clock_end(struct clock *c)
{
	atomic_store(&c->ending, true);
	clock_kick(c->server);
	(void)pthread_join(c->thread, NULL);
}

void
clock_free(struct clock *c)
{
	watch_close(c);
	(void)close(c->kick);
	free(c);
}

void
clock_news(struct server *s, unsigned wakes)
{
	if (s->clock == NULL)
		return;
	(void)atomic_fetch_or(&s->clock->news, wakes);
	clock_kick(s);
}

void
clock_kick(struct server *s)
{
	uint64_t one = 1;

	if (s->clock != NULL && write(s->clock->kick, &one, sizeof one) == -1)
		return; /* it is awake anyway */
}
