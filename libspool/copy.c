/*
 * copy.c - file to file, in pieces, so that somebody may change his mind.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/copy.h"
#include "libspool/file.h"
#include "libspool/fs.h"

#define PIECE (8 << 20)

static bool
stopped(const atomic_bool *stop)
{
	return stop != NULL && atomic_load(stop);
}

static size_t
piece(size_t most, off_t left)
{
	return left > 0 && (uintmax_t)left < most ? (size_t)left : most;
}

/* left: how much there is; 0: that is not known.
 * What copy_file_range cannot: between some filesystems, and far. */
static enum sp_status
by_hand(
    int from, int to, off_t left, const atomic_bool *stop, struct sp_err *err)
{
	size_t size = sp_fs_piece(from, to);
	char *buf = malloc(size);
	enum sp_status st = SP_OK;
	ssize_t n;

	if (buf == NULL)
		return sp_err_set(err, SP_RETRY, "copy: no memory");
	while (st == SP_OK &&
	    (n = sp_fs_read(from, buf, piece(size, left))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || sp_write_all(to, buf, (size_t)n) != SP_OK)
			st = sp_err_sys(err, "copy");
		else if ((left -= n) == 0)
			break;
		else if (stopped(stop))
			st = sp_err_set(err, SP_RETRY, "copy: stopped");
	}
	free(buf);
	return st;
}

enum sp_status
sp_copy(int from, int to, const atomic_bool *stop, struct sp_err *err)
{
	struct stat now = { 0 };
	ssize_t n = 0;
	off_t left;

	/* Files of /proc and the like say 0. */
	if (sp_fs_fstat(from, &now) == -1)
		return sp_err_sys(err, "copy");
	left = now.st_size;
	if (sp_fs_far(from) || sp_fs_far(to))
		return by_hand(from, to, left, stop, err);
	if (ioctl(to, FICLONE, from) == 0)
		return SP_OK;
	while (left > 0 &&
	    (n = copy_file_range(from, NULL, to, NULL, piece(PIECE, left), 0)) >
		0) {
		if ((left -= n) == 0)
			return SP_OK;
		if (stopped(stop))
			return sp_err_set(err, SP_RETRY, "copy: stopped");
	}
	if (n == -1 && errno == ENOSPC)
		return sp_err_sys(err, "copy");
	return by_hand(from, to, left, stop, err);
}
