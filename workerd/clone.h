/*
 * clone.h - a child that is born in its control group.
 *
 * Who writes to cgroup.procs waits until no process of the machine is just
 * forking or ending, some 0.2 ms each time; who is born there waits for nobody.
 */
#ifndef WORKER_CLONE_H
#define WORKER_CLONE_H

#include <sys/types.h>

/* As vfork, into the group that `group` is a handle on: `child`, which must not
 * return, has our memory and the rest of our stack until it calls execve or
 * _exit, and none of our signal handlers; ignored signals are ignored there,
 * too.  -1: errno; ENOSYS: not on this kernel or this kind of machine. */
pid_t clone_into(int group, void (*child)(void *), void *arg);

#endif
