/*
 * warmlay.c - few mappings, of large pages, in place of the many small ones
 * that libraries and allocators have made: a fork copies, and its end forgets,
 * each mapping and each small page by itself.  All stays at its address with
 * the same bytes.
 *
 * What is not written of a library becomes one mapping of a file in memory that
 * holds them all, and so does what it may write, of which jobs leave most
 * alone: of such a mapping a fork copies nothing but that it is there, and a
 * page is found when it is used.  What else is written, and lies together,
 * becomes one of memory that was taken in large pages.
 */
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workerd/warmin.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define WINDOW (1ul << 21)
#define AREAS  8192         /* that are looked at */
#define PIECE  (8ul << 20)  /* larger ones are left, */
#define ALL    (64ul << 20) /* and what is more than that of a kind */
#define PAGE   4095ul
#define PARTS  1024 /* of libraries */

enum kind {
	CODE,
	WORDS, /* what a library may write */
	DATA   /* and all else that may be written */
};

struct area {
	unsigned long from, to, inode;
	char mode[8];
	bool plain; /* nothing more is to be known of it than its mode */
	enum kind kind;
};

/* ---- what libraries may write ---- */

static struct part {
	unsigned long from, to;
} part[PARTS];
static size_t parts;

/* Of these all jobs write some. */
static bool
usual_is(const struct dl_phdr_info *info)
{
	const uintptr_t usual[] = { (uintptr_t)read, (uintptr_t)PyEval_EvalCode,
		(uintptr_t)warm_lay, getauxval(AT_BASE) };
	const ElfW(Phdr) * p;
	size_t i;

	for (p = info->dlpi_phdr; p < info->dlpi_phdr + info->dlpi_phnum; p++)
		for (i = 0; i < sizeof usual / sizeof *usual; i++)
			if (p->p_type == PT_LOAD &&
			    usual[i] - (info->dlpi_addr + p->p_vaddr) <
				p->p_memsz)
				return true;
	return false;
}

static int
add_parts(struct dl_phdr_info *info, size_t size, void *arg)
{
	const ElfW(Phdr) * p;
	unsigned long from;

	(void)size;
	(void)arg;
	if (usual_is(info))
		return 0;
	for (p = info->dlpi_phdr; p < info->dlpi_phdr + info->dlpi_phnum; p++)
		if (p->p_type == PT_LOAD && (p->p_flags & PF_W) != 0 &&
		    parts < PARTS) {
			from = info->dlpi_addr + p->p_vaddr;
			part[parts++] = (struct part){ from & ~PAGE,
				(from + p->p_memsz + PAGE) & ~PAGE };
		}
	return 0;
}

static const struct part *
part_of(unsigned long at)
{
	size_t i;

	for (i = 0; i < parts; i++)
		if (at >= part[i].from && at < part[i].to)
			return &part[i];
	return NULL;
}

/* ---- what there is ---- */

/* Others are wiped in a fork, locked, not to be dumped, a stack, the kernel's.
 */
static bool
plain_is(const char *flags)
{
	char flag[8];
	int n;

	for (; sscanf(flags, "%7s%n", flag, &n) == 1; flags += n)
		if (strlen(flag) != 2 ||
		    strstr("rd wr ex mr mw me sd ac hg dw", flag) == NULL)
			return false;
	return true;
}

static size_t
read_areas(struct area *area)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	struct area one = { .plain = false };
	char line[512];
	size_t n = 0;

	while (f != NULL && n < AREAS && fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "%lx-%lx %7s %*s %*s %lu", &one.from, &one.to,
			one.mode, &one.inode) == 4)
			area[n++] = one;
		else if (n > 0 && strncmp(line, "VmFlags:", 8) == 0)
			area[n - 1].plain = area[n - 1].mode[0] == 'r' &&
			    area[n - 1].mode[3] == 'p' && plain_is(line + 8);
	}
	if (f != NULL)
		(void)fclose(f);
	return n;
}

/* Where what a library may write has been joined by the kernel to what comes
 * behind it, that is another area.  How many there are then. */
static size_t
part_areas(struct area *area, size_t n)
{
	const struct part *of;
	size_t i;

	for (i = 0; i < n; i++) {
		area[i].kind = CODE;
		if (area[i].mode[1] != 'w')
			continue;
		of = part_of(area[i].from);
		area[i].kind = of == NULL ? DATA : WORDS;
		if (of == NULL || of->to >= area[i].to || n == AREAS)
			continue;
		(void)memmove(area + i + 1, area + i, (n++ - i) * sizeof *area);
		area[i].to = area[i + 1].from = of->to;
	}
	return n;
}

/* How many from the first on may become one: all that is written of a kind, or
 * of one file all that is not. */
static size_t
alike(const struct area *area, size_t n)
{
	bool code = false;
	size_t i;

	for (i = 0; i < n && area[i].plain; i++) {
		if (i > 0 &&
		    (area[i].from != area[i - 1].to ||
			area[i].kind != area->kind))
			break;
		if (area->kind == CODE &&
		    (area[i].inode == 0 || area[i].inode != area->inode))
			break;
		code = code || area[i].mode[2] == 'x';
	}
	/* Neither files that are only read, nor what writes its own code. */
	return (area->kind != CODE) != code ? i : 0;
}

