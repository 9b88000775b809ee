/*
 * boss.h - orders of an original Boss (--origin): when we want one.  What is
 * said to it, and when, is transport/origin.h.
 */
#ifndef WORKER_BOSS_H
#define WORKER_BOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/err.h"

struct worker;

/* SP_OK also when there is none to be served. */
enum sp_status boss_open(struct worker *w, struct sp_err *err);
void boss_tick(struct worker *w, int64_t now);
/* It has nothing for us and is owed nothing. */
bool boss_quiet(struct worker *w);
/* When all is committed; it is told what it is owed, for some seconds. */
void boss_close(struct worker *w);

#endif
