/*
 * dirpeers.c - what the beats of the other workers say.
 */
#include <string.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "transport/dir.h"

static void
add(const struct dir *d, const char *file, struct sp_tally_row *rows, size_t n)
{
	struct sp_buf text = SP_BUF_INIT(SP_BEAT_MAX);
	struct sp_beat beat = { 0 };
	struct stat st;
	size_t own = strlen(d->spool.actor);

	if (strncmp(file, d->spool.actor, own) == 0 && file[own] == '.')
		return;
	if (sp_read(d->spool.dir[SP_DIR_WORKERS], file, SP_BEAT_MAX, &text, &st,
		NULL) == SP_OK &&
	    sp_beat_parse(text.data, text.len, &beat, NULL) == SP_OK)
		sp_tally_sum(&beat.tally, rows, n);
	sp_beat_clear(&beat);
	sp_buf_clear(&text);
}

/* Of all that have a file, dead or alive: a count that comes and goes with the
 * judgement about its worker would look like news. */
enum sp_status
dir_peers(
    struct tr *tr, struct sp_tally_row *rows, size_t n, struct sp_err *err)
{
	const struct dir *d = dir_of(tr);
	struct sp_names names = { 0 };
	enum sp_status st;
	size_t i;

	for (i = 0; i < n; i++)
		rows[i].good = rows[i].bad = 0;
	st = sp_list(d->spool.dir[SP_DIR_WORKERS], false, &names, err);
	for (i = 0; st == SP_OK && i < names.n; i++)
		add(d, sp_names_at(&names, i), rows, n);
	sp_names_clear(&names);
	return st;
}
