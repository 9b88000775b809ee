/*
 * fsfar.h - private to fs.c, fsfar.c and fsmany.c: what stands behind a far
 * handle.
 */
#ifndef SP_FSFAR_H
#define SP_FSFAR_H

#include <limits.h>
#include <stdatomic.h>

#include "libspool/fs.h"

struct far_tree {
	const struct sp_fs_ops *ops;
	void *tree;
	atomic_uint refs; /* handles */
};

struct far {
	struct far_tree *in;
	unsigned refs; /* the table's, and one for each call under way */
	char *path;    /* of a directory; NULL: a file */
	void *file;
	off_t at;
};

/* The handle's, for one call; NULL with EBADF.  Give it back with far_put. */
struct far *far_get(int fd);
void far_put(struct far *f);

/* `path` below a directory's handle, as back ends want it; -1 with errno. */
int far_path(const struct far *dir, const char *path, char out[PATH_MAX]);

/* A back end's answer as a system call's. */
int far_said(int rc);

/* What fs.c does for a far handle. */
int far_open(
    int dir, const char *path, int flags, mode_t mode, struct stat *st_out);
int far_close(int fd);
int far_dup(int fd);
int far_replace(int fd, int onto);
ssize_t far_pread(int fd, void *data, size_t len, const off_t *at);
ssize_t far_pwrite(int fd, const void *data, size_t len, const off_t *at);
int far_fstat(int fd, struct stat *st_out);
int far_list(int dir, const char *path, sp_fs_one_fn *one, void *arg);
int far_links(struct far *f, const char *full, struct stat *st_out);

#endif
