/*
 * test_jobedit.c - what is made of a job's text: the dress for the script,
 * edits, members set in `order`.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/job.h"
#include "libspool/json.h"
#include "tests/unit/suites.h"

#define ID "20261122T190212345-9f3c21ab"

/* ---- dressing ---- */

static const struct {
	const char *text, *want;
} dresses[] = {
	{ "{}", "{\"_id\":\"" ID "\",\"assignmentId\":\"" ID "\"}" },
	{ " {\n}\n", " {\"_id\":\"" ID "\",\"assignmentId\":\"" ID "\"\n}\n" },
	{ "{ \"a\" : 1e0,\n\"b\":0.10 }",
	    "{\"_id\":\"" ID "\",\"assignmentId\":\"" ID
	    "\", \"a\" : 1e0,\n\"b\":0.10 }" },
	{ "{\"_id\":\"mine\"}",
	    "{\"assignmentId\":\"" ID "\",\"_id\":\"mine\"}" },
	{ "{\"assignmentId\":null}",
	    "{\"_id\":\"" ID "\",\"assignmentId\":null}" },
	{ "{\"assignmentId\":1,\"_id\":2}", "{\"assignmentId\":1,\"_id\":2}" },
	{ "{\"x\":{\"_id\":2}}",
	    "{\"_id\":\"" ID "\",\"assignmentId\":\"" ID
	    "\",\"x\":{\"_id\":2}}" },
};

START_TEST(dresses_job)
{
	struct sp_buf b = SP_BUF_INIT(1000);
	struct sp_job job;
	struct json_t *json;
	struct sp_id id;

	ck_assert_int_eq(sp_id_parse(ID, &id), SP_OK);
	sp_job_dress(dresses[_i].text, strlen(dresses[_i].text), &id, &b);
	ck_assert_str_eq(sp_buf_text(&b), dresses[_i].want);
	(void)sp_job_parse(
	    dresses[_i].text, strlen(dresses[_i].text), &job, NULL);
	sp_buf_reset(&b);
	sp_job_dress_as(
	    &job, dresses[_i].text, strlen(dresses[_i].text), &id, &b);
	sp_job_clear(&job);
	ck_assert_str_eq(sp_buf_text(&b), dresses[_i].want);
	ck_assert_int_eq(sp_json_parse(b.data, b.len, &json, NULL), SP_OK);
	sp_json_free(json);
	sp_buf_clear(&b);
}
END_TEST

/* ---- editing ---- */

#define MAX_SET 3

static const struct {
	const char *text;
	const char *set[MAX_SET];
	const char *want; /* "!": words */
} edits[] = {
	{ "{ \"a\": 1 }", { NULL }, "{\"a\":1}" },
	{ "{\"a\":1}", { "a=2", "b=x", "order.priority=10" },
	    "{\"a\":2,\"b\":\"x\",\"order\":{\"priority\":10}}" },
	{ "{\"h\":[{\"d\":0.2}]}", { "h.0.d=0.1", "h.0.n=\"4\"" },
	    "{\"h\":[{\"d\":0.1,\"n\":\"4\"}]}" },
	{ "{\"lr\":0.05,\"n\":100000,\"big\":9223372036854775807}", { "x=a=b" },
	    "{\"lr\":0.05,\"n\":100000,\"big\":9223372036854775807,\"x\":"
	    "\"a=b\"}" },
	/* beyond 64 bits: a seed, say */
	{ "{\"s\":18446744073709551615,\"l\":[-99999999999999999999]}",
	    { "t=18446744073709551616" },
	    "{\"s\":18446744073709551615,\"l\":[-99999999999999999999],"
	    "\"t\":18446744073709551616}" },
	{ "{\"s\":18446744073709551615}", { "s.x=1" },
	    "!\"s.x\": \"s\" is a number" },
	{ "{\"a\":1}", { "a" }, "!\"a\": expected key=value" },
	{ "{\"a\":1}", { "=1" }, "!\"=1\": expected key=value" },
	{ "{\"a\":1}", { "b=1", "a.b=1" }, "!\"a.b\": \"a\" is a number" },
	{ "{\"a\":1,}", { "a=1" }, "!a comma too many" },
};

START_TEST(edits_job)
{
	struct sp_buf b = SP_BUF_INIT(1000);
	struct sp_err err = { "" };
	enum sp_status st;
	size_t n = 0;

	while (n < MAX_SET && edits[_i].set[n] != NULL)
		n++;
	st = sp_job_edit(
	    edits[_i].text, strlen(edits[_i].text), edits[_i].set, n, &b, &err);
	if (edits[_i].want[0] == '!') {
		ck_assert_int_eq(st, SP_BAD);
		ck_assert_msg(strstr(err.text, edits[_i].want + 1) != NULL,
		    "\"%s\"", err.text);
		ck_assert_uint_eq(b.len, 0);
	} else {
		ck_assert_msg(st == SP_OK, "%s", err.text);
		ck_assert_str_eq(sp_buf_text(&b), edits[_i].want);
	}
	sp_buf_clear(&b);
}
END_TEST

