/*
 * file.h - opening, reading and publishing.
 *
 * Opening: nothing planted in a spool may block us or lead us out of it:
 * openat2 beneath the handle, no symlinks, O_NONBLOCK, regular files only,
 * bounded.  Where the kernel has no openat2: openat with O_NOFOLLOW, one
 * component at a time.
 *
 * Publishing: tmp, write, fsync, checked close, rename (move.c), fsync of the
 * directory.  A crash before the rename leaves a file in tmp/ that the sweeper
 * takes away; after it, the file.
 */
#ifndef SP_FILE_H
#define SP_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

/* Open dirfd/name (one component, or a path beneath) for reading.
 * SP_GONE: not there.  SP_BAD: symlink, FIFO, device, directory, or longer
 * than max (0: any length).  Links are counted by the caller: st_out->st_nlink.
 */
enum sp_status sp_open(int dirfd, const char *name, off_t max, int *fd_out,
    struct stat *st_out, struct sp_err *err);

/* The same of a user's directory, not of a spool: symlinks are followed as long
 * as they stay beneath it. */
enum sp_status sp_open_inside(int dirfd, const char *path, off_t max,
    int *fd_out, struct stat *st_out, struct sp_err *err);

enum sp_status sp_open_dir_inside(
    int dirfd, const char *path, int *fd_out, struct sp_err *err);

/* Read an open file from where its offset is; `guess`: how long it may be. */
enum sp_status sp_read_fd(int fd, const char *name, size_t max, size_t guess,
    struct sp_buf *text_out, struct sp_err *err);

/* Open and read all of it, replacing what text_out holds. */
enum sp_status sp_read(int dirfd, const char *name, size_t max,
    struct sp_buf *text_out, struct stat *st_out, struct sp_err *err);

/* readeach.c: all of these, as sp_read; what cannot be read is left out. */
typedef void sp_each_fn(void *arg, const char *name, const struct sp_buf *text,
    const struct stat *st);
void sp_read_each(int dirfd, const struct sp_names *names, size_t max,
    sp_each_fn *one, void *arg);

/* Open dirfd/name as a directory, following nothing. */
enum sp_status
sp_open_dir(int dirfd, const char *name, int *fd_out, struct sp_err *err);

/* mkdir and, if it was made, fsync of the parent. */
enum sp_status sp_make_dir(int dirfd, const char *name, struct sp_err *err);

enum sp_status sp_write_all(int fd, const void *data, size_t len);

/* fsync; a failure is SP_FATAL in spirit: never ask the same file again. */
enum sp_status sp_sync(int fd, const char *what, struct sp_err *err);

/* What an fsync that was asked for with others came to: 0, or an errno. */
enum sp_status sp_sync_said(int error, const char *what, struct sp_err *err);

/* Write tmp/NAME, O_EXCL; then sync (unless lazy) and close it, checked.  In
 * two halves, so that a group is written before its first fsync has to wait. On
 * failure nothing is left. */
enum sp_status sp_tmp_start(const struct sp_spool *spool, const char *tmpname,
    const void *text, size_t len, int *fd_out, struct sp_err *err);
enum sp_status sp_tmp_done(const struct sp_spool *spool, const char *tmpname,
    int fd, bool lazy, struct sp_err *err);

/* A name for tmp/ that nobody else has. */
void sp_tmp_name(const struct sp_spool *spool, char name_out[SP_NAME_MAX]);

enum sp_publish_flags {
	SP_PUB_REPLACE = 1, /* an older file of that name goes (beats, hints) */
	SP_PUB_LAZY = 2     /* no fsync at all: what a crash may take */
};

/* Make text appear as dirfd/name, whole or not at all.  Without REPLACE an
 * existing file is kept: SP_LOST. */
enum sp_status
sp_publish(const struct sp_spool *spool, int dirfd, const char *name,
    const void *text, size_t len, unsigned flags, struct sp_err *err);

#endif
