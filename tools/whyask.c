/*
 * whyask.c - why an order that is not over stands where it stands.  Asks the
 * same questions as those who promote and claim, and decides nothing.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "index/index.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/mark.h"
#include "libspool/outcome.h"
#include "libspool/ready.h"
#include "tools/why.h"

static void SP_PRINTF(2, 3) put(struct why *why, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	(void)sp_names_add(&why->lines, line);
}

static bool
marked_is(struct tool *tool, enum sp_dir which, const struct sp_id *id)
{
	struct sp_names ids = { 0 };
	bool is;

	is = sp_mark_list(&tool->spool, which, &ids, NULL) == SP_OK &&
	    sp_names_has(&ids, id->text);
	sp_names_clear(&ids);
	return is;
}

static void
put_mark_hold(struct why *why)
{
	const struct sp_id *id = &why->row->name.id;

	if (marked_is(why->tool, SP_DIR_HOLD, id))
		put(why, "waits: held; let it go with: spool unhold %s",
		    id->text);
}

/* ---- new/ ---- */

struct ahead {
	char file[SP_NAME_MAX];
	size_t n;
};

static bool
ahead_one(void *arg, const char *name, const struct stat *st)
{
	struct ahead *ahead = arg;

	(void)st;
	ahead->n += strcmp(name, ahead->file) < 0 &&
	    sp_drop_kind(name, NULL) == SP_DROP_ORDER;
	return true;
}

static void
count_ahead(struct why *why)
{
	const struct sp_spool *spool = &why->tool->spool;
	struct ahead ahead = { .n = 0 };

	if (sp_ready_long_is(spool) &&
	    index_ahead(spool, &why->row->name, &why->ahead) == SP_OK)
		return;
	sp_name_print(&why->row->name, ahead.file);
	(void)sp_fs_list(spool->dir[SP_DIR_NEW], ".", ahead_one, &ahead);
	why->ahead = ahead.n;
}

/* What the worker itself said of it when it last looked. */
static const char *
declined(const struct sp_beat *beat, const struct sp_id *id)
{
	size_t i;

	for (i = 0; i < beat->looked.n; i++)
		if (strcmp(beat->looked.declined[i].id.text, id->text) == 0)
			return beat->looked.declined[i].why;
	return NULL;
}

static void
put_worker(struct why *why, size_t i)
{
	const struct fleet_one *one = &why->fleet.one[i];
	const struct sp_reason *r = &why->reason[i];
	const char *said = declined(&one->beat, &why->row->name.id);

	if (r->words[0] != '\0')
		put(why, "%s: %s", one->beat.worker, r->words);
	else if (said != NULL)
		put(why,
		    "%s: could take it now; when it last looked it said: "
		    "%s",
		    one->beat.worker, said);
	else
		put(why, "%s: could take it now", one->beat.worker);
}

/* The first that could take it; else who will be able to first. */
static void
choose_next(struct why *why)
{
	const struct sp_reason *r;
	size_t i;

	for (i = 0; i < why->fleet.n; i++) {
		if (!fleet_works_is(&why->fleet, &why->fleet.one[i]))
			continue;
		r = &why->reason[i];
		if (r->kind == SP_REASON_NOW) {
			why->next = i;
			why->at = why->fleet.now;
			return;
		}
		if (r->kind == SP_REASON_BUSY && r->at > 0 &&
		    (why->at == 0 || r->at < why->at)) {
			why->next = i;
			why->at = r->at;
		}
	}
}

static void
put_next(struct why *why)
{
	char span[24];

	if (why->next == WHY_NEXT_NONE || why->at <= why->fleet.now)
		return;
	term_span((double)(why->at - why->fleet.now) / 1000, span);
	if (why->ahead == 0)
		put(why, "would run next on %s in about %s",
		    why->fleet.one[why->next].beat.worker, span);
	else
		put(why,
		    "could run on %s in about %s, after those before it "
		    "that fit there",
		    why->fleet.one[why->next].beat.worker, span);
}

static void
ask_new(struct why *why, const struct sp_job *job)
{
	size_t i, alive = 0, never = 0;

	count_ahead(why);
	why->reason = calloc(why->fleet.n + 1, sizeof *why->reason);
	for (i = 0; i < why->fleet.n && why->reason != NULL; i++) {
		if (!fleet_works_is(&why->fleet, &why->fleet.one[i]))
			continue;
		alive++;
		fleet_reason(
		    why->tool, &why->fleet.one[i], job, &why->reason[i]);
		never += why->reason[i].kind == SP_REASON_NEVER;
	}
	put(why, "queued: %zu ahead of it, %zu worker%s alive%s", why->ahead,
	    alive, alive == 1 ? "" : "s",
	    alive == 0 ? "; start one with: workerd SPOOL" : "");
	put_mark_hold(why);
	for (i = 0; i < why->fleet.n && why->reason != NULL; i++)
		if (fleet_works_is(&why->fleet, &why->fleet.one[i]))
			put_worker(why, i);
	if (alive > 0 && never == alive)
		put(why,
		    "no worker that is here can ever run it: start one "
		    "that has what it needs, or cancel it and submit it "
		    "anew with less");
	choose_next(why);
	put_next(why);
}

