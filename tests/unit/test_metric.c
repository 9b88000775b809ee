/*
 * test_metric.c - folding metrics: what lines come to, in whatever pieces they
 * come; what is no metric; progress, and when it will be over; the text and
 * back.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/metric.h"
#include "tests/unit/suites.h"

static void
fold(struct sp_metrics *m, const char *text, size_t len, size_t piece)
{
	size_t at = 0, have = 0, took;

	sp_metrics_init(m);
	while (at + have < len || have > 0) {
		if (at + have < len)
			have +=
			    len - at - have < piece ? len - at - have : piece;
		took = sp_metrics_add(m, text + at, have);
		ck_assert_uint_le(took, have);
		ck_assert_uint_le(have - took, SP_METRIC_LINE);
		at += took;
		have -= took;
		if (took == 0 && at + have == len)
			break;
	}
}

static void
print_key(const struct sp_metric *k, char *out, size_t size)
{
	size_t n;

	n = (size_t)snprintf(out, size, "%s:", k->key);
	if (k->n == 0 || k->last_odd)
		n += (size_t)snprintf(out + n, size - n, "-");
	else
		n += (size_t)snprintf(out + n, size - n, "%g", k->last);
	if (k->n > 0)
		n += (size_t)snprintf(out + n, size - n, "[%g@%g,%g@%g]",
		    k->min, k->min_at, k->max, k->max_at);
	(void)snprintf(out + n, size - n, "n%lld,%lld ", (long long)k->n,
	    (long long)k->odd);
}

static void
summary(const struct sp_metrics *m, char *out, size_t size)
{
	size_t i, n = 0;

	*out = '\0';
	for (i = 0; i < m->n; i++) {
		print_key(&m->key[i], out + n, size - n);
		n += strlen(out + n);
	}
	(void)snprintf(out + n, size - n, "l%lld g%lld m%lld",
	    (long long)m->lines, (long long)m->garbage, (long long)m->more);
}

static const struct {
	const char *text, *want;
} folds[] = {
	{ "", "l0 g0 m0" },
	{ "\n \t\r\n\n", "l0 g0 m0" },
	{ "{\"loss\":1}\n", "loss:1[1@nan,1@nan]n1,0 l1 g0 m0" },
	{ "{\"loss\":1}", "l0 g0 m0" }, /* no newline: not whole */
	{ "{\"loss\":3,\"step\":1}\r\n{\"step\":2,\"loss\":1}\n"
	  "{\"step\":3,\"loss\":2}\n",
	    "loss:2[1@2,3@1]n3,0 l3 g0 m0" },
	/* the first of equals */
	{ "{\"a\":1,\"step\":1}\n{\"a\":1,\"step\":2}\n",
	    "a:1[1@1,1@1]n2,0 l2 g0 m0" },
	{ "{\"epoch\":4,\"a\":1}\n", "a:1[1@4,1@4]n1,0 l1 g0 m0" },
	{ "{\"a\":NaN}\n{\"a\":Infinity}\n{\"a\":-Infinity}\n{\"a\":null}\n",
	    "a:-n0,4 l4 g0 m0" },
	{ "{\"a\":2}\n{\"a\":NaN}\n", "a:-[2@nan,2@nan]n1,1 l2 g0 m0" },
	{ "{\"a\":NaN}\n{\"a\":2}\n", "a:2[2@nan,2@nan]n1,1 l2 g0 m0" },
	{ "{\"a\":NaN,\"b\":1}\n", "a:-n0,1 b:1[1@nan,1@nan]n1,0 l1 g0 m0" },
	/* no numbers */
	{ "{\"a\":\"1\",\"b\":true,\"c\":[1],\"d\":{},\"e\":{\"f\":\"2\"}}\n",
	    "l1 g0 m0" },
	{ "{\"val\":{\"loss\":1,\"deep\":{\"er\":2}},\"x/y\":3}\n",
	    "val/loss:1[1@nan,1@nan]n1,0 x/y:3[3@nan,3@nan]n1,0 l1 g0 m0" },
	/* two ways to one name */
	{ "{\"v\":{\"l\":1},\"v/l\":2}\n", "v/l:2[1@nan,2@nan]n2,0 l1 g0 m0" },
	{ "{\"step\":1,\"time\":5,\"epoch\":2,\"progress\":0.5}\n",
	    "l1 g0 m0" },
	/* in an object they are like others */
	{ "{\"x\":{\"step\":1}}\n", "x/step:1[1@nan,1@nan]n1,0 l1 g0 m0" },
	{ "{\"step\":\"x\",\"a\":1}\n", "a:1[1@nan,1@nan]n1,0 l1 g0 m0" },
	/* garbage */
	{ "x\n[1]\n1\n{\"a\":1\n{\"a\":1}{\"a\":2}\n{\"a\":1,\"a\":2}\n"
	  "{\"a\":1e999}\n{\"\xff\":1}\n{\"a\":inf}\n",
	    "l0 g9 m0" },
	{ "{\"a\":1}\nTraceback\n{\"a\":2}\n",
	    "a:2[1@nan,2@nan]n2,0 l2 g1 m0" },
	/* huge */
	{ "{\"a\":1e308}\n{\"a\":-1e308}\n{\"a\":123456789012345678901}\n",
	    "a:1.23457e+20[-1e+308@nan,1e+308@nan]n3,0 l3 g0 m0" },
	/* 64 bytes of a key, and one more; bytes that are no letters */
	{ "{\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
	  "\":1,\"jjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjj"
	  "jjjjjj\":1,\"\xc3\xa4\\n\":1}\n",
	    "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk:1["
	    "1@nan,1@nan]n1,0 \xc3\xa4\n:1[1@nan,1@nan]n1,0 l1 g0 m1" },
};

