/*
 * warmpack.c - the memory of a warm interpreter: laid so that a fork, and what
 * happens in it, copies little.
 */
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fcntl.h>

#include "workerd/warmin.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE  (UINTPTR_MAX << 21)
#define TRIES 8
#define TEXT  (1u << 20) /* so much code that a job will run some of it */

/* The room between what C has is used up, for what is put there in a fork would
 * be spread over as many pages. */
static void
fill(void)
{
	const char *top, *p;
	size_t size;

	(void)malloc_trim(0);
	top = (const char *)sbrk(0) - mallinfo2().keepcost;
	for (size = 65536; size > 16; size -= size > 1040 ? size / 8 : 16)
		do
			p = malloc(size);
		while (p != NULL && p < top);
}

/* Write what stands there: from then on a fork copies what is known of these
 * pages, which without that it leaves to be found anew, one by one. */
static void
touch(int mem, unsigned long at)
{
	char c;

	if (pread(mem, &c, 1, (off_t)at) == 1)
		(void)!pwrite(mem, &c, 1, (off_t)at);
}

/* What lies in large pages is copied by a fork 512 pages at a time.  False: not
 * now, says the kernel. */
static bool
collapse(unsigned long from, unsigned long to)
{
	from = (from + ~HUGE) & HUGE;
	to &= HUGE;
	return from >= to ||
	    madvise((void *)from, to - from, MADV_COLLAPSE) == 0 ||
	    errno != EAGAIN;
}

static bool
pack(void)
{
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long from, to, inode;
	char line[512], mode[8];
	bool done = true;

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "%lx-%lx %7s %*s %*s %lu", &from, &to, mode,
			&inode) != 4 ||
		    strstr(line, " [s") != NULL || strstr(line, " [v") != NULL)
			continue;
		if (inode == 0 && strcmp(mode, "rw-p") == 0)
			done = collapse(from, to) && done;
		else if (inode != 0 && strcmp(mode, "r-xp") == 0 &&
		    to - from >= TEXT)
			touch(mem, from);
	}
	if (f != NULL)
		(void)fclose(f);
	if (mem != -1)
		(void)close(mem);
	return done;
}

static int tries; /* that are left */

void
warm_pack_again(bool changed)
{
	if (changed)
		tries = TRIES;
	if (tries > 0)
		tries = pack() ? 0 : tries - 1;
}

/* All is there that forks will have in common: lay it so that a fork, and what
 * happens in it, copies little. */
void
spool_warm_pack(void)
{
	warm_forked(); /* finds where functions are, once for all forks */
	fill();
	warm_pack_again(true);
}

static int
count(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(unsigned long long *)arg = info->dlpi_adds;
	return 1; /* the first says it */
}

/* Changes with each shared object that is loaded. */
unsigned long long
spool_warm_loaded(void)
{
	unsigned long long n = 0;

	(void)dl_iterate_phdr(count, &n);
	return n;
}
