/*
 * cache.h - copies of scripts and data on this machine's disk, by their hash:
 * a thousand jobs over one data set fetch it once, and so do all workers that
 * share the directory.
 *
 *	HEX, HEX.x	bytes with this hash, read-only; .x may be executed
 *	KEY.v		a link that leads nowhere: its text is the hash of
 *			what had the version KEY (transport.h) in its spool
 *	*.part		coming in, locked by who brings it
 *
 * An entry is sealed: its mtime follows from its hash and from the boot that it
 * was last verified in.  So whoever writes to it, a job through its link say,
 * breaks the seal, and so does a power cut, after which files may have lost
 * their bytes; then it is hashed before it is used again.  Its atime is when it
 * was last used.
 *
 * All that is here may be called from any number of threads and processes.
 */
#ifndef WORKER_CACHE_H
#define WORKER_CACHE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libspool/err.h"
#include "libspool/sha256.h"

#define CACHE_NAME (SP_SHA_LEN + 8)

struct cache {
	int fd; /* its directory */
	char boot[64];
	int64_t limit;        /* bytes, at most about so many */
	atomic_bool no_clone; /* reflinks do not work here */

	pthread_mutex_t lock;    /* for all of these */
	char version[160];       /* the last that was asked for, "": none, */
	char is[SP_SHA_LEN + 1]; /* and its hash */
	int64_t room; /* may come in before entries are counted again */
	unsigned serial;
};

/* What a caller puts up with. */
struct cache_patience {
	bool quick; /* the main thread's: nothing large is read or copied */
	const atomic_bool *stop; /* give up; may be NULL */
};

/* Open or make it (cacheopen.c).  SP_FATAL: it is not ours alone, or cannot be
 * made. */
enum sp_status cache_open(
    struct cache *c, const char *path, int64_t limit, struct sp_err *err);
void cache_close(struct cache *c);

/* The hash of what has this version; false: not known. */
bool cache_version(
    struct cache *c, const char *version, char hex_out[SP_SHA_LEN + 1]);
void cache_version_put(struct cache *c, const char *version, const char *hex);

/* The bytes of this hash as the new file `path`.  *link: which file is there
 * now, 0: none; then, if it is a link to the one in the cache.  SP_GONE: not
 * here.  SP_LOST: it takes more patience.  SP_RETRY: this host has trouble. */
enum sp_status
cache_place(struct cache *c, const char *hex, bool exec, const char *path,
    ino_t *link, const struct cache_patience *how, struct sp_err *err);
/* The same bytes to read; SP_GONE: not here. */
enum sp_status
cache_read(struct cache *c, const char *hex, bool exec, int *fd_out);

/* ---- coming in ---- */

struct incoming {
	char name[CACHE_NAME];
	int fd; /* empty: to be written to */
};

/* Begin.  key: a hash that stands for what is fetched, or NULL if it does not
 * matter that somebody else may be fetching the same.  SP_LOST: somebody is;
 * look again in a moment. */
enum sp_status cache_begin(
    struct cache *c, const char *key, struct incoming *in, struct sp_err *err);
/* All is there: make it an entry, and room for it.  hex: what it is. */
enum sp_status cache_end(struct cache *c, struct incoming *in, const char *hex,
    bool exec, struct sp_err *err);
void cache_drop(struct cache *c, struct incoming *in);

/* cachetrim.c: let go what was used least lately until `limit` holds; entries
 * that work directories still link to stay, for that would free nothing.  The
 * bytes that are left; gone_out (may be NULL): how many entries went. */
int64_t cache_trim(struct cache *c, int64_t limit, unsigned *gone_out);

#endif
