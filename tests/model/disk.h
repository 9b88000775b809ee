/*
 * disk.h - the file server of the model: a tree in memory of which it is known
 * what a power cut would leave.  No faults, no caches and no time of its own.
 *
 * Every change of names is one transaction, as a journal has it.  It is pending
 * until something makes it durable; a cut keeps what is durable and, of what is
 * pending, what the dice say: a beginning of it where the disk has one journal,
 * else any part that makes sense (nothing without what it stands on).  The data
 * of a file and its name have nothing to do with each other.
 *
 * Memory of a world is given back all at once, by disk_clear.
 */
#ifndef MODEL_DISK_H
#define MODEL_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct inode;

struct dent {
	const char *name;
	uint32_t hash;
	struct inode *to;
};

struct dents {
	struct dent *at;
	size_t n, cap;
};

struct inode {
	unsigned number;
	bool dir, gone; /* gone: a cut took it */
	unsigned links;
	int opens;
	char *data, *safe; /* as read; as a cut leaves it at least */
	size_t len, cap, safe_len;
	bool dirty;
	int64_t mtime, ctime; /* us */
	uint64_t change;      /* of a directory: any entry */
	struct dents live, disk;
	struct inode *up; /* of a directory */
	const char *name; /* of a directory */
	struct inode *next;
	int key; /* the oracle's */
};

struct disk {
	struct inode *root, *all;
	unsigned numbers;
	bool journal;
	struct op *op;
	size_t op_n, op_cap;
	char *page; /* of the memory */
	size_t page_left;
	void *pages;
	int64_t now;
	/* Told of each name that comes or goes, and at the end of each change
	 * that is one step; then of a cut. */
	void (*entry)(void *arg, struct inode *dir, const char *name,
	    struct inode *to, bool comes);
	void (*stepped)(void *arg);
	void *arg;
};

void disk_init(struct disk *d, bool journal);
void disk_clear(struct disk *d);
void *disk_room(struct disk *d, size_t len);
const char *disk_text(struct disk *d, const char *text);

struct inode *disk_find(const struct inode *dir, const char *name);
/* Each returns 0 or minus an errno.  safe: durable at once (a server that
 * answers only then). */
int disk_make(struct disk *d, struct inode *dir, const char *name, bool is_dir,
    bool safe, struct inode **out);
int disk_link(struct disk *d, struct inode *what, struct inode *dir,
    const char *name, bool safe);
int disk_unlink(struct disk *d, struct inode *dir, const char *name,
    bool is_dir, bool safe);
/* flags as renameat2 has them. */
int disk_rename(struct disk *d, struct inode *from, const char *name,
    struct inode *to, const char *as, unsigned flags, bool safe);
void disk_write(
    struct disk *d, struct inode *i, size_t at, const void *data, size_t len);
void disk_truncate(struct disk *d, struct inode *i, size_t len);

/* The data alone. */
void disk_keep(struct disk *d, struct inode *i);
void disk_sync_file(struct disk *d, struct inode *i);
void disk_sync_dir(struct disk *d, struct inode *dir);
void disk_sync_all(struct disk *d);

/* What the power leaves, by `dice`. */
void disk_cut(struct disk *d, uint64_t dice);

uint32_t disk_hash(const char *name);
uint64_t model_mix(uint64_t x);

#endif
