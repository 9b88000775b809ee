/*
 * noopenat2.c - a kernel older than 5.6, for LD_PRELOAD: openat2 is not there.
 * Counts how often it was asked for in $SHIM_COUNT (one byte each), so that a
 * test can tell whether it was in the way at all.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

long syscall(long number, ...);

long
syscall(long number, ...)
{
	static long (*real)(long, ...);
	const char *count = getenv("SHIM_COUNT");
	long a[6];
	va_list ap;
	int i, fd;

	if (number == SYS_openat2) {
		if (count != NULL) {
			fd = open(count, O_WRONLY | O_CREAT | O_APPEND, 0644);
			(void)!write(fd, "x", 1);
			(void)close(fd);
		}
		errno = ENOSYS;
		return -1;
	}
	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
