/*
 * test_jsonout.c - JSON set and written: that what we write reads back the
 * same.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "tests/unit/suites.h"

static enum sp_status
parse(const char *text, struct json_t **json_out, struct sp_err *err)
{
	return sp_json_parse(text, strlen(text), json_out, err);
}

/* ---- setting ---- */

static const struct {
	const char *text, *path, *value, *want; /* want "!": words */
} sets[] = {
	{ "{}", "a", "1", "{\"a\":1}" },
	{ "{}", "a", "0.5", "{\"a\":0.5}" },
	{ "{}", "a", "relu", "{\"a\":\"relu\"}" },
	{ "{}", "a", "", "{\"a\":\"\"}" },
	{ "{}", "a", "\"7\"", "{\"a\":\"7\"}" },
	{ "{}", "a", "01", "{\"a\":\"01\"}" },
	{ "{}", "a", "1,2", "{\"a\":\"1,2\"}" },
	{ "{}", "a", "1],[2", "{\"a\":\"1],[2\"}" },
	{ "{}", "a", "NaN", "{\"a\":\"NaN\"}" },
	{ "{}", "a", "[1,{\"b\":null}]", "{\"a\":[1,{\"b\":null}]}" },
	{ "{}", "a", " true ", "{\"a\":true}" },
	{ "{\"a\":1,\"b\":2}", "a", "3", "{\"a\":3,\"b\":2}" },
	{ "{\"b\":1}", "order.priority", "10",
	    "{\"b\":1,\"order\":{\"priority\":10}}" },
	{ "{\"l\":[{\"d\":0.2},{\"d\":0.2}]}", "l.1.d", "0.1",
	    "{\"l\":[{\"d\":0.2},{\"d\":0.1}]}" },
	{ "{\"l\":[1]}", "l.0", "5", "{\"l\":[5]}" },
	{ "{\"l\":[1]}", "l.1", "5", "{\"l\":[1,5]}" },
	{ "{\"l\":[1]}", "l.1.x", "5", "{\"l\":[1,{\"x\":5}]}" },
	{ "{\"a.b\":1,\"a\":{}}", "a.b", "2", "{\"a.b\":2,\"a\":{}}" },
	{ "{\"l\":[1]}", "l.2", "5", "!no place in a list of 1" },
	{ "{\"l\":[1]}", "l.x", "5", "!no place in a list" },
	{ "{\"l\":[1]}", "l.-1", "5", "!no place in a list" },
	{ "{\"a\":1}", "a.b", "5", "!\"a\" is a number" },
	{ "{\"a\":\"x\"}", "a.0", "5", "!\"a\" is a text" },
	{ "{}", "", "5", "!a name is missing" },
	{ "{}", "a.", "5", "!a name is missing" },
	{ "{}", ".a", "5", "!a name is missing" },
	{ "{}", "a..b", "5", "!a name is missing" },
	{ "{}", "a", "\xff", "!not UTF-8" },
	{ "{}", "\xff", "1", "!not UTF-8" },
};

START_TEST(sets_members)
{
	struct sp_buf b = SP_BUF_INIT(1000);
	struct sp_err err = { "" };
	struct json_t *json;
	enum sp_status st;

	ck_assert_int_eq(parse(sets[_i].text, &json, NULL), SP_OK);
	st = sp_json_set(json, sets[_i].path, sets[_i].value, &err);
	if (sets[_i].want[0] == '!') {
		ck_assert_int_eq(st, SP_BAD);
		ck_assert_msg(strstr(err.text, sets[_i].want + 1) != NULL,
		    "%s: \"%s\"", sets[_i].path, err.text);
	} else {
		ck_assert_msg(st == SP_OK, "%s: %s", sets[_i].path, err.text);
		sp_json_put(&b, json);
		ck_assert_str_eq(sp_buf_text(&b), sets[_i].want);
	}
	sp_json_free(json);
	sp_buf_clear(&b);
}
END_TEST

/* ---- writing ---- */

