/*
 * workdir.h - work directories that are used again (workdir.c).
 */
#ifndef WORKER_WORKDIR_H
#define WORKER_WORKDIR_H

#include <stdbool.h>
#include <sys/types.h>

#include "libspool/buf.h"

struct worker;

#define WORKDIR_IDLE   8
#define WORKDIR_SCRIPT 256

struct workdir {
	char *path;
	int fd;     /* on the directory, */
	int file;   /* and on our file in it; -1: no longer known to be so */
	ino_t ino;  /* of that file, */
	size_t len; /* and how long it is */
	/* The script of the last one, a link to the cache's, stands there
	 * still; script_ino 0: it does not. */
	char script[WORKDIR_SCRIPT];
	ino_t script_ino;
};

struct workdirs {
	struct workdir *idle[WORKDIR_IDLE];
	int n;
};

/* One that lies idle, or `path`, which is not there, or (kept) is and holds
 * what an earlier attempt left; and in it `file`, which holds text, and perhaps
 * `script`.  NULL: it cannot be, errno says why; then `path` may be there half
 * made. */
struct workdir *workdir_make(struct worker *w, const char *path, bool kept,
    const char *file, const struct sp_buf *text, const char *script);
/* Remove it with all that is in it, or let it lie idle, empty but for `file`
 * and the script, if that is the file script_ino.  `again`: nobody is left who
 * knows it. */
void workdir_drop(struct worker *w, struct workdir *d, const char *file,
    const char *script, ino_t script_ino, bool again);
/* It has gone elsewhere. */
void workdir_forget(struct workdir *d);
/* The idle ones are gone, with the directory that all are in. */
void workdir_close(struct worker *w);

#endif
