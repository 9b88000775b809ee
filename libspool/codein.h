/*
 * codein.h - what code.c and codesib.c share.  Private to them.
 */
#ifndef SP_CODEIN_H
#define SP_CODEIN_H

#include <sys/types.h>

#include "libspool/code.h"
#include "libspool/manifest.h"

#define SP_CODE_PATH SP_MANIFEST_PATH

/* The directories above, so that a link back up is seen. */
struct sp_above {
	const struct sp_above *up;
	dev_t dev;
	ino_t ino;
	int depth;
};

/* A plain file; SP_GONE: none.  SP_BAD with words and the mend. */
enum sp_status sp_code_open_file(const struct sp_code *code, const char *path,
    int *fd_out, struct stat *st_out, struct sp_err *err);
/* A directory, by links or not as the code may; SP_GONE: none. */
enum sp_status sp_code_open_below(const struct sp_code *code, const char *path,
    int *fd_out, struct sp_err *err);

/* A name that JSON says as it is: UTF-8, without control characters, quotes and
 * backslashes. */
bool sp_code_plain_is(const char *name);

/* Take up a file; all that is in a directory below. */
enum sp_status
sp_code_add(struct sp_code *code, const char *path, struct sp_err *err);
enum sp_status sp_code_walk(struct sp_code *code, const char *path,
    const struct sp_above *up, struct sp_err *err);

#endif
