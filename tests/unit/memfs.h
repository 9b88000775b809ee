/*
 * memfs.h - a spool's files in memory, behind the table of libspool/fs.h: what
 * a server is to its clients, with faults to order.
 */
#ifndef MEMFS_H
#define MEMFS_H

#include "libspool/fs.h"

struct memfs; /* the server; clients share it */

struct memfs *memfs_new(void);
void memfs_free(struct memfs *m);

enum memfs_manners {
	MEMFS_NO_LINKS = 1,   /* only listings tell the number of links */
	MEMFS_BY_LINK = 2,    /* a rename is link and unlink */
	MEMFS_SECONDS = 4,    /* no inodes, no fine times */
	MEMFS_NO_MANY = 8,    /* one call after the other */
	MEMFS_NO_REPLACE = 16 /* no RENAME_NOREPLACE */
};

/* The root handle of a new client. */
int memfs_client(struct memfs *m, unsigned manners);

/* Faults: from now on let `good` more requests that change something through;
 * of the next one the answer is lost (`happens`: it was done all the same), and
 * after it the link is down until memfs_mend. */
void memfs_cut(struct memfs *m, int good, bool happens);
void memfs_mend(struct memfs *m);
/* The same, but the link is up again at once. */
void memfs_blip(struct memfs *m, int good, bool happens);

/* Round trips that all clients have cost so far. */
unsigned memfs_trips(const struct memfs *m);

/* How many names there are, how many links this one has (0: not there). */
size_t memfs_names(const struct memfs *m);
unsigned memfs_links(const struct memfs *m, const char *path);

#endif
