/*
 * submitpack.c - many jobs at once, as lines of short bundles: as durable as
 * files of their own, for a thousandth of the files.  Jobs that wait for
 * something, and those that are few of their kind, are files as ever.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/bundle.h"
#include "libspool/submit.h"

/* A job on its way, in the order of the queue. */
struct one {
	size_t i; /* in the group */
	int prio;
	bool fit;   /* it may be a line */
	bool waits; /* it does not stand in the queue yet */
	size_t way; /* what it goes in with */
};

struct packing {
	const struct sp_spool *sp;
	struct sp_submit *group;
	struct one *one;
	size_t n;
	struct sp_submit *way; /* bundles, and jobs by themselves */
	size_t ways;
	int64_t ms; /* of all ids, */
	uint32_t bits;
};

void
sp_submit_seen(struct sp_submit *one, const struct sp_job *job, bool valid)
{
	one->seen.is = true;
	one->seen.valid = valid;
	one->seen.waits = job->after_n > 0 || job->not_before > 0;
	one->seen.owned = job->owned;
	one->seen.prio = job->prio;
}

static void
look_at(struct sp_submit *s, struct one *one)
{
	struct sp_job job;
	bool valid;

	if (!s->seen.is) {
		valid = sp_job_parse(s->text, s->len, &job, NULL) == SP_OK;
		sp_submit_seen(s, &job, valid);
		sp_job_clear(&job);
	}
	one->fit = s->seen.valid && !s->seen.waits && s->prio < 0 &&
	    !s->seen.owned && !s->named &&
	    memchr(s->text, '\n', s->len) == NULL;
	one->waits = s->seen.waits;
	one->prio = s->seen.prio;
}

static int
by_place(const void *a, const void *b)
{
	const struct one *x = a, *y = b;

	if (x->waits != y->waits)
		return x->waits ? 1 : -1;
	if (x->prio != y->prio)
		return x->prio < y->prio ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

/* How many from `from` on are of one kind? */
static size_t
run_of(const struct packing *p, size_t from)
{
	const char *label = p->group[p->one[from].i].label;
	size_t i = from;

	while (i < p->n && p->one[i].fit &&
	    p->one[i].prio == p->one[from].prio &&
	    strcmp(p->group[p->one[i].i].label, label) == 0)
		i++;
	return i - from;
}

static void
alone(struct packing *p, struct one *one)
{
	struct sp_submit *s = &p->group[one->i];

	if (!s->named)
		sp_id_make(p->ms, p->bits++, &s->id);
	one->way = p->ways++;
	p->way[one->way] = *s;
	p->way[one->way].named = true;
}

/* One bundle of the first of these; returns of how many. */
static size_t
together(struct packing *p, struct one *one, size_t n)
{
	struct sp_buf text = SP_BUF_INIT(2 * (size_t)SP_BUNDLE_SHORT + 16);
	struct sp_submit *way = &p->way[p->ways];
	size_t k, most = (size_t)p->sp->policy.slice;

	sp_id_make(p->ms, p->bits++, &way->id);
	way->named = way->bundle = true;
	way->prio = one->prio;
	(void)strcpy(way->label, p->group[one->i].label);
	for (k = 0; k < n && k < most; k++) {
		struct sp_submit *s = &p->group[one[k].i];

		if (k > 0 && text.len + s->len >= SP_BUNDLE_SHORT)
			break;
		sp_buf_put(&text, s->text, s->len);
		sp_buf_put(&text, "\n", 1);
		sp_id_make(p->ms, p->bits++, &s->id);
		one[k].way = p->ways;
	}
	p->ways++;
	way->text = text.failed ? NULL : text.data; /* taken over */
	way->len = text.len;
	return k;
}

static void
plan(struct packing *p)
{
	size_t i, n, k;

	for (i = 0; i < p->n; i += n) {
		n = run_of(p, i);
		if (n < (size_t)p->sp->policy.slice) {
			n = n == 0 ? 1 : n;
			for (k = i; k < i + n; k++)
				alone(p, &p->one[k]);
			continue;
		}
		for (k = 0; k < n;)
			k += together(p, &p->one[i + k], n - k);
	}
}

/* What became of each way is what became of all who went it. */
static enum sp_status
tell(struct packing *p, struct sp_err *err)
{
	enum sp_status worst = SP_OK;
	size_t i;

	for (i = 0; i < p->n; i++) {
		struct sp_submit *s = &p->group[p->one[i].i];
		const struct sp_submit *way = &p->way[p->one[i].way];

		s->status = way->status;
		s->err = way->err;
		if (s->status != SP_OK && worst == SP_OK)
			worst = sp_err_set(err, s->status, "%s", s->err.text);
	}
	return worst;
}

static void
clear(struct packing *p)
{
	size_t i;

	for (i = 0; i < p->ways; i++)
		if (p->way[i].bundle) {
			union {
				const char *theirs;
				char *ours;
			} text = { .theirs = p->way[i].text };

			free(text.ours);
		}
	free(p->way);
	free(p->one);
}

enum sp_status
sp_submit_packed(const struct sp_spool *sp, struct sp_submit *group, size_t n,
    struct sp_err *err)
{
	struct packing p = { .sp = sp,
		.group = group,
		.n = n,
		.ms = sp_wall_ms(),
		.bits = sp_dice() & 0x7fffffffu };
	enum sp_status st = SP_OK;
	size_t i;

	if (n < (size_t)sp->policy.slice)
		return sp_submit(sp, group, n, err);
	p.one = calloc(n, sizeof *p.one);
	p.way = calloc(n, sizeof *p.way);
	if (p.one == NULL || p.way == NULL) {
		clear(&p);
		return sp_submit(sp, group, n, err);
	}
	for (i = 0; i < n; i++) {
		p.one[i].i = i;
		look_at(&group[i], &p.one[i]);
	}
	qsort(p.one, n, sizeof *p.one, by_place);
	plan(&p);
	for (i = 0; i < p.ways; i++)
		if (p.way[i].bundle && p.way[i].text == NULL)
			st = SP_RETRY;
	if (st == SP_OK)
		(void)sp_submit(sp, p.way, p.ways, NULL);
	else
		for (i = 0; i < p.ways; i++)
			p.way[i].status =
			    sp_err_set(&p.way[i].err, st, "no memory");
	st = tell(&p, err);
	clear(&p);
	return st;
}
