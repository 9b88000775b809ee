/*
 * wait.c - spool wait: until orders are over, that is, their outcomes are
 * there.  Outcomes are looked for with growing pauses; where inotify reaches,
 * it shortens them.  A pause is never shorter than what a look costs.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "libspool/bundle.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/outcome.h"
#include "tools/served.h"
#include "tools/spool.h"

#define PAUSE_FIRST 20
#define PAUSE_MOST  500
#define MANY        200  /* so many names are cheaper listed than asked for */
#define FEW         4    /* so few are looked for one by one */
#define PAUSE_FAR   2000 /* at most, where each look is a question */
#define MISS_MS     5000 /* how often to see whether orders were taken away */

struct waited {
	struct sp_id id;
	bool over, good;
	bool missed;                 /* not in the spool at the last look */
	char words[SP_ERR_MAX + 64]; /* why it is not good */
};

struct wait {
	const struct sp_spool *spool;
	struct waited *one; /* by id */
	size_t n, over, failed;
	int inotify; /* -1: none */
	struct term_bar bar;
	int64_t missing_due;
};

static int
by_id(const void *a, const void *b)
{
	const struct waited *x = a, *y = b;

	return strcmp(x->id.text, y->id.text);
}

static void
end(struct wait *wait, struct waited *one, bool good)
{
	one->over = true;
	one->good = good;
	wait->over++;
	if (!good)
		wait->failed++;
}

static enum sp_status
look(struct wait *wait, struct waited *one, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX + 2);
	char file[SP_ID_LEN + 8];
	struct sp_row row;
	struct stat stat;
	enum sp_status st;

	(void)snprintf(file, sizeof file, "%s.json", one->id.text);
	st = sp_read(wait->spool->dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX,
	    &text, &stat, err);
	if (st == SP_OK) {
		memset(&row, 0, sizeof row);
		sp_row_outcome(&row, sp_buf_text(&text), text.len);
		(void)snprintf(one->words, sizeof one->words, "status %d%s%s",
		    row.status, row.error[0] == '\0' ? "" : ": ", row.error);
		end(wait, one, sp_status_good_is(row.status));
	} else if (st == SP_BAD) {
		(void)snprintf(one->words, sizeof one->words,
		    "its outcome cannot be read: %s",
		    err == NULL ? "" : err->text);
		sp_err_clear(err);
		end(wait, one, false);
	}
	sp_buf_clear(&text);
	return st == SP_GONE || st == SP_BAD ? SP_OK : st;
}

/* An NFS client remembers that a name was absent; a listing is fresh.  So is
 * what somebody far away says. */
static enum sp_status
look_all(struct wait *wait, struct sp_err *err)
{
	struct sp_names names = { 0 };
	char file[SP_ID_LEN + 8];
	enum sp_status st = SP_OK;
	bool listed = wait->n - wait->over > MANY ||
	    (!wait->spool->local && !sp_fs_far(wait->spool->root));
	size_t i;

	if (listed)
		st = sp_list(
		    wait->spool->dir[SP_DIR_OUTCOMES], false, &names, err);
	for (i = 0; i < wait->n && st == SP_OK; i++) {
		if (wait->one[i].over)
			continue;
		(void)snprintf(
		    file, sizeof file, "%s.json", wait->one[i].id.text);
		if (!listed || sp_names_has(&names, file))
			st = look(wait, &wait->one[i], err);
	}
	sp_names_clear(&names);
	return st;
}

static enum sp_status
stands(const struct wait *wait, const struct waited *one, bool *there_out,
    struct sp_err *err)
{
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;

	st = see_find(wait->spool, &one->id, &state, &name, err);
	*there_out = st == SP_OK;
	return st == SP_GONE ? SP_OK : st;
}

/* Is it a line of a bundle?  Listed when the first one is asked for. */
static enum sp_status
line_is(struct wait *wait, struct sp_bundles *bundles, bool *listed,
    const struct sp_id *id, bool *there_out, struct sp_err *err)
{
	enum sp_status st = SP_OK;
	unsigned line;

	if (served_is(wait->spool))
		return SP_OK;
	if (!*listed)
		st = sp_bundles_list(wait->spool, bundles, err);
	*listed = true;
	if (st == SP_OK)
		*there_out =
		    sp_bundles_find(wait->spool, bundles, id, &line) != NULL;
	return st;
}

