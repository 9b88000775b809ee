/*
 * fsmany.c - several file calls as one.  A back end that can has them on the
 * way together; for all others they are made here, one after the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/fsfar.h"

/* ---- whole files, from a back end's parts ---- */

static int
get_parts(const struct far_tree *in, const char *full, size_t max,
    struct sp_buf *text, struct stat *st)
{
	void *file;
	size_t want;
	ssize_t n;
	char *at;
	int rc;

	if (in->ops->pread == NULL || in->ops->close == NULL)
		return -ENOTSUP;
	rc = in->ops->open(in->tree, full, O_RDONLY, 0, &file, st);
	if (rc < 0)
		return rc;
	want = (size_t)st->st_size + 1;
	while (rc == 0) {
		if (want > max + 1 - text->len)
			want = max + 1 - text->len;
		if ((at = sp_buf_room(text, want)) == NULL) {
			rc = -ENOMEM;
			break;
		}
		n = in->ops->pread(in->tree, file, at, want, (off_t)text->len);
		if (n <= 0) {
			rc = (int)n;
			break;
		}
		text->len += (size_t)n;
		text->data[text->len] = '\0';
		if (text->len > max)
			rc = -EFBIG;
		else if ((size_t)n < want)
			break;
		want = 4096;
	}
	(void)in->ops->close(in->tree, file);
	return rc;
}

static void
get_ready(struct sp_buf *text, size_t max)
{
	sp_buf_reset(text);
	if (text->max < max + 2)
		text->max = max + 2;
}

static int
get_one(const struct far_tree *in, const char *full, size_t max,
    struct sp_buf *text, struct stat *st_out)
{
	struct stat st = { 0 };
	int rc;

	get_ready(text, max);
	rc = in->ops->get != NULL ? in->ops->get(in->tree, full, max, text, &st)
				  : get_parts(in, full, max, text, &st);
	if (rc >= 0 && st_out != NULL)
		*st_out = st;
	/* One that is empty has a text all the same. */
	if (rc >= 0 && text->data == NULL && sp_buf_room(text, 1) != NULL)
		text->data[0] = '\0';
	return rc;
}

static int
put_parts(const struct far_tree *in, const char *full, const void *data,
    size_t len, unsigned flags)
{
	const struct sp_fs_ops *ops = in->ops;
	void *file;
	int rc, shut;

	if (ops->pwrite == NULL || ops->close == NULL)
		return -ENOTSUP;
	rc = ops->open(in->tree, full,
	    O_WRONLY | O_CREAT | (flags & SP_PUT_EXCL ? O_EXCL : O_TRUNC), 0666,
	    &file, NULL);
	if (rc < 0)
		return rc;
	if (len > 0)
		rc = (int)ops->pwrite(in->tree, file, data, len, 0);
	if (rc >= 0 && (flags & SP_PUT_SYNC) != 0 && ops->fsync != NULL) {
		rc = ops->fsync(in->tree, file);
		if (rc == -ENOTSUP)
			rc = 0; /* as sp_sync takes it */
	}
	shut = ops->close(in->tree, file);
	return rc < 0 ? rc : shut < 0 ? shut : 0;
}

static int
put_one(const struct far_tree *in, const char *full, const void *data,
    size_t len, unsigned flags)
{
	return in->ops->put != NULL
	    ? in->ops->put(in->tree, full, data, len, flags)
	    : put_parts(in, full, data, len, flags);
}

int
sp_fs_get(int dir, const char *path, size_t max, struct sp_buf *text,
    struct stat *st_out)
{
	char full[PATH_MAX];
	struct far *d;
	int rc = -1;

	if (!sp_fs_far(dir)) {
		errno = ENOTSUP;
		return -1;
	}
	if ((d = far_get(dir)) == NULL)
		return -1;
	if (far_path(d, path, full) == 0)
		rc = far_said(get_one(d->in, full, max, text, st_out));
	far_put(d);
	return rc == -1 ? -1 : 0;
}

/* ---- near ---- */

static int
near_put(
    int dir, const char *path, const void *data, size_t len, unsigned flags)
{
	const char *at = data;
	int fd, why = 0;
	ssize_t n;

	fd = openat(dir, path,
	    O_WRONLY | O_CREAT | (flags & SP_PUT_EXCL ? O_EXCL : O_TRUNC) |
		O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    0666);
	if (fd == -1)
		return -1;
	while (len > 0 && why == 0) {
		n = write(fd, at, len);
		if (n == -1)
			why = errno == EINTR ? 0 : errno;
		else {
			at += n;
			len -= (size_t)n;
		}
	}
	if (why == 0 && (flags & SP_PUT_SYNC) != 0 && fsync(fd) == -1 &&
	    errno != EINVAL && errno != ENOTSUP)
		why = errno;
	if (close(fd) == -1 && why == 0)
		why = errno;
	errno = why;
	return why == 0 ? 0 : -1;
}

int
sp_fs_put(
    int dir, const char *path, const void *data, size_t len, unsigned flags)
{
	char full[PATH_MAX];
	struct far *d;
	int rc = -1;

	if (!sp_fs_far(dir))
		return near_put(dir, path, data, len, flags);
	if ((d = far_get(dir)) == NULL)
		return -1;
	if (far_path(d, path, full) == 0)
		rc = far_said(put_one(d->in, full, data, len, flags));
	far_put(d);
	return rc == -1 ? -1 : 0;
}

