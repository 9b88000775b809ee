/*
 * streak.c - rows of failures that look alike, and whose fault they are.
 *
 * A broken host fails every job in seconds and so eats the queue; a broken
 * script fails wherever it runs.  The same scripts elsewhere tell them apart:
 * only they do, since others may be doing well with something else.  Without
 * their word a row is the script's fault, as it nearly always is.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/streak.h"

static void
row_end(struct sp_streak *s)
{
	s->n = 0;
	s->scripts = 0;
}

void
sp_streak_init(struct sp_streak *s, unsigned most)
{
	*s = (struct sp_streak){ .most = most > SP_STREAK_MOST ? SP_STREAK_MOST
							       : most };
}

void
sp_streak_good(struct sp_streak *s)
{
	row_end(s);
	s->trust = SP_TRUST_WELL;
}

static void
script_add(struct sp_streak *s, const char *script)
{
	struct sp_tally_row *row;
	size_t i;

	for (i = 0; i < s->scripts; i++)
		if (strcmp(s->from[i].script, script) == 0)
			return;
	if (s->scripts == SP_TALLY_ROWS)
		return; /* those will do */
	row = &s->from[s->scripts];
	*row = (struct sp_tally_row){ .good = 0 };
	(void)snprintf(row->script, sizeof row->script, "%s", script);
	s->known[s->scripts++] = false;
}

void
sp_streak_bad(struct sp_streak *s, const struct sp_id *id, const char *script,
    uint64_t way)
{
	unsigned i;

	if (s->most == 0)
		return;
	if (s->n > 0 && way != s->way) {
		if (s->trust == SP_TRUST_GUILTY)
			return;
		row_end(s);
		s->trust = SP_TRUST_WELL;
	}
	s->way = way;
	script_add(s, script);
	for (i = 0; i < s->n; i++)
		if (strcmp(s->order[i].text, id->text) == 0)
			return;
	if (s->n < s->most)
		s->order[s->n++] = *id;
}

bool
sp_streak_asks(const struct sp_streak *s)
{
	size_t i;

	if (s->n == 0 || s->most == 0)
		return false;
	for (i = 0; i < s->scripts; i++)
		if (!s->known[i])
			return true;
	return s->n >= s->most;
}

/* What came since; a worker that left took its counts along. */
static int64_t
since(int64_t *from, int64_t now)
{
	if (now < *from)
		*from = now;
	return now - *from;
}

enum sp_trust
sp_streak_judge(
    struct sp_streak *s, unsigned others, const struct sp_tally_row *sum)
{
	int64_t good = 0, bad = 0;
	size_t i;

	for (i = 0; i < s->scripts; i++) {
		if (!s->known[i]) {
			s->from[i].good = sum[i].good;
			s->from[i].bad = sum[i].bad;
			s->known[i] = true;
		}
		good += since(&s->from[i].good, sum[i].good);
		bad += since(&s->from[i].bad, sum[i].bad);
	}
	if (s->n < s->most || s->most == 0)
		return s->trust; /* as it was: well, or guilty of another row */
	if (s->trust == SP_TRUST_GUILTY) {
		/* What we gave back fails elsewhere as well: another verdict
		 * takes another row. */
		if (bad > 0 && bad >= good) {
			s->trust = SP_TRUST_SCRIPT;
			row_end(s);
		}
	} else if (good > bad) {
		s->trust = SP_TRUST_GUILTY;
		(void)memcpy(s->from, sum, s->scripts * sizeof *sum);
	} else if (bad > 0)
		s->trust = SP_TRUST_SCRIPT;
	else
		s->trust = others == 0 ? SP_TRUST_ALONE : SP_TRUST_SUSPECT;
	return s->trust;
}
