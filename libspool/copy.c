/*
 * copy.c - file to file, in pieces, so that somebody may change his mind.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
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
piece(size_t size, off_t most)
{
	return most > 0 && (uintmax_t)most < size ? (size_t)most : size;
}

/* What copy_file_range cannot: between some filesystems, and far. */
static enum sp_status
by_hand(
    int from, int to, off_t most, const atomic_bool *stop, struct sp_err *err)
{
	size_t size = sp_fs_piece(from, to);
	char *buf = malloc(size);
	enum sp_status st = SP_OK;
	ssize_t n;

	if (buf == NULL)
		return sp_err_set(err, SP_RETRY, "copy: no memory");
	while (st == SP_OK &&
	    (n = sp_fs_read(from, buf, piece(size, most))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || sp_write_all(to, buf, (size_t)n) != SP_OK)
			st = sp_err_sys(err, "copy");
		else if (most > 0 && (most -= n) == 0)
			break;
		else if (stopped(stop))
			st = sp_err_set(err, SP_RETRY, "copy: stopped");
	}
	free(buf);
	return st;
}

enum sp_status
sp_copy(
    int from, int to, off_t most, const atomic_bool *stop, struct sp_err *err)
{
	ssize_t n;

	if (sp_fs_far(from) || sp_fs_far(to))
		return by_hand(from, to, most, stop, err);
	if (ioctl(to, FICLONE, from) == 0)
		return SP_OK;
	while ((n = copy_file_range(
		    from, NULL, to, NULL, piece(PIECE, most), 0)) > 0) {
		if (most > 0 && (most -= n) == 0)
			return SP_OK;
		if (stopped(stop))
			return sp_err_set(err, SP_RETRY, "copy: stopped");
	}
	/* Files of /proc and the like say 0 at once: ask again by hand. */
	if (n == -1 && errno == ENOSPC)
		return sp_err_sys(err, "copy");
	return by_hand(from, to, most, stop, err);
}
