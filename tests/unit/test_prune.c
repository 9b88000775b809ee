/*
 * test_prune.c - order.prune: at which steps runs are compared, what their
 * lines come to there, and who goes on; and the ids of a sweep.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "libspool/prune.h"
#include "tests/unit/suites.h"

#define SWEEP "20261122T190212345-9f3c"

static struct sp_prune
asha(double steps, double reduction)
{
	return (struct sp_prune){ .method = SP_PRUNE_ASHA,
		.metric = "loss",
		.steps = steps,
		.reduction = reduction,
		.peers = 1 };
}

static struct sp_prune
by_median(double steps, unsigned peers)
{
	return (struct sp_prune){ .method = SP_PRUNE_MEDIAN,
		.metric = "loss",
		.steps = steps,
		.reduction = 3,
		.peers = peers };
}

/* ---- rungs ---- */

static const struct {
	bool asha;
	double steps, reduction, step;
	size_t rungs;
} rungs[] = {
	{ true, 1, 3, 0, 0 },
	{ true, 1, 3, 1, 1 },
	{ true, 1, 3, 2.9, 1 },
	{ true, 1, 3, 3, 2 },
	{ true, 1, 3, 26, 3 },
	{ true, 1, 3, 27, 4 },
	{ true, 5, 2, 4.99, 0 },
	{ true, 5, 2, 40, 4 },
	{ true, 1, 3, -1, 0 },
	{ true, 1, 3, NAN, 0 },
	{ true, 1, 1.1, INFINITY, SP_RUNGS },
	{ false, 10, 3, 9, 0 },
	{ false, 10, 3, 10, 1 },
	{ false, 10, 3, 99, 9 },
	{ false, 10, 3, 100, 10 },
	{ false, 1, 3, 1e12, SP_RUNGS },
};

START_TEST(counts_rungs)
{
	struct sp_prune p = rungs[_i].asha
	    ? asha(rungs[_i].steps, rungs[_i].reduction)
	    : by_median(rungs[_i].steps, 1);
	size_t n = sp_prune_rungs(&p, rungs[_i].step);

	ck_assert_uint_eq(n, rungs[_i].rungs);
	if (n > 0 && n < SP_RUNGS) {
		ck_assert(sp_prune_rung(&p, n - 1) <= rungs[_i].step);
		ck_assert(sp_prune_rung(&p, n) > rungs[_i].step);
	}
}
END_TEST

/* ---- who goes on ---- */

#define N           NAN
#define TEST_OTHERS 8

static const struct {
	bool asha, max;
	unsigned peers;
	double own;
	size_t n;
	double others[TEST_OTHERS];
	bool on;
	const char *words; /* in them, where it does not */
} verdicts[] = {
	/* the first one has nobody to be compared with */
	{ true, false, 1, 9, 0, { 0 }, true, NULL },
	/* of two one goes on, the better */
	{ true, false, 1, 2, 1, { 1 }, false, "1 of 1 other did better and 1" },
	{ true, false, 1, 1, 1, { 2 }, true, NULL },
	{ true, false, 1, 1, 1, { 1 }, true, NULL },
	{ true, true, 1, 1, 1, { 2 }, false, "did better" },
	{ true, true, 1, 2, 1, { 1 }, true, NULL },
	/* of six two, of eight still two */
	{ true, false, 1, 2, 5, { 1, 3, 4, 5, 6 }, true, NULL },
	{ true, false, 1, 3, 5, { 1, 2, 4, 5, 6 }, false,
	    "2 of 5 others did better and 2 of all may go on" },
	{ true, false, 1, 3, 7, { 1, 2, 4, 5, 6, 7, 8 }, false, "3 at best" },
	{ true, false, 1, 3, 8, { 1, 2, 4, 5, 6, 7, 8, 9 }, true, NULL },
	/* what is no number is worse than any, and as good as its like */
	{ true, false, 1, N, 1, { 1e300 }, false, "nothing that is a number" },
	{ true, false, 1, N, 3, { N, N, N }, true, NULL },
	{ true, false, 1, 1e300, 3, { N, N, N }, true, NULL },
	/* too few have come */
	{ true, false, 3, 9, 2, { 1, 2 }, true, NULL },
	{ true, false, 3, 9, 3, { 1, 2, 3 }, false, "3 of 3 others" },
	{ false, false, 4, 9, 3, { 1, 2, 3 }, true, NULL },
	/* worse than the median */
	{ false, false, 4, 9, 4, { 1, 2, 3, 4 }, false,
	    "9 at best, the median of 4 others is 2.5" },
	{ false, false, 4, 2.5, 4, { 4, 2, 3, 1 }, true, NULL },
	{ false, false, 4, 2.51, 4, { 4, 2, 3, 1 }, false, "is 2.5" },
	{ false, false, 1, 3, 3, { 4, 2, 3 }, true, NULL },
	{ false, true, 1, 3, 3, { 4, 2, 3 }, true, NULL },
	{ false, true, 1, 2.9, 3, { 4, 2, 3 }, false, "is 3" },
	{ false, false, 1, 3.1, 1, { 3 }, false, "median of 1 other is 3" },
	/* half of them diverged: the better half is what counts */
	{ false, false, 1, 3, 4, { N, N, 1, 2 }, false, "is 2" },
	{ false, true, 1, 0.5, 4, { N, N, 1, 2 }, false, "is 1" },
	{ false, false, 1, 3, 5, { N, N, N, 1, 2 }, true, NULL },
	{ false, true, 1, 0.5, 5, { N, N, N, 1, 2 }, true, NULL },
	{ false, false, 1, N, 2, { 1, 2 }, false, "nothing that" },
	{ false, false, 1, N, 2, { N, N }, true, NULL },
};

