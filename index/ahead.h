/*
 * ahead.h - orders of one directory that are read ahead of the row that is
 * written: by threads, for reading is most of the work, and waiting where the
 * disk is a server.
 */
#ifndef INDEX_AHEAD_H
#define INDEX_AHEAD_H

#include "libspool/row.h"

/* One order as it was found; st as of sp_row_read_texts, and its words. */
struct entry_read {
	struct sp_row row;
	struct sp_row_texts texts;
	struct sp_buf facts; /* of its job */
	enum sp_status st;
	struct sp_err why;
};

void ahead_read_init(struct entry_read *read);
void ahead_read_clear(struct entry_read *read);
/* dirfd: where it stands. */
void ahead_read(const struct sp_spool *spool, int dirfd, enum sp_state state,
    const struct sp_name *name, struct entry_read *read_out);

struct ahead;

/* Of the directory dirfd, which is borrowed.  NULL: there are no threads to be
 * had; read one after the other. */
struct ahead *
ahead_start(const struct sp_spool *spool, int dirfd, enum sp_state state);
/* The next name to be read, ascending; what is none is passed over.  false: not
 * now. */
bool ahead_add(struct ahead *a, const char *file);
/* One that was added, ascending, when it is read; valid until the next call.
 * NULL: it was not. */
struct entry_read *ahead_take(struct ahead *a, const char *file);
void ahead_stop(struct ahead *a); /* takes NULL too */

#endif
