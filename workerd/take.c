/*
 * take.c - one order of new/ after the other: read, judged, claimed, started;
 * where the spool is far away what fits is claimed several at a time.  Which
 * are looked at, and when, is look.c's business.
 */
#include <stdlib.h>
#include <string.h>
#include <string.h>

#include "libspool/bundle.h"
#include "libspool/log.h"
#include "workerd/look.h"
#include "workerd/offer.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define AGAIN_MS   1000 /* an order that is not eligible, or not whole */
#define TROUBLE_MS 1000
#define OTHERS_MS  50 /* another opens a bundle */

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- one order ---- */

static void
later(struct look *l, struct opinion *o, int64_t until)
{
	if (o != NULL) {
		o->verdict = VERDICT_LATER;
		o->until = until;
	}
	l->again = least(l->again, until);
}

/* Is an opinion still good?  What it says is acted upon. */
static bool
known_is(struct worker *w, const struct opinion *o, int64_t now)
{
	if (o == NULL)
		return false;
	switch (o->verdict) {
	case VERDICT_NEVER:
		return true;
	case VERDICT_BUSY:
		return o->freed == w->freed;
	case VERDICT_LATER:
		if (now < o->until)
			w->look.again = least(w->look.again, o->until);
		return now < o->until;
	case VERDICT_NONE:
		break;
	}
	return false;
}

/* No valid job: end it, unless it may be a file that is still being written. */
static void
refuse(struct worker *w, const struct sp_name *name, struct opinion *o,
    bool whole, const char *why, int64_t now)
{
	struct sp_err err = { "" };
	enum sp_status st;

	/* No JSON object: it may still be written; if not, the keeper sets it
	 * aside in bad/. */
	if (!whole) {
		later(&w->look, o, now + AGAIN_MS);
		return;
	}
	st = w->ops->refuse(w->tr, name, why, &err);
	if (st == SP_OK)
		sp_info("refuse order=%s: %s", name->id.text, why);
	else if (st != SP_LOST && st != SP_GONE) {
		later(&w->look, o, now + AGAIN_MS);
		if (sp_warn_due(name->id.text))
			sp_warn("refuse order=%s: %s", name->id.text, err.text);
	}
}

/* Does it fit, and may it run? */
static bool
wanted(struct worker *w, const struct sp_name *name, const struct sp_job *job,
    struct opinion *o, int64_t now)
{
	struct sp_err err = { "" };
	enum verdict v;
	char why[128], text[SP_NAME_MAX];

	v = offer_judge(w, job, why);
	if (v == VERDICT_NONE && !as_judge(w, name, job, why))
		v = VERDICT_NEVER;
	if (v != VERDICT_NONE) {
		if (v == VERDICT_NEVER)
			sp_info("skip order=%s: %s", name->id.text, why);
		if (o != NULL) {
			o->verdict = v;
			o->freed = w->freed;
		}
		sp_name_print(name, text);
		looked_declined(w, text, why);
		return false;
	}
	if (w->ops->eligible(w->tr, name, job, &err) == SP_OK) {
		if (gpu_reserve(w, job->gpus))
			return true;
		if (o != NULL) {
			o->verdict = VERDICT_BUSY;
			o->freed = w->freed;
		}
		sp_name_print(name, text);
		looked_declined(w, text,
		    "another worker of this host has just taken the GPU");
		return false;
	}
	sp_name_print(name, text);
	looked_declined(w, text,
	    err.text[0] != '\0' ? err.text : "held, cancelled, or not due yet");
	later(&w->look, o, now + AGAIN_MS);
	return false;
}

/* Read it once, before the claim: what does not fit is not taken from others.
 * True: claim it.  The job and its text are the caller's to clear. */
static bool
consider(struct worker *w, const struct sp_name *name, struct opinion *o,
    struct sp_job *job, struct sp_buf *text, int64_t now)
{
	struct sp_err err = { "" };
	enum sp_status st;
	bool yes = false;

