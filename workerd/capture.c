/*
 * capture.c - what a job prints: both streams in arrival order into its live
 * log, the end of stdout for the outcome's line, the end of stderr for the
 * words of an error.
 *
 * Output is batched: a line shows up in the log within a tenth of a second, a
 * flood costs one append for 64 KiB.  While the log cannot be written a MiB is
 * kept and the rest is missing from it; the job never waits for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/capture.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define CHUNK       65536
#define FLUSH_MS    100
#define AWAY_MS     1000 /* between tries while the log cannot be written */
#define LOG_HELD    (16 * CHUNK) /* bytes kept meanwhile */
#define LAST_ROUNDS 64           /* at the end: 4 MiB, then enough */

bool
capture_open(struct capture *c, uint64_t most, int child[2])
{
	int p[2], i;

	capture_reset(c);
	c->most = most;
	for (i = 0; i < 2; i++) {
		/* Ours must not block; the job's end is as jobs expect it. */
		if (pipe2(p, O_CLOEXEC) == -1)
			break;
		c->fd[i] = p[0];
		child[i] = p[1];
		if (fcntl(p[0], F_SETFL, O_NONBLOCK) == -1) {
			(void)close(child[i]);
			break;
		}
	}
	if (i == 2)
		return true;
	if (i == 1)
		(void)close(child[0]);
	for (i = 0; i < 2; i++)
		if (c->fd[i] != -1)
			(void)close(c->fd[i]);
	c->fd[0] = c->fd[1] = -1;
	return false;
}

/* Keep at least the last SP_OUTCOME_MAX bytes of stdout. */
static void
keep_tail(struct capture *c, const char *data, size_t len)
{
	if (c->tail.len + len > c->tail.max) {
		(void)memmove(c->tail.data,
		    c->tail.data + c->tail.len - SP_OUTCOME_MAX,
		    SP_OUTCOME_MAX);
		c->tail.len = SP_OUTCOME_MAX;
	}
	sp_buf_put(&c->tail, data, len);
}

static void
keep_last(struct capture *c, const char *data, size_t len)
{
	size_t keep;

	if (len >= STDERR_TAIL) {
		data += len - STDERR_TAIL;
		len = STDERR_TAIL;
	}
	keep = STDERR_TAIL - len;
	if (c->last_n > keep) {
		(void)memmove(c->last, c->last + c->last_n - keep, keep);
		c->last_n = keep;
	}
	(void)memcpy(c->last + c->last_n, data, len);
	c->last_n += len;
}

static void
put_log(struct capture *c, const char *data, size_t len, int64_t now)
{
	if (c->flush_at == FAR)
		c->flush_at = now + FLUSH_MS;
	if (c->lost > 0 || c->log.len + len > LOG_HELD)
		c->lost += len; /* no holes but one */
	else
		sp_buf_put(&c->log, data, len);
}

/* Up to --log-max; the job goes on, and what it says is still looked through
 * for its outcome. */
static void
keep_log(struct capture *c, const char *data, size_t len, int64_t now)
{
	uint64_t room = c->most - c->logged;
	char words[128];
	int n;

	if (c->cut == 0 && len > 0 && room > 0)
		put_log(c, data, len < room ? len : (size_t)room, now);
	c->logged += len < room ? len : room;
	if (len <= room)
		return;
	if (c->cut == 0) {
		n = snprintf(words, sizeof words,
		    "\n[workerd: the log is cut here, at %llu bytes "
		    "(--log-max)]\n",
		    (unsigned long long)c->most);
		put_log(c, words, (size_t)n, now);
	}
	c->cut += len - room;
}

/* One read; false when there is nothing (more) now. */
static bool
read_some(struct capture *c, int which, int64_t now)
{
	static char buf[CHUNK];
	ssize_t n;

	if (c->fd[which] == -1)
		return false;
	n = read(c->fd[which], buf, sizeof buf);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		(void)close(c->fd[which]);
		c->fd[which] = -1;
		return false;
	}
	keep_log(c, buf, (size_t)n, now);
	if (which == 0)
		keep_tail(c, buf, (size_t)n);
	else
		keep_last(c, buf, (size_t)n);
	return true;
}

void
capture_read(struct capture *c, int which, int64_t now)
{
	/* One chunk, then others have their turn; the tick empties the log's
	 * buffer before the next one. */
	(void)read_some(c, which, now);
}

static bool
add(struct worker *w, struct slot *s, const void *data, size_t len,
    struct sp_err *err)
{
	if (len > 0 &&
	    w->ops->append(
		w->tr, &s->name, TR_LOG, s->cap.there, data, len, err) != SP_OK)
		return false;
	s->cap.there += (int64_t)len;
	return true;
}

