/*
 * warmfork.c - what a warm interpreter does in C: fork, wait for a job, become
 * its process.  A shared object that warm.py (which has the plan) loads into
 * Python; it knows nothing of workerd's rooms, and of Python what is given to
 * it.  In Python the same would touch, and so copy, several times the memory of
 * a job that does nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workerd/warmin.h"

#define FILES     64  /* that are watched */
#define VARIABLES 512 /* of an environment that we set */

static _Noreturn void
leave(void)
{
	_exit(0);
}

const char *
warm_after(const char *text)
{
	return text + strlen(text) + 1;
}

/* ---- what was imported ---- */

static struct seen {
	dev_t dev;
	ino_t ino;
	struct timespec time;
} seen[FILES];

/* As at the first call?  pip and upgrades change what a cold start finds. */
int
spool_warm_same(const struct warm_place *at)
{
	static bool known;
	bool same = true;
	const char *path;
	struct seen now;
	struct stat st;
	int i = 0;

	for (path = at->watched; *path != '\0' && i < FILES;
	     path = warm_after(path), i++) {
		(void)memset(&now, 0, sizeof now);
		if (stat(path, &st) == 0) {
			now.dev = st.st_dev;
			now.ino = st.st_ino;
			now.time = st.st_mtim;
		}
		same = same && memcmp(&now, &seen[i], sizeof now) == 0;
		if (!known)
			(void)memcpy(&seen[i], &now, sizeof now);
	}
	if (known)
		return same;
	return known = true;
}

/* Does a file of that name stand for one of them? */
static bool
shadows(const struct warm_place *at, const char *file)
{
	size_t n = strcspn(file, ".");
	const char *name;

	for (name = at->shadowed; n > 0 && *name != '\0';
	     name = warm_after(name))
		if (strncmp(name, file, n) == 0 && name[n] == '\0')
			return true;
	return false;
}

/* A file beside the script hides what we have imported.  (opendir() would take
 * memory of which each page is a copy.) */
static bool
hidden_is(const struct warm_place *at)
{
	static _Alignas(struct dirent64) char room[32768];
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent64 *e;
	bool found = fd == -1;
	ssize_t n = 0, i;

	while (!found && (n = getdents64(fd, room, sizeof room)) > 0)
		for (i = 0; i < n && !found; i += e->d_reclen) {
			e = (const void *)(room + i);
			found = shadows(at, e->d_name);
		}
	if (fd != -1)
		(void)close(fd);
	return found || n == -1;
}

/* What Python does about a fork, before it and after it, but at once and in the
 * new process: the server, and who forks for it, leave Python's memory alone,
 * so that it stays in large pages. */
void
warm_forked(void)
{
	if (PyOS_BeforeFork != NULL)
		PyOS_BeforeFork();
	if (PyOS_AfterFork_Child != NULL)
		PyOS_AfterFork_Child();
	else if (PyOS_AfterFork != NULL)
		PyOS_AfterFork();
}

/* ---- a job ---- */

/* One message, and the two files that are its output. */
static size_t
await_job(const struct warm_place *at, int job, int file[2])
{
	struct iovec iov = { .iov_base = at->text, .iov_len = at->room };
	union {
		char room[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} u;
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.room,
		.msg_controllen = sizeof u.room };
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(job, &m, 0);
	while (n == -1 && errno == EINTR);
	if (n <= 0 || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    (c = CMSG_FIRSTHDR(&m)) == NULL ||
	    c->cmsg_len != CMSG_LEN(2 * sizeof(int)))
		leave(); /* not needed any more */
	(void)memcpy(file, CMSG_DATA(c), 2 * sizeof(int));
	return (size_t)n;
}

static char *
word(char *to, const char *end, const char *text)
{
	size_t n = strlen(text) + 1;

	n = n < (size_t)(end - to) ? n : (size_t)(end - to);
	(void)memcpy(to, text, n);
	return to + n;
}

/* As ps(1) would see it of a cold one: PROGRAM -u SCRIPT ARGUMENTS, and the id.
 * Returns where the environment begins. */
static const char *
show(const struct warm_place *at)
{
	const char *script = warm_after(at->text), *id = warm_after(script);
	const char *arg = warm_after(id);
	char *out = at->args, *end = at->args + at->args_room - 1;
	unsigned long n;

	if (at->id != NULL)
		(void)memcpy(at->id, id, strlen(id));
	out = word(word(word(out, end, at->program), end, "-u"), end, script);
	for (n = strtoul(arg, NULL, 10); n > 0; n--) {
		arg = warm_after(arg);
		out = word(out, end, arg);
	}
	(void)memset(out, 0, (size_t)(end - out));
	return warm_after(arg);
}

static size_t
name_size(const char *pair)
{
	return strcspn(pair, "=") + 1;
}

/* From environ[i] on, the first that is not one of those that a job need not
 * have. */
static size_t
past_extra(const struct warm_place *at, size_t i)
{
	const char *name = at->extra;

	while (environ[i] != NULL && *name != '\0')
		if (strncmp(environ[i], name, strlen(name)) == 0) {
			i++;
			name = at->extra;
		} else
			name = warm_after(name);
	return i;
}

/* The same variables in the same order, but for those that Python and what was
 * imported add? */
