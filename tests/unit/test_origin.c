/*
 * test_origin.c - the original's texts: what its Worker posts becomes an
 * outcome of ours, what its Boss answers an order, and our outcome something
 * that it answers to.
 */
#include <string.h>

#include "libspool/json.h"
#include "libspool/origin.h"
#include "libspool/outcome.h"
#include "tests/unit/suites.h"

#define ID  "20261122T190212345-9f3c21ab"
#define ID2 "20261122T190212345-9f3c21ac"

/* ---- what is posted to /callback ---- */

static const struct {
	const char *text;
	const char *script; /* NULL: SP_BAD */
	size_t ids;
	const char *first;
	bool other;
} said[] = {
	/* Dialect 1: numbers are texts, the order's id is called jobId. */
	{ "{\"status\":200,\"jobId\":\"" ID
	  "\",\"loss\":\"15109.17\",\"metric\":\"14281.45\"}",
	    "{\"status\":200,\"jobId\":\"" ID
	    "\",\"loss\":15109.17,\"metric\":14281.45}",
	    1, ID, false },
	{ "{\"status\":\"completed\",\"orderId\":\"" ID
	  "\",\"loss\":\"1e-05\"}",
	    "{\"status\":\"completed\",\"orderId\":\"" ID "\",\"loss\":1e-05}",
	    1, ID, false },
	/* orderId first, whatever the order of the text. */
	{ "{\"jobId\":\"" ID2 "\",\"assignmentId\":\"x\",\"orderId\":\"" ID
	  "\"}",
	    "{\"jobId\":\"" ID2 "\",\"assignmentId\":\"x\",\"orderId\":\"" ID
	    "\"}",
	    2, ID, true },
	{ "{\"jobId\":\"5bcc724d7449f746b5aa6fe8\"}",
	    "{\"jobId\":\"5bcc724d7449f746b5aa6fe8\"}", 0, NULL, true },
	{ "{\"jobId\":7}", "{\"jobId\":7}", 0, NULL, true },
	{ "{\"jobId\":null,\"error\":\"no\"}",
	    "{\"jobId\":null,\"error\":\"no\"}", 0, NULL, false },
	{ "{\"status\":400,\"error\":\"no\"}",
	    "{\"status\":400,\"error\":\"no\"}", 0, NULL, false },
	/* What diverged is not lost. */
	{ "{\"loss\":\"nan\",\"metric\":\"-inf\"}",
	    "{\"loss\":NaN,\"lossText\":\"nan\",\"metric\":NaN,\"metricText\":"
	    "\"-inf\"}",
	    0, NULL, false },
	{ "{\"loss\":\"nan\",\"lossText\":\"mine\"}",
	    "{\"loss\":NaN,\"lossText\":\"mine\"}", 0, NULL, false },
	{ "{\"loss\":NaN,\"metric\":-Infinity,\"x\":1}",
	    "{\"loss\":NaN,\"metric\":NaN,\"x\":1}", 0, NULL, false },
	{ "{\"_us\":-Infinity,\"\":-Infinity,\"oerss\":NaN,\"us\":null}",
	    "{\"_us\":NaN,\"\":NaN,\"oerss\":NaN,\"us\":null}", 0, NULL,
	    false },
	{ "{\"\":null}", "{\"\":null}", 0, NULL, false },
	{ "{\"loss\":\"1e999\"}", "{\"loss\":NaN,\"lossText\":\"1e999\"}", 0,
	    NULL, false },
	/* Only those two, and only what is a number. */
	{ "{\"loss\":\"abc\",\"metric\":\"\",\"n\":\"7\"}",
	    "{\"loss\":\"abc\",\"metric\":\"\",\"n\":\"7\"}", 0, NULL, false },
	{ "{\"loss\":\"1 \",\"metric\":\"0x10\"}",
	    "{\"loss\":\"1 \",\"metric\":\"0x10\"}", 0, NULL, false },
	{ "{\"loss\":\"+1.50\",\"metric\":\".5\"}",
	    "{\"loss\":1.5,\"metric\":0.5}", 0, NULL, false },
	{ "{}", "{}", 0, NULL, false },
	{ "", NULL, 0, NULL, false },
	{ "[]", NULL, 0, NULL, false },
	{ "{\"a\":1,\"a\":2}", NULL, 0, NULL, false },
	{ "{\"status\":200", NULL, 0, NULL, false },
};

