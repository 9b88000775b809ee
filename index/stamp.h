/*
 * stamp.h - what the directories looked like: the inode and the times of each
 * directory that rows come from.  Equal stamps, equal contents, provided that
 * the newest time had had time to pass (clocks of filesystems tick coarsely).
 */
#ifndef INDEX_STAMP_H
#define INDEX_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/buf.h"
#include "libspool/err.h"
#include "libspool/spool.h"

/*
 * A directory that rows come from, as a number: new, waiting and assigned are
 * their state; done/DAY and failed/DAY are state * 10^8 + DAY; the others have
 * no rows but decide about freshness.
 */
enum {
	STAMP_DONE = 90,
	STAMP_FAILED = 91,
	STAMP_OUTCOMES = 92,
	STAMP_DAYS = 100000000
};

struct stamp {
	int64_t dir;
	uint64_t ino;
	int64_t mtime; /* ns since 1970 */
	int64_t ctime;
	bool settled; /* old enough, when taken, to be trusted */
	bool told;    /* what changes there, a watch tells by its name */
};

struct stamps {
	struct stamp *at; /* ascending by dir */
	size_t n, cap;
};

/* Look at all directories now. */
enum sp_status stamps_take(const struct sp_spool *spool,
    struct stamps *stamps_out, struct sp_err *err);
/* Which were unchanged for long enough at `now` (ns, the server's clock)? */
bool stamps_settle(struct stamps *stamps, int64_t now, int64_t margin);
void stamps_clear(struct stamps *stamps);
struct stamp *stamps_find(const struct stamps *stamps, int64_t dir);
enum sp_status stamps_set(struct stamps *stamps, const struct stamp *stamp);
void stamps_drop(struct stamps *stamps, int64_t dir);
/* One line a directory; equal texts, equal directories. */
void stamps_print(const struct stamps *stamps, struct sp_buf *text_out);
bool stamp_same(const struct stamp *a, const struct stamp *b);

/* ---- numbers of directories (pure) ---- */

/* Has it rows?  Then of which state. */
bool stamp_rows_is(int64_t dir, enum sp_state *state_out);
/* "new", "done/20261122". */
void stamp_dir_print(int64_t dir, char text_out[24]);
int64_t stamp_dir(enum sp_state state, const struct sp_id *id);

#endif