	st = w->ops->read(w->tr, name, text, &err);
	if (st == SP_OK) {
		st = sp_job_parse(text->data, text->len, job, &err);
		if (st == SP_OK)
			yes = wanted(w, name, job, o, now);
		else if (st == SP_BAD)
			refuse(w, name, o, job->object, err.text, now);
		else
			later(&w->look, o, now + AGAIN_MS);
	} else if (st == SP_GONE || st == SP_LOST) {
		sp_window_told(&w->look.window, false);
	} else {
		if (st == SP_RETRY)
			look_pause(w, now, TROUBLE_MS);
		later(&w->look, o, now + AGAIN_MS);
		if (sp_warn_due(name->id.text))
			sp_warn("read order=%s: %s", name->id.text, err.text);
	}
	return yes;
}

/* ---- bundles ---- */

/* Is there a line that could run here?  One that is to be cut first says no
 * more than that. */
static bool
any_fits(struct worker *w, const struct sp_buf *text, char why[128])
{
	const char *at = sp_buf_text(text), *end = at + text->len, *nl;
	enum verdict v = VERDICT_NONE;
	bool any = false;
	struct sp_job job;

	if (sp_bundle_jobs(at, text->len) > (unsigned)w->policy->slice)
		return true;
	for (; at < end; at = nl + 1) {
		nl = memchr(at, '\n', (size_t)(end - at));
		if (nl == NULL)
			nl = end;
		if (sp_bundle_jobs(at, (size_t)(nl - at)) == 0)
			continue;
		any = true;
		/* What is no job is to be said soon. */
		if (sp_job_parse(at, (size_t)(nl - at), &job, NULL) == SP_OK)
			v = offer_judge(w, &job, why);
		sp_job_clear(&job);
		if (v != VERDICT_NEVER)
			return true;
	}
	return !any;
}

/* Nothing nearer was for us: what lies in it are orders from here on, and
 * another listing has them.  Where somebody else is at it that takes a
 * moment. */
static void
open_bundle(struct worker *w, const struct sp_name *name, const char *file,
    struct opinion *o, int64_t now)
{
	struct sp_buf text = SP_BUF_INIT(SP_BUNDLE_MAX + 64);
	struct look *l = &w->look;
	struct sp_job all = { 0 };
	struct sp_err err = { "" };
	enum sp_status st;
	char why[128] = "";

	st = w->ops->unpack == NULL ? SP_BAD
				    : w->ops->eligible(w->tr, name, &all, &err);
	if (st == SP_OK)
		st = w->ops->read(w->tr, name, &text, &err);
	if (st == SP_OK && !any_fits(w, &text, why)) {
		if (o != NULL)
			o->verdict = VERDICT_NEVER;
		looked_declined(w, file, why);
		sp_buf_clear(&text);
		return;
	}
	sp_buf_clear(&text);
	/* Also what cannot be read: to open it says what is wrong with it. */
	if (st == SP_OK || st == SP_BAD)
		st = w->ops->unpack == NULL ? SP_BAD
					    : w->ops->unpack(w->tr, name, &err);
	later(l, o, now + AGAIN_MS);
	if (st != SP_OK && st != SP_LOST && st != SP_GONE) {
		if (sp_warn_due(name->id.text))
			sp_warn("open bundle=%s: %s", name->id.text, err.text);
		return;
	}
	l->nothing = false;
	l->over = true;
	l->next = sp_mono_ms() + (st == SP_OK ? 0 : OTHERS_MS);
}

/* ---- claims ---- */

/* What came of one; job: what its text says, which is taken, or NULL. */
static void
claimed(struct worker *w, const struct sp_claiming *c, struct sp_job *job,
    const struct sp_err *err, int64_t now)
{
	struct slot *s = slot_free(w);
	char text[SP_NAME_MAX];

	sp_window_told(&w->look.window, c->status == SP_OK);
	if (c->status == SP_OK) {
		w->look.claims++;
		if (w->claims_left > 0)
			w->claims_left--;
		health_claims(w, s);
		slot_start(w, s, &c->claimed, &c->text, job);
	} else if (c->status != SP_LOST && c->status != SP_GONE) {
		/* It may be ours all the same: the next beat compares. */
		if (c->status == SP_RETRY)
			look_pause(w, now, TROUBLE_MS);
		sp_name_print(&c->order, text);
		later(
		    &w->look, verdict_get(&w->look.seen, text), now + AGAIN_MS);
		beat_soon(w);
		if (sp_warn_due(c->order.id.text))
			sp_warn(
			    "claim order=%s: %s", c->order.id.text, err->text);
	}
}

