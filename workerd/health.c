/*
 * health.c - is it the job, or is it us?  A host with a broken environment
 * fails every job at once, and so takes them all.  What its failures have in
 * common, and what other workers have made of the same scripts, is judged in
 * streak.h; here is what follows from the judgement.
 *
 * SUSPECT: claims are paced, a little slower after each failure, so that the
 * queue is not eaten while others have not had their turn.  GUILTY: no claims;
 * what fails in that way goes back to the queue for others, as bad-host; after
 * a while one order is tried, and when that fails too the while is doubled.  In
 * all other cases nothing changes but what is said.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/log.h"
#include "workerd/health.h"
#include "workerd/slot.h"
#include "workerd/worker.h"

#define EARLY_MS 30000 /* the beginning of an attempt */
#define ASK_MS   1000  /* what others say, while that matters */
#define LATER_MS 5000  /* the same once it is decided */

void
health_init(struct worker *w)
{
	sp_streak_init(&w->health.row, (unsigned)w->opt.bad_host);
}

/* From the policy's back-off, 5 s to 600 s: a try after 1 min to 1 h. */
static int64_t
try_least(const struct worker *w)
{
	int64_t ms = (int64_t)(w->policy->backoff * 12000);

	return ms < 1000 ? 1000 : ms;
}

static int64_t
try_most(const struct worker *w)
{
	int64_t ms = (int64_t)(w->policy->backoff_max * 6000);

	return ms < try_least(w) ? try_least(w) : ms;
}

static int64_t
longer(int64_t ms, int64_t least, int64_t most)
{
	ms = ms < least ? least : ms * 2;
	return ms > most ? most : ms;
}

/* ---- what is said ---- */

static void
say(struct worker *w, enum sp_trust before)
{
	struct health *h = &w->health;
	unsigned n = h->row.most;

	h->words[0] = '\0';
	switch (h->row.trust) {
	case SP_TRUST_WELL:
		if (before == SP_TRUST_GUILTY)
			sp_info("bad-host over: claims again");
		break;
	case SP_TRUST_SUSPECT:
		sp_info("health: %u orders in a row have failed early and "
			"alike (%s); claims slow down until others have tried",
		    n, h->last);
		break;
	case SP_TRUST_ALONE:
	case SP_TRUST_SCRIPT:
		sp_info("health: %u orders in a row have failed early and "
			"alike (%s)%s: taken for the script's fault",
		    n, h->last,
		    h->row.trust == SP_TRUST_ALONE
			? ", and nobody else is here to try"
			: ", elsewhere as well");
		break;
	case SP_TRUST_GUILTY:
		(void)snprintf(h->words, sizeof h->words,
		    "no claims: %u in a row failed early, elsewhere they do "
		    "well: %s",
		    n, h->last);
		sp_warn("bad-host: %s; one is tried in %lld s (SIGHUP: claim "
			"again)",
		    h->words, (long long)(h->delay / 1000));
		break;
	}
	beat_soon(w);
}

static void
judged(struct worker *w, enum sp_trust before, int64_t now)
{
	struct health *h = &w->health;

	if (h->row.trust == before)
		return;
	if (h->row.trust == SP_TRUST_SUSPECT) {
		h->delay = try_least(w) / 60;
		h->claim_at = now + h->delay;
	} else if (h->row.trust == SP_TRUST_GUILTY) {
		h->delay = try_least(w);
		h->claim_at = now + h->delay;
	} else {
		h->next = h->delay = h->claim_at = 0;
		h->probing = false; /* though that may run for days */
		look_soon(w);
	}
	say(w, before);
}

