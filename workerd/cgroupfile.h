/*
 * cgroupfile.h - the files of one control group, by a handle on its directory;
 * between cgroup.c and group.c.
 */
#ifndef WORKER_CGROUPFILE_H
#define WORKER_CGROUPFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "workerd/proc.h"

/* Each group below this one; f may remove it. */
void
cg_each(int dir, void (*f)(int dir, const char *name, void *arg), void *arg);
int cg_open(int at, const char *path);
bool cg_write(int dir, const char *file, const char *text);
/* Kill all in it and below. */
void cg_kill(int fd);
/* For who asks often: a handle, and what it says.  -1: errno. */
int cg_events_open(int fd);
bool cg_events_empty_is(int events, bool *frozen_out);
/* Also where it is gone. */
bool cg_empty_is(int fd, bool *frozen_out); /* NULL: no matter */
void cg_procs(int fd, struct procs *all_out);
/* With what was made below it; nothing happens while anybody is in there. */
void cg_remove(int dir, const char *name);

#endif
