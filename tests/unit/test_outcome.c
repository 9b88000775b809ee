/*
 * test_outcome.c - outcomes: the verdict for every way an attempt can end, the
 * text that tells it, and that the text can be read back whatever the script
 * said.  Ends without a run, and finding outcomes, are in test_ends.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/outcome.h"
#include "tests/unit/suites.h"

#define ID "20261122T190212345-9f3c21ab"

static struct sp_run
run_of(enum sp_cause cause)
{
	struct sp_run run = { .exit_code = 0, .cause = cause };

	ck_assert_int_eq(
	    sp_name_parse("50." ID ".t3a1@gpu07-3fa9c2.wine.json", &run.name),
	    SP_OK);
	if (cause == SP_CAUSE_EXIT)
		run.exit_code = 3;
	if (cause == SP_CAUSE_SIGNAL) {
		run.exit_code = -1;
		run.signal = 9;
	}
	return run;
}

static const struct {
	enum sp_cause cause;
	bool required;
	const char *script;
	/* wanted: the number, the cause, the error as JSON (NULL: none), and
	 * run.scriptStatus as JSON (NULL: none) */
	int status;
	enum sp_cause final;
	const char *error, *said;
} verdicts[] = {
	{ SP_CAUSE_OK, false, NULL, 204, SP_CAUSE_OK, NULL, NULL },
	{ SP_CAUSE_OK, true, NULL, 502, SP_CAUSE_NO_OUTCOME,
	    "\"an outcome is required (order.outcome) and the script gave "
	    "none\"",
	    NULL },
	{ SP_CAUSE_OK, true, "{}", 200, SP_CAUSE_OK, NULL, NULL },
	{ SP_CAUSE_OK, false, "{\"loss\":1}", 200, SP_CAUSE_OK, NULL, NULL },
	{ SP_CAUSE_OK, false, "{\"status\":200}", 200, SP_CAUSE_OK, NULL,
	    NULL },
	{ SP_CAUSE_OK, false, "{\"status\":\"200\"}", 200, SP_CAUSE_OK, NULL,
	    NULL },
	{ SP_CAUSE_OK, false, "{\"status\":200.0}", 200, SP_CAUSE_OK, NULL,
	    NULL },
	{ SP_CAUSE_OK, false, "{\"status\":201}", 200, SP_CAUSE_OK, NULL,
	    "201" },
	{ SP_CAUSE_OK, false, "{\"status\":299}", 200, SP_CAUSE_OK, NULL,
	    "299" },
	{ SP_CAUSE_OK, false, "{\"status\":\"completed\"}", 200, SP_CAUSE_OK,
	    NULL, "\"completed\"" },
	{ SP_CAUSE_OK, false, "{\"status\":\"OK\"}", 200, SP_CAUSE_OK, NULL,
	    "\"OK\"" },
	{ SP_CAUSE_OK, false, "{\"status\":\"Success\"}", 200, SP_CAUSE_OK,
	    NULL, "\"Success\"" },
	{ SP_CAUSE_OK, false, "{\"status\":\"succeeded\"}", 200, SP_CAUSE_OK,
	    NULL, "\"succeeded\"" },
	{ SP_CAUSE_OK, false, "{\"status\":\"DONE\"}", 200, SP_CAUSE_OK, NULL,
	    "\"DONE\"" },
	{ SP_CAUSE_OK, false, "{\"status\":null}", 200, SP_CAUSE_OK, NULL,
	    NULL },
	{ SP_CAUSE_OK, false, "{\"status\":300}", 500, SP_CAUSE_EXIT,
	    "\"the script says status 300\"", "300" },
	{ SP_CAUSE_OK, false, "{\"status\":199}", 500, SP_CAUSE_EXIT,
	    "\"the script says status 199\"", "199" },
	{ SP_CAUSE_OK, false, "{\"status\":500}", 500, SP_CAUSE_EXIT,
	    "\"the script says status 500\"", NULL },
	{ SP_CAUSE_OK, false, "{\"status\":-200}", 500, SP_CAUSE_EXIT,
	    "\"the script says status -200\"", "-200" },
	{ SP_CAUSE_OK, false, "{\"status\":200.5}", 500, SP_CAUSE_EXIT,
	    "\"the script says status 200.5\"", "200.5" },
	{ SP_CAUSE_OK, false, "{\"status\":\"failed\"}", 500, SP_CAUSE_EXIT,
	    "\"the script says status \\\"failed\\\"\"", "\"failed\"" },
	{ SP_CAUSE_OK, false, "{\"status\":\"\"}", 500, SP_CAUSE_EXIT,
	    "\"the script says status \\\"\\\"\"", "\"\"" },
	{ SP_CAUSE_OK, false, "{\"status\":\"0200\"}", 200, SP_CAUSE_OK, NULL,
	    NULL },
	{ SP_CAUSE_OK, false, "{\"status\":\"2000000000200\"}", 500,
	    SP_CAUSE_EXIT, "\"the script says status \\\"2000000000200\\\"\"",
	    "\"2000000000200\"" },
	{ SP_CAUSE_OK, false, "{\"status\":[]}", 500, SP_CAUSE_EXIT,
	    "\"the script says status []\"", NULL },
	{ SP_CAUSE_OK, false, "{\"status\":true}", 500, SP_CAUSE_EXIT,
	    "\"the script says status true\"", "true" },
	{ SP_CAUSE_OK, false, "{\"status\":400,\"error\":\"no column x\"}", 500,
	    SP_CAUSE_EXIT, "\"no column x\"", "400" },
	{ SP_CAUSE_OK, false, "{\"status\":200,\"error\":\"no\"}", 500,
	    SP_CAUSE_EXIT, "\"no\"", "200" },
	{ SP_CAUSE_OK, false, "{\"error\":{\"code\":[1,2]}}", 500,
	    SP_CAUSE_EXIT, "{\"code\":[1,2]}", NULL },
	{ SP_CAUSE_OK, false, "{\"error\":null}", 200, SP_CAUSE_OK, NULL,
	    NULL },
	{ SP_CAUSE_OK, false, "{\"error\":\"\"}", 200, SP_CAUSE_OK, NULL,
	    NULL },
	{ SP_CAUSE_OK, false, "{\"error\":false}", 200, SP_CAUSE_OK, NULL,
	    NULL },
	{ SP_CAUSE_OK, false, "{\"error\":true}", 500, SP_CAUSE_EXIT, "true",
	    NULL },
	{ SP_CAUSE_OK, false, "{\"error\":0}", 500, SP_CAUSE_EXIT, "0", NULL },
	{ SP_CAUSE_OK, false, "[1]", 500, SP_CAUSE_INVALID, "*cannot be read",
	    NULL },
	{ SP_CAUSE_OK, false, "", 500, SP_CAUSE_INVALID, "*file is empty",
	    NULL },
	{ SP_CAUSE_OK, true, "{\"a\":", 500, SP_CAUSE_INVALID,
	    "*it ends in the middle", NULL },
	/* a process that failed is not made good by what it printed */
	{ SP_CAUSE_EXIT, false, NULL, 500, SP_CAUSE_EXIT, "\"exit code 3\"",
	    NULL },
	{ SP_CAUSE_EXIT, true, NULL, 500, SP_CAUSE_EXIT, "\"exit code 3\"",
	    NULL },
	{ SP_CAUSE_EXIT, false, "{\"status\":200,\"loss\":1}", 500,
	    SP_CAUSE_EXIT, "\"exit code 3\"", "200" },
	{ SP_CAUSE_EXIT, false, "{\"error\":\"no file\"}", 500, SP_CAUSE_EXIT,
	    "\"no file\"", NULL },
	{ SP_CAUSE_EXIT, false, "garbage", 500, SP_CAUSE_EXIT,
	    "\"exit code 3\"", NULL },
	{ SP_CAUSE_SIGNAL, false, "{\"status\":\"ok\"}", 500, SP_CAUSE_SIGNAL,
	    "\"killed by signal 9 (KILL)\"", "\"ok\"" },
	{ SP_CAUSE_TIMEOUT, false, "{\"loss\":1}", 408, SP_CAUSE_TIMEOUT,
	    "\"timed out\"", NULL },
	{ SP_CAUSE_NO_OUTCOME, true, NULL, 502, SP_CAUSE_NO_OUTCOME,
	    "*an outcome is required", NULL },
	{ SP_CAUSE_INVALID, false, NULL, 500, SP_CAUSE_INVALID,
	    "\"the job cannot be run\"", NULL },
	{ SP_CAUSE_OOM, false, NULL, 500, SP_CAUSE_OOM, "\"out of memory\"",
	    NULL },
	{ SP_CAUSE_CANCELLED, false, NULL, 499, SP_CAUSE_CANCELLED,
	    "\"cancelled\"", NULL },
	{ SP_CAUSE_PREEMPTED, false, NULL, 503, SP_CAUSE_PREEMPTED,
	    "\"preempted\"", NULL },
	{ SP_CAUSE_LOST, false, NULL, 503, SP_CAUSE_LOST,
	    "\"the worker was lost\"", NULL },
	{ SP_CAUSE_DEPENDENCY, false, NULL, 424, SP_CAUSE_DEPENDENCY,
	    "*dependency", NULL },
	{ SP_CAUSE_PRUNED, true, NULL, 206, SP_CAUSE_PRUNED, NULL, NULL },
	{ SP_CAUSE_PRUNED, false, "{\"loss\":1}", 206, SP_CAUSE_PRUNED, NULL,
	    NULL },
};