/* One, now: its GPUs are set aside for it.  As `job` says, of `text`, unless it
 * has become another since. */
static void
claim(struct worker *w, const struct sp_name *name, struct sp_job *job,
    const struct sp_buf *text, int64_t now)
{
	struct sp_claiming c = { .order = *name,
		.text = SP_BUF_INIT(SP_JOB_MAX + 64) };
	struct sp_err err = { "" };

	w->look.claim_ms = -sp_mono_ms();
	c.status = w->ops->claim(w->tr, name, &c.claimed, &c.text, &err);
	w->look.claim_ms += sp_mono_ms();
	if (c.status != SP_OK)
		gpu_unreserve(w);
	if (c.text.len != text->len ||
	    memcmp(c.text.data, text->data, text->len) != 0)
		job = NULL;
	claimed(w, &c, job, &err, now);
	sp_buf_clear(&c.text);
}

/* How many may be under way together. */
static size_t
at_once(const struct worker *w)
{
	size_t n = 0, most = LOOK_AT_ONCE;
	int i;

	/* On a disk of this machine the first is to run before the second is
	 * claimed; and who is in doubt tries one. */
	if (!w->far || w->ops->claims == NULL || health_guilty_is(w))
		return 1;
	if (w->claims_left >= 0 && (size_t)w->claims_left < most)
		most = (size_t)w->claims_left;
	for (i = 0; i < w->opt.slots && n < most; i++)
		n += w->slot[i].state == SLOT_FREE;
	return n;
}

/* All that was found to fit. */
void
take_all(struct worker *w, int64_t now)
{
	struct look *l = &w->look;
	struct sp_err err = { "" };
	size_t i, n = l->taking_n;
	struct sp_claiming *all;

	if (n == 0)
		return;
	all = calloc(n, sizeof *all);
	l->taking_n = 0;
	l->taking_cpus = 0;
	l->taking_memory = 0;
	for (i = 0; i < n && all != NULL; i++) {
		all[i].order = l->taking[i];
		sp_buf_init(&all[i].text, SP_JOB_MAX + 64);
		all[i].status = SP_RETRY;
	}
	l->claim_ms = -sp_mono_ms();
	if (all != NULL)
		w->ops->claims(w->tr, all, n, &err);
	l->claim_ms += sp_mono_ms();
	for (i = 0; i < n && all != NULL; i++) {
		claimed(w, &all[i], NULL, &err, now);
		sp_buf_clear(&all[i].text);
	}
	free(all);
}

static void
try_one(struct worker *w, const char *text, int64_t now)
{
	struct opinion *o = verdict_get(&w->look.seen, text);
	struct sp_buf read = SP_BUF_INIT(SP_JOB_MAX + 64);
	struct look *l = &w->look;
	struct sp_job job = { 0 };
	struct sp_name name;

	looked_at(w);
	if (known_is(w, o, now) || sp_name_parse(text, &name) != SP_OK)
		return;
	if (cool_is(w, &name.id, now, &w->look.again)) {
		looked_declined(w, text, "it has just come back from here");
		return;
	}
	if (o == NULL)
		o = verdict_put(&w->look.seen, text);
	if (o != NULL)
		o->verdict = VERDICT_NONE;
	if (name.bundle) {
		open_bundle(w, &name, text, o, now);
		return;
	}
	if (consider(w, &name, o, &job, &read, now)) {
		if (job.gpus > 0 || at_once(w) <= 1) {
			claim(w, &name, &job, &read, now);
		} else {
			l->taking[l->taking_n++] = name;
			l->taking_cpus += job.cpus;
			l->taking_memory += job.memory;
		}
	}
	sp_job_clear(&job);
	sp_buf_clear(&read);
}

void
take_try(struct worker *w, const char *text, int64_t now)
{
	struct look *l = &w->look;
	unsigned claims = l->claims;
	size_t taking = l->taking_n;

	try_one(w, text, now);
	l->passed = l->passed || (l->claims == claims && l->taking_n == taking);
}

bool
take_full(const struct worker *w)
{
	return w->look.taking_n > 0 && w->look.taking_n >= at_once(w);
}
