/*
 * prunepeer.c - what is known of the runs of a sweep: their curves, one for
 * each that has begun.  Which there are follows from their ids: nothing is
 * listed, and no index is asked.
 */
#include <stdlib.h>
#include <string.h>

#include "workerd/prunepeer.h"

#define SWEEPS 4   /* that are remembered at once */
#define AHEAD  64  /* so many in a row that have not begun: nor have others */
#define BUNDLE 128 /* ids that are bundles', not runs', at most */
#define CHUNK  (4 << 20) /* bytes of one run's metrics at a look */
#define QUIET  6 /* one that has stood still is left alone for 2^6 looks */

struct peer {
	struct sp_id id;
	struct sp_curve curve;
	bool begun;
	unsigned quiet; /* looks in a row at which nothing came */
	unsigned skip;  /* looks for which it is left alone */
};

struct sweep {
	char id[SP_SWEEP_LEN + 1];
	struct sp_prune prune;
	unsigned used;
	struct peer *peer; /* by the number of its id */
	size_t n;
	struct peer strange; /* of another id: a retry, say */
};

struct prune_peers {
	const struct tr_ops *ops;
	struct tr *tr;
	struct sweep sweep[SWEEPS];
	unsigned used;
	double *others;
	size_t others_cap;
};

struct prune_peers *
prunepeer_new(const struct tr_ops *ops, struct tr *tr)
{
	struct prune_peers *peers = calloc(1, sizeof *peers);

	if (peers != NULL) {
		peers->ops = ops;
		peers->tr = tr;
	}
	return peers;
}

static void
sweep_clear(struct sweep *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		sp_curve_clear(&s->peer[i].curve);
	sp_curve_clear(&s->strange.curve);
	free(s->peer);
	(void)memset(s, 0, sizeof *s);
}

void
prunepeer_free(struct prune_peers *peers)
{
	size_t i;

	for (i = 0; peers != NULL && i < SWEEPS; i++)
		sweep_clear(&peers->sweep[i]);
	if (peers != NULL)
		free(peers->others);
	free(peers);
}

/* What is compared, and where: runs of one sweep may differ in that. */
static bool
same(const struct sp_prune *a, const struct sp_prune *b)
{
	return a->method == b->method && a->max == b->max &&
	    !(a->steps < b->steps || a->steps > b->steps) &&
	    !(a->reduction < b->reduction || a->reduction > b->reduction) &&
	    strcmp(a->metric, b->metric) == 0;
}

static struct sweep *
sweep_of(struct prune_peers *peers, const struct sp_sweep *sweep,
    const struct sp_prune *prune)
{
	struct sweep *s, *oldest = &peers->sweep[0];
	size_t i;

	for (i = 0; i < SWEEPS; i++) {
		s = &peers->sweep[i];
		if (s->used > 0 && strcmp(s->id, sweep->id) == 0 &&
		    same(&s->prune, prune)) {
			s->used = ++peers->used;
			return s;
		}
		if (s->used < oldest->used)
			oldest = s;
	}
	sweep_clear(oldest);
	(void)strcpy(oldest->id, sweep->id);
	oldest->prune = *prune;
	oldest->used = ++peers->used;
	sp_curve_init(&oldest->strange.curve);
	return oldest;
}

/* NULL: no memory. */
static struct peer *
peer_at(struct sweep *s, size_t i)
{
	struct peer *more;
	size_t n;

	if (i >= s->n) {
		n = i + 1 + i / 2;
		if (n > SP_SWEEP_MOST + 1)
			n = SP_SWEEP_MOST + 1;
		if ((more = realloc(s->peer, n * sizeof *more)) == NULL)
			return NULL;
		s->peer = more;
		for (; s->n < n; s->n++) {
			(void)memset(&more[s->n], 0, sizeof *more);
			sp_curve_init(&more[s->n].curve);
			sp_sweep_id(s->id, (unsigned)s->n, &more[s->n].id);
		}
	}
	return &s->peer[i];
}

