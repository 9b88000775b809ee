/*
 * keepnew.c - the keeper's look at one entry of new/: admit drops, remember
 * bundles, refuse what is no valid job, put aside what has to wait, honour
 * marks.  Which entries are looked at, and when, is keepround.c's business.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/keepin.h"
#include "libspool/log.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/submit.h"

static void
hold(struct sp_keep *k, const struct sp_name *name, const char *why)
{
	struct sp_err err = { "" };
	struct sp_name to;
	enum sp_status st;

	st = sp_move_step(
	    k->sp, SP_STEP_HOLD, SP_NEW, SP_WAITING, name, &to, &err);
	keep_trouble("hold", st, &err);
	k->half_now |= st == SP_BAD;
	if (st == SP_OK) {
		(void)sp_move_sync(k->sp, &to.id, SP_WAITING, SP_NEW, NULL);
		sp_info("wait order=%s: %s", name->id.text, why);
		k->due[CHORE_WAIT] = 0;
	}
}

/* A canonical name whose content is no JSON object: while it is young somebody
 * may be writing it there. */
static void
broken(struct sp_keep *k, const struct sp_name *name, const struct stat *st,
    int64_t server, const struct sp_err *why)
{
	char file[SP_NAME_MAX];
	struct sp_err err = { "" };

	if (server - (int64_t)st->st_ctim.tv_sec * 1000 <
	    (int64_t)(k->sp->policy.settle * 1000)) {
		k->due[CHORE_NEW] = 0;
		return;
	}
	sp_name_print(name, file);
	keep_trouble("set aside",
	    sp_set_bad(k->sp, k->sp->dir[SP_DIR_NEW], file, why->text, &err),
	    &err);
}

/* Does what the job says let it stand in new/?  True: yes. */
static bool
ready(struct sp_keep *k, const struct sp_name *name, struct sp_job *job,
    int64_t server)
{
	enum sp_status st;
	char why[128];

	if (job->not_before > server) {
		hold(k, name, "not before its time");
		return false;
	}
	if (job->after_n == 0)
		return true;
	st = keep_after(k, job->after, &job->after_n, why);
	if (st == SP_BAD)
		(void)keep_end(k, SP_NEW, name, SP_ST_DEPENDENCY, why);
	else if (st == SP_GONE)
		hold(k, name, "its dependencies have not succeeded yet");
	return st == SP_OK;
}

/* Look into an order once.  True: it is in order and need not be read again. */
static bool
examine(struct sp_keep *k, const struct sp_name *name, int64_t server)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" };
	char file[SP_NAME_MAX];
	struct sp_job job;
	enum sp_status s;
	struct stat st;
	bool fine = false;

	sp_name_print(name, file);
	s = sp_read(k->sp->dir[SP_DIR_NEW], file, SP_JOB_MAX, &text, &st, &err);
	if (s == SP_OK && st.st_nlink > 1) {
		k->half_now = true;
	} else if (s == SP_OK) {
		s = sp_job_parse(text.data, text.len, &job, &err);
		if (s == SP_OK)
			fine = ready(k, name, &job, server);
		else if (s == SP_BAD && job.object)
			(void)keep_end(
			    k, SP_NEW, name, SP_ST_INVALID, err.text);
		else if (s == SP_BAD)
			broken(k, name, &st, server, &err);
		sp_job_clear(&job);
	} else if (s == SP_BAD) {
		if (sp_fs_lstat(k->sp->dir[SP_DIR_NEW], file, &st) == 0)
			broken(k, name, &st, server, &err);
	} else /* also what we may not read: others may */
		keep_trouble("read", s, &err);
	sp_buf_clear(&text);
	return fine;
}

static bool
marked(struct sp_keep *k, const struct sp_name *name,
    const struct keep_marks *marks)
{
	if (sp_names_has(&marks->cancel, name->id.text)) {
		(void)keep_end(k, SP_NEW, name, SP_ST_CANCELLED,
		    "cancelled before it started");
		return true;
	}
	if (sp_names_has(&marks->hold, name->id.text)) {
		hold(k, name, "on hold");
		return true;
	}
	return false;
}

bool
keep_entry(struct sp_keep *k, const char *entry, const struct keep_marks *marks,
    int64_t server, bool *young, bool *admitted)
{
	struct sp_err err = { "" };
	struct sp_name name;
	enum sp_drop kind;
	enum sp_status st;

	kind = sp_drop_kind(entry, &name);
	if (kind == SP_DROP_IGNORE)
		return false;
	if (kind != SP_DROP_ORDER) {
		st = sp_admit(k->sp, entry, kind, server, &name, &err);
		if (st == SP_RETRY)
			*young = true;
		if (err.text[0] != '\0')
			keep_trouble("admit", st, &err);
		*admitted |= st == SP_OK;
		if (st != SP_OK || name.ticket == 0)
			return false;
		if (!name.bundle)
			(void)examine(k, &name, server);
	} else if (marked(k, &name, marks))
		return false;
	if (name.bundle)
		return keep_bundle(k, &name) && kind == SP_DROP_ORDER;
	return kind == SP_DROP_ORDER && examine(k, &name, server);
}
