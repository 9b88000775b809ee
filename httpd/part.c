/*
 * part.c - files that come in, in one request or in many.  What is there lies
 * in tmp/ under a name that follows from what it is to be, so it outlasts us
 * and any connection, and the sweeper takes what nobody ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/v1.h"
#include "libspool/file.h"
#include "libspool/sha256.h"

struct wanted {
	int64_t at, total; /* total -1: the body is all of it */
};

static bool
wanted_of(const struct request *r, const struct part *p, struct wanted *w,
    struct answer *a)
{
	if (!query_int(r, "total", 0, p->most, -1, &w->total, a) ||
	    !query_int(r, "at", 0, p->most, 0, &w->at, a))
		return false;
	if (w->total == -1 && w->at != 0) {
		answer_wrong(a, W_REQUEST, "at: without total there is none");
		return false;
	}
	if (w->total == -1)
		w->total = r->body_len;
	if (w->at + r->body_len <= w->total)
		return true;
	answer_wrong(a, W_REQUEST,
	    "total: found %lld, but the body goes to %lld", (long long)w->total,
	    (long long)(w->at + r->body_len));
	return false;
}

/* The same file of the same caller: the same name. */
static void
part_name(const struct request *r, const struct part *p, int64_t total,
    char out[SP_NAME_MAX])
{
	char text[2 * URL_MAX], hex[SP_SHA_LEN + 1];
	int n;

	n = snprintf(text, sizeof text, "%s\n%s\n%lld\n%s", r->token,
	    p->sha256 == NULL ? "" : p->sha256, (long long)total, p->what);
	sp_sha_text(text,
	    n < 0 || (size_t)n >= sizeof text ? sizeof text - 1 : (size_t)n,
	    hex);
	(void)snprintf(out, SP_NAME_MAX, "http-%.40s.part", hex);
}

/* Open and lock it.  SP_LOST: it was finished or swept meanwhile, again. */
static enum sp_status
part_open(int tmp, const char *name, int *fd_out, struct sp_err *err)
{
	struct stat is;
	int fd;

	fd = openat(tmp, name,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
	if (fd == -1)
		return sp_err_sys(err, "create tmp/%s", name);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		(void)close(fd);
		return sp_err_set(
		    err, SP_RETRY, "another request is bringing it");
	}
	if (fstat(fd, &is) == -1 || is.st_nlink != 1 || !S_ISREG(is.st_mode)) {
		(void)close(fd);
		return is.st_nlink == 0 ? SP_LOST
					: sp_err_set(err, SP_RETRY,
					      "tmp/%s is no plain file", name);
	}
	*fd_out = fd;
	return SP_OK;
}

/* The body from `skip` on to where `fd` ends. */
static enum sp_status
part_add(
    struct request *r, int fd, int64_t at, int64_t skip, struct sp_err *err)
{
	char buf[65536];
	ssize_t n;

	if (lseek(fd, at, SEEK_SET) == -1)
		return sp_err_sys(err, "seek");
	if (r->body_fd == -1) {
		if (sp_write_all(fd, sp_buf_text(&r->body) + skip,
			r->body.len - (size_t)skip) == SP_OK)
			return SP_OK;
		return sp_err_sys(err, "write");
	}
	while (skip < r->body_len) {
		n = pread(r->body_fd, buf, sizeof buf, skip);
		if (n <= 0)
			return sp_err_set(err, SP_RETRY, "the body went away");
		if (sp_write_all(fd, buf, (size_t)n) != SP_OK)
			return sp_err_sys(err, "write");
		skip += n;
	}
	return SP_OK;
}

static void
say_part(struct answer *a, int64_t size, int64_t total)
{
	struct sp_jw w;

	answer_object(a, 202, &w);
	sp_jw_int(&w, "size", size);
	sp_jw_int(&w, "total", total);
	answer_end(a, &w);
}

/* Whole, on the disk, and what it was said to be? */
static enum sp_status
part_check(int fd, const struct part *p, struct sp_err *err)
{
	char is[SP_SHA_LEN + 1];
	enum sp_status st;

	if ((st = sp_sync(fd, p->what, err)) != SP_OK || p->sha256 == NULL)
		return st;
	if ((st = sp_sha_file(fd, is, err)) != SP_OK)
		return st;
	if (strcmp(is, p->sha256) == 0)
		return SP_OK;
	return sp_err_set(
	    err, SP_BAD, "it hashes to %s, not to %s", is, p->sha256);
}

static int
fail(struct answer *a, enum sp_status st, const struct sp_err *err)
{
	if (errno == ENOSPC || errno == EDQUOT)
		answer_wrong(a, W_DISK_FULL, "%s", err->text);
	else
		answer_status(a, st, err, NULL);
	return 0;
}

int
part_take(struct server *s, struct request *r, const struct part *p,
    char tmp[SP_NAME_MAX], int *fd_out, struct answer *a)
{
	int fd = -1, dir = s->spool.dir[SP_DIR_TMP], i;
	enum sp_status st = SP_LOST;
	struct sp_err err = { "" };
	struct wanted w;
	struct stat is;

	if (!wanted_of(r, p, &w, a))
		return 0;
	if (url_get(&r->url, "total") == NULL)
		sp_tmp_name(&s->spool, tmp);
	else
		part_name(r, p, w.total, tmp);
	for (i = 0; i < 5 && st == SP_LOST; i++)
		st = part_open(dir, tmp, &fd, &err);
	errno = 0;
	if (st == SP_OK && fstat(fd, &is) == -1)
		st = sp_err_sys(&err, "tmp/%s", tmp);
	if (st == SP_OK && w.at > is.st_size && r->body_len > 0) {
		(void)close(fd);
		answer_wrong_at(a, W_OFFSET, "size", is.st_size,
		    "at: found %lld, but there are %lld bytes", (long long)w.at,
		    (long long)is.st_size);
		return 0;
	}
	if (st == SP_OK && r->body_len > 0 && w.at + r->body_len > is.st_size) {
		st = part_add(r, fd, is.st_size, is.st_size - w.at, &err);
		if (st != SP_OK)
			(void)!ftruncate(fd, is.st_size);
		else
			is.st_size = w.at + r->body_len;
	}
	if (st == SP_OK && is.st_size < w.total) {
		(void)close(fd);
		say_part(a, is.st_size, w.total);
		return 0;
	}
	if (st == SP_OK)
		st = part_check(fd, p, &err);
	if (st == SP_OK) {
		*fd_out = fd;
		return 1;
	}
	/* What is wrong in it does not get better. */
	if (fd != -1 && (st == SP_BAD || url_get(&r->url, "total") == NULL))
		(void)unlinkat(dir, tmp, 0);
	if (fd != -1)
		(void)close(fd);
	return fail(a, st, &err);
}
