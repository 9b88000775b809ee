/*
 * prune.h - order.prune: which run of a sweep is not worth going on with.
 *
 * Runs are compared at rungs, which are steps of the script: with `median` at
 * steps, 2 * steps, 3 * steps ..., with `asha` at steps, then reduction times
 * as many, and so on.  What counts at a rung is the best that a run has said
 * up to there, so who is compared when makes no difference.  A run that has
 * come to a rung is judged there once, by those that have come to it before,
 * whether they run or are over, and however they ended.
 *
 * prune.c judges, curve.c folds what a run says, orderprune.c reads the order:
 * all pure.  Which files are whose runs', metricread.c says.
 */
#ifndef SP_PRUNE_H
#define SP_PRUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/err.h"
#include "libspool/name.h"

#define SP_RUNGS       1000 /* nobody is judged beyond the last */
#define SP_PRUNE_NAME  64   /* bytes of a metric's name */
#define SP_PRUNE_WORDS 300

/* A sweep is known by what the ids of its runs begin with. */
#define SP_SWEEP_LEN  23    /* YYYYMMDDThhmmssmmm-xxxx */
#define SP_SWEEP_MOST 65535 /* ids that begin so, but the first */

struct sp_sweep {
	char id[SP_SWEEP_LEN + 1]; /* "": of no sweep */
	unsigned run, runs;        /* which, of how many; 0: not said */
};

enum sp_prune_method {
	SP_PRUNE_NO,
	SP_PRUNE_MEDIAN,
	SP_PRUNE_ASHA
};

struct sp_prune {
	enum sp_prune_method method;
	char metric[SP_PRUNE_NAME + 1];
	bool max;         /* more is better */
	double steps;     /* the first rung */
	double reduction; /* asha: one of so many goes on */
	unsigned peers;   /* so many others must have come to a rung first */
};

/* Is this what the ids of a sweep begin with? */
bool sp_sweep_ok(const char *text);
/* Of its n-th run, 0 .. SP_SWEEP_MOST. */
void sp_sweep_id(const char *sweep, unsigned n, struct sp_id *id_out);
/* A new one. */
void sp_sweep_make(int64_t ms, uint32_t bits, char sweep_out[SP_SWEEP_LEN + 1]);
/* Is that order one of its runs, and which? */
bool sp_sweep_has(const char *sweep, const struct sp_id *id, unsigned *n_out);

/* ---- curve.c: what a run has come to, rung by rung ---- */

struct sp_curve {
	/* The file it has come to, and how far. */
	unsigned attempt, ticket;
	char worker[SP_WORKER_MAX + 1]; /* "": none yet */
	int64_t at;
	bool skip; /* in the middle of a line that is too long */

	int64_t lines; /* with that metric: their step where none is said */
	double step;   /* the furthest; NAN: none */
	/* best[k]: of what was said behind rung k - 1 and up to rung k; NAN:
	 * nothing that is finite. */
	double *best;
	size_t n;
};

void sp_curve_init(struct sp_curve *c);
void sp_curve_clear(struct sp_curve *c);
/* The next file of the same run. */
void sp_curve_file(struct sp_curve *c, const struct sp_name *attempt);
/* Fold whole lines; returns the bytes taken, as sp_metrics_add does.  No
 * memory: what finds no room is passed over. */
size_t sp_curve_add(struct sp_curve *c, const struct sp_prune *prune,
    const char *text, size_t len);
/* The step and the value that one line has for a metric; false: none.  A value
 * that is not finite is NAN, and so is a step that is not said. */
bool sp_curve_line(const char *text, size_t len, const char *metric,
    double *step_out, double *value_out);

/* ---- prune.c ---- */

/* How many rungs are at or below this step; and at which step is one? */
size_t sp_prune_rungs(const struct sp_prune *prune, double step);
double sp_prune_rung(const struct sp_prune *prune, size_t rung);
/* How many rungs the run has come to, and its best up to one of them. */
size_t sp_prune_come(const struct sp_prune *prune, const struct sp_curve *c);
double sp_prune_best(
    const struct sp_prune *prune, const struct sp_curve *c, size_t rung);

/* Should a run with `own` there go on, where others have these?  false: no;
 * words_out says why, with the numbers.  NAN is worse than any number.  The
 * order of `others` is changed. */
bool sp_prune_on(const struct sp_prune *prune, size_t rung, double own,
    double *others, size_t n, char words_out[SP_PRUNE_WORDS]);

#endif
