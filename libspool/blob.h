/*
 * blob.h - content by its hash: blobs/sha256/HEX, one flat directory, so that
 * `ls` finds it and `sha256sum` checks it.
 *
 * A file gets such a name only after all of its bytes are on the disk, and is
 * never written to again (it has no write permission).  A crash leaves a file
 * in tmp/ at most.  Others may write into a spool, so a name proves nothing:
 * who runs what a blob holds hashes the bytes that it runs.
 */
#ifndef SP_BLOB_H
#define SP_BLOB_H

#include <sys/stat.h>

#include "libspool/err.h"
#include "libspool/sha256.h"
#include "libspool/spool.h"

#define SP_BLOB_DIR "sha256" /* in blobs/ */

/* Copy an open file, from its beginning to its end, into the blobs; its offset
 * does not move.  Durable when it returns.  SP_OK also when it was there; one
 * of that name that holds other bytes is replaced.  SP_RETRY: the disk, or the
 * file kept changing while it was read. */
enum sp_status sp_blob_put(const struct sp_spool *spool, int fd,
    char hex_out[SP_SHA_LEN + 1], struct sp_err *err);
/* The same for a text. */
enum sp_status sp_blob_text(const struct sp_spool *spool, const void *text,
    size_t len, char hex_out[SP_SHA_LEN + 1], struct sp_err *err);

/* Open it for reading; its bytes are not looked at.  SP_GONE: there is none.
 * SP_BAD: `hex` is no hash, or no plain file has that name. */
enum sp_status sp_blob_open(const struct sp_spool *spool, const char *hex,
    int *fd_out, struct stat *st_out, struct sp_err *err);
/* Does it hold what its name says?  SP_BAD: it does not.  SP_GONE: as above. */
enum sp_status sp_blob_check(
    const struct sp_spool *spool, const char *hex, struct sp_err *err);

#endif
