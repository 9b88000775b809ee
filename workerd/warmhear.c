/*
 * warmhear.c - what servers say, and what is asked of them: forks that wait,
 * and that they go.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/warm.h"

#define UNFIT_MS 600000 /* then it is tried again */

/* Nobody is in it any more, or who is ends by itself. */
static void
let_go(struct worker *w, struct group *g)
{
	if (g->fd == -1)
		return;
	(void)group_empty_is(g);
	group_clear(&w->cgroup, g);
}

void
warm_forget_spare(struct worker *w, struct warm_row *r, unsigned i)
{
	(void)close(r->spare[i].fd);
	let_go(w, &r->spare[i].group);
	r->spare[i] = r->spare[--r->spares];
}

/* No fork comes any more. */
static void
asked_no_more(struct worker *w, struct warm_row *r)
{
	while (r->aheads > 0)
		let_go(w, &r->ahead[--r->aheads]);
	r->asked = 0;
}

void
warm_hang_up(struct worker *w, struct warm_row *r)
{
	if (r->control != -1)
		(void)close(r->control); /* which leaves the epoll, too */
	r->control = -1;
	asked_no_more(w, r);
}

/* Its process and its spares; what it has given to jobs is not its any more. */
void
warm_kill_row(struct worker *w, struct warm_row *r)
{
	warm_hang_up(w, r);
	/* While it imports all of its session is of the import; later there may
	 * be one that is a job's already and has not left it yet. */
	if (r->pid > 0)
		(void)kill(r->state == WARM_STARTS ? -r->pid : r->pid, SIGKILL);
	/* They end when nobody holds the other end of their socket. */
	while (r->spares > 0)
		warm_forget_spare(w, r, r->spares - 1);
}

void
warm_unfit(struct worker *w, struct warm_row *r, int64_t now, const char *why)
{
	warm_kill_row(w, r);
	r->state = WARM_UNFIT;
	r->until = now + UNFIT_MS;
	(void)snprintf(r->why, sizeof r->why, "%.250s", why);
	sp_warn("warm python=%s unfit: %s; its jobs run cold", r->label, why);
}

/* ---- what a server says ---- */

/* More than slots: several forks at once cost less than one after the other,
 * for each time one goes between (warm.py). */
static unsigned
spares_wanted(const struct worker *w)
{
	return w->opt.slots < WARM_SPARES / 6 ? 6 * (unsigned)w->opt.slots
					      : WARM_SPARES;
}

/* A group for each fork, as far as there are any. */
static void
lead(struct worker *w, struct warm_row *r, unsigned n)
{
	struct group *g = &r->ahead[0];

	if (!w->cgroup.on || w->warm->bare || sp_mono_ms() < w->cgroup.again)
		return;
	for (; r->aheads < n && group_ahead(&w->cgroup, g); g++)
		r->aheads++;
}

/* "FN", and the numbers that these groups have here. */
static bool
say(const struct warm_row *r, unsigned n)
{
	char text[WARM_SPARES * 12 + 16];
	struct iovec iov = { .iov_base = text };
	union {
		char room[CMSG_SPACE(WARM_SPARES * sizeof(int))];
		struct cmsghdr align;
	} u = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c = &u.align;
	size_t i, len;

	len = (size_t)snprintf(text, sizeof text, "F%u", n);
	for (i = 0; i < r->aheads; i++) {
		len += (size_t)snprintf(
		    text + len, sizeof text - len, " %d", r->ahead[i].fd);
		(void)memcpy(CMSG_DATA(c) + i * sizeof(int), &r->ahead[i].fd,
		    sizeof(int));
	}
	iov.iov_len = len;
	if (i > 0) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(i * sizeof(int));
		m.msg_control = u.room;
		m.msg_controllen = CMSG_SPACE(i * sizeof(int));
	}
	return sendmsg(r->control, &m, MSG_NOSIGNAL) != -1;
}

