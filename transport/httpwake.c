/*
 * httpwake.c - the wake handle over HTTP: a thread that always has one request
 * under way, which the server answers when the queue is another one.  When the
 * server was away and is back, that is news as well.
 */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "libspool/log.h"
#include "libspool/spool.h"
#include "transport/http.h"

#define GRACE_MS 15000 /* beyond what the server may wait */
#define REST_MS  200   /* or so, after each answer */
#define PAUSE_MS 1000  /* after an answer that is none */

static void
poke(struct http *h)
{
	const uint64_t one = 1;

	(void)!write(h->event, &one, sizeof one);
}

static void
nap(struct http *h, int64_t ms)
{
	const struct timespec t = { .tv_nsec = 50000000 };
	int64_t until = sp_mono_ms() + ms;

	while (sp_mono_ms() < until && !atomic_load(&h->stop))
		(void)nanosleep(&t, NULL);
}

/* For who lists: as long as a request waits, what is known is so. */
static void
know(struct http *h, const char *seen)
{
	(void)pthread_mutex_lock(&h->lock);
	(void)snprintf(h->seen, sizeof h->seen, "%s", seen);
	(void)pthread_mutex_unlock(&h->lock);
}

/* One request.  seen: "" before the first. */
static enum sp_status
wait_once(struct http *h, char seen[128])
{
	struct sp_buf path = SP_BUF_INIT(HTTP_PATH), text = SP_BUF_INIT(65536);
	struct wire_call call = { .method = "GET", .text = &text };
	unsigned workers;
	enum sp_status st;

	sp_buf_puts(&path, "/v1/ready?texts=0&limit=0");
	if (seen[0] != '\0') {
		sp_buf_printf(&path, "&wait=%d", h->about.wait);
		http_path(&path, "&seen=", seen, "");
	}
	call.path = sp_buf_text(&path);
	call.stop = &h->stop;
	call.ms = h->about.wait * INT64_C(1000) + GRACE_MS;
	st = wire_call(h->wire, &call, NULL);
	if (st == SP_OK && call.status != 200)
		st = http_refused(h, &call, NULL, NULL);
	if (st == SP_OK)
		st = answer_seen(
		    sp_buf_text(&text), text.len, seen, &workers, NULL);
	if (st == SP_OK)
		atomic_store(&h->workers, workers);
	sp_buf_clear(&path);
	sp_buf_clear(&text);
	return st;
}

static void *
wait_thread(void *arg)
{
	struct http *h = arg;
	char seen[128] = "", last[128] = "";
	int64_t began;
	bool away = false;

	while (!atomic_load(&h->stop)) {
		began = sp_mono_ms();
		if (wait_once(h, seen) != SP_OK) {
			away = true;
			seen[0] = '\0';
			know(h, seen);
			nap(h, wire_away(h->wire));
			nap(h, PAUSE_MS / 2 + sp_dice() % PAUSE_MS);
			continue;
		}
		know(h, seen);
		if (away || (last[0] != '\0' && strcmp(seen, last) != 0))
			poke(h);
		else if (sp_mono_ms() - began < 20 && last[0] != '\0')
			nap(h, PAUSE_MS); /* it does not wait */
		away = false;
		(void)strcpy(last, seen);
		/* A busy queue is another one all the time. */
		nap(h, REST_MS / 2 + sp_dice() % REST_MS);
	}
	return NULL;
}

/* Without it the clock has to do. */
void
http_wake_open(struct http *h)
{
	h->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->event == -1 || h->about.wait == 0)
		return;
	h->running = pthread_create(&h->thread, NULL, wait_thread, h) == 0;
	if (!h->running)
		sp_warn("watch off: no thread; looking by the clock");
}

void
http_wake_close(struct http *h)
{
	if (h->running)
		(void)pthread_join(h->thread, NULL);
	h->running = false;
	if (h->event != -1)
		(void)close(h->event);
	h->event = -1;
}