START_TEST(folds_lines)
{
	const char *text = folds[_i].text;
	char got[2048];
	struct sp_metrics whole, m;
	size_t piece, len = strlen(text);

	fold(&whole, text, len, SIZE_MAX);
	summary(&whole, got, sizeof got);
	ck_assert_str_eq(got, folds[_i].want);
	for (piece = 1; piece < 40; piece++) {
		fold(&m, text, len, piece);
		ck_assert_mem_eq(&m, &whole, sizeof m);
	}
}
END_TEST

/* A line of SP_METRIC_LINE bytes is read, a longer one is passed over, whether
 * it comes at once or in pieces. */
START_TEST(passes_long_lines)
{
	static char text[4 * SP_METRIC_LINE];
	static const size_t pieces[] = { SIZE_MAX, 70000, 4096, 1000 };
	size_t n = 0, more, i;
	struct sp_metrics m;

	for (more = 0; more < 6000; more += 5001) {
		n += (size_t)sprintf(text + n, "{\"a\":1,\"s\":\"");
		(void)memset(text + n, 'x', SP_METRIC_LINE - 14 + more);
		n += SP_METRIC_LINE - 14 + more;
		n += (size_t)sprintf(text + n, "\"}\n");
	}
	n += (size_t)sprintf(text + n, "{\"a\":7}\n");
	for (i = 0; i < COUNT(pieces); i++) {
		fold(&m, text, n, pieces[i]);
		ck_assert_int_eq(m.lines, 2);
		ck_assert_int_eq(m.garbage, 1);
		ck_assert_double_eq(m.key[0].last, 7);
		ck_assert_int_eq(m.at, (int64_t)n);
		ck_assert(!m.skip);
	}
	/* in the middle of one, it is known already */
	fold(&m, text + SP_METRIC_LINE, SP_METRIC_LINE + 100, 1000);
	ck_assert(m.skip || m.garbage > 0);
}
END_TEST

/* A million keys cost what 64 do. */
START_TEST(bounds_keys)
{
	struct sp_buf text = SP_BUF_INIT(SP_METRIC_TEXT);
	struct sp_metrics m, back;
	char line[600], *at;
	int i, k;

	sp_metrics_init(&m);
	for (i = 0; i < 1000000;) {
		at = line + sprintf(line, "{\"k%d\":1", i++);
		for (k = 0; k < 24; k++)
			at += sprintf(at, ",\"k%d\":-1e-300", i++);
		(void)strcpy(at, "}\n");
		ck_assert_uint_eq(
		    sp_metrics_add(&m, line, strlen(line)), strlen(line));
	}
	ck_assert_uint_eq(m.n, SP_METRIC_KEYS);
	ck_assert_int_eq(m.more, 1000000 - SP_METRIC_KEYS);
	ck_assert_str_eq(m.key[63].key, "k63");
	/* Keys of the worst kind fit into the text as well. */
	for (i = 0; i < SP_METRIC_KEYS; i++) {
		(void)memset(m.key[i].key, 1, SP_METRIC_KEY);
		m.key[i].key[0] = (char)(1 + i);
		m.key[i].key[SP_METRIC_KEY] = '\0';
		m.key[i].min = m.key[i].max = m.key[i].last =
		    -1.2345678901234567e-300;
		m.key[i].min_at = m.key[i].max_at = -123456789012345.678;
		m.key[i].n = m.key[i].odd = INT64_MAX;
	}
	sp_metrics_print(&m, &text);
	ck_assert(!text.failed);
	ck_assert_int_eq(sp_metrics_parse(text.data, text.len, &back), SP_OK);
	ck_assert_mem_eq(&m, &back, sizeof m);
	sp_buf_clear(&text);
}
END_TEST

