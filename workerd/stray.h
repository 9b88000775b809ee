/*
 * stray.h - leave no process behind when we are killed.
 */
#ifndef WORKER_STRAY_H
#define WORKER_STRAY_H

#include "libspool/err.h"

struct worker;

enum sp_status stray_open(struct worker *w, struct sp_err *err);
void stray_close(struct worker *w);

#endif
