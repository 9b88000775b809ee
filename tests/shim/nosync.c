/*
 * nosync.c - LD_PRELOAD: chosen calls that make things last do nothing, so that
 * a power cut can show what they are for (tests/labs/powercut.py).
 *
 *	NOSYNC		"PROGRAM:A:B:C ..." which: offsets in the program of
 *			the innermost calls that led here
 *	NOSYNC_LOG	a file that gets the same of each call that is met, once
 *	NOSYNC_HITS	a file that gets a byte for each call that did nothing
 *
 * The programs are to be built without inlining and tail calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES 4
#define KNOWN  512

static char known[KNOWN][96];
static int known_n;

static void
put(const char *variable, const char *text)
{
	const char *path = getenv(variable);
	int fd;

	if (path == NULL)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd != -1) {
		(void)!write(fd, text, strlen(text));
		(void)close(fd);
	}
}

/* The program's own frames, as "NAME:A:B:C:D". */
static void
site(char out[96])
{
	void *at[16];
	int n = backtrace(at, 16), i, got = 0, len;
	Dl_info us, of;

	len = snprintf(out, 96, "%.20s", program_invocation_short_name);
	if (dladdr((void *)site, &us) == 0)
		return;
	for (i = 0; i < n && got < FRAMES; i++) {
		if (dladdr(at[i], &of) == 0 || of.dli_fbase == us.dli_fbase)
			continue;
		/* A library's own: none of ours. */
		if (strstr(of.dli_fname, ".so") != NULL)
			return;
		len += snprintf(out + len, (size_t)(96 - len), ":%lx",
		    (unsigned long)((char *)at[i] - (char *)of.dli_fbase) - 1);
		got++;
	}
}

static int
skip(void)
{
	const char *not = getenv("NOSYNC");
	char at[96], line[98];
	int i, saved = errno;

	site(at);
	errno = saved;
	if (strchr(at, ':') == NULL)
		return 0;
	for (i = 0; i < known_n && strcmp(known[i], at) != 0; i++)
		;
	if (i == known_n && known_n < KNOWN) {
		(void)strcpy(known[known_n++], at);
		(void)snprintf(line, sizeof line, "%s\n", at);
		put("NOSYNC_LOG", line);
	}
	errno = saved;
	if (not == NULL || strstr(not, at) == NULL)
		return 0;
	put("NOSYNC_HITS", ".");
	errno = saved;
	return 1;
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

int
fsync(int fd)
{
	return skip() ? 0 : REAL(int, fsync, int)(fd);
}

int
fdatasync(int fd)
{
	return skip() ? 0 : REAL(int, fdatasync, int)(fd);
}

int
syncfs(int fd)
{
	return skip() ? 0 : REAL(int, syncfs, int)(fd);
}

int
sync_file_range(int fd, off64_t at, off64_t len, unsigned flags)
{
	return skip() ? 0
		      : REAL(int, sync_file_range, int, off64_t, off64_t,
			    unsigned)(fd, at, len, flags);
}
