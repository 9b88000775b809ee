/*
 * sftplink.c - the link's thread: it connects, moves bytes, and begins anew
 * when the connection breaks.  What is asked, and which request goes first, is
 * other rooms' business (sftpcall.c).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "libspool/log.h"
#include "libspool/spool.h"
#include "transport/sftpin.h"

#define PULSE_MS                                                               \
	15000         /* silence, after which the server is asked something    \
	               */
#define AGAIN_MIN 500 /* between attempts to connect */
#define AGAIN_MAX 60000
#define AWAY_MOST 6     /* times that it hangs up on our first connection */
#define STEADY_MS 30000 /* a connection that lasted was a good one */

/* ---- answers ---- */

/* What has been read so far; false: it makes no sense. */
static bool
answers(struct sftp *l)
{
	size_t at = 0;
	bool ok = true;
	ssize_t n;

	(void)pthread_mutex_lock(&l->lock);
	while (ok && (n = sftp_packet_len(l->in + at, l->in_len - at)) != 0) {
		ok = n > 0 && sftp_answer(l, l->in + at, (size_t)n);
		if (ok)
			at += (size_t)n;
	}
	if (at > 0)
		(void)pthread_cond_broadcast(&l->told);
	(void)pthread_mutex_unlock(&l->lock);
	l->in_len -= at;
	(void)memmove(l->in, l->in + at, l->in_len);
	return ok;
}

/* ---- bytes ---- */

/* 1: something moved, 0: nothing to do now, -1: broken. */
static int
move(struct sftp *l)
{
	ssize_t n;
	int did = 0;

	if (l->wired == l->wire.len)
		sftp_fill(l);
	if (l->wired < l->wire.len) {
		n = ssh_write(
		    l->ssh, l->wire.data + l->wired, l->wire.len - l->wired);
		if (n == -1 && errno != EAGAIN)
			return -1;
		if (n > 0) {
			l->wired += (size_t)n;
			did = 1;
		}
	}
	n = ssh_read(
	    l->ssh, l->in + l->in_len, SFTP_PACKET_MAX + SFTP_WIRE - l->in_len);
	if (n == 0 || (n == -1 && errno != EAGAIN))
		return -1;
	if (n > 0) {
		l->in_len += (size_t)n;
		l->heard = sp_mono_ms();
		did = 1;
		if (!answers(l))
			return -1;
	}
	return did;
}

/* A word now and then, so that a dead link is noticed and a firewall in between
 * keeps it in mind.  false: the last one was not answered. */
static bool
pulse(struct sftp *l, int64_t now)
{
	bool done;

	if (l->pulsing) {
		(void)pthread_mutex_lock(&l->lock);
		done = l->pulse.done;
		(void)pthread_mutex_unlock(&l->lock);
		if (!done)
			return now - l->pulse.sent < l->deadline ||
			    l->pulse.sent == 0;
		sftp_call_clear(&l->pulse);
		l->pulsing = false;
	}
	if (now - l->heard < PULSE_MS)
		return true;
	sftp_call_init(&l->pulse, SFTP_REALPATH);
	sftp_pack_text(&l->pulse.packet, ".");
	if (sftp_send(l, &l->pulse, 0) == 0)
		l->pulsing = true;
	else
		sftp_call_clear(&l->pulse);
	return true;
}

static void
rest(struct sftp *l)
{
	struct pollfd p[3] = { { .fd = l->stop, .events = POLLIN },
		{ .fd = l->wake, .events = POLLIN } };
	uint64_t count;
	int ms = PULSE_MS;

	p[2] = ssh_poll(l->ssh, l->wired < l->wire.len);
	if (l->pulsing && l->deadline < ms)
		ms = (int)l->deadline;
	if (poll(p, 3, ms) > 0 && p[1].revents != 0)
		(void)!read(l->wake, &count, sizeof count);
}

/* ---- up and down ---- */

static bool
ending_is(struct sftp *l)
{
	bool is;

	(void)pthread_mutex_lock(&l->lock);
	is = l->ending;
	(void)pthread_mutex_unlock(&l->lock);
	return is;
}

static void
down(struct sftp *l, const char *why)
{
	char text[SP_ERR_MAX];

	ssh_close(l->ssh);
	l->ssh = NULL;
	(void)pthread_mutex_lock(&l->lock);
	if (l->why.text[0] == '\0')
		(void)sp_err_set(&l->why, SP_RETRY, "%s", why);
	(void)memcpy(text, l->why.text, sizeof text);
	(void)pthread_mutex_unlock(&l->lock);
	sftp_drop_all(l);
	if (l->pulsing)
		sftp_call_clear(&l->pulse);
	l->pulsing = false;
	l->down_since = sp_mono_ms();
	if (l->down_since - l->up_since >= STEADY_MS)
		l->again = 0;
	if (!ending_is(l))
		sp_warn("link down host=%s: %s", l->site.host, text);
}

/* When to try next: later each time, and not all workers at once. */
static void
later(struct sftp *l)
{
	l->again = l->again == 0 ? AGAIN_MIN : l->again * 2;
	if (l->again > AGAIN_MAX)
		l->again = AGAIN_MAX;
	l->again_at = sp_mono_ms() + l->again / 2 +
	    (int64_t)(sp_dice() % (unsigned)l->again);
}

static void
up(struct sftp *l, const struct sftp_now *now)
{
	sp_buf_reset(&l->wire);
	l->wired = l->in_len = 0;
	l->heard = l->up_since = sp_mono_ms();
	if (l->down_since != 0)
		sp_info("link up host=%s after=%llds", l->site.host,
		    (long long)(l->up_since - l->down_since) / 1000);
	(void)pthread_mutex_lock(&l->lock);
	l->now = *now;
	l->now.number = ++l->numbers;
	l->bulk_max = SFTP_BULK;
	sp_err_clear(&l->why);
	(void)pthread_mutex_unlock(&l->lock);
}

