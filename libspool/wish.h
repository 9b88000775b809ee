/*
 * wish.h - drain/: what people ask of workers.  Empty files, created O_EXCL,
 * read by listing, as marks are (mark.h).
 *
 *	drain/WHO		claim nothing; let what runs end
 *	drain/WHO.now		and stop what runs: it is given back, not
 *counted
 *	drain/W.resume		begin anew, whatever made you stop claiming; the
 *				worker takes it away
 *
 * WHO is a W, or a NAME: then it holds for every worker of that name, also for
 * those that are yet to come.
 */
#ifndef SP_WISH_H
#define SP_WISH_H

#include <stdbool.h>

#include "libspool/err.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

enum sp_wish {
	SP_WISH_DRAIN,
	SP_WISH_NOW,
	SP_WISH_RESUME,
	SP_WISHES
};

#define SP_WISH_MAX (SP_WORKER_MAX + 8)

/* ---- pure ---- */

/* false: no such wish can be. */
bool
sp_wish_parse(const char *file, char who_out[SP_WISH_MAX], enum sp_wish *out);
/* Is this asked of the worker W, by files listed (sorted)? */
bool
sp_wish_is(const struct sp_names *files, const char *worker, enum sp_wish wish);

/* ---- in drain/ ---- */

/* SP_OK also when it was so before. */
enum sp_status sp_wish_set(const struct sp_spool *spool, const char *who,
    enum sp_wish wish, struct sp_err *err);
enum sp_status sp_wish_unset(const struct sp_spool *spool, const char *who,
    enum sp_wish wish, struct sp_err *err);
/* The files of all wishes, sorted. */
enum sp_status sp_wish_list(const struct sp_spool *spool,
    struct sp_names *files_out, struct sp_err *err);

#endif
