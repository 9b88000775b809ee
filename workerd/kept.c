/*
 * kept.c - the work directories of attempts that were preempted here, for when
 * their orders come back to this host: WORK/spool-kept.UID/ID.tT.SPOOL, where T
 * is the ticket that the order was given back with.  Whoever has claimed that
 * ticket is the only one who may take it, by one rename; run anywhere else in
 * between, the order has another ticket.  SPOOL tells spools apart.
 *
 * WORK may be /tmp: nothing is believed but a directory of our own that others
 * can neither write to nor look into.  Losing one costs a script its scratch
 * files, no more: what must last is in $SPOOL_OUT.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "workerd/kept.h"
#include "workerd/slot.h"
#include "workerd/private.h"
#include "workerd/worker.h"

#define SWEEP_MS   60000
#define LAST_MS    1000
#define STEP_MS    20              /* between two that are looked at */
#define AGE_MOST   (7 * 24 * 3600) /* seconds */
#define FREE_LEAST 20 /* one in so many blocks, else none is kept */
#define KEPT_NAME  (SP_ID_LEN + 24)

/* ---- names ---- */

static void
name_print(
    const struct sp_id *id, unsigned ticket, uint32_t tag, char out[KEPT_NAME])
{
	(void)snprintf(out, KEPT_NAME, "%s.t%u.%08x", id->text, ticket, tag);
}

static bool
name_parse(
    const char *name, struct sp_id *id, unsigned *ticket, uint32_t *tag_out)
{
	char text[SP_ID_LEN + 1], again[KEPT_NAME];
	unsigned tag;

	(void)snprintf(text, sizeof text, "%.*s", SP_ID_LEN, name);
	if (sp_id_parse(text, id) != SP_OK ||
	    sscanf(name + SP_ID_LEN, ".t%6u.%8x", ticket, &tag) != 2)
		return false;
	name_print(id, *ticket, tag, again);
	*tag_out = tag;
	return strcmp(name, again) == 0;
}

/* ---- put and take ---- */

static int
root_open(const struct worker *w, bool make)
{
	return private_open(w->opt.work, "spool-kept", make);
}

static bool
short_is(const struct worker *w, int fd)
{
	struct statvfs fs;

	return w->floor.low ||
	    (fstatvfs(fd, &fs) == 0 && fs.f_blocks > 0 &&
		fs.f_bavail < fs.f_blocks / FREE_LEAST);
}

bool
kept_put(struct worker *w, const struct slot *s)
{
	char name[KEPT_NAME];
	bool done = false;
	struct stat st;
	int fd;

	if (s->name.ticket >= SP_COUNT_MAX || lstat(s->dir, &st) == -1 ||
	    !S_ISDIR(st.st_mode) || (fd = root_open(w, true)) == -1)
		return false;
	name_print(&s->name.id, s->name.ticket + 1, w->kept.tag, name);
	if (short_is(w, fd))
		sp_info(
		    "keep order=%s not: the disk is short", s->name.id.text);
	else {
		/* Its owner may have closed it even to us. */
		(void)chmod(s->dir, 0700);
		done = sp_move_own_dir(AT_FDCWD, s->dir, fd, name);
		if (!done)
			sp_warn("keep order=%s: %s", s->name.id.text,
			    strerror(errno));
	}
	(void)close(fd);
	return done;
}

bool
kept_take(struct worker *w, const struct slot *s)
{
	char name[KEPT_NAME];
	bool done = false;
	struct stat st;
	int fd;

	if (s->name.ticket < 2 || (fd = root_open(w, false)) == -1)
		return false;
	name_print(&s->name.id, s->name.ticket, w->kept.tag, name);
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && private_is(&st))
		done = sp_move_own_dir(fd, name, AT_FDCWD, s->dir);
	(void)close(fd);
	if (done)
		sp_info("resume order=%s in the directory that it left",
		    s->name.id.text);
	return done;
}

/* ---- dropping ---- */

/* Millions of files may lie there: not in the main thread. */
static void *
remover(void *arg)
{
	struct worker *w = arg;
	char path[PATH_MAX];
	unsigned n;

	while ((n = atomic_load(&w->kept.gone)) != w->kept.until) {
		(void)snprintf(path, sizeof path, "%s/drop.%u", w->dir, n);
		rmtree(path);
		atomic_store(&w->kept.gone, n + 1);
	}
	return NULL;
}

