/*
 * swapat.c - somebody who exchanges a file at the worst moment; preloaded into
 * a keeper.  SWAP_NAME: which name.  SWAP_FROM: the file that takes its place,
 * once.  SWAP_CALL: behind `lstat` of it, or in front of `rename`.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
swap(const char *call, int dir, const char *name)
{
	const char *from = getenv("SWAP_FROM"), *is = getenv("SWAP_NAME");
	const char *at = getenv("SWAP_CALL");

	if (from != NULL && is != NULL && at != NULL && strcmp(at, call) == 0 &&
	    strcmp(is, name) == 0)
		(void)!renameat(AT_FDCWD, from, dir, name);
}

int
fstatat(int dir, const char *name, struct stat *st, int flags)
{
	int (*real)(int, const char *, struct stat *, int);
	int rc;

	*(void **)&real = dlsym(RTLD_NEXT, "fstatat");
	rc = real(dir, name, st, flags);
	swap("lstat", dir, name);
	return rc;
}

int
renameat2(
    int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	int (*real)(int, const char *, int, const char *, unsigned);

	*(void **)&real = dlsym(RTLD_NEXT, "renameat2");
	swap("rename", from_dir, from);
	return real(from_dir, from, to_dir, to, flags);
}
