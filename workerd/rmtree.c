/*
 * rmtree.c - remove a file, or a directory and everything below it.  Jobs write
 * there: links are not followed, directories without permissions are opened up,
 * and one handle is enough for any depth.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/worker.h"

#define AGAIN   3 /* times that one directory may turn out not to be empty */
#define DEEPEST 1000000

/* The way back up: ".." is believed only if it is the one we came from. */
struct trail {
	struct stat *at;
	size_t n, cap;
};

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int
open_for_good(int at, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(at, name, flags);

	if (fd == -1 && errno == EACCES && fchmodat(at, name, 0700, 0) == 0)
		fd = openat(at, name, flags);
	return fd;
}

/* Is it gone now?  Not: a directory with something in it. */
static bool
removed(int at, const char *name)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (unlinkat(at, name, 0) == 0 || errno == ENOENT ||
		    unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return true;
		if (errno != EACCES || fchmod(at, 0700) == -1)
			break;
	}
	return false;
}

/* Remove what can be removed at once.  What cannot is opened and returned; -1:
 * nothing is left, -2: something that we cannot open. */
static int
thin_out(int fd)
{
	int at = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), sub = -1;
	struct dirent *e;
	DIR *d;

	if (at == -1 || (d = fdopendir(at)) == NULL) {
		if (at != -1)
			(void)close(at);
		return -2;
	}
	while (sub == -1 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 || removed(fd, e->d_name))
			continue;
		if ((sub = open_for_good(fd, e->d_name)) == -1)
			sub = -2;
	}
	(void)closedir(d);
	return sub;
}

static bool
push(struct trail *t, int fd)
{
	struct stat *at;
	size_t cap = t->cap == 0 ? 64 : t->cap * 2;

	if (t->n == t->cap) {
		if (cap > DEEPEST ||
		    (at = realloc(t->at, cap * sizeof *at)) == NULL)
			return false;
		t->at = at;
		t->cap = cap;
	}
	return fstat(fd, &t->at[t->n++]) == 0;
}

/* Takes the handle. */
static void
empty(int fd)
{
	struct stat last = { 0 }, now;
	struct trail t = { 0 };
	int next, again = 0;

	while (fd != -1 && (next = thin_out(fd)) != -2) {
		if (next == -1) { /* back up, where it will be removed */
			if (t.n == 0 || fstat(fd, &last) == -1)
				break;
			next = openat(
			    fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (next != -1 &&
			    (fstat(next, &now) == -1 ||
				!same(&now, &t.at[--t.n]))) {
				(void)close(next);
				next = -1;
			}
		} else if (fstat(next, &now) == -1 ||
		    (same(&now, &last) && ++again > AGAIN) || !push(&t, fd)) {
			(void)close(next);
			next = -1;
		}
		(void)close(fd);
		fd = next;
	}
	if (fd != -1)
		(void)close(fd);
	free(t.at);
}

void
rmtree(const char *path)
{
	if (rmdir(path) == 0 || errno == ENOENT ||
	    (errno == ENOTDIR && unlink(path) == 0))
		return;
	empty(open_for_good(AT_FDCWD, path));
	if (rmdir(path) == -1 && errno != ENOENT)
		sp_warn("work directory %s stays: %s", path, strerror(errno));
}
