/*
 * gpulock.c - one worker of a host at a time has a GPU.  A process is seen on
 * it only some seconds after its job has started; two workers that share a host
 * would meet there in between.  So who hands out a GPU holds a lock for as long
 * as any of its jobs is on it: an empty file for each GPU, never removed, held
 * by flock, which ends with the worker, however that ends.
 *
 * Anybody may make and lock these files: the directory is everybody's, as the
 * GPUs are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workerd/worker.h"

/* The same for every user of this host. */
static const char *
place(void)
{
	const char *dir = getenv("SPOOL_GPU_LOCKS");
	struct stat st;

	if (dir != NULL && *dir == '/')
		return dir;
	if (stat("/run/lock", &st) == 0 && S_ISDIR(st.st_mode) &&
	    (st.st_mode & 01777) == 01777)
		return "/run/lock";
	return "/tmp";
}

/* To read only: that is enough for flock, and others' files allow no more.
 * Not with O_CREAT when it is there: the kernel may refuse that in such a
 * directory. */
static int
lock_open(const char *path)
{
	const int how = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd, tries;

	for (tries = 0; tries < 3; tries++) {
		fd = open(path, how);
		if (fd != -1 || errno != ENOENT)
			return fd;
		fd = open(path, how | O_CREAT | O_EXCL, 0644);
		if (fd != -1)
			(void)fchmod(fd, 0644); /* whatever the umask */
		if (fd != -1 || errno != EEXIST)
			return fd;
	}
	return -1;
}

int
gpulock_take(const struct sp_gpu *gpu)
{
	char path[PATH_MAX], name[SP_UUID_MAX + 16], *at;
	struct stat ours, there;
	int fd, why;

	if (gpu->uuid[0] != '\0')
		(void)snprintf(name, sizeof name, "%s", gpu->uuid);
	else
		(void)snprintf(name, sizeof name, "index-%d", gpu->index);
	for (at = name; *at != '\0'; at++)
		if (*at == '/') /* "MIG-GPU-.../1/0" */
			*at = '_';
	(void)snprintf(path, sizeof path, "%s/spool-gpu.%s", place(), name);
	if ((fd = lock_open(path)) == -1)
		return GPULOCK_NONE; /* no such place: go without */
	if (fstat(fd, &ours) == -1 || !S_ISREG(ours.st_mode)) {
		(void)close(fd);
		return GPULOCK_NONE;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		why = errno;
		(void)close(fd);
		return why == EWOULDBLOCK ? GPULOCK_TAKEN : GPULOCK_NONE;
	}
	/* Somebody may have cleared the directory: then this is not the file
	 * that others lock. */
	if (stat(path, &there) == 0 && there.st_ino == ours.st_ino &&
	    there.st_dev == ours.st_dev)
		return fd;
	(void)close(fd);
	return GPULOCK_TAKEN; /* the next try opens the new one */
}

void
gpulock_drop(int lock)
{
	if (lock >= 0)
		(void)close(lock);
}
