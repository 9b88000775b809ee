/*
 * raw.c - inotify by its system calls: used when libinotifytools cannot be
 * (watch.c says when).
 */
#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "spoold/watch.h"

static int raw_fd = -1;
static _Alignas(struct inotify_event) char buffer[65536];
static size_t have, at;

static int
raw_open(void)
{
	have = at = 0;
	raw_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return raw_fd;
}

static int
raw_add(const char *path, uint32_t mask)
{
	return inotify_add_watch(raw_fd, path, mask);
}

static bool
raw_next(struct watch_event *event_out)
{
	const struct inotify_event *e;
	ssize_t n;

	if (at == have) {
		do
			n = read(raw_fd, buffer, sizeof buffer);
		while (n == -1 && errno == EINTR);
		if (n <= 0)
			return false;
		have = (size_t)n;
		at = 0;
	}
	e = (const struct inotify_event *)(const void *)(buffer + at);
	at += sizeof *e + e->len;
	event_out->wd = e->wd;
	event_out->mask = e->mask;
	event_out->name = e->len > 0 ? e->name : "";
	return true;
}

static void
raw_close(void)
{
	if (raw_fd != -1)
		(void)close(raw_fd);
	raw_fd = -1;
}

const struct watch_door watch_raw = {
	.name = "inotify",
	.open = raw_open,
	.add = raw_add,
	.next = raw_next,
	.close = raw_close,
};
