/*
 * top.h - what `spool top` shows: read by topread.c, drawn by topdraw.c, which
 * alone knows ncurses; top.c has the keys.
 */
#ifndef TOP_H
#define TOP_H

#include "tools/spool.h"

#define TOP_ROWS 500 /* of the queue, and of what ended last */

struct top {
	struct tool *tool;
	struct fleet fleet;
	bool fleet_known;
	struct sp_row *row; /* running first, then new, waiting, then over */
	size_t n, cap;
	size_t count[SP_STATES];
	struct sp_buf log;      /* the end of the chosen order's */
	char words[SP_ERR_MAX]; /* what went wrong, or was done */
	size_t at;              /* the chosen row */
	bool shows_log;
	int64_t now;
};

/* ---- topread.c ---- */

/* All anew.  Trouble goes into words; what was known stays. */
void top_read(struct top *top);
void top_clear(struct top *top);
/* NULL: there is none. */
const struct sp_row *top_chosen(const struct top *top);
void top_log(struct top *top);

/* ---- topdraw.c ---- */

/* false: this is no terminal for it, in words to stderr. */
bool top_open(void);
/* The terminal as it was; may be called twice. */
void top_close(void);
void top_draw(struct top *top);
enum top_key {
	TOP_NOTHING, /* the time is over, or it was resized */
	TOP_UP,
	TOP_DOWN,
	TOP_PAGE_UP,
	TOP_PAGE_DOWN,
	TOP_CANCEL,
	TOP_HOLD,
	TOP_UNHOLD,
	TOP_LESS,
	TOP_MORE,
	TOP_LOG,
	TOP_END
};
enum top_key top_key(int ms);
/* Yes? */
bool top_ask(const char *what);

#endif
