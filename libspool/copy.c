/*
 * copy.c - file to file, in pieces, so that somebody may change his mind.
 */
#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libspool/copy.h"
#include "libspool/file.h"

#define PIECE (8 << 20)

static bool
stopped(const atomic_bool *stop)
{
	return stop != NULL && atomic_load(stop);
}

/* What copy_file_range cannot: between some filesystems. */
static enum sp_status
by_hand(int from, int to, const atomic_bool *stop, struct sp_err *err)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(from, buf, sizeof buf)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || sp_write_all(to, buf, (size_t)n) != SP_OK)
			return sp_err_sys(err, "copy");
		if (stopped(stop))
			return sp_err_set(err, SP_RETRY, "copy: stopped");
	}
	return SP_OK;
}

enum sp_status
sp_copy(int from, int to, const atomic_bool *stop, struct sp_err *err)
{
	ssize_t n;

	if (ioctl(to, FICLONE, from) == 0)
		return SP_OK;
	while ((n = copy_file_range(from, NULL, to, NULL, PIECE, 0)) > 0)
		if (stopped(stop))
			return sp_err_set(err, SP_RETRY, "copy: stopped");
	/* Files of /proc and the like say 0 at once: ask again by hand. */
	if (n == -1 && errno == ENOSPC)
		return sp_err_sys(err, "copy");
	return by_hand(from, to, stop, err);
}
