/*
 * offer.h - what this machine has, what is free of it, and whether a job fits.
 */
#ifndef WORKER_OFFER_H
#define WORKER_OFFER_H

#include "libspool/beat.h"
#include "libspool/job.h"
#include "workerd/verdict.h"

struct worker;

void offer_init(struct worker *w);
/* What is free of it, for others to see. */
void offer_beat(const struct worker *w, struct sp_beat *beat);
/* VERDICT_NONE: it fits now; else why says what is lacking. */
enum verdict
offer_judge(struct worker *w, const struct sp_job *job, char why[128]);

#endif
