/*
 * scan.h - listing directories: sorted by name, never by time; and the window
 * in which claimers take a random start so that they do not all run into the
 * same head of the queue.
 */
#ifndef SP_SCAN_H
#define SP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libspool/err.h"

/* A list of names; one block of text and offsets into it. */
struct sp_names {
	char *text;
	size_t len, cap;
	uint32_t *at;
	size_t n, at_cap;
};

/* List anew (a fresh opendir: NFS revalidates at open), sorted by bytes.
 * "." and ".." are left out, other dotfiles too unless `dots`. */
enum sp_status
sp_list(int dirfd, bool dots, struct sp_names *names_out, struct sp_err *err);
/* Several at once, over there in the round trips of one; the first trouble. */
#define SP_LISTINGS 8
struct sp_listing {
	int dirfd;
	struct sp_names *names; /* out, as sp_list without `dots` has it */
};
enum sp_status
sp_list_all(const struct sp_listing *all, size_t n, struct sp_err *err);

/* The `most` first of the names that come after `after` ("": all do), sorted:
 * a long directory in stretches, in bounded memory, each by a listing of its
 * own.  *more_out: there were others behind them. */
enum sp_status sp_list_next(int dirfd, const char *after, size_t most,
    struct sp_names *names_out, bool *more_out, struct sp_err *err);
void sp_names_clear(struct sp_names *names);
enum sp_status sp_names_add(struct sp_names *names, const char *name);
void sp_names_sort(struct sp_names *names);
bool sp_names_has(const struct sp_names *names, const char *name); /* sorted */
/* Its place in sorted names; -1: it is not there. */
int64_t sp_names_place(const struct sp_names *names, const char *name);

static inline const char *
sp_names_at(const struct sp_names *names, size_t i)
{
	return names->text + names->at[i];
}

/* ---- the window ---- */

struct sp_window {
	struct sp_names names; /* canonical orders of new/, sorted */
	uint8_t *used;         /* tried already: 1, or 2 when it was gone */
	size_t last;           /* handed out last */
	size_t head;           /* everything before was used */
	size_t width;
	unsigned misses, skips; /* in a row */
};

void sp_window_init(struct sp_window *w);
void sp_window_clear(struct sp_window *w);
/* Take over a fresh sorted list (names is emptied).  Width = max(16, 4 x
 * workers). */
enum sp_status
sp_window_fill(struct sp_window *w, struct sp_names *names, unsigned workers);
/* The next to try, by `dice`; NULL when all were tried.  With one worker the
 * order is strict. */
const char *sp_window_next(struct sp_window *w, uint32_t dice);
/* Those that were not gone, once more. */
void sp_window_again(struct sp_window *w);
/* What came of it: after some misses in a row the window moves on. */
void sp_window_told(struct sp_window *w, bool won);

#endif
