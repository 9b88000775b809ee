/*
 * bringfile.c - one file of an attempt, by its content: out of the cache when
 * it is there, else fetched, hashed, put into the cache and then out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libspool/copy.h"
#include "libspool/file.h"
#include "libspool/log.h"
#include "libspool/manifest.h"
#include "workerd/bring.h"
#include "workerd/worker.h"

#define SMALL   (256 * 1024) /* bytes, held in memory on their way */
#define LOOK_MS 20           /* between looks at another fetcher */
#define TRIES   5
#define RESTS   250 /* looks at a young file */

/* ---- fetching ---- */

static bool
exec_is(const struct bring_item *item)
{
	return item->which == SP_DIR_SCRIPTS;
}

static enum sp_status
place(struct bring *b, const struct bring_item *item, const char *hex,
    struct sp_err *err)
{
	bool script = exec_is(item) && strcmp(item->dst, b->job->script) == 0;
	ino_t ino = script && b->fresh ? b->script_ino : 0;
	char path[PATH_MAX];
	enum sp_status st;

	if (snprintf(path, sizeof path, "%s/%s", b->dir, item->dst) >=
	    (int)sizeof path)
		return sp_err_set(
		    err, SP_BAD, "%s: too long a path", item->dst);
	/* Of an earlier try, or attempt. */
	if (!b->fresh && unlink(path) == -1 && errno != ENOENT)
		rmtree(path);
	st = cache_place(
	    &b->all->cache, hex, exec_is(item), path, &ino, &b->how, err);
	if (script)
		b->script_ino = ino;
	if (st == SP_RETRY)
		(void)bring_wrong(b, st, "%.200s", err->text);
	return st;
}

/* Whose bytes these are: a blob's, or the file's. */
static enum sp_status
fetch(struct bring *b, const struct bring_item *item, bool blob, int to,
    struct sp_err *err)
{
	enum sp_status st;

	st = b->all->ops->fetch(b->all->tr, blob ? SP_DIR_BLOBS : item->which,
	    blob ? item->hex : item->path, to, &b->stop, b->version, err);
	if (st == SP_RETRY && errno == ENOSPC) {
		unsigned gone = 0;

		/* Room that the cache need not have. */
		(void)cache_trim(
		    &b->all->cache, b->all->cache.limit / 2, &gone);
		errno = ENOSPC;
		if (gone > 0) {
			sp_err_clear(err);
			st = b->all->ops->fetch(b->all->tr,
			    blob ? SP_DIR_BLOBS : item->which,
			    blob ? item->hex : item->path, to, &b->stop,
			    b->version, err);
		}
	}
	return st;
}

/* A small file: into memory, to be hashed; to the disk only if it is new.
 * is_out: what it is. */
static enum sp_status
fetch_small(struct bring *b, const struct bring_item *item, char is_out[],
    struct sp_err *err)
{
	struct cache *c = &b->all->cache;
	struct incoming in = { .fd = -1 };
	int fd = memfd_create("spool-file", MFD_CLOEXEC);
	enum sp_status st;

	if (fd == -1)
		return sp_err_sys(err, "memory for %s", item->path);
	st = fetch(b, item, false, fd, err);
	if (st == SP_OK)
		st = sp_sha_file(fd, is_out, err);
	if (st == SP_OK && (st = place(b, item, is_out, err)) == SP_GONE) {
		st = cache_begin(c, NULL, &in, err);
		if (st == SP_OK && lseek(fd, 0, SEEK_SET) == -1)
			st = sp_err_sys(err, "%s", item->path);
		if (st == SP_OK)
			st = sp_copy(fd, in.fd, 0, &b->stop, err);
		if (st == SP_OK)
			st = cache_end(c, &in, is_out, exec_is(item), err);
		if (st == SP_OK)
			st = place(b, item, is_out, err);
		cache_drop(c, &in);
	}
	(void)close(fd);
	return st;
}

/* More than the cache may hold: straight to where it is wanted. */
static enum sp_status
fetch_past(struct bring *b, const struct bring_item *item, bool blob,
    char is_out[], struct sp_err *err)
{
	char path[PATH_MAX];
	enum sp_status st;
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", b->dir, item->dst);
	(void)unlink(path);
	fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return sp_err_sys(err, "create %s", path);
	st = fetch(b, item, blob, fd, err);
	if (st == SP_OK)
		st = sp_sha_large(fd, &b->stop, is_out, err);
	if (st == SP_OK && fchmod(fd, exec_is(item) ? 0555 : 0444) == -1)
		st = sp_err_sys(err, "%s", path);
	if (close(fd) == -1 && st == SP_OK)
		st = sp_err_sys(err, "close %s", path);
	if (st != SP_OK)
		(void)unlink(path);
	return st;
}