START_TEST(test_said)
{
	struct sp_origin_said s;
	struct sp_err err = { "" };
	enum sp_status st;

	st =
	    sp_origin_said_read(said[_i].text, strlen(said[_i].text), &s, &err);
	if (said[_i].script == NULL) {
		ck_assert_int_eq(st, SP_BAD);
		ck_assert_str_ne(err.text, "");
	} else {
		ck_assert_int_eq(st, SP_OK);
		ck_assert_str_eq(sp_buf_text(&s.script), said[_i].script);
		ck_assert_uint_eq(s.ids, said[_i].ids);
		if (s.ids > 0)
			ck_assert_str_eq(s.id[0].text, said[_i].first);
		ck_assert_int_eq(s.other, said[_i].other);
	}
	sp_origin_said_clear(&s);
}
END_TEST

/* All the way to an outcome. */
START_TEST(test_said_outcome)
{
	static const char text[] = "{\"status\":200,\"loss\":\"nan\"}";
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_run run = { .cause = SP_CAUSE_OK, .exit_code = -1 };
	struct sp_origin_said s;
	int status;

	ck_assert_int_eq(
	    sp_origin_said_read(text, strlen(text), &s, NULL), SP_OK);
	ck_assert_int_eq(
	    sp_name_parse("50." ID ".t1a0@dl-3fa9c2.json", &run.name), SP_OK);
	ck_assert_int_eq(sp_outcome_make(&run, false, s.script.data,
			     s.script.len, NULL, &b, &status),
	    SP_OK);
	ck_assert_int_eq(status, 200);
	ck_assert_ptr_nonnull(
	    strstr(b.data, "\"loss\":null,\"lossText\":\"nan\""));
	ck_assert_ptr_nonnull(strstr(b.data, "\"nonFinite\":[\"loss\"]"));
	sp_origin_said_clear(&s);
	sp_buf_clear(&b);
}
END_TEST

/* ---- an order ---- */

START_TEST(test_order_print)
{
	struct sp_buf b = SP_BUF_INIT(1000);
	char order_id[SP_ORIGIN_ID_MAX + 1], job_id[SP_ORIGIN_ID_MAX + 1];
	struct sp_id id;
	struct sp_origin_order order = { &id, "wi\"ne", "assigned", "dl" };

	ck_assert_int_eq(sp_id_parse(ID, &id), SP_OK);
	sp_origin_order_print(&order, &b);
	ck_assert_str_eq(b.data,
	    "{\"_id\":\"" ID "\",\"jobId\":\"" ID
	    "\",\"projectName\":\"wi\\\"ne\","
	    "\"createdDate\":\"2026-11-22T19:02:12.345Z\","
	    "\"status\":\"assigned\",\"assignedNode\":\"dl\",\"__v\":0}");
	/* And our own worker could have it. */
	ck_assert_int_eq(
	    sp_origin_order_read(b.data, b.len, order_id, job_id, NULL), SP_OK);
	ck_assert_str_eq(order_id, ID);
	sp_buf_reset(&b);
	order.project = order.assigned = "";
	sp_origin_order_print(&order, &b);
	ck_assert_ptr_null(strstr(b.data, "projectName"));
	ck_assert_ptr_null(strstr(b.data, "assignedNode"));
	sp_buf_clear(&b);
}
END_TEST

