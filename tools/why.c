/*
 * why.c - why an order that is not over stands where it stands, in words.
 * Asks the same questions as those who promote and claim, and decides nothing.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/json.h"
#include "libspool/mark.h"
#include "libspool/outcome.h"
#include "tools/spool.h"

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

/* How many workers have beaten within a lease, and the silence of one of them
 * (-1: it has no file). */
static size_t
count_alive(struct tool *tool, const char *worker, double *silent_out)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX + 2);
	struct sp_names names = { 0 };
	struct sp_beat beat;
	struct stat st;
	int64_t now = 0, took;
	size_t i, n = 0;
	double silent;

	*silent_out = -1;
	if (sp_server_now(&tool->spool, &now, &took, NULL) != SP_OK ||
	    sp_list(tool->spool.dir[SP_DIR_WORKERS], false, &names, NULL) !=
		SP_OK)
		return 0;
	for (i = 0; i < names.n; i++) {
		if (sp_read(tool->spool.dir[SP_DIR_WORKERS],
			sp_names_at(&names, i), SP_BEAT_MAX, &text, &st,
			NULL) != SP_OK ||
		    sp_beat_parse(sp_buf_text(&text), text.len, &beat, NULL) !=
			SP_OK)
			continue;
		silent = (double)(now - (int64_t)st.st_mtim.tv_sec * 1000 -
			     st.st_mtim.tv_nsec / 1000000) /
		    1000;
		if (strcmp(beat.worker, worker) == 0)
			*silent_out = silent < 0 ? 0 : silent;
		if (strcmp(beat.role, "worker") == 0 &&
		    silent <= tool->spool.policy.lease)
			n++;
		sp_beat_clear(&beat);
	}
	sp_names_clear(&names);
	sp_buf_clear(&text);
	return n;
}

/* ---- new/ ---- */

static void
why_new(struct tool *tool, const struct sp_row *row)
{
	struct sp_names names = { 0 };
	char file[SP_NAME_MAX];
	size_t i, ahead = 0, alive;
	double silent;

	sp_name_print(&row->name, file);
	if (sp_list(tool->spool.dir[SP_DIR_NEW], false, &names, NULL) ==
	    SP_OK) {
		for (i = 0; i < names.n; i++) {
			if (strcmp(sp_names_at(&names, i), file) >= 0)
				break;
			if (sp_drop_kind(sp_names_at(&names, i), NULL) ==
			    SP_DROP_ORDER)
				ahead++;
		}
	}
	sp_names_clear(&names);
	alive = count_alive(tool, "", &silent);
	(void)printf("  queued: %zu ahead of it, %zu worker%s alive%s\n", ahead,
	    alive, alive == 1 ? "" : "s",
	    alive == 0 ? "; start one with: workerd SPOOL" : "");
}

/* ---- waiting/ ---- */

static void
why_after(struct tool *tool, const struct sp_id *id)
{
	enum sp_state state;
	struct sp_name name;
	int status;

	if (sp_find_status(&tool->spool, id, &status, NULL) == SP_OK) {
		if (!sp_status_good_is(status))
			(void)printf("  fails: %s, which it was to run after, "
				     "ended with status %d\n",
			    id->text, status);
		return;
	}
	if (sp_find(&tool->spool, id, &state, &name, NULL) != SP_OK)
		(void)printf("  waits: after %s, which is not in this spool\n",
		    id->text);
	else
		(void)printf("  waits: after %s, which stands in %s/\n",
		    id->text, sp_state_text(state));
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
	if (fstatat(tool->spool.dir[SP_DIR_WAITING], file, &st,
		AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	return (int64_t)st.st_ctim.tv_sec * 1000 +
	    st.st_ctim.tv_nsec / 1000000 +
	    (int64_t)(sp_backoff(
			  &tool->spool.policy, name->attempt, &name->id) *
		1000);
}

static void
why_waiting(
    struct tool *tool, const struct sp_row *row, const struct sp_buf *text)
{
	struct sp_job job;
	char span[24], time[25];
	int64_t now = 0, took, until;
	size_t i;

	(void)sp_server_now(&tool->spool, &now, &took, NULL);
	if (marked_is(tool, SP_DIR_HOLD, &row->name.id))
		(void)printf("  waits: held; let it go with: spool unhold %s\n",
		    row->name.id.text);
	until = backoff_until(tool, &row->name);
	if (until > now) {
		term_span((double)(until - now) / 1000, span);
		(void)printf("  waits: %u attempt%s failed, the next in %s\n",
		    row->name.attempt, row->name.attempt == 1 ? "" : "s", span);
	}
	if (sp_job_parse(sp_buf_text(text), text->len, &job, NULL) == SP_OK) {
		if (job.not_before > now) {
			sp_time_print(job.not_before, time);
			(void)printf("  waits: not before %s\n", time);
		}
		for (i = 0; i < job.after_n; i++)
			why_after(tool, &job.after[i]);
	}
	sp_job_clear(&job);
}

/* ---- assigned/ ---- */

static void
why_assigned(struct tool *tool, const struct sp_row *row)
{
	char span[24];
	double silent;

	(void)count_alive(tool, row->name.worker, &silent);
	if (silent < 0) {
		(void)printf("  its worker %s has left no beat; the order goes "
			     "back when a lease is over\n",
		    row->name.worker);
	} else {
		term_span(silent, span);
		(void)printf("  runs on %s, last heard of %s ago%s\n",
		    row->name.worker, span,
		    silent > tool->spool.policy.lease
			? "; the order goes back to the queue"
			: "");
	}
}

void
why_print(struct tool *tool, const struct sp_row *row, const struct sp_buf *job)
{
	switch (row->state) {
	case SP_NEW:
		why_new(tool, row);
		break;
	case SP_WAITING:
		why_waiting(tool, row, job);
		break;
	case SP_ASSIGNED:
		why_assigned(tool, row);
		break;
	default:
		return;
	}
	if (marked_is(tool, SP_DIR_CANCEL, &row->name.id))
		(void)puts("  marked to be cancelled");
}
