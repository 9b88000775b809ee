/*
 * sweepput.h - runs of a sweep on their way in: as lines of bundles, under ids
 * that begin with the sweep's name.
 */
#ifndef SWEEPPUT_H
#define SWEEPPUT_H

#include "libspool/submit.h"
#include "tools/amend.h"
#include "tools/pin.h"
#include "tools/sweepplan.h"

struct sweep_put {
	struct tool *tool;
	const char *file; /* for words */
	char sweep[SP_SWEEP_LEN + 1];
	bool no_pin;
	struct pin pin;

	struct sp_submit *way; /* bundles, and what must go alone */
	size_t ways, cap;
	struct sp_buf text; /* of the bundle that is open, */
	size_t lines;
	int prio;
	char label[SP_LABEL_MAX + 1];
	unsigned next; /* and the ids that are given */

	struct sp_id *id; /* of all runs */
	size_t n, id_cap;
};

/* beside: the file by which scripts are looked for.  A new name is made. */
void sweepput_init(struct sweep_put *put, struct tool *tool, const char *file,
    const char *beside, bool no_pin);
void sweepput_clear(struct sweep_put *put);
/* The next run, which is pinned, unless no_pin. */
enum sp_status
sweepput_add(struct sweep_put *put, struct amended *one, struct sp_err *err);
/* All of them, with one fsync of the directory.  Returns the exit code, having
 * complained. */
int sweepput_all(struct sweep_put *put);

#endif
