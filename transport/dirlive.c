/*
 * dirlive.c - the transport over a directory: what keeps a worker and the house
 * alive while there is nothing to claim or to end.  Its beat, what it holds and
 * what is wished of it, the keeper's turns.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/log.h"
#include "libspool/mark.h"
#include "libspool/scan.h"
#include "libspool/spare.h"
#include "libspool/wish.h"
#include "transport/dir.h"

#define KEEP_BUSY  2000  /* between housekeepings while jobs run */
#define BEATING_MS 30000 /* between counts of who beats, over there */
#define PLACE_MS   2000  /* between looks whether the directories are those */

/* Somebody may have cleared the spool away under us and made it anew. */
static void
place(struct dir *d, int64_t now)
{
	unsigned watched = SP_DIRTY(SP_DIR_NEW) | SP_DIRTY(SP_DIR_HOLD) |
	    SP_DIRTY(SP_DIR_CANCEL) | SP_DIRTY(SP_DIR_DRAIN);
	unsigned taken;

	if (now - d->placed < PLACE_MS)
		return;
	d->placed = now;
	if ((taken = sp_spool_again(&d->spool)) == 0)
		return;
	sp_info("spool: directories were replaced; taken anew");
	d->dirty = SP_DIRTY_ALL;
	d->ready.marks_at = -1;
	if ((taken & watched) != 0) {
		dirwatch_close(&d->watch);
		dirwatch_open(&d->spool, &d->watch);
		dirwatch_poke(&d->spool);
	}
}

/* Those that have a file, daemons by their usual name apart: each beat would be
 * a round trip to read, and this is only for the width of a window. */
static unsigned
count_beating(struct dir *d, int64_t now)
{
	static const char daemon[] = "spoold-";
	struct sp_names names = { 0 };
	size_t i;

	if ((d->beating_at == 0 || now - d->beating_at >= BEATING_MS) &&
	    sp_list(d->spool.dir[SP_DIR_WORKERS], false, &names, NULL) ==
		SP_OK) {
		d->beating = 0;
		for (i = 0; i < names.n; i++)
			d->beating += strncmp(sp_names_at(&names, i), daemon,
					  sizeof daemon - 1) != 0;
		d->beating_at = now;
	}
	sp_names_clear(&names);
	return d->beating;
}

/* Over there, while spoold keeps the house, nobody else need look at all. */
static bool
kept_there(struct dir *d, int64_t now)
{
	return sp_fs_far(d->spool.root) && sp_ready_spoold_is(&d->ready, now);
}

/* As the keeper last saw them alive; it looks before we first list. */
unsigned
dir_workers(struct tr *tr)
{
	struct dir *d = dir_of(tr);
	int64_t now = sp_mono_ms();
	unsigned n = kept_there(d, now) ? count_beating(d, now)
	    : d->keep == NULL           ? 0
					: sp_keep_workers(d->keep);

	return n == 0 ? 1 : n;
}

/* On a full disk: over the last one, which has its place.  Padded to its length
 * a reader meets at worst some of each, once. */
static enum sp_status
beat_over(const struct sp_spool *spool, const char *file, struct sp_buf *text)
{
	int fd = sp_fs_open(
	    spool->dir[SP_DIR_WORKERS], file, O_WRONLY | O_NOFOLLOW, 0);
	enum sp_status st = SP_RETRY;
	struct stat was;

	if (fd == -1)
		return SP_RETRY;
	if (sp_fs_fstat(fd, &was) == 0 && was.st_size <= SP_BEAT_MAX) {
		while (text->len < (size_t)was.st_size && !text->failed)
			sp_buf_puts(text, "\n");
		st = text->failed ? SP_RETRY
				  : sp_write_all(fd, text->data, text->len);
	}
	if (sp_fs_close(fd) == -1)
		st = SP_RETRY;
	return st;
}

enum sp_status
dir_beat(struct tr *tr, const struct sp_beat *b, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	const struct sp_spool *spool = &dir_of(tr)->spool;
	char file[SP_WORKER_MAX + 8];
	struct sp_beat said = *b;
	enum sp_status st;

	if (said.note[0] == '\0' && !dir_durable_is(spool))
		(void)snprintf(said.note, sizeof said.note, "%s", DIR_UNSURE);
	sp_beat_print(&said, &text);
	(void)snprintf(file, sizeof file, "%s.json", spool->actor);
	st = text.failed
	    ? sp_err_set(err, SP_RETRY, "no memory for the beat")
	    : sp_publish(spool, spool->dir[SP_DIR_WORKERS], file, text.data,
		  text.len, SP_PUB_REPLACE | SP_PUB_LAZY, err);
	if (st != SP_OK && sp_spare_short_is(errno) &&
	    !sp_fs_far(spool->root) && beat_over(spool, file, &text) == SP_OK) {
		sp_err_clear(err);
		st = SP_OK;
	}
	sp_buf_clear(&text);
	return st;
}

