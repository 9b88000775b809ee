/*
 * proc.c - read /proc: who there is, whose child, since when, with how much
 * memory.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "workerd/proc.h"

ssize_t
proc_text(int at, const char *file, char *buf, size_t size)
{
	int fd = openat(at, file, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	buf[0] = '\0';
	if (fd == -1)
		return -1;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	buf[len] = '\0';
	return n < 0 ? -1 : (ssize_t)len;
}

static ssize_t
text_of(pid_t pid, const char *what, char *buf, size_t size)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
	return proc_text(AT_FDCWD, path, buf, size);
}

/* ---- who there is ---- */

bool
proc_read(pid_t pid, struct proc *p)
{
	static long hz;
	char buf[1024], *at, state;
	unsigned long long start;
	int ppid, pgrp, sid;

	if (hz == 0 && (hz = sysconf(_SC_CLK_TCK)) <= 0)
		hz = 100;
	if (text_of(pid, "stat", buf, sizeof buf) <= 0)
		return false;
	/* The name may hold spaces and parentheses: the last one ends it. */
	if ((at = strrchr(buf, ')')) == NULL ||
	    sscanf(at + 1,
		" %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
		"%*d %*d %*d %llu",
		&state, &ppid, &pgrp, &sid, &start) != 5)
		return false;
	*p = (struct proc){ .pid = pid,
		.ppid = ppid,
		.pgrp = pgrp,
		.sid = sid,
		.start = start,
		.born = (int64_t)(start * 1000 / (unsigned long long)hz),
		.dead = state == 'Z' || state == 'X' };
	return true;
}

void
procs_clear(struct procs *all)
{
	free(all->at);
	*all = (struct procs){ 0 };
}

/* One that has gone meanwhile is no failure. */
static bool
add(struct procs *all, pid_t pid)
{
	size_t cap = all->cap == 0 ? 256 : 2 * all->cap;
	struct proc *at;

	if (all->n == all->cap) {
		if ((at = realloc(all->at, cap * sizeof *at)) == NULL)
			return false;
		all->at = at;
		all->cap = cap;
	}
	if (proc_read(pid, &all->at[all->n]))
		all->n++;
	return true;
}

static int
by_pid(const void *a, const void *b)
{
	pid_t x = ((const struct proc *)a)->pid,
	      y = ((const struct proc *)b)->pid;

	return (x > y) - (x < y);
}

bool
proc_all(struct procs *all)
{
	struct dirent *e;
	bool ok = true;
	DIR *d;

	all->n = 0;
	if ((d = opendir("/proc")) == NULL)
		return false;
	while (ok && (e = readdir(d)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]))
			ok = add(all, (pid_t)strtol(e->d_name, NULL, 10));
	(void)closedir(d);
	if (all->n > 0)
		qsort(all->at, all->n, sizeof *all->at, by_pid);
	return ok;
}

struct proc *
procs_find(const struct procs *all, pid_t pid)
{
	struct proc key = { .pid = pid };

	return all->n == 0
	    ? NULL
	    : bsearch(&key, all->at, all->n, sizeof *all->at, by_pid);
}

bool
proc_children(
    struct procs *all, bool (*known)(const void *, pid_t), const void *arg)
{
	char path[64], buf[16384], *at = buf, *end;
	ssize_t len;
	long pid;

	all->n = 0;
	(void)snprintf(
	    path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	if ((len = proc_text(AT_FDCWD, path, buf, sizeof buf)) < 0)
		return false;
	for (;; at = end) {
		pid = strtol(at, &end, 10);
		/* A number cut short by the buffer is not one. */
		if (end == at || *end != ' ')
			return true;
		if (known != NULL && known(arg, (pid_t)pid))
			continue;
		if (!add(all, (pid_t)pid))
			return false;
	}
}

/* ---- more of one ---- */

size_t
proc_environ(pid_t pid, char *buf, size_t size)
{
	ssize_t n = text_of(pid, "environ", buf, size);

	return n > 0 ? (size_t)n : 0;
}

const char *
proc_env(const char *env, size_t len, const char *key)
{
	size_t n = strlen(key);
	const char *at = env, *end = env + len;

	while (at < end) {
		if ((size_t)(end - at) > n && strncmp(at, key, n) == 0)
			return at + n;
		at += strnlen(at, (size_t)(end - at)) + 1;
	}
	return NULL;
}

bool
proc_signal(const struct proc *p, int sig)
{
	struct proc now;
	bool ok;
	int fd;

	if ((fd = pidfd_open(p->pid, 0)) == -1) /* gone, or an old kernel */
		return proc_read(p->pid, &now) && now.start == p->start &&
		    kill(p->pid, sig) == 0;
	ok = proc_read(p->pid, &now) && now.start == p->start &&
	    pidfd_send_signal(fd, sig, NULL, 0) == 0;
	(void)close(fd);
	return ok;
}

static int64_t
field(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at == NULL ? 0 : strtoll(at + strlen(key), NULL, 10) * 1024;
}

int64_t
proc_anon(pid_t pid)
{
	char buf[4096];

	if (text_of(pid, "status", buf, sizeof buf) <= 0)
		return 0;
	return field(buf, "\nRssAnon:") + field(buf, "\nRssShmem:") +
	    field(buf, "\nVmSwap:");
}

int64_t
proc_anon_share(pid_t pid)
{
	char buf[4096];

	if (text_of(pid, "smaps_rollup", buf, sizeof buf) <= 0 ||
	    strstr(buf, "\nPss_Anon:") == NULL)
		return proc_anon(pid);
	return field(buf, "\nPss_Anon:") + field(buf, "\nPss_Shmem:") +
	    field(buf, "\nSwapPss:");
}
