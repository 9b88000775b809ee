/*
 * private.c - WORK/WHAT.UID, as private.h has it.  Opened anew each time, for
 * another worker takes it away when it is empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/private.h"

uint32_t
private_tag(const char *url)
{
	char path[PATH_MAX];
	const char *at = realpath(url, path);
	uint32_t h = 2166136261u;

	for (at = at == NULL ? url : at; *at != '\0'; at++)
		h = (h ^ (unsigned char)*at) * 16777619u;
	return h;
}

void
private_path(const char *work, const char *what, char path[PATH_MAX])
{
	(void)snprintf(
	    path, PATH_MAX, "%s/%s.%u", work, what, (unsigned)geteuid());
}

bool
private_is(const struct stat *st)
{
	return S_ISDIR(st->st_mode) && st->st_uid == geteuid() &&
	    (st->st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

int
private_open(const char *work, const char *what, bool make)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	private_path(work, what, path);
	if (make && mkdir(path, 0700) == -1 && errno != EEXIST)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return -1;
	if (fd != -1 && fstat(fd, &st) == 0 && private_is(&st))
		return fd;
	if (fd != -1)
		(void)close(fd);
	if (sp_warn_due(path))
		sp_warn("%s off: %s is not a directory of ours alone; remove "
			"it, or give another --work DIR",
		    what, path);
	return -1;
}
