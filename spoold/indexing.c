/*
 * indexing.c - keeping the index and index/ready.jsonl.  How rows are found is
 * index/'s business.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/log.h"
#include "libspool/ready.h"
#include "spoold/daemon.h"

#define READY        "ready.jsonl"
#define NAMES        "ready.names"
#define NAMES_MS     1000 /* at most so often, while few were taken */
#define READY_MAX    (4 * 1024 * 1024)
#define READY_MS     100 /* at most so often */
#define SHARE_MS     100 /* of one turn: others wait meanwhile */
#define STANDBY_MS   3000
#define STAMPS_MS    5000
#define FOLLOW_MS    1000 /* between looks at metrics */
#define FOLLOW_SHARE 50   /* ms of them */
#define GONE_MS      200  /* whoever removes it may want to finish */
#define AGAIN_MIN    50
#define AGAIN_MAX    60000
#define TROUBLE_MIN  1000
#define TROUBLE_MAX  30000

/* 50, 100, 200, ... */
static int64_t
again(struct daemon *d, int64_t least, int64_t most)
{
	if (d->index_again < least)
		d->index_again = least;
	else if (d->index_again < most / 2)
		d->index_again *= 2;
	else
		d->index_again = most;
	return d->index_again;
}

static void
ready_retire(struct daemon *d)
{
	(void)unlinkat(index_dir(d->index), READY, 0);
	if (d->names_known)
		(void)unlinkat(index_dir(d->index), NAMES, 0);
	d->ready_known = d->names_known = false;
}

void
index_drop(struct daemon *d, bool retire)
{
	/* A list that is no longer kept would hide what came after it. */
	if (retire && d->index != NULL)
		ready_retire(d);
	index_close(d->index);
	d->index = NULL;
	d->ready_known = d->names_known = false;
	d->ready_at = NEVER;
	d->index_flags |= INDEX_OUTCOMES;
}

/* ---- what the watch tells the index ---- */

static bool
told_take(void *arg, struct sp_names *names)
{
	struct daemon *d = arg;
	bool all;
	size_t i;

	daemon_news(d, sp_mono_ms());
	all = d->watching && !d->news_lost && !d->anew;
	for (i = 0; i < d->news.n && all; i++)
		all = sp_names_add(names, sp_names_at(&d->news, i)) == SP_OK;
	d->news.n = d->news.len = 0;
	d->news_lost = false;
	return all;
}

static bool
told_on(void *arg, const char *dir)
{
	struct daemon *d = arg;

	if (!d->watching || watch_fd() == -1)
		return false;
	return strchr(dir, '/') == NULL || watch_day(&d->spool, dir);
}

/* ---- the index ---- */

static void
open_it(struct daemon *d, int64_t now)
{
	struct sp_err err = { "" };
	enum sp_status st;

	st = index_open(&d->spool, &d->index, &err);
	if (st == SP_OK) {
		d->index_watch = (struct index_watch){ told_take, told_on, d };
		index_watched(d->index, &d->index_watch);
		if (d->standby)
			sp_info("index taken over");
		d->standby = false;
		d->index_again = 0;
		d->follow_at = now;
		d->index_flags |= INDEX_OUTCOMES;
	} else if (st == SP_LOST) {
		/* A reader that looks whether it is locked holds it for a
		 * moment: the first tries come soon. */
		d->index_pace.at = now + again(d, AGAIN_MIN, STANDBY_MS);
		if (!d->standby && d->index_again == STANDBY_MS) {
			sp_info("index is another's: standing by");
			d->standby = true;
		}
	} else {
		d->index_pace.at = now + again(d, TROUBLE_MIN, TROUBLE_MAX);
		if (sp_warn_due(err.text))
			sp_warn("index: %s", err.text);
	}
}

/* What a sync came to: when is the next one worth while? */
static void
synced(struct daemon *d, const struct index_report *report, int64_t ended)
{
	if (report->put > 0 || report->gone > 0) {
		d->changed = true;
		if (d->follow_at > ended + FOLLOW_MS)
			d->follow_at = ended + FOLLOW_MS;
		sp_debug("index put=%zu gone=%zu lines=%zu fresh=%d more=%d",
		    report->put, report->gone, report->lines, report->fresh,
		    report->more);
	}
	if (report->head_changed)
		d->names_gone += report->gone;
	if (report->head_changed || !d->ready_known) {
		if (d->ready_at > d->ready_ended + READY_MS)
			d->ready_at = d->ready_ended + READY_MS;
	}
	/* It was told once: it remembers. */
	d->index_flags &= ~(unsigned)INDEX_FORCE;
	if (report->more) {
		d->index_pace.at = ended;
		return;
	}
	d->index_flags = 0;
	if (report->fresh) {
		d->index_again = 0;
		/* What no event tells of, a change in done/DAY/ by hand, say:
		 * looking at the times of directories costs little. */
		if (d->watching)
			pace_wake(&d->index_pace, ended, 0, STAMPS_MS, 200,
			    AGAIN_MAX);
	} else { /* times must be a little older to be believed */
		d->index_pace.at = ended + again(d, AGAIN_MIN, AGAIN_MAX);
	}
}