/* Those of a kind, at the front of `piece`; how many, and their size. */
static size_t
choose(const struct area *area, size_t n, enum kind kind, struct area *piece,
    size_t *size_out)
{
	size_t i, more, found = 0, size;

	*size_out = 0;
	for (i = 0; i<n; i += more> 0 ? more : 1) {
		more = alike(area + i, n - i);
		if (more == 0 || area[i].kind != kind)
			continue;
		size = area[i + more - 1].to - area[i].from;
		if (size > PIECE || *size_out + size > ALL)
			continue;
		piece[found] = area[i];
		piece[found++].to = area[i].from + size;
		*size_out += size;
	}
	return found;
}

/* ---- large pages ---- */

static size_t
windows(size_t size)
{
	return (size + WINDOW - 1) & ~(WINDOW - 1);
}

/* Room that begins where a large page can. */
static char *
room_of(size_t size)
{
	char *room = mmap(NULL, size + WINDOW, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at;

	if (room == MAP_FAILED)
		return NULL;
	at = (char *)(((uintptr_t)room + WINDOW - 1) & ~(WINDOW - 1));
	if (at > room)
		(void)munmap(room, (size_t)(at - room));
	(void)munmap(at + size, WINDOW - (size_t)(at - room));
	return at;
}

char *
warm_large(size_t size)
{
	char *at = room_of(size = windows(size));

	if (at == NULL)
		return NULL;
	(void)memset(at, 0, size);
	if (madvise(at, size, MADV_COLLAPSE) == 0)
		return at;
	(void)munmap(at, size);
	return NULL;
}

/* ---- what is not written, or by few ---- */

/* A file in memory with all of them; -1: none. */
static int
copy_pieces(const struct area *piece, size_t n, size_t size, int mode)
{
	int fd = memfd_create("spool-warm", MFD_CLOEXEC);
	char *room = fd == -1 ? NULL : room_of(size = windows(size)), *at;
	bool done = false;
	size_t i;

	if (room != NULL && ftruncate(fd, (off_t)size) == 0 &&
	    mmap(room, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		0) != MAP_FAILED) {
		for (at = room, i = 0; i < n;
		     at += piece[i].to - piece[i].from, i++)
			(void)memcpy(at, (const void *)piece[i].from,
			    piece[i].to - piece[i].from);
		(void)madvise(room, size, MADV_COLLAPSE);
		/* Some systems forbid to run what such a file holds. */
		done = mmap(room, size, mode, MAP_PRIVATE | MAP_FIXED, fd, 0) !=
		    MAP_FAILED;
	}
	if (room != NULL)
		(void)munmap(room, size);
	if (!done && fd != -1)
		(void)close(fd);
	return done ? fd : -1;
}

/* What is written of libraries is not while this goes on: what is called here
 * is of C, and so is what it writes. */
static void
lay_file(const struct area *piece, size_t n, size_t size, int mode)
{
	sigset_t all, before;
	off_t at = 0;
	size_t i, len;
	int fd;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	fd = n > 0 ? copy_pieces(piece, n, size, mode) : -1;
	for (i = 0; fd != -1 && i < n; i++, at += (off_t)len) {
		len = piece[i].to - piece[i].from;
		(void)mmap((void *)piece[i].from, len, mode,
		    MAP_PRIVATE | MAP_FIXED, fd, at);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (fd != -1)
		(void)close(fd);
}

/* ---- what else is written ---- */

/* From the copy of a piece until it is in its place nothing may be written that
 * is in it: only this stack is, and no stack is plain. */
static void
lay_data(const struct area *piece, size_t n, size_t size)
{
	char *at = n > 0 ? warm_large(size) : NULL, *end;
	sigset_t all, before;
	size_t i, len;

	if (at == NULL)
		return;
	end = at + windows(size);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	for (i = 0; i < n; i++, at += len) {
		len = piece[i].to - piece[i].from;
		(void)memcpy(at, (const void *)piece[i].from, len);
		(void)mremap(at, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
		    (void *)piece[i].from);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)munmap(at, (size_t)(end - at));
}

/* ---- all of it ---- */

void
warm_lay(void)
{
	const size_t room = 2 * AREAS * sizeof(struct area);
	struct area *area = mmap(NULL, room, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct area *piece = area + AREAS;
	size_t n, size, found;

	if (area == MAP_FAILED)
		return;
	parts = 0;
	(void)dl_iterate_phdr(add_parts, NULL);
	n = part_areas(area, read_areas(area));
	found = choose(area, n, CODE, piece, &size);
	lay_file(piece, found, size, PROT_READ | PROT_EXEC);
	found = choose(area, n, WORDS, piece, &size);
	lay_file(piece, found, size, PROT_READ | PROT_WRITE);
	found = choose(area, n, DATA, piece, &size);
	lay_data(piece, found, size);
	(void)munmap(area, room);
}
