/*
 * incomingdrop.c - one drop in incoming/, which is a stranger's file: what it
 * is and what it says, by one handle and nothing else, and its text with its
 * owner written into it.
 */
#include <errno.h>
#include <string.h>

#include "libspool/bundle.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/incomingin.h"
#include "libspool/owner.h"

static double
age_of(const struct sp_incoming *in, const struct stat *st)
{
	return (double)(in->server - (int64_t)st->st_ctim.tv_sec * 1000) /
	    1000 -
	    (double)st->st_ctim.tv_nsec / 1e9;
}

/* Refused, unless it is so young that it may still become what it is to be. */
static enum sp_status
wrong(const struct sp_incoming *in, const struct stat *st, double until,
    struct sp_err *err)
{
	if (age_of(in, st) >= until)
		return SP_BAD;
	sp_err_clear(err);
	return SP_RETRY;
}

/* What the file is.  Asked twice: of the name, which is cheap, and of the
 * handle, which alone counts. */
static enum sp_status
look(const struct sp_incoming *in, const struct incoming_drop *drop,
    const struct stat *st, struct sp_err *err)
{
	const struct sp_policy *policy = &in->sp->policy;
	off_t most = drop->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX;

	if (!S_ISREG(st->st_mode))
		return sp_err_set(err, SP_BAD,
		    "it is no plain file; nothing else is ever opened or "
		    "followed");
	if (st->st_nlink != 1) {
		(void)sp_err_set(err, SP_BAD,
		    "the file has %u hard links; a job must be a file of its "
		    "own: copy it",
		    (unsigned)st->st_nlink);
		return wrong(in, st, policy->half_rename, err);
	}
	if ((st->st_mode & 022) != 0) {
		(void)sp_err_set(err, SP_BAD,
		    "others may write to the file (mode %04o), so nobody knows "
		    "whose job it is: chmod go-w",
		    (unsigned)st->st_mode & 07777);
		return wrong(in, st, policy->settle, err);
	}
	if (st->st_size > most) {
		(void)sp_err_set(err, SP_BAD,
		    "%lld bytes are too many; at most %lld are read",
		    (long long)st->st_size, (long long)most);
		return wrong(in, st, policy->settle, err);
	}
	return SP_OK;
}

static enum sp_status
read_it(struct sp_incoming *in, struct incoming_drop *drop, struct sp_buf *text,
    struct sp_err *err)
{
	off_t most = drop->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX;
	enum sp_status s;
	struct stat st;
	int fd;

	s = sp_open(in->dir, drop->name, most, &fd, &st, err);
	if (s == SP_GONE)
		return s;
	if (s != SP_OK && errno == EACCES) {
		sp_err_clear(err);
		(void)sp_err_set(err, SP_BAD,
		    "the spool's owner may not read it: chmod a+r (nobody can "
		    "list incoming/, but who knows the name could read it, "
		    "too)");
		return wrong(in, &drop->st, in->sp->policy.settle, err);
	}
	if (s != SP_OK) /* exchanged for something else meanwhile */
		return s == SP_BAD
		    ? wrong(in, &drop->st, in->sp->policy.settle, err)
		    : s;
	if ((s = look(in, drop, &st, err)) == SP_OK &&
	    st.st_uid != drop->st.st_uid)
		s = SP_RETRY; /* another one: next time */
	if (s == SP_OK)
		s = sp_read_fd(fd, drop->name, (size_t)most, (size_t)st.st_size,
		    text, err);
	(void)sp_fs_close(fd);
	drop->st = st;
	return s;
}

/* ---- what it says ---- */

static void
stamp(const struct sp_incoming *in, const struct incoming_drop *drop,
    const char *text, size_t len, struct sp_buf *out)
{
	const struct incoming_owner *o = &in->owner[drop->owner];
	struct sp_buf value = SP_BUF_INIT(1024);
	struct sp_member set = { .key = "owner" };

	sp_owner_print(o->uid, o->user, &value);
	set.value = sp_buf_text(&value);
	sp_job_splice(text, len, &set, 1, out);
	out->failed |= value.failed;
	sp_buf_clear(&value);
}