static const struct {
	const char *key;
	enum sp_best best;
} bests[] = {
	{ "loss", SP_BEST_MIN },
	{ "val/loss", SP_BEST_MIN },
	{ "val_loss", SP_BEST_MIN },
	{ "valLoss", SP_BEST_MIN },
	{ "Train Loss", SP_BEST_MIN },
	{ "LOSS", SP_BEST_MIN },
	{ "error", SP_BEST_MIN },
	{ "mean_squared_error", SP_BEST_MIN },
	{ "neg_mean_squared_error", SP_BEST_MAX },
	{ "mae", SP_BEST_MIN },
	{ "mse", SP_BEST_MIN },
	{ "val/rmse", SP_BEST_MIN },
	{ "perplexity", SP_BEST_MIN },
	{ "accuracy", SP_BEST_MAX },
	{ "top5_accuracy", SP_BEST_MAX },
	{ "f1", SP_BEST_MAX },
	{ "f1_score", SP_BEST_MAX },
	{ "roc_auc", SP_BEST_MAX },
	{ "r2", SP_BEST_MAX },
	{ "test/score", SP_BEST_MAX },
	{ "loss/accuracy", SP_BEST_MAX }, /* the last word */
	{ "accuracy_loss", SP_BEST_MIN },
	{ "lr", SP_BEST_NONE },
	{ "lossy", SP_BEST_NONE },
	{ "glossary", SP_BEST_NONE },
	{ "", SP_BEST_NONE },
	{ "/", SP_BEST_NONE },
	{ "__", SP_BEST_NONE },
	{ "\xc3\xa4loss", SP_BEST_MIN },
	{ "averyveryverylongwordthatendsinloss", SP_BEST_NONE },
};

START_TEST(knows_better)
{
	ck_assert_int_eq(sp_metric_best(bests[_i].key), bests[_i].best);
}
END_TEST

static const struct {
	const char *text;
	double epochs, steps, progress; /* < 0: unknown */
	double eta;                     /* seconds; 0: unknown */
} paces[] = {
	{ "{\"a\":1}\n", 10, 10, -1, 0 },
	{ "{\"step\":5}\n", 0, 0, -1, 0 },
	{ "{\"step\":5}\n", 0, 10, 0.5, 0 },
	{ "{\"step\":5}\n", 10, 0, 0.5, 0 },
	{ "{\"step\":5,\"epoch\":1}\n", 10, 0, 0.1, 0 },
	{ "{\"step\":5,\"epoch\":1}\n", 0, 10, 0.5, 0 },
	/* with both told, the step is none of the epochs' */
	{ "{\"step\":5}\n", 10, 20, 0.25, 0 },
	{ "{\"progress\":0.75,\"step\":1}\n", 10, 0, 0.75, 0 },
	{ "{\"progress\":7,\"step\":1}\n", 10, 0, 0.1, 0 },
	{ "{\"step\":50}\n", 10, 0, 1, 0 },
	{ "{\"step\":-5}\n", 10, 0, 0, 0 },
	{ "{\"step\":1}\n{\"step\":2}\n{\"a\":1}\n", 10, 0, 0.2, 0 },
	{ "{\"step\":NaN}\n", 10, 0, -1, 0 },
	/* 1 to 5 in 40 s: 5 more take 50 */
	{ "{\"step\":1,\"time\":1000}\n{\"step\":3,\"time\":1011}\n"
	  "{\"step\":5,\"time\":1040}\n",
	    10, 0, 0.5, 1090 },
	{ "{\"time\":1000}\n{\"step\":1,\"time\":1010}\n"
	  "{\"step\":5,\"time\":1050}\n{\"loss\":1,\"time\":1051}\n",
	    10, 0, 0.5, 1100 },
	{ "{\"step\":1,\"time\":1000}\n", 10, 0, 0.1, 0 },
	/* times or steps that go back or stand */
	{ "{\"step\":1,\"time\":1000}\n{\"step\":5,\"time\":900}\n", 10, 0, 0.5,
	    0 },
	{ "{\"step\":5,\"time\":1000}\n{\"step\":1,\"time\":1100}\n", 10, 0,
	    0.1, 0 },
	{ "{\"step\":5,\"time\":1000}\n{\"step\":5,\"time\":1100}\n", 10, 0,
	    0.5, 0 },
	/* absurd ones */
	{ "{\"step\":1,\"time\":-3}\n{\"step\":5,\"time\":1e300}\n", 10, 0, 0.5,
	    0 },
	{ "{\"step\":0,\"time\":1}\n{\"step\":1,\"time\":200000000000}\n", 1e15,
	    0, 1e-15, 0 },
	{ "{\"step\":1,\"time\":1000}\n{\"step\":10,\"time\":1090}\n", 10, 0, 1,
	    1090 },
};

