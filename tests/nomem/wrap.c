/*
 * wrap.c - an allocator that says no once, at the n-th request, and counts what
 * has not been given back.  The linker sends libspool's requests here
 * (-Wl,--wrap), and libspool has jansson's go through its own hands.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/nomem/wrap.h"

static long left = -1; /* requests until it says no; -1: never */
static long held;
static bool said_no;

void
nomem_arm(long n)
{
	left = n;
	said_no = false;
}

bool
nomem_disarm(void)
{
	left = -1;
	return said_no;
}

long
nomem_held(void)
{
	return held;
}

static bool
refused(void)
{
	if (left < 0 || left-- > 0)
		return false;
	said_no = true;
	errno = ENOMEM;
	return true;
}

void *__real_malloc(size_t len);
void *__wrap_malloc(size_t len);
void *
__wrap_malloc(size_t len)
{
	void *p = refused() ? NULL : __real_malloc(len);

	held += p != NULL;
	return p;
}

void *__real_calloc(size_t n, size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *
__wrap_calloc(size_t n, size_t len)
{
	void *p = refused() ? NULL : __real_calloc(n, len);

	held += p != NULL;
	return p;
}

void *__real_realloc(void *old, size_t len);
void *__wrap_realloc(void *old, size_t len);
void *
__wrap_realloc(void *old, size_t len)
{
	void *p = refused() ? NULL : __real_realloc(old, len);

	held += p != NULL && old == NULL;
	return p;
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *
__wrap_strdup(const char *text)
{
	char *p = refused() ? NULL : __real_strdup(text);

	held += p != NULL;
	return p;
}

char *__real_strndup(const char *text, size_t len);
char *__wrap_strndup(const char *text, size_t len);
char *
__wrap_strndup(const char *text, size_t len)
{
	char *p = refused() ? NULL : __real_strndup(text, len);

	held += p != NULL;
	return p;
}

/* The C library's own. */
DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);
DIR *
__wrap_fdopendir(int fd)
{
	return refused() ? NULL : __real_fdopendir(fd);
}

void __real_free(void *p);
void __wrap_free(void *p);
void
__wrap_free(void *p)
{
	held -= p != NULL;
	__real_free(p);
}
