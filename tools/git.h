/*
 * git.h - what git says of the directory that code comes from.
 */
#ifndef GIT_H
#define GIT_H

#include <stdbool.h>

#include "libspool/buf.h"
#include "libspool/err.h"

#define GIT_DIFF_MAX (1024 * 1024)
#define GIT_SECONDS  5

struct git {
	char commit[65];  /* "" before the first one */
	char branch[201]; /* "" when none is checked out */
	bool dirty;       /* files that it knows differ from the commit */
	struct sp_buf diff;
	bool cut; /* the diff was longer than GIT_DIFF_MAX */
};

/* The top of the work tree that holds this absolute path: the nearest directory
 * with a .git.  false: there is none. */
bool git_top(const char *path, char top_out[4096]);

/* Ask git about the work tree at `top`; nothing that its configuration names is
 * run, nothing is fetched, nothing written.  SP_BAD with words: git is missing,
 * refuses, or is too slow.  Clear with git_clear whatever came back. */
enum sp_status
git_read(const char *top, struct git *git_out, struct sp_err *err);
void git_clear(struct git *git);

/* Is the file (relative to dir, or absolute) one that git has? */
bool git_has(const char *dir, const char *file);

#endif
