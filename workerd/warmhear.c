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

void
warm_forget_spare(struct warm_row *r, unsigned i)
{
	(void)close(r->spare[i].fd);
	r->spare[i] = r->spare[--r->spares];
}

void
warm_hang_up(struct warm_row *r)
{
	if (r->control != -1)
		(void)close(r->control); /* which leaves the epoll, too */
	r->control = -1;
	r->asked = 0;
}

/* Its process and its spares; what it has given to jobs is not its any more. */
void
warm_kill_row(struct warm_row *r)
{
	warm_hang_up(r);
	/* While it imports all of its session is of the import; later there may
	 * be one that is a job's already and has not left it yet. */
	if (r->pid > 0)
		(void)kill(r->state == WARM_STARTS ? -r->pid : r->pid, SIGKILL);
	/* They end when nobody holds the other end of their socket. */
	while (r->spares > 0)
		warm_forget_spare(r, r->spares - 1);
}

void
warm_unfit(struct warm_row *r, int64_t now, const char *why)
{
	warm_kill_row(r);
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

void
warm_ask(struct worker *w, struct warm_row *r, int64_t now)
{
	unsigned want = spares_wanted(w), has = r->spares + r->asked;
	char text[16];

	if (r->state != WARM_READY || r->control == -1 || has > want / 2)
		return;
	(void)snprintf(text, sizeof text, "F%u", want - has);
	if (send(r->control, text, strlen(text), MSG_NOSIGNAL) == -1)
		return; /* its end is about to be heard of */
	if (r->asked == 0)
		r->asked_at = now;
	r->asked += want - has;
}

/* Is it a child of ours, ended or not? */
static bool
child_is(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
	    0;
}

/* Sockets of spares, and in `text` their numbers in the same order. */
static void
spares_of(struct warm_row *r, char *text, struct msghdr *m)
{
	const int room = WARM_SNDBUF;
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	size_t n = 0, i;
	long pid;
	int fd;

	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS)
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof fd;
	for (i = 0; i < n; i++) {
		(void)memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
		pid = strtol(text, &text, 10);
		r->asked -= r->asked > 0;
		if (pid <= 0 || r->spares >= WARM_SPARES ||
		    !child_is((pid_t)pid)) {
			(void)close(fd);
			continue;
		}
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
		r->spare[r->spares++] =
		    (struct warm_spare){ .pid = (pid_t)pid, .fd = fd };
	}
}

static void
heard(struct worker *w, struct warm_row *r, char *text, struct msghdr *m,
    int64_t now)
{
	r->asked_at = now;
	if (strncmp(text, "\1S", 2) == 0) {
		spares_of(r, text + 2, m);
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
		warm_kill_row(r);
		r->state = WARM_SEEN;
	} else if (strncmp(text, "\1U", 2) == 0)
		warm_unfit(r, now, text + 2);
	else if (r->state == WARM_STARTS) {
		/* Python's own words, when it cannot start at all. */
		text[strcspn(text, "\r\n")] = '\0';
		warm_unfit(r, now, text);
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
			warm_hang_up(r); /* its death comes by SIGCHLD */
	}
}