/* ---- waiting/ ---- */

static void
ask_after(struct why *why, const struct sp_id *id)
{
	enum sp_state state;
	struct sp_name name;
	int status;

	if (sp_find_status(&why->tool->spool, id, &status, NULL) == SP_OK) {
		if (!sp_status_good_is(status))
			put(why,
			    "fails: %s, which it was to run after, ended "
			    "with status %d",
			    id->text, status);
		return;
	}
	if (see_find(&why->tool->spool, id, &state, &name, NULL) != SP_OK)
		put(why, "waits: after %s, which is not in this spool",
		    id->text);
	else
		put(why, "waits: after %s, which stands in %s/", id->text,
		    sp_state_text(state));
}

/* Until when does its back-off last?  From the ctime of its file: the rename
 * that brought it here. */
static int64_t
backoff_until(struct tool *tool, const struct sp_name *name)
{
	char file[SP_NAME_MAX];
	struct stat st;

	if (name->attempt == 0)
		return 0;
	sp_name_print(name, file);
	if (sp_fs_lstat(tool->spool.dir[SP_DIR_WAITING], file, &st) == -1)
		return 0;
	return (int64_t)st.st_ctim.tv_sec * 1000 +
	    st.st_ctim.tv_nsec / 1000000 +
	    (int64_t)(sp_backoff(
			  &tool->spool.policy, name->attempt, &name->id) *
		1000);
}

static void
ask_waiting(struct why *why, const struct sp_job *job)
{
	const struct sp_name *name = &why->row->name;
	int64_t now = why->fleet.now, until;
	char span[24], time[25];
	size_t i;

	put_mark_hold(why);
	until = backoff_until(why->tool, name);
	if (until > now) {
		term_span((double)(until - now) / 1000, span);
		put(why, "waits: %u attempt%s failed, the next in %s",
		    name->attempt, name->attempt == 1 ? "" : "s", span);
	}
	if (job->not_before > now) {
		sp_time_print(job->not_before, time);
		put(why, "waits: not before %s", time);
	}
	for (i = 0; i < job->after_n; i++)
		ask_after(why, &job->after[i]);
	if (why->lines.n == 0)
		put(why,
		    "waits for nothing any more: the next look of a "
		    "keeper puts it into new/");
}

/* ---- assigned/ ---- */

static void
ask_assigned(struct why *why)
{
	const char *worker = why->row->name.worker;
	char span[24], left[40] = "";
	size_t i;

	for (i = 0; i < why->fleet.n; i++)
		if (strcmp(why->fleet.one[i].beat.worker, worker) == 0)
			break;
	if (i == why->fleet.n) {
		put(why,
		    "its worker %s has left no beat; the order goes back "
		    "when a lease is over",
		    worker);
		return;
	}
	term_span(why->fleet.one[i].silent, span);
	put(why, "runs on %s, last heard of %s ago%s", worker, span,
	    why->fleet.one[i].silent > why->fleet.lease
		? "; the order goes back to the queue"
		: "");
	term_progress(why->row, why->fleet.now, left);
	if (left[0] != '\0')
		put(why, "has come to %s", left);
}

/* ---- all ---- */

static void
ask_over(struct why *why)
{
	put(why, "over: it stands in %s/ with status %d%s%s",
	    sp_state_text(why->row->state), why->row->status,
	    why->row->error[0] != '\0' ? ": " : "", why->row->error);
}

void
why_ask(struct tool *tool, const struct sp_row *row, const struct sp_buf *text,
    struct why *why)
{
	struct sp_err err = { "" };
	struct sp_job job;

	memset(why, 0, sizeof *why);
	why->tool = tool;
	why->row = row;
	why->next = WHY_NEXT_NONE;
	if (sp_state_over_is(row->state)) {
		ask_over(why);
		return;
	}
	if (fleet_read(tool, &why->fleet, &err) != SP_OK)
		put(why, "the workers cannot be asked: %s", err.text);
	if (row->state == SP_ASSIGNED) {
		ask_assigned(why);
	} else if (sp_job_parse(sp_buf_text(text), text->len, &job, &err) ==
		SP_OK ||
	    row->name.bundle) {
		if (row->state == SP_NEW)
			ask_new(why, &job);
		else
			ask_waiting(why, &job);
		sp_job_clear(&job);
	} else {
		put(why, "no valid job, it ends with status 400: %s", err.text);
		sp_job_clear(&job);
	}
	if (marked_is(tool, SP_DIR_CANCEL, &row->name.id))
		put(why, "marked to be cancelled");
}

void
why_clear(struct why *why)
{
	sp_names_clear(&why->lines);
	fleet_clear(&why->fleet);
	free(why->reason);
	why->reason = NULL;
}
