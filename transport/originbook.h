/*
 * originbook.h - what we owe an original Boss, on disk: one file an order,
 *
 *	SPOOL/origin/BOSS/ORDER.json	{"order","job","id"}
 *	SPOOL/origin/BOSS/ORDER.unanswered	it never answered to the outcome
 *	SPOOL/origin/BOSS/lock		held by the process that serves it
 *
 * ORDER and `job` are the Boss's ids, `id` is that of our order; without it the
 * job has not been put into new/ (or we died before we noted it: then our order
 * has ORDER for its label).  BOSS is made from its URL, which may be secret.
 */
#ifndef TR_ORIGINBOOK_H
#define TR_ORIGINBOOK_H

#include "libspool/origin.h"
#include "libspool/spool.h"

struct owed {
	char order[SP_ORIGIN_ID_MAX + 1];
	char job[SP_ORIGIN_ID_MAX + 1];
	struct sp_id id;   /* "" when it has not been placed */
	char why[256];     /* it cannot be: post that, "" */
	unsigned tries;    /* to post, that were not answered */
	unsigned failures; /* in a row, of any kind: the back-off */
	int64_t due;       /* sp_mono_ms of the next step */
};

struct book {
	struct sp_spool spool;
	int dir, lock; /* -1 */
	char boss[17];
	struct owed *owed;
	size_t n, cap;
};

enum sp_status book_open(
    struct book *book, const char *url, const char *spool, struct sp_err *err);
void book_close(struct book *book);

struct owed *book_find(struct book *book, const char *order);
/* Durable when it returns. */
enum sp_status book_add(struct book *book, const char *order, const char *job,
    struct owed **owed_out, struct sp_err *err);
enum sp_status
book_placed(struct book *book, const struct owed *owed, struct sp_err *err);
/* It is settled: forget it; or it will never be: set it aside. */
void book_settled(struct book *book, struct owed *owed);
void book_unanswered(struct book *book, struct owed *owed);

#endif
