/*
 * fsfar.c - far handles: a table of them, and what a call on one is to its back
 * end.  Of the medium nothing is known here but its table of functions.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/fsfar.h"

#define FAR_MOST (1 << 20) /* handles */

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct far **table;
static int table_n;

/* ---- the table ---- */

static void
far_free(struct far *f)
{
	if (f->file != NULL)
		(void)f->in->ops->close(f->in->tree, f->file);
	if (atomic_fetch_sub(&f->in->refs, 1) == 1) {
		if (f->in->ops->leave != NULL)
			f->in->ops->leave(f->in->tree);
		free(f->in);
	}
	free(f->path);
	free(f);
}

static int
far_add(struct far_tree *in, const char *path, void *file)
{
	struct far *f = calloc(1, sizeof *f), **bigger;
	int i;

	if (f == NULL || (path != NULL && (f->path = strdup(path)) == NULL)) {
		free(f);
		errno = ENOMEM;
		return -1;
	}
	f->in = in;
	f->file = file;
	f->refs = 1;
	(void)pthread_mutex_lock(&table_lock);
	for (i = 0; i < table_n && table[i] != NULL; i++)
		;
	if (i == table_n) {
		bigger = i >= FAR_MOST
		    ? NULL
		    : realloc(table, (size_t)(i + 64) * sizeof *table);
		if (bigger == NULL) {
			(void)pthread_mutex_unlock(&table_lock);
			free(f->path);
			free(f);
			errno = EMFILE;
			return -1;
		}
		(void)memset(bigger + i, 0, 64 * sizeof *bigger);
		table = bigger;
		table_n = i + 64;
	}
	table[i] = f;
	(void)atomic_fetch_add(&in->refs, 1);
	(void)pthread_mutex_unlock(&table_lock);
	return SP_FS_FAR + i;
}

struct far *
far_get(int fd)
{
	struct far *f = NULL;
	int i = fd - SP_FS_FAR;

	(void)pthread_mutex_lock(&table_lock);
	if (i >= 0 && i < table_n && (f = table[i]) != NULL)
		f->refs++;
	(void)pthread_mutex_unlock(&table_lock);
	if (f == NULL)
		errno = EBADF;
	return f;
}

void
far_put(struct far *f)
{
	int saved = errno;
	bool last;

	(void)pthread_mutex_lock(&table_lock);
	last = --f->refs == 0;
	(void)pthread_mutex_unlock(&table_lock);
	if (last)
		far_free(f);
	errno = saved;
}

int
far_said(int rc)
{
	if (rc >= 0)
		return rc;
	errno = -rc;
	return -1;
}

int
sp_fs_root(const struct sp_fs_ops *ops, void *tree)
{
	struct far_tree *in = calloc(1, sizeof *in);
	int fd;

	if (in == NULL)
		return -1;
	in->ops = ops;
	in->tree = tree;
	if ((fd = far_add(in, ".", NULL)) == -1)
		free(in);
	return fd;
}

/* ---- paths ---- */

/* The next component, its length in *len; NULL at the end. */
static const char *
part_next(const char *at, size_t *len)
{
	at += strspn(at, "/");
	*len = strcspn(at, "/");
	return *len == 0 ? NULL : at;
}

int
far_path(const struct far *dir, const char *path, char out[PATH_MAX])
{
	const char *part = path;
	size_t n = 0, len;

	if (dir->path == NULL)
		errno = ENOTDIR;
	else if (path[0] == '\0')
		errno = ENOENT;
	else if (path[0] == '/')
		errno = EXDEV;
	else
		errno = 0;
	if (errno != 0)
		return -1;
	out[0] = '\0';
	if (strcmp(dir->path, ".") != 0) {
		n = strlen(dir->path);
		(void)memcpy(out, dir->path, n + 1);
	}
	for (; (part = part_next(part, &len)) != NULL; part += len) {
		if (len == 1 && part[0] == '.')
			continue;
		if (len == 2 && memcmp(part, "..", 2) == 0) {
			errno = EXDEV;
			return -1;
		}
		if (len > NAME_MAX || n + len + 2 > PATH_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (n > 0)
			out[n++] = '/';
		(void)memcpy(out + n, part, len);
		out[n += len] = '\0';
	}
	if (n == 0)
		(void)strcpy(out, ".");
	return 0;
}

/* ---- handles ---- */

static int
open_dir(struct far *d, const char *full)
{
	struct stat st;

	if (far_said(d->in->ops->lstat(d->in->tree, full, &st)) == -1)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		errno = S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
		return -1;
	}
	return far_add(d->in, full, NULL);
}

int
far_open(int dir, const char *path, int flags, mode_t mode, struct stat *st_out)
{
	char full[PATH_MAX];
	struct far *d = far_get(dir);
	int fd = -1, rc;
	void *file;

	if (d == NULL)
		return -1;
	if (far_path(d, path, full) == 0) {
		if ((flags & O_DIRECTORY) != 0) {
			fd = (flags & O_PATH) != 0 || strcmp(full, d->path) == 0
			    ? far_add(d->in, full, NULL)
			    : open_dir(d, full);
		} else {
			rc = d->in->ops->open(
			    d->in->tree, full, flags, mode, &file, st_out);
			if (far_said(rc) == 0 &&
			    (fd = far_add(d->in, NULL, file)) == -1)
				(void)d->in->ops->close(d->in->tree, file);
		}
	}
	far_put(d);
	return fd;
}