/* Somebody may have taken an order away by hand: it would never be over.  Not
 * there at two looks, seconds apart, and no outcome: gone. */
static enum sp_status
look_missing(struct wait *wait, struct sp_err *err)
{
	bool few = wait->n - wait->over <= FEW, there, listed = false;
	struct sp_bundles bundles;
	struct see_list list = { 0 };
	struct waited *one;
	enum sp_status st = SP_OK;
	size_t i;

	if (sp_mono_ms() < wait->missing_due)
		return SP_OK;
	if (!few && (st = see_list(wait->spool, &list, err)) != SP_OK)
		return st;
	for (i = 0; i < wait->n && st == SP_OK; i++) {
		one = &wait->one[i];
		if (one->over)
			continue;
		if (few)
			st = stands(wait, one, &there, err);
		else
			there = see_entry(&list, &one->id) != NULL;
		if (st == SP_OK && !there)
			st = line_is(
			    wait, &bundles, &listed, &one->id, &there, err);
		if (st != SP_OK)
			break;
		if (there) {
			one->missed = false;
		} else if (!one->missed) {
			one->missed = true;
		} else if ((st = look(wait, one, err)) == SP_OK && !one->over) {
			(void)snprintf(one->words, sizeof one->words,
			    "it is no longer in the spool");
			end(wait, one, false);
		}
	}
	see_list_clear(&list);
	if (listed)
		sp_bundles_clear(&bundles);
	wait->missing_due = sp_mono_ms() + MISS_MS;
	return st;
}

/* ---- pauses ---- */

static void
watch(struct wait *wait)
{
	char path[PATH_MAX + 16];

	wait->inotify = -1;
	if (!wait->spool->local)
		return;
	wait->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	(void)snprintf(path, sizeof path, "%s/outcomes", wait->spool->path);
	if (wait->inotify != -1 &&
	    inotify_add_watch(wait->inotify, path,
		IN_MOVED_TO | IN_CREATE | IN_ONLYDIR) == -1) {
		(void)close(wait->inotify);
		wait->inotify = -1;
	}
}

/* A name from inotify is a hint where to look, no more. */
static enum sp_status
hint(struct wait *wait, const char *file, struct sp_err *err)
{
	struct waited key, *one;
	char text[SP_ID_LEN + 1];

	if (strlen(file) != SP_ID_LEN + 5)
		return SP_OK;
	(void)snprintf(text, sizeof text, "%.*s", SP_ID_LEN, file);
	if (sp_id_parse(text, &key.id) != SP_OK)
		return SP_OK;
	one = bsearch(&key, wait->one, wait->n, sizeof *wait->one, by_id);
	return one == NULL || one->over ? SP_OK : look(wait, one, err);
}

