/*
 * mark.h - tell the processes of a worker from all others, and those of one
 * attempt from those of the next, whatever they have done to get away.
 *
 * The mark is a limit that Linux has not heeded since 2.4, RLIMIT_LOCKS: every
 * process has that of its parent, over fork, execve, setsid and an environment
 * thrown away, and it dies with it.  The hard limit is a number drawn by the
 * worker, the soft one says which attempt; what belongs to no attempt has both
 * alike.  It is lost by who sets that limit anew (`ulimit -x`): he is told by
 * other things then (kin.c).
 */
#ifndef WORKER_MARK_H
#define WORKER_MARK_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Mark ourselves, and so all that we start from now on.  0: it cannot be, for
 * somebody has left too little of that limit. */
rlim_t mark_open(void);
/* As attempt `serial`, not 0: a marked process that is ours to change; pid 0 is
 * who calls, who may be between vfork and execve.  Nothing for mark 0. */
void mark_put(pid_t pid, rlim_t mark, unsigned serial);

enum marked {
	MARKED_NOT,  /* or it cannot be told */
	MARKED_OURS, /* no attempt's, or it cannot be told whose */
	MARKED_ATTEMPT
};
/* Never waits for the process, nor for a disk. */
enum marked mark_of(pid_t pid, rlim_t mark, unsigned *serial_out);

#endif
