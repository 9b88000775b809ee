/*
 * finishin.h - what finish.c, finishnote.c and finishfar.c share.  Private to
 * them.
 */
#ifndef SP_FINISHIN_H
#define SP_FINISHIN_H

#include "libspool/finish.h"

/* outcomes/.ID.tTaA@W */
void
finish_provisional(const struct sp_name *name, char file_out[SP_NAME_MAX + 1]);

/* finishnote.c: tTaA@W.json in runs/DAY/ID/ */
void finish_note(const struct sp_name *name, char file_out[SP_NAME_MAX + 8]);

/* Write a provisional outcome, unless a whole one is there, so that it lasts;
 * one after the other. */
enum sp_status
finish_write(const struct sp_spool *sp, const struct sp_name *name,
    const void *text, size_t len, struct sp_err *err);

/* ---- finishfar.c: groups in the least round trips ---- */

/* The provisional outcomes of a group, and the fsync behind them; each one's
 * status is filled. */
void finish_write_far(const struct sp_spool *sp, struct sp_ended *group,
    size_t n, struct sp_err *err);

/* Publish those that nothing stands in the way of: done[].  What is left to do
 * for the others, sp_outcome_publish knows. */
void finish_link_far(const struct sp_spool *sp, const struct sp_ended *group,
    size_t n, bool *done);

#endif
