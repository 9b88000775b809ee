/*
 * outcopy.h - $SPOOL_OUT where the spool has no directory on this machine: a
 * local one, filled with what earlier attempts left, and copied to the spool
 * while the job runs and when it has ended.
 *
 * A thread of its own copies (one for each such attempt), so that neither a
 * checkpoint of many GB nor a link that is down holds anything else up.  A file
 * is copied when it has not changed for two looks, OUTCOPY_MS apart; at the end
 * whatever it is.  One that is gone here goes there, too.
 *
 * The directory lies in the outbox (outbox.h), beside the entry of its attempt,
 * and outlives us with it.
 */
#ifndef WORKER_OUTCOPY_H
#define WORKER_OUTCOPY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "libspool/err.h"
#include "libspool/name.h"
#include "transport/transport.h"

#define OUTCOPY_MS 2000 /* between looks while the job runs */

struct outcopy;

/* event: to be made readable when something has come to its end.  NULL: no
 * memory. */
struct outcopy *outcopy_new(const struct tr_ops *ops, struct tr *tr,
    const struct sp_name *name, const char *root, int event);
const char *outcopy_root(const struct outcopy *o);
/* What earlier attempts left, into it; before outcopy_start, by any thread.
 * old_out: there is something.  SP_RETRY. */
enum sp_status outcopy_fetch(struct outcopy *o, const atomic_bool *stop,
    bool *old_out, struct sp_err *err);
/* The job runs from now on.  doubt: an earlier process has had it, look first
 * whether its claim stands. */
bool outcopy_start(struct outcopy *o, bool doubt);
/* It has ended: copy all that is left, again and again until it is done. */
void outcopy_finish(struct outcopy *o);
/* All of it is on this disk, so that it may be told to outlive us. */
bool outcopy_synced_is(struct outcopy *o);
/* SP_OK: all is there.  SP_RETRY: not yet.  SP_LOST: the claim does not stand.
 */
enum sp_status outcopy_done(struct outcopy *o);
/* Try at once. */
void outcopy_hurry(struct outcopy *o);
/* It is not needed any more; remove: neither is what lies there.  Does not wait
 * for the thread.  Takes NULL too. */
void outcopy_free(struct outcopy *o, bool remove);

/* All threads have ended within so many ms; call it when all are freed. */
bool outcopy_quiet(int64_t ms);

/* outlook.c: what lies there. */
struct outfile {
	char *path; /* below it */
	uint64_t ino;
	int64_t size, mtime; /* ns */
	int64_t sent_mtime, sent_size;
	uint64_t sent_ino;
	bool sent; /* as it then was */
	bool calm; /* as when last looked */
	bool here; /* was met by this look */
};
struct outlook {
	struct outfile *at;
	size_t n, cap;
	bool cut; /* too much: not all of it was met */
};
/* Look; the table stays sorted by path.  false: no memory, or not readable. */
bool outlook_round(struct outlook *l, const char *root);
/* It is there as it now stands. */
bool outlook_sent(struct outlook *l, const char *path, const struct stat *st);
void outlook_clear(struct outlook *l);
/* Plain components that lead nowhere else? */
bool outlook_path_ok(const char *path);

#endif
