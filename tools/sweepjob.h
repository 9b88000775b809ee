/*
 * sweepjob.h - a sweep of `spool sweep`: its file, its job, and the jobs of its
 * runs.  sweep.c has the verb, sweepjob.c reads and makes jobs.
 */
#ifndef SWEEPJOB_H
#define SWEEPJOB_H

#include "tools/amend.h"
#include "tools/sweepput.h"

struct sweep {
	struct tool *tool;
	const char *file, *job;
	struct sp_names set; /* of -p */
	bool dry, json, wait, no_pin, seeded;
	int64_t cap, seed, runs;

	struct sweep_plan plan;
	struct sp_buf base; /* the job, without the parameters */
	struct sweep_put put;
};

/* All of a file, or of standard input (-); complains. */
int sweepjob_read(const char *file, struct sp_buf *out);
/* Read the sweep file; then the job that it is about.  They complain, and
 * return the exit code. */
int sweepjob_plan(struct sweep *s);
int sweepjob_base(struct sweep *s);
/* The job of run i, from 0: the base, its parameters, and whose run it is.
 * Clear it whatever came back. */
enum sp_status sweepjob_run(
    struct sweep *s, int64_t i, struct amended *out, struct sp_err *err);

#endif
