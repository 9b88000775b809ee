/*
 * warmjob.c - a spare becomes the process of a job: it is put where spawn()
 * would have put a cold one, and then is sent what it is to run, with the ends
 * of the two pipes.  Once that message is sent the job runs; when it cannot be
 * sent nothing has been started.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workerd/warm.h"

#define MESSAGE_MOST (1 << 18) /* warm.py reads no more */

static void
text(const struct slot *s, const struct call *call, struct sp_buf *out)
{
	char count[16];
	size_t i, args = 0;

	while (call->argv[3 + args] != NULL)
		args++;
	(void)snprintf(count, sizeof count, "%zu", args);
	sp_buf_put(out, s->dir, strlen(s->dir) + 1);
	sp_buf_put(out, call->argv[2], strlen(call->argv[2]) + 1);
	sp_buf_put(out, s->name.id.text, strlen(s->name.id.text) + 1);
	sp_buf_put(out, count, strlen(count));
	for (i = 0; i < args; i++) {
		sp_buf_put(out, "", 1);
		sp_buf_puts(out, call->argv[3 + i]);
	}
	for (i = 0; call->envp[i] != NULL; i++) {
		sp_buf_put(out, "", 1);
		sp_buf_puts(out, call->envp[i]);
	}
}

static bool
hand_over(int fd, struct sp_buf *message, int out, int err)
{
	struct iovec iov = { .iov_base = message->data,
		.iov_len = message->len };
	union {
		char room[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} u = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.room,
		.msg_controllen = sizeof u.room };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	const int fds[2] = { out, err };
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fds);
	(void)memcpy(CMSG_DATA(c), fds, sizeof fds);
	do
		n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)message->len;
}

/* Its group and its limits. */
static bool
fit(struct worker *w, struct slot *s, struct spawn *how,
    const struct warm_spare *spare)
{
	if (spare->group.fd == -1)
		return spawn_into(how, spare->pid);
	s->group = spare->group; /* where it is already */
	group_fit(&w->cgroup, &s->job, &s->group);
	how->group = -1;
	limit_spawn(w, s, how);
	return spawn_into(how, spare->pid);
}

/* The one of the two groups in which this job is not. */
static void
unfit(struct worker *w, struct slot *s, struct spawn *how,
    struct warm_spare *spare, struct group *own, bool done)
{
	if (spare->group.fd == -1)
		return;
	if (done) {
		own->calm = true; /* nobody ever was in it */
		group_clear(&w->cgroup, own);
		spare->group = (struct group){ .fd = -1, .events = -1 };
	} else {
		spare->group = s->group;
		s->group = *own;
		limit_spawn(w, s, how);
	}
	how->group = s->group.fd;
}

bool
warm_give(struct worker *w, struct slot *s, const struct call *call,
    struct spawn *how, struct warm_spare *spare, const char **why)
{
	struct sp_buf message = SP_BUF_INIT(MESSAGE_MOST);
	struct group own = s->group;
	bool done = false;

	text(s, call, &message);
	if (message.failed)
		*why = "its job and environment are too long";
	else if (!fit(w, s, how, spare))
		*why = "its limits could not be set from outside";
	else if (!(done = hand_over(spare->fd, &message, how->out, how->err)))
		*why = "the waiting process is gone";
	unfit(w, s, how, spare, &own, done);
	sp_buf_clear(&message);
	return done;
}