/* A member as JSON, "" when it is not there; want "*x": x is in it. */
static void
member_is(const struct json_t *object, const char *key, const char *want)
{
	struct sp_buf b = SP_BUF_INIT(1 << 20);
	const struct json_t *value = sp_json_get(object, key);

	if (value != NULL)
		sp_json_put(&b, value);
	if (want != NULL && *want == '*')
		ck_assert_msg(strstr(sp_buf_text(&b), want + 1) != NULL,
		    "%s: %s, wanted %s", key, sp_buf_text(&b), want);
	else
		ck_assert_str_eq(sp_buf_text(&b), want == NULL ? "" : want);
	sp_buf_clear(&b);
}

START_TEST(judges)
{
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_run run = run_of(verdicts[_i].cause);
	const char *script = verdicts[_i].script;
	struct json_t *json;
	int status = 0, again = 0;

	ck_assert_int_eq(
	    sp_outcome_make(&run, verdicts[_i].required, script,
		script == NULL ? 0 : strlen(script), NULL, &b, &status),
	    SP_OK);
	ck_assert_int_eq(status, verdicts[_i].status);
	ck_assert_int_eq((int)run.cause, (int)verdicts[_i].final);
	ck_assert_int_eq(sp_outcome_status(b.data, b.len, &again), SP_OK);
	ck_assert_int_eq(again, status);

	ck_assert_int_eq(sp_json_parse(b.data, b.len, &json, NULL), SP_OK);
	member_is(json, "error", verdicts[_i].error);
	member_is(sp_json_get(json, "run"), "scriptStatus", verdicts[_i].said);
	ck_assert_str_eq(
	    sp_json_text(sp_json_get(sp_json_get(json, "run"), "cause")),
	    sp_cause_text(run.cause));
	sp_json_free(json);
	sp_buf_clear(&b);
}
END_TEST

