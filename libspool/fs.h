/*
 * fs.h - the file calls by which a spool is reached: those of the system, or of
 * a back end that a room above brings (SFTP; a simulation), behind the same
 * handles.
 *
 * A handle is an int.  Below SP_FS_FAR it is a descriptor and each call here is
 * the system call of that name, with its arguments, its return value and its
 * errno.  From there on it belongs to a back end.  The first half of this file
 * is for those who use handles, the second for those who write a back end.
 *
 * All calls may be made from any number of threads at once; one file handle is
 * used by one thread at a time, pread and fstat apart.  A call on a far handle
 * may take as long as its back end's deadline, and no longer.
 *
 * errno of a far handle: what the system would say, as far as the medium tells,
 * and besides
 *	EHOSTDOWN	the medium is away, or did not answer in time: nobody
 *			knows whether it happened.  sp_errno_status: SP_RETRY
 *	EIO		a file that was open when the link broke: for ever
 *	ENOTSUP		the medium has no such call
 * ENOENT is only said when the medium said so; never for "I do not know".
 */
#ifndef SP_FS_H
#define SP_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include "libspool/buf.h"

#define SP_FS_FAR (1 << 24)

static inline bool
sp_fs_far(int fd)
{
	return fd >= SP_FS_FAR;
}

/* ---- handles ---- */

/* O_CLOEXEC is added.  With O_DIRECTORY (a path or ".") a directory's handle,
 * which outlives the link; else a file's.  Far, a path has no "..", and what is
 * opened to be read is a plain file: ELOOP a symbolic link, EISDIR, ENXIO any
 * other; near that is the caller's business (file.h).  O_DIRECTORY | O_PATH:
 * it is known to be there and far, nobody is asked. */
int sp_fs_open(int dir, const char *path, int flags, mode_t mode);
/* The same, with what fstat would say. */
int sp_fs_open_stat(
    int dir, const char *path, int flags, mode_t mode, struct stat *st_out);
int sp_fs_close(int fd);
int sp_fs_dup(int fd);
/* `onto` becomes what `fd` is; both stay open.  Two of a kind. */
int sp_fs_replace(int fd, int onto);

/* ---- open files ---- */

ssize_t sp_fs_read(int fd, void *data, size_t len);
ssize_t sp_fs_write(int fd, const void *data, size_t len);
/* Far, `len` may be large: a back end has many packets on the way for it. */
ssize_t sp_fs_pread(int fd, void *data, size_t len, off_t at);
ssize_t sp_fs_pwrite(int fd, const void *data, size_t len, off_t at);
/* How much to ask for at once when bytes go from one to the other. */
size_t sp_fs_piece(int from, int to);
int sp_fs_seek(int fd, off_t at); /* from the beginning */
int sp_fs_fstat(int fd, struct stat *st_out);
int sp_fs_ftruncate(int fd, off_t len);
/* Of a file or of a directory. */
int sp_fs_fsync(int fd);
/* Of modes and of writing early: hints, which a far medium may not heed. */
int sp_fs_fchmod(int fd, mode_t mode);
void sp_fs_flush_soon(int fd);

/* ---- names ---- */

/* Never follows a symbolic link.  Far, st_nlink, st_ino, st_dev are 0 where
 * they are not known, and st_ctim is st_mtim. */
int sp_fs_lstat(int dir, const char *path, struct stat *st_out);
/* The same, with the number of links known, or ENOTSUP; it may cost a listing.
 */
int sp_fs_links(int dir, const char *path, struct stat *st_out);
/* RENAME_NOREPLACE: EINVAL where the medium cannot promise it. */
int sp_fs_rename(
    int fromdir, const char *from, int todir, const char *to, unsigned flags);
int sp_fs_link(int fromdir, const char *from, int todir, const char *to);
int sp_fs_unlink(int dir, const char *path);
int sp_fs_rmdir(int dir, const char *path);
int sp_fs_mkdir(int dir, const char *path, mode_t mode);
int sp_fs_statvfs(int fd, struct statvfs *vfs_out);

/* Each name in dir/path ("." for dir itself), afresh, in no order, without "."
 * and "..", until `one` says false.  st: what is known of it, as lstat has it,
 * or NULL (near).  Far, names that are none (a slash, nothing) are left out. */
typedef bool sp_fs_one_fn(void *arg, const char *name, const struct stat *st);
int sp_fs_list(int dir, const char *path, sp_fs_one_fn *one, void *arg);
/* Near: of a directory that was just opened, and to be closed after this. */
int sp_fs_list_on(int fd, sp_fs_one_fn *one, void *arg);

/* ---- several calls as one ---- */

/* Open, look, read all of it and close.  Replaces what `text` holds; EFBIG: it
 * is longer than `max`.  Not for a near handle: ENOTSUP (see sp_read). */
int sp_fs_get(int dir, const char *path, size_t max, struct sp_buf *text,
    struct stat *st_out);

enum sp_fs_put {
	SP_PUT_EXCL = 1, /* EEXIST if there is one; else it is emptied */
	SP_PUT_SYNC = 2, /* to the disk, before it is closed */
};

/* Create or empty, write all of it and close.  What a failure leaves is half of
 * it, or nothing. */
int sp_fs_put(
    int dir, const char *path, const void *data, size_t len, unsigned flags);