static struct peer *
peer_of(struct sweep *s, const struct sp_id *id)
{
	unsigned n;

	if (sp_sweep_has(s->id, id, &n))
		return peer_at(s, n);
	if (strcmp(s->strange.id.text, id->text) != 0) {
		sp_curve_clear(&s->strange.curve);
		s->strange.id = *id;
	}
	return &s->strange;
}

static enum sp_status
refresh(struct prune_peers *peers, struct sweep *s, struct peer *p,
    struct sp_err *err)
{
	bool more = true;
	int64_t at = p->curve.at;
	enum sp_status st = SP_OK;
	int tries = 16; /* somebody may write faster than we read */

	while (st == SP_OK && more && tries-- > 0)
		st = peers->ops->curve(
		    peers->tr, &p->id, &s->prune, CHUNK, &p->curve, &more, err);
	p->begun = p->begun || p->curve.worker[0] != '\0';
	p->quiet = p->curve.at != at ? 0
	    : p->quiet < QUIET       ? p->quiet + 1
				     : QUIET;
	return st;
}

enum sp_status
prunepeer_own(struct prune_peers *peers, const struct sp_sweep *sweep,
    const struct sp_prune *prune, const struct sp_id *id, size_t *come_out,
    struct sp_err *err)
{
	struct sweep *s = sweep_of(peers, sweep, prune);
	struct peer *p = peer_of(s, id);
	enum sp_status st;

	if (p == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	if ((st = refresh(peers, s, p, err)) == SP_OK)
		*come_out = sp_prune_come(prune, &p->curve);
	p->quiet = 0;
	return st;
}

enum sp_status
prunepeer_look(struct prune_peers *peers, const struct sp_sweep *sweep,
    const struct sp_prune *prune, const struct sp_id *id, size_t rung)
{
	struct sweep *s = sweep_of(peers, sweep, prune);
	size_t i, absent = 0,
		  most = sweep->runs > 0 ? sweep->runs + BUNDLE : SP_SWEEP_MOST;
	struct peer *p;
	enum sp_status st;

	for (i = 0; i <= most && i <= SP_SWEEP_MOST && absent < AHEAD; i++) {
		if ((p = peer_at(s, i)) == NULL)
			return SP_RETRY;
		if (strcmp(p->id.text, id->text) == 0 ||
		    sp_prune_come(prune, &p->curve) > rung) {
			absent = 0;
			continue; /* what counts there is known */
		}
		if (p->skip > 0) {
			p->skip--;
			absent = 0;
			continue;
		}
		if ((st = refresh(peers, s, p, NULL)) != SP_OK)
			return st;
		absent = p->begun ? 0 : absent + 1;
		if (p->begun && p->quiet > 1)
			p->skip = 1U << (p->quiet - 1);
	}
	return SP_OK;
}

bool
prunepeer_judge(struct prune_peers *peers, const struct sp_sweep *sweep,
    const struct sp_prune *prune, const struct sp_id *id, size_t rung,
    double *own_out, char words_out[SP_PRUNE_WORDS])
{
	struct sweep *s = sweep_of(peers, sweep, prune);
	struct peer *p = peer_of(s, id), *other;
	size_t i, n = 0;
	double *more;

	words_out[0] = '\0';
	if (peers->others_cap < s->n) {
		more = realloc(peers->others, s->n * sizeof *more);
		if (more == NULL)
			return true;
		peers->others = more;
		peers->others_cap = s->n;
	}
	if (p == NULL)
		return true;
	*own_out = sp_prune_best(prune, &p->curve, rung);
	for (i = 0; i < s->n; i++) {
		other = &s->peer[i];
		if (other == p || sp_prune_come(prune, &other->curve) <= rung)
			continue;
		peers->others[n++] = sp_prune_best(prune, &other->curve, rung);
	}
	return sp_prune_on(prune, rung, *own_out, peers->others, n, words_out);
}
