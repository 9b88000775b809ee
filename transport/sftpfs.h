/*
 * sftpfs.h - a tree of files on an SFTP server, as a back end of libspool/fs.h:
 * sftpfs.c has the table and what needs one request, sftpop*.c what is done in
 * groups, sftplist.c listings, sftpbytes.c the bytes of open files, sftpsaid.c
 * what the server's answers mean.
 */
#ifndef TR_SFTPFS_H
#define TR_SFTPFS_H

#include <pthread.h>

#include "transport/sftp.h"

/* Reach the tree at path: a handle (libspool/fs.h) on its root, which gives up
 * the link when its last handle is closed.  Status and words as sftp_open's. */
enum sp_status sftp_fs_root(const struct ssh_site *site, const char *path,
    int *root_out, struct sp_err *err);

/* The same by sftp://[USER@]HOST[:PORT]/PATH, with what means.h says. */
enum sp_status sftp_reach(const char *url, int *root_out, struct sp_err *err);

/* ---- private ---- */

#define SFTP_SEEN 4096
#define SFTP_LIST 4000000 /* entries of a directory, or the server is mad */

struct sftp_fs {
	struct sftp *link;
	size_t root_len;
	/* Names that were plain files a moment ago, by hash: what is opened is
	 * looked at before, for a FIFO would hang the server; but not twice. */
	pthread_mutex_t lock;
	struct {
		uint64_t name;
		int64_t until;
	} seen[SFTP_SEEN];
};

struct sftp_file {
	unsigned number; /* its connection */
	size_t len;
	uint8_t handle[SFTP_HANDLE_MAX];
	bool written;
};

void sftp_seen(struct sftp_fs *fs, const char *path);
bool sftp_seen_is(struct sftp_fs *fs, const char *path);
void sftp_seen_not(struct sftp_fs *fs, const char *path);

/* A path of the tree, packed as the server knows it. */
void sftp_pack_path(
    const struct sftp_fs *fs, struct sp_buf *packet, const char *path);
void sftp_pack_handle(struct sp_buf *packet, const struct sftp_file *file);

/* What a STATUS answer says: 0, or minus an errno; of a file that is open a
 * name cannot be missing.  EREMOTEIO stands for "failure", whatever that was.
 * Another kind of answer spoils the connection. */
int sftp_said(struct sftp_fs *fs, struct sftp_call *call);
int sftp_said_of_file(struct sftp_fs *fs, struct sftp_call *call);
/* The handle in an answer to OPEN or OPENDIR. */
int sftp_said_handle(
    struct sftp_fs *fs, struct sftp_call *call, struct sftp_file *file_out);
/* The attributes in one to LSTAT or FSTAT. */
int sftp_said_attrs(
    struct sftp_fs *fs, struct sftp_call *call, struct stat *st_out);
/* A plain file, or why not: -ELOOP, -EISDIR, -ENXIO. */
int sftp_plain(const struct stat *st);
/* "Failure" of a write: was it the disk? */
int sftp_full(struct sftp_fs *fs, int rc);

/* Close it, and do not wait. */
void sftp_drop(struct sftp_fs *fs, const struct sftp_file *file);

ssize_t sftp_pread(void *tree, void *file, void *data, size_t len, off_t at);
ssize_t
sftp_pwrite(void *tree, void *file, const void *data, size_t len, off_t at);

/* One answer to READDIR of `path`, name by name; left: how many are borne.
 * 1: more may follow, 0: the end, or `one` has enough. */
int sftp_entries(struct sftp_fs *fs, const char *path, struct sftp_call *call,
    sp_fs_one_fn *one, void *arg, unsigned *left);
int sftp_list(void *tree, const char *path, sp_fs_one_fn *one, void *arg);
void sftp_many(void *tree, struct sp_fs_op *ops, size_t n);

#endif
