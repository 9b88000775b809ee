/*
 * keepopen.c - the keeper's care for bundles in new/: one is opened when few
 * orders stand before it, so that a queue of a million is not a million files.
 * Which bundles there are, keepnew.c tells; what opening is, bundle.c.
 *
 * A worker that finds nothing nearer opens one as well (take.c), where it lists
 * for itself.  For those who only see the head of the queue, from
 * index/ready.jsonl or over HTTP, and whom none of it fits, spoold opens one
 * more now and then while they have nothing to do.
 */
#include <string.h>

#include "libspool/bundle.h"
#include "libspool/fs.h"
#include "libspool/keepin.h"
#include "libspool/log.h"

#define SOON_MS   100
#define NONE_MS   30000
#define FAR_MS    2000 /* where a look is a listing over a network */
#define SLICE_MS  200  /* then beat and index have their turn */
#define IDLE_LOOK 2    /* a worker that was idle as often finds nothing, */
#define IDLE_MOST 64   /* slices that are opened for such a one, at most */

bool
keep_bundle(struct sp_keep *k, const struct sp_name *name)
{
	char text[SP_NAME_MAX];

	sp_name_print(name, text);
	k->bundles_sorted = k->counted_calm = false;
	k->due[CHORE_OPEN] = 0;
	return sp_names_add(&k->bundles, text) == SP_OK;
}

/* In the order of the queue, without those that are gone. */
static enum sp_status
tidy(struct sp_keep *k)
{
	struct sp_names left = { 0 };
	enum sp_status st = SP_OK;
	size_t i;

	if (k->bundles_sorted)
		return SP_OK;
	for (i = k->bundles_at; i < k->bundles.n && st == SP_OK; i++)
		st = sp_names_add(&left, sp_names_at(&k->bundles, i));
	if (st != SP_OK) {
		sp_names_clear(&left);
		return st;
	}
	sp_names_clear(&k->bundles);
	sp_names_sort(&left);
	k->bundles = left;
	k->bundles_at = 0;
	k->bundles_sorted = true;
	return SP_OK;
}

/* ---- how near is it? ---- */

struct before {
	const char *name;
	size_t n, most;
};

static bool
count_one(void *arg, const char *entry, const struct stat *st)
{
	struct before *b = arg;
	struct sp_name name;

	(void)st;
	if (strcmp(entry, b->name) < 0 &&
	    sp_drop_kind(entry, &name) == SP_DROP_ORDER && !name.bundle)
		b->n++;
	return b->n < b->most;
}

/* Do fewer than `most` orders stand before it?  A long queue is not read to its
 * end for that. */
static enum sp_status
near_is(struct sp_keep *k, const char *bundle, size_t most, bool *near_out,
    struct sp_err *err)
{
	struct before b = { .name = bundle, .most = most };

	if (sp_fs_list(k->sp->dir[SP_DIR_NEW], ".", count_one, &b) == -1)
		return sp_err_sys(err, "list new/");
	*near_out = b.n < most;
	return SP_OK;
}

/* ---- the chore ---- */

static size_t
most_before(const struct sp_keep *k)
{
	size_t slice = (size_t)k->sp->policy.slice;

	return slice * (k->idle >= IDLE_LOOK ? IDLE_MOST : SP_BUNDLE_AHEAD);
}

/* True: there may be more to open at once. */
static bool
open_first(struct sp_keep *k, struct sp_err *err)
{
	const char *first = sp_names_at(&k->bundles, k->bundles_at);
	struct sp_opened opened;
	struct sp_name name;
	enum sp_status st;
	bool near = false;

	st = near_is(k, first, most_before(k), &near, err);
	keep_trouble("bundles", st, err);
	if (st != SP_OK || !near)
		return false;
	k->bundles_at++;
	if (sp_name_parse(first, &name) != SP_OK)
		return true;
	st = sp_bundle_open(k->sp, &name, &opened, err);
	keep_trouble("open", st, err);
	k->half_now |= st == SP_BAD;
	/* It may stand there still; it does not keep the others. */
	if (st != SP_OK && st != SP_LOST && st != SP_GONE) {
		(void)keep_bundle(k, &name);
	}
	if (st == SP_OK && k->idle >= IDLE_LOOK) {
		k->idle = 0;
		return false;
	}
	if (st == SP_OK && opened.bundles > 0) {
		/* They come before the others that we know of. */
		k->round.asked = true;
		k->due[CHORE_NEW] = 0;
		return false;
	}
	return true;
}

int64_t
keep_open(struct sp_keep *k, int64_t now)
{
	int64_t until = sp_mono_ms() + SLICE_MS, server = 0;
	struct stat is = { 0 };
	struct sp_err err = { "" };
	bool same = false, still = false;

	if (k->bundles_at == k->bundles.n || tidy(k) != SP_OK)
		return k->bundles_at == k->bundles.n ? NONE_MS : SOON_MS;
	if (k->idle < IDLE_LOOK && keep_server_now(k, now, &server) == SP_OK) {
		still =
		    keep_still(k, SP_DIR_NEW, server, &k->counted, &is, &same);
		if (same && k->counted_calm)
			return SOON_MS;
	}
	k->counted = is;
	k->counted_calm = still;
	while (k->bundles_at < k->bundles.n && sp_mono_ms() < until) {
		sp_err_clear(&err);
		sp_alive(k->sp);
		if (!open_first(k, &err))
			return k->due[CHORE_NEW] == 0 ? 1
			    : k->sp->local            ? SOON_MS
						      : FAR_MS;
		k->counted_calm = false;
	}
	return 1;
}
