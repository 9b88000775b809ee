/*
 * cacheopen.c - where the cache lies.  WORK may be /tmp: a directory is
 * believed only if it is ours and nobody else can write to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libspool/log.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define SIZE_USUAL ((int64_t)20 << 30)
#define SIZE_SHARE                                                             \
	4 /* one in so many parts of its disk at most, unless said             \
	   */

static void
boot_read(char out[64])
{
	ssize_t n;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	(void)memset(out, 0, 64);
	if (fd == -1)
		return;
	n = read(fd, out, 63);
	(void)close(fd);
	out[n > 0 ? n : 0] = '\0';
}

enum sp_status
cache_open(struct cache *c, const char *path, int64_t limit, struct sp_err *err)
{
	struct stat st;

	(void)memset(c, 0, sizeof *c);
	c->fd = -1;
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return sp_err_set(err, SP_FATAL, "cannot make the cache %s: %s",
		    path, strerror(errno));
	c->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->fd == -1 || fstat(c->fd, &st) == -1) {
		(void)sp_err_set(err, SP_FATAL, "cannot use the cache %s: %s",
		    path, strerror(errno));
		cache_close(c);
		return SP_FATAL;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
		(void)sp_err_set(err, SP_FATAL,
		    "the cache %s is not ours alone: others could put what "
		    "they like into our jobs; chmod 700 it, or name another "
		    "with --cache DIR",
		    path);
		cache_close(c);
		return SP_FATAL;
	}
	boot_read(c->boot);
	c->limit = limit;
	(void)pthread_mutex_init(&c->lock, NULL);
	return SP_OK;
}

void
cache_close(struct cache *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
}

/* ---- a worker's ---- */

static int64_t
size_usual(const char *path)
{
	struct statvfs fs;
	int64_t all;

	if (statvfs(path, &fs) == -1)
		return SIZE_USUAL;
	all = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize / SIZE_SHARE;
	return all < SIZE_USUAL ? all : SIZE_USUAL;
}

/* Said by name, it may be a link to where there is room. */
static enum sp_status
open_said(struct worker *w, struct sp_err *err)
{
	char path[PATH_MAX];

	(void)mkdir(w->opt.cache, 0700);
	return cache_open(&w->bringing.cache,
	    realpath(w->opt.cache, path) != NULL ? path : w->opt.cache,
	    w->opt.cache_size, err);
}

enum sp_status
bringing_open(struct worker *w, struct sp_err *err)
{
	struct bringing *all = &w->bringing;
	char path[PATH_MAX];
	struct sp_err why = { "" };
	enum sp_status st;

	all->ops = w->direct;
	all->tr = w->tr;
	(void)pthread_mutex_init(&all->lock, NULL);
	all->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (all->event == -1)
		return sp_err_sys(err, "eventfd");
	if (w->opt.cache != NULL)
		st = open_said(w, err);
	else {
		(void)snprintf(path, sizeof path, "%s/spool-cache.%u",
		    w->opt.work, (unsigned)geteuid());
		st = cache_open(&all->cache, path, w->opt.cache_size, &why);
	}
	if (st != SP_OK && w->opt.cache == NULL) {
		/* Nobody may keep us from work by taking that name. */
		sp_warn("%s; one of this worker alone is used", why.text);
		(void)snprintf(path, sizeof path, "%s/.cache", w->dir);
		st = cache_open(&all->cache, path, w->opt.cache_size, err);
	}
	if (st == SP_OK && all->cache.limit < 0)
		all->cache.limit =
		    size_usual(w->opt.cache != NULL ? w->opt.cache : path);
	return st;
}

bool
bringing_yield(struct worker *w)
{
	struct cache *c = &w->bringing.cache;
	struct stat here, work;
	unsigned gone = 0;

	if (fstat(c->fd, &here) == -1 || stat(w->dir, &work) == -1 ||
	    here.st_dev != work.st_dev)
		return false;
	(void)cache_trim(c, cache_trim(c, INT64_MAX, NULL) / 2, &gone);
	return gone > 0;
}

void
bringing_close(struct worker *w)
{
	struct bringing *all = &w->bringing;
	int i;

	for (i = 0; i < w->opt.slots; i++)
		free(w->slot[i].bring);
	cache_close(&all->cache);
	(void)close(all->event);
	(void)pthread_mutex_destroy(&all->lock);
}
