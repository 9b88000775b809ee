/*
 * manifest.h - a tree of files by their hashes, as the text that stands for it:
 *
 *	{"files":{"helper.py":"9f3c...","pkg/mod.py":"03ab..."}}
 *
 * Sorted by path, one spelling: the same tree has the same hash.  Pure.
 */
#ifndef SP_MANIFEST_H
#define SP_MANIFEST_H

#include <stdbool.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/scan.h"
#include "libspool/sha256.h"

#define SP_MANIFEST_MAX  (32 * 1024 * 1024) /* bytes of its text */
#define SP_MANIFEST_PATH 1000               /* bytes of one path */

struct sp_manifest {
	struct sp_names paths;
	char (*hex)[SP_SHA_LEN + 1]; /* one for each path */
	size_t cap;
};

/* May a file of a tree be called so?  Plain components, none that begins with
 * a dot (so no ".."), no "/" in front, nothing that plays with a terminal. */
bool sp_manifest_path_ok(const char *path);

/* Paths are added in order of their bytes.  SP_BAD: one that may not be. */
enum sp_status sp_manifest_add(struct sp_manifest *m, const char *path,
    const char *hex, struct sp_err *err);
void sp_manifest_print(const struct sp_manifest *m, struct sp_buf *text_out);
/* SP_BAD with words.  It can be cleared whatever came back. */
enum sp_status sp_manifest_parse(const char *text, size_t len,
    struct sp_manifest *m_out, struct sp_err *err);
void sp_manifest_clear(struct sp_manifest *m);

#endif