START_TEST(layout)
{
	static const char script[] =
	    "{\"zeta\":1,\"_id\":\"x\",\"loss\":0.25,\"run\":{\"a\":1},"
	    "\"jobId\":7,\"curve\":[1,NaN,3e0],\"orderId\":null,\"alpha\":"
	    "\"\\u00e4\",\"status\":\"completed\",\"error\":null}";
	const struct sp_run_gpu gpus[] = { { 0, "GPU-1", "A100" },
		{ 1, "", NULL } };
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_run run = run_of(SP_CAUSE_OK);
	int status;

	(void)strcpy(run.host, "gpu07");
	run.started = 1795374132345;
	run.finished = 1795374145678;
	run.seconds = 13.3330004;
	run.max_rss_kib = 4096;
	run.cpu_seconds = 25.5;
	run.gpus = gpus;
	run.gpus_n = 2;
	run.script_sha256 = "abc";
	run.data_sha256 = "def";
	run.code_sha256 = "123";
	run.python = "/venv/bin/python";
	run.python_version = "3.11.7";
	run.environment = "456";
	ck_assert_int_eq(sp_outcome_make(&run, false, script, strlen(script),
			     NULL, &b, &status),
	    SP_OK);
	ck_assert_str_eq(sp_buf_text(&b),
	    "{\"_id\":\"" ID "\",\"jobId\":\"" ID "\",\"orderId\":\"" ID
	    "\",\"status\":200,\"zeta\":1,\"loss\":0.25,\"curve\":[1,null,3.0],"
	    "\"alpha\":\"\xc3\xa4\",\"run\":{\"attempt\":2,\"ticket\":3,"
	    "\"worker\":\"gpu07-3fa9c2\",\"host\":\"gpu07\",\"started\":"
	    "\"2026-11-22T19:02:12.345Z\",\"finished\":\"2026-11-22T19:02:25."
	    "678Z\",\"seconds\":13.333,\"exitCode\":0,\"cause\":\"ok\","
	    "\"maxRssKiB\":4096,\"cpuSeconds\":25.5,\"gpus\":[{\"index\":0,\"uuid\":"
	    "\"GPU-1\",\"name\":\"A100\"},{\"index\":1}],"
	    "\"scriptSha256\":\"abc\",\"dataSha256\":\"def\",\"codeSha256\":"
	    "\"123\",\"python\":{\"path\":\"/venv/bin/python\",\"version\":"
	    "\"3.11.7\"},\"environment\":\"456\",\"nonFinite\":[\"curve.1\"],\"scriptStatus\":\"completed\"}}\n");
	sp_buf_clear(&b);
}
END_TEST

