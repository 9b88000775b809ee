/*
 * test_sweep.c - sweep files: YAML as JSON, what is wrong in one and in which
 * line, how many runs there are, and what each of them gets.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suites.h"
#include "tools/sweepplan.h"

/* ---- YAML ---- */

static const struct {
	const char *yaml, *json; /* NULL: `bad` is in the words */
	const char *bad;
} yamls[] = {
	{ "a: 1", "{\"a\":1}", NULL },
	{ "a: [1, 0.5, 1e-3, .5, +1, -2.5E+1, 1.]",
	    "{\"a\":[1,0.5,0.001,0.5,1,-25.0,1.0]}", NULL },
	{ "a: [yes, ~, null, true, False, '1', \"true\", 0x1, 007, 1_0, .inf]",
	    "{\"a\":[\"yes\",null,null,true,false,\"1\",\"true\",\"0x1\","
	    "\"007\",\"1_0\",\".inf\"]}",
	    NULL },
	{ "a:\n  b:\n  - c: x y\n  - d:\n",
	    "{\"a\":{\"b\":[{\"c\":\"x y\"},"
	    "{\"d\":null}]}}",
	    NULL },
	{ "{\"a\": {\"b\": [1, \"\\u00e4\\n\"]}}",
	    "{\"a\":{\"b\":[1,\"\xc3\xa4\\n\"]}}", NULL },
	{ "# only this\na: |\n  two\n  lines\n", "{\"a\":\"two\\nlines\\n\"}",
	    NULL },
	{ "a: !!str 1", "{\"a\":\"1\"}", NULL },
	{ "a: 123456789012345678901234567890",
	    "{\"a\":123456789012345678901234567890}", NULL },
	{ "", NULL, "it is empty" },
	{ "- a", NULL, "line 1, column 1: names with values" },
	{ "a: 1\nb: 2\na: 3", NULL, "line 3, column 1: this name is there" },
	{ "a: &x 1\nb: *x", NULL, "line 2, column 4: an alias" },
	{ "a: {x: 1}\nb:\n  <<: {y: 2}", NULL, "a merge key" },
	{ "a: !!python/none 1", NULL, "a tag; leave it out" },
	{ "a: 1\n---\nb: 2", NULL, "a second document" },
	{ "a: [1, 2", NULL, "line 2" },
	{ "a: \"x\ty\"\n\tb: 2", NULL, "line 2" },
	{ "? [a]\n: 1", NULL, "a name was expected" },
	{ "a: \"x\\0y\"", NULL, "a NUL in a text" },
};

START_TEST(reads_yaml)
{
	struct sp_buf json = SP_BUF_INIT(4096);
	struct yaml_places places;
	struct sp_err err = { "" };
	enum sp_status st;

	st = yaml_read(
	    yamls[_i].yaml, strlen(yamls[_i].yaml), &json, &places, &err);
	if (yamls[_i].json != NULL) {
		ck_assert_msg(st == SP_OK, "%s", err.text);
		ck_assert_str_eq(sp_buf_text(&json), yamls[_i].json);
	} else {
		ck_assert_int_eq(st, SP_BAD);
		ck_assert_msg(
		    strstr(err.text, yamls[_i].bad) != NULL, "%s", err.text);
	}
	yaml_clear(&places);
	sp_buf_clear(&json);
}
END_TEST

START_TEST(yaml_is_bounded)
{
	static char text[3 * YAML_NODES + 100];
	struct sp_buf json = SP_BUF_INIT(1 << 20);
	struct yaml_places places;
	size_t i;

	(void)memset(text, '[', 100);
	(void)memcpy(text, "a: ", 3);
	ck_assert_int_eq(yaml_read(text, 100, &json, &places, NULL), SP_BAD);
	yaml_clear(&places);
	for (i = 4; i + 1 < sizeof text; i += 2)
		(void)memcpy(text + i, "1,", 2);
	ck_assert_int_eq(
	    yaml_read(text, sizeof text - 1, &json, &places, NULL), SP_BAD);
	yaml_clear(&places);
	sp_buf_clear(&json);
}
END_TEST

