/*
 * incomingin.h - what the files of the intake share.  Private to incoming*.c.
 */
#ifndef SP_INCOMINGIN_H
#define SP_INCOMINGIN_H

#include "libspool/buf.h"
#include "libspool/incoming.h"
#include "libspool/job.h"
#include "libspool/scan.h"

#define INCOMING_NAME 200 /* bytes of a drop's name: room for what is added */
#define INCOMING_MANY 128 /* drops that go in together */

/* A drop that was in, and may wait still: ids from `id` on, `span` of them. */
struct incoming_kept {
	struct sp_id id;
	uint32_t span;
	unsigned jobs;
	int64_t bytes;
};

struct incoming_owner {
	uint32_t uid;
	char user[SP_OWNER_MAX + 1]; /* "" where there is no such name */
	bool read;                   /* of answers/UID/.book: */
	struct incoming_kept *kept;
	size_t n, cap;
	uint64_t jobs, bytes; /* of all in that list */
	unsigned whys;        /* so many were written in this hour */
};

/* One on its way. */
struct incoming_drop {
	char name[INCOMING_NAME + 1];
	struct stat st;
	size_t owner; /* in sp_incoming.owner */
	bool bundle;
	int prio;
	unsigned jobs;
	uint32_t span;      /* ids that it needs */
	struct sp_buf text; /* with order.owner in it */
};

struct sp_incoming {
	const struct sp_spool *sp;
	int dir, answers;
	int64_t server;

	struct sp_names todo; /* a stretch of the listing: */
	size_t at;            /* looked at before that */
	char after[256];      /* the next stretch comes after this; "" */
	bool more;
	struct stat was; /* the directory, before it was listed */
	bool calm;       /* nothing in it has to be looked at again */
	bool again;      /* of this stretch something has */
	int64_t cost, swept;

	uint64_t *seen; /* keys of what was refused or told, sorted up to */
	size_t seen_n, sorted, seen_cap;

	struct incoming_owner *owner;
	size_t owners;
	struct sp_names ids; /* of new/ and waiting/, sorted */
	int64_t ids_at;      /* sp_mono_ms of that, 0: never */

	struct incoming_drop drop[INCOMING_MANY];
	size_t n, size;
};

/* incomingdrop.c: open, look, read, judge and stamp one drop; `drop` has a
 * name, a kind and what lstat said.
 * SP_OK: it may go in; SP_BAD: refused, err says why; SP_LOST: he has as many
 * in the queue as he may, err says so; SP_RETRY: it is young, or there is
 * trouble (then err has words); SP_GONE. */
enum sp_status incoming_judge(
    struct sp_incoming *in, struct incoming_drop *drop, struct sp_err *err);

/* incomingwho.c */

enum sp_status
incoming_whose(struct sp_incoming *in, uint32_t uid, size_t *owner_out);
/* May so much more of his come in?  SP_OK; SP_LOST: not yet; SP_BAD: never. */
enum sp_status incoming_may(struct sp_incoming *in, size_t owner, unsigned jobs,
    int64_t bytes, struct sp_err *err);
/* It is in, under this id; written down for the next keeper, as a hint. */
void incoming_count(struct sp_incoming *in, const struct incoming_drop *drop,
    const struct sp_id *id);
void incoming_owners_clear(struct sp_incoming *in);

/* incominganswer.c */
void incoming_say_id(struct sp_incoming *in, const struct incoming_drop *drop,
    const struct sp_id *id);
/* false: he had too many of them in this hour. */
bool incoming_say_why(struct sp_incoming *in, const char *name, uint32_t uid,
    bool waits, const char *why);
/* answers/UID, made if it is not there; -1. */
int incoming_room(struct sp_incoming *in, uint32_t uid);
/* Remove what is older than the policy keeps. */
void incoming_sweep(struct sp_incoming *in);

/* incomingtake.c: bring in[].drop in, durable, and remove the originals. */
enum sp_status
incoming_take(struct sp_incoming *in, bool *taken_out, struct sp_err *err);
/* Finish what somebody who died at that left.  SP_OK: nothing is. */
enum sp_status incoming_recover(struct sp_incoming *in, struct sp_err *err);

/* Remember; and was it? */
bool incoming_seen(struct sp_incoming *in, uint64_t key);
void incoming_remember(struct sp_incoming *in, uint64_t key);

#endif