START_TEST(layout_least)
{
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_run run = run_of(SP_CAUSE_OK);
	int status;

	run.exit_code = -1;
	ck_assert_int_eq(
	    sp_outcome_make(&run, false, NULL, 0, NULL, &b, &status), SP_OK);
	ck_assert_str_eq(sp_buf_text(&b),
	    "{\"_id\":\"" ID "\",\"jobId\":\"" ID "\",\"orderId\":\"" ID
	    "\",\"status\":204,\"run\":{\"attempt\":2,\"ticket\":3,\"worker\":"
	    "\"gpu07-3fa9c2\",\"cause\":\"ok\"}}\n");
	sp_buf_clear(&b);
}
END_TEST

/* Words of ours: the script's come first; with a good verdict they are a note.
 */
START_TEST(our_words)
{
	static const struct {
		enum sp_cause cause;
		const char *script, *error, *note;
	} rows[] = {
		{ SP_CAUSE_SIGNAL, NULL, "\"over its memory\"", NULL },
		{ SP_CAUSE_EXIT, "{\"error\":\"its\"}", "\"its\"", NULL },
		{ SP_CAUSE_OK, "{}", NULL, "\"over its memory\"" },
		{ SP_CAUSE_OK, NULL, NULL, "\"over its memory\"" },
	};
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		const char *script = rows[i].script;
		struct sp_run run = run_of(rows[i].cause);
		struct json_t *json;
		int status;

		sp_buf_reset(&b);
		ck_assert_int_eq(sp_outcome_make(&run, false, script,
				     script == NULL ? 0 : strlen(script),
				     "over its memory", &b, &status),
		    SP_OK);
		ck_assert_int_eq(
		    sp_json_parse(b.data, b.len, &json, NULL), SP_OK);
		member_is(json, "error", rows[i].error);
		member_is(sp_json_get(json, "run"), "note", rows[i].note);
		sp_json_free(json);
	}
	sp_buf_clear(&b);
}
END_TEST

