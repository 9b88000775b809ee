/*
 * originpost.c - what becomes of an order that an original Boss has given us:
 * its job is fetched and put into new/, and when it is over its outcome is
 * posted until the Boss has answered to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/log.h"
#include "libspool/outcome.h"
#include "libspool/submit.h"
#include "transport/originin.h"

#define TRIES   5   /* of one outcome that is not answered */
#define LOOK_MS 500 /* between looks whether something is over */

/* ---- placing a job ---- */

/* The job as its script expects it. */
static enum sp_status
dress(struct tr_origin *o, const struct owed *owed, const struct sp_buf *text,
    struct sp_buf *out, struct sp_err *err)
{
	char id[SP_ORIGIN_ID_MAX + 32], *back;
	const char *set[3] = { id };
	enum sp_status st;
	struct stat is;
	size_t n = 1;

	/* Quoted, or twelve digits and an e would be a number. */
	(void)snprintf(id, sizeof id, "assignmentId=\"%s\"", owed->order);
	if (asprintf(&back, "callbackAddress=\"%s\"", o->url) == -1)
		return sp_err_set(err, SP_RETRY, "no memory");
	/* A prefix may be a secret, and the job is for all to read. */
	if (strstr(o->url, "/t/") == NULL)
		set[n++] = back;
	if (sp_fs_lstat(o->book.spool.dir[SP_DIR_SCRIPTS], "origin", &is) ==
		0 &&
	    S_ISDIR(is.st_mode))
		set[n++] = "order.code=\"origin\"";
	st = sp_job_edit(text->data, text->len, set, n, out, err);
	free(back);
	return st;
}

static enum sp_status
submit(struct tr_origin *o, struct owed *owed, const struct sp_buf *text,
    struct sp_err *err)
{
	struct sp_buf dressed = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_submit job = { .prio = -1 };
	enum sp_status st;

	st = dress(o, owed, text, &dressed, err);
	if (st == SP_OK) {
		job.text = dressed.data;
		job.len = dressed.len;
		if (sp_label_ok(owed->order))
			(void)strcpy(job.label, owed->order);
		st = sp_submit(&o->book.spool, &job, 1, NULL);
		if (st != SP_OK)
			(void)sp_err_set(err, st, "%s", job.err.text);
	}
	if (st == SP_OK) {
		owed->id = job.id;
		sp_info("origin: order=%s is %s", owed->order, job.id.text);
		if (book_placed(&o->book, owed, err) != SP_OK)
			sp_warn("origin: order=%s cannot be noted: %s",
			    owed->order, err->text);
	}
	sp_buf_clear(&dressed);
	return st;
}

/* SP_GONE: it is settled, there is nothing to do for it. */
static enum sp_status
place(struct tr_origin *o, struct owed *owed, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	enum sp_status st;
	int status;

	st = origin_call(
	    o, "/retrieve/job/", owed->job, NULL, NULL, &text, &status, err);
	if (st == SP_OK && !origin_good_is(status))
		st = origin_refused(status, err);
	if (st == SP_GONE || (st == SP_OK && text.len == 0)) {
		sp_warn(
		    "origin: order=%s has no job: passed over", owed->order);
		st = SP_GONE;
	} else if (st == SP_OK) {
		st = submit(o, owed, &text, err);
	}
	if (st == SP_BAD) {
		sp_warn("origin: order=%s: %s", owed->order, err->text);
		(void)snprintf(
		    owed->why, sizeof owed->why, "%.250s", err->text);
		st = SP_OK;
	}
	sp_buf_clear(&text);
	return st;
}

/* ---- posting what came of it ---- */

/* SP_GONE: it is not over. */
static enum sp_status
outcome_of(struct tr_origin *o, const struct owed *owed, struct sp_buf *out,
    struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX);
	char file[SP_ID_LEN + 6];
	enum sp_status how;
	struct stat st;

	if (owed->why[0] != '\0') {
		sp_buf_puts(&text, "{\"status\":400}");
		how = SP_OK;
	} else {
		(void)snprintf(file, sizeof file, "%s.json", owed->id.text);
		how = sp_read(o->book.spool.dir[SP_DIR_OUTCOMES], file,
		    SP_OUTCOME_MAX, &text, &st, err);
	}
	if (how == SP_OK)
		how = sp_origin_outcome_print(
		    text.data, text.len, owed->order, o->dialect, out, err);
	sp_buf_clear(&text);
	return how;
}

