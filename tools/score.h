/*
 * score.h - how good an order is: the best and the last value of a metric.
 */
#ifndef SCORE_H
#define SCORE_H

#include "tools/field.h"

struct score {
	bool has_best, has_last;
	double best, last, at; /* at: the best's step, NaN when unknown */
};

/* Of its metrics; what it has none of, of its outcome, where the only value is
 * the best and the last.  way: is less better? */
void score_get(struct view *view, const char *metric, enum sp_best way,
    struct score *score_out);
/* <0: a is better; who has none comes last. */
int score_cmp(const struct score *a, const struct score *b, enum sp_best way);

#endif
