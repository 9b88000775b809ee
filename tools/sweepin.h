/*
 * sweepin.h - what sweepread.c and sweepparam.c share.  Private to them.
 */
#ifndef SWEEPIN_H
#define SWEEPIN_H

#include "tools/sweepplan.h"

struct sweep_in {
	struct sweep_plan *plan;
	const struct yaml_places *places;
	struct sp_err *err;
	bool method; /* was said */
	bool prune;  /* order.prune was */
};

/* "line N: FIELD: words".  Returns SP_BAD. */
enum sp_status sweep_wrong(struct sweep_in *in, const char *field,
    const char *fmt, ...) SP_PRINTF(3, 4);
/* "found X, expected Y" */
enum sp_status sweep_found(struct sweep_in *in, const char *field,
    const struct json_t *v, const char *expected);
enum sp_status sweep_unknown(struct sweep_in *in, const char *field,
    const char *key, const char *const *known);
/* Words for people, beside the plan. */
enum sp_status
sweep_note(struct sweep_in *in, const char *field, const char *words);

/* All of `parameters`. */
enum sp_status
sweep_params(struct sweep_in *in, const char *field, const struct json_t *v);

#endif
