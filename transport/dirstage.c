/*
 * dirstage.c - what jobs are made of: scripts, data and blobs, looked at and
 * fetched.  What is fetched belongs to whoever asked; that a running job sees
 * no change is his business (workerd/cache.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/blob.h"
#include "libspool/code.h"
#include "libspool/copy.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "transport/dir.h"

#define RACY_MS   2000 /* file times are coarse: so young may change unseen */
#define TRIES     5
#define TREE_MOST 100000 /* files in one directory given as data or code */
#define DEEPEST   32

static bool
time_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
version_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size && time_same(&a->st_mtim, &b->st_mtim) &&
	    time_same(&a->st_ctim, &b->st_ctim);
}

/* Over there nothing tells two files of one length and one second apart but
 * where they lie. */
static void
place_text(struct dir *d, int which, const char *path, char out[SP_SHA_LEN + 1])
{
	struct sp_sha sha;

	sp_sha_init(&sha);
	sp_sha_put(&sha, d->spool.path, strlen(d->spool.path) + 1);
	sp_sha_put(&sha, sp_dir_text((enum sp_dir)which),
	    strlen(sp_dir_text((enum sp_dir)which)) + 1);
	sp_sha_put(&sha, path, strlen(path));
	sp_sha_end(&sha, out);
}

static void
version_of(struct dir *d, int which, const char *path, const struct stat *st,
    struct tr_version *out)
{
	char place[SP_SHA_LEN + 1];
	int64_t server, age = 0;

