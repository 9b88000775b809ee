/*
 * watch.c - the one door to libinotifytools, and what its events mean for a
 * spool.
 *
 * The library (3.22) is made for programs that do nothing but wait for events.
 * What that asks of us:
 *  - its descriptor is hidden: found as the one that /proc/self/fd has more
 *    after initialising than before; it lacks CLOEXEC and O_NONBLOCK;
 *  - it waits with select(2), so descriptors from 1024 on will not do;
 *  - next_event(0) waits for ever, next_events(0, 1) does not; events it has
 *    read wait in a static buffer where poll does not see them, and would be
 *    handed out after a new initialisation: so it is always drained to NULL;
 *  - removing or adding a watch again confuses its tables: all are dropped
 *    and made anew instead;
 *  - watches are told apart by wd, never by the names it keeps.
 * Where any of that cannot be had, raw.c is the other way.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inotifytools/inotify.h>
#include <inotifytools/inotifytools.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#include "libspool/incoming.h"
#include "libspool/keep.h"
#include "spoold/watch.h"

/* ---- the library as a door ---- */

/* Mark the inotify descriptors among the first FD_SETSIZE. */
static bool
inotify_fds(fd_set *set)
{
	char path[300], link[64];
	struct dirent *e;
	ssize_t n;
	DIR *d;
	int fd;

	FD_ZERO(set);
	if ((d = opendir("/proc/self/fd")) == NULL)
		return false;
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(
		    path, sizeof path, "/proc/self/fd/%s", e->d_name);
		n = readlink(path, link, sizeof link - 1);
		fd = (int)strtol(e->d_name, NULL, 10);
		if (n <= 0 || fd >= FD_SETSIZE)
			continue;
		link[n] = '\0';
		if (strcmp(link, "anon_inode:inotify") == 0)
			FD_SET(fd, set);
	}
	(void)closedir(d);
	return true;
}

static int
library_open(void)
{
	int fd, flags, found = -1, more = 0;
	fd_set before, after;

	if (!inotify_fds(&before) || !inotifytools_initialize())
		return -1;
	if (inotify_fds(&after))
		for (fd = 0; fd < FD_SETSIZE; fd++)
			if (FD_ISSET(fd, &after) && !FD_ISSET(fd, &before)) {
				found = fd;
				more++;
			}
	if (more == 1 && fcntl(found, F_SETFD, FD_CLOEXEC) == 0 &&
	    (flags = fcntl(found, F_GETFL)) != -1 &&
	    fcntl(found, F_SETFL, flags | O_NONBLOCK) == 0)
		return found;
	inotifytools_cleanup();
	return -1;
}

static int
library_add(const char *path, uint32_t mask)
{
	if (!inotifytools_watch_file(path, (int)mask)) {
		errno = inotifytools_error();
		return -1;
	}
	return inotifytools_wd_from_filename(path);
}

static bool
library_next(struct watch_event *event_out)
{
	const struct inotify_event *e = inotifytools_next_events(0, 1);

	if (e == NULL)
		return false;
	event_out->wd = e->wd;
	event_out->mask = e->mask;
	event_out->name = e->len > 0 ? e->name : "";
	return true;
}

static void
library_close(void)
{
	struct watch_event e;

	while (library_next(&e))
		continue;
	inotifytools_cleanup();
}

static const struct watch_door watch_library = {
	.name = "libinotifytools",
	.open = library_open,
	.add = library_add,
	.next = library_next,
	.close = library_close,
};

/* ---- the directories of a spool ---- */

#define MOVES  (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
#define ALWAYS (IN_ONLYDIR | IN_DELETE_SELF | IN_MOVE_SELF)
#define ROOT   SP_DIRS /* its place in wds[] */

/*
 * cp is IN_CREATE and IN_CLOSE_WRITE, mv IN_MOVED_TO, a claim over SFTP
 * IN_CREATE and IN_DELETE.  Days in done/ and failed/ are watched when somebody
 * asks for their names (watch_day): that something came there is known anyway,
 * for it has left a directory that is.  In index/ only what is taken away, or
 * asked for, matters.
 */
