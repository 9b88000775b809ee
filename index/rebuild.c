/*
 * rebuild.c - making the index anew by hand, with or without a spoold.
 */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "index/inner.h"
#include "libspool/file.h"
#include "libspool/fs.h"

#define LOOK_MS 20

/* The wish, as spoold's sync sees it.  It stands until it is fulfilled. */
static enum sp_status
ask(const struct sp_spool *spool, struct sp_err *err)
{
	enum sp_status st;
	int fd;

	if ((st = sp_make_dir(spool->root, "index", err)) != SP_OK)
		return st;
	fd = sp_fs_open(spool->root, "index/" INDEX_REQUEST,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
	if (fd == -1 && errno != EEXIST)
		return sp_err_sys(err, "make index/" INDEX_REQUEST);
	if (fd != -1)
		(void)sp_fs_close(fd);
	return SP_OK;
}

static bool
asked_is(const struct sp_spool *spool)
{
	struct stat st;

	return sp_fs_lstat(spool->root, "index/" INDEX_REQUEST, &st) == 0;
}

/* We have the lock: the request is ours to serve.  A last round, when times had
 * time to pass, makes it fresh for readers. */
static enum sp_status
serve(struct index *ix, struct sp_err *err)
{
	const struct timespec nap = { .tv_nsec = LOOK_MS * 1000000L };
	struct index_report report;
	int tries, most = ix->spool->local ? 10 : 150;
	enum sp_status st;

	for (tries = 0;; tries++) {
		st = index_sync(ix, 0, 0, &report, err);
		if (st != SP_OK || (!report.more && report.fresh))
			return st;
		if (!report.more) {
			if (tries >= most)
				return SP_OK; /* somebody is at work */
			(void)nanosleep(&nap, NULL);
		}
	}
}

enum sp_status
index_rebuild(const struct sp_spool *spool, int64_t wait_ms,
    bool *by_spoold_out, struct sp_err *err)
{
	const struct timespec nap = { .tv_nsec = LOOK_MS * 1000000L };
	int64_t until = sp_mono_ms() + wait_ms;
	struct index *ix;
	enum sp_status st;

	if (by_spoold_out != NULL)
		*by_spoold_out = false;
	if ((st = ask(spool, err)) != SP_OK)
		return st;
	for (;;) {
		/* From another machine only spoold can be asked. */
		st = sp_fs_far(spool->root) ? SP_LOST
					    : index_open(spool, &ix, err);
		if (st == SP_OK) {
			st = serve(ix, err);
			index_close(ix);
			return st;
		}
		if (st != SP_LOST)
			return st;
		if (!asked_is(spool)) {
			if (by_spoold_out != NULL)
				*by_spoold_out = true;
			return SP_OK;
		}
		if (sp_mono_ms() >= until)
			return sp_fs_far(spool->root)
			    ? sp_err_set(err, SP_RETRY,
				  "spoold was asked to make the index anew, but "
				  "has not done so yet; is it running there?")
			    : sp_err_set(err, SP_RETRY,
				  "spoold has the index and was asked to make it "
				  "anew, but has not done so yet");
		(void)nanosleep(&nap, NULL);
	}
}
