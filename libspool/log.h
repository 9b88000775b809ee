/*
 * log.h - one line a decision to stderr: verb first, then key=value.
 * Only the layer that decides logs.
 */
#ifndef SP_LOG_H
#define SP_LOG_H

#include "libspool/err.h"

/* 0 quiet (warnings only), 1 decisions, 2 details; -1 nothing, for tests. */
void sp_log_level(int level);
void sp_info(const char *fmt, ...) SP_PRINTF(1, 2);
void sp_debug(const char *fmt, ...) SP_PRINTF(1, 2);
void sp_warn(const char *fmt, ...) SP_PRINTF(1, 2);
/* Is it time to warn of `what` again?  True at most once a minute for the same
 * words; for loops that meet the same bad file each round. */
int sp_warn_due(const char *what);

#endif
