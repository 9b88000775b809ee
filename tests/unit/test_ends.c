/*
 * test_ends.c - outcomes of what never ran; finding what an outcome, or the log
 * of a script, says.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/outcome.h"
#include "tests/unit/suites.h"

#define ID "20261122T190212345-9f3c21ab"

/* ---- ends ---- */

static const struct {
	int status;
	const char *cause;
} ends[] = {
	{ SP_ST_INVALID, "invalid" },
	{ SP_ST_DEPENDENCY, "dependency" },
	{ SP_ST_CANCELLED, "cancelled" },
	{ SP_ST_LOST, "lost" },
	{ SP_ST_FAILED, "exit" },
};

START_TEST(ends_without_run)
{
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_name name;
	char want[600];
	int status;

	ck_assert_int_eq(
	    sp_name_parse("50." ID ".t4a2@keep-000001.json", &name), SP_OK);
	ck_assert_int_eq(sp_outcome_end(&name, "h", 1795374132345,
			     ends[_i].status, "so it is", &b),
	    SP_OK);
	(void)snprintf(want, sizeof want,
	    "{\"_id\":\"" ID "\",\"jobId\":\"" ID "\",\"orderId\":\"" ID
	    "\",\"status\":%d,\"error\":\"so it is\",\"run\":{\"attempt\":2,"
	    "\"ticket\":4,\"worker\":\"keep-000001\",\"host\":\"h\","
	    "\"finished\":\"2026-11-22T19:02:12.345Z\",\"cause\":\"%s\"}}\n",
	    ends[_i].status, ends[_i].cause);
	ck_assert_str_eq(sp_buf_text(&b), want);
	ck_assert_int_eq(sp_outcome_status(b.data, b.len, &status), SP_OK);
	ck_assert_int_eq(status, ends[_i].status);
	sp_buf_clear(&b);
}
END_TEST

START_TEST(ends_never_tried)
{
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_name name;

	ck_assert_int_eq(
	    sp_name_parse("50." ID ".t2a0@keep-000001.json", &name), SP_OK);
	ck_assert_int_eq(
	    sp_outcome_end(&name, NULL, 0, SP_ST_CANCELLED, NULL, &b), SP_OK);
	ck_assert_str_eq(sp_buf_text(&b),
	    "{\"_id\":\"" ID "\",\"jobId\":\"" ID "\",\"orderId\":\"" ID
	    "\",\"status\":499,\"run\":{\"ticket\":2,\"worker\":"
	    "\"keep-000001\",\"cause\":\"cancelled\"}}\n");
	sp_buf_clear(&b);
}
END_TEST

/* ---- reading ---- */

static const struct {
	const char *text;
	int want; /* -1: bad */
} statuses[] = {
	{ "{\"status\":200}", 200 },
	{ "{\"a\":1,\"status\":500}\n", 500 },
	{ "{\"status\":\"200\"}", -1 },
	{ "{\"status\":-1}", -1 },
	{ "{\"status\":1e9}", -1 },
	{ "{\"status\":null}", -1 },
	{ "{}", -1 },
	{ "{\"status\":200", -1 },
	{ "{\"status\":200,\"a\":NaN}", -1 },
	{ "", -1 },
};

START_TEST(reads_status)
{
	int status = -1;

	ck_assert_int_eq(sp_outcome_status(statuses[_i].text,
			     strlen(statuses[_i].text), &status),
	    statuses[_i].want < 0 ? SP_BAD : SP_OK);
	ck_assert_int_eq(status, statuses[_i].want);
}
END_TEST

static const struct {
	const char *text, *want;
} logs[] = {
	{ "", NULL },
	{ "\n\n", NULL },
	{ "hello\n", NULL },
	{ "{}", "{}" },
	{ "{}\n", "{}" },
	{ "a\n{\"x\":1}\n", "{\"x\":1}" },
	{ "{\"x\":1}\n{\"x\":2}\n", "{\"x\":2}" },
	{ "{\"x\":1}\r\nbye\r\n", "{\"x\":1}" },
	{ "{\"x\":1}  \t\r\n\r\n", "{\"x\":1}" },
	{ "  {\"x\":1}\n", "{\"x\":1}" },
	{ "{\"x\":1}\n{\"x\":\n", "{\"x\":1}" },
	{ "{\"x\":1}\n[1]\n\"x\"\n7\n{a}\n{\"b\"}\n", "{\"x\":1}" },
	{ "{\"x\":NaN}\n", "{\"x\":NaN}" },
	{ "{\n\"x\":1\n}\n", NULL }, /* over many lines */
	{ "loss {\"x\":1}\n", NULL },
	{ "{\"x\":1} done\n", NULL },
	{ "\n{\"x\":1}", "{\"x\":1}" },
};

START_TEST(finds)
{
	size_t len = 0;
	const char *got =
	    sp_outcome_find(logs[_i].text, strlen(logs[_i].text), &len);

	if (logs[_i].want == NULL) {
		ck_assert_ptr_null(got);
		return;
	}
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(len, strlen(logs[_i].want));
	ck_assert_mem_eq(got, logs[_i].want, len);
}
END_TEST

/* Neither a line that is too long nor bytes that are no text are in the way. */
START_TEST(finds_behind_garbage)
{
	struct sp_buf b = SP_BUF_INIT(4 * SP_OUTCOME_MAX);
	const char *got;
	size_t len;

	sp_buf_puts(&b, "{\"x\":1}\n");
	sp_buf_put(&b, "\0\xff\n{\0}\n", 7);
	sp_buf_puts(&b, "{\"x\":\"");
	while (b.len < 2 * SP_OUTCOME_MAX)
		sp_buf_puts(
		    &b, "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy");
	sp_buf_puts(&b, "\"}\n");
	got = sp_outcome_find(b.data, b.len, &len);
	ck_assert_ptr_eq(got, b.data);
	ck_assert_uint_eq(len, 7);
	sp_buf_clear(&b);
}
END_TEST

Suite *
ends_suite(void)
{
	Suite *s = suite_create("ends");
	TCase *end = tcase_create("end"), *in = tcase_create("read");

	ADD_TABLE(end, ends_without_run, ends);
	tcase_add_test(end, ends_never_tried);
	ADD_TABLE(in, reads_status, statuses);
	ADD_TABLE(in, finds, logs);
	tcase_add_test(in, finds_behind_garbage);
	suite_add_tcase(s, end);
	suite_add_tcase(s, in);
	return s;
}