/* Make an outcome of `script`, check that it can be read, return its status. */
static int
survives(const struct sp_buf *script)
{
	struct sp_buf b = SP_BUF_INIT(2 * SP_OUTCOME_MAX);
	struct sp_run run = run_of(SP_CAUSE_OK);
	int status = 0, again = 0;

	ck_assert(!script->failed);
	ck_assert_int_eq(sp_outcome_make(&run, false, script->data, script->len,
			     NULL, &b, &status),
	    SP_OK);
	ck_assert_uint_le(b.len, SP_OUTCOME_MAX);
	ck_assert_int_eq(sp_outcome_status(b.data, b.len, &again), SP_OK);
	ck_assert_int_eq(again, status);
	sp_buf_clear(&b);
	return status;
}

static void
repeat(struct sp_buf *b, const char *head, const char *item, size_t upto,
    const char *tail)
{
	sp_buf_reset(b);
	sp_buf_puts(b, head);
	while (b->len < upto)
		sp_buf_puts(b, item);
	sp_buf_puts(b, tail);
}

/* An outcome that could not be read back would make an order that never ends:
 * reports that grow when they are written, or nest one level deeper in ours. */
START_TEST(always_readable)
{
	struct sp_buf b = SP_BUF_INIT(2 * SP_OUTCOME_MAX);
	struct json_t *json;
	size_t i, n;

	repeat(&b, "{\"a\":\"", "x", 900000, "\"}");
	ck_assert_int_eq(survives(&b), 200);
	repeat(&b, "{\"a\":\"", "x", SP_OUTCOME_MAX - 100, "\"}");
	ck_assert_int_eq(survives(&b), 500);
	repeat(&b, "{\"a\":\"", "x", SP_OUTCOME_MAX + 1, "\"}");
	ck_assert_int_eq(survives(&b), 500);
	repeat(&b, "{\"a\":\"", "\x7f", 900000, "\"}");
	ck_assert_int_eq(survives(&b), 500);
	repeat(&b, "{\"a\":[0", ",1e5", 900000, "]}");
	ck_assert_int_eq(survives(&b), 500);
	repeat(&b, "{\"a\":[0", ",NaN", 600000, "]}");
	ck_assert_int_eq(survives(&b), 200);
	repeat(&b, "{\"status\":\"", "\x7f", 200000, "\"}");
	ck_assert_int_eq(survives(&b), 500);
	repeat(&b, "{\"error\":\"", "\x7f", 100000, "\"}");
	ck_assert_int_eq(survives(&b), 500);
	for (i = 0; i < 2; i++) { /* the deepest that is read */
		sp_buf_reset(&b);
		sp_buf_puts(&b, i == 0 ? "{\"status\":" : "{\"error\":");
		for (n = 1; n < SP_JSON_DEPTH; n++)
			sp_buf_puts(&b, "[");
		for (n = 1; n < SP_JSON_DEPTH; n++)
			sp_buf_puts(&b, "]");
		sp_buf_puts(&b, "}");
		ck_assert_int_eq(
		    sp_json_parse(b.data, b.len, &json, NULL), SP_OK);
		sp_json_free(json);
		ck_assert_int_eq(survives(&b), 500);
	}
	sp_buf_clear(&b);
}
END_TEST