static bool
alike_is(const struct warm_place *at, const char *pair, const char *end)
{
	size_t i = past_extra(at, 0);

	for (; pair < end; pair = warm_after(pair)) {
		if (environ[i] == NULL ||
		    strncmp(environ[i], pair, name_size(pair)) != 0)
			return false;
		i = past_extra(at, i + 1);
	}
	return environ[i] == NULL && i <= VARIABLES;
}

static void *keys[VARIABLES]; /* of environ, for Python */

static void
make_keys(void)
{
	size_t i;

	for (i = 0; i < VARIABLES && environ[i] != NULL; i++)
		keys[i] = PyBytes_FromStringAndSize(
		    environ[i], (ssize_t)name_size(environ[i]) - 1);
}

/* Few variables differ from one job to the next: those are set, for C and for
 * Python. */
static bool
tell(const struct warm_place *at, const char *pair, const char *end)
{
	size_t i = past_extra(at, 0), k, name;
	void *value;

	if (at->environ[0] == NULL || !alike_is(at, pair, end))
		return false;
	for (; pair < end; pair = warm_after(pair), i = past_extra(at, i + 1)) {
		if (strcmp(environ[i], pair) == 0)
			continue;
		/* at->text stays as long as the process. */
		environ[i] = (char *)(uintptr_t)pair;
		name = name_size(pair);
		value = PyBytes_FromStringAndSize(
		    pair + name, (ssize_t)strlen(pair + name));
		for (k = 0; k < 2 && at->environ[k] != NULL; k++)
			if (keys[i] == NULL || value == NULL ||
			    PyDict_SetItem(at->environ[k], keys[i], value) != 0)
				_exit(1);
	}
	return true;
}

/* Wait for a job and be its process.  Returns how long that part of what we
 * were told is that is not the environment. */
static size_t
spare(struct warm_place *at, int job)
{
	const char *pairs;
	int file[2];
	size_t len;

	len = await_job(at, job, file);
	/* Die with workerd, whose child we are by now. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != at->pid)
		leave();
	(void)setsid(); /* until now we were our server's */
	if (dup2(file[0], 1) == -1 || dup2(file[1], 2) == -1 ||
	    chdir(at->text) == -1)
		_exit(127);
	(void)close(file[0]);
	(void)close(file[1]);
	(void)close(job);
	(void)close(at->control);
	pairs = show(at);
	warm_forked();
	at->stale = !spool_warm_same(at) || hidden_is(at);
	at->told = !at->stale && tell(at, pairs, at->text + len);
	return at->told ? (size_t)(pairs - at->text) : len;
}

/* ---- the server ---- */

/* "FN", and the numbers of groups, on which there come handles. */
bool
warm_hear(const struct warm_place *at, struct warm_asked *asked)
{
	char text[WARM_MOST * 12 + 16] = "", *word;
	struct iovec iov = { .iov_base = text, .iov_len = sizeof text - 1 };
	union {
		char room[CMSG_SPACE(WARM_MOST * sizeof(int))];
		struct cmsghdr align;
	} u;
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.room,
		.msg_controllen = sizeof u.room };
	struct cmsghdr *c;
	ssize_t n;
	int i;

	do
		n = recvmsg(at->control, &m, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return false;
	asked->many = (int)strtol(text + 1, &word, 10);
	if (asked->many > WARM_MOST)
		asked->many = WARM_MOST;
	c = CMSG_FIRSTHDR(&m);
	asked->groups = c == NULL || c->cmsg_type != SCM_RIGHTS
	    ? 0
	    : (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	for (i = 0; i < asked->groups; i++) {
		(void)memcpy(&asked->group[i].fd,
		    CMSG_DATA(c) + (size_t)i * sizeof(int), sizeof(int));
		asked->group[i].number = (int)strtol(word, &word, 10);
	}
	return true;
}

/* Their sockets, and the kernel knows their numbers: "\1S PID GROUP ...". */
static void
offer(int control, const struct warm_child *child, int n)
{
	char text[WARM_MOST * 24 + 8] = "\1S";
	struct iovec iov = { .iov_base = text };
	union {
		char room[CMSG_SPACE(WARM_MOST * sizeof(int))];
		struct cmsghdr align;
	} u = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c = &u.align;
	size_t len = 2, i;

	for (i = 0; i < (size_t)n; i++) {
		len += (size_t)snprintf(text + len, sizeof text - len, " %d %d",
		    (int)child[i].pid, child[i].group);
		(void)memcpy(CMSG_DATA(c) + i * sizeof(int), &child[i].pair[1],
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
	while (sendmsg(control, &m, MSG_NOSIGNAL) == -1 && errno == EINTR)
		;
}

long
warm_fork(struct warm_place *at, const struct warm_asked *asked)
{
	struct warm_child child[WARM_MOST];
	int many, n, i, job;
	static bool begun;

	if (!begun)
		make_keys();
	begun = true;
	for (n = 0; n < asked->many; n++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			child[n].pair) == -1)
			break;
		else
			child[n].group = 0;
	many = n;
	if (n > 0 && (job = warm_children(asked, child, &n)) != -1)
		return (long)spare(at, job);
	offer(at->control, child, n);
	for (i = 0; i < many; i++) {
		(void)close(child[i].pair[0]);
		(void)close(child[i].pair[1]);
	}
	for (i = 0; i < asked->groups; i++)
		(void)close(asked->group[i].fd);
	return 0;
}
