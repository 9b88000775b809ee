/*
 * post.h - one JSON text to somebody's URL.
 */
#ifndef TR_POST_H
#define TR_POST_H

#include <stddef.h>

#include "libspool/err.h"

/* POST it, with no token of ours; three tries, ten seconds each.  *status_out:
 * of the answer, whatever it says.  SP_RETRY: none came; SP_FATAL: no URL that
 * can be asked; both in words. */
enum sp_status post_json(const char *url, const void *text, size_t len,
    int *status_out, struct sp_err *err);

#endif
