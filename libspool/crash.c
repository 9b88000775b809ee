/*
 * crash.c - the named points of the crash matrix.  Empty in a release.
 */
#include "libspool/crash.h"

#ifdef SP_CRASH_POINTS
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
note(const char *path, const char *point)
{
	char line[128];
	int fd, n;

	n = snprintf(line, sizeof line, "%s\n", point);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd == -1)
		return;
	(void)!write(fd, line, (size_t)n);
	(void)close(fd);
}

void
sp_crash_at(const char *point)
{
	static unsigned passed;
	const char *want, *log;
	size_t len;
	unsigned nth;

	if ((log = getenv("SPOOL_CRASH_LOG")) != NULL)
		note(log, point);
	if ((want = getenv("SPOOL_CRASH")) == NULL)
		return;
	len = strcspn(want, ":");
	if (strlen(point) != len || strncmp(point, want, len) != 0)
		return;
	nth = want[len] == ':' ? (unsigned)atoi(want + len + 1) : 1;
	if (__atomic_add_fetch(&passed, 1, __ATOMIC_SEQ_CST) != nth)
		return;
	(void)kill(getpid(), SIGKILL);
	__builtin_trap(); /* shut in, where there is no such call */
}

void
sp_crash_in(const char *step, const char *place)
{
	char point[96];

	(void)snprintf(point, sizeof point, "%s.%s", step, place);
	sp_crash_at(point);
}
#else
typedef int sp_crash_nothing; /* ISO C wants something in a file */
#endif
