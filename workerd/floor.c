/*
 * floor.c - is there room?  A worker whose work space, or whose spool, is short
 * of bytes or inodes claims nothing: what it started would fail, and so would
 * what runs.  It says so once, and goes on by itself when there is room again,
 * an eighth more than the floor.  The cache lets go before that.
 *
 * Nor is anything claimed before there is room in the spool for the outcomes of
 * all that we can hold at once, set aside for them (tr_ops.set_aside): what is
 * claimed can be committed, however full the disk is then.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "libspool/log.h"
#include "workerd/floor.h"
#include "workerd/worker.h"

#define LOOK_MS  5000
#define SHORT_MS 1000
#define YIELD_MS 10000 /* between looks at what the cache can spare */
#define FILES    10000 /* inodes, or 2 % of them */
#define MIB      (1024.0 * 1024)

/* By default 1 GiB, but 2 % on what is small. */
static double
floor_of(const struct options *opt, double size)
{
	double two = size / 50, gib = (double)(1 << 30);

	if (opt->floor_percent > 0)
		return size * opt->floor_percent / 100;
	if (opt->floor_bytes >= 0)
		return (double)opt->floor_bytes;
	return two < gib ? two : gib;
}

static bool
short_is(struct worker *w, const struct tr_room *r, const char *where)
{
	double least = floor_of(&w->opt, (double)r->size);
	double files = (double)r->files / 50;
	char *words = w->floor.words;
	size_t size = sizeof w->floor.words;

	files = files < FILES ? files : FILES;
	if (w->floor.low) { /* not back and forth */
		least *= 1.125;
		files *= 1.125;
	}
	if ((double)r->free < least) {
		(void)snprintf(words, size,
		    "no claims: %.5g MiB free in %.40s, %s %.5g MiB",
		    (double)r->free / MIB, where,
		    w->floor.low ? "claims again at" : "--disk-floor is",
		    least / MIB);
		return true;
	}
	if (r->files > 0 && (double)r->files_free < files) {
		(void)snprintf(words, size,
		    "no claims: only %lld inodes free in %.40s",
		    (long long)r->files_free, where);
		return true;
	}
	return false;
}

static bool
work_short_is(struct worker *w)
{
	struct statvfs fs;
	struct tr_room r;

	if (statvfs(w->dir, &fs) == -1)
		return false;
	r = (struct tr_room){ .size = (int64_t)(fs.f_blocks * fs.f_frsize),
		.free = (int64_t)(fs.f_bavail * fs.f_frsize),
		.files = (int64_t)fs.f_files,
		.files_free = (int64_t)fs.f_favail };
	return short_is(w, &r, w->opt.work != NULL ? w->opt.work : w->dir);
}

static bool
spool_short_is(struct worker *w)
{
	struct tr_room r;

	return w->ops->room != NULL && w->ops->room(w->tr, &r, NULL) == SP_OK &&
	    short_is(w, &r, "the spool");
}

/* The cache need not hold what jobs need. */
static bool
work_low_is(struct worker *w, int64_t now)
{
	if (!work_short_is(w))
		return false;
	if (now < w->floor.yield)
		return true;
	w->floor.yield = now + YIELD_MS;
	while (bringing_yield(w))
		if (!work_short_is(w))
			return false;
	return true;
}

/* What may end at once, with its log, and a few that wait to be committed. */
static unsigned
outcomes_most(const struct worker *w)
{
	return 2 * (unsigned)w->opt.slots + 4;
}

/* Each time before we claim: while nothing is missing nobody is asked. */
static bool
aside_short_is(struct worker *w, int64_t now, struct sp_err *err)
{
	enum sp_status st;

	if (w->ops->set_aside == NULL || now < w->floor.aside)
		return w->floor.aside > 0;
	/* Those that wait for room come first; we claim nothing meanwhile. */
	if (commit_stuck(&w->commit) > 0)
		return w->floor.aside > 0;
	st = w->ops->set_aside(w->tr, outcomes_most(w), err);
	w->floor.aside = st == SP_OK || st == SP_GONE ? 0 : now + SHORT_MS;
	if (w->floor.aside > 0)
		w->floor.next = 0; /* say so */
	return w->floor.aside > 0;
}

int64_t
floor_tick(struct worker *w, int64_t now)
{
	struct sp_err err = { "" };
	bool low, aside = aside_short_is(w, now, &err);

	if (now < w->floor.next && aside == (w->floor.aside_low))
		return w->floor.next;
	low = w->opt.floor_bytes != 0 &&
	    (work_low_is(w, now) || spool_short_is(w));
	if (!low && aside && err.text[0] != '\0')
		(void)snprintf(w->floor.words, sizeof w->floor.words,
		    "no claims: no room for outcomes in the spool: %.80s",
		    err.text);
	w->floor.aside_low = aside;
	low = low || aside;
	if (low && !w->floor.low)
		sp_warn("%s; jobs that run go on", w->floor.words);
	if (!low && w->floor.low) {
		sp_info("claim again: there is room");
		look_soon(w);
	}
	if (!low)
		w->floor.words[0] = '\0';
	if (low != w->floor.low)
		beat_soon(w);
	w->floor.low = low;
	w->floor.next = now + (low ? SHORT_MS : LOOK_MS);
	return w->floor.next;
}
