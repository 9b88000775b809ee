/*
 * trouble.c - LD_PRELOAD: makes chosen system calls fail, linger or lose their
 * answer, as a disk or a network does once in a while.  Stories compile it for
 * themselves (45-review.sh).
 *
 *	TROUBLE="CALL:PART:WHAT:TIMES ..."
 *
 * CALL: open, rename, copy.  PART: text in the path (of the target of a
 * rename); "*": any.  WHAT: EIO, ENOENT, EACCES, EINVAL: fail so; lost: do it
 * and then say ENOENT, as the second one of a repeated request; a number: take
 * so many ms longer.  TIMES: so often, then no more.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define RULES 8
#define LOST  -1

static struct rule {
	char call[16], part[128], what[16];
	int left;
} rule[RULES];
static int rules = -1;

static void
learn(void)
{
	const char *at = getenv("TROUBLE");
	int used = 0;

	rules = 0;
	while (at != NULL && rules < RULES &&
	    sscanf(at, " %15[^:]:%127[^:]:%15[^:]:%d%n", rule[rules].call,
		rule[rules].part, rule[rules].what, &rule[rules].left,
		&used) == 4) {
		at += used;
		rules++;
	}
}

/* 0: go on; LOST; else the errno to fail with. */
static int
trouble(const char *call, const char *path)
{
	static const struct {
		const char *text;
		int value;
	} known[] = { { "EIO", EIO }, { "ENOENT", ENOENT },
		{ "EACCES", EACCES }, { "EINVAL", EINVAL }, { "lost", LOST } };
	struct timespec t;
	size_t k;
	int i, ms;

	if (rules == -1)
		learn();
	for (i = 0; i < rules; i++) {
		if (strcmp(rule[i].call, call) != 0 ||
		    (strcmp(rule[i].part, "*") != 0 &&
			strstr(path, rule[i].part) == NULL) ||
		    __atomic_fetch_sub(&rule[i].left, 1, __ATOMIC_SEQ_CST) <= 0)
			continue;
		for (k = 0; k < sizeof known / sizeof *known; k++)
			if (strcmp(rule[i].what, known[k].text) == 0)
				return known[k].value;
		ms = atoi(rule[i].what);
		t.tv_sec = ms / 1000;
		t.tv_nsec = ms % 1000 * 1000000L;
		(void)nanosleep(&t, NULL);
	}
	return 0;
}

static int
answer(int why)
{
	errno = why == LOST ? ENOENT : why;
	return -1;
}

static void *
real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

int
openat(int dir, const char *path, int flags, ...)
{
	int (*next)(int, const char *, int, ...) =
	    (int (*)(int, const char *, int, ...))real("openat");
	int why = trouble("open", path);
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, int) : 0;
	va_end(ap);
	return why != 0 ? answer(why) : next(dir, path, flags, mode);
}

int __openat_2(int dir, const char *path, int flags);
int
__openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags, 0);
}

long
syscall(long number, ...)
{
	long (*next)(long, ...) = (long (*)(long, ...))real("syscall");
	long a[6];
	va_list ap;
	int i, why;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2 &&
	    (why = trouble("open", (const char *)a[1])) != 0)
		return answer(why);
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int
renameat(int from, const char *old, int to, const char *new)
{
	int (*next)(int, const char *, int, const char *) =
	    (int (*)(int, const char *, int, const char *))real("renameat");
	int why = trouble("rename", new);

	if (why == 0 || why == LOST) {
		int rc = next(from, old, to, new);

		if (why == 0)
			return rc;
	}
	return answer(why);
}

int
renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	int (*next)(int, const char *, int, const char *, unsigned) = (int (*)(
	    int, const char *, int, const char *, unsigned))real("renameat2");
	int why = trouble("rename", new);

	if (why == 0 || why == LOST) {
		int rc = next(from, old, to, new, flags);

		if (why == 0)
			return rc;
	}
	return answer(why);
}

ssize_t
copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t len,
    unsigned flags)
{
	ssize_t (*next)(int, off64_t *, int, off64_t *, size_t, unsigned) =
	    (ssize_t(*)(int, off64_t *, int, off64_t *, size_t, unsigned))real(
		"copy_file_range");
	int why = trouble("copy", "*");

	/* So much at a time. */
	return why != 0 ? answer(why)
			: next(in, in_at, out, out_at,
			      len < 1048576 ? len : 1048576, flags);
}