int
far_close(int fd)
{
	struct far *f = far_get(fd);
	void *file;
	bool last;
	int rc = 0;

	if (f == NULL)
		return -1;
	(void)pthread_mutex_lock(&table_lock);
	table[fd - SP_FS_FAR] = NULL;
	f->refs--; /* the table's */
	last = f->refs == 1;
	file = f->file;
	if (last)
		f->file = NULL;
	(void)pthread_mutex_unlock(&table_lock);
	/* What closing says matters: a full disk may show only here. */
	if (last && file != NULL)
		rc = far_said(f->in->ops->close(f->in->tree, file));
	far_put(f);
	return rc;
}

int
far_dup(int fd)
{
	struct far *f = far_get(fd);
	int to = -1;

	if (f == NULL)
		return -1;
	if (f->path != NULL)
		to = far_add(f->in, f->path, NULL);
	else
		errno = ENOTSUP; /* nobody needs two of one file */
	far_put(f);
	return to;
}

int
far_replace(int fd, int onto)
{
	int next = far_dup(fd), i = next - SP_FS_FAR, k = onto - SP_FS_FAR;
	struct far *was = NULL;

	if (next == -1)
		return -1;
	(void)pthread_mutex_lock(&table_lock);
	if (k >= 0 && k < table_n && table[k] != NULL) {
		was = table[k];
		table[k] = table[i];
		table[i] = NULL;
	}
	(void)pthread_mutex_unlock(&table_lock);
	if (was == NULL) {
		(void)far_close(next);
		errno = EBADF;
		return -1;
	}
	far_put(was);
	return onto;
}

/* ---- open files ---- */

static struct far *
file_get(int fd)
{
	struct far *f = far_get(fd);

	if (f != NULL && f->file == NULL) {
		far_put(f);
		errno = EISDIR;
		return NULL;
	}
	return f;
}

/* What a back end said of n bytes; `on`: the place moves on by them. */
static ssize_t
moved(struct far *f, ssize_t n, bool on)
{
	if (n >= 0 && on)
		f->at += n;
	far_put(f);
	if (n >= 0)
		return n;
	errno = (int)-n;
	return -1;
}

ssize_t
far_pread(int fd, void *data, size_t len, const off_t *at)
{
	struct far *f = file_get(fd);
	ssize_t n;

	if (f == NULL)
		return -1;
	n = f->in->ops->pread == NULL
	    ? -ENOTSUP
	    : f->in->ops->pread(
		  f->in->tree, f->file, data, len, at == NULL ? f->at : *at);
	return moved(f, n, at == NULL);
}

ssize_t
far_pwrite(int fd, const void *data, size_t len, const off_t *at)
{
	struct far *f = file_get(fd);
	ssize_t n;

	if (f == NULL)
		return -1;
	n = f->in->ops->pwrite == NULL
	    ? -ENOTSUP
	    : f->in->ops->pwrite(
		  f->in->tree, f->file, data, len, at == NULL ? f->at : *at);
	return moved(f, n, at == NULL);
}

int
far_fstat(int fd, struct stat *st_out)
{
	struct far *f = far_get(fd);
	const struct sp_fs_ops *ops;
	int rc;

	if (f == NULL)
		return -1;
	ops = f->in->ops;
	if (f->path != NULL)
		rc = ops->lstat(f->in->tree, f->path, st_out);
	else
		rc = ops->fstat == NULL
		    ? -ENOTSUP
		    : ops->fstat(f->in->tree, f->file, st_out);
	rc = far_said(rc);
	far_put(f);
	return rc;
}

/* ---- listings ---- */

/* A server is a stranger: only names may come from it. */
struct sieve {
	sp_fs_one_fn *one;
	void *arg;
};

static bool
sieve_one(void *arg, const char *name, const struct stat *st)
{
	const struct sieve *s = arg;
	size_t len = strnlen(name, NAME_MAX + 1);

	if (len == 0 || len > NAME_MAX || memchr(name, '/', len) != NULL ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	return s->one(s->arg, name, st);
}

int
far_list(int dir, const char *path, sp_fs_one_fn *one, void *arg)
{
	struct sieve sieve = { one, arg };
	char full[PATH_MAX];
	struct far *d = far_get(dir);
	int rc = -1;

	if (d == NULL)
		return -1;
	if (far_path(d, path, full) == 0)
		rc = far_said(
		    d->in->ops->list(d->in->tree, full, sieve_one, &sieve));
	far_put(d);
	return rc;
}

struct sought {
	const char *name;
	struct stat *st;
	bool found;
};

static bool
sought_one(void *arg, const char *name, const struct stat *st)
{
	struct sought *s = arg;

	if (st == NULL || strcmp(name, s->name) != 0)
		return true;
	*s->st = *st;
	s->found = true;
	return false;
}

int
far_links(struct far *f, const char *full, struct stat *st_out)
{
	const struct sp_fs_ops *ops = f->in->ops;
	struct sought s = { .st = st_out };
	char dir[PATH_MAX];
	char *slash;
	int rc;

	if (ops->links != NULL)
		rc = ops->links(f->in->tree, full, st_out);
	else
		rc = ops->lstat(f->in->tree, full, st_out);
	if (rc < 0 || st_out->st_nlink != 0)
		return rc;
	(void)strcpy(dir, full);
	if ((slash = strrchr(dir, '/')) != NULL)
		*slash = '\0';
	else
		(void)strcpy(dir, ".");
	s.name = slash != NULL ? full + (slash - dir) + 1 : full;
	rc = ops->list(f->in->tree, dir, sought_one, &s);
	if (rc < 0)
		return rc;
	if (!s.found)
		return -ENOENT;
	return s.st->st_nlink == 0 ? -ENOTSUP : 0;
}