/* SP_OK: it is settled.  SP_LOST: the Boss is there and does not answer to
 * this. */
static enum sp_status
post(struct tr_origin *o, struct owed *owed, const struct sp_buf *body,
    struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	enum sp_status st;
	int status;

	/* Is it there at all?  This it always answers to. */
	st = origin_call(
	    o, "/retrieve/job/", owed->job, NULL, NULL, &text, &status, err);
	if (st != SP_OK) {
		sp_buf_clear(&text);
		return st;
	}
	st = origin_call(o, "/callback", "", "application/json;charset=utf-8",
	    body, &text, &status, err);
	sp_buf_clear(&text);
	if (st == SP_RETRY)
		return SP_LOST;
	if (st == SP_OK && !origin_good_is(status))
		return sp_err_set(err, status >= 500 ? SP_RETRY : SP_LOST,
		    "/callback: it answered %d", status);
	return st;
}

/* true: it is gone from the book. */
static bool
deliver(struct tr_origin *o, struct owed *owed)
{
	struct sp_buf body = SP_BUF_INIT(SP_ORIGIN_BODY_MAX), text;
	struct sp_err err = { "" };
	enum sp_status st;
	bool over = false;

	sp_buf_init(&text, SP_JOB_MAX);
	st = origin_dialect(o, &text, &err);
	sp_buf_clear(&text);
	if (st == SP_OK)
		st = outcome_of(o, owed, &body, &err);
	if (st == SP_OK)
		st = post(o, owed, &body, &err);
	sp_buf_clear(&body);
	if (st == SP_GONE) {
		owed->due = sp_mono_ms() + LOOK_MS;
		return false;
	}
	if (st == SP_OK) {
		sp_info("origin: order=%s: its outcome was answered to",
		    owed->order);
		book_settled(&o->book, owed);
		return true;
	}
	if (st == SP_BAD || (st == SP_LOST && ++owed->tries >= TRIES)) {
		sp_warn("origin: order=%s: the outcome was not answered to "
			"(%.200s); kept as origin/%s/%s.unanswered, rename it "
			"to .json to have it sent again",
		    owed->order, err.text, o->book.boss, owed->order);
		book_unanswered(&o->book, owed);
		over = true;
	} else {
		if (sp_warn_due(owed->order))
			sp_warn("origin: order=%s: %s", owed->order, err.text);
		owed->due =
		    sp_mono_ms() + origin_backed_off(o, owed->failures++);
	}
	return over;
}

/* What is due of all that we owe. */
void
origin_settle(struct tr_origin *o)
{
	struct sp_err err = { "" };
	enum sp_status st;
	size_t i = 0;

	while (i < o->book.n) {
		struct owed *owed = &o->book.owed[i];

		if (sp_mono_ms() < owed->due) {
			i++;
			continue;
		}
		if (owed->id.text[0] != '\0' || owed->why[0] != '\0') {
			if (!deliver(o, owed))
				i++;
			continue;
		}
		sp_err_clear(&err);
		st = place(o, owed, &err);
		if (st == SP_GONE) {
			book_settled(&o->book, owed);
			continue;
		}
		owed->due = sp_mono_ms();
		if (st == SP_OK) {
			owed->failures = 0;
		} else {
			if (sp_warn_due(owed->order))
				sp_warn("origin: order=%s: %s", owed->order,
				    err.text);
			owed->due += origin_backed_off(o, owed->failures++);
		}
		i++;
	}
}

/* Is anything over that has not been answered to? */
bool
origin_owing(struct tr_origin *o)
{
	char file[SP_ID_LEN + 6];
	struct stat st;
	size_t i;

	for (i = 0; i < o->book.n; i++) {
		const struct owed *owed = &o->book.owed[i];
		struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX);
		bool over;

		(void)snprintf(file, sizeof file, "%s.json", owed->id.text);
		over = owed->id.text[0] != '\0' &&
		    sp_read(o->book.spool.dir[SP_DIR_OUTCOMES], file,
			SP_OUTCOME_MAX, &text, &st, NULL) == SP_OK;
		sp_buf_clear(&text);
		if (over || owed->why[0] != '\0')
			return true;
	}
	return false;
}