enum sp_status
dir_bye(struct tr *tr, struct sp_err *err)
{
	const struct sp_spool *spool = &dir_of(tr)->spool;
	char file[SP_WORKER_MAX + 8];

	(void)snprintf(file, sizeof file, "%s.json", spool->actor);
	if (sp_fs_unlink(spool->dir[SP_DIR_WORKERS], file) == -1 &&
	    errno != ENOENT)
		return sp_err_sys(err, "remove workers/%s", file);
	return SP_OK;
}

enum sp_status
dir_held(struct tr *tr, struct sp_names *ours_out, struct sp_names *stale_out,
    struct sp_names *cancel_out, struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	struct sp_names all = { 0 }, hold = { 0 }, cancel = { 0 };
	const struct sp_listing lists[] = {
		{ d->spool.dir[SP_DIR_ASSIGNED], &all },
		{ d->spool.dir[SP_DIR_CANCEL], &cancel },
		{ d->spool.dir[SP_DIR_HOLD], &hold },
	};
	struct sp_name name;
	enum sp_status st;
	const char *text;
	size_t i;

	place(d, sp_mono_ms());
	ours_out->n = ours_out->len = stale_out->n = stale_out->len = 0;
	/* Over there the third costs nothing; who claims wants it soon. */
	st = sp_list_all(lists, sp_fs_far(d->spool.root) ? 3 : 2, err);
	if (st == SP_OK)
		st = sp_mark_ids(&cancel, cancel_out);
	if (st == SP_OK && sp_fs_far(d->spool.root))
		st = sp_ready_marked(&d->ready, &hold, &cancel);
	for (i = 0; i < all.n && st == SP_OK; i++) {
		text = sp_names_at(&all, i);
		if (sp_name_parse(text, &name) != SP_OK)
			continue;
		if (strcmp(name.worker, d->spool.actor) == 0)
			st = sp_names_add(ours_out, text);
		else if (name.worker[0] != '\0' &&
		    sp_worker_kin(name.worker, d->spool.actor))
			st = sp_names_add(stale_out, text);
	}
	sp_names_clear(&all);
	sp_names_clear(&cancel);
	sp_names_clear(&hold);
	return st;
}

enum sp_status
dir_wishes(struct tr *tr, struct tr_wishes *out, struct sp_err *err)
{
	const struct sp_spool *spool = &dir_of(tr)->spool;
	struct sp_names files = { 0 };
	enum sp_status st;

	if ((st = sp_wish_list(spool, &files, err)) == SP_OK) {
		out->now = sp_wish_is(&files, spool->actor, SP_WISH_NOW);
		out->drain =
		    out->now || sp_wish_is(&files, spool->actor, SP_WISH_DRAIN);
		out->resume = sp_wish_is(&files, spool->actor, SP_WISH_RESUME);
		if (out->resume)
			st = sp_wish_unset(
			    spool, spool->actor, SP_WISH_RESUME, err);
	}
	sp_names_clear(&files);
	return st;
}

int64_t
dir_keep(struct tr *tr, bool idle, int64_t now)
{
	struct dir *d = dir_of(tr);
	struct sp_err err = { "" };
	unsigned dirty;

	if (d->keep == NULL &&
	    sp_keep_new(&d->spool, true, &d->keep, &err) != SP_OK) {
		if (sp_warn_due("keep"))
			sp_warn("keep off: %s", err.text);
		return KEEP_BUSY;
	}
	place(d, now);
	if (!idle && now - d->kept < KEEP_BUSY)
		return KEEP_BUSY - (now - d->kept);
	d->kept = now;
	if (kept_there(d, now))
		return (int64_t)(d->spool.policy.beat * 1000);
	dirty = d->dirty | atomic_exchange(&d->dirty_later, 0);
	d->dirty = 0;
	sp_keep_busy(d->keep, !idle);
	return sp_keep_tick(d->keep, dirty, now);
}
