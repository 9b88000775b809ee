/*
 * entry.h - one order as the queue knows it; private to queue.c, whose lock all
 * of it needs.  The order is read once; what it asks for is kept beside its
 * name for as long as the name is listed (a name is never used twice, so what
 * was read stays true).
 */
#ifndef HTTPD_ENTRY_H
#define HTTPD_ENTRY_H

#include "libspool/fit.h"
#include "libspool/spool.h"

enum known {
	UNREAD,
	READ,
	WRONG /* no valid job: somebody will end it */
};

/* What an order asks for, of its job. */
struct entry {
	char *name;
	enum known known;
	bool taken;  /* a thread is claiming it, without the lock; */
	bool orphan; /* and it left the list meanwhile: that thread frees it */
	bool gone;   /* from new/, as far as we know */
	int64_t again;      /* not before: it has two links, say */
	bool free;          /* neither notBefore nor after */
	struct sp_job *job; /* of those that are not free, or ask for tags */
	int gpus;
	double cpus;
	int64_t memory;
};

/* NULL: no memory.  It has not read anything yet. */
struct entry *entry_new(const char *name);
/* If it is taken, it becomes an orphan, and whoever took it calls again. */
void entry_free(struct entry *e);

/* Read the order, unless that was done.  SP_GONE: it is not there any more;
 * SP_RETRY: no memory, or as sp_order_read. */
enum sp_status
entry_read(const struct sp_spool *spool, struct entry *e, struct sp_err *err);
/* Is it a valid job, and does it fit?  offer NULL: anything does. */
bool entry_fits(const struct entry *e, const struct sp_offer *offer);

#endif