/* One job: whole, valid, and silent about whose it is. */
static enum sp_status
take_job(struct sp_incoming *in, struct incoming_drop *drop, const char *text,
    size_t len, struct sp_err *err)
{
	size_t before = drop->text.len;
	enum sp_status s;
	struct sp_job job;

	s = sp_job_parse(text, len, &job, err);
	if (s == SP_OK && job.owned)
		s = sp_err_set(err, SP_BAD, SP_OWNER_WORDS);
	sp_job_clear(&job);
	if (s != SP_OK)
		return s;
	stamp(in, drop, text, len, &drop->text);
	if (drop->text.failed)
		return sp_err_set(err, SP_RETRY, "no memory");
	drop->jobs++;
	return drop->text.len - before <= SP_JOB_MAX
	    ? SP_OK
	    : sp_err_set(err, SP_BAD,
		  "the job is too long by a few bytes: its owner is to be "
		  "written into it");
}

static bool
empty_is(const char *text, size_t len)
{
	while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL &&
	    text[len - 1] != '\0')
		len--;
	return len == 0;
}

/* All of its lines or none: here is somebody to tell which is wrong. */
static enum sp_status
take_lines(struct sp_incoming *in, struct incoming_drop *drop,
    const struct sp_buf *text, struct sp_err *err)
{
	const char *at = sp_buf_text(text), *end = at + text->len, *nl;
	enum sp_status s = SP_OK;
	struct sp_err why;
	unsigned line = 0;

	for (; at < end && s == SP_OK; at = nl + 1) {
		nl = memchr(at, '\n', (size_t)(end - at));
		if (nl == NULL)
			return sp_err_set(err, SP_BAD,
			    "the last line has no newline at its end, so it "
			    "may be cut short");
		line++;
		sp_alive(in->sp);
		sp_err_clear(&why);
		if (!empty_is(at, (size_t)(nl - at)))
			s = take_job(in, drop, at, (size_t)(nl - at), &why);
		if (s == SP_BAD)
			(void)sp_err_set(
			    err, s, "line %u: %.400s", line, why.text);
		sp_buf_put(&drop->text, "\n", 1);
	}
	if (s == SP_OK && drop->text.failed)
		s = drop->text.len >= SP_BUNDLE_MAX - SP_JOB_MAX
		    ? sp_err_set(err, SP_BAD, "too long: cut it in two")
		    : sp_err_set(err, SP_RETRY, "no memory");
	if (s == SP_OK && drop->jobs == 0)
		s = sp_err_set(err, SP_BAD, "there is no job in it");
	/* An id for each line, and one for each short bundle of them. */
	drop->span = 2 * line + 2;
	drop->prio = sp_bundle_prio(sp_buf_text(&drop->text), drop->text.len);
	return s;
}

enum sp_status
incoming_judge(
    struct sp_incoming *in, struct incoming_drop *drop, struct sp_err *err)
{
	size_t most = drop->bundle ? SP_BUNDLE_MAX : SP_JOB_MAX;
	struct sp_buf text = SP_BUF_INIT(most);
	double settle = in->sp->policy.settle;
	enum sp_status s;

	drop->jobs = 0;
	drop->span = 1;
	drop->prio = -1;
	if ((s = look(in, drop, &drop->st, err)) == SP_OK)
		s = incoming_whose(in, drop->st.st_uid, &drop->owner);
	if (s == SP_OK) /* so that what may not come in is not read, either */
		s = incoming_may(
		    in, drop->owner, 1, (int64_t)drop->st.st_size, err);
	if (s == SP_OK && drop->bundle && age_of(in, &drop->st) < settle)
		s = SP_RETRY;
	if (s == SP_OK)
		s = read_it(in, drop, &text, err);
	sp_buf_init(&drop->text, drop->bundle ? SP_BUNDLE_MAX : 2 * SP_JOB_MAX);
	if (s == SP_OK) {
		s = drop->bundle
		    ? take_lines(in, drop, &text, err)
		    : take_job(in, drop, sp_buf_text(&text), text.len, err);
		if (s == SP_BAD) /* it may not be whole yet */
			s = wrong(in, &drop->st, settle, err);
	}
	sp_buf_clear(&text);
	if (s == SP_OK)
		s = incoming_may(
		    in, drop->owner, drop->jobs, (int64_t)drop->text.len, err);
	if (s != SP_OK)
		sp_buf_clear(&drop->text);
	return s;
}