static void
say_lost(struct capture *c, struct sp_buf *text)
{
	if (c->lost > 0)
		sp_buf_printf(text,
		    "\n[workerd: %llu bytes are missing here: the spool was "
		    "out of reach]\n",
		    (unsigned long long)c->lost);
	c->lost = 0;
}

/* What is held.  More may come while we wait for the spool (medium.h), and the
 * buffer move for that, so it is not the one that is on its way. */
static bool
pass_on(struct worker *w, struct slot *s, struct sp_err *err)
{
	struct capture *c = &s->cap;
	struct sp_buf going = c->log;
	bool done;

	sp_buf_init(&c->log, going.max);
	done = add(w, s, going.data, going.len, err);
	if (done)
		sp_buf_reset(&going);
	if (c->log.len > 0) {
		sp_buf_put(&going, c->log.data, c->log.len);
		c->lost += going.failed ? c->log.len : 0;
		going.failed = false;
	}
	sp_buf_clear(&c->log);
	c->log = going;
	return done;
}

/* What is held, then a word about what could not be. */
static bool
append(struct worker *w, struct slot *s, struct sp_err *err)
{
	struct capture *c = &s->cap;

	if (!pass_on(w, s, err))
		return false;
	if (c->lost == 0)
		return true;
	say_lost(c, &c->log);
	return pass_on(w, s, err);
}

static void
flush(struct worker *w, struct slot *s, int64_t now)
{
	struct capture *c = &s->cap;
	struct sp_err err = { "" };
	bool failed = !append(w, s, &err);

	if (failed && !c->failed)
		sp_warn("log order=%s not written: %s; the job goes on",
		    s->name.id.text, err.text);
	c->failed = failed;
	c->flush_at = failed ? now + AWAY_MS
	    : c->log.len > 0 ? now + FLUSH_MS
			     : FAR;
}

int64_t
capture_tick(struct worker *w, struct slot *s, int64_t now)
{
	struct capture *c = &s->cap;

	if (now >= c->flush_at || (c->log.len >= CHUNK && !c->failed))
		flush(w, s, now);
	return c->flush_at;
}

static void
say_cut(struct capture *c)
{
	char words[96];
	int n;

	if (c->cut == 0)
		return;
	n = snprintf(words, sizeof words,
	    "[workerd: %llu bytes more were not kept]\n",
	    (unsigned long long)c->cut);
	put_log(c, words, (size_t)n, 0);
}

void
capture_close(struct worker *w, struct slot *s)
{
	struct capture *c = &s->cap;
	int which, i;

	for (which = 0; which < 2; which++) {
		/* Somebody may still hold the other end and write for ever. */
		for (i = 0; i < LAST_ROUNDS && read_some(c, which, 0); i++)
			if (c->log.len >= CHUNK && !c->failed)
				flush(w, s, 0);
		if (c->fd[which] != -1)
			(void)close(c->fd[which]);
		c->fd[which] = -1;
	}
	say_cut(c);
	/* From far away the rest goes with the outcome (parcel.c): others wait
	 * for this thread. */
	if (!w->far || s->stop == STOP_GONE)
		flush(w, s, 0);
}

void
capture_rest(struct capture *c, struct sp_buf *text, int64_t *at)
{
	if (c->log.len > 0)
		say_lost(c, &c->log);
	*at = c->there;
	*text = c->log;
	sp_buf_init(&c->log, text->max);
	c->lost = 0;
}

void
capture_reset(struct capture *c)
{
	/* One flood's memory is not kept for ever. */
	if (c->tail.cap > CHUNK)
		sp_buf_clear(&c->tail);
	if (c->log.cap > 4 * CHUNK)
		sp_buf_clear(&c->log);
	sp_buf_reset(&c->tail);
	sp_buf_reset(&c->log);
	c->tail.max = 2 * SP_OUTCOME_MAX + CHUNK;
	c->log.max = LOG_HELD + CHUNK;
	c->tail.failed = c->log.failed = c->failed = false;
	c->fd[0] = c->fd[1] = -1;
	c->flush_at = FAR;
	c->logged = c->lost = c->cut = 0;
	c->there = 0;
	c->last_n = 0;
}

void
capture_clear(struct capture *c)
{
	int i;

	for (i = 0; i < 2; i++)
		if (c->fd[i] != -1)
			(void)close(c->fd[i]);
	c->fd[0] = c->fd[1] = -1;
	sp_buf_clear(&c->tail);
	sp_buf_clear(&c->log);
}
