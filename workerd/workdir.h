/*
 * workdir.h - work directories that are used again (workdir.c).
 */
#ifndef WORKER_WORKDIR_H
#define WORKER_WORKDIR_H

#include <stdbool.h>

#include "libspool/buf.h"

struct worker;

#define WORKDIR_IDLE 8

struct workdirs {
	char *idle[WORKDIR_IDLE]; /* their paths */
	int n;
};

/* Make `path` unless it is there (fresh), or give an idle one that name; and in
 * it `file`, which is not there and then holds text.  false: it cannot be,
 * errno says why; then it may be there half made. */
bool workdir_make(struct worker *w, const char *path, const char *file,
    const struct sp_buf *text, bool fresh);
/* Remove it with all that is in it, or let it lie idle, empty but for `file`;
 * path is free for use in either case.  `again`: nobody is left who knows it.
 */
void
workdir_drop(struct worker *w, const char *path, const char *file, bool again);
/* The idle ones are gone, with the directory that all are in. */
void workdir_close(struct worker *w);

#endif
