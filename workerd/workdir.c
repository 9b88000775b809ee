/*
 * workdir.c - a work directory is made fresh for each attempt; or it is one
 * that an earlier one had and left as it was, given another name.  To make and
 * remove directories and files costs a filesystem more than all else that it
 * does for a short job.
 *
 * Who had it may have done anything to it: it is used again only when it is
 * empty but for our own file, and that file has no other name and is ours
 * alone, as the directory is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/move.h"
#include "workerd/stage.h"
#include "workerd/workdir.h"
#include "workerd/worker.h"

#define ENTRIES 16 /* of one that is emptied for the next */

static int
open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool
as_made(int fd, mode_t type, mode_t mode)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type &&
	    (st.st_mode & 07777) == mode && st.st_uid == geteuid() &&
	    (type == S_IFDIR || st.st_nlink == 1);
}

static bool
write_file(int dir, const char *file, int flags, const struct sp_buf *text)
{
	int fd = openat(dir, file,
	    O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags,
	    0600);
	bool ok;

	if (fd == -1)
		return false;
	ok = ((flags & O_EXCL) != 0 || as_made(fd, S_IFREG, 0600)) &&
	    sp_write_all(fd, text->data, text->len) == SP_OK &&
	    ftruncate(fd, (off_t)text->len) == 0;
	return close(fd) == 0 && ok;
}

/* ---- one that lies idle ---- */

static bool
take(struct worker *w, const char *path, const char *file,
    const struct sp_buf *text)
{
	struct workdirs *d = &w->workdirs;
	bool ok = false;
	char *from;
	int fd;

	if (d->n == 0)
		return false;
	from = d->idle[--d->n];
	fd = open_dir(from);
	if (fd != -1 && as_made(fd, S_IFDIR, 0700) &&
	    write_file(fd, file, 0, text))
		ok = sp_move_own_dir(AT_FDCWD, from, AT_FDCWD, path);
	if (fd != -1)
		(void)close(fd);
	if (!ok)
		rmtree(from);
	free(from);
	return ok;
}

/* All but our file; false: there is more than can be removed at once. */
static bool
empty(int fd, const char *file)
{
	int at = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *d = at == -1 ? NULL : fdopendir(at);
	bool ok = d != NULL, found = false;
	struct dirent *e;

	if (d == NULL && at != -1)
		(void)close(at);
	while (ok && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (strcmp(e->d_name, file) == 0)
			found = true;
		else
			ok = ++n <= ENTRIES && unlinkat(fd, e->d_name, 0) == 0;
	}
	if (d != NULL)
		(void)closedir(d);
	return ok && found;
}

/* ---- one of an attempt ---- */

bool
workdir_make(struct worker *w, const char *path, const char *file,
    const struct sp_buf *text, bool fresh)
{
	bool ok;
	int fd;

	if (fresh && take(w, path, file, text))
		return true;
	if ((fresh && mkdir(path, 0700) == -1) || (fd = open_dir(path)) == -1)
		return false;
	ok = write_file(fd, file, O_CREAT | O_EXCL, text);
	(void)close(fd);
	return ok;
}

void
workdir_drop(struct worker *w, const char *path, const char *file, bool again)
{
	struct workdirs *d = &w->workdirs;
	int fd = -1;

	if (again && d->n < WORKDIR_IDLE && (fd = open_dir(path)) != -1 &&
	    as_made(fd, S_IFDIR, 0700) && empty(fd, file) &&
	    (d->idle[d->n] = strdup(path)) != NULL)
		d->n++;
	else
		rmtree(path);
	if (fd != -1)
		(void)close(fd);
}

void
workdir_close(struct worker *w)
{
	while (w->workdirs.n > 0)
		free(w->workdirs.idle[--w->workdirs.n]);
}