enum sp_fs_what {
	SP_FS_RENAME, /* path, todir, to; flags as above */
	SP_FS_LINK,   /* path, todir, to */
	SP_FS_UNLINK, /* path */
	SP_FS_RMDIR,  /* path */
	SP_FS_MKDIR,  /* path */
	SP_FS_LSTAT,  /* path -> st */
	SP_FS_LINKS,  /* path -> st */
	SP_FS_SYNC,   /* path: a directory, with the names that those before
	               * it in the group have changed there */
	SP_FS_LIST,   /* path, one, arg: as sp_fs_list */
	SP_FS_GET,    /* path, max -> text, st (which may be NULL) */
	SP_FS_PUT,    /* path, data, len; flags: enum sp_fs_put */
	SP_FS_WRITE   /* path, data, len, at -> st (which may be NULL): a file,
	               * made where there is none, is as st says; then all of
	               * data goes there, wherever it ends.  What a failure
	               * leaves is any part of that */
};

struct sp_fs_op {
	enum sp_fs_what what;
	int dir;
	const char *path; /* "." for dir itself */
	int todir;
	const char *to;
	unsigned flags;
	const void *data;
	size_t len;
	off_t at;
	size_t max;
	struct sp_buf *text;
	sp_fs_one_fn *one; /* by the thread that asks */
	void *arg;
	struct stat *st;
	int error; /* out: 0, or an errno */
	/* for back ends, filled here: both paths from the root */
	const char *full, *full_to;
};

/* All of them, all on one spool.  Far they are on the way at once, begun in
 * this order, and one that fails stops none behind it: so a group is what is
 * harmless whatever became of the others.  Near: one after the other. */
void sp_fs_many(struct sp_fs_op *ops, size_t n);
/* Just this one, by the plain calls above; also for a back end whose `many`
 * has no better way for it. */
void sp_fs_alone(struct sp_fs_op *op);

/* ---- what a medium is ---- */

enum sp_fs_fact {
	SP_FS_REAL_RENAME = 1, /* a rename is one step: revoking is allowed */
	SP_FS_DURABLE = 2,     /* what was fsynced stays, so it says */
	SP_FS_FINE_TIMES = 4,  /* times finer than a second, and ctimes */
	SP_FS_INODES = 8       /* st_ino and st_dev tell files apart */
};

/* Bits; of a far one as it is now, for it may come back as another. */
unsigned sp_fs_facts(int fd);

/* ---- writing a back end ---- */

/*
 * All paths are from the root of the tree, without "..", "//" or a slash at
 * either end; "." is the root.  Each function returns 0 (or a count), or minus
 * an errno of those above.  NULL where the medium has none, but open to lstat,
 * list, rename, unlink, mkdir must be there.
 *
 * Any number of threads call at once.  Nothing here blocks beyond a deadline
 * of the back end's own: then -EHOSTDOWN.
 */
struct sp_fs_ops {
	const char *name; /* "sftp" */
	/* The last handle was closed: the tree is nobody's any more. */
	void (*leave)(void *tree);
	unsigned (*facts)(void *tree);

	/* O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND; other
	 * bits mean nothing.  A plain file only, following nothing as far as
	 * the medium allows, and never waiting for a FIFO's other end: look
	 * before it is opened to be read, unless it was seen a moment ago.
	 * st_out, which may be NULL: filled when it was opened to be read. */
	int (*open)(void *tree, const char *path, int flags, mode_t mode,
	    void **file_out, struct stat *st_out);
	int (*close)(void *tree, void *file); /* the file is gone, whatever */
	/* As much as was asked for, less only at the end of the file. */
	ssize_t (*pread)(
	    void *tree, void *file, void *data, size_t len, off_t at);
	/* All of it or an error; O_APPEND: at the end, `at` means nothing. */
	ssize_t (*pwrite)(
	    void *tree, void *file, const void *data, size_t len, off_t at);
	int (*fstat)(void *tree, void *file, struct stat *st_out);
	int (*ftruncate)(void *tree, void *file, off_t len);
	int (*fsync)(void *tree, void *file);

	int (*lstat)(void *tree, const char *path, struct stat *st_out);
	/* With st, and st_nlink in it where the medium tells. */
	int (*list)(void *tree, const char *path, sp_fs_one_fn *one, void *arg);
	/* NULL: a listing is asked. */
	int (*links)(void *tree, const char *path, struct stat *st_out);
	/* One step on the medium, or at least one that another's rename of the
	 * same name cannot win too; over an older target.  NOREPLACE: only by
	 * one step or not at all (-EINVAL): by link and unlink in two calls,
	 * we do it ourselves. */
	int (*rename)(
	    void *tree, const char *from, const char *to, unsigned flags);
	int (*link)(void *tree, const char *from, const char *to);
	int (*unlink)(void *tree, const char *path);
	int (*mkdir)(void *tree, const char *path, mode_t mode);
	int (*rmdir)(void *tree, const char *path);
	int (*syncdir)(void *tree, const char *path);
	int (*statvfs)(void *tree, const char *path, struct statvfs *vfs_out);

	/* NULL: by the calls above, one after the other.  `text` comes empty,
	 * with room for max + 1 bytes allowed; st_out may be NULL. */
	int (*get)(void *tree, const char *path, size_t max,
	    struct sp_buf *text, struct stat *st_out);
	int (*put)(void *tree, const char *path, const void *data, size_t len,
	    unsigned flags);
	void (*many)(void *tree, struct sp_fs_op *ops, size_t n);
};

/* A handle on the root of a tree, -1 without memory.  `ops` stays; the tree is
 * ours until `leave`. */
int sp_fs_root(const struct sp_fs_ops *ops, void *tree);

#endif
