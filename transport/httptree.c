/*
 * httptree.c - the tree's calls on handles, and its beginning and end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/log.h"
#include "transport/httptree.h"

/* ---- what the files share ---- */

int64_t
http_tree_now(struct http_tree *t)
{
	return t->now + (sp_mono_ms() - t->at);
}

int
http_tree_errno(enum sp_status st, const struct sp_err *err)
{
	switch (st) {
	case SP_OK:
		return 0;
	case SP_GONE:
		return -ENOENT;
	case SP_LOST:
		return -EEXIST;
	case SP_BAD:
		if (sp_warn_due(err->text))
			sp_warn("%s", err->text);
		return -EINVAL;
	case SP_FATAL:
		if (sp_warn_due(err->text))
			sp_warn("%s", err->text);
		return -EACCES;
	case SP_RETRY:
		break;
	}
	if (sp_warn_due(err->text))
		sp_warn("%s", err->text);
	return -EHOSTDOWN;
}

int
http_tree_ask(struct http_tree *t, const char *method, struct sp_buf *path,
    const struct sp_buf *body, struct sp_buf *text)
{
	struct sp_err err = { "" };
	enum sp_status st;

	st = http_call(t->h, method, path, body, 0, text, NULL, &err);
	sp_buf_clear(path);
	return http_tree_errno(st, &err);
}

/* ---- open files ---- */

static void
stat_of(struct http_tree *t, const struct http_file *f, struct stat *st)
{
	int64_t ms = f->mtime > 0 ? f->mtime : http_tree_now(t);

	(void)memset(st, 0, sizeof *st);
	st->st_mode = f->kind == HTTP_DIR ? S_IFDIR | 0755 : S_IFREG | 0644;
	st->st_nlink = 1;
	st->st_size =
	    f->kind == HTTP_TEXT ? (off_t)f->text.len : (off_t)f->size;
	st->st_mtim.tv_sec = ms / 1000;
	st->st_mtim.tv_nsec = ms % 1000 * 1000000;
	st->st_ctim = st->st_mtim;
}

static void
file_free(struct http_tree *t, struct http_file *f)
{
	if (f->temp != NULL) {
		(void)pthread_mutex_lock(&t->lock);
		http_temp_drop(t, f->temp);
		(void)pthread_mutex_unlock(&t->lock);
	}
	sp_buf_clear(&f->text);
	sp_buf_clear(&f->route);
	free(f);
}

static int
tree_open(void *tree, const char *path, int flags, mode_t mode, void **file_out,
    struct stat *st_out)
{
	struct http_tree *t = tree;
	struct http_file *f = calloc(1, sizeof *f);
	int rc;

