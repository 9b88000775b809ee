/*
 * ready.c - what of new/ may be claimed: the listing, with drops admitted on
 * the way, and whether an order may run now.  What it moves it moves through
 * libspool's admission.
 */
#include <string.h>

#include "libspool/bundle.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/log.h"
#include "libspool/mark.h"
#include "libspool/outcome.h"
#include "libspool/readyin.h"
#include "libspool/submit.h"

#define ADMIT_MS  250   /* of one listing, for drops */
#define MARKS_MS  1000  /* age of the list of marks */
#define SERVER_MS 10000 /* age of the server's clock */

/* ---- what is known for a while ---- */

void
sp_ready_init(struct sp_ready *r, const struct sp_spool *spool)
{
	(void)memset(r, 0, sizeof *r);
	r->spool = spool;
	r->marks_at = r->server_at = -1;
	(void)pthread_mutex_init(&r->clock, NULL);
}

void
sp_ready_clear(struct sp_ready *r)
{
	sp_names_clear(&r->hold);
	sp_names_clear(&r->cancel);
	sp_names_clear(&r->hint.names);
	(void)pthread_mutex_destroy(&r->clock);
}

enum sp_status
sp_ready_marked(struct sp_ready *r, const struct sp_names *hold,
    const struct sp_names *cancel)
{
	enum sp_status st = sp_mark_ids(hold, &r->hold);

	if (st == SP_OK)
		st = sp_mark_ids(cancel, &r->cancel);
	r->marks_at = st == SP_OK ? sp_mono_ms() : -1;
	return st;
}

enum sp_status
sp_ready_marks(struct sp_ready *r, struct sp_err *err)
{
	struct sp_names hold = { 0 }, cancel = { 0 };
	const struct sp_listing both[] = {
		{ r->spool->dir[SP_DIR_HOLD], &hold },
		{ r->spool->dir[SP_DIR_CANCEL], &cancel },
	};
	int64_t now = sp_mono_ms();
	enum sp_status st;

	if (r->marks_at != -1 && now - r->marks_at < MARKS_MS)
		return SP_OK;
	if ((st = sp_list_all(both, 2, err)) == SP_OK)
		st = sp_ready_marked(r, &hold, &cancel);
	r->marks_at = st == SP_OK ? now : -1;
	sp_names_clear(&hold);
	sp_names_clear(&cancel);
	return st;
}

enum sp_status
sp_ready_now(struct sp_ready *r, int64_t *now_out, struct sp_err *err)
{
	int64_t now = sp_mono_ms(), took;
	enum sp_status st = SP_OK;

	(void)pthread_mutex_lock(&r->clock);
	if (r->server_at == -1 || now - r->server_at >= SERVER_MS) {
		st = sp_server_now(r->spool, &r->server_ms, &took, err);
		if (st == SP_OK)
			r->server_at = now;
	}
	*now_out = r->server_ms + (now - r->server_at);
	(void)pthread_mutex_unlock(&r->clock);
	return st;
}

/* ---- the listing ---- */

/* One raw drop; an order or a bundle that came of it goes to `names`. */
static void
drop_in(struct sp_ready *r, const char *raw, enum sp_drop kind,
    struct sp_names *names, enum sp_status *st)
{
	struct sp_err err = { "" };
	char text[SP_NAME_MAX];
	struct sp_name name;
	int64_t now;

	if ((*st = sp_ready_now(r, &now, &err)) == SP_OK)
		*st = sp_admit(r->spool, raw, kind, now, &name, &err);
	if (*st == SP_OK && name.ticket > 0) {
		sp_name_print(&name, text);
		*st = sp_names_add(names, text);
	}
	if (*st != SP_OK && err.text[0] != '\0' && sp_warn_due(raw))
		sp_warn("admit drop=%s: %s", raw, err.text);
	*st = SP_OK; /* one bad drop must not stop the others */
}

