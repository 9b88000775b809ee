/*
 * code.h - the files that go with a script: found in its directory, put into
 * the blobs, and listed in a manifest, which is a blob too.  The same code has
 * the same manifest, so it has the same hash.
 *
 *	struct sp_code code;
 *	sp_code_init(&code, spool, dirfd, "src", links);
 *	st = sp_code_tree(&code, err);			all of it, or
 *	st = sp_code_siblings(&code, text, len, err);	what a script imports
 *	if (st == SP_OK && code.names.n > 0)
 *		st = sp_code_put(&code, hex, err);
 *	sp_code_clear(&code);
 */
#ifndef SP_CODE_H
#define SP_CODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "libspool/blob.h"
#include "libspool/scan.h"

#define SP_CODE_FILES 1000
#define SP_CODE_BYTES (64 * 1024 * 1024)

/* As sp_blob_put, of a file that is known to be plain. */
typedef enum sp_status sp_code_put_fn(void *arg, int fd, const struct stat *st,
    char hex_out[SP_SHA_LEN + 1], struct sp_err *err);

struct sp_code {
	const struct sp_spool *spool;
	int dir;             /* the files' top; borrowed */
	const char *where;   /* the same in words; borrowed */
	bool links;          /* follow symlinks that stay inside; else none */
	const char *skip;    /* one at the top that comes otherwise, or NULL */
	sp_code_put_fn *put; /* NULL: sp_blob_put */
	void *put_arg;
	struct sp_names names; /* relative paths */
	int64_t bytes;
};

void sp_code_init(struct sp_code *code_out, const struct sp_spool *spool,
    int dir, const char *where, bool links);
void sp_code_clear(struct sp_code *code);

/* Each takes up names; nothing is put yet.  SP_BAD: what is there cannot be
 * pinned (too much of it, a link that leads out, a FIFO, not to be read); err
 * names it and the mend. */

/* Every file below: but names with a dot in front, __pycache__, virtual
 * environments, and a spool. */
enum sp_status sp_code_tree(struct sp_code *code, struct sp_err *err);
/* What this Python text imports and lies beside it: NAME.py and packages NAME/
 * with all that is in them, and what these import in turn. */
enum sp_status sp_code_siblings(
    struct sp_code *code, const char *text, size_t len, struct sp_err *err);

/* Put all of them and the manifest; its hash. */
enum sp_status sp_code_put(
    struct sp_code *code, char hex_out[SP_SHA_LEN + 1], struct sp_err *err);

#endif
