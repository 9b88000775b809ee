/*
 * dirpeers.c - what the beats of the other workers say, and the metrics of
 * runs.
 */
#include <string.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/metric.h"
#include "transport/dir.h"

struct sum {
	const struct dir *d;
	struct sp_tally_row *rows;
	size_t n;
};

static void
add(void *arg, const char *file, const struct sp_buf *text,
    const struct stat *st)
{
	struct sum *s = arg;
	struct sp_beat beat = { 0 };
	size_t own = strlen(s->d->spool.actor);

	(void)st;
	if (strncmp(file, s->d->spool.actor, own) == 0 && file[own] == '.')
		return;
	if (sp_beat_parse(text->data, text->len, &beat, NULL) == SP_OK)
		sp_tally_sum(&beat.tally, s->rows, s->n);
	sp_beat_clear(&beat);
}

/* Of all that have a file, dead or alive: a count that comes and goes with the
 * judgement about its worker would look like news. */
enum sp_status
dir_peers(
    struct tr *tr, struct sp_tally_row *rows, size_t n, struct sp_err *err)
{
	struct sum sum = { .d = dir_of(tr), .rows = rows, .n = n };
	int dir = dir_of(tr)->spool.dir[SP_DIR_WORKERS];
	struct sp_names names = { 0 };
	enum sp_status st;
	size_t i;

	for (i = 0; i < n; i++)
		rows[i].good = rows[i].bad = 0;
	if ((st = sp_list(dir, false, &names, err)) == SP_OK)
		sp_read_each(dir, &names, SP_BEAT_MAX, add, &sum);
	sp_names_clear(&names);
	return st;
}

enum sp_status
dir_curve(struct tr *tr, const struct sp_id *id, const struct sp_prune *prune,
    int64_t most, struct sp_curve *curve, bool *more_out, struct sp_err *err)
{
	return sp_curve_read(
	    &dir_of(tr)->spool, id, prune, most, curve, more_out, err);
}
