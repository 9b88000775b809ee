/*
 * cachetrim.c - what goes when the cache is full: the entries used least
 * lately, what dead fetchers have left, and versions whose bytes are gone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/cache.h"

#define BLOCK     4096
#define DEAD_S    60             /* a .part so old, and nobody holds its lock */
#define VERSION_S (24 * 60 * 60) /* a version of what is not here */

struct entry {
	char name[CACHE_NAME];
	int64_t size; /* on the disk */
	struct timespec used;
	bool linked; /* a work directory has it */
};

struct entries {
	struct entry *at;
	size_t n, cap;
	int64_t total;
};

static bool
ends(const char *name, const char *with)
{
	size_t n = strlen(name), k = strlen(with);

	return n > k && strcmp(name + n - k, with) == 0;
}

/* Nobody holds its lock: its fetcher is dead. */
static void
part_drop(const struct cache *c, const char *name)
{
	int fd =
	    openat(c->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(c->fd, name, 0);
	(void)close(fd);
}

static void
version_drop(const struct cache *c, const char *name)
{
	char plain[CACHE_NAME], exec[CACHE_NAME];
	ssize_t n = readlinkat(c->fd, name, plain, SP_SHA_LEN);

	plain[n > 0 ? n : 0] = '\0';
	(void)strcpy(exec, plain);
	(void)strcat(exec, ".x");
	if (faccessat(c->fd, plain, F_OK, 0) == -1 &&
	    faccessat(c->fd, exec, F_OK, 0) == -1)
		(void)unlinkat(c->fd, name, 0);
}

static void
take(struct cache *c, struct entries *e, const char *name, time_t now)
{
	struct entry *at;
	struct stat st;
	size_t cap;

	if (fstatat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	if (ends(name, ".v")) {
		if (now - st.st_mtim.tv_sec > VERSION_S)
			version_drop(c, name);
		return;
	}
	if (!S_ISREG(st.st_mode) || strlen(name) >= CACHE_NAME)
		return;
	e->total += (st.st_size + BLOCK - 1) / BLOCK * BLOCK;
	if (ends(name, ".part")) {
		if (now - st.st_mtim.tv_sec > DEAD_S)
			part_drop(c, name);
		return;
	}
	if (strspn(name, "0123456789abcdef") != SP_SHA_LEN)
		return;
	if (e->n == e->cap) {
		cap = e->cap == 0 ? 256 : e->cap * 2;
		if ((at = realloc(e->at, cap * sizeof *at)) == NULL)
			return;
		e->at = at;
		e->cap = cap;
	}
	at = &e->at[e->n++];
	(void)strcpy(at->name, name);
	at->size = (st.st_size + BLOCK - 1) / BLOCK * BLOCK;
	at->used = st.st_atim;
	at->linked = st.st_nlink > 1;
}

static int
by_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct entry *)a)->used,
			      *y = &((const struct entry *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

int64_t
cache_trim(struct cache *c, int64_t limit, unsigned *gone_out)
{
	int fd = openat(c->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct entries e = { 0 };
	time_t now = time(NULL);
	unsigned gone = 0;
	struct dirent *d;
	size_t i;
	DIR *dir;

	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			take(c, &e, d->d_name, now);
	(void)closedir(dir);
	if (e.total > limit && e.n > 0)
		qsort(e.at, e.n, sizeof *e.at, by_use);
	/* The last one has just come, and whoever brought it wants it. */
	for (i = 0; i + 1 < e.n && e.total > limit; i++) {
		if (e.at[i].linked || unlinkat(c->fd, e.at[i].name, 0) == -1)
			continue;
		e.total -= e.at[i].size;
		gone++;
	}
	if (gone > 0)
		sp_info("cache: let go of %u, used least lately; %lld bytes "
			"are left",
		    gone, (long long)e.total);
	free(e.at);
	if (gone_out != NULL)
		*gone_out = gone;
	return e.total;
}
