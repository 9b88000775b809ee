/*
 * rmtree.c - remove a directory and everything below it.  Jobs write there:
 * links are not followed, directories without permissions are opened up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/worker.h"

#define DEEPEST 200 /* handles that are open at once */
#define PASSES  3

static int
open_for_good(int at, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(at, name, flags);

	if (fd == -1 && errno == EACCES && fchmodat(at, name, 0700, 0) == 0)
		fd = openat(at, name, flags);
	return fd;
}

static void empty(int fd, int depth);

static void
remove_one(int at, const char *name, bool dir, int depth)
{
	int fd;

	if (!dir && (unlinkat(at, name, 0) == 0 || errno == ENOENT))
		return;
	if (!dir && errno == EACCES && fchmod(at, 0700) == 0 &&
	    unlinkat(at, name, 0) == 0)
		return;
	if (depth < DEEPEST && (fd = open_for_good(at, name)) != -1)
		empty(fd, depth + 1);
	if (unlinkat(at, name, AT_REMOVEDIR) == -1 && errno == EACCES &&
	    fchmod(at, 0700) == 0)
		(void)unlinkat(at, name, AT_REMOVEDIR);
}

/* Takes the handle. */
static void
empty(int fd, int depth)
{
	struct dirent *e;
	DIR *d;

	if ((d = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			remove_one(
			    dirfd(d), e->d_name, e->d_type == DT_DIR, depth);
	(void)closedir(d);
}

void
rmtree(const char *path)
{
	int fd, i;

	/* Again, for a listing may skip names while others go. */
	for (i = 0; i < PASSES; i++) {
		if ((fd = open_for_good(AT_FDCWD, path)) != -1)
			empty(fd, 0);
		if (rmdir(path) == 0 || errno == ENOENT)
			return;
	}
	sp_warn("work directory %s stays: %s", path, strerror(errno));
}