/* ---- plans ---- */

static enum sp_status
plan_of(const char *text, struct sweep_plan *plan, struct sp_err *err)
{
	struct sp_buf b = SP_BUF_INIT(65536);
	struct yaml_places places;
	struct json_t *json = NULL;
	enum sp_status st;

	(void)memset(plan, 0, sizeof *plan);
	st = yaml_read(text, strlen(text), &b, &places, err);
	if (st == SP_OK)
		st = sp_json_parse(b.data, b.len, &json, err);
	if (st == SP_OK)
		st = sweep_read(json, &places, plan, err);
	sp_json_free(json);
	yaml_clear(&places);
	sp_buf_clear(&b);
	return st;
}

#define GRID   "method: grid\nparameters:\n"
#define RANDOM "method: random\nrun_cap: 5\nparameters:\n"

static const struct {
	const char *text, *words;
} wrong[] = {
	{ "parameters: {a: {value: 1}}", "method: missing; say \"grid\"" },
	{ "method: bayes", "line 1: method: a queue does not choose" },
	{ "method: bayes", "'spool ask'" },
	{ "method: Grid", "line 1: method: found \"Grid\", expected \"grid\"" },
	{ "method: grid", "parameters: missing" },
	{ "method: grid\nparamaters: {}",
	    "line 2: paramaters: is not known; is \"parameters\" meant?" },
	{ "method: grid\nxyzzy: 1", "there are method, metric" },
	{ GRID " a: 1", "line 3: parameters.a: write what it may be: {value" },
	{ GRID " a: {}", "line 3: parameters.a: min is missing" },
	{ GRID " a:\n  values: []", "line 4: parameters.a.values: found a li" },
	{ GRID " a:\n  values: 3",
	    "line 4: parameters.a.values: found 3, exp" },
	{ GRID " a:\n  valeus: [3]",
	    "line 4: parameters.a.valeus: is not known; is \"values\" meant?" },
	{ GRID " a: {min: 0.1, max: 1}",
	    "line 3: parameters.a: uniform has no end of values" },
	{ GRID " a: {values: [1, 2], probabilities: [0.5, 0.5]}",
	    "probabilities mean nothing in a grid" },
	{ RANDOM " a: {values: [1, 2], probabilities: [0.5]}",
	    "parameters.a.probabilities: found a list, expected one for each" },
	{ RANDOM " a: {values: [1, 2], probabilities: [0.5, 0.6]}",
	    "have the sum 1.1, expected 1" },
	{ RANDOM " a: {values: [1], probabilities: [2]}", "from 0 to 1" },
	{ RANDOM " a: {min: x, max: 1}", "parameters.a.min: found \"x\"" },
	{ RANDOM " a: {min: 1}", "parameters.a: max is missing" },
	{ RANDOM " a: {min: 2, max: 1}",
	    "max: found 1, expected a number tha" },
	{ RANDOM " a: {min: 1, max: 2.5, distribution: int_uniform}",
	    "parameters.a.max: found 2.5, expected a whole number" },
	{ RANDOM " a: {min: 0, max: 1, distribution: log_uniform_values}",
	    "parameters.a.min: found 0, expected a number above 0" },
	{ RANDOM " a: {min: 0.0001, max: 1000, distribution: log_uniform}",
	    "exponents of e, as -9.2 for 0.0001; for the values themselves say "
	    "\"distribution: log_uniform_values\"" },
	{ RANDOM " a: {min: 0, max: 1, distribution: unifrom}",
	    "found \"unifrom\", expected uniform" },
	{ RANDOM " a: {min: 0, max: 1, distribution: beta}", "'spool ask'" },
	{ RANDOM " a: {min: 0, max: 1, distribution: uniform, q: 1}",
	    "q is for q_uniform" },
	{ RANDOM " a: {min: 0, max: 1, distribution: q_uniform, q: 0}",
	    "a.q: found 0, expected a number above 0" },
	{ RANDOM " a: {mu: 0, sigma: 0, distribution: normal}",
	    "a.sigma: fou" },
	{ RANDOM " a: {distribution: constant}", "value is missing" },
	{ RANDOM " a=b: {value: 1}", "has no =" },
	{ RANDOM " a: {parameters: {b: {min: 1}}}",
	    "parameters.a.parameters.b: max is missing" },
	{ RANDOM " a: {value: 1}\nmetric: loss",
	    "line 5: metric: found \"loss\", expected name and goal" },
	{ RANDOM " a: {value: 1}\nmetric: {goal: minimize}",
	    "metric.name: found nothing" },
	{ RANDOM " a: {value: 1}\nmetric: {name: x, goal: min}",
	    "metric.goal: found \"min\", expected \"minimize\" or" },
	{ RANDOM " a: {value: 1}\nearly_terminate: {type: envelope}",
	    "early_terminate.type: found \"envelope\", expected \"hyperband\"" },
	{ RANDOM " a: {value: 1}\nearly_terminate: {type: hyperband}",
	    "compares metric.name, which is missing" },
	{ RANDOM " a: {value: 1}\nmetric: {name: loss}\n"
		 "early_terminate: {type: hyperband}",
	    "min_iter is missing" },
	{ RANDOM " a: {value: 1}\nmetric: {name: loss}\n"
		 "early_terminate: {type: hyperband, min_itr: 3}",
	    "is \"min_iter\" meant?" },
	{ RANDOM " a: {value: 1}\nmetric: {name: loss}\n"
		 "early_terminate: {type: hyperband, min_iter: 3}\n"
		 "order: {prune: {method: median, metric: loss}}",
	    "early_terminate: and order.prune say the same" },
	{ RANDOM " a: {value: 1}\norder: {sweep: x}", "leave it out" },
	{ RANDOM " a: {value: 1}\norder: 3", "order: found 3, expected what" },
	{ "method: random\nrun_cap: 0", "run_cap: found 0, expected a whole" },
	{ "method: random\nprogram: 'a b'", "program: found \"a b\"" },
};

