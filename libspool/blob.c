/*
 * blob.c - putting content under its hash and finding it again.  What is worth
 * keeping, and who may trust it, others decide.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/blob.h"
#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/move.h"

#define TURNS 5 /* a file that changes, a name that others race for */

/* The hash of `from`, as long as it is now: it may grow faster than we read.  A
 * copy to `to` unless that is -1. */
static enum sp_status
pour(const struct sp_spool *sp, int from, int to, char hex_out[SP_SHA_LEN + 1],
    struct sp_err *err)
{
	size_t size = sp_fs_piece(from, to);
	enum sp_status s = SP_OK;
	struct sp_sha sha;
	struct stat st;
	off_t at = 0;
	ssize_t n;
	char *buf;

	if (sp_fs_fstat(from, &st) == -1)
		return sp_err_sys(err, "fstat");
	if ((buf = malloc(size)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	sp_sha_init(&sha);
	while (s == SP_OK && at < st.st_size) {
		n = sp_fs_pread(from, buf, size, at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			s = sp_err_sys(err, "read");
		if (n <= 0)
			break;
		if (to != -1 && sp_write_all(to, buf, (size_t)n) != SP_OK)
			s = sp_err_sys(err, "write into tmp/");
		sp_sha_put(&sha, buf, (size_t)n);
		at += n;
		sp_alive(sp);
	}
	free(buf);
	sp_sha_end(&sha, hex_out);
	return s;
}

/* blobs/sha256, made if somebody took it away. */
static enum sp_status
open_home(const struct sp_spool *sp, int *fd_out, struct sp_err *err)
{
	int blobs = sp->dir[SP_DIR_BLOBS];
	enum sp_status st;

	st = sp_open_dir(blobs, SP_BLOB_DIR, fd_out, NULL);
	if (st != SP_GONE)
		return st == SP_OK ? st : sp_err_sys(err, "blobs/sha256");
	if ((st = sp_make_dir(blobs, SP_BLOB_DIR, err)) != SP_OK)
		return st;
	return sp_open_dir(blobs, SP_BLOB_DIR, fd_out, err);
}

/* Nobody writes to a blob by accident. */
static void
lock(int fd)
{
	struct stat st;

	if (sp_fs_fstat(fd, &st) == 0)
		(void)sp_fs_fchmod(fd, st.st_mode & 0444);
}

/* A copy of `from` in tmp/, whole and synced, and the hash of what it holds. */
static enum sp_status
copy(const struct sp_spool *sp, int from, char tmp_out[SP_NAME_MAX],
    char hex_out[SP_SHA_LEN + 1], struct sp_err *err)
{
	enum sp_status st;
	int fd;

	sp_tmp_name(sp, tmp_out);
	if ((st = sp_tmp_start(sp, tmp_out, "", 0, &fd, err)) != SP_OK)
		return st;
	st = pour(sp, from, fd, hex_out, err);
	lock(fd);
	SP_CRASH("blob.poured");
	if (st == SP_OK)
		return sp_tmp_done(sp, tmp_out, fd, false, err);
	(void)sp_fs_close(fd);
	(void)sp_fs_unlink(sp->dir[SP_DIR_TMP], tmp_out);
	return st;
}

/* Give a whole file in tmp/ its name.  SP_LOST: another has it by now. */
static enum sp_status
name_it(const struct sp_spool *sp, const char *tmp, const char *hex,
    bool replace, struct sp_err *err)
{
	enum sp_status st;
	int home;

	st = open_home(sp, &home, err);
	if (st == SP_OK) {
		st = sp_move_file(
		    sp->dir[SP_DIR_TMP], tmp, home, hex, replace, err);
		if (st == SP_OK)
			st = sp_sync(home, "blobs/sha256", err);
		(void)sp_fs_close(home);
	}
	if (st != SP_OK)
		(void)sp_fs_unlink(sp->dir[SP_DIR_TMP], tmp);
	return st == SP_GONE
	    ? sp_err_set(err, SP_RETRY, "tmp/%s went away", tmp)
	    : st;
}

/* It was there: whoever put it may not have come to this yet. */
static enum sp_status
settle(const struct sp_spool *sp, struct sp_err *err)
{
	enum sp_status st;
	int home;

	if ((st = open_home(sp, &home, err)) != SP_OK)
		return st;
	st = sp_sync(home, "blobs/sha256", err);
	(void)sp_fs_close(home);
	return st;
}

/* SP_LOST: look again, for somebody was faster. */
static enum sp_status
put_once(const struct sp_spool *sp, int fd, char hex_out[SP_SHA_LEN + 1],
    struct sp_err *err)
{
	char tmp[SP_NAME_MAX];
	enum sp_status st, was;

	/* Most of what is put is there already: copy only what is not. */
	if ((st = pour(sp, fd, -1, hex_out, err)) != SP_OK)
		return st;
	was = sp_blob_check(sp, hex_out, NULL);
	if (was == SP_OK)
		return settle(sp, err);
	if ((st = copy(sp, fd, tmp, hex_out, err)) != SP_OK)
		return st;
	/* The copy has its own hash, whatever the file has become since. */
	return name_it(sp, tmp, hex_out, was == SP_BAD, err);
}

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

enum sp_status
sp_blob_put(const struct sp_spool *sp, int fd, char hex_out[SP_SHA_LEN + 1],
    struct sp_err *err)
{
	char hex[SP_SHA_LEN + 1];
	struct stat before, after;
	enum sp_status st;
	int turn;

	for (turn = 0; turn < TURNS; turn++) {
		if (sp_fs_fstat(fd, &before) == -1)
			return sp_err_sys(err, "fstat");
		st = put_once(sp, fd, hex, err);
		if (st != SP_OK && st != SP_LOST)
			return st;
		if (sp_fs_fstat(fd, &after) == -1)
			return sp_err_sys(err, "fstat");
		/* Half of one text and half of the next is neither. */
		if (st == SP_LOST || !same(&before, &after))
			continue;
		(void)memcpy(hex_out, hex, sizeof hex);
		return SP_OK;
	}
	return sp_err_set(
	    err, SP_RETRY, "it changes while it is read; again when it rests");
}

enum sp_status
sp_blob_text(const struct sp_spool *sp, const void *text, size_t len,
    char hex_out[SP_SHA_LEN + 1], struct sp_err *err)
{
	char tmp[SP_NAME_MAX];
	enum sp_status st, was;
	int fd, turn;

	sp_sha_text(text, len, hex_out);
	for (turn = 0; turn < TURNS; turn++) {
		was = sp_blob_check(sp, hex_out, NULL);
		if (was == SP_OK)
			return settle(sp, err);
		sp_tmp_name(sp, tmp);
		st = sp_tmp_start(sp, tmp, text, len, &fd, err);
		if (st != SP_OK)
			return st;
		lock(fd);
		st = sp_tmp_done(sp, tmp, fd, false, err);
		if (st == SP_OK)
			st = name_it(sp, tmp, hex_out, was == SP_BAD, err);
		if (st != SP_LOST)
			return st;
	}
	return sp_err_set(
	    err, SP_RETRY, "blobs/sha256/%s comes and goes", hex_out);
}

/* ---- finding ---- */

enum sp_status
sp_blob_open(const struct sp_spool *sp, const char *hex, int *fd_out,
    struct stat *st_out, struct sp_err *err)
{
	char path[sizeof SP_BLOB_DIR + 1 + SP_SHA_LEN];

	if (!sp_sha_ok(hex))
		return sp_err_set(err, SP_BAD, "%.80s is no hash", hex);
	(void)snprintf(path, sizeof path, "%s/%s", SP_BLOB_DIR, hex);
	return sp_open(sp->dir[SP_DIR_BLOBS], path, 0, fd_out, st_out, err);
}

enum sp_status
sp_blob_check(const struct sp_spool *sp, const char *hex, struct sp_err *err)
{
	char is[SP_SHA_LEN + 1];
	enum sp_status st;
	struct stat info;
	int fd;

	if ((st = sp_blob_open(sp, hex, &fd, &info, err)) != SP_OK)
		return st;
	st = pour(sp, fd, -1, is, err);
	(void)sp_fs_close(fd);
	if (st == SP_OK && strcmp(is, hex) != 0)
		return sp_err_set(err, SP_BAD,
		    "blobs/sha256/%s does not hold what its name says", hex);
	return st;
}
