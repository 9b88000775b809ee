/*
 * provefile.c - what one process can see of a file: its links, what an fsync
 * says, when its times change, which names it may have.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libspool/fs.h"
#include "libspool/move.h"
#include "tools/prove.h"

#define SYNCS 16
#define SWIFT 8 /* us: no disk is asked in less, not once */
#define SLOW  1000000
#define LINKS "no spool here: a rename that died is known by its two links"

static int64_t
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- links ---- */

/* As they are when asked by name and by handle; 0: not at all. */
static nlink_t
links_of(int dir, const char *name)
{
	struct stat by_name, by_fd;
	int fd;

	if (sp_fs_lstat(dir, name, &by_name) == -1)
		return 0;
	fd = sp_fs_open_stat(dir, name, O_RDONLY, 0, &by_fd);
	if (fd == -1)
		return 0;
	(void)sp_fs_close(fd);
	return by_name.st_nlink == by_fd.st_nlink ? by_fd.st_nlink : 9999;
}

static void
prove_links(struct prove *p)
{
	int dir = p->fd, why;
	nlink_t one, two, left;

	if ((why = prove_file(dir, "l1")) != 0) {
		prove_failed(p, "links", why);
		return;
	}
	one = links_of(dir, "l1");
	why = sp_link_said(dir, "l1", dir, "l2");
	if (why != 0) {
		(void)sp_found(&p->found, SP_FOUND_WARN, "links",
		    "prefer a filesystem that has hard links",
		    "it has no hard links: %s", strerror(why));
		return;
	}
	two = links_of(dir, "l1");
	if (two == 2)
		two = links_of(dir, "l2");
	why = sp_link_said(dir, "l1", dir, "l2");
	(void)sp_fs_unlink(dir, "l1");
	left = links_of(dir, "l2");
	if (one != 1 || two != 2 || left != 1)
		(void)sp_found(&p->found, SP_FOUND_BAD, "links", LINKS,
		    "a file has %lu link, with a second name %lu, with one "
		    "taken away %lu",
		    (unsigned long)one, (unsigned long)two,
		    (unsigned long)left);
	else if (why != EEXIST)
		(void)sp_found(&p->found, SP_FOUND_BAD, "links",
		    "no spool here: an outcome is published once, by a link",
		    "a link to a name that is taken says: %s",
		    why == 0 ? "done" : strerror(why));
	else
		(void)sp_found(&p->found, SP_FOUND_OK, "links", NULL,
		    "counted truly: 1, 2, 1");
}

/* Never over another: by one call, or by link and unlink. */
static void
prove_beside(struct prove *p)
{
	int dir = p->fd, taken, free_;

	if (prove_file(dir, "n1") != 0 || prove_file(dir, "n2") != 0)
		return;
	taken = sp_rename_said(dir, "n1", dir, "n2", RENAME_NOREPLACE);
	free_ = sp_rename_said(dir, "n1", dir, "n3", RENAME_NOREPLACE);
	if (taken == 0)
		(void)sp_found(&p->found, SP_FOUND_BAD, "no-replace",
		    "no spool here: a second outcome could go over the first",
		    "a rename that must not replace has replaced");
	else if (taken == EEXIST && free_ == 0)
		(void)sp_found(&p->found, SP_FOUND_OK, "no-replace", NULL,
		    "one call renames without replacing");
	else if (sp_link_said(dir, "n2", dir, "n4") == 0)
		(void)sp_found(&p->found, SP_FOUND_OK, "no-replace", NULL,
		    "by link and unlink (one call: %s)",
		    strerror(free_ != 0 ? free_ : taken));
	else
		(void)sp_found(&p->found, SP_FOUND_BAD, "no-replace",
		    "no spool here: an outcome could not be published",
		    "neither by one call nor by link: %s", strerror(taken));
}

/* ---- fsync ---- */