START_TEST(says_what_is_wrong)
{
	struct sweep_plan plan;
	struct sp_err err = { "" };

	ck_assert_int_eq(plan_of(wrong[_i].text, &plan, &err), SP_BAD);
	ck_assert_msg(
	    strstr(err.text, wrong[_i].words) != NULL, "%s", err.text);
	sweep_clear(&plan);
}
END_TEST

/* ---- grids ---- */

static void
drawn(const struct sweep_plan *plan, uint64_t seed, int64_t i, char *out,
    size_t size)
{
	struct sp_names set = { 0 };
	size_t k, n = 0;

	ck_assert_int_eq(sweep_draw(plan, seed, i, &set), SP_OK);
	*out = '\0';
	for (k = 0; k < set.n; k++)
		n += (size_t)snprintf(out + n, size - n, "%s%s",
		    k > 0 ? " " : "", sp_names_at(&set, k));
	sp_names_clear(&set);
}

static const struct {
	const char *text;
	int64_t count;
	int64_t i;
	const char *run;
} grids[] = {
	{ " a: {values: [1, x, null]}\n b: {value: true}", 3, 1,
	    "a=\"x\" b=true" },
	{ " a: {values: [1, 2]}\n b: {values: [3, 4, 5]}", 6, 0, "a=1 b=3" },
	{ " a: {values: [1, 2]}\n b: {values: [3, 4, 5]}", 6, 2, "a=1 b=5" },
	{ " a: {values: [1, 2]}\n b: {values: [3, 4, 5]}", 6, 3, "a=2 b=3" },
	{ " a: {min: -1, max: 2}", 4, 3, "a=2" },
	{ " a: {min: 0, max: 1, distribution: q_uniform, q: 0.25}", 5, 3,
	    "a=0.75" },
	{ " a: {min: 0, max: 10, distribution: q_uniform, q: 5}", 3, 2,
	    "a=10" },
	{ " o: {parameters: {lr: {values: [1, 2]}, m: {value: 3}}}", 2, 1,
	    "o.lr=2 o.m=3" },
	{ " a: {values: [[1, 2], {b: c}]}", 2, 1, "a={\"b\":\"c\"}" },
	{ " a: {value: null}", 1, 0, "a=null" },
	{ " a: {min: 0, max: 1000000000000000}\n b: {min: 0, max: "
	  "1000000000000}",
	    INT64_MAX, -1, "" },
};