static int
sync_dir(int dir, const char *path)
{
	int fd, rc, saved;

	if (strcmp(path, ".") == 0)
		return sp_fs_fsync(dir);
	fd = sp_fs_open(dir, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | (sp_fs_far(dir) ? O_PATH : 0),
	    0);
	if (fd == -1)
		return -1;
	rc = sp_fs_fsync(fd);
	saved = errno;
	(void)sp_fs_close(fd);
	errno = saved;
	return rc;
}

static int
write_at(int dir, const char *path, const void *data, size_t len, off_t at,
    struct stat *st)
{
	/* O_NONBLOCK: a FIFO planted there must not hold us up. */
	int why = 0,
	    fd = sp_fs_open(
		dir, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0666);
	const char *from = data;
	ssize_t n;

	if (fd == -1)
		return -1;
	if (sp_fs_fstat(fd, st) == -1)
		why = errno;
	while (len > 0 && why == 0) {
		n = sp_fs_pwrite(fd, from, len, at);
		if (n == -1)
			why = errno == EINTR ? 0 : errno;
		else {
			from += n;
			at += n;
			len -= (size_t)n;
		}
	}
	if (sp_fs_close(fd) == -1 && why == 0)
		why = errno;
	errno = why;
	return why == 0 ? 0 : -1;
}

void
sp_fs_alone(struct sp_fs_op *op)
{
	struct stat st, *into = op->st == NULL ? &st : op->st;
	int rc;

	switch (op->what) {
	case SP_FS_RENAME:
		rc = sp_fs_rename(
		    op->dir, op->path, op->todir, op->to, op->flags);
		break;
	case SP_FS_LINK:
		rc = sp_fs_link(op->dir, op->path, op->todir, op->to);
		break;
	case SP_FS_UNLINK:
		rc = sp_fs_unlink(op->dir, op->path);
		break;
	case SP_FS_RMDIR:
		rc = sp_fs_rmdir(op->dir, op->path);
		break;
	case SP_FS_MKDIR:
		rc = sp_fs_mkdir(op->dir, op->path, 0777);
		break;
	case SP_FS_LSTAT:
		rc = sp_fs_lstat(op->dir, op->path, into);
		break;
	case SP_FS_LINKS:
		rc = sp_fs_links(op->dir, op->path, into);
		break;
	case SP_FS_SYNC:
		rc = sync_dir(op->dir, op->path);
		break;
	case SP_FS_LIST:
		rc = sp_fs_list(op->dir, op->path, op->one, op->arg);
		break;
	case SP_FS_WRITE:
		rc = write_at(
		    op->dir, op->path, op->data, op->len, op->at, into);
		break;
	case SP_FS_GET:
		rc = sp_fs_get(op->dir, op->path, op->max, op->text, into);
		break;
	default:
		rc = sp_fs_put(op->dir, op->path, op->data, op->len, op->flags);
	}
	op->error = rc == -1 ? errno : 0;
}

/* ---- far, together ---- */

static int
name_paths(struct sp_fs_op *op, struct far_tree **in, char *paths)
{
	struct far *a = far_get(op->dir), *b = NULL;
	int rc = -1;

	op->full = op->full_to = NULL;
	if (a == NULL)
		return -1;
	if (far_path(a, op->path, paths) == 0) {
		op->full = paths;
		rc = 0;
	}
	if (rc == 0 && op->to != NULL) {
		rc = -1;
		if ((b = far_get(op->todir)) != NULL &&
		    far_path(b, op->to, paths + PATH_MAX) == 0) {
			op->full_to = paths + PATH_MAX;
			rc = 0;
		}
	}
	if (rc == 0 &&
	    ((*in != NULL && a->in != *in) || (b != NULL && b->in != a->in))) {
		errno = EXDEV;
		rc = -1;
	}
	if (rc == 0)
		*in = a->in;
	far_put(a);
	if (b != NULL)
		far_put(b);
	return rc;
}

void
sp_fs_many(struct sp_fs_op *ops, size_t n)
{
	struct far_tree *in = NULL;
	struct far *hold = NULL;
	char *paths = NULL;
	bool together;
	size_t i;

	together = n > 0 && sp_fs_far(ops[0].dir) &&
	    (hold = far_get(ops[0].dir)) != NULL &&
	    hold->in->ops->many != NULL &&
	    (paths = malloc(n * 2 * PATH_MAX)) != NULL;
	for (i = 0; i < n && together; i++)
		together =
		    name_paths(&ops[i], &in, paths + i * 2 * PATH_MAX) == 0;
	for (i = 0; i < n && together; i++)
		if (ops[i].what == SP_FS_GET)
			get_ready(ops[i].text, ops[i].max);
	if (together)
		in->ops->many(in->tree, ops, n);
	else
		for (i = 0; i < n; i++)
			sp_fs_alone(&ops[i]);
	if (hold != NULL)
		far_put(hold);
	free(paths);
}