/* An edit that makes a job nobody could read back. */
START_TEST(edit_is_bounded)
{
	static const char text[] = "{\"a\":1}";
	struct sp_buf b = SP_BUF_INIT(4 * SP_JOB_MAX);
	struct sp_buf out = SP_BUF_INIT(4 * SP_JOB_MAX);
	struct sp_err err = { "" };
	const char *set[1];
	int i;

	sp_buf_puts(&b, "x");
	for (i = 0; i < SP_JSON_DEPTH; i++)
		sp_buf_puts(&b, ".x");
	sp_buf_puts(&b, "=1");
	set[0] = b.data;
	ck_assert_int_eq(
	    sp_job_edit(text, strlen(text), set, 1, &out, &err), SP_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "nested too deeply"));
	sp_err_clear(&err);
	sp_buf_reset(&b);
	sp_buf_puts(&b, "x=");
	while (b.len <= SP_JOB_MAX)
		sp_buf_puts(&b, "yyyyyyyyyyyyyyyy");
	set[0] = b.data;
	ck_assert_int_eq(
	    sp_job_edit(text, strlen(text), set, 1, &out, &err), SP_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "larger than 1 MiB"));
	sp_buf_clear(&b);
	sp_buf_clear(&out);
}
END_TEST

/* ---- members of `order` ---- */

static const struct {
	const char *text, *result;
} spliced[] = {
	{ "{}", "{\"order\":{\"a\":1,\"b\":\"x\"}}" },
	{ " { } \n", " {\"order\":{\"a\":1,\"b\":\"x\"} } \n" },
	{ "{\"lr\": 1e-3}", "{\"order\":{\"a\":1,\"b\":\"x\"},\"lr\": 1e-3}" },
	{ "{ \"x\":1.0 , \"order\" : null,\"y\":2}",
	    "{ \"x\":1.0 , \"order\" : {\"a\":1,\"b\":\"x\"},\"y\":2}" },
	{ "{\"order\":{}}", "{\"order\":{\"a\":1,\"b\":\"x\"}}" },
	{ "{\"order\":{ }}", "{\"order\":{\"a\":1,\"b\":\"x\" }}" },
	{ "{\"order\":\n{ \"c\": [1,{\"a\":2}] }}",
	    "{\"order\":\n{\"a\":1,\"b\":\"x\", \"c\": [1,{\"a\":2}] }}" },
	{ "{\"order\":{\"a\":null}}", "{\"order\":{\"b\":\"x\",\"a\":1}}" },
	{ "{\"order\":{\"b\" : \"src\", \"q\":{} ,\"a\":[1, 2] }}",
	    "{\"order\":{\"b\" : \"x\", \"q\":{} ,\"a\":1 }}" },
	{ "{\"order\":{\"\\u0061\":7}}",
	    "{\"order\":{\"b\":\"x\",\"\\u0061\":1}}" },
	{ "{\"\\u006frder\":{},\"order2\":{}}",
	    "{\"\\u006frder\":{\"a\":1,\"b\":\"x\"},\"order2\":{}}" },
	{ "{\"p\":{\"order\":{}},\"t\":\"\\\",\\\"order\\\":{}\",\"\\\\\":0}",
	    "{\"order\":{\"a\":1,\"b\":\"x\"},\"p\":{\"order\":{}},"
	    "\"t\":\"\\\",\\\"order\\\":{}\",\"\\\\\":0}" },
	{ "{\"n\":-1.50E+2,\"t\":true,\"order\":{\"x\":false}}",
	    "{\"n\":-1.50E+2,\"t\":true,\"order\":{\"a\":1,\"b\":\"x\","
	    "\"x\":false}}" },
};

START_TEST(splices)
{
	static const struct sp_member set[] = { { "a", "1" },
		{ "b", "\"x\"" } };
	struct sp_buf out = SP_BUF_INIT(4096);
	struct json_t *json = NULL;

	sp_job_splice(spliced[_i].text, strlen(spliced[_i].text), set, 2, &out);
	ck_assert_str_eq(sp_buf_text(&out), spliced[_i].result);
	ck_assert_int_eq(sp_json_parse(out.data, out.len, &json, NULL), SP_OK);
	sp_json_free(json);
	sp_buf_clear(&out);
}
END_TEST

Suite *
jobedit_suite(void)
{
	Suite *s = suite_create("jobedit");
	TCase *edit = tcase_create("edit");

	ADD_TABLE(edit, dresses_job, dresses);
	ADD_TABLE(edit, edits_job, edits);
	tcase_add_test(edit, edit_is_bounded);
	ADD_TABLE(edit, splices, spliced);
	suite_add_tcase(s, edit);
	return s;
}