static enum sp_status
list_all(struct sp_ready *r, struct sp_names *names, struct sp_err *err)
{
	struct sp_names all = { 0 };
	bool admitted = false;
	enum sp_status st;
	const char *text;
	int64_t until;
	size_t i;

	names->n = names->len = 0;
	st = sp_list(r->spool->dir[SP_DIR_NEW], false, &all, err);
	/* From here on: the listing alone may take longer. */
	until = sp_mono_ms() + ADMIT_MS;
	for (i = 0; i < all.n && st == SP_OK; i++) {
		enum sp_drop kind;

		text = sp_names_at(&all, i);
		kind = sp_drop_kind(text, NULL);
		if (kind == SP_DROP_IGNORE)
			continue;
		if (kind == SP_DROP_ORDER)
			st = sp_names_add(names, text);
		else if (sp_mono_ms() < until) {
			/* each costs two syncs: the others next time */
			drop_in(r, text, kind, names, &st);
			admitted = true;
		}
	}
	sp_names_clear(&all);
	if (admitted && st == SP_OK)
		st = sp_sync(r->spool->dir[SP_DIR_NEW], "new", err);
	if (st != SP_OK)
		return sp_err_set(err, st, "list new/");
	sp_names_sort(names);
	return SP_OK;
}

enum sp_status
sp_ready_list(
    struct sp_ready *r, struct sp_names *names_out, struct sp_err *err)
{
	int64_t now = sp_mono_ms();
	enum sp_status st = SP_OK;

	if (hint_wanted(r) && hint_look(r, now) == SP_OK &&
	    (st = hint_enough(r, now)) != SP_GONE)
		return st == SP_OK ? hint_copy(r, names_out) : st;
	st = list_all(r, names_out, err);
	r->hint.full_at = sp_mono_ms();
	r->hint.full_cost = r->hint.full_at - now;
	return st;
}

enum sp_status
sp_ready_orders(struct sp_ready *r, struct sp_names *names, bool *more_out,
    struct sp_err *err)
{
	size_t near = (size_t)r->spool->policy.slice * SP_BUNDLE_AHEAD, i;
	struct sp_names orders = { 0 };
	struct sp_name name, first;
	enum sp_status st = SP_OK;
	bool any = false;

	*more_out = false;
	for (i = 0; i < names->n && st == SP_OK; i++) {
		if (sp_name_parse(sp_names_at(names, i), &name) != SP_OK)
			continue;
		if (!name.bundle)
			st = sp_names_add(&orders, sp_names_at(names, i));
		else if (!any && i < near && sp_ready_marks(r, err) == SP_OK &&
		    !sp_names_has(&r->hold, name.id.text) &&
		    !sp_names_has(&r->cancel, name.id.text)) {
			first = name;
			any = true;
		}
	}
	sp_names_clear(names);
	*names = orders;
	if (st == SP_OK && any)
		*more_out =
		    sp_bundle_open(r->spool, &first, NULL, NULL) == SP_OK;
	return st;
}

enum sp_status
sp_ready_is(struct sp_ready *r, const struct sp_name *name,
    const struct sp_job *job, struct sp_err *err)
{
	enum sp_status st;
	int64_t now;
	int status;
	size_t i;

	if ((st = sp_ready_marks(r, err)) != SP_OK)
		return st;
	if (sp_names_has(&r->hold, name->id.text) ||
	    sp_names_has(&r->cancel, name->id.text))
		return SP_LOST;
	if (job->not_before > 0) {
		if ((st = sp_ready_now(r, &now, err)) != SP_OK)
			return st;
		if (now < job->not_before)
			return SP_LOST;
	}
	for (i = 0; i < job->after_n; i++) {
		st = sp_find_status(r->spool, &job->after[i], &status, err);
		if (st == SP_RETRY)
			return st;
		if (st != SP_OK || !sp_status_good_is(status))
			return SP_LOST;
	}
	return SP_OK;
}