static const struct {
	enum sp_dir dir;
	uint32_t mask;
} watched[] = {
	{ SP_DIR_NEW, MOVES | IN_CLOSE_WRITE },
	{ SP_DIR_WAITING, MOVES },
	{ SP_DIR_ASSIGNED, MOVES },
	{ SP_DIR_DONE, MOVES },
	{ SP_DIR_FAILED, MOVES },
	{ SP_DIR_CANCEL, MOVES },
	{ SP_DIR_HOLD, MOVES },
	{ SP_DIR_OUTCOMES, MOVES },
	{ SP_DIR_INDEX, IN_CREATE | IN_MOVED_FROM | IN_DELETE },
};

static const struct watch_door *door;
static int door_fd = -1;
static bool door_used;
static int wds[SP_DIRS + 1];
static int incoming_wd; /* -1: there is no incoming/ */

/* One that went is not watched again: the library's tables would be confused,
 * and it is listed instead. */
#define DAYS   512
#define DAY_BY 24 /* "failed/20261122" */
static struct {
	int wd; /* -1: it went */
	char path[DAY_BY];
} days[DAYS];
static size_t days_n;

void
watch_open(void)
{
	door = &watch_library;
	if ((door_fd = door->open()) == -1) {
		door = &watch_raw;
		door_fd = door->open();
	}
	door_used = false;
	(void)memset(wds, 0xff, sizeof wds);
	incoming_wd = -1;
	days_n = 0;
}

void
watch_close(void)
{
	if (door_fd != -1)
		door->close();
	door_fd = -1;
}

int
watch_fd(void)
{
	return door_fd;
}

const char *
watch_name(void)
{
	return door_fd == -1 ? "none" : door->name;
}

/* By the handle: the spool may have been renamed since it was opened. */
static enum sp_status
add(const struct sp_spool *spool, int which, int fd, uint32_t mask,
    struct sp_err *err)
{
	const char *what =
	    which == ROOT ? "." : sp_dir_text((enum sp_dir)which);
	char path[PATH_MAX + 64];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	wds[which] = door->add(path, mask | ALWAYS);
	if (wds[which] == -1 && errno == ENOENT) { /* no /proc */
		(void)snprintf(path, sizeof path, "%s/%s", spool->path, what);
		wds[which] = door->add(path, mask | ALWAYS);
	}
	return wds[which] != -1
	    ? SP_OK
	    : sp_err_set(err, SP_RETRY, "watch %s: %s", what, strerror(errno));
}

/* It need not be there, and what it cannot tell the clock will. */
static void
add_incoming(const struct sp_spool *spool)
{
	char path[PATH_MAX + 64];

	/* The library keeps directories' names with a slash behind them. */
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d/%s/", spool->root,
	    SP_INCOMING);
	incoming_wd =
	    door->add(path, IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | ALWAYS);
}

enum sp_status
watch_set(const struct sp_spool *spool, struct sp_err *err)
{
	enum sp_status st;
	size_t i;

	if (door_used || door_fd == -1) {
		watch_close();
		watch_open();
	}
	if (door_fd == -1)
		return sp_err_set(
		    err, SP_RETRY, "no inotify: %s", strerror(errno));
	door_used = true;
	st = add(spool, ROOT, spool->root, MOVES, err);
	for (i = 0; st == SP_OK && i < sizeof watched / sizeof *watched; i++)
		st = add(spool, (int)watched[i].dir, spool->dir[watched[i].dir],
		    watched[i].mask, err);
	if (st != SP_OK)
		watch_close();
	else
		add_incoming(spool);
	return st;
}

