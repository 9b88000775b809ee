/*
 * warmend.c - the end of a job's process: is nothing left that would notice it,
 * and what the runtimes of languages hold back is written.
 *
 * Python would now let go of all that was imported, and C then ask every
 * library to clear up: both touch, and so copy, more memory than most jobs do.
 * What can be seen of that from outside are words that are still in a buffer.
 */
#include <dlfcn.h>
#include <link.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workerd/warmin.h"

#define LOOK     1000 /* objects, for whether they are plain */
#define RUNTIMES 16   /* of C++ and Fortran; wheels bring their own */

SHOWN int spool_warm_type_is(void *object, const void *type);
SHOWN void spool_warm_end(void);

/* ---- objects ---- */

static const void *
type_of(const void *object)
{
	/* Its second word; spool_warm_type_is() was asked. */
	return ((const void *const *)object)[1];
}

int
spool_warm_type_is(void *object, const void *type)
{
	return type_of(object) == type;
}

enum plain {
	A_DICT,
	A_LIST,
	A_TUPLE
}; /* the first of run->plain */

static bool
plain_is(const struct warm_run *run, const void *object)
{
	const void *const *t = run->plain, *type = type_of(object);

	while (*t != NULL && *t != type)
		t++;
	return *t != NULL;
}

/* And what is in it, if that is not too much. */
static bool
plain_all_is(const struct warm_run *run, void *object, ssize_t *left)
{
	const void *type = type_of(object);
	ssize_t i, n = 0, at = 0;
	void *value;

	if (!plain_is(run, object))
		return false;
	if (type == run->plain[A_DICT]) {
		if ((*left -= PyDict_Size(object)) < 0)
			return false;
		while (PyDict_Next(object, &at, NULL, &value))
			if (!plain_is(run, value))
				return false;
		return true;
	}
	if (type == run->plain[A_LIST])
		n = PyList_Size(object);
	else if (type == run->plain[A_TUPLE])
		n = PyTuple_Size(object);
	if ((*left -= n + 1) < 0)
		return false;
	for (i = 0; i < n; i++) {
		value = type == run->plain[A_LIST] ? PyList_GetItem(object, i)
						   : PyTuple_GetItem(object, i);
		if (!plain_is(run, value))
			return false;
	}
	return true;
}

/* Nothing is there that would notice its end. */
bool
warm_plain(const struct warm_run *run)
{
	void *all = PyObject_CallFunctionObjArgs(run->objects, NULL);
	ssize_t i = 0, n = all == NULL ? -1 : PyList_Size(all), left = LOOK;

	while (i < n && plain_all_is(run, PyList_GetItem(all, i), &left))
		i++;
	if (all != NULL && i < n)
		Py_DecRef(all); /* they are to go when Python says */
	return i == n;
}

/* ---- files and threads ---- */

void
warm_files(uint64_t set_out[WARM_FILES])
{
	struct pollfd file[64 * WARM_FILES];
	nfds_t i;

	for (i = 0; i < 64 * WARM_FILES; i++)
		file[i] = (struct pollfd){ .fd = (int)i };
	(void)memset(set_out, 0, WARM_FILES * sizeof *set_out);
	(void)poll(file, i, 0);
	for (i = 0; i < 64 * WARM_FILES; i++)
		if ((file[i].revents & POLLNVAL) == 0)
			set_out[i / 64] |= UINT64_C(1) << i % 64;
}

void
warm_files_without(uint64_t set[WARM_FILES], int fd)
{
	if (fd >= 0 && fd < 64 * WARM_FILES)
		set[fd / 64] &= ~(UINT64_C(1) << fd % 64);
}

/* ---- what runtimes hold back ---- */

static struct runtime {
	void (*flush)(void *arg);
	void *arg;
} runtime[RUNTIMES];
static size_t runtimes;
static bool strange; /* one of which we do not know how */
static unsigned long long looked;

static void
take(void *library, const char *flush, const char *object)
{
	void *arg = object == NULL ? NULL : dlsym(library, object);
	struct runtime *r = &runtime[runtimes];

	if (runtimes == RUNTIMES || (object != NULL && arg == NULL))
		return;
	*(void **)&r->flush = dlsym(library, flush);
	r->arg = arg;
	runtimes += r->flush != NULL;
}

static int
look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *name = strrchr(info->dlpi_name, '/');
	void *library;

	(void)size;
	(void)arg;
	name = name == NULL ? info->dlpi_name : name + 1;
	strange = strange || strncmp(name, "libifcore", 9) == 0 ||
	    strncmp(name, "libflang", 8) == 0 ||
	    strncmp(name, "libFortran", 10) == 0 ||
	    strncmp(name, "libc++", 6) == 0;
	if (strncmp(name, "libgfortran", 11) != 0 &&
	    strncmp(name, "libstdc++", 9) != 0)
		return 0;
	library = dlopen(info->dlpi_name, RTLD_LAZY | RTLD_NOLOAD);
	if (library == NULL)
		return 0;
	if (name[3] == 'g') {
		take(library, "_gfortran_flush_i4", NULL);
		return 0;
	}
	take(library, "_ZNSo5flushEv", "_ZSt4cout");
	take(library, "_ZNSo5flushEv", "_ZSt4clog");
	take(library, "_ZNSt13basic_ostreamIwSt11char_traitsIwEE5flushEv",
	    "_ZSt5wcout");
	return 0;
}

static void
look(void)
{
	if (looked == spool_warm_loaded())
		return;
	runtimes = 0;
	strange = false;
	(void)dl_iterate_phdr(look_at, NULL);
	looked = spool_warm_loaded();
}

static void
flush_all(void)
{
	size_t i;

	look();
	for (i = 0; i < runtimes; i++)
		runtime[i].flush(runtime[i].arg);
	(void)fflush(NULL);
}

/* ---- the end ---- */

static bool quick; /* nothing is left but words */

/* No library can have a file to write to, or a thread that does: what it would
 * do at the end is to free memory. */
bool
warm_nothing_left(const uint64_t before[WARM_FILES])
{
	uint64_t now[WARM_FILES];
	struct stat st;

	warm_files(now);
	return quick = !strange && looked == spool_warm_loaded() &&
	    memcmp(now, before, sizeof now) == 0 &&
	    stat("/proc/self/task", &st) == 0 && st.st_nlink == 3;
}

/* After all that was registered, for C; what follows is the linker, who would
 * look at each library. */
static void
last(int status, void *arg)
{
	(void)arg;
	flush_all();
	if (!strange)
		_exit(status);
}

/* Before what was registered by that time, by libraries that were imported. */
static void
soon(int status, void *arg)
{
	if (quick)
		last(status, arg);
}

/* Called twice: before anything is imported, and after. */
void
spool_warm_end(void)
{
	static bool again;

	if (again)
		look();
	(void)on_exit(again ? soon : last, NULL);
	again = true;
}
