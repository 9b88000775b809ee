/*
 * dirwatch.c - a handle that polls readable when new/, cancel/, hold/ or drain/
 * has changed: raw inotify, for a worker needs no more than "look again".
 * What is there is found by listing, never believed from an event.
 *
 * inotify sees the changes of this machine only, so dirwatch_open opens nothing
 * on what may be a network's; and whoever polls this looks by the clock too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "libspool/log.h"
#include "transport/dir.h"

/* Claims (IN_MOVED_FROM) are not watched: our own would wake us. */
#define ARRIVE (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR)
#define MARKS  (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR)

static const struct {
	enum sp_dir dir;
	uint32_t mask;
} watched[] = {
	{ SP_DIR_NEW, ARRIVE },
	{ SP_DIR_CANCEL, MARKS },
	{ SP_DIR_HOLD, MARKS },
	{ SP_DIR_DRAIN, MARKS },
};

void
dirwatch_open(const struct sp_spool *spool, struct dirwatch *w)
{
	char path[64];
	size_t i;

	(void)memset(w->wd, 0xff, sizeof w->wd);
	w->fd = -1;
	if (!spool->local)
		return;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd == -1) {
		sp_warn("watch off: inotify: %s; looking by the clock",
		    strerror(errno));
		return;
	}
	for (i = 0; i < sizeof watched / sizeof *watched; i++) {
		/* By the handle, not the path: a spool may be renamed. */
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d",
		    spool->dir[watched[i].dir]);
		w->wd[watched[i].dir] =
		    inotify_add_watch(w->fd, path, watched[i].mask);
		if (w->wd[watched[i].dir] != -1)
			continue;
		sp_warn("watch off: %s: %s; looking by the clock",
		    sp_dir_text(watched[i].dir), strerror(errno));
		dirwatch_close(w);
		return;
	}
}

void
dirwatch_close(struct dirwatch *w)
{
	if (w->fd != -1)
		(void)close(w->fd);
	w->fd = -1;
}

void
dirwatch_poke(const struct sp_spool *spool)
{
	char name[SP_NAME_MAX];
	int fd;

	(void)snprintf(name, sizeof name, ".wake.%s", spool->actor);
	fd = openat(spool->dir[SP_DIR_NEW], name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	(void)close(fd);
	(void)unlinkat(spool->dir[SP_DIR_NEW], name, 0);
}

unsigned
dirwatch_drain(struct dirwatch *w)
{
	_Alignas(struct inotify_event) char buf[16384];
	const struct inotify_event *e;
	unsigned dirty = 0;
	ssize_t n;
	char *at;
	size_t i;

	while (w->fd != -1 && (n = read(w->fd, buf, sizeof buf)) > 0) {
		for (at = buf; at < buf + n; at += sizeof *e + e->len) {
			e = (const struct inotify_event *)(const void *)at;
			/* Some were dropped, or the watch itself is gone. */
			if (e->wd == -1 ||
			    (e->mask &
				(IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT)) != 0)
				dirty = SP_DIRTY_ALL;
			for (i = 0; i < SP_DIRS; i++)
				if (w->wd[i] == e->wd)
					dirty |= SP_DIRTY(i);
		}
	}
	return dirty;
}
