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

/* ---- the interpreter's own code ---- */

#define WINDOW (1ul << 21)

/* What may not be written of the file that `code` is in, as it lies there in
 * one piece. */
static bool
run_of(unsigned long code, unsigned long *from_out, unsigned long *to_out)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long from, to, inode, of = 0;
	char line[512], mode[8];
	bool found = false;

	*from_out = *to_out = 0;
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "%lx-%lx %7s %*s %*s %lu", &from, &to, mode,
			&inode) != 4)
			continue;
		if (from != *to_out || inode != of || mode[1] == 'w') {
			if (found)
				break;
			*from_out = from;
			of = inode;
		}
		*to_out = to;
		found = found ||
		    (code >= from && code < to && strcmp(mode, "r-xp") == 0);
	}
	if (f != NULL)
		(void)fclose(f);
	return found && of != 0;
}

/* Python's code, of which each job would otherwise have pages by the hundred to
 * find, and to forget. */
static void
lift(void)
{
	unsigned long from, to;
	char *copy;
	size_t n;

	if (!run_of((unsigned long)(uintptr_t)PyEval_EvalCode, &from, &to))
		return;
	from = (from + WINDOW - 1) & ~(WINDOW - 1);
	to &= ~(WINDOW - 1);
	n = from < to ? to - from : 0;
	if (n == 0 || (copy = warm_large(n)) == NULL)
		return;
	/* The same bytes at the same address, at every moment that we or
	 * others run. */
	(void)memcpy(copy, (const void *)from, n);
	if (mprotect(copy, n, PROT_READ | PROT_EXEC) == 0)
		(void)mremap(
		    copy, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)from);
	else
		(void)munmap(copy, n);
}

/* ---- all of it ---- */

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
	lift();
	warm_lay();
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
