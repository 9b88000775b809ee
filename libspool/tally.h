/*
 * tally.h - how attempts began: of a worker in all, and of the scripts that it
 * had last.  In its beat, so that others can tell their own bad luck from a
 * script's.  Pure.
 *
 * good: they got past their beginning, or succeeded before that.  bad: they
 * failed in it.  Both only grow, but a row may go when there are many scripts,
 * and with its worker.
 */
#ifndef SP_TALLY_H
#define SP_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/job.h"

#define SP_TALLY_ROWS 8
#define SP_TALLY_KEY  80

struct sp_tally_row {
	char script[SP_TALLY_KEY]; /* its name; "@" and its hash if pinned */
	int64_t good, bad;
};

struct sp_tally {
	int64_t good, bad;
	struct sp_tally_row row[SP_TALLY_ROWS]; /* the last one first */
	size_t n;
};

void sp_tally_key(const struct sp_job *job, char key_out[SP_TALLY_KEY]);
void sp_tally_add(struct sp_tally *tally, const char *key, bool good);

/* Add what `tally` has of the scripts of `rows`. */
void
sp_tally_sum(const struct sp_tally *tally, struct sp_tally_row *rows, size_t n);

/* As members "good", "bad" and "scripts" of an object, and back; what makes no
 * sense is left out. */
struct sp_jw;
struct json_t;
void sp_tally_print(struct sp_jw *w, const struct sp_tally *tally);
void sp_tally_read(const struct json_t *json, struct sp_tally *tally_out);

#endif
