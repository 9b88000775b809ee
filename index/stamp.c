/*
 * stamp.c - taking and comparing the stamps of directories.  Lists done/ and
 * failed/ for their days, and looks into no other.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/stamp.h"
#include "libspool/scan.h"

#define NSEC 1000000000

void
stamps_clear(struct stamps *stamps)
{
	free(stamps->at);
	(void)memset(stamps, 0, sizeof *stamps);
}

/* The place of dir, or where it would be. */
static size_t
place(const struct stamps *stamps, int64_t dir)
{
	size_t lo = 0, hi = stamps->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (stamps->at[mid].dir < dir)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct stamp *
stamps_find(const struct stamps *stamps, int64_t dir)
{
	size_t i = place(stamps, dir);

	return i < stamps->n && stamps->at[i].dir == dir ? &stamps->at[i]
							 : NULL;
}

enum sp_status
stamps_set(struct stamps *stamps, const struct stamp *stamp)
{
	size_t i = place(stamps, stamp->dir), cap;
	struct stamp *at;

	if (i < stamps->n && stamps->at[i].dir == stamp->dir) {
		stamps->at[i] = *stamp;
		return SP_OK;
	}
	if (stamps->n == stamps->cap) {
		cap = stamps->cap == 0 ? 64 : stamps->cap * 2;
		if ((at = realloc(stamps->at, cap * sizeof *at)) == NULL)
			return SP_RETRY;
		stamps->at = at;
		stamps->cap = cap;
	}
	(void)memmove(stamps->at + i + 1, stamps->at + i,
	    (stamps->n - i) * sizeof *stamps->at);
	stamps->at[i] = *stamp;
	stamps->n++;
	return SP_OK;
}

void
stamps_drop(struct stamps *stamps, int64_t dir)
{
	size_t i = place(stamps, dir);

	if (i == stamps->n || stamps->at[i].dir != dir)
		return;
	stamps->n--;
	(void)memmove(stamps->at + i, stamps->at + i + 1,
	    (stamps->n - i) * sizeof *stamps->at);
}

bool
stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->dir == b->dir && a->ino == b->ino && a->mtime == b->mtime &&
	    a->ctime == b->ctime;
}

void
stamps_print(const struct stamps *stamps, struct sp_buf *text_out)
{
	const struct stamp *s;
	char dir[24];

	for (s = stamps->at; s < stamps->at + stamps->n; s++) {
		stamp_dir_print(s->dir, dir);
		sp_buf_printf(text_out,
		    "%s %" PRIu64 " %" PRId64 " %" PRId64 "\n", dir, s->ino,
		    s->mtime, s->ctime);
	}
}

bool
stamps_settle(struct stamps *stamps, int64_t now, int64_t margin)
{
	struct stamp *s;
	bool all = true;

	for (s = stamps->at; s < stamps->at + stamps->n; s++) {
		s->settled = s->mtime < now - margin && s->ctime < now - margin;
		all = all && s->settled;
	}
	return all;
}

/*
 * Opened anew rather than asked by a handle that is kept: on NFS an open asks
 * the server, a handle may tell what it knew a minute ago.
 */
static enum sp_status
take(int at, const char *name, int64_t dir, struct stamps *out, int *fd_out,
    struct sp_err *err)
{
	struct stamp s = { .dir = dir };
	enum sp_status st;
	struct stat sb;
	int fd;

	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return sp_err_sys(err, "open %s", name);
	if (fstat(fd, &sb) == -1) {
		st = sp_err_sys(err, "stat %s", name);
		(void)close(fd);
		return st;
	}
	s.ino = sb.st_ino;
	s.mtime = (int64_t)sb.st_mtim.tv_sec * NSEC + sb.st_mtim.tv_nsec;
	s.ctime = (int64_t)sb.st_ctim.tv_sec * NSEC + sb.st_ctim.tv_nsec;
	if ((st = stamps_set(out, &s)) != SP_OK)
		(void)sp_err_set(err, st, "no memory");
	if (fd_out != NULL && st == SP_OK)
		*fd_out = fd;
	else
		(void)close(fd);
	return st;
}

/* done/ or failed/ and the days in it. */
static enum sp_status
take_days(const struct sp_spool *spool, enum sp_state state, struct stamps *out,
    struct sp_err *err)
{
	struct sp_names days = { 0 };
	enum sp_status st;
	const char *day;
	size_t i;
	int fd;

	st = take(spool->root, sp_state_text(state),
	    state == SP_DONE ? STAMP_DONE : STAMP_FAILED, out, &fd, err);
	if (st != SP_OK)
		return st;
	st = sp_list(fd, false, &days, err);
	for (i = 0; st == SP_OK && i < days.n; i++) {
		day = sp_names_at(&days, i);
		if (!sp_day_ok(day))
			continue;
		st = take(fd, day,
		    (int64_t)state * STAMP_DAYS + strtol(day, NULL, 10), out,
		    NULL, NULL);
		/* Removed just now, or no directory: it has no rows. */
		if (st == SP_GONE || st == SP_BAD)
			st = SP_OK;
		else if (st != SP_OK)
			(void)sp_err_set(err, st, "look at %s/%s",
			    sp_state_text(state), day);
	}
	sp_names_clear(&days);
	(void)close(fd);
	return st;
}

enum sp_status
stamps_take(
    const struct sp_spool *spool, struct stamps *out, struct sp_err *err)
{
	enum sp_status st;

	out->n = 0;
	if ((st = take(spool->root, "new", SP_NEW, out, NULL, err)) == SP_OK &&
	    (st = take(spool->root, "waiting", SP_WAITING, out, NULL, err)) ==
		SP_OK &&
	    (st = take(spool->root, "assigned", SP_ASSIGNED, out, NULL, err)) ==
		SP_OK &&
	    (st = take_days(spool, SP_DONE, out, err)) == SP_OK &&
	    (st = take_days(spool, SP_FAILED, out, err)) == SP_OK)
		st = take(
		    spool->root, "outcomes", STAMP_OUTCOMES, out, NULL, err);
	return st;
}

bool
stamp_rows_is(int64_t dir, enum sp_state *state_out)
{
	if (dir >= STAMP_DAYS)
		*state_out = (enum sp_state)(dir / STAMP_DAYS);
	else if (dir <= SP_ASSIGNED)
		*state_out = (enum sp_state)dir;
	else
		return false;
	return true;
}

void
stamp_dir_print(int64_t dir, char text_out[24])
{
	const char *text;

	if (dir >= STAMP_DAYS) {
		(void)snprintf(text_out, 24, "%s/%08" PRId64,
		    dir / STAMP_DAYS == SP_DONE ? "done" : "failed",
		    dir % STAMP_DAYS);
		return;
	}
	text = dir <= SP_ASSIGNED ? sp_state_text((enum sp_state)dir)
	    : dir == STAMP_DONE   ? "done"
	    : dir == STAMP_FAILED ? "failed"
				  : "outcomes";
	(void)snprintf(text_out, 24, "%s", text);
}

int64_t
stamp_dir(enum sp_state state, const struct sp_id *id)
{
	char day[SP_DAY_LEN + 1];

	if (!sp_state_over_is(state))
		return (int64_t)state;
	sp_id_day(id, day);
	return (int64_t)state * STAMP_DAYS + strtol(day, NULL, 10);
}