static const struct {
	const char *text;
	enum sp_status status;
	const char *order, *job;
} orders[] = {
	{ "{\"_id\":\"5bcc93d67f0b3f4844c87c7a\",\"jobId\":"
	  "\"5bcc93d67f0b3f4844c87c79\",\"createdDate\":"
	  "\"2018-10-21T14:57:26.980Z\",\"status\":\"assigned\",\"__v\":0}",
	    SP_OK, "5bcc93d67f0b3f4844c87c7a", "5bcc93d67f0b3f4844c87c79" },
	{ "{\"error\":\"No Jobs or all are assigned.\"}", SP_GONE, "", "" },
	{ "{\"message\":\"No work to do.\"}", SP_GONE, "", "" },
	{ "", SP_GONE, "", "" },
	{ "null", SP_GONE, "", "" },
	{ "{\"_id\":\"a\"}", SP_BAD, "", "" },
	{ "{\"jobId\":\"a\"}", SP_BAD, "", "" },
	{ "{\"_id\":\"a\",\"jobId\":\"../a\"}", SP_BAD, "", "" },
	{ "{\"_id\":\"a\",\"jobId\":\"..\"}", SP_BAD, "", "" },
	{ "{\"_id\":\"a\",\"jobId\":\"\"}", SP_BAD, "", "" },
	{ "{\"_id\":\"a\",\"jobId\":\"a b\"}", SP_BAD, "", "" },
	{ "{\"_id\":7,\"jobId\":8}", SP_BAD, "", "" },
	{ "{\"_id\":\"a\",\"jobId\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
	    SP_BAD, "", "" },
	{ "<!DOCTYPE html>", SP_BAD, "", "" },
	{ "[]", SP_BAD, "", "" },
};

START_TEST(test_order_read)
{
	char order[SP_ORIGIN_ID_MAX + 1] = "", job[SP_ORIGIN_ID_MAX + 1] = "";

	ck_assert_int_eq(sp_origin_order_read(orders[_i].text,
			     strlen(orders[_i].text), order, job, NULL),
	    orders[_i].status);
	if (orders[_i].status == SP_OK) {
		ck_assert_str_eq(order, orders[_i].order);
		ck_assert_str_eq(job, orders[_i].job);
	}
}
END_TEST

/* ---- what is answered to ---- */

static const struct {
	const char *outcome;
	int dialect;
	const char *text; /* NULL: SP_BAD */
} posts[] = {
	{ "{\"status\":200,\"loss\":15109.17,\"metric\":3,\"curve\":[1]}", 1,
	    "{\"status\":200,\"jobId\":\"abc\",\"orderId\":\"abc\","
	    "\"loss\":15109.17,\"metric\":3.0}" },
	{ "{\"status\":204}", 2,
	    "{\"status\":\"completed\",\"jobId\":\"abc\",\"orderId\":\"abc\"}" },
	{ "{\"status\":503,\"error\":\"lost\"}", 1,
	    "{\"status\":500,\"jobId\":\"abc\",\"orderId\":\"abc\"}" },
	{ "{\"status\":500,\"loss\":null}", 2,
	    "{\"status\":\"failed\",\"jobId\":\"abc\",\"orderId\":\"abc\"}" },
	{ "{\"status\":200,\"loss\":\"nan\",\"metric\":\"inf\"}", 1,
	    "{\"status\":200,\"jobId\":\"abc\",\"orderId\":\"abc\"}" },
	{ "{\"status\":200,\"loss\":\"15.5\",\"metric\":{}}", 1,
	    "{\"status\":200,\"jobId\":\"abc\",\"orderId\":\"abc\","
	    "\"loss\":15.5}" },
	{ "{\"loss\":1}", 1, NULL },
	{ "nonsense", 1, NULL },
};

START_TEST(test_post)
{
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	enum sp_status st;

	st = sp_origin_outcome_print(posts[_i].outcome,
	    strlen(posts[_i].outcome), "abc", posts[_i].dialect, &b, NULL);
	if (posts[_i].text == NULL) {
		ck_assert_int_eq(st, SP_BAD);
	} else {
		ck_assert_int_eq(st, SP_OK);
		ck_assert_str_eq(b.data, posts[_i].text);
	}
	sp_buf_clear(&b);
}
END_TEST

Suite *
origin_suite(void)
{
	Suite *suite = suite_create("origin");
	TCase *tcase = tcase_create("origin");

	ADD_TABLE(tcase, test_said, said);
	tcase_add_test(tcase, test_said_outcome);
	tcase_add_test(tcase, test_order_print);
	ADD_TABLE(tcase, test_order_read, orders);
	ADD_TABLE(tcase, test_post, posts);
	suite_add_tcase(suite, tcase);
	return suite;
}