static void
try(struct sftp *l)
{
	int64_t until = sp_mono_ms() + l->deadline;
	struct sp_err err = { "" };
	struct sftp_now now;
	enum sp_status st;

	st = ssh_open(&l->site, until, l->stop, &l->ssh, &err);
	if (st == SP_OK) {
		st = sftp_talk(
		    l->ssh, l->stop, until, l->path, l->root, &now, &err);
		if (st != SP_OK) {
			ssh_close(l->ssh);
			l->ssh = NULL;
		}
	}
	if (st == SP_OK)
		up(l, &now);
	else if (l->numbers > 0 && !ending_is(l) && sp_warn_due(err.text))
		sp_warn("link host=%s: %s", l->site.host, err.text);
	later(l);
	(void)pthread_mutex_lock(&l->lock);
	/* Others start at this moment, too: sshd's MaxStartups. */
	l->tried = l->tried || st != SP_LOST || ++l->turned_away >= AWAY_MOST;
	if (st == SP_LOST)
		st = SP_RETRY;
	l->status = st;
	if (st != SP_OK)
		l->why = err;
	(void)pthread_cond_broadcast(&l->told);
	(void)pthread_mutex_unlock(&l->lock);
}

static void *
run(void *arg)
{
	struct sftp *l = arg;
	struct pollfd stop = { .fd = l->stop, .events = POLLIN };
	int64_t left;
	bool broken;
	int did;

	while (!ending_is(l)) {
		if (l->ssh == NULL) {
			left = l->again_at - sp_mono_ms();
			if (left > 0)
				(void)poll(&stop, 1, (int)left);
			else
				try(l);
			continue;
		}
		(void)pthread_mutex_lock(&l->lock);
		broken = l->broken;
		(void)pthread_mutex_unlock(&l->lock);
		if (broken || (did = move(l)) == -1)
			down(l, "the connection broke");
		else if (!pulse(l, sp_mono_ms()))
			down(l, "the server went silent");
		else if (did == 0)
			rest(l);
	}
	if (l->ssh != NULL)
		down(l, "closed");
	return NULL;
}

/* ---- open and close ---- */

static void
free_link(struct sftp *l)
{
	if (l->stop != -1)
		(void)close(l->stop);
	if (l->wake != -1)
		(void)close(l->wake);
	(void)pthread_cond_destroy(&l->told);
	(void)pthread_mutex_destroy(&l->lock);
	sp_buf_clear(&l->wire);
	free(l->in);
	free(l);
}

/* Signals are for the threads of the program. */
static int
start(struct sftp *l)
{
	sigset_t all, was;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &was);
	rc = pthread_create(&l->thread, NULL, run, l);
	(void)pthread_sigmask(SIG_SETMASK, &was, NULL);
	return rc;
}

static struct sftp *
new_link(const struct ssh_site *site, const char *path, int64_t deadline)
{
	struct sftp *l = calloc(1, sizeof *l);
	pthread_condattr_t attr;

	if (l == NULL)
		return NULL;
	l->site = *site;
	l->deadline = deadline;
	(void)snprintf(l->path, sizeof l->path, "%s", path);
	(void)pthread_mutex_init(&l->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&l->told, &attr);
	(void)pthread_condattr_destroy(&attr);
	sp_buf_init(&l->wire, SFTP_WIRE + SFTP_PACKET_MAX);
	sftp_queues_init(l);
	l->in = malloc(SFTP_PACKET_MAX + SFTP_WIRE);
	l->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->in == NULL || l->stop == -1 || l->wake == -1) {
		free_link(l);
		return NULL;
	}
	return l;
}

enum sp_status
sftp_open(const struct ssh_site *site, const char *path, int64_t deadline,
    struct sftp **link_out, struct sp_err *err)
{
	struct sftp *l = new_link(site, path, deadline);
	/* An attempt has its own deadline, but these two know none. */
	int64_t until = sp_mono_ms() + deadline + 2000;
	enum sp_status st;

	if (l == NULL || start(l) != 0) {
		if (l != NULL)
			free_link(l);
		return sp_err_set(err, SP_RETRY, "no memory for a link");
	}
	(void)pthread_mutex_lock(&l->lock);
	while (!l->tried && sp_mono_ms() < until)
		sftp_wait_told(l, until - sp_mono_ms());
	st = l->tried ? l->status : SP_RETRY;
	if (st != SP_OK)
		(void)sp_err_set(err, st, "%s%s",
		    l->why.text[0] == '\0' ? site->host : "",
		    l->why.text[0] == '\0'
			? ": the resolver or the SSH agent does not answer"
			: l->why.text);
	(void)pthread_mutex_unlock(&l->lock);
	if (st == SP_OK)
		*link_out = l;
	else
		sftp_close(l);
	return st;
}

/* The resolver may sit there for a while and knows no way to be stopped: then
 * what is left of the link is left to it. */
void
sftp_close(struct sftp *l)
{
	struct timespec t;

	if (l == NULL)
		return;
	(void)pthread_mutex_lock(&l->lock);
	l->ending = true;
	(void)pthread_mutex_unlock(&l->lock);
	sftp_rouse(l->stop);
	(void)clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 3;
	if (pthread_timedjoin_np(l->thread, NULL, &t) == 0)
		free_link(l);
	else
		(void)pthread_detach(l->thread);
}
