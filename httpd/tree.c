/*
 * tree.c - directories of files: read, shown, and files put into them.  No link
 * is followed, each directory is opened by its name in the one above it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "httpd/tree.h"
#include "httpd/v1.h"
#include "libspool/file.h"
#include "libspool/move.h"
#include "libspool/scan.h"

#define MOST    100000 /* files in one tree */
#define DEEPEST 32
#define RACY_MS 2000 /* file times are coarse: so young may change unseen */

/* ---- reading ---- */

static enum sp_status
add(struct tree *t, const char *path, const struct stat *st, struct sp_err *err)
{
	struct tree_file *more;
	size_t cap;

	if (t->n == MOST)
		return sp_err_set(err, SP_BAD,
		    "%s: more than %d files; pack them into one", path, MOST);
	if (t->n == t->cap) {
		cap = t->cap == 0 ? 64 : t->cap * 2;
		if ((more = realloc(t->at, cap * sizeof *more)) == NULL)
			return sp_err_set(err, SP_RETRY, "no memory");
		t->at = more;
		t->cap = cap;
	}
	if ((t->at[t->n].path = strdup(path)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	t->at[t->n++].st = *st;
	return SP_OK;
}

static enum sp_status
walk(int at, const char *path, int depth, struct tree *t, struct sp_err *err)
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
	st = sp_list(fd, t->loose, &names, err);
	for (i = 0; i < names.n && st == SP_OK; i++) {
		const char *name = sp_names_at(&names, i);

		if (snprintf(below, sizeof below, "%s/%s", path, name) >=
		    (int)sizeof below)
			st = sp_err_set(
			    err, SP_BAD, "%.200s: too long a path", path);
		else if (fstatat(fd, name, &is, AT_SYMLINK_NOFOLLOW) == -1)
			st = errno == ENOENT ? SP_OK
					     : sp_err_sys(err, "%s", below);
		else if (S_ISDIR(is.st_mode))
			st = walk(at, below, depth + 1, t, err);
		else if (S_ISREG(is.st_mode))
			st = add(t, below, &is, err);
		else if (t->loose)
			t->skipped++;
		else
			st = sp_err_set(err, SP_BAD,
			    "%s is neither a plain file nor a directory",
			    below);
	}
	(void)close(fd);
	sp_names_clear(&names);
	return st;
}

static int
cmp(const void *a, const void *b)
{
	const struct tree_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

enum sp_status
tree_read(int at, const char *top, struct tree *t, struct sp_err *err)
{
	enum sp_status st = walk(at, top, 0, t, err);

	if (t->n > 0)
		qsort(t->at, t->n, sizeof *t->at, cmp);
	return st;
}

void
tree_clear(struct tree *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->at[i].path);
	free(t->at);
	(void)memset(t, 0, sizeof *t);
}

void
tree_version(struct sp_jw *w, const struct stat *st)
{
	char etag[128];

	etag_print(st, etag);
	etag[strlen(etag) - 1] = '\0';
	sp_jw_text(w, "version", etag + 1);
}

/* ---- showing ---- */

void
file_version(struct server *s, const struct stat *st, const char *kind,
    char etag[128], struct answer *a)
{
	int64_t now, age = 0;

	etag_print(st, etag);
	if (server_now(s, &now, NULL) == SP_OK)
		age = now -
		    ((int64_t)st->st_ctim.tv_sec * 1000 +
			st->st_ctim.tv_nsec / 1000000);
	answer_header(a, "ETag", "%s", etag);
	answer_header(a, "Spool-Kind", "%s", kind);
	answer_header(a, "Spool-Young", "%lld",
	    (long long)(age > RACY_MS ? 0
		    : age < 0         ? RACY_MS
				      : RACY_MS + 1 - age));
}

static void
show_dir(struct server *s, struct request *r, int at, const char *path,
    struct answer *a)
{
	struct sp_err err = { "" };
	struct tree t = { 0 };
	enum sp_status st;
	struct stat is;
	char etag[128];
	struct sp_jw w;
	size_t i;
	int fd;

	if ((st = sp_open_dir(at, path, &fd, &err)) != SP_OK ||
	    fstat(fd, &is) == -1) {
		answer_status(a, st == SP_OK ? SP_RETRY : st, &err, NULL);
		return;
	}
	(void)close(fd);
	file_version(s, &is, "directory", etag, a);
	if (r->method == M_HEAD) {
		a->status = 200;
		return;
	}
	st = tree_read(at, path, &t, &err);
	if (st == SP_OK) {
		answer_object(a, 200, &w);
		sp_jw_open(&w, "paths", '[');
		for (i = 0; i < t.n; i++)
			sp_jw_text(&w, NULL, t.at[i].path);
		sp_jw_close(&w, ']');
		answer_end(a, &w);
	} else {
		answer_status(a, st, &err, NULL);
	}
	tree_clear(&t);
}

void
file_show(struct server *s, struct request *r, int at, const char *path,
    struct answer *a)
{
	struct sp_err err = { "" };
	enum sp_status st;
	struct stat is;
	char etag[128];
	int fd;

	/* Opened, not only looked at: over NFS that fetches the truth. */
	st = sp_open(at, path, 0, &fd, &is, &err);
	if (st == SP_BAD && sp_open_dir(at, path, &fd, NULL) == SP_OK) {
		(void)close(fd);
		show_dir(s, r, at, path, a);
		return;
	}
	if (st != SP_OK) {
		answer_status(a, st, st == SP_GONE ? NULL : &err, path);
		return;
	}
	file_version(s, &is, "file", etag, a);
	file_answer(r, a, fd, is.st_size, etag, "application/octet-stream");
	a->steady = true;
}

/* ---- writing ---- */

/* The directory that at/path is in, made where it is missing; *name_out: what
 * path ends in. */
static enum sp_status
dir_make(int at, const char *path, const char **name_out, int *fd_out,
    struct sp_err *err)
{
	char part[NAME_MAX + 1];
	enum sp_status st = SP_OK;
	int fd, below = -1;
	size_t n;

	if ((fd = fcntl(at, F_DUPFD_CLOEXEC, 0)) == -1)
		return sp_err_sys(err, "a handle");
	for (; path[n = strcspn(path, "/")] != '\0' && st == SP_OK;
	     path += n + 1) {
		(void)snprintf(part, sizeof part, "%.*s", (int)n, path);
		st = sp_make_dir(fd, part, err);
		if (st == SP_OK)
			st = sp_open_dir(fd, part, &below, err);
		if (st != SP_OK)
			break;
		(void)close(fd);
		fd = below;
	}
	*name_out = path;
	*fd_out = fd;
	if (st != SP_OK)
		(void)close(fd);
	return st;
}

static void
say_stored(const char *path, int fd, struct answer *a)
{
	struct stat is = { 0 };
	struct sp_jw w;

	(void)fstat(fd, &is);
	answer_object(a, 201, &w);
	sp_jw_text(&w, "path", path);
	sp_jw_int(&w, "size", is.st_size);
	tree_version(&w, &is);
	answer_end(a, &w);
}

void
file_place(struct server *s, struct request *r, int at, const char *path,
    const char *tmp, int fd, struct answer *a)
{
	bool replace = !etag_in(r->head.if_none_match, "\"\"");
	int tmpdir = s->spool.dir[SP_DIR_TMP], dir = -1;
	struct sp_err err = { "" };
	const char *name = path;
	enum sp_status st;

	st = dir_make(at, path, &name, &dir, &err);
	if (st == SP_OK) {
		st = sp_move_file(tmpdir, tmp, dir, name, replace, &err);
		if (st == SP_OK)
			st = sp_sync(dir, path, &err);
		(void)close(dir);
	}
	if (st == SP_OK) {
		say_stored(
		    r->param[1] != NULL ? r->param[1] : r->param[0], fd, a);
	} else {
		(void)unlinkat(tmpdir, tmp, 0);
		if (st == SP_LOST)
			answer_wrong(a, W_CHANGED, "%s is there", path);
		else
			answer_status(a, st, &err, NULL);
	}
	(void)close(fd);
}

enum sp_status
file_remove(int at, const char *path, struct sp_err *err)
{
	char above[PATH_MAX];
	char *slash;

	if (unlinkat(at, path, 0) == -1 && errno != ENOENT)
		return sp_err_sys(err, "remove %s", path);
	(void)snprintf(above, sizeof above, "%s", path);
	/* Up to the top, which stays. */
	while ((slash = strrchr(above, '/')) != NULL) {
		*slash = '\0';
		if (strchr(above, '/') == NULL ||
		    unlinkat(at, above, AT_REMOVEDIR) == -1)
			break;
	}
	return SP_OK;
}
