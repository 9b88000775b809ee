/*
 * sweepplan.h - a sweep file, checked and counted (sweepread.c), and the
 * parameters of each of its runs (sweepdraw.c).  Pure.
 */
#ifndef SWEEPPLAN_H
#define SWEEPPLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "libspool/job.h"
#include "libspool/json.h"
#include "libspool/scan.h"
#include "tools/yaml.h"

#define SWEEP_RUNS  60000 /* of one sweep, at most */
#define SWEEP_WORDS 200

enum sweep_shape {
	SWEEP_VALUES, /* one of them, all alike or by weight */
	SWEEP_UNIFORM,
	SWEEP_LOG,     /* the logarithm is uniform; min and max are values */
	SWEEP_INV_LOG, /* the same, as W&B draws it: 1/x */
	SWEEP_WHOLE,   /* whole numbers, max among them */
	SWEEP_NORMAL,
	SWEEP_LOG_NORMAL
};

struct sweep_param {
	char *path;  /* dotted: what -p takes */
	char *field; /* where it stands in the file */
	enum sweep_shape shape;
	const char *said;      /* the distribution's name, for people */
	struct sp_names value; /* as JSON */
	double *weight;        /* of each, summed up; NULL: all alike */
	double min, max, mu, sigma;
	double q; /* rounded to a multiple; 0: not */
};

struct sweep_plan {
	bool random; /* else a grid */
	char name[SP_LABEL_MAX + 1];
	char project[SP_FILE_MAX + 1];
	char program[SP_FILE_MAX + 1]; /* "": not said */
	char metric[SP_PRUNE_NAME + 1];
	int goal;    /* -1: less is better, 1: more, 0: not said */
	int64_t cap; /* run_cap, 0: not said */
	struct sweep_param *param;
	size_t n, most;
	struct sp_names order; /* KEY=VALUE, as -p takes them */
	struct sp_names notes; /* for people */
};

/* Read what `json` says.  places may be NULL.  SP_BAD: err is
 * "line N: FIELD: ..." and says the mend. */
enum sp_status
sweep_read(const struct json_t *json, const struct yaml_places *places,
    struct sweep_plan *plan_out, struct sp_err *err);
void sweep_clear(struct sweep_plan *plan);

/* How many runs has the whole grid?  INT64_MAX: too many to count.  -1: random,
 * without an end. */
int64_t sweep_count(const struct sweep_plan *plan);

/* The parameters of run i, from 0, as KEY=VALUE.  The same plan, seed and i
 * give the same, however many runs there are. */
enum sp_status sweep_draw(const struct sweep_plan *plan, uint64_t seed,
    int64_t i, struct sp_names *set_out);

/* What a parameter may be, in words. */
void sweep_words(const struct sweep_param *param, char words_out[SWEEP_WORDS]);

#endif
