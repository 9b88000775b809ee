/*
 * test_facts.c - what tells jobs apart: their parameters, flat, and bounded
 * whatever they say.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/facts.h"
#include "libspool/json.h"
#include "tests/unit/suites.h"

static const struct {
	const char *job, *want;
} rows[] = {
	{ "{\"scriptName\":\"a.py\",\"dataFileName\":\"d\",\"projectName\":\"p\"}",
	    "{\"params\":{}}" },
	{ "{\"scriptName\":\"a.py\",\"learningRate\":0.05,\"deep\":true,"
	  "\"nothing\":null,\"name\":\"x\",\"n\":3}",
	    "{\"params\":{\"learningRate\":0.05,\"deep\":true,"
	    "\"name\":\"x\",\"n\":3}}" },
	{ "{\"a\":{\"b\":[1,{\"c\":\"d\"}],\"e\":{}}}",
	    "{\"params\":{\"a.b.0\":1,\"a.b.1.c\":\"d\"}}" },
	{ "{\"order\":{\"tags\":\"alone\",\"group\":\"g\",\"git\":{"
	  "\"commit\":\"0123456789abcdef\",\"dirty\":true}}}",
	    "{\"params\":{},\"tags\":[\"alone\"],\"group\":\"g\","
	    "\"git\":\"0123456789ab+\"}" },
	{ "{\"order\":{\"tags\":[\"a\",5,\"b\"],\"git\":{\"commit\":\"abc\"}}}",
	    "{\"params\":{},\"tags\":[\"a\",\"b\"],\"git\":\"abc\"}" },
	{ "{\"a\":[[[[[[[[1]]]]]]]]}", "{\"params\":{},\"cut\":true}" },
	{ "[1]", "{}" },
	{ "{\"a\":", "{}" },
};

START_TEST(prints)
{
	struct sp_buf b = SP_BUF_INIT(SP_FACTS_MAX + 2);
	const char *job = rows[_i].job;

	sp_facts_print(job, strlen(job), &b);
	ck_assert_str_eq(sp_buf_text(&b), rows[_i].want);
	sp_buf_clear(&b);
}
END_TEST

/* Many parameters, and long ones of characters that grow when escaped. */
START_TEST(bounded)
{
	struct sp_buf job = SP_BUF_INIT(1 << 20), b = SP_BUF_INIT(1 << 20);
	struct json_t *json;
	int i, k;

	sp_buf_puts(&job, "{\"order\":{\"tags\":[");
	for (i = 0; i < 64; i++) {
		sp_buf_puts(&job, i == 0 ? "\"" : ",\"");
		for (k = 0; k < 128; k++)
			sp_buf_puts(&job, "\\u0001");
		sp_buf_puts(&job, "\"");
	}
	sp_buf_puts(&job, "]}");
	for (i = 0; i < 200; i++) {
		sp_buf_printf(&job, ",\"p%d\":\"", i);
		for (k = 0; k < (_i == 0 ? 1 : 400); k++)
			sp_buf_puts(&job, "\\u0001");
		sp_buf_puts(&job, "\"");
	}
	sp_buf_puts(&job, "}");
	sp_facts_print(job.data, job.len, &b);
	ck_assert_uint_lt(b.len, SP_FACTS_MAX);
	ck_assert_int_eq(sp_json_parse(b.data, b.len, &json, NULL), SP_OK);
	ck_assert(sp_json_true(sp_json_get(json, "cut")));
	ck_assert_uint_le(
	    sp_json_count(sp_json_get(json, "params")), SP_FACTS_MOST);
	sp_json_free(json);
	sp_buf_clear(&job);
	sp_buf_clear(&b);
}
END_TEST

Suite *
facts_suite(void)
{
	Suite *s = suite_create("facts");
	TCase *t = tcase_create("facts");

	tcase_add_loop_test(t, prints, 0, COUNT(rows));
	tcase_add_loop_test(t, bounded, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