START_TEST(judges)
{
	struct sp_prune p =
	    verdicts[_i].asha ? asha(3, 3) : by_median(3, verdicts[_i].peers);
	double others[TEST_OTHERS];
	char words[SP_PRUNE_WORDS];
	bool on;

	p.peers = verdicts[_i].peers;
	p.max = verdicts[_i].max;
	(void)memcpy(others, verdicts[_i].others, sizeof others);
	on =
	    sp_prune_on(&p, 1, verdicts[_i].own, others, verdicts[_i].n, words);
	ck_assert_msg(on == verdicts[_i].on, "%s", words);
	if (on) {
		ck_assert_str_eq(words, "");
		return;
	}
	ck_assert_msg(strstr(words, verdicts[_i].words) != NULL, "%s", words);
	ck_assert_ptr_nonnull(strstr(words,
	    verdicts[_i].asha ? "pruned at step 9: loss "
			      : "pruned at step 6: loss "));
}
END_TEST

/* ---- what lines come to ---- */

static const struct {
	const char *text, *metric;
	double best[4]; /* up to steps 1, 3, 9 and 27 */
	size_t come;
} curves[] = {
	{ "", "loss", { N, N, N, N }, 0 },
	{ "{\"step\":1,\"loss\":5}\n", "loss", { 5, 5, 5, 5 }, 1 },
	{ "{\"step\":1,\"loss\":5}\n{\"step\":2,\"loss\":3}\n"
	  "{\"step\":3,\"loss\":4}\n{\"step\":4,\"loss\":2}\n",
	    "loss", { 5, 3, 2, 2 }, 2 },
	/* steps that are left out, and out of order */
	{ "{\"step\":9,\"loss\":1}\n{\"step\":0,\"loss\":7}\n", "loss",
	    { 7, 7, 1, 1 }, 3 },
	{ "{\"step\":20,\"loss\":1}\n", "loss", { N, N, N, 1 }, 3 },
	/* epochs, and lines that say neither */
	{ "{\"epoch\":3,\"loss\":1}\n", "loss", { N, 1, 1, 1 }, 2 },
	{ "{\"loss\":4}\n{\"acc\":1}\n{\"loss\":3}\n{\"loss\":2}\n", "loss",
	    { 4, 2, 2, 2 }, 2 },
	{ "{\"step\":\"3\",\"loss\":1}\n", "loss", { 1, 1, 1, 1 }, 1 },
	/* both names of a nested one */
	{ "{\"step\":1,\"val\":{\"loss\":2}}\n", "val/loss", { 2, 2, 2, 2 },
	    1 },
	{ "{\"step\":1,\"val/loss\":2}\n", "val/loss", { 2, 2, 2, 2 }, 1 },
	{ "{\"step\":1,\"a/b\":{\"c\":2}}\n", "a/b/c", { 2, 2, 2, 2 }, 1 },
	{ "{\"step\":1,\"val\":7}\n", "val/loss", { N, N, N, N }, 0 },
	/* what is no number counts as a step, and is never the best */
	{ "{\"step\":1,\"loss\":NaN}\n{\"step\":3,\"loss\":null}\n", "loss",
	    { N, N, N, N }, 2 },
	{ "{\"step\":1,\"loss\":Infinity}\n{\"step\":3,\"loss\":8}\n", "loss",
	    { N, 8, 8, 8 }, 2 },
	{ "{\"step\":1,\"loss\":\"low\"}\n{\"step\":1,\"loss\":[1]}\n", "loss",
	    { N, N, N, N }, 0 },
	/* garbage, and a line that is not whole yet */
	{ "garbage\n{\"step\":1,\"loss\":2}\n{\"step\":9,\"loss\":1}", "loss",
	    { 2, 2, 2, 2 }, 1 },
};

