/*
 * admit.c - what people drop into new/: wait until it is whole, then give it
 * its canonical name by one rename, or set it aside in bad/ with a .why.
 *
 * No event and no time proves that a file is whole.  Its content does: no
 * proper prefix of a JSON object is a JSON object.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/bundle.h"
#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/log.h"
#include "libspool/move.h"
#include "libspool/owner.h"
#include "libspool/submit.h"

/* What looking at a drop tells. */
enum verdict {
	WHOLE,  /* admit it */
	BROKEN, /* not a job; may still become one while it is young */
	LINKED, /* two names: a rename under way, or a planted link */
	GONE,
	TROUBLE
};

/* Seconds.  ctime: unlike mtime nobody can set it, and each write renews it. */
static double
age_of(const struct stat *st, int64_t now)
{
	return (double)(now - (int64_t)st->st_ctim.tv_sec * 1000) / 1000 -
	    (double)st->st_ctim.tv_nsec / 1e9;
}

static enum verdict
judge_bundle(const struct sp_buf *text, bool settled, struct sp_job *job,
    struct sp_err *err)
{
	/* Each line is judged when it is opened; here only: is it all there?
	 * Whole lines prove nothing, so the settle time must pass as well. */
	(void)memset(job, 0, sizeof *job);
	job->prio = settled ? sp_bundle_prio(sp_buf_text(text), text->len)
			    : SP_PRIO_USUAL;
	if (text->len == 0)
		(void)sp_err_set(err, SP_BAD, "the file is empty");
	else if (text->data[text->len - 1] != '\n')
		(void)sp_err_set(err, SP_BAD,
		    "the last line has no newline at its end, so it may be cut "
		    "short");
	else
		return WHOLE;
	return BROKEN;
}

/* Open, read, parse.  job_out is filled for WHOLE; clear it always.  A bundle
 * is looked through when it has not changed for `settle`. */
static enum verdict
judge(int dirfd, const char *raw, bool bundle, int64_t now, double settle,
    struct sp_job *job_out, struct stat *st, struct sp_err *err)
{
	size_t max = bundle ? SP_BUNDLE_MAX : SP_JOB_MAX;
	struct sp_buf text = SP_BUF_INIT(max);
	enum verdict v;
	enum sp_status s;

	(void)memset(job_out, 0, sizeof *job_out);
	if (sp_fs_lstat(dirfd, raw, st) == -1) {
		if (errno == ENOENT)
			return GONE;
		(void)sp_err_sys(err, "%s", raw);
		return TROUBLE;
	}
	s = sp_read(dirfd, raw, max, &text, st, err);
	if (s == SP_GONE)
		v = GONE;
	else if (s == SP_RETRY)
		v = TROUBLE;
	else if (s != SP_OK)
		v = BROKEN; /* not plain, too long, or not to be read */
	else if (st->st_nlink == 0 && sp_fs_links(dirfd, raw, st) == -1)
		v = errno == ENOENT ? GONE : TROUBLE;
	else if (st->st_nlink != 1) {
		(void)sp_err_set(err, SP_BAD,
		    "the file has %u hard links; a job must be a file of its "
		    "own",
		    (unsigned)st->st_nlink);
		v = LINKED;
	} else if (bundle)
		v = judge_bundle(
		    &text, age_of(st, now) >= settle, job_out, err);
	else if ((s = sp_job_parse(text.data, text.len, job_out, err)) ==
		SP_OK &&
	    job_out->owned) {
		(void)sp_err_set(err, SP_BAD, SP_OWNER_WORDS);
		v = BROKEN;
	} else if (s == SP_OK)
		v = WHOLE;
	else if (s == SP_RETRY)
		v = TROUBLE; /* no memory */
	else /* an invalid job is admitted and refused by name */
		v = job_out->object ? WHOLE : BROKEN;
	sp_buf_clear(&text);
	return v;
}

/* ---- bad/ ---- */

void
sp_put_safe(struct sp_buf *b, const char *name)
{
	for (; *name != '\0'; name++)
		if (isprint((unsigned char)*name))
			sp_buf_put(b, name, 1);
		else
			sp_buf_printf(b, "\\x%02x", (unsigned char)*name);
}