int64_t
index_tick(struct daemon *d, int64_t now)
{
	struct sp_err err = { "" };
	struct index_report report;
	enum sp_status st;
	int64_t ended;

	if (now < d->index_pace.at)
		return d->index_pace.at;
	pace_done(&d->index_pace, now, now);
	if (d->index == NULL)
		open_it(d, now);
	if (d->index == NULL)
		return d->index_pace.at;
	st = index_sync(d->index, d->index_flags, SHARE_MS, &report, &err);
	ended = sp_mono_ms();
	pace_done(&d->index_pace, now, ended);
	if (st == SP_OK) {
		synced(d, &report, ended);
	} else if (st == SP_LOST) {
		sp_warn("index/ was taken away");
		index_drop(d, false);
		d->index_again = 0;
		d->index_pace.at = ended + GONE_MS;
	} else {
		if (sp_warn_due(err.text))
			sp_warn("index: %s", err.text);
		ready_retire(d);
		d->index_pace.at = ended + again(d, TROUBLE_MIN, TROUBLE_MAX);
		daemon_place(d, ended);
	}
	return d->index_pace.at;
}

/* Metrics lie deep in runs/, where nothing is watched: by the clock, while
 * anything runs. */
int64_t
follow_tick(struct daemon *d, int64_t now)
{
	int64_t every =
	    d->spool.local ? FOLLOW_MS : (int64_t)(d->spool.policy.poll * 1000);
	struct sp_err err = { "" };
	size_t running = 0;
	bool more;

	if (now < d->follow_at)
		return d->follow_at;
	d->follow_at = NEVER;
	if (d->index == NULL)
		return NEVER;
	if (index_follow(d->index, FOLLOW_SHARE, &running, &more, &err) !=
	    SP_OK) {
		if (sp_warn_due("metrics"))
			sp_warn("metrics: %s", err.text);
		running = 1;
	}
	if (running > 0)
		d->follow_at =
		    sp_mono_ms() + (every < FOLLOW_MS ? FOLLOW_MS : every);
	return d->follow_at;
}

void
ready_touch(struct daemon *d)
{
	if (d->index == NULL || !d->ready_known)
		return;
	/* Somebody took it away: it is published again. */
	if (utimensat(index_dir(d->index), READY, NULL, AT_SYMLINK_NOFOLLOW) ==
		-1 ||
	    (d->names_known &&
		utimensat(index_dir(d->index), NAMES, NULL,
		    AT_SYMLINK_NOFOLLOW) == -1)) {
		d->ready_known = d->names_known = false;
		d->ready_at = sp_mono_ms();
	}
}

/* Is it time for new names?  When an eighth of them may be gone, when something
 * more urgent came, or when they are old. */
static bool
names_due(struct daemon *d, int64_t now)
{
	struct sp_buf first = SP_BUF_INIT(SP_NAME_MAX + 2);
	bool due = !d->names_known || d->names_gone * 8 >= d->names_n ||
	    now >= d->names_ended + NAMES_MS;
	size_t n;

	if (!due && index_names(d->index, 1, &first, &n, NULL) == SP_OK &&
	    n == 1)
		due = strcmp(sp_buf_text(&first), d->names_first) < 0;
	sp_buf_clear(&first);
	if (!due && d->ready_at > d->names_ended + NAMES_MS)
		d->ready_at = d->names_ended + NAMES_MS;
	return due;
}

/* For those who are near, where a listing takes long. */
static enum sp_status
publish_names(struct daemon *d, int64_t now, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_READY_NAMES * SP_NAME_MAX);
	enum sp_status st;

	if (!sp_ready_long_is(&d->spool)) {
		if (d->names_known)
			(void)unlinkat(index_dir(d->index), NAMES, 0);
		d->names_known = false;
		return SP_OK;
	}
	if (!names_due(d, now))
		return SP_OK;
	st = index_names(d->index, SP_READY_NAMES, &text, &d->names_n, err);
	if (st == SP_OK)
		st = sp_publish(&d->spool, index_dir(d->index), NAMES,
		    sp_buf_text(&text), text.len, SP_PUB_REPLACE | SP_PUB_LAZY,
		    err);
	d->names_known = st == SP_OK;
	d->names_gone = 0;
	d->names_ended = now;
	(void)snprintf(d->names_first, sizeof d->names_first, "%.*s",
	    (int)strcspn(sp_buf_text(&text), "\n"), sp_buf_text(&text));
	sp_buf_clear(&text);
	return st == SP_GONE ? SP_OK : st;
}

/* Published anew only when it says something else. */
static enum sp_status
publish(struct daemon *d, struct sp_err *err)
{
	struct sp_buf *text = &d->ready_next, old;
	enum sp_status st;

	sp_buf_reset(text);
	st = index_head(d->index, SP_READY_HEAD, text, err);
	if (st == SP_GONE) {
		ready_retire(d);
		return SP_OK;
	}
	if (st != SP_OK)
		return st;
	if (d->ready_known && text->len == d->ready.len &&
	    memcmp(sp_buf_text(text), sp_buf_text(&d->ready), text->len) == 0)
		return SP_OK;
	st = sp_publish(&d->spool, index_dir(d->index), READY,
	    sp_buf_text(text), text->len, SP_PUB_REPLACE | SP_PUB_LAZY, err);
	if (st != SP_OK)
		return st;
	old = d->ready;
	d->ready = *text;
	d->ready_next = old;
	d->ready_known = true;
	return SP_OK;
}

int64_t
ready_tick(struct daemon *d, int64_t now)
{
	struct sp_err err = { "" };

	if (now < d->ready_at)
		return d->ready_at;
	d->ready_at = NEVER;
	d->ready_ended = now;
	if (d->index == NULL)
		return NEVER;
	if (d->ready.max == 0) {
		sp_buf_init(&d->ready, READY_MAX);
		sp_buf_init(&d->ready_next, READY_MAX);
	}
	if (publish(d, &err) != SP_OK || publish_names(d, now, &err) != SP_OK) {
		d->ready_known = false;
		d->ready_at = now + TROUBLE_MIN;
		if (sp_warn_due("ready"))
			sp_warn("index/" READY ": %s", err.text);
	}
	return d->ready_at;
}
