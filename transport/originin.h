/*
 * originin.h - private to origin.c (the thread), originask.c (what it asks the
 * Boss) and originpost.c (what becomes of what it was given).
 */
#ifndef TR_ORIGININ_H
#define TR_ORIGININ_H

#include <pthread.h>

#include "transport/curl.h"
#include "transport/origin.h"
#include "transport/originbook.h"

struct tr_origin {
	pthread_t thread;
	pthread_mutex_t lock; /* of the next six, */
	pthread_cond_t news;
	int want;
	bool ending, ended;
	int64_t end_by;
	bool quiet;
	struct wire *wire; /* the rest is the thread's */
	struct book book;
	char url[1024];
	char *bored;   /* "/bored/NAME" */
	int dialect;   /* 0: not known yet */
	int64_t every; /* ms between two questions; a call has twice that */
	int64_t ask_at;
	unsigned misses; /* in a row */
};

/* ms with jitter; and that doubled for each failure, up to some minutes. */
int64_t origin_jittered(int64_t ms);
int64_t origin_backed_off(const struct tr_origin *o, unsigned failures);

static inline bool
origin_good_is(int status)
{
	return status >= 200 && status < 300;
}

/* One request, PATH and ID behind it.  type: of a POST, whose body may be NULL.
 * SP_RETRY: no answer came in time. */
enum sp_status origin_call(struct tr_origin *o, const char *path,
    const char *id, const char *type, const struct sp_buf *body,
    struct sp_buf *text_out, int *status_out, struct sp_err *err);
/* An answer that is neither good nor says that there is nothing. */
enum sp_status origin_refused(int status, struct sp_err *err);
/* Which dialect does it speak?  Asked once. */
enum sp_status
origin_dialect(struct tr_origin *o, struct sp_buf *text, struct sp_err *err);

/* Ask for an order if it is time and there are fewer than `want` to begin. */
void origin_ask(struct tr_origin *o, int want);
/* What is due of all that we owe: place it, or post what came of it. */
void origin_settle(struct tr_origin *o);
/* Is anything over that has not been answered to? */
bool origin_owing(struct tr_origin *o);

#endif