/* Sleep up to ms, or until an outcome of ours may have come. */
static enum sp_status
nap(struct wait *wait, int64_t ms, struct sp_err *err)
{
	struct pollfd ready = { .fd = wait->inotify, .events = POLLIN };
	_Alignas(struct inotify_event) char text[16 * 1024];
	const struct inotify_event *event;
	enum sp_status st = SP_OK;
	ssize_t len, at;

	if (poll(&ready, wait->inotify == -1 ? 0 : 1, (int)ms) <= 0)
		return SP_OK;
	len = read(wait->inotify, text, sizeof text);
	for (at = 0; st == SP_OK && at < len;) {
		event = (const struct inotify_event *)(const void *)(text + at);
		if ((event->mask & IN_Q_OVERFLOW) != 0)
			st = look_all(wait, err);
		else if (event->len > 0)
			st = hint(wait, event->name, err);
		at += (ssize_t)(sizeof *event + event->len);
	}
	return st;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* SP_LOST: the time is over. */
static enum sp_status
wait_loop(struct wait *wait, int64_t until, struct sp_err *err)
{
	int64_t now, next, pause = PAUSE_FIRST, cost;
	enum sp_status st;

	for (;;) {
		now = sp_mono_ms();
		if ((st = look_all(wait, err)) == SP_OK)
			st = look_missing(wait, err);
		if (waits_out(wait->spool, st, err))
			st = SP_OK;
		if (st != SP_OK || wait->over == wait->n)
			return st;
		cost = sp_mono_ms() - now;
		next = sp_mono_ms() + pause + 4 * cost;
		pause = least(pause * 3 / 2,
		    sp_fs_far(wait->spool->root) ? PAUSE_FAR : PAUSE_MOST);
		do {
			term_bar_show(
			    &wait->bar, wait->over, wait->failed, wait->n);
			now = sp_mono_ms();
			if (until >= 0 && now >= until)
				return SP_LOST;
			st = nap(wait,
			    least(PAUSE_MOST,
				least(next, until < 0 ? next : until) - now),
			    err);
			if (st != SP_OK || wait->over == wait->n)
				return st;
		} while (sp_mono_ms() < next);
	}
}

/* ---- the verb ---- */

static enum sp_status
wait_init(struct wait *wait, const struct sp_spool *spool,
    const struct sp_id *ids, size_t n)
{
	size_t i;

	memset(wait, 0, sizeof *wait);
	wait->spool = spool;
	wait->inotify = -1;
	wait->missing_due = sp_mono_ms() + MISS_MS;
	if ((wait->one = calloc(n, sizeof *wait->one)) == NULL)
		return SP_RETRY;
	for (i = 0; i < n; i++)
		wait->one[i].id = ids[i];
	qsort(wait->one, n, sizeof *wait->one, by_id);
	for (i = 0; i < n; i++) {
		if (wait->n == 0 ||
		    strcmp(wait->one[wait->n - 1].id.text,
			wait->one[i].id.text) != 0)
			wait->one[wait->n++] = wait->one[i];
	}
	watch(wait);
	return SP_OK;
}

static int
report(const struct wait *wait, enum sp_status st, const struct sp_err *err)
{
	size_t i;

	for (i = 0; i < wait->n; i++) {
		if (wait->one[i].over && !wait->one[i].good)
			complain(
			    "%s: %s", wait->one[i].id.text, wait->one[i].words);
	}
	if (st == SP_LOST) {
		complain("time is over: %zu of %zu not over yet",
		    wait->n - wait->over, wait->n);
		return ANSWER_LATER;
	}
	if (st != SP_OK)
		return complain_of(st, err, "outcomes/");
	return wait->failed > 0 ? ANSWER_NO : ANSWER_YES;
}

int
wait_for(struct tool *tool, const struct sp_id *ids, size_t n, double seconds)
{
	struct sp_err err = { "" };
	struct wait wait;
	int64_t until =
	    seconds < 0 ? -1 : sp_mono_ms() + (int64_t)(seconds * 1000);
	enum sp_status st;
	int answer;

	if (n == 0)
		return ANSWER_YES;
	if (wait_init(&wait, &tool->spool, ids, n) != SP_OK)
		return complain_of(SP_RETRY, NULL, "no memory");
	if ((st = look_all(&wait, &err)) == SP_OK) {
		term_bar_init(&wait.bar, wait.over);
		st = wait_loop(&wait, until, &err);
		term_bar_wipe(&wait.bar);
	}
	answer = report(&wait, st, &err);
	if (wait.inotify != -1)
		(void)close(wait.inotify);
	free(wait.one);
	return answer;
}

static int
wait_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "timeout", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	double seconds = -1;
	struct sp_id *ids;
	int c, answer, waited;
	size_t n;

	while ((c = getopt_long(argc, argv, "t:", longs, NULL)) != -1) {
		if (c != 't')
			return usage_wrong();
		if (!sp_seconds_parse(optarg, &seconds) || seconds < 0) {
			complain("--timeout %s: give seconds, or 15m, 2h, 1d",
			    optarg);
			return ANSWER_WRONG;
		}
	}
	if (optind == argc)
		return usage_wrong();
	answer = pick_all(tool, argc - optind, argv + optind, &ids, &n);
	if (answer == ANSWER_YES || n > 0) {
		waited = wait_for(tool, ids, n, seconds);
		if (waited > answer)
			answer = waited;
	}
	free(ids);
	return answer;
}

const struct verb verb_wait = {
	.name = "wait",
	.usage = "[--timeout TIME] ID ...",
	.help = "until orders are over",
	.page = "Exit 0 when all succeeded, 1 when some failed (stderr says "
		"which and why), 111 when\nthe time is over first.  '-' reads "
		"IDs from standard input.\n\n"
		"  --timeout TIME   seconds, or 15m, 2h, 1d\n\n"
		"  spool submit sweep.jsonl | spool wait - && spool ls done\n",
	.run = wait_run,
};
