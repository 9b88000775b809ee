/*
 * proc.h - what /proc says of processes; whose they are is kin.c's business.
 */
#ifndef WORKER_PROC_H
#define WORKER_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc {
	pid_t pid, ppid, pgrp, sid;
	uint64_t start; /* clock ticks since boot: with the pid, who it is */
	int64_t born;   /* the same by sp_mono_ms, at most 10 ms early */
	bool dead;      /* a zombie */
	int owner;      /* kin.c fills it */
};

struct procs {
	struct proc *at;
	size_t n, cap;
};

/* A file of the kernel's, NUL-terminated; at is openat's.  -1: it cannot be
 * read. */
ssize_t proc_text(int at, const char *file, char *buf, size_t size);

void procs_clear(struct procs *all);
/* false: there is no such process (any more). */
bool proc_read(pid_t pid, struct proc *p_out);
/* All there are, sorted by pid.  false: no memory, or no /proc. */
bool proc_all(struct procs *all_out);
struct proc *procs_find(const struct procs *all, pid_t pid);
/* The children of our main thread, for orphans come to it; less those that are
 * known (NULL: none is), which are not looked at. */
bool proc_children(struct procs *all_out,
    bool (*known)(const void *arg, pid_t pid), const void *arg);

/* The environment it was started with, NUL-terminated strings; 0: it has none,
 * or it is not for us to read. */
size_t proc_environ(pid_t pid, char *buf, size_t size);
/* The value of KEY= in that; NULL: none. */
const char *proc_env(const char *env, size_t len, const char *key);

/* Signal it, if that number is still this process. */
bool proc_signal(const struct proc *p, int sig);

/* Bytes of memory that nothing else can hold for it, so not those of files.
 * The first is cheap and counts what processes share in each of them; the
 * second walks page tables and counts it once.  0: it is gone, or not ours. */
int64_t proc_anon(pid_t pid);
int64_t proc_anon_share(pid_t pid);

#endif
