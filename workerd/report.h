/*
 * report.h - what came of an attempt (report.c), and how it is handed back
 * (give.c).
 */
#ifndef WORKER_REPORT_H
#define WORKER_REPORT_H

#include <stdint.h>

struct slot;
struct worker;

void report_init(struct worker *w);
/* Fills the slot's give. */
void report(struct worker *w, struct slot *s);

/* give.c: commit, release or cancel; again until it is done. */
int64_t give_tick(struct worker *w, struct slot *s, int64_t now);

#endif
