/*
 * daemon.c - opening the spool, taking news from the watch, and the chores that
 * are a call into libspool: housekeeping and beating.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/log.h"
#include "spoold/daemon.h"

#define INDEX_DELAY 30    /* ms: gather a burst, and let times get old */
#define LOOK_LOCAL  60000 /* ms between looks that should find nothing */
#define LOOK_REMOTE 10000 /* at most, where the clock is all we have */
#define LOOK_FORCE  20    /* remote looks until times are not believed */
#define ANEW_REST   300   /* ms: rm -r of a spool shall not meet us half-way */
#define ANEW_MS     2000  /* ms between tries that fail */

static void
set_watch(struct daemon *d)
{
	struct sp_err err = { "" };

	d->news_lost = true;
	d->watching = watch_set(&d->spool, &err) == SP_OK && d->spool.local;
	if (err.text[0] != '\0' && sp_warn_due("watch"))
		sp_warn("watch: %s; looking every %g s instead", err.text,
		    d->spool.policy.poll);
	d->look_every =
	    d->watching ? LOOK_LOCAL : (int64_t)(d->spool.policy.poll * 1000);
}

/* From within a chore that is long at something. */
static void
alive(void *arg)
{
	(void)beat_tick(arg, sp_mono_ms());
}

enum sp_status
daemon_open(
    struct daemon *d, const char *path, const char *name, struct sp_err *err)
{
	enum sp_status st;
	int64_t now;

	(void)memset(d, 0, sizeof *d);
	d->path = path;
	if ((st = sp_spool_open(path, name, &d->spool, err)) != SP_OK)
		return st;
	if ((st = sp_keep_new(&d->spool, false, &d->keep, err)) != SP_OK) {
		sp_spool_close(&d->spool);
		return st;
	}
	d->spool.alive = alive;
	d->spool.alive_arg = d;
	set_watch(d); /* before the first look at anything */
	sp_beat_self(&d->beat);
	(void)snprintf(
	    d->beat.worker, sizeof d->beat.worker, "%s", d->spool.actor);
	(void)strcpy(d->beat.role, "spoold");
	(void)strcpy(d->beat.state, "idle");
	now = sp_mono_ms();
	d->anew_at = d->ready_at = NEVER;
	d->beat_at = now;
	daemon_rescan(d, now);
	return SP_OK;
}

void
daemon_close(struct daemon *d)
{
	index_drop(d, true);
	sp_keep_free(d->keep);
	sp_spool_close(&d->spool);
	sp_buf_clear(&d->ready);
	sp_buf_clear(&d->ready_next);
	sp_names_clear(&d->news);
}

void
daemon_rescan(struct daemon *d, int64_t now)
{
	d->dirty = SP_DIRTY_ALL;
	d->index_flags |= INDEX_FORCE | INDEX_OUTCOMES;
	d->keep_pace.at = d->index_pace.at = now;
	d->look_at = now + d->look_every;
}

static void
want_anew(struct daemon *d, int64_t now)
{
	if (!d->anew)
		d->anew_at = now + ANEW_REST;
	d->anew = true;
}

void
daemon_news(struct daemon *d, int64_t now)
{
	struct sp_names came = { 0 };
	struct watch_news news =
	    watch_take(d->index != NULL ? &d->news : NULL, &came);
	size_t i;

	if (news.lost || d->news.n > INDEX_NEWS_MOST)
		d->news_lost = true;
	if (d->news_lost)
		d->news.n = d->news.len = 0;
	for (i = 0; i < came.n; i++)
		sp_keep_came(d->keep, sp_names_at(&came, i));
	sp_names_clear(&came);
	if (news.anew)
		want_anew(d, now);
	if (!news.any)
		return;
	d->changed = true;
	d->dirty |= news.dirty;
	if (news.taken)
		d->index_flags |= INDEX_OUTCOMES;
	/* An order that is dropped on an idle spool is admitted at once. */
	if (news.dirty != 0 || i > 0)
		pace_wake(&d->keep_pace, now, 0, 2,
		    d->keep_pace.took > 5 ? 4 : 1, 2000);
	if (d->index != NULL) {
		if (d->index_again <= ANEW_MS)
			d->index_again = 0;
		pace_wake(
		    &d->index_pace, now, INDEX_DELAY, INDEX_DELAY, 4, 5000);
	}
}