	out->directory = S_ISDIR(st->st_mode);
	out->size = st->st_size;
	if ((sp_fs_facts(d->spool.root) & SP_FS_INODES) == 0) {
		place_text(d, which, path, place);
		(void)snprintf(out->text, sizeof out->text, "far %s %lld %lld",
		    place, (long long)st->st_size,
		    (long long)st->st_mtim.tv_sec);
	} else
		(void)snprintf(out->text, sizeof out->text,
		    "dir %llx %llu %lld %lld.%09ld %lld.%09ld",
		    (unsigned long long)st->st_dev,
		    (unsigned long long)st->st_ino, (long long)st->st_size,
		    (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		    (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	if (sp_ready_now(&d->ready, &server, NULL) == SP_OK)
		age = server -
		    ((int64_t)st->st_ctim.tv_sec * 1000 +
			st->st_ctim.tv_nsec / 1000000);
	out->young = age > RACY_MS ? 0 : age < 0 ? RACY_MS : RACY_MS + 1 - age;
}

/* One question, where nobody remembers an older answer. */
static enum sp_status
look_far(int at, const char *path, struct stat *now, struct sp_err *err)
{
	if (sp_fs_lstat(at, path, now) == -1)
		return sp_err_sys(err, "%s", path);
	return S_ISREG(now->st_mode) || S_ISDIR(now->st_mode)
	    ? SP_OK
	    : sp_err_set(err, SP_BAD,
		  "%s is no plain file; only plain files are read", path);
}

enum sp_status
dir_look_at(struct tr *tr, int which, const char *path,
    struct tr_version *version_out, struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	int fd, at = d->spool.dir[which];
	enum sp_status st;
	struct stat now;

	if (sp_fs_far(at)) {
		st = look_far(at, path, &now, err);
		if (st == SP_OK)
			version_of(d, which, path, &now, version_out);
		return st;
	}
	if (d->spool.local && strchr(path, '/') == NULL &&
	    sp_fs_lstat(at, path, &now) == 0 && S_ISREG(now.st_mode)) {
		version_of(d, which, path, &now, version_out);
		return SP_OK;
	}
	/* Opened, not only looked at: over NFS that fetches the truth. */
	st = sp_open(at, path, 0, &fd, &now, err);
	if (st == SP_BAD && sp_open_dir(at, path, &fd, NULL) == SP_OK) {
		if (err != NULL)
			sp_err_clear(err);
		st = SP_OK;
		if (sp_fs_fstat(fd, &now) == -1) {
			st = sp_err_sys(err, "%s", path);
			(void)sp_fs_close(fd);
		}
	}
	if (st != SP_OK)
		return st;
	(void)sp_fs_close(fd);
	version_of(d, which, path, &now, version_out);
	return SP_OK;
}

/* ---- trees ---- */

static enum sp_status
walk(int at, const char *path, int depth, struct sp_names *out,
    struct sp_err *err)
{
	struct sp_names names = { 0 };
	char below[PATH_MAX];
	enum sp_status st;
	struct stat is;
	size_t i;
	int fd;

	if (depth > DEEPEST)
		return sp_err_set(err, SP_BAD, "%s: too deep", path);
	if ((st = sp_open_dir(at, path, &fd, err)) != SP_OK)
		return st;
	st = sp_list(fd, false, &names, err);
	for (i = 0; i < names.n && st == SP_OK; i++) {
		const char *name = sp_names_at(&names, i);

		if (snprintf(below, sizeof below, "%s/%s", path, name) >=
		    (int)sizeof below)
			st = sp_err_set(
			    err, SP_BAD, "%.200s: too long a path", path);
		else if (sp_fs_lstat(fd, name, &is) == -1)
			st = errno == ENOENT ? SP_OK
					     : sp_err_sys(err, "%s", below);
		else if (S_ISDIR(is.st_mode))
			st = walk(at, below, depth + 1, out, err);
		else if (!S_ISREG(is.st_mode))
			st = sp_err_set(err, SP_BAD,
			    "%s is neither a plain file nor a directory",
			    below);
		else if (out->n >= TREE_MOST)
			st = sp_err_set(err, SP_BAD,
			    "%s: more than %d files; pack them into one", path,
			    TREE_MOST);
		else
			st = sp_names_add(out, below);
	}
	(void)sp_fs_close(fd);
	sp_names_clear(&names);
	return st;
}

enum sp_status
dir_tree(struct tr *tr, int which, const char *name, struct sp_names *paths_out,
    struct sp_err *err)
{
	enum sp_status st;

	paths_out->n = paths_out->len = 0;
	st = walk(dir_of(tr)->spool.dir[which], name, 0, paths_out, err);
	if (st == SP_OK)
		sp_names_sort(paths_out);
	return st;
}

enum sp_status
dir_imported(struct tr *tr, const struct sp_buf *text,
    struct sp_names *paths_out, struct sp_err *err)
{
	const struct sp_spool *spool = &dir_of(tr)->spool;
	struct sp_code code;
	enum sp_status st;
	size_t i;

	sp_code_init(
	    &code, spool, spool->dir[SP_DIR_SCRIPTS], "scripts", false);
	st = sp_code_siblings(&code, sp_buf_text(text), text->len, err);
	paths_out->n = paths_out->len = 0;
	for (i = 0; i < code.names.n && st == SP_OK; i++)
		st = sp_names_add(paths_out, sp_names_at(&code.names, i));
	sp_code_clear(&code);
	if (st == SP_OK)
		sp_names_sort(paths_out);
	return st;
}

/* ---- bytes ---- */

static enum sp_status
blob_open(struct dir *d, const char *hex, int *fd_out, struct sp_err *err)
{
	struct stat st;

	return sp_blob_open(&d->spool, hex, fd_out, &st, err);
}

enum sp_status
dir_fetch(struct tr *tr, int which, const char *path, int to,
    const atomic_bool *stop, struct tr_version *version_out, struct sp_err *err)
{
	struct dir *d = dir_of(tr);
	bool blob = which == SP_DIR_BLOBS;
	struct stat before, after;
	enum sp_status st;
	int fd, i;

	for (i = 0; i < TRIES; i++) {
		st = blob
		    ? blob_open(d, path, &fd, err)
		    : sp_open(d->spool.dir[which], path, 0, &fd, &before, err);
		if (st != SP_OK)
			return st;
		if (sp_fs_ftruncate(to, 0) == -1 || sp_fs_seek(to, 0) == -1)
			st = sp_err_sys(err, "copy of %s", path);
		else
			st = sp_copy(
			    fd, to, blob ? 0 : before.st_size, stop, err);
		if (st == SP_OK && !blob && sp_fs_fstat(fd, &after) == -1)
			st = sp_err_sys(err, "%s", path);
		(void)sp_fs_close(fd);
		if (st != SP_OK || blob)
			return st;
		if (version_same(&before, &after)) {
			version_of(d, which, path, &after, version_out);
			return SP_OK;
		}
	}
	return sp_err_set(err, SP_RETRY, "%s/%s is being written to",
	    sp_dir_text((enum sp_dir)which), path);
}

enum sp_status
dir_keep_blob(struct tr *tr, int fd, const char *hex, struct sp_err *err)
{
	const struct sp_spool *spool = &dir_of(tr)->spool;
	char is[SP_SHA_LEN + 1];
	enum sp_status st;
	struct stat now;
	int had;

	if (sp_blob_open(spool, hex, &had, &now, NULL) == SP_OK) {
		(void)sp_fs_close(had);
		return SP_OK;
	}
	st = sp_blob_put(spool, fd, is, err);
	if (st == SP_OK && strcmp(is, hex) != 0)
		return sp_err_set(
		    err, SP_RETRY, "%s changed on its way to blobs/", hex);
	return st;
}
