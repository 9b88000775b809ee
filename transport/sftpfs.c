/*
 * sftpfs.c - files on an SFTP server by the calls of libspool/fs.h: the table,
 * and what one request after the other does.
 *
 * The server's words are few: FAILURE is EEXIST, ENOSPC, EXDEV and more, and
 * NO_SUCH_FILE is said of bad handles too.  So a failure is looked into, and
 * callers decide by what lies in the spool.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/spool.h"
#include "transport/sftpfs.h"

#define DEADLINE_MS 20000

/* ---- one request ---- */

static int
statvfs_(void *tree, const char *path, struct statvfs *vfs)
{
	struct sftp_fs *f = tree;
	struct sftp_call c;
	int rc;

	if (!sftp_now(f->link).has.statvfs)
		return -ENOTSUP;
	sftp_call_init(&c, SFTP_EXTENDED);
	sftp_pack_text(&c.packet, "statvfs@openssh.com");
	sftp_pack_path(f, &c.packet, path);
	if ((rc = sftp_ask(f->link, &c, 0)) == 0) {
		if (c.type == SFTP_EXTENDED_REPLY) {
			sftp_statvfs(&c.in, vfs);
			if (c.in.bad)
				rc = sftp_spoilt(f->link, c.number);
		} else if ((rc = sftp_said(f, &c)) == 0)
			rc = sftp_spoilt(f->link, c.number);
	}
	sftp_call_clear(&c);
	return rc == -EREMOTEIO ? -EIO : rc;
}

int
sftp_full(struct sftp_fs *f, int rc)
{
	struct statvfs vfs;

	if (rc != -EREMOTEIO)
		return rc;
	return statvfs_(f, ".", &vfs) == 0 &&
		(vfs.f_bavail == 0 || (vfs.f_files > 0 && vfs.f_favail == 0))
	    ? -ENOSPC
	    : -EIO;
}

static int
of_path(struct sftp_fs *f, enum sftp_type type, const char *path,
    struct sftp_call *c)
{
	sftp_call_init(c, type);
	sftp_pack_path(f, &c->packet, path);
	return sftp_ask(f->link, c, 0);
}

static int
of_file(struct sftp_fs *f, enum sftp_type type, const struct sftp_file *file,
    struct sftp_call *c)
{
	sftp_call_init(c, type);
	sftp_pack_handle(&c->packet, file);
	return sftp_ask(f->link, c, file->number);
}

static int
lstat_(void *tree, const char *path, struct stat *st)
{
	struct sftp_fs *f = tree;
	struct sftp_call c;
	int rc;

	if ((rc = of_path(f, SFTP_LSTAT, path, &c)) == 0)
		rc = sftp_said_attrs(f, &c, st);
	sftp_call_clear(&c);
	if (rc == 0 && S_ISREG(st->st_mode))
		sftp_seen(f, path);
	return rc == -EREMOTEIO ? -EIO : rc;
}

static int
fstat_(void *tree, void *file, struct stat *st)
{
	struct sftp_fs *f = tree;
	struct sftp_call c;
	int rc;

	if ((rc = of_file(f, SFTP_FSTAT, file, &c)) == 0)
		rc = sftp_said_attrs(f, &c, st);
	sftp_call_clear(&c);
	return rc == -ENOENT || rc == -EREMOTEIO ? -EIO : rc;
}

static int
ftruncate_(void *tree, void *file, off_t len)
{
	struct sftp_file *file_ = file;
	struct sftp_fs *f = tree;
	struct sftp_call c;
	int rc;

	sftp_call_init(&c, SFTP_FSETSTAT);
	sftp_pack_handle(&c.packet, file_);
	sftp_pack_u32(&c.packet, SFTP_A_SIZE);
	sftp_pack_u64(&c.packet, (uint64_t)len);
	if ((rc = sftp_ask(f->link, &c, file_->number)) == 0)
		rc = sftp_said_of_file(f, &c);
	sftp_call_clear(&c);
	return sftp_full(f, rc);
}

