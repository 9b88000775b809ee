/*
 * mount.h - what a host sees of the server: the server's own processes all as
 * it is, an NFS client through what it remembers.  And the open files of all.
 */
#ifndef MODEL_MOUNT_H
#define MODEL_MOUNT_H

#include <sys/stat.h>

#include "tests/model/world.h"

#define FD_FIRST (1 << 20) /* below are the machine's, above libspool's far */
#define FD_MOST  2048

struct file {
	struct inode *i; /* NULL: free */
	int slot, host, flags;
	size_t at;
	uint64_t after; /* hash + 1 of the last name listed */
	bool stale;     /* the server forgot it */
	bool sent;      /* what is ours was read by others meanwhile */
	bool ours;      /* written here and not yet at the server */
};

static inline bool
model_fd(int fd)
{
	return fd >= FD_FIRST && fd < FD_FIRST + FD_MOST;
}

/* EBADF when it is none, or a dead host's. */
struct file *file_of(int fd);
int file_open(struct inode *i, int flags);
int file_close(int fd);

/* As this host believes.  open: close-to-open, the server is asked whether what
 * was found is still a file.  NULL: not there. */
struct inode *
mount_look(struct inode *dir, const char *name, bool open, struct stat *st_out);
/* After a change by this host: what it knows now. */
void mount_knows(
    struct inode *dir, const char *name, struct inode *to, uint64_t before);
/* opendir: the client looks at the directory anew. */
void mount_refresh(struct inode *dir);
void mount_stat(const struct inode *i, struct stat *st_out);
/* Another host reads it: so what was written is at the server. */
void mount_seen(const struct inode *i);
/* This host has sent all that it had of it, whoever wrote that. */
void mount_sent(const struct inode *i);
bool mount_far(void);

#endif
