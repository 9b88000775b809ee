/*
 * mark.c - the mark that a worker's processes cannot lose by accident; mark.h
 * says what it is.  Who looks for it, and what follows, is the business of
 * kin.c and stray.c.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>

#include "workerd/mark.h"

#define LOCKS 10 /* RLIMIT_LOCKS, a name that libraries spell differently */

/* soft = serial, then as many bits of the mark: a limit that somebody chose is
 * no attempt's. */
#define CHECK_BITS 20
#define CHECK      (((rlim_t)1 << CHECK_BITS) - 1)
#define MOST       ((rlim_t)1 << 62)
/* Above what any serial makes. */
#define LEAST ((rlim_t)1 << (CHECK_BITS + 33))

static rlim_t
soft(rlim_t mark, unsigned serial)
{
	return (rlim_t)serial << CHECK_BITS | (mark & CHECK);
}

/* In the upper half of what we may have: a worker that is another one's job
 * marks, too. */
rlim_t
mark_open(void)
{
	struct rlimit r;
	uint64_t dice;
	rlim_t most;

	if (getrlimit(LOCKS, &r) == -1 ||
	    getrandom(&dice, sizeof dice, 0) != (ssize_t)sizeof dice)
		return 0;
	most = r.rlim_max < MOST ? r.rlim_max : MOST;
	if (most / 2 < LEAST)
		return 0;
	r.rlim_cur = r.rlim_max = most / 2 + dice % (most / 2);
	return setrlimit(LOCKS, &r) == 0 ? r.rlim_max : 0;
}

void
mark_put(pid_t pid, rlim_t mark, unsigned serial)
{
	const struct rlimit r = { soft(mark, serial), mark };

	if (mark != 0)
		(void)prlimit(pid, LOCKS, &r, NULL);
}

enum marked
mark_of(pid_t pid, rlim_t mark, unsigned *serial)
{
	struct rlimit r;

	*serial = 0;
	if (mark == 0 || prlimit(pid, LOCKS, NULL, &r) == -1 ||
	    r.rlim_max != mark)
		return MARKED_NOT;
	*serial = (unsigned)(r.rlim_cur >> CHECK_BITS);
	if (*serial == 0 || r.rlim_cur != soft(mark, *serial))
		return MARKED_OURS;
	return MARKED_ATTEMPT;
}