static int
fsync_(void *tree, void *file)
{
	struct sftp_file *file_ = file;
	struct sftp_fs *f = tree;
	struct sftp_call c;
	int rc;

	if (!sftp_now(f->link).has.fsync)
		return -ENOTSUP;
	sftp_call_init(&c, SFTP_EXTENDED);
	sftp_pack_text(&c.packet, "fsync@openssh.com");
	sftp_pack_handle(&c.packet, file_);
	if ((rc = sftp_ask(f->link, &c, file_->number)) == 0)
		rc = sftp_said_of_file(f, &c);
	sftp_call_clear(&c);
	return sftp_full(f, rc);
}

/* ---- open and close ---- */

static uint32_t
open_flags(int flags)
{
	uint32_t to = 0;

	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		to = SFTP_F_READ;
		break;
	case O_WRONLY:
		to = SFTP_F_WRITE;
		break;
	default:
		to = SFTP_F_READ | SFTP_F_WRITE;
	}
	if ((flags & O_APPEND) != 0)
		to |= SFTP_F_APPEND;
	if ((flags & O_CREAT) != 0)
		to |= SFTP_F_CREAT;
	if ((flags & O_TRUNC) != 0)
		to |= SFTP_F_TRUNC;
	if ((flags & O_EXCL) != 0)
		to |= SFTP_F_EXCL;
	return to;
}

/* What is there already must be a plain file: a FIFO would hang the server, a
 * link lead elsewhere.  looked_out: st_out is of now. */
static int
look(struct sftp_fs *f, const char *path, int flags, struct stat *st_out,
    bool *looked_out)
{
	struct stat st;
	int rc;

	*looked_out = false;
	if ((flags & O_EXCL) != 0 || sftp_seen_is(f, path))
		return 0;
	rc = lstat_(f, path, &st);
	if (rc == -ENOENT && (flags & O_CREAT) != 0)
		return 0;
	if (rc == 0)
		rc = sftp_plain(&st);
	if (rc == 0 && st_out != NULL) {
		*st_out = st;
		*looked_out = true;
	}
	return rc;
}

static int
open_(void *tree, const char *path, int flags, mode_t mode, void **file_out,
    struct stat *st_out)
{
	struct sftp_fs *f = tree;
	struct sftp_file *file;
	struct sftp_call c;
	struct stat there;
	bool looked;
	int rc;

	(void)mode; /* the server's umask, and 0666 */
	if ((rc = look(f, path, flags, st_out, &looked)) != 0)
		return rc;
	if ((file = malloc(sizeof *file)) == NULL)
		return -ENOMEM;
	sftp_call_init(&c, SFTP_OPEN);
	sftp_pack_path(f, &c.packet, path);
	sftp_pack_u32(&c.packet, open_flags(flags));
	sftp_pack_u32(&c.packet, 0);
	if ((rc = sftp_ask(f->link, &c, 0)) == 0)
		rc = sftp_said_handle(f, &c, file);
	sftp_call_clear(&c);
	if (rc == -EREMOTEIO && (flags & O_EXCL) != 0 &&
	    lstat_(f, path, &there) == 0)
		rc = -EEXIST;
	else if (rc == -EREMOTEIO)
		rc = (flags & O_CREAT) != 0 ? sftp_full(f, rc) : -EIO;
	if (rc == 0 && st_out != NULL && !looked &&
	    (flags & O_ACCMODE) != O_WRONLY &&
	    (rc = fstat_(f, file, st_out)) != 0)
		sftp_drop(f, file);
	if (rc != 0) {
		free(file);
		return rc;
	}
	file->written = (flags & O_ACCMODE) != O_RDONLY;
	if (file->written)
		sftp_seen(f, path);
	*file_out = file;
	return 0;
}

/* What was written may fail only here, on the server's own network disk. */
static int
close_(void *tree, void *file)
{
	struct sftp_file *file_ = file;
	struct sftp_fs *f = tree;
	struct sftp_call c;
	int rc = 0;

	if (!file_->written)
		sftp_drop(f, file_);
	else {
		if ((rc = of_file(f, SFTP_CLOSE, file_, &c)) == 0)
			rc = sftp_said_of_file(f, &c);
		sftp_call_clear(&c);
	}
	free(file_);
	return sftp_full(f, rc);
}

/* ---- by groups of one ---- */

static int
one(struct sftp_fs *f, struct sp_fs_op *op)
{
	sftp_many(f, op, 1);
	return -op->error;
}