static const struct {
	const char *text, *want;
} texts[] = {
	{ "", "\"\"" }, { "a/b", "\"a/b\"" },
	{ "\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\"" },
	{ "\x01\x1b[31m\x7f", "\"\\u0001\\u001b[31m\\u007f\"" },
	{ "\xc2\x9b"
	  "1m\xc2\xa0",
	    "\"\\u009b1m\xc2\xa0\"" }, /* C1 */
	{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "x\xffy", "\"x\xef\xbf\xbdy\"" },
	{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" }, /* overlong */
	{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xf4\x90\x80\x80",
	    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" }, /* cut off */
};

START_TEST(writes_texts)
{
	struct sp_buf b = SP_BUF_INIT(1000), object = SP_BUF_INIT(1000);
	struct json_t *json;

	sp_json_put_text(&b, texts[_i].text);
	ck_assert_str_eq(sp_buf_text(&b), texts[_i].want);
	sp_buf_printf(&object, "{\"a\":%s}", b.data);
	ck_assert_int_eq(parse(object.data, &json, NULL), SP_OK);
	sp_json_free(json);
	sp_buf_clear(&b);
	sp_buf_clear(&object);
}
END_TEST

static const struct {
	double value;
	const char *want;
} reals[] = {
	{ 0, "0.0" },
	{ -0.0, "-0.0" },
	{ 3, "3.0" },
	{ 0.1, "0.1" },
	{ 1.0 / 3, "0.3333333333333333" },
	{ 0.1 + 0.2, "0.30000000000000004" },
	{ 1e15, "1e+15" },
	{ 123456789012345, "123456789012345.0" },
	{ 1e100, "1e+100" },
	{ DBL_MAX, "1.7976931348623157e+308" },
	{ 5e-324, "4.94065645841247e-324" },
	{ (double)NAN, "null" },
	{ (double)INFINITY, "null" },
};

START_TEST(writes_reals)
{
	struct sp_buf b = SP_BUF_INIT(100);

	sp_json_put_real(&b, reals[_i].value);
	ck_assert_str_eq(sp_buf_text(&b), reals[_i].want);
	if (isfinite(reals[_i].value))
		ck_assert_double_eq(strtod(b.data, NULL), reals[_i].value);
	sp_buf_clear(&b);
}
END_TEST

/* Any bits that are a number come back as the same bits, and as a real. */
START_TEST(reals_round_trip)
{
	struct sp_buf b = SP_BUF_INIT(100);
	uint64_t bits = 88172645463325252u, back;
	struct json_t *json, *item;
	double value;
	int i;

	for (i = 0; i < 20000; i++) {
		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&value, &bits, sizeof value);
		if (!isfinite(value))
			continue;
		sp_buf_reset(&b);
		sp_buf_puts(&b, "{\"v\":");
		sp_json_put_real(&b, value);
		sp_buf_puts(&b, "}");
		ck_assert_int_eq(parse(b.data, &json, NULL), SP_OK);
		item = sp_json_get(json, "v");
		ck_assert_int_eq(sp_json_kind(item), SP_JSON_REAL);
		value = sp_json_real(item, 0);
		memcpy(&back, &value, sizeof back);
		ck_assert_uint_eq(back, bits);
		sp_json_free(json);
	}
	sp_buf_clear(&b);
}
END_TEST

START_TEST(writer)
{
	struct sp_buf b = SP_BUF_INIT(1000);
	struct json_t *json;
	struct sp_jw w;

	ck_assert_int_eq(parse("{\"k\":[1]}", &json, NULL), SP_OK);
	sp_jw_init(&w, &b);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "a", "x\n");
	sp_jw_text(&w, "none", NULL);
	sp_jw_open(&w, "l", '[');
	sp_jw_int(&w, NULL, -5);
	sp_jw_open(&w, NULL, '{');
	sp_jw_close(&w, '}');
	sp_jw_real(&w, NULL, 2);
	sp_jw_close(&w, ']');
	sp_jw_bool(&w, "t", true);
	sp_jw_null(&w, "n");
	sp_jw_json(&w, "j", json);
	sp_jw_close(&w, '}');
	ck_assert_str_eq(sp_buf_text(&b),
	    "{\"a\":\"x\\n\",\"none\":null,\"l\":[-5,{},2.0],\"t\":true,"
	    "\"n\":null,\"j\":{\"k\":[1]}}");
	sp_json_free(json);
	sp_buf_clear(&b);
}
END_TEST

static const struct {
	const char *text;
	size_t size;
	const char *want;
} cuts[] = {
	{ "abc", 4, "abc" },
	{ "abc", 3, "ab" },
	{ "abc", 1, "" },
	{ NULL, 4, "" },
	{ "\xc3\xa4\xc3\xa4", 4, "\xc3\xa4" }, /* no half letter */
	{ "\xf0\x9f\x98\x80", 4, "" },
	{ "\xf0\x9f\x98\x80", 5, "\xf0\x9f\x98\x80" },
};

START_TEST(cuts_texts)
{
	char out[8] = "#######";

	sp_text_cut(out, cuts[_i].size, cuts[_i].text);
	ck_assert_str_eq(out, cuts[_i].want);
}
END_TEST

Suite *
jsonout_suite(void)
{
	Suite *s = suite_create("jsonout");
	TCase *out = tcase_create("write"), *set = tcase_create("set");

	ADD_TABLE(set, sets_members, sets);
	ADD_TABLE(out, writes_texts, texts);
	ADD_TABLE(out, writes_reals, reals);
	tcase_add_test(out, reals_round_trip);
	tcase_add_test(out, writer);
	ADD_TABLE(out, cuts_texts, cuts);
	suite_add_tcase(s, set);
	suite_add_tcase(s, out);
	return s;
}