void
warm_ask(struct worker *w, struct warm_row *r, int64_t now)
{
	unsigned want = spares_wanted(w);

	if (r->state != WARM_READY || r->control == -1 || r->asked > 0 ||
	    r->spares > want / 2)
		return;
	lead(w, r, want - r->spares);
	if (!say(r, want - r->spares))
		return; /* its end is about to be heard of */
	r->asked_at = now;
	r->asked = want - r->spares;
}

/* Is it a child of ours, ended or not? */
static bool
child_is(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
	    0;
}

/* The group that has this number here. */
static struct group
born_in(struct warm_row *r, long number)
{
	struct group g = { .fd = -1, .events = -1 };
	unsigned i;

	for (i = 0; i < r->aheads && r->ahead[i].fd != number; i++)
		;
	if (i == r->aheads)
		return g;
	g = r->ahead[i];
	r->ahead[i] = r->ahead[--r->aheads];
	return g;
}

/* Sockets of spares, and in `text` their numbers in the same order, each with
 * its group's or 0. */
static void
spares_of(struct worker *w, struct warm_row *r, char *text, struct msghdr *m)
{
	const int room = WARM_SNDBUF;
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct warm_spare one;
	size_t n = 0, i;

	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS)
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof one.fd;
	for (i = 0; i < n; i++) {
		(void)memcpy(
		    &one.fd, CMSG_DATA(c) + i * sizeof one.fd, sizeof one.fd);
		one.pid = (pid_t)strtol(text, &text, 10);
		one.group = born_in(r, strtol(text, &text, 10));
		if (one.pid <= 0 || r->spares >= WARM_SPARES ||
		    !child_is(one.pid)) {
			(void)close(one.fd);
			let_go(w, &one.group);
			continue;
		}
		(void)setsockopt(
		    one.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
		r->spare[r->spares++] = one;
	}
	asked_no_more(w, r);
}

static void
heard(struct worker *w, struct warm_row *r, char *text, struct msghdr *m,
    int64_t now)
{
	r->asked_at = now;
	if (strncmp(text, "\1S", 2) == 0) {
		spares_of(w, r, text + 2, m);
		return;
	}
	if (strncmp(text, "\1R", 2) == 0 && r->state == WARM_STARTS) {
		sp_info("warm python=%s ready pid=%d seconds=%.1f rss=%s MiB",
		    r->label, (int)r->pid, (double)(now - r->since) / 1000,
		    text + 2);
		r->state = WARM_READY;
		r->since = r->used = now;
		warm_ask(w, r, now);
	} else if (strncmp(text, "\1O", 2) == 0) {
		sp_info("warm python=%s end: what it has imported has changed "
			"on the disk",
		    r->label);
		warm_kill_row(w, r);
		r->state = WARM_SEEN;
	} else if (strncmp(text, "\1U", 2) == 0)
		warm_unfit(w, r, now, text + 2);
	else if (r->state == WARM_STARTS) {
		/* Python's own words, when it cannot start at all. */
		text[strcspn(text, "\r\n")] = '\0';
		warm_unfit(w, r, now, text);
	}
}

/* All that it has said; false: it has hung up. */
bool
warm_listen_to(struct worker *w, struct warm_row *r, int64_t now)
{
	char text[512];
	union {
		char room[CMSG_SPACE(WARM_SPARES * sizeof(int))];
		struct cmsghdr align;
	} u;
	struct iovec iov = { .iov_base = text, .iov_len = sizeof text - 1 };
	struct msghdr m;
	ssize_t n;

	while (r->control != -1) {
		m = (struct msghdr){ .msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = u.room,
			.msg_controllen = sizeof u.room };
		n = recvmsg(r->control, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n <= 0)
			return false;
		text[n] = '\0';
		heard(w, r, text, &m, now);
	}
	return true;
}

void
warm_take(struct worker *w)
{
	struct epoll_event on[WARM_SERVERS];
	int64_t now = sp_mono_ms();
	struct warm_row *r;
	int i, n;

	n = epoll_wait(w->warm->epoll, on, WARM_SERVERS, 0);
	for (i = 0; i < n; i++) {
		r = on[i].data.ptr;
		if (!warm_listen_to(w, r, now))
			warm_hang_up(w, r); /* its death comes by SIGCHLD */
	}
}
