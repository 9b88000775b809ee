/*
 * finding.h - what was found out about something: a list of it for people and
 * for programs.  Pure.
 */
#ifndef SP_FINDING_H
#define SP_FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "libspool/buf.h"
#include "libspool/err.h"

enum sp_level {
	SP_FOUND_OK,   /* as it should be */
	SP_FOUND_WARN, /* it works, but mind this */
	SP_FOUND_BAD   /* a promise may be broken */
};

struct sp_finding {
	enum sp_level level;
	char what[32];      /* one word */
	char measured[240]; /* what was seen */
	char mend[240];     /* what to do, "": nothing */
};

/* Zeroed: empty.  Clear with sp_findings_clear. */
struct sp_findings {
	struct sp_finding *one;
	size_t n, cap;
	bool failed; /* no memory: something is missing */
};

const char *sp_level_text(enum sp_level level); /* "ok", "warn", "bad" */

/* Add one; mend NULL: none.  The newest, or NULL without memory. */
struct sp_finding *sp_found(struct sp_findings *list, enum sp_level level,
    const char *what, const char *mend, const char *fmt, ...) SP_PRINTF(5, 6);
size_t sp_findings_count(const struct sp_findings *list, enum sp_level level);
void sp_findings_clear(struct sp_findings *list);

/* {"level":...,"what":...,"measured":...,"mend":...|null} as the next item of
 * `w`, under no key. */
struct sp_jw;
void sp_finding_print(struct sp_jw *w, const struct sp_finding *finding);

#endif