	(void)mode;
	if (f == NULL)
		return -ENOMEM;
	rc = (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0
	    ? http_tree_make(t, path, flags, f)
	    : http_tree_look(t, path, true, f);
	if (rc == 0 && f->kind == HTTP_DIR)
		rc = -EISDIR;
	if (rc < 0) {
		file_free(t, f);
		return rc;
	}
	if (st_out != NULL)
		stat_of(t, f, st_out);
	*file_out = f;
	return 0;
}

static int
tree_close(void *tree, void *file)
{
	file_free(tree, file);
	return 0;
}

/* A range of it; what is behind the end is nothing. */
static ssize_t
piece(struct http_tree *t, struct http_file *f, char *data, size_t len,
    int64_t at)
{
	struct sp_buf text = SP_BUF_INIT(len < 65536 ? 65536 : len + 1);
	struct wire_call call = {
		.method = "GET", .path = sp_buf_text(&f->route), .text = &text
	};
	struct sp_err err = { "" };
	enum sp_status st;
	ssize_t n = 0;
	char range[96], same[WIRE_ETAG + 16];

	(void)snprintf(range, sizeof range, "Range: bytes=%lld-%lld",
	    (long long)at, (long long)at + (long long)len - 1);
	call.head[0] = range;
	(void)snprintf(same, sizeof same, "If-Range: %s", f->etag);
	if (f->etag[0] != '\0')
		call.head[1] = same;
	st = wire_call(t->h->wire, &call, &err);
	if (st == SP_OK && f->etag[0] != '\0' && call.status < 300 &&
	    strcmp(call.etag, f->etag) != 0)
		n = -EIO; /* it is another one now */
	else if (st == SP_OK && call.status == 206 && call.start == at &&
	    text.len <= len)
		n = (ssize_t)text.len;
	else if (st == SP_OK && call.status == 200 && at < (int64_t)text.len)
		n = (ssize_t)(text.len - (size_t)at < len
			? text.len - (size_t)at
			: len);
	else if (st == SP_OK && call.status != 416 && call.status != 200)
		n = http_tree_errno(
		    http_refused(t->h, &call, NULL, &err), &err);
	else if (st != SP_OK)
		n = http_tree_errno(st, &err);
	if (n > 0)
		(void)memcpy(data,
		    text.data + (call.status == 200 ? (size_t)at : 0),
		    (size_t)n);
	sp_buf_clear(&text);
	return n;
}

static ssize_t
tree_pread(void *tree, void *file, void *data, size_t len, off_t at)
{
	struct http_file *f = file;
	ssize_t n;

	if (at < 0)
		return -EINVAL;
	if (len == 0)
		return 0;
	if (f->kind == HTTP_PIECES)
		return piece(tree, f, data, len, at);
	if (f->kind == HTTP_TEMP) {
		n = pread(f->temp->fd, data, len, at);
		return n == -1 ? -errno : n;
	}
	if ((size_t)at >= f->text.len)
		return 0;
	if (len > f->text.len - (size_t)at)
		len = f->text.len - (size_t)at;
	(void)memcpy(data, f->text.data + at, len);
	return (ssize_t)len;
}

static ssize_t
tree_pwrite(void *tree, void *file, const void *data, size_t len, off_t at)
{
	struct http_file *f = file;
	size_t done = 0;
	ssize_t n;

	(void)tree;
	if (f->kind != HTTP_TEMP)
		return -EROFS;
	while (done < len) {
		n = pwrite(f->temp->fd, (const char *)data + done, len - done,
		    at + (off_t)done);
		if (n == -1 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)len;
}

static int
tree_fstat(void *tree, void *file, struct stat *st_out)
{
	struct http_file *f = file;
	struct stat is;

	if (f->kind == HTTP_TEMP && fstat(f->temp->fd, &is) == 0)
		f->size = is.st_size;
	stat_of(tree, f, st_out);
	return 0;
}

static int
tree_ftruncate(void *tree, void *file, off_t len)
{
	struct http_file *f = file;

	(void)tree;
	if (f->kind != HTTP_TEMP)
		return -EROFS;
	return ftruncate(f->temp->fd, len) == -1 ? -errno : 0;
}

/* The server says that something is accepted when it lasts. */
static int
tree_fsync(void *tree, void *file)
{
	(void)tree;
	(void)file;
	return 0;
}

/* ---- names ---- */

static int
tree_lstat(void *tree, const char *path, struct stat *st_out)
{
	struct http_file f = { .kind = HTTP_DIR };
	int rc = http_tree_look(tree, path, false, &f);

	if (rc == 0)
		stat_of(tree, &f, st_out);
	sp_buf_clear(&f.text);
	sp_buf_clear(&f.route);
	return rc;
}

static int
tree_mkdir(void *tree, const char *path, mode_t mode)
{
	(void)tree;
	(void)path;
	(void)mode;
	return -EROFS;
}

static int
tree_syncdir(void *tree, const char *path)
{
	(void)tree;
	(void)path;
	return 0;
}

static unsigned
tree_facts(void *tree)
{
	(void)tree;
	return SP_FS_DURABLE;
}

/* ---- the beginning and the end ---- */

static void
tree_leave(void *tree)
{
	struct http_tree *t = tree;

	while (t->temps != NULL) {
		t->temps->refs = 1;
		http_temp_drop(t, t->temps);
	}
	wire_stop(t->h->wire);
	http_door_close(t->h);
	sp_buf_clear(&t->workers);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

static const struct sp_fs_ops ops = {
	.name = "https",
	.leave = tree_leave,
	.facts = tree_facts,
	.open = tree_open,
	.close = tree_close,
	.pread = tree_pread,
	.pwrite = tree_pwrite,
	.fstat = tree_fstat,
	.ftruncate = tree_ftruncate,
	.fsync = tree_fsync,
	.lstat = tree_lstat,
	.list = http_tree_list,
	.rename = http_tree_rename,
	.unlink = http_tree_unlink,
	.mkdir = tree_mkdir,
	.rmdir = http_tree_unlink,
	.syncdir = tree_syncdir,
};

/* A program has one, or none. */
static struct http *door;
static int door_root = -1;

static bool
server_is(const struct sp_spool *spool)
{
	return spool->root != -1 && spool->root == door_root;
}

static enum sp_status
server_get(const struct sp_spool *spool, const struct sp_buf *path, int64_t ms,
    struct sp_buf *text_out, struct sp_err *err)
{
	return server_is(spool)
	    ? http_call(door, "GET", path, NULL, ms, text_out, NULL, err)
	    : sp_err_set(err, SP_FATAL, "no server has this spool");
}

const struct tr_server http_tree_server = { server_is, http_path, server_get };

enum sp_status
http_tree_root(const char *url, int *root_out, struct sp_err *err)
{
	struct http_tree *t = calloc(1, sizeof *t);
	enum sp_status st;

	if (t == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	if ((st = http_door_open(url, &t->h, err)) != SP_OK) {
		free(t);
		return st;
	}
	t->h->firm = true;
	t->now = t->h->about.now;
	t->at = sp_mono_ms();
	t->workers_at = -1;
	sp_buf_init(&t->workers, ANSWER_MOST);
	(void)pthread_mutex_init(&t->lock, NULL);
	if ((*root_out = sp_fs_root(&ops, t)) == -1) {
		tree_leave(t);
		return sp_err_set(err, SP_RETRY, "no memory");
	}
	door = t->h;
	door_root = *root_out;
	return SP_OK;
}