START_TEST(tells_progress)
{
	struct sp_length length = { paces[_i].epochs, paces[_i].steps };
	double progress = -1;
	int64_t eta = 0;
	struct sp_metrics m;

	fold(&m, paces[_i].text, strlen(paces[_i].text), SIZE_MAX);
	ck_assert_int_eq(sp_metrics_progress(&m, &length, &progress),
	    paces[_i].progress >= 0);
	ck_assert_double_eq_tol(progress, paces[_i].progress, 1e-12);
	ck_assert_int_eq(sp_metrics_eta(&m, &length, &eta), paces[_i].eta > 0);
	ck_assert_double_eq_tol((double)eta, paces[_i].eta * 1000, 1);
}
END_TEST

/* A run that goes on in a new file has a pace of its own, and its values
 * beside the old ones. */
START_TEST(goes_on_in_files)
{
	static const char one[] = "{\"step\":1,\"time\":1000,\"loss\":5}\n"
				  "{\"step\":2,\"time\":1001,\"loss\":1}\n",
			  two[] = "{\"step\":2,\"time\":9000,\"loss\":4}\n"
				  "{\"step\":4,\"time\":9020,\"loss\":3}\n";
	struct sp_length length = { 10, 0 };
	struct sp_metrics m;
	struct sp_name name = { .attempt = 1, .ticket = 3 };
	int64_t eta;

	(void)strcpy(name.worker, "w-123456");
	fold(&m, one, strlen(one), SIZE_MAX);
	sp_metrics_file(&m, &name);
	ck_assert_int_eq(m.at, 0);
	ck_assert(!sp_metrics_eta(&m, &length, &eta));
	(void)sp_metrics_add(&m, two, strlen(two));
	ck_assert(sp_metrics_eta(&m, &length, &eta));
	ck_assert_int_eq(eta, 9080000);
	ck_assert_double_eq(m.key[0].last, 3);
	ck_assert_double_eq(m.key[0].min, 1);
	ck_assert_double_eq(m.key[0].min_at, 2);
}
END_TEST

START_TEST(text_and_back)
{
	struct sp_buf one = SP_BUF_INIT(SP_METRIC_TEXT),
		      two = SP_BUF_INIT(SP_METRIC_TEXT);
	struct sp_name name = { .attempt = 1, .ticket = 3 };
	struct sp_metrics m, back;
	const char *text = folds[_i].text;

	(void)strcpy(name.worker, "w-123456");
	sp_metrics_init(&m);
	sp_metrics_file(&m, &name);
	(void)sp_metrics_add(&m, text, strlen(text));
	sp_metrics_print(&m, &one);
	ck_assert_int_eq(sp_metrics_parse(one.data, one.len, &back), SP_OK);
	sp_metrics_print(&back, &two);
	ck_assert_str_eq(sp_buf_text(&one), sp_buf_text(&two));
	/* and it goes on as if it had never been text */
	(void)sp_metrics_add(&m, "{\"a\":-0.0,\"step\":9}\n", 20);
	(void)sp_metrics_add(&back, "{\"a\":-0.0,\"step\":9}\n", 20);
	sp_buf_reset(&one);
	sp_buf_reset(&two);
	sp_metrics_print(&m, &one);
	sp_metrics_print(&back, &two);
	ck_assert_str_eq(sp_buf_text(&one), sp_buf_text(&two));
	sp_buf_clear(&one);
	sp_buf_clear(&two);
}
END_TEST

#define TOO_LONG                                                               \
	"01234567890123456789012345678901234567890123456789012345678901234"
static const char *const foreign[] = {
	"",
	"{}",
	"[]",
	"{\"worker\":3}",
	"{\"worker\":\"../x\",\"keys\":{}}",
	"{\"worker\":\"\",\"keys\":{\"a\":{\"n\":1}}}",
	"{\"worker\":\"\",\"keys\":{\"a\":{\"n\":0,\"last\":1}}}",
	"{\"worker\":\"\",\"keys\":{\"" TOO_LONG "\":{\"n\":0}}}",
};

START_TEST(refuses_other_texts)
{
	struct sp_metrics m;

	ck_assert_int_eq(
	    sp_metrics_parse(foreign[_i], strlen(foreign[_i]), &m), SP_BAD);
}
END_TEST

Suite *
metric_suite(void)
{
	Suite *suite = suite_create("metric");
	TCase *tc = tcase_create("metric");

	tcase_set_timeout(tc, 60);
	ADD_TABLE(tc, folds_lines, folds);
	tcase_add_test(tc, passes_long_lines);
	tcase_add_test(tc, bounds_keys);
	ADD_TABLE(tc, knows_better, bests);
	ADD_TABLE(tc, tells_progress, paces);
	tcase_add_test(tc, goes_on_in_files);
	ADD_TABLE(tc, text_and_back, folds);
	ADD_TABLE(tc, refuses_other_texts, foreign);
	suite_add_tcase(suite, tc);
	return suite;
}
