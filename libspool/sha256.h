/*
 * sha256.h - the one door to the library that hashes (nettle).  Pure but for
 * sp_sha_file.
 */
#ifndef SP_SHA256_H
#define SP_SHA256_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <nettle/sha2.h>

#include "libspool/err.h"
#include "libspool/name.h" /* SP_SHA_LEN */

struct sp_sha {
	struct sha256_ctx ctx;
};

/* Is it a hash, in its one spelling? */
bool sp_sha_ok(const char *hex);

void sp_sha_init(struct sp_sha *sha_out);
void sp_sha_put(struct sp_sha *sha, const void *data, size_t len);
/* The hash of all that was put, as text. */
void sp_sha_end(struct sp_sha *sha, char hex_out[SP_SHA_LEN + 1]);

void sp_sha_text(const void *data, size_t len, char hex_out[SP_SHA_LEN + 1]);
/* Of an open file from its beginning to its end; its offset does not move.
 * SP_RETRY: it could not be read. */
enum sp_status
sp_sha_file(int fd, char hex_out[SP_SHA_LEN + 1], struct sp_err *err);
/* The same of one that may be large; SP_RETRY soon after `stop`, too. */
enum sp_status sp_sha_large(int fd, const atomic_bool *stop,
    char hex_out[SP_SHA_LEN + 1], struct sp_err *err);

#endif