/* Has another fetcher brought it, who was done just before we had the lock? */
static bool
came(struct bring *b, const struct bring_item *item, const char *version)
{
	char hex[SP_SHA_LEN + 1];
	int fd;

	if (version == NULL)
		(void)strcpy(hex, item->hex);
	else if (!cache_version(&b->all->cache, version, hex))
		return false;
	if (cache_read(&b->all->cache, hex, exec_is(item), &fd) != SP_OK)
		return false;
	(void)close(fd);
	return true;
}

/* Into the cache, under a lock: the file of this version, or (NULL) the blob.
 * The version is known before the entry is there, and that before the lock is
 * let go.  SP_LOST: somebody else is at it, or was.  SP_BAD for a blob that
 * holds something else. */
static enum sp_status
fetch_large(struct bring *b, const struct bring_item *item,
    const struct tr_version *now, char is_out[], struct sp_err *err)
{
	struct cache *c = &b->all->cache;
	bool blob = now == NULL;
	char key[SP_SHA_LEN + 1];
	struct incoming in;
	enum sp_status st;

	if (blob)
		(void)strcpy(key, item->hex);
	else
		sp_sha_text(now->text, strlen(now->text), key);
	if ((st = cache_begin(c, key, &in, err)) != SP_OK)
		return st;
	if (came(b, item, blob ? NULL : now->text)) {
		cache_drop(c, &in);
		return SP_LOST;
	}
	st = fetch(b, item, blob, in.fd, err);
	if (st == SP_OK)
		st = sp_sha_large(in.fd, &b->stop, is_out, err);
	if (st == SP_OK && blob && strcmp(is_out, item->hex) != 0) {
		cache_drop(c, &in);
		return bring_damaged(b, item->key, item->hex);
	}
	if (st == SP_OK && !blob && now->young == 0 &&
	    strcmp(b->version->text, now->text) == 0)
		cache_version_put(c, now->text, is_out);
	if (st == SP_OK && item->which == SP_DIR_DATA)
		sp_info("fetch %s sha256=%.16s...", item->dst, is_out);
	if (st == SP_OK)
		st = cache_end(c, &in, is_out, exec_is(item), err);
	cache_drop(c, &in);
	return st;
}

/* Let another fetcher go on, or a young file grow older. */
static enum sp_status
rest(struct bring *b, const char *why, const struct bring_item *item)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };

	if (b->quick)
		return SP_LOST;
	if (atomic_load(&b->stop))
		return bring_wrong(b, SP_RETRY, "stopped while it was staged");
	if (b->rests++ == 0)
		sp_info("wait for %s: %s", item->dst, why);
	(void)nanosleep(&pause, NULL);
	return SP_OK;
}

/* ---- one file ---- */

/* Fetch what was just looked at, the way that fits it, and place it.  SP_LOST:
 * not now, why_out; SP_GONE: it went again at once. */
static enum sp_status
fetch_current(struct bring *b, const struct bring_item *item,
    const struct tr_version *now, bool past, char is_out[],
    const char **why_out, struct sp_err *err)
{
	struct cache *c = &b->all->cache;
	enum sp_status st;

	if (now->size <= SMALL && !past) {
		st = fetch_small(b, item, is_out, err);
	} else if (b->quick) {
		return SP_LOST;
	} else if (now->young > 0 && b->rests < RESTS) {
		/* Fetched now it would have to be fetched again.  (It may stay
		 * young for ever, where clocks were set.) */
		*why_out = "it is just being written";
		return SP_LOST;
	} else if (now->size > c->limit || past) {
		st = fetch_past(b, item, false, is_out, err);
	} else {
		*why_out = "somebody else fetches it";
		st = fetch_large(b, item, now, is_out, err);
		return st == SP_OK ? place(b, item, is_out, err) : st;
	}
	/* Another one than we looked at: then it was young, so to speak. */
	if (st == SP_OK && now->young == 0 &&
	    strcmp(b->version->text, now->text) == 0)
		cache_version_put(c, now->text, is_out);
	return st;
}

/* Since that look at it? */
static bool
changed_is(struct bring *b, const struct bring_item *item,
    const struct tr_version *then)
{
	struct tr_version now;

	return b->all->ops->look_at(
		   b->all->tr, item->which, item->path, &now, NULL) == SP_OK &&
	    strcmp(now.text, then->text) != 0;
}