static int
by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* A file of an order's size and its directory, as a submit has it. */
static int
sync_one(int dir, int i, int64_t *file, int64_t *names)
{
	static const char text[600] = "x";
	int64_t began;
	char name[32];
	int fd, why = 0;

	(void)snprintf(name, sizeof name, "s%d", i);
	fd = sp_fs_open(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (fd == -1)
		return errno;
	if (sp_fs_write(fd, text, sizeof text) != (ssize_t)sizeof text)
		why = EIO;
	began = now_us();
	if (why == 0 && sp_fs_fsync(fd) == -1)
		why = errno;
	*file = now_us() - began;
	if (sp_fs_close(fd) == -1 && why == 0)
		why = errno;
	began = now_us();
	if (why == 0 && sp_fs_fsync(dir) == -1)
		why = errno;
	*names = now_us() - began;
	return why;
}

static void
prove_sync(struct prove *p)
{
	int64_t file[SYNCS], names[SYNCS], most;
	int dir = prove_dir(p, "s"), i, why = 0;

	if (dir == -1)
		return;
	for (i = 0; i < SYNCS && why == 0 && !prove_ended; i++)
		why = sync_one(dir, i, &file[i], &names[i]);
	(void)sp_fs_close(dir);
	if (why != 0) {
		(void)sp_found(&p->found, SP_FOUND_BAD, "fsync",
		    why == ENOSPC || why == EDQUOT
			? "make room, then prove it again"
			: "no spool here: what was accepted could be lost",
		    "a file, or its directory, cannot be synced: %s",
		    strerror(why));
		return;
	}
	if (i < SYNCS)
		return;
	qsort(file, SYNCS, sizeof *file, by_size);
	qsort(names, SYNCS, sizeof *names, by_size);
	most = file[SYNCS - 1] > names[SYNCS - 1] ? file[SYNCS - 1]
						  : names[SYNCS - 1];
	(void)sp_found(&p->found,
	    file[0] < SWIFT || most > SLOW ? SP_FOUND_WARN : SP_FOUND_OK,
	    "fsync",
	    file[0] < SWIFT
		? "so swift no disk is asked; see what is between (memory, "
		  "eatmydata, a volatile layer)"
		: most > SLOW ? "submits and commits wait so long; use a "
				"swifter disk"
			      : NULL,
	    "file %.3g ms, directory %.3g ms, at most %.3g ms",
	    (double)file[SYNCS / 2] / 1000, (double)names[SYNCS / 2] / 1000,
	    (double)most / 1000);
}

/* ---- times ---- */

static bool
later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec
				      : a->tv_nsec > b->tv_nsec;
}

/* The back-off counts from the rename that put an order into waiting/. */
static void
prove_ctime(struct prove *p)
{
	static const int naps[] = { 30, 1100 };
	static const char *const names[] = { "c1", "c2", "c3" };
	struct stat was, is;
	int why = prove_file(p->fd, names[0]);
	size_t i;

	for (i = 0; i < 2 && why == 0 && !prove_ended; i++) {
		if (sp_fs_lstat(p->fd, names[i], &was) == -1)
			why = errno;
		(void)poll(NULL, 0, naps[i]);
		if (why == 0)
			why = sp_rename_said(
			    p->fd, names[i], p->fd, names[i + 1], 0);
		if (why == 0 && sp_fs_lstat(p->fd, names[i + 1], &is) == -1)
			why = errno;
		if (why != 0 || !later(&is.st_ctim, &was.st_ctim))
			continue;
		(void)sp_found(&p->found, SP_FOUND_OK, "ctime", NULL,
		    "a rename renews it, %s",
		    i == 0 ? "finer than a second" : "by the second");
		return;
	}
	if (why != 0)
		prove_failed(p, "ctime", why);
	else if (!prove_ended)
		(void)sp_found(&p->found, SP_FOUND_WARN, "ctime",
		    "use \"backoff\": 0, or another filesystem",
		    "a rename does not renew it: the back-off counts from the "
		    "submit");
}

/* ---- names ---- */

static void
prove_names(struct prove *p)
{
	char name[SP_NAME_MAX];
	struct stat st;
	int why, dir;
	bool same;

	if ((dir = prove_dir(p, "names")) == -1)
		return;
	/* As long as a name can be, with all that may be in it. */
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	memcpy(name, "50.A@b-_", 8);
	why = prove_file(dir, name);
	same = why == 0 &&
	    (prove_file(dir, "lower") != 0 ||
		sp_fs_lstat(dir, "LOWER", &st) == 0);
	(void)sp_fs_close(dir);
	if (why != 0)
		(void)sp_found(&p->found, SP_FOUND_BAD, "names",
		    "use another filesystem",
		    "a name of %zu characters with '@' cannot be: %s",
		    strlen(name), strerror(why));
	else if (same)
		(void)sp_found(&p->found, SP_FOUND_WARN, "names",
		    "give names that differ by more than their case",
		    "\"lower\" and \"LOWER\" are one file here");
	else
		(void)sp_found(&p->found, SP_FOUND_OK, "names", NULL,
		    "%zu characters, upper and lower case", strlen(name));
}

void
prove_files(struct prove *p)
{
	static void (*const tests[])(struct prove *) = { prove_links,
		prove_beside, prove_sync, prove_ctime, prove_names };
	size_t i;

	for (i = 0; i < sizeof tests / sizeof *tests && !prove_ended; i++)
		tests[i](p);
}