/* Ask others, if it matters and was not done just now. */
static void
ask(struct worker *w, int64_t now)
{
	struct sp_tally_row sum[SP_TALLY_ROWS];
	struct sp_streak *row = &w->health.row;
	enum sp_trust before = row->trust;
	unsigned others = w->ops->workers(w->tr);

	if (!sp_streak_asks(row) || now < w->health.next)
		return;
	w->health.next = now + ASK_MS;
	(void)memcpy(sum, row->from, sizeof sum);
	if (w->ops->peers(w->tr, sum, row->scripts, NULL) != SP_OK)
		return; /* the next tick asks again */
	(void)sp_streak_judge(row, others > 0 ? others - 1 : 0, sum);
	if (row->trust > SP_TRUST_SUSPECT)
		w->health.next = now + LATER_MS;
	judged(w, before, now);
}

/* ---- what happens ---- */

static void
count(struct worker *w, const struct slot *s, bool good)
{
	char key[SP_TALLY_KEY];

	sp_tally_key(&s->job, key);
	sp_tally_add(&w->health.tally, key, good);
}

static void
past(struct worker *w, struct slot *s)
{
	enum sp_trust before = w->health.row.trust;

	s->past = true;
	count(w, s, true);
	sp_streak_good(&w->health.row);
	judged(w, before, sp_mono_ms());
	beat_soon(w);
}

void
health_runs(struct worker *w, struct slot *s, int64_t now)
{
	if (!s->past && s->stop == STOP_NO && now - s->began >= EARLY_MS)
		past(w, s);
}

bool
health_ended(
    struct worker *w, struct slot *s, enum sp_cause cause, const char *words)
{
	struct health *h = &w->health;
	char key[SP_TALLY_KEY];
	uint64_t way;

	if (s->past || s->stop != STOP_NO)
		return false;
	if (sp_status_good_is(s->status)) {
		past(w, s);
		return false;
	}
	if (s->ended - s->began >= EARLY_MS)
		return false;
	count(w, s, false);
	way = sp_words_way(cause, words);
	sp_tally_key(&s->job, key);
	sp_text_cut(h->last, sizeof h->last,
	    words[0] != '\0' ? words : sp_cause_text(cause));
	sp_streak_bad(&h->row, &s->name.id, key, way);
	if (h->row.n == h->row.most && h->row.trust == SP_TRUST_WELL)
		h->next = 0; /* what follows must not wait */
	ask(w, s->ended);
	if (h->row.trust == SP_TRUST_SUSPECT) {
		h->delay =
		    longer(h->delay, try_least(w) / 60, try_least(w) / 3);
		h->claim_at = s->ended + h->delay;
	}
	return h->row.trust == SP_TRUST_GUILTY && way == h->row.way;
}

void
health_claims(struct worker *w, struct slot *s)
{
	struct health *h = &w->health;

	s->past = false;
	s->probe = h->row.trust == SP_TRUST_GUILTY;
	if (!s->probe)
		return;
	h->probing = true;
	sp_info("bad-host: tries order=%s", s->name.id.text);
}

void
health_over(struct worker *w, struct slot *s)
{
	struct health *h = &w->health;

	if (!s->probe)
		return;
	s->probe = h->probing = false;
	if (h->row.trust != SP_TRUST_GUILTY)
		return;
	h->delay = longer(h->delay, try_least(w), try_most(w));
	h->claim_at = s->ended + h->delay;
	sp_info("bad-host still: the next try is in %lld s",
	    (long long)(h->delay / 1000));
}

void
health_forgive(struct worker *w)
{
	enum sp_trust before = w->health.row.trust;

	sp_streak_good(&w->health.row);
	judged(w, before, sp_mono_ms());
}

/* ---- what follows ---- */

bool
health_guilty_is(const struct worker *w)
{
	return w->health.row.trust == SP_TRUST_GUILTY;
}

bool
health_lets(const struct worker *w, int64_t now)
{
	return now >= w->health.claim_at && !w->health.probing;
}

int64_t
health_tick(struct worker *w, int64_t now)
{
	struct health *h = &w->health;
	int64_t next = FAR;

	if (sp_streak_asks(&h->row)) {
		ask(w, now);
		next = h->next;
	}
	if (now < h->claim_at && h->claim_at < next)
		next = h->claim_at;
	return next;
}
