/*
 * keep.c - the keeper's round: which chore is due, and what several need.
 * The chores themselves: keepnew.c, keepopen.c, keepwait.c, keepreap.c,
 * keepmend.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/fs.h"
#include "libspool/keepin.h"
#include "libspool/log.h"
#include "libspool/mark.h"
#include "libspool/outcome.h"

#define PROBE_FRESH 1000 /* ms */

/*
 * needs: what the medium must be able to.  Where a rename is link and unlink,
 * two who give the same order its next name could both be half done with it:
 * orders are moved on by those who can do it in one step, and there the dead
 * keep what they hold until such a one comes.  What died half-way is only told
 * by inodes, and by times that nobody can set.
 */
static const struct {
	keep_fn *fn;
	unsigned dirty, needs;
} chores[CHORES] = {
	[CHORE_LOOK] = { keep_look, 0, 0 },
	[CHORE_NEW] = { keep_new,
	    SP_DIRTY(SP_DIR_NEW) | SP_DIRTY(SP_DIR_HOLD) |
		SP_DIRTY(SP_DIR_CANCEL),
	    SP_FS_REAL_RENAME },
	[CHORE_INCOMING] = { keep_incoming, SP_DIRTY_INCOMING,
	    SP_FS_REAL_RENAME | SP_FS_INODES },
	[CHORE_OPEN] = { keep_open, SP_DIRTY(SP_DIR_NEW), SP_FS_REAL_RENAME },
	[CHORE_WAIT] = { keep_wait,
	    SP_DIRTY(SP_DIR_WAITING) | SP_DIRTY(SP_DIR_HOLD) |
		SP_DIRTY(SP_DIR_CANCEL) | SP_DIRTY(SP_DIR_OUTCOMES),
	    SP_FS_REAL_RENAME },
	[CHORE_REAP] = { keep_reap, 0, SP_FS_REAL_RENAME },
	[CHORE_PUBLISH] = { keep_publish, 0, 0 },
	[CHORE_HALF] = { keep_half, 0,
	    SP_FS_REAL_RENAME | SP_FS_INODES | SP_FS_FINE_TIMES },
	[CHORE_SWEEP] = { keep_sweep, 0, 0 },
};

/* One that may not be done here is not even looked at; but the medium may come
 * back as another. */
#define NOT_HERE_MS 10000

enum sp_status
sp_keep_new(const struct sp_spool *sp, bool yields, struct sp_keep **keep_out,
    struct sp_err *err)
{
	struct sp_keep *k;

	if ((k = calloc(1, sizeof *k)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	k->sp = sp;
	k->yields = yields;
	sp_book_init(&k->book, (int64_t)(sp->policy.lease * 1000));
	*keep_out = k;
	return SP_OK;
}

void
sp_keep_free(struct sp_keep *k)
{
	size_t i;

	if (k == NULL)
		return;
	sp_book_clear(&k->book);
	for (i = 0; i < k->wait_n; i++)
		free(k->wait[i].after);
	free(k->wait);
	keep_round_clear(&k->round);
	sp_names_clear(&k->bundles);
	sp_incoming_free(k->incoming);
	free(k);
}

int64_t
sp_keep_tick(struct sp_keep *k, unsigned dirty, int64_t now)
{
	unsigned facts = sp_fs_facts(k->sp->root);
	int64_t next = INT64_MAX;
	int i;

	for (i = 0; i < CHORES; i++) {
		if (i > CHORE_LOOK && k->yields && k->spoold)
			break;
		if (i == CHORE_NEW && (dirty & chores[i].dirty) != 0)
			k->round.asked = true;
		if ((facts & chores[i].needs) != chores[i].needs)
			k->due[i] = now + NOT_HERE_MS;
		else if (now >= k->due[i] || (dirty & chores[i].dirty) != 0)
			k->due[i] = now + chores[i].fn(k, now);
		if (k->due[i] < next)
			next = k->due[i];
	}
	return next <= now ? 1 : next - now;
}

void
sp_keep_busy(struct sp_keep *k, bool busy)
{
	k->busy = busy;
}

bool
sp_keep_spoold_is(const struct sp_keep *k)
{
	return k->spoold;
}

unsigned
sp_keep_workers(const struct sp_keep *k)
{
	return k->workers;
}

/* ---- shared ---- */

void
keep_trouble(const char *what, enum sp_status status, const struct sp_err *err)
{
	if (status == SP_OK || status == SP_LOST || status == SP_GONE)
		return;
	if (sp_warn_due(err->text))
		sp_warn("%s: %s", what,
		    err->text[0] != '\0' ? err->text : sp_status_text(status));
}

enum sp_status
keep_server_now(struct sp_keep *k, int64_t now, int64_t *server_out)
{
	struct sp_err err = { "" };
	enum sp_status st;
	int64_t took;

	if (k->probed == 0 || now - k->probed > PROBE_FRESH) {
		st = sp_server_now(k->sp, &k->server, &took, &err);
		if (st != SP_OK) {
			k->probed = 0;
			keep_trouble("probe", st, &err);
			return st;
		}
		k->probed = sp_mono_ms();
	}
	*server_out = k->server + (now > k->probed ? now - k->probed : 0);
	return SP_OK;
}

/* FNV-1a: keys of names that were examined, not a defence against anybody who
 * can write into the spool anyway. */
uint64_t
keep_key(const char *name)
{
	uint64_t h = 14695981039346656037u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211u;
	return h;
}

enum sp_status
keep_marks(struct sp_keep *k, struct keep_marks *m)
{
	struct sp_err err = { "" };
	enum sp_status st;

	(void)memset(m, 0, sizeof *m);
	st = sp_mark_list(k->sp, SP_DIR_HOLD, &m->hold, &err);
	if (st == SP_OK)
		st = sp_mark_list(k->sp, SP_DIR_CANCEL, &m->cancel, &err);
	keep_trouble("marks", st, &err);
	return st;
}

void
keep_marks_clear(struct keep_marks *m)
{
	sp_names_clear(&m->hold);
	sp_names_clear(&m->cancel);
}

bool
keep_end(struct sp_keep *k, enum sp_state at, const struct sp_name *name,
    int status, const char *why)
{
	struct sp_err err = { "" };
	enum sp_status st;

	st = sp_end(k->sp, at, name, status, status == SP_ST_LOST, why, &err);
	keep_trouble("end", st, &err);
	if (st == SP_OK)
		sp_info(
		    "end order=%s status=%d: %s", name->id.text, status, why);
	/* Only now: while it stands the wish must not be forgotten. */
	if (st == SP_OK && status == SP_ST_CANCELLED)
		(void)sp_mark_unset(k->sp, SP_DIR_CANCEL, &name->id, NULL);
	return st == SP_OK;
}

enum sp_status
keep_after(struct sp_keep *k, struct sp_id *after, size_t *n, char why[128])
{
	enum sp_status st;
	int status;

	while (*n > 0) {
		st = sp_find_status(k->sp, &after[*n - 1], &status, NULL);
		if (st != SP_OK)
			return SP_GONE;
		if (!sp_status_good_is(status)) {
			(void)snprintf(why, 128,
			    "it was to run after %s, which ended with %d",
			    after[*n - 1].text, status);
			return SP_BAD;
		}
		(*n)--;
	}
	return SP_OK;
}
