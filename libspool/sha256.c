/*
 * sha256.c - SHA-256 by nettle, which knows what the processor can do and
 * costs a small program nothing to load.  No other file names the library.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libspool/fs.h"
#include "libspool/sha256.h"

#define CHUNK 65536 /* on the stack, which may be a thread's */

bool
sp_sha_ok(const char *hex)
{
	return strlen(hex) == SP_SHA_LEN &&
	    strspn(hex, "0123456789abcdef") == SP_SHA_LEN;
}

void
sp_sha_init(struct sp_sha *sha)
{
	sha256_init(&sha->ctx);
}

void
sp_sha_put(struct sp_sha *sha, const void *data, size_t len)
{
	sha256_update(&sha->ctx, len, data);
}

void
sp_sha_end(struct sp_sha *sha, char hex_out[SP_SHA_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[SHA256_DIGEST_SIZE];
	size_t i;

	sha256_digest(&sha->ctx, sizeof raw, raw);
	for (i = 0; i < sizeof raw; i++) {
		hex_out[2 * i] = digits[raw[i] >> 4];
		hex_out[2 * i + 1] = digits[raw[i] & 15];
	}
	hex_out[SP_SHA_LEN] = '\0';
}

void
sp_sha_text(const void *data, size_t len, char hex_out[SP_SHA_LEN + 1])
{
	struct sp_sha sha;

	sp_sha_init(&sha);
	sp_sha_put(&sha, data, len);
	sp_sha_end(&sha, hex_out);
}

enum sp_status
sp_sha_large(int fd, const atomic_bool *stop, char hex_out[SP_SHA_LEN + 1],
    struct sp_err *err)
{
	char buf[CHUNK];
	struct sp_sha sha;
	off_t at = 0;
	ssize_t n;

	sp_sha_init(&sha);
	while ((n = sp_fs_pread(fd, buf, sizeof buf, at)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return sp_err_sys(err, "read");
		if (stop != NULL && atomic_load(stop))
			return sp_err_set(err, SP_RETRY, "read: stopped");
		sp_sha_put(&sha, buf, (size_t)n);
		at += n;
	}
	sp_sha_end(&sha, hex_out);
	return SP_OK;
}

enum sp_status
sp_sha_file(int fd, char hex_out[SP_SHA_LEN + 1], struct sp_err *err)
{
	return sp_sha_large(fd, NULL, hex_out, err);
}
