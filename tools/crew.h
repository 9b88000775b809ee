/*
 * crew.h - the workers that are here, for spool drain and resume.
 */
#ifndef TOOLS_CREW_H
#define TOOLS_CREW_H

#include "libspool/name.h"
#include "libspool/scan.h"
#include "libspool/wish.h"
#include "tools/spool.h"

struct here {
	char worker[SP_WORKER_MAX + 1];
	bool drained;
};

/* Zeroed before its first crew_load; `here` is the owner's to free. */
struct crew {
	struct here *here;
	size_t n;
};

/* Anew.  What a silent one holds is looked for in assigned/. */
enum sp_status
crew_load(struct tool *tool, struct crew *crew, struct sp_err *err);

/* The NAME of a W. */
void crew_name(const char *worker, char name_out[SP_WORKER_MAX + 1]);
/* Is `who` that W, or its NAME? */
bool crew_meant_is(const char *who, const char *worker);

/* Unless it is there already. */
enum sp_status crew_add(struct sp_names *names, const char *who);

/* Each of argv, or the NAMEs of `all`, sorted: a whole W, a NAME, or any part
 * that only one W has; or what `known` (may be NULL), a listing of drain/,
 * speaks of though nobody is here.  Returns an ANSWER_*; people were told. */
int crew_pick(const struct crew *crew, const struct sp_names *known, bool all,
    int argc, char **argv, struct sp_names *who_out);

#endif
