/*
 * finishnote.c - what is kept beside a job of an attempt that ended without a
 * commit: how it was lost, and its outcome if there is one all the same.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/file.h"
#include "libspool/finishin.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/move.h"

void
finish_note(const struct sp_name *name, char file_out[SP_NAME_MAX + 8])
{
	char attempt[SP_NAME_MAX];

	sp_attempt_print(name, attempt);
	(void)snprintf(
	    file_out, SP_NAME_MAX + 8, "%s.json", attempt + SP_ID_LEN + 1);
}

/* tTaA@W.late.json there */
static void
late_name(const struct sp_name *name, char file_out[SP_NAME_MAX + 16])
{
	char attempt[SP_NAME_MAX];

	sp_attempt_print(name, attempt);
	(void)snprintf(file_out, SP_NAME_MAX + 16, "%s.late.json",
	    attempt + SP_ID_LEN + 1);
}

enum sp_status
sp_outcome_late(const struct sp_spool *sp, const struct sp_name *name,
    const char *text, size_t len)
{
	char note[SP_NAME_MAX + 16], late[SP_NAME_MAX + 16];
	enum sp_status st;
	struct stat is;
	int run;

	if ((st = sp_run_open(sp, &name->id, false, &run, NULL)) != SP_OK)
		return st;
	finish_note(name, note);
	late_name(name, late);
	st = sp_fs_lstat(run, note, &is) == -1
	    ? SP_GONE
	    : sp_publish(sp, run, late, text, len, SP_PUB_LAZY, NULL);
	(void)sp_fs_close(run);
	return st;
}

enum sp_status
sp_attempt_note(const struct sp_spool *sp, const struct sp_name *name,
    const char *cause, const char *why, struct sp_err *err)
{
	char from[SP_NAME_MAX + 1], to[SP_NAME_MAX + 16], when[25];
	struct sp_buf text = SP_BUF_INIT(8192);
	enum sp_status st;
	struct sp_jw w;
	int run;

	st = sp_run_open(sp, &name->id, true, &run, err);
	if (st != SP_OK)
		return st;
	finish_provisional(name, from);
	finish_note(name, to);
	st = sp_move_file(sp->dir[SP_DIR_OUTCOMES], from, run, to, false, NULL);
	/* How it was lost was said already; what it had done is said beside. */
	if (st == SP_LOST) {
		late_name(name, to);
		st = sp_move_file(
		    sp->dir[SP_DIR_OUTCOMES], from, run, to, false, NULL);
		if (st == SP_LOST)
			(void)sp_fs_unlink(sp->dir[SP_DIR_OUTCOMES], from);
		st = SP_OK;
	}
	if (st == SP_GONE) {
		sp_time_print(sp_wall_ms(), when);
		sp_jw_init(&w, &text);
		sp_jw_open(&w, NULL, '{');
		sp_jw_text(&w, "cause", cause);
		sp_jw_text(&w, "why", why);
		sp_jw_text(&w, "when", when);
		sp_jw_text(&w, "by", sp->actor);
		sp_jw_close(&w, '}');
		sp_buf_puts(&text, "\n");
		st = text.failed ? SP_RETRY
				 : sp_publish(sp, run, to, text.data, text.len,
				       SP_PUB_LAZY, err);
		sp_buf_clear(&text);
	}
	(void)sp_fs_close(run);
	return st == SP_LOST ? SP_OK : st;
}
