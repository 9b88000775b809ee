/*
 * streak.h - is it the script, or this host?  Orders that fail in a row, early
 * and in the same way, cast suspicion; what other workers' tallies say of the
 * same scripts since the row began decides.  Pure: no clock, no spool.
 */
#ifndef SP_STREAK_H
#define SP_STREAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/name.h"
#include "libspool/tally.h"

#define SP_STREAK_MOST 100 /* orders that may be asked for */

enum sp_trust {
	SP_TRUST_WELL,
	SP_TRUST_SUSPECT, /* a row, and nobody else has tried its scripts */
	SP_TRUST_ALONE,   /* a row, and nobody else is there */
	SP_TRUST_SCRIPT,  /* a row, and they fail elsewhere, too */
	SP_TRUST_GUILTY   /* a row, and they do well elsewhere */
};

struct sp_streak {
	unsigned most; /* different orders that make a row; 0: none ever does */
	unsigned n;
	uint64_t way; /* in which all of them failed */
	struct sp_id order[SP_STREAK_MOST];
	/* the scripts of the row; what others had of each when it joined, or
	 * at the conviction */
	struct sp_tally_row from[SP_TALLY_ROWS];
	bool known[SP_TALLY_ROWS];
	size_t scripts;
	enum sp_trust trust;
};

void sp_streak_init(struct sp_streak *s, unsigned most);

/* An attempt got past its beginning: the host can do it. */
void sp_streak_good(struct sp_streak *s);
/* One failed early.  An order counts once; another way begins another row, but
 * does not clear who is guilty. */
void sp_streak_bad(struct sp_streak *s, const struct sp_id *id,
    const char *script, uint64_t way);
/* Ask others now?  Either there is a row, or it begins. */
bool sp_streak_asks(const struct sp_streak *s);
/* others: how many workers there are besides; sum[i]: what all of them have
 * of from[i].script. */
enum sp_trust sp_streak_judge(
    struct sp_streak *s, unsigned others, const struct sp_tally_row *sum);

#endif