START_TEST(walks_grids)
{
	struct sweep_plan plan;
	struct sp_err err = { "" };
	char text[300], run[300];

	(void)snprintf(text, sizeof text, GRID "%s", grids[_i].text);
	ck_assert_msg(plan_of(text, &plan, &err) == SP_OK, "%s", err.text);
	ck_assert_int_eq(sweep_count(&plan), grids[_i].count);
	if (grids[_i].i >= 0) {
		drawn(&plan, 0, grids[_i].i, run, sizeof run);
		ck_assert_str_eq(run, grids[_i].run);
	}
	sweep_clear(&plan);
}
END_TEST

/* ---- random ---- */

#define DRAWS 4000

/* Where it lies, what is its middle (of the logarithm, if `log`), and on what
 * multiples. */
static const struct {
	const char *param;
	double least, most, middle, off;
	bool log;
	double q;
	bool whole;
} randoms[] = {
	{ "{min: 0.0, max: 2.0}", 0, 2, 1, 0.05, false, 0, false },
	{ "{min: 1, max: 3}", 1, 3, 2, 0.05, false, 0, true },
	{ "{min: 0, max: 1, distribution: q_uniform, q: 0.25}", 0, 1, 0.5, 0.03,
	    false, 0.25, false },
	{ "{min: 0.0, max: 100, distribution: q_uniform, q: 10}", 0, 100, 50, 3,
	    false, 10, true },
	{ "{min: 0.0001, max: 0.1, distribution: log_uniform_values}", 0.0001,
	    0.1, -5.756, 0.1, true, 0, false },
	{ "{min: -9.21, max: -2.303, distribution: log_uniform}", 0.0001, 0.1,
	    -5.756, 0.1, true, 0, false },
	{ "{min: 0.0001, max: 0.1, distribution: inv_log_uniform_values}",
	    0.0001, 0.1, -5.756, 0.1, true, 0, false },
	{ "{min: 2.303, max: 9.21, distribution: inv_log_uniform}", 0.0001, 0.1,
	    -5.756, 0.1, true, 0, false },
	{ "{min: 16, max: 512, distribution: q_log_uniform_values, q: 8}", 16,
	    512, 4.505, 0.1, true, 8, true },
	{ "{min: 3, max: 6, distribution: q_log_uniform}", 20, 404, 4.5, 0.1,
	    true, 1, true },
	{ "{mu: 5, sigma: 2}", -6, 16, 5, 0.15, false, 0, false },
	{ "{mu: 5, sigma: 2, distribution: q_normal, q: 2}", -6, 16, 5, 0.15,
	    false, 2, true },
	{ "{mu: 1, sigma: 0.5, distribution: log_normal}", 0.1, 40, 1, 0.05,
	    true, 0, false },
	{ "{values: [0, 10]}", 0, 10, 5, 0.5, false, 10, true },
	{ "{values: [0, 10], probabilities: [0.9, 0.1]}", 0, 10, 1, 0.3, false,
	    10, true },
	{ "{values: [0, 10], probabilities: [0, 1]}", 10, 10, 10, 0, false, 10,
	    true },
};

