/*
 * provecost.c - the server's clock, whether inotify speaks, and what creating,
 * listing and renaming cost in a directory of some size.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "libspool/fs.h"
#include "libspool/move.h"
#include "libspool/scan.h"
#include "tools/prove.h"

#define LOOKS 5
#define AHEAD 2000 /* ms between two clocks that nobody need mind */
#define HEARD 2000 /* ms until an event is not coming */
#define FILES 300
#define DEAR  20000 /* us for a rename */

static double
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The best of some looks: that which took least. */
static void
prove_clock(struct prove *p)
{
	int64_t server, took, ours, best = INT64_MAX, ahead = 0;
	struct sp_err err = { "" };
	int i;

	for (i = 0; i < LOOKS && !prove_ended; i++) {
		ours = sp_wall_ms();
		if (sp_server_now(p->spool, &server, &took, &err) != SP_OK) {
			(void)sp_found(&p->found, SP_FOUND_BAD, "clock",
			    "see to it that tmp/ can be written to",
			    "the server's clock cannot be read: %.150s",
			    err.text);
			return;
		}
		if (took >= best)
			continue;
		best = took;
		ahead = server - (ours + took / 2);
	}
	p->cert.host[0].clock = (double)ahead / 1000;
	if (ahead > AHEAD || ahead < -AHEAD)
		(void)sp_found(&p->found, SP_FOUND_WARN, "clock",
		    "run an NTP client on both; no promise depends on it, but "
		    "ids and notBefore do",
		    "the file server is %.1f s %s this host",
		    (double)(ahead < 0 ? -ahead : ahead) / 1000,
		    ahead < 0 ? "behind" : "ahead of");
	else
		(void)sp_found(&p->found, SP_FOUND_OK, "clock", NULL,
		    "the file server's and ours differ by %.3f s",
		    (double)ahead / 1000);
}

/* ---- inotify ---- */

static void
prove_events(struct prove *p)
{
	struct pollfd fd = { .events = POLLIN };
	char path[64];
	int dir, why = 0, heard = 0;

	if ((dir = prove_dir(p, "i")) == -1)
		return;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", dir);
	fd.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd.fd == -1 ||
	    inotify_add_watch(fd.fd, path, IN_CREATE | IN_MOVED_TO) == -1)
		why = errno;
	if (why == 0 && (why = prove_file(dir, "event")) == 0)
		heard = poll(&fd, 1, HEARD);
	if (fd.fd != -1)
		(void)close(fd.fd);
	(void)sp_fs_close(dir);
	if (prove_ended)
		return;
	if (why != 0)
		(void)sp_found(&p->found, SP_FOUND_WARN, "inotify",
		    "raise fs.inotify.max_user_instances and max_user_watches "
		    "with sysctl",
		    "no watch can be had: %s", strerror(why));
	else if (heard <= 0)
		(void)sp_found(&p->found, SP_FOUND_WARN, "inotify",
		    "looks come every poll seconds (spool.json)",
		    "own changes are not told of");
	else if (p->spool->local)
		(void)sp_found(&p->found, SP_FOUND_OK, "inotify", NULL,
		    "changes on this host wake at once");
	else
		(void)sp_found(&p->found, SP_FOUND_OK, "inotify", NULL,
		    "own changes are told of; others are looked for every "
		    "%.10g s",
		    p->spool->policy.poll);
}

/* ---- costs ---- */

struct cost {
	double create, list, move, remove;
};

static bool
count_one(void *arg, const char *name, const struct stat *st)
{
	size_t *n = arg;

	(void)name;
	(void)st;
	(*n)++;
	return true;
}

static int
spend(int dir, struct cost *cost, size_t *listed)
{
	char name[32], to[32];
	double began = now_us();
	int i, why = 0;

	for (i = 0; i < FILES && why == 0 && !prove_ended; i++) {
		(void)snprintf(name, sizeof name, "f%d", i);
		why = prove_file(dir, name);
	}
	cost->create = now_us() - began;
	began = now_us();
	if (why == 0 && sp_fs_list(dir, ".", count_one, listed) == -1)
		why = errno;
	cost->list = now_us() - began;
	began = now_us();
	for (i = 0; i < FILES && why == 0 && !prove_ended; i++) {
		(void)snprintf(name, sizeof name, "f%d", i);
		(void)snprintf(to, sizeof to, "g%d", i);
		why = sp_rename_said(dir, name, dir, to, 0);
	}
	cost->move = now_us() - began;
	began = now_us();
	for (i = 0; i < FILES && why == 0 && !prove_ended; i++) {
		(void)snprintf(to, sizeof to, "g%d", i);
		if (sp_fs_unlink(dir, to) == -1)
			why = errno;
	}
	cost->remove = now_us() - began;
	return why;
}

/* What it took for each file. */
static void
each(double us, char text[24])
{
	us /= FILES;
	if (us < 1000)
		(void)snprintf(text, 24, "%.*f us", us < 10 ? 1 : 0, us);
	else
		(void)snprintf(text, 24, "%.1f ms", us / 1000);
}

static void
prove_directory(struct prove *p)
{
	struct cost cost = { 0 };
	char text[4][24];
	size_t listed = 0;
	int dir = prove_dir(p, "d"), why;

	if (dir == -1)
		return;
	why = spend(dir, &cost, &listed);
	(void)sp_fs_close(dir);
	if (prove_ended)
		return;
	if (why != 0) {
		prove_failed(p, "directory", why);
		return;
	}
	if (listed != FILES) {
		(void)sp_found(&p->found, SP_FOUND_BAD, "directory",
		    "no spool here: an order that is not listed is not run",
		    "a listing of %d files had %zu", FILES, listed);
		return;
	}
	each(cost.create, text[0]);
	each(cost.list, text[1]);
	each(cost.move, text[2]);
	each(cost.remove, text[3]);
	(void)sp_found(&p->found,
	    cost.move / FILES > DEAR ? SP_FOUND_WARN : SP_FOUND_OK, "directory",
	    cost.move / FILES > DEAR
		? "short jobs will wait for it: have many slots a worker, or "
		  "let workers use https://"
		: NULL,
	    "of %d files each: create %s, list %s, rename %s, remove %s", FILES,
	    text[0], text[1], text[2], text[3]);
}

void
prove_costs(struct prove *p)
{
	prove_clock(p);
	if (!prove_ended)
		prove_events(p);
	if (!prove_ended)
		prove_directory(p);
}