static bool
leads_to(const char *path, int fd)
{
	struct stat a, b;

	return stat(path, &a) == 0 && fstat(fd, &b) == 0 &&
	    a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

void
daemon_place(struct daemon *d, int64_t now)
{
	if (!leads_to(d->spool.path, d->spool.root))
		want_anew(d, now);
}

/* Where the spool is that we have open, wherever it was moved to; if it is
 * nowhere any more, the path that we were given. */
static const char *
place(const struct daemon *d, char buf[PATH_MAX])
{
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", d->spool.root);
	n = readlink(link, buf, PATH_MAX - 1);
	if (n <= 0)
		return d->path;
	buf[n] = '\0';
	return leads_to(buf, d->spool.root) ? buf : d->path;
}

/* A directory was replaced under us, or the policy was, or the spool moved:
 * open it again, under the same W.  While that fails what we have must do. */
int64_t
anew_tick(struct daemon *d, int64_t now)
{
	struct sp_spool spool;
	struct sp_err err = { "" };
	struct sp_keep *keep;
	char buf[PATH_MAX];

	if (!d->anew || now < d->anew_at)
		return d->anew ? d->anew_at : NEVER;
	d->anew_at = now + ANEW_MS;
	if (sp_spool_open(place(d, buf), "spoold", &spool, &err) != SP_OK) {
		if (sp_warn_due("anew"))
			sp_warn("open again: %s", err.text);
		return d->anew_at;
	}
	(void)strcpy(spool.actor, d->spool.actor);
	index_drop(d, false);
	sp_keep_free(d->keep);
	sp_spool_close(&d->spool);
	spool.alive = alive;
	spool.alive_arg = d;
	d->spool = spool;
	d->keep = NULL;
	while (sp_keep_new(&d->spool, false, &keep, NULL) != SP_OK)
		(void)usleep(100000); /* no memory for a few bytes */
	d->keep = keep;
	set_watch(d);
	sp_info("spool opened anew: %s", d->spool.path);
	d->anew = false;
	d->anew_at = NEVER;
	d->index_again = 0;
	d->beat_at = now;
	daemon_rescan(d, now);
	return NEVER;
}

/* Look at everything by the clock: where the watch sees all, for safety; else
 * every poll seconds, more seldom while nothing happens. */
int64_t
look_tick(struct daemon *d, int64_t now)
{
	int64_t poll = (int64_t)(d->spool.policy.poll * 1000);

	if (now < d->look_at)
		return d->look_at;
	d->dirty = SP_DIRTY_ALL;
	daemon_place(d, now);
	if (!d->watching) {
		d->look_every = d->changed ? poll : d->look_every * 3 / 2;
		if (d->look_every > LOOK_REMOTE)
			d->look_every = LOOK_REMOTE;
		if (++d->looks % LOOK_FORCE == 0)
			d->index_flags |= INDEX_FORCE;
		if (d->looks % (LOOK_FORCE * 20) == 0)
			d->index_flags |= INDEX_OUTCOMES;
		if (d->looks % LOOK_FORCE == 0 && watch_fd() == -1)
			set_watch(d);
	}
	d->changed = false;
	if (d->keep_pace.at > now)
		d->keep_pace.at = now;
	if (d->index_pace.at > now && d->index != NULL)
		d->index_pace.at = now;
	d->look_at = now + d->look_every;
	return d->look_at;
}

int64_t
keep_tick(struct daemon *d, int64_t now)
{
	unsigned dirty = d->dirty;
	int64_t next, ended;

	if (now < d->keep_pace.at)
		return d->keep_pace.at;
	d->dirty = 0;
	next = sp_keep_tick(d->keep, dirty, now);
	ended = sp_mono_ms();
	pace_done(&d->keep_pace, now, ended);
	d->keep_pace.at = now + next;
	return d->keep_pace.at;
}

/* ---- beating ---- */

static void
beat_name(const struct daemon *d, char file[SP_NAME_MAX])
{
	(void)snprintf(file, SP_NAME_MAX, "%s.json", d->beat.worker);
}

int64_t
beat_tick(struct daemon *d, int64_t now)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	struct sp_err err = { "" };
	char file[SP_NAME_MAX];
	enum sp_status st;

	if (now < d->beat_at)
		return d->beat_at;
	d->beat.count++;
	(void)strcpy(d->beat.note,
	    d->standby             ? "standing by: another spoold has the index"
		: d->index == NULL ? "no index"
				   : "");
	sp_beat_print(&d->beat, &text);
	beat_name(d, file);
	st = text.failed
	    ? SP_RETRY
	    : sp_publish(&d->spool, d->spool.dir[SP_DIR_WORKERS], file,
		  text.data, text.len, SP_PUB_REPLACE | SP_PUB_LAZY, &err);
	if (st != SP_OK && sp_warn_due("beat"))
		sp_warn("beat: %s", err.text);
	sp_buf_clear(&text);
	ready_touch(d);
	d->beat_at = now + (int64_t)(d->spool.policy.beat * 1000);
	return d->beat_at;
}

void
beat_bye(struct daemon *d)
{
	char file[SP_NAME_MAX];

	beat_name(d, file);
	(void)unlinkat(d->spool.dir[SP_DIR_WORKERS], file, 0);
}