START_TEST(draws)
{
	double least = INFINITY, most = -INFINITY, sum = 0, x, near;
	char text[300], run[100];
	struct sweep_plan plan;
	struct sp_err err = { "" };
	int i;

	(void)snprintf(text, sizeof text, RANDOM " a: %s", randoms[_i].param);
	ck_assert_msg(plan_of(text, &plan, &err) == SP_OK, "%s", err.text);
	ck_assert_int_eq(sweep_count(&plan), -1);
	for (i = 0; i < DRAWS; i++) {
		drawn(&plan, 7, i, run, sizeof run);
		x = strtod(run + 2, NULL);
		if (randoms[_i].q > 0) {
			near = nearbyint(x / randoms[_i].q) * randoms[_i].q;
			ck_assert_msg(fabs(x - near) < 1e-9, "%s", run);
		}
		ck_assert_msg(
		    (strpbrk(run + 2, ".e") == NULL) == randoms[_i].whole, "%s",
		    run);
		least = x < least ? x : least;
		most = x > most ? x : most;
		sum += randoms[_i].log ? log(x) : x;
	}
	ck_assert_msg(least >= randoms[_i].least, "%g", least);
	ck_assert_msg(most <= randoms[_i].most, "%g", most);
	ck_assert_msg(fabs(sum / DRAWS - randoms[_i].middle) <= randoms[_i].off,
	    "%g", sum / DRAWS);
	sweep_clear(&plan);
}
END_TEST

/* The same seed, the same runs, however many; another seed, others. */
START_TEST(seeds)
{
	struct sweep_plan plan;
	char a[300], b[300];
	int64_t i;

	ck_assert_int_eq(
	    plan_of(RANDOM " a: {min: 0.0, max: 1}\n b: {min: 0.0, max: 1}",
		&plan, NULL),
	    SP_OK);
	drawn(&plan, 42, 0, a, sizeof a);
	ck_assert_str_eq(a, "a=0.3031501246 b=0.4717230678");
	for (i = 0; i < 50; i++) {
		drawn(&plan, 42, i, a, sizeof a);
		drawn(&plan, 42, i, b, sizeof b);
		ck_assert_str_eq(a, b);
		drawn(&plan, 43, i, b, sizeof b);
		ck_assert_str_ne(a, b);
		drawn(&plan, 42, i + 1, b, sizeof b);
		ck_assert_str_ne(a, b);
	}
	sweep_clear(&plan);
}
END_TEST

/* ---- what else a file says ---- */

START_TEST(takes_the_rest)
{
	static const char text[] =
	    "name: my wine.v2\nprogram: src/train.py\nproject: wine\n"
	    "method: random\nrun_cap: 9\ncommand: [x]\ndescription: y\n"
	    "metric: {name: val/acc, goal: maximize, target: 1}\n"
	    "early_terminate: {type: hyperband, max_iter: 27, s: 2, eta: 3}\n"
	    "parameters: {lr: {value: 1}}\n"
	    "order: {timeout: 2h, tags: [a]}\n";
	struct sweep_plan plan;
	struct sp_err err = { "" };

	ck_assert_msg(plan_of(text, &plan, &err) == SP_OK, "%s", err.text);
	ck_assert_str_eq(plan.name, "my_wine_v2");
	ck_assert_str_eq(plan.program, "train.py");
	ck_assert_str_eq(plan.project, "wine");
	ck_assert_int_eq(plan.cap, 9);
	ck_assert_uint_eq(plan.notes.n, 3);
	ck_assert_uint_eq(plan.order.n, 3);
	ck_assert_str_eq(sp_names_at(&plan.order, 0), "order.timeout=\"2h\"");
	ck_assert_str_eq(sp_names_at(&plan.order, 1), "order.tags=[\"a\"]");
	ck_assert_str_eq(sp_names_at(&plan.order, 2),
	    "order.prune={\"method\":\"asha\",\"metric\":\"val/acc\","
	    "\"mode\":\"max\",\"steps\":3,\"reduction\":3}");
	sweep_clear(&plan);
}
END_TEST

Suite *
sweep_suite(void)
{
	Suite *s = suite_create("sweep");
	TCase *t = tcase_create("sweep");

	ADD_TABLE(t, reads_yaml, yamls);
	tcase_add_test(t, yaml_is_bounded);
	ADD_TABLE(t, says_what_is_wrong, wrong);
	ADD_TABLE(t, walks_grids, grids);
	ADD_TABLE(t, draws, randoms);
	tcase_add_test(t, seeds);
	tcase_add_test(t, takes_the_rest);
	suite_add_tcase(s, t);
	return s;
}