START_TEST(many_non_finite)
{
	struct sp_buf script = SP_BUF_INIT(1 << 20), b = SP_BUF_INIT(1 << 20);
	struct sp_run run = run_of(SP_CAUSE_OK);
	struct json_t *json, *list;
	int status;

	repeat(&script, "{\"loss\":[0", ",NaN", 40000, "]}");
	ck_assert_int_eq(sp_outcome_make(&run, false, script.data, script.len,
			     NULL, &b, &status),
	    SP_OK);
	ck_assert_int_eq(sp_json_parse(b.data, b.len, &json, NULL), SP_OK);
	list = sp_json_get(sp_json_get(json, "run"), "nonFinite");
	ck_assert_str_eq(sp_json_text(sp_json_at(list, 0)), "loss.1");
	ck_assert_uint_gt(sp_json_count(list), 100);
	ck_assert_uint_lt(sp_json_count(list), 1000);
	ck_assert_str_eq(
	    sp_json_text(sp_json_at(list, sp_json_count(list) - 1)), "...");
	sp_json_free(json);
	sp_buf_clear(&script);
	sp_buf_clear(&b);
}
END_TEST

/* The list is what gives way when an outcome would be too long. */
START_TEST(shortens_artifacts)
{
	static struct sp_artifact at[1000];
	static char name[1000][700];
	struct sp_artifacts list = { at, 1000, 5, 2 };
	struct sp_buf text = SP_BUF_INIT(2 * SP_OUTCOME_MAX),
		      own = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_run run = { .exit_code = 0, .artifacts = &list };
	const struct json_t *got, *one;
	struct json_t *json;
	size_t i, n, most = _i == 0 ? 10 : 950000;
	int status;

	ck_assert_int_eq(
	    sp_name_parse("50.20261122T190212345-9f3c21ab.t1a0@w-3fa9c2"
			  ".json",
		&run.name),
	    SP_OK);
	for (i = 0; i < 1000; i++) {
		(void)snprintf(name[i], sizeof name[i], "%03zu/%0*d\n\"", i,
		    _i == 0 ? 1 : 650, 0);
		at[i] = (struct sp_artifact){ name[i], (int64_t)i, "" };
	}
	(void)memset(at[0].sha256, 'a', SP_SHA_LEN);
	sp_buf_puts(&own, "{\"x\":\"");
	for (i = 0; i < most; i++)
		sp_buf_puts(&own, "x");
	sp_buf_puts(&own, "\"}");
	ck_assert_int_eq(sp_outcome_make(&run, false, own.data, own.len, NULL,
			     &text, &status),
	    SP_OK);
	ck_assert_uint_le(text.len, SP_OUTCOME_MAX);
	ck_assert_int_eq(
	    sp_json_parse(text.data, text.len, &json, NULL), SP_OK);
	got = sp_json_get(sp_json_get(json, "run"), "artifacts");
	n = sp_json_count(got);
	if (_i == 0)
		ck_assert_uint_eq(n, 1000);
	else
		ck_assert(n > 10 && n < 1000);
	one = sp_json_at(got, 0);
	ck_assert_str_eq(sp_json_text(sp_json_get(one, "name")), name[0]);
	ck_assert_str_eq(
	    sp_json_text(sp_json_get(one, "sha256")), at[0].sha256);
	one = sp_json_at(got, 1);
	ck_assert_int_eq(sp_json_int(sp_json_get(one, "size"), 0), 1);
	ck_assert(sp_json_text(sp_json_get(one, "sha256")) == NULL);
	got = sp_json_get(json, "run");
	ck_assert_int_eq(sp_json_int(sp_json_get(got, "artifactsMore"), 0),
	    1005 - (int64_t)n);
	ck_assert_int_eq(
	    sp_json_int(sp_json_get(got, "artifactsSkipped"), 0), 2);
	sp_json_free(json);
	sp_buf_clear(&text);
	sp_buf_clear(&own);
}
END_TEST

Suite *
outcome_suite(void)
{
	Suite *s = suite_create("outcome");
	TCase *make = tcase_create("make");

	ADD_TABLE(make, judges, verdicts);
	tcase_add_test(make, layout);
	tcase_add_test(make, layout_least);
	tcase_add_test(make, our_words);
	tcase_add_test(make, always_readable);
	tcase_add_test(make, many_non_finite);
	tcase_set_timeout(make, 30);
	tcase_add_loop_test(make, shortens_artifacts, 0, 2);
	suite_add_tcase(s, make);
	return s;
}
