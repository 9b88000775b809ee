/*
 * private.h - directories beside the work directories that outlive a worker,
 * WORK/WHAT.UID: WORK may be /tmp, so nothing is believed but a directory of
 * our own that others can neither write to nor look into.
 */
#ifndef WORKER_PRIVATE_H
#define WORKER_PRIVATE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

void private_path(const char *work, const char *what, char path_out[PATH_MAX]);
/* A handle, or -1: not there, or not to be trusted (which is said). */
int private_open(const char *work, const char *what, bool make);
/* A directory of ours that nobody else may use? */
bool private_is(const struct stat *st);
/* A number for a spool's path or URL: what lies there may be of several. */
uint32_t private_tag(const char *url);

#endif