static int
rename_(void *tree, const char *from, const char *to, unsigned flags)
{
	struct sp_fs_op op = { .what = SP_FS_RENAME,
		.full = from,
		.full_to = to,
		.flags = flags };

	return one(tree, &op);
}

static int
link_(void *tree, const char *from, const char *to)
{
	struct sp_fs_op op = {
		.what = SP_FS_LINK, .full = from, .full_to = to
	};

	return one(tree, &op);
}

static int
unlink_(void *tree, const char *path)
{
	struct sp_fs_op op = { .what = SP_FS_UNLINK, .full = path };

	return one(tree, &op);
}

static int
mkdir_(void *tree, const char *path, mode_t mode)
{
	struct sp_fs_op op = { .what = SP_FS_MKDIR, .full = path };

	(void)mode;
	return one(tree, &op);
}

static int
rmdir_(void *tree, const char *path)
{
	struct sp_fs_op op = { .what = SP_FS_RMDIR, .full = path };

	return one(tree, &op);
}

static int
syncdir_(void *tree, const char *path)
{
	struct sp_fs_op op = { .what = SP_FS_SYNC, .full = path };

	return one(tree, &op);
}

static int
links_(void *tree, const char *path, struct stat *st)
{
	struct sp_fs_op op = { .what = SP_FS_LINKS, .full = path, .st = st };

	return one(tree, &op);
}

static int
get_(void *tree, const char *path, size_t max, struct sp_buf *text,
    struct stat *st)
{
	struct sp_fs_op op = { .what = SP_FS_GET,
		.full = path,
		.max = max,
		.text = text,
		.st = st };

	return one(tree, &op);
}

static int
put_(void *tree, const char *path, const void *data, size_t len, unsigned flags)
{
	struct sp_fs_op op = { .what = SP_FS_PUT,
		.full = path,
		.data = data,
		.len = len,
		.flags = flags };

	return one(tree, &op);
}

/* ---- the table ---- */

static unsigned
facts(void *tree)
{
	struct sftp_fs *f = tree;
	struct sftp_now now = sftp_now(f->link);

	return (now.has.posix_rename ? SP_FS_REAL_RENAME : 0u) |
	    (now.durable ? SP_FS_DURABLE : 0u);
}

static void
leave(void *tree)
{
	struct sftp_fs *f = tree;

	sftp_close(f->link);
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
}

static const struct sp_fs_ops ops = { .name = "sftp",
	.leave = leave,
	.facts = facts,
	.open = open_,
	.close = close_,
	.pread = sftp_pread,
	.pwrite = sftp_pwrite,
	.fstat = fstat_,
	.ftruncate = ftruncate_,
	.fsync = fsync_,
	.lstat = lstat_,
	.list = sftp_list,
	.links = links_,
	.rename = rename_,
	.link = link_,
	.unlink = unlink_,
	.mkdir = mkdir_,
	.rmdir = rmdir_,
	.syncdir = syncdir_,
	.statvfs = statvfs_,
	.get = get_,
	.put = put_,
	.many = sftp_many };

/* Seconds in SPOOL_TIMEOUT, for links that are slower than others. */
static int64_t
deadline(void)
{
	const char *text = getenv("SPOOL_TIMEOUT");
	char *end;
	double s;

	if (text == NULL)
		return DEADLINE_MS;
	s = strtod(text, &end);
	return end == text || *end != '\0' || !(s >= 0.1 && s <= 3600)
	    ? DEADLINE_MS
	    : (int64_t)(s * 1000);
}

enum sp_status
sftp_fs_root(const struct ssh_site *site, const char *path, int *root_out,
    struct sp_err *err)
{
	struct sftp_fs *f = calloc(1, sizeof *f);
	enum sp_status st;

	if (f == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	(void)pthread_mutex_init(&f->lock, NULL);
	st = sftp_open(site, path, deadline(), &f->link, err);
	if (st != SP_OK) {
		(void)pthread_mutex_destroy(&f->lock);
		free(f);
		return st;
	}
	f->root_len = strlen(sftp_root(f->link));
	if ((*root_out = sp_fs_root(&ops, f)) == -1) {
		leave(f);
		return sp_err_set(err, SP_RETRY, "no memory");
	}
	return SP_OK;
}