bool
watch_day(const struct sp_spool *spool, const char *day)
{
	char path[PATH_MAX + 64];
	size_t i;

	for (i = 0; i < days_n; i++)
		if (strcmp(days[i].path, day) == 0)
			return days[i].wd != -1;
	if (door_fd == -1 || days_n == DAYS || strlen(day) >= DAY_BY)
		return false;
	(void)snprintf(
	    path, sizeof path, "/proc/self/fd/%d/%s", spool->root, day);
	(void)strcpy(days[days_n].path, day);
	days[days_n].wd = door->add(path, MOVES | ALWAYS);
	return days[days_n++].wd != -1;
}

/* ---- events ---- */

/* In the spool itself: a directory that we have open came, went or was
 * replaced, or spool.json was. */
static void
root_event(const struct watch_event *e, struct watch_news *news)
{
	int i;

	if (strcmp(e->name, "spool.json") == 0 ||
	    strcmp(e->name, SP_INCOMING) == 0)
		news->anew = true;
	for (i = 0; i < SP_DIRS; i++)
		if (strcmp(e->name, sp_dir_text((enum sp_dir)i)) == 0)
			news->anew = true;
}

struct told {
	struct watch_news news;
	struct sp_names *changed, *came;
};

static void
day_event(const struct watch_event *e, struct told *t)
{
	char path[DAY_BY + 256 + 2];
	size_t i;

	for (i = days_n; i-- > 0 && days[i].wd != e->wd;)
		continue;
	if (i == (size_t)-1)
		return;
	t->news.any = true;
	if (e->mask & (IN_IGNORED | IN_UNMOUNT | ALWAYS)) {
		days[i].wd = -1;
		t->news.lost = true;
	} else if (t->changed != NULL) {
		(void)snprintf(
		    path, sizeof path, "%s/%s", days[i].path, e->name);
		t->news.lost |= sp_names_add(t->changed, path) != SP_OK;
	}
}

/* An entry of a directory that we have open. */
static void
dir_event(const struct watch_event *e, enum sp_dir dir, struct told *t)
{
	char path[256 + 24];

	t->news.any = true;
	if (dir == SP_DIR_NEW) {
		/* Who leaves it leaves nothing to do there. */
		if (!(e->mask & (IN_DELETE | IN_MOVED_FROM)) &&
		    sp_names_add(t->came, e->name) != SP_OK)
			t->news.dirty |= SP_DIRTY(dir);
	} else {
		t->news.dirty |= SP_DIRTY(dir);
	}
	if (dir == SP_DIR_OUTCOMES && (e->mask & (IN_DELETE | IN_MOVED_FROM)))
		t->news.taken = true;
	if (t->changed == NULL ||
	    (dir != SP_DIR_NEW && dir != SP_DIR_WAITING &&
		dir != SP_DIR_ASSIGNED))
		return;
	(void)snprintf(path, sizeof path, "%s/%s", sp_dir_text(dir), e->name);
	t->news.lost |= sp_names_add(t->changed, path) != SP_OK;
}

static void
event(const struct watch_event *e, struct told *t)
{
	int i;

	if (e->mask & IN_Q_OVERFLOW) {
		t->news.dirty = SP_DIRTY_ALL;
		t->news.taken = t->news.lost = true;
		return;
	}
	if (e->wd == incoming_wd && incoming_wd != -1) {
		t->news.dirty |= SP_DIRTY_INCOMING;
		t->news.any = true;
		return;
	}
	for (i = 0; i <= SP_DIRS && wds[i] != e->wd; i++)
		continue;
	if (i > SP_DIRS) {
		day_event(e, t);
	} else if (e->mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF)) {
		t->news.dirty = SP_DIRTY_ALL;
		t->news.anew = true;
	} else if (e->mask & IN_MOVE_SELF) {
		t->news.anew = true;
	} else if (i == ROOT) {
		root_event(e, &t->news);
	} else if (e->name[0] != '.') {
		dir_event(e, (enum sp_dir)i, t);
	}
}

struct watch_news
watch_take(struct sp_names *changed, struct sp_names *came)
{
	struct told t = { .changed = changed, .came = came };
	struct watch_event e;

	while (door_fd != -1 && door->next(&e))
		event(&e, &t);
	t.news.any |= t.news.dirty != 0;
	return t.news;
}
