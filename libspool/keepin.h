/*
 * keepin.h - what the files of the keeper share.  Private to keep*.c.
 */
#ifndef SP_KEEPIN_H
#define SP_KEEPIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "libspool/err.h"
#include "libspool/incoming.h"
#include "libspool/job.h"
#include "libspool/keep.h"
#include "libspool/lease.h"
#include "libspool/scan.h"
#include "libspool/spool.h"

enum chore {
	CHORE_LOOK,     /* who is alive */
	CHORE_NEW,      /* admit, examine */
	CHORE_INCOMING, /* what strangers dropped (incoming.h) */
	CHORE_OPEN,     /* bundles that are near the head of the queue */
	CHORE_WAIT,     /* promote, fail dependants */
	CHORE_REAP,     /* revoke what the dead hold */
	CHORE_PUBLISH,  /* outcomes whose commit survived, bundles */
	CHORE_HALF,     /* renames that died between link and unlink */
	CHORE_SWEEP,    /* tmp/ */
	CHORES
};

/* What a waiting order waits for; read once, for names are never reused. */
struct waiting {
	uint64_t key;
	int64_t ready;       /* server ms: back-off and notBefore */
	struct sp_id *after; /* those not known to have succeeded */
	size_t after_n;
	bool kept; /* still there in this round */
};

/* What is known of new/ (keepnew.c). */
#define KEEP_DIRS 3
struct keep_round {
	uint64_t *seen; /* keys of names found in order: sorted, the first */
	size_t seen_n, sorted, cap;
	struct sp_names todo;  /* listed or told, to be looked into: */
	size_t at;             /* from here on */
	struct sp_names young; /* to be looked into once more */
	bool told;             /* names came that need no listing */
	bool asked;            /* to look what is there */
	bool more;             /* there were too many to remember */
	bool calm;             /* nothing is to be looked at again; as of */
	struct stat was[KEEP_DIRS];
	int64_t listed, cost; /* when, and what it took, ms */
};

struct sp_keep {
	const struct sp_spool *sp;
	bool yields;
	bool busy;   /* sp_keep_busy */
	bool spoold; /* another one is beating */
	unsigned workers;
	int64_t due[CHORES];
	struct sp_book book;

	int64_t server; /* the server's clock at ... */
	int64_t probed; /* ... this moment of ours, 0: never */

	struct keep_round round; /* of new/ */
	struct waiting *wait;    /* sorted by key */
	size_t wait_n;
	struct sp_incoming *incoming; /* NULL: none that is ours */
	bool half_now;                /* somebody met two links */

	/* Bundles that were met in new/ (keepopen.c), to be opened or gone. */
	struct sp_names bundles;
	size_t bundles_at; /* those before are not there any more */
	bool bundles_sorted;
	struct stat counted; /* new/, when the first of them was not near, */
	bool counted_calm;   /* and long enough after its last change */
	unsigned idle;       /* rounds in which a worker had nothing to do */
	/* outcomes/ as it looked when nothing was left to publish there. */
	struct stat published;
	bool published_calm;
	unsigned half_rounds;
};

typedef int64_t keep_fn(struct sp_keep *k, int64_t now);

/* Each does one chore and says in how many ms it wants to again. */
keep_fn keep_look, keep_new, keep_open, keep_wait, keep_reap, keep_publish,
    keep_half, keep_sweep, keep_incoming;

/* Does a directory look as it did, and did it long enough for a change to show?
 * Only where it lies in this machine; is_out for the next time. */
bool keep_still(struct sp_keep *k, enum sp_dir dir, int64_t server,
    const struct stat *was, struct stat *is_out, bool *same_out);

void keep_round_clear(struct keep_round *round);

/* The server's clock now, from a probe at most a second old. */
enum sp_status
keep_server_now(struct sp_keep *k, int64_t now, int64_t *server_out);

uint64_t keep_key(const char *name);

/* Both kinds of marks, listed afresh; clear both whatever came back. */
struct keep_marks {
	struct sp_names hold, cancel;
};
enum sp_status keep_marks(struct sp_keep *k, struct keep_marks *marks_out);
void keep_marks_clear(struct keep_marks *marks);

/* keepnew.c: look at one entry of new/.  True: it is in order and need not be
 * read again.  *young: it must be looked at again soon; *admitted: new/ is to
 * be synced. */
bool
keep_entry(struct sp_keep *k, const char *entry, const struct keep_marks *marks,
    int64_t server, bool *young, bool *admitted);

/* keepopen.c: this bundle stands in new/.  False: it is to be told again. */
bool keep_bundle(struct sp_keep *k, const struct sp_name *name);

/* End an order where it stands and log it; true when it was ours to end. */
bool keep_end(struct sp_keep *k, enum sp_state at, const struct sp_name *name,
    int status, const char *why);

/* May a job run as far as its dependencies go?  SP_OK yes; SP_GONE not yet;
 * SP_BAD: one failed, `why` says which.  Those that succeeded are taken off the
 * list. */
enum sp_status
keep_after(struct sp_keep *k, struct sp_id *after, size_t *n, char why[128]);

/* Trouble worth a line, at most once a minute. */
void
keep_trouble(const char *what, enum sp_status status, const struct sp_err *err);

#endif