/* What stands in the spool now. */
static enum sp_status
current(struct bring *b, const struct bring_item *item, char is_out[])
{
	struct tr_version now;
	struct sp_err err;
	const char *why;
	enum sp_status st;
	int tries = 0;

	b->rests = 0;
	for (;;) {
		sp_err_clear(&err);
		st = b->all->ops->look_at(
		    b->all->tr, item->which, item->path, &now, &err);
		if (st == SP_OK && now.directory)
			st = sp_err_set(
			    &err, SP_BAD, "%s is a directory", item->path);
		if (st != SP_OK)
			return bring_not_there(b, item, st, &err);
		if (now.young == 0 &&
		    cache_version(&b->all->cache, now.text, is_out) &&
		    (st = place(b, item, is_out, &err)) != SP_GONE)
			return st;
		why = "";
		st =
		    fetch_current(b, item, &now, tries > 1, is_out, &why, &err);
		if (st == SP_LOST) {
			if ((st = rest(b, why, item)) != SP_OK)
				return st;
		} else if (st != SP_GONE || ++tries >= TRIES) {
			b->busy = st == SP_RETRY && changed_is(b, item, &now);
			return bring_not_there(b, item, st, &err);
		}
	}
}

/* What was pinned, from the blobs; data that an unpinned job had before are not
 * there, but may still stand in data/. */
static enum sp_status
pinned(struct bring *b, const struct bring_item *item)
{
	char is[SP_SHA_LEN + 1];
	struct sp_err err;
	enum sp_status st;
	bool past = false;
	int tries = 0;

	for (;;) {
		sp_err_clear(&err);
		if ((st = place(b, item, item->hex, &err)) != SP_GONE)
			return st;
		if (b->quick)
			return SP_LOST;
		st = past ? fetch_past(b, item, true, is, &err)
			  : fetch_large(b, item, NULL, is, &err);
		if (st == SP_BAD && b->unfit != SP_CAUSE_OK)
			return st;
		if (st == SP_LOST) {
			st = rest(b, "somebody else fetches it", item);
			if (st != SP_OK)
				return st;
			continue;
		}
		if (st != SP_OK)
			return bring_blob_not_there(
			    b, item->key, item->hex, st, &err);
		if (past && strcmp(is, item->hex) != 0)
			return bring_damaged(b, item->key, item->hex);
		if (past)
			return SP_OK;
		/* Larger than the cache: it went as soon as it had come. */
		past = ++tries >= 2;
	}
}

/* Data are only hashed: they may be large.  So a later attempt wants them to be
 * what they were, or still to be in a cache. */
static enum sp_status
again(struct bring *b, const struct bring_item *item, char is_out[])
{
	char is[SP_SHA_LEN + 1];
	struct sp_err err = { "" };
	enum sp_status st;

	(void)strcpy(is_out, item->was);
	if ((st = place(b, item, item->was, &err)) != SP_GONE)
		return st;
	st = current(b, item, is);
	if (st == SP_OK && strcmp(is, item->was) != 0)
		return bring_wrong(b, SP_BAD,
		    "data/%.100s is not what it was at the first attempt, and "
		    "no copy is left: put it back, or submit the job anew",
		    item->path);
	return st;
}

enum sp_status
bring_file(struct bring *b, const struct bring_item *item, char is_out[])
{
	enum sp_status st;

	if (item->hex[0] != '\0') {
		(void)memmove(is_out, item->hex, SP_SHA_LEN + 1);
		return pinned(b, item);
	}
	if (item->was != NULL && item->was[0] != '\0')
		return again(b, item, is_out);
	st = current(b, item, is_out);
	if (st == SP_OK && item->keep)
		st = bring_keep(b, is_out, exec_is(item));
	return st;
}

enum sp_status
bring_text(
    struct bring *b, const char *hex, const char *key, struct sp_buf *text_out)
{
	struct tr_version version;
	char is[SP_SHA_LEN + 1];
	struct sp_err err = { "" };
	enum sp_status st;
	struct stat size;
	char *at;
	int fd;

	/* On a thread, each time: it is one small file. */
	if (b->quick)
		return SP_LOST;
	if ((fd = memfd_create("spool-text", MFD_CLOEXEC)) == -1)
		return bring_wrong(b, SP_RETRY, "%s: %s", key, strerror(errno));
	st = b->all->ops->fetch(
	    b->all->tr, SP_DIR_BLOBS, hex, fd, &b->stop, &version, &err);
	if (st == SP_OK)
		st = sp_sha_file(fd, is, &err);
	if (st != SP_OK)
		st = bring_blob_not_there(b, key, hex, st, &err);
	else if (strcmp(is, hex) != 0)
		st = bring_damaged(b, key, hex);
	else if (fstat(fd, &size) == -1 || size.st_size > SP_MANIFEST_MAX ||
	    (at = sp_buf_room(text_out, (size_t)size.st_size)) == NULL ||
	    pread(fd, at, (size_t)size.st_size, 0) != size.st_size)
		st = bring_wrong(b, SP_RETRY, "%s: no memory for it", key);
	else
		text_out->len += (size_t)size.st_size;
	(void)close(fd);
	return st;
}
