/*
 * intake.h - cutting files and streams into jobs for `spool submit`.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include <stddef.h>

#include "libspool/err.h"

/* One job: where ("FILE:LINE") it was, a label from the file's name, its text.
 * With text NULL: `bad` says what is wrong at `where`, or, when bad is NULL
 * too, the stream has nothing more at this moment and what was taken should go
 * in.  Non-zero stops. */
typedef int intake_fn(void *arg, const char *where, const char *label,
    const char *text, size_t len, const struct sp_err *bad);

/* file: a path, or "-" for standard input. */
void intake_file(const char *file, intake_fn *fn, void *arg);

#endif
