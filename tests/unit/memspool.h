/*
 * memspool.h - a spool on a server in memory (memfs.h).
 */
#ifndef MEMSPOOL_H
#define MEMSPOOL_H

#include "libspool/spool.h"
#include "tests/unit/memfs.h"

/* A server with an empty spool on it; for memfs_free. */
struct memfs *memspool_new(void);
/* Submit a job; the name that it has in new/. */
struct sp_name memspool_order(const struct sp_spool *sp);

#endif