static enum sp_status
explain(const struct sp_spool *sp, const char *bad, const char *why,
    struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(8192);
	char file[256 + 8];
	enum sp_status st;

	sp_put_safe(&text, bad);
	sp_buf_puts(&text,
	    " was dropped into new/ and cannot be a job.\n\n"
	    "What is wrong:  ");
	sp_put_safe(&text, why);
	sp_buf_puts(&text,
	    "\nWhat to do:     mend it and move it back:  "
	    "mv bad/");
	sp_put_safe(&text, bad);
	sp_buf_puts(&text,
	    " new/\n\nA job is one JSON object in a plain file, "
	    "for example\n  {\"scriptName\": \"nn.py\", \"epochs\": 3}\n"
	    "Nothing in bad/ is ever deleted by spool.\n");
	(void)snprintf(file, sizeof file, "%s.why", bad);
	st = text.failed ? SP_RETRY
			 : sp_publish(sp, sp->dir[SP_DIR_BAD], file, text.data,
			       text.len, SP_PUB_LAZY, err);
	sp_buf_clear(&text);
	return st == SP_LOST ? SP_OK : st;
}

enum sp_status
sp_set_bad(const struct sp_spool *sp, int fromfd, const char *name,
    const char *why, struct sp_err *err)
{
	char to[256];
	enum sp_status st;

	(void)snprintf(to, sizeof to, "%.200s", name);
	st = sp_move_aside(sp, fromfd, name, SP_DIR_BAD, to, err);
	if (st != SP_OK)
		return st;
	SP_CRASH("bad.moved");
	sp_info("set-aside drop=%s -> bad/%s: %s", name, to, why);
	return explain(sp, to, why, err);
}

enum sp_status
sp_bad_explain(const struct sp_spool *sp, struct sp_err *err)
{
	struct sp_names names = { 0 };
	char file[256 + 8];
	const char *name;
	struct sp_job job;
	struct sp_err why;
	enum sp_status s;
	struct stat st;
	size_t i, len;

	s = sp_list(sp->dir[SP_DIR_BAD], false, &names, err);
	for (i = 0; i < names.n && s == SP_OK; i++) {
		name = sp_names_at(&names, i);
		len = strlen(name);
		if (len > 240 ||
		    (len > 4 && strcmp(name + len - 4, ".why") == 0))
			continue;
		(void)snprintf(file, sizeof file, "%s.why", name);
		if (sp_names_has(&names, file))
			continue;
		sp_err_clear(&why);
		if (judge(sp->dir[SP_DIR_BAD], name,
			sp_drop_kind(name, NULL) == SP_DROP_BUNDLE, 0, 0, &job,
			&st, &why) == WHOLE)
			(void)sp_err_set(&why, SP_BAD,
			    "it looks whole now; it did not when it was set "
			    "aside");
		sp_job_clear(&job);
		s = explain(sp, name, why.text, err);
	}
	sp_names_clear(&names);
	return s;
}

/* ---- admission ---- */

static enum sp_status
admit(const struct sp_spool *sp, const char *raw, bool bundle,
    const struct sp_job *job, struct sp_name *name_out, struct sp_err *err)
{
	char label[SP_LABEL_MAX + 1], name[SP_NAME_MAX];
	enum sp_status st;
	struct sp_id id;

	sp_label_make(raw, label);
	sp_id_now(&id);
	if (bundle) /* the ids of its lines are to come after it */
		sp_id_make(sp_id_ms(&id), sp_id_bits(&id) & 0x7fffffffu, &id);
	sp_name_first(job, &id, label, name_out);
	name_out->bundle = bundle;
	st = sp_move_admit(sp, raw, name_out, err);
	if (st == SP_OK) {
		sp_name_print(name_out, name);
		sp_info("admit drop=%s -> new/%s", raw, name);
	}
	return st;
}

enum sp_status
sp_admit(const struct sp_spool *sp, const char *raw, enum sp_drop kind,
    int64_t now, struct sp_name *name_out, struct sp_err *err)
{
	bool bundle = kind == SP_DROP_BUNDLE;
	int dirfd = sp->dir[SP_DIR_NEW];
	struct stat st = { 0 };
	enum sp_status s;
	struct sp_job job;
	struct sp_err why;
	enum verdict v;
	double age;

	(void)memset(name_out, 0, sizeof *name_out);
	sp_err_clear(&why);
	v = judge(dirfd, raw, bundle, now, sp->policy.settle, &job, &st, &why);
	age = age_of(&st, now);
	switch (v) {
	case WHOLE:
		if (bundle && age < sp->policy.settle)
			s = SP_RETRY;
		else
			s = admit(sp, raw, bundle, &job, name_out, err);
		break;
	case LINKED:
	case BROKEN:
		if (age <
		    (v == LINKED ? sp->policy.half_rename : sp->policy.settle))
			s = SP_RETRY;
		else
			s = sp_set_bad(sp, dirfd, raw, why.text, err);
		break;
	case GONE:
		s = SP_GONE;
		break;
	default:
		s = sp_err_set(err, SP_RETRY, "%s", why.text);
	}
	sp_job_clear(&job);
	return s;
}