static void
remove_dropped(struct worker *w)
{
	if (w->kept.running && atomic_load(&w->kept.gone) != w->kept.until)
		return;
	if (w->kept.running)
		(void)pthread_join(w->kept.thread, NULL);
	w->kept.running = false;
	if (w->kept.until == w->kept.drops)
		return;
	w->kept.until = w->kept.drops;
	w->kept.running =
	    pthread_create(&w->kept.thread, NULL, remover, w) == 0;
	if (!w->kept.running)
		(void)remover(w);
}

/* Is it of no use any more?  In doubt it is. */
static const char *
useless(struct worker *w, int fd, const char *name)
{
	struct sp_name now;
	enum sp_state state;
	enum sp_status st;
	struct stat is;
	unsigned ticket;
	uint32_t tag;
	struct sp_id id;

	if (fstatat(fd, name, &is, AT_SYMLINK_NOFOLLOW) == -1)
		return NULL;
	if (!name_parse(name, &id, &ticket, &tag))
		return "it is none of ours";
	/* The ctime is that of the rename that brought it here. */
	if (sp_wall_ms() / 1000 - (int64_t)is.st_ctim.tv_sec > AGE_MOST)
		return "it is old";
	if (short_is(w, fd))
		return "the disk is short";
	if (tag != w->kept.tag)
		return NULL; /* for a worker of that spool to tell */
	st = w->ops->stands(w->tr, &id, &state, &now, NULL);
	if (st == SP_GONE)
		return "its order is gone";
	if (st != SP_OK)
		return NULL;
	if (sp_state_over_is(state))
		return "its order is over";
	return now.ticket > ticket ? "its order ran elsewhere since" : NULL;
}

static void
look_at(struct worker *w, int fd, const char *name)
{
	const char *why = useless(w, fd, name);
	char path[PATH_MAX];

	if (why == NULL)
		return;
	(void)snprintf(path, sizeof path, "%s/drop.%u", w->dir, w->kept.drops);
	if (!sp_move_own_dir(fd, name, AT_FDCWD, path))
		return; /* somebody else's now */
	w->kept.drops++;
	sp_info("drop kept=%.60s: %s", name, why);
}

int64_t
kept_tick(struct worker *w, int64_t now)
{
	struct sp_names *names = &w->kept.names;
	int fd;

	if (now < w->kept.next)
		return w->kept.next;
	remove_dropped(w);
	if ((fd = root_open(w, false)) == -1) {
		w->kept.next = now + SWEEP_MS;
		return w->kept.next;
	}
	if (w->kept.at >= names->n) {
		w->kept.at = 0;
		names->n = names->len = 0;
		if (sp_list(fd, true, names, NULL) != SP_OK)
			names->n = 0;
	}
	if (w->kept.at < names->n && w->terms == 0 && !w->heart.away)
		look_at(w, fd, sp_names_at(names, w->kept.at++));
	(void)close(fd);
	w->kept.next = now +
	    (w->kept.at < names->n                  ? STEP_MS
		    : w->kept.until < w->kept.drops ? 10 * STEP_MS
						    : SWEEP_MS);
	return w->kept.next;
}

void
kept_last(struct worker *w)
{
	int64_t end = sp_mono_ms() + LAST_MS;
	struct sp_names names = { 0 };
	size_t i;
	int fd;

	if (w->far || w->heart.away || (fd = root_open(w, false)) == -1)
		return;
	if (sp_list(fd, true, &names, NULL) == SP_OK)
		for (i = 0; i < names.n && sp_mono_ms() < end; i++)
			look_at(w, fd, sp_names_at(&names, i));
	sp_names_clear(&names);
	(void)close(fd);
}

void
kept_open(struct worker *w)
{
	w->kept.tag = private_tag(w->opt.url);
}

void
kept_close(struct worker *w)
{
	char path[PATH_MAX];

	if (w->kept.running)
		(void)pthread_join(w->kept.thread, NULL);
	sp_names_clear(&w->kept.names);
	private_path(w->opt.work, "spool-kept", path);
	(void)rmdir(path); /* when nothing is kept */
}
