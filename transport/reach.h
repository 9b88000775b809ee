/*
 * reach.h - from what a user calls a spool, a path or a URL, to an open one: a
 * tree of files (libspool/fs.h) on one of the media of media.h.  Who speaks the
 * language of the job instead: transport.h.
 */
#ifndef TR_REACH_H
#define TR_REACH_H

#include <stdbool.h>

#include "libspool/err.h"
#include "libspool/spool.h"

/* The scheme of a URL, "" of a path; dir: and file: are paths.  *path_out, if
 * not NULL: the path, or what follows "://". */
void tr_scheme(const char *url, char scheme_out[16], const char **path_out);

/* As sp_spool_open and sp_spool_make (spool.h), of any medium.  SP_FATAL: of
 * none that we know. */
enum sp_status tr_spool_open(const char *url, const char *base,
    struct sp_spool *spool_out, struct sp_err *err);
enum sp_status tr_spool_make(const char *url, struct sp_err *err);

/* Only the handle of its root, which may be no spool. */
enum sp_status
tr_spool_root(const char *url, int *root_out, struct sp_err *err);

#endif