static bool
same(double a, double b)
{
	return isnan(a) || isnan(b) ? isnan(a) && isnan(b)
				    : fabs(a - b) < 1e-12;
}

START_TEST(folds)
{
	struct sp_prune p = asha(1, 3);
	const char *text = curves[_i].text;
	size_t len = strlen(text), at, piece, took, k;
	struct sp_curve c;

	(void)strcpy(p.metric, curves[_i].metric);
	for (piece = 1; piece <= 80; piece += 79) {
		sp_curve_init(&c);
		for (at = 0, took = 0; at < len; at += took) {
			/* a longer piece, until there is a line in it */
			size_t n = piece;

			do
				took = sp_curve_add(&c, &p, text + at,
				    n < len - at ? n : len - at);
			while (took == 0 && n++ < len - at);
			if (took == 0)
				break;
		}
		ck_assert_int_eq(c.at, (int64_t)at);
		ck_assert_uint_eq(sp_prune_come(&p, &c), curves[_i].come);
		for (k = 0; k < 4; k++)
			ck_assert_msg(
			    same(sp_prune_best(&p, &c, k), curves[_i].best[k]),
			    "rung %zu: %g", k, sp_prune_best(&p, &c, k));
		sp_curve_clear(&c);
	}
}
END_TEST

START_TEST(more_is_better)
{
	struct sp_prune p = asha(1, 3);
	static const char text[] = "{\"step\":1,\"loss\":1}\n"
				   "{\"step\":2,\"loss\":3}\n"
				   "{\"step\":3,\"loss\":2}\n";
	struct sp_curve c;

	p.max = true;
	sp_curve_init(&c);
	ck_assert_uint_eq(
	    sp_curve_add(&c, &p, text, sizeof text - 1), sizeof text - 1);
	ck_assert(same(sp_prune_best(&p, &c, 0), 1));
	ck_assert(same(sp_prune_best(&p, &c, 1), 3));
	sp_curve_clear(&c);
}
END_TEST

/* ---- sweeps ---- */

static const struct {
	const char *text;
	bool ok;
} sweeps[] = {
	{ SWEEP, true },
	{ "", false },
	{ "20261122T190212345-9f3", false },
	{ SWEEP "0", false },
	{ "20261322T190212345-9f3c", false },
	{ "20261122T190212345-9F3C", false },
	{ "20261122T190212345-9f%c", false },
};

START_TEST(sweep_ids)
{
	struct sp_id id;
	unsigned n = 7;

	ck_assert(sp_sweep_ok(sweeps[_i].text) == sweeps[_i].ok);
	if (!sweeps[_i].ok)
		return;
	sp_sweep_id(sweeps[_i].text, 0xabc, &id);
	ck_assert_str_eq(id.text, SWEEP "0abc");
	ck_assert(sp_sweep_has(SWEEP, &id, &n));
	ck_assert_uint_eq(n, 0xabc);
	ck_assert(!sp_sweep_has("20261122T190212345-9f3d", &id, &n));
}
END_TEST

Suite *
prune_suite(void)
{
	Suite *s = suite_create("prune");
	TCase *t = tcase_create("prune");

	ADD_TABLE(t, counts_rungs, rungs);
	ADD_TABLE(t, judges, verdicts);
	ADD_TABLE(t, folds, curves);
	tcase_add_test(t, more_is_better);
	ADD_TABLE(t, sweep_ids, sweeps);
	suite_add_tcase(s, t);
	return s;
}
