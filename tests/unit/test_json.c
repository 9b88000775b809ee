/*
 * test_json.c - the door to jansson: what is read, and the words for what is
 * not.  What is set and written is in test_jsonout.c.
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

/* Read and written again; `want` NULL: as it was. */
static void
same(const char *text, const char *want)
{
	struct sp_buf b = SP_BUF_INIT(1 << 20);
	struct sp_err err = { "" };
	struct json_t *json;

	ck_assert_msg(
	    parse(text, &json, &err) == SP_OK, "%s: %s", text, err.text);
	sp_json_put(&b, json);
	ck_assert_str_eq(sp_buf_text(&b), want == NULL ? text : want);
	sp_json_free(json);
	sp_buf_clear(&b);
}

static const struct {
	const char *text, *want;
} good[] = {
	{ "{}", NULL },
	{ " \n{ \"b\" : 1 , \"a\" : [ ] }\r\n\t", "{\"b\":1,\"a\":[]}" },
	{ "{\"z\":1,\"y\":2,\"x\":3,\"w\":4,\"v\":5,\"u\":6,\"t\":7,\"s\":8,"
	  "\"r\":9}",
	    NULL },
	{ "{\"a\":[true,false,null,\"\",{}]}", NULL },
	{ "{\"a\":9223372036854775807,\"b\":-9223372036854775808}", NULL },
	/* beyond 64 bits: as they were written, and only those */
	{ "{\"a\":9223372036854775808,\"b\":7}", NULL },
	{ "{\"a\":-99999999999999999999,\"b\":[99999999999999999999]}", NULL },
	{ "{\"a\":\"99999999999999999999\"}", NULL },
	{ "{\"a\":0.1,\"b\":3.0,\"c\":1e5,\"d\":-0.0,\"e\":1E-7}",
	    "{\"a\":0.1,\"b\":3.0,\"c\":100000.0,\"d\":-0.0,\"e\":1e-07}" },
	{ "{\"a\":1e-400}", "{\"a\":0.0}" },
	{ "{\"a\":\"\\u00e4\\ud83d\\ude00\"}",
	    "{\"a\":\"\xc3\xa4\xf0\x9f\x98\x80\"}" },
	{ "{\"a\":\"\\\\u0000\"}", NULL }, /* a backslash, then letters */
	{ "{\"a\":\"NaN [[[ {{{ \\\" // 99999999999999999999\"}", NULL },
	{ "{\"a\":\"\\b\\f\\n\\r\\t\\\\\\/\"}",
	    "{\"a\":\"\\b\\f\\n\\r\\t\\\\/\"}" },
};

START_TEST(reads)
{
	same(good[_i].text, good[_i].want);
}
END_TEST

static const struct {
	const char *text, *words;
} bad[] = {
	{ "", "the file is empty" }, { " \n\t", "the file is empty" },
	{ "\xef\xbb\xbf{}", "byte order mark" }, { "\xff\xfe{", "UTF-16" },
	{ "[1]", "line 1, column 1, at [: expected one object" },
	{ "null", "expected one object" }, { "7", "expected one object" },
	{ "\"x\"", "expected one object" },
	{ "{", "line 1, column 2: it ends in the middle" },
	{ "{\"a\":\"x", "it ends in the middle" },
	{ "{\"a\":[1,", "it ends in the middle" },
	{ "{\"a\":1,}", "line 1, column 8, at }: there is a comma too many" },
	{ "{\n \"a\":[1,\n ]}", "line 3, column 2, at ]: there is a comma" },
	{ "{\"a\":1,,\"b\":2}", "a comma too many" },
	{ "{,}", "a comma too many" },
	{ "{'a':1}",
	    "line 1, column 2, at 'a': texts and names stand in "
	    "double quotes" },
	{ "{\"a\":'b'}", "double quotes" },
	{ "{\xe2\x80\x9c"
	  "a\xe2\x80\x9d:1}",
	    "double quotes" },
	{ "{a:1}", "a name is expected here, in double quotes" },
	{ "{\"a\":b}", "a text must stand in double quotes" },
	{ "{\"a\":{{}}}", "a name is expected here" },
	{ "{\"a\":NaN}",
	    "line 1, column 6, at NaN: not a JSON number; write "
	    "null instead" },
	{ "{\"a\":[Infinity]}", "write null instead" },
	{ "{\"a\":-Infinity}", "at -Infinity: not a JSON number; write null" },
	{ "{\"a\":nan}", "write null instead" },
	{ "{\"a\":True}", "write true" }, { "{\"a\":False}", "write false" },
	{ "{\"a\":None}", "write null" },
	{ "// c\n{}", "JSON has no comments" },
	{ "{\"a\":1 // c\n}", "JSON has no comments" },
	{ "{\"a\":1,\n# c\n\"b\":2}", "line 2, column 1, at #: JSON has no" },
	{ "{\"a\" 1}", "a comma or a colon is missing" },
	{ "{\"a\" \"b\"}", "a colon is missing" },
	{ "{\"a\"{}}", "a colon is missing" },
	{ "{\"a\":1\n \"b\":2}",
	    "line 2, column 2, at \"b\": a comma is "
	    "missing" },
	{ "{\"a\":[1 2]}", "a comma or a colon is missing" },
	{ "{\"a\":[[1][2]]}", "a comma is missing" },
	{ "{\"a\":}", "a value is missing" },
	{ "{\"a\":1]", "the brackets do not match" },
	{ "{\"a\":[1}", "the brackets do not match" },
	{ "{\"a\":1} x", "something follows the closing '}'" },
	{ "{\"a\":1}}", "something follows the closing '}'" },
	{ "{\"a\":1}\n{\"b\":2}", "line 2, column 1, at {: a second object" },
	{ "{\"a\":1,\"b\":2,\"a\":3}",
	    "column 14, at \"a\": the same name "
	    "appears twice" },
	{ "{\"a\":{\"b\":1,\"\\u0062\":2}}", "twice" },
	{ "{\"a\":1e999}", "at 1e999: too big for a number" },
	{ "{\"a\":01}", "no leading zero" },
	{ "{\"a\":+1}", "no leading zero or +" },
	{ "{\"a\":.5}", "write a number as 7 or 0.5" },
	{ "{\"a\":1.}", "not a number" },
	{ "{\"a\":\"x\ny\"}", "a text ends on the line where it starts" },
	{ "{\"a\":\"x\ty\"}", "a control character in a text" },
	{ "{\"a\":\"C:\\data\"}",
	    "column 10: a backslash that escapes "
	    "nothing" },
	{ "{\"a\":\"\\ud800\"}", "half a character" },
	{ "{\"a\":\"\xff\"}", "line 1, column 7: not UTF-8" },
	{ "{\"a\":\"\xc0\xaf\"}", "not UTF-8" },
	{ "{\"a\":\"\\u0000\"}", "line 1, column 7: \\u0000 in a text" },
	{ "{\"\\u0000\":1}", "\\u0000 in a text" },
	{ "{\"\xc3\xa4\":1,x}", "line 1, column 8, at x" }, /* letters */
};

START_TEST(refuses)
{
	struct sp_err err = { "" };
	struct json_t *json;

	ck_assert_int_eq(parse(bad[_i].text, &json, &err), SP_BAD);
	ck_assert_ptr_null(json);
	ck_assert_msg(strstr(err.text, bad[_i].words) != NULL,
	    "%s: \"%s\", wanted \"%s\"", bad[_i].text, err.text, bad[_i].words);
	ck_assert_int_eq(parse(bad[_i].text, &json, NULL), SP_BAD);
}
END_TEST

START_TEST(refuses_nul)
{
	static const char text[] = "{\"a\":1,\n\"b\0\":2}";
	struct sp_err err = { "" };
	struct json_t *json;

	ck_assert_int_eq(
	    sp_json_parse(text, sizeof text - 1, &json, &err), SP_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "line 2, column 3: a NUL byte"));
	sp_err_clear(&err); /* behind the end of an object as well */
	ck_assert_int_eq(sp_json_parse("{}\0\0", 4, &json, &err), SP_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "NUL"));
}
END_TEST

static void
nest(struct sp_buf *b, size_t levels)
{
	size_t i;

	sp_buf_puts(b, "{\"a\":");
	for (i = 1; i < levels; i++)
		sp_buf_puts(b, "[");
	for (i = 1; i < levels; i++)
		sp_buf_puts(b, "]");
	sp_buf_puts(b, "}");
}

START_TEST(bounds_depth)
{
	struct sp_buf b = SP_BUF_INIT(1 << 20);
	struct sp_err err = { "" };
	struct json_t *json;

	sp_buf_puts(&b, "{\"b\":\"");
	sp_buf_puts(&b, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
	sp_buf_puts(&b, "[[[[[[[[[[[[[[[[[[[[[[\"}"); /* inside a text */
	ck_assert_int_eq(parse(b.data, &json, NULL), SP_OK);
	sp_json_free(json);
	sp_buf_reset(&b);
	nest(&b, SP_JSON_DEPTH);
	ck_assert_int_eq(parse(b.data, &json, NULL), SP_OK);
	sp_json_free(json);
	sp_buf_reset(&b);
	nest(&b, SP_JSON_DEPTH + 1);
	ck_assert_int_eq(parse(b.data, &json, &err), SP_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "nested too deeply"));
	sp_buf_reset(&b);
	nest(&b, 400000);
	ck_assert_int_eq(parse(b.data, &json, NULL), SP_BAD);
	sp_buf_clear(&b);
}
END_TEST

/* What makes a drop complete: no proper prefix of an object is one. */
START_TEST(parses_means_complete)
{
	static const char text[] =
	    "{\"a\":[1,{\"b\":\"}\"},2.5e3],\"c\":{\"d\":null}}";
	struct json_t *json;
	size_t n;

	for (n = 0; n < sizeof text - 1; n++)
		ck_assert_int_eq(sp_json_parse(text, n, &json, NULL), SP_BAD);
	ck_assert_int_eq(sp_json_parse(text, n, &json, NULL), SP_OK);
	sp_json_free(json);
}
END_TEST

/* ---- loose ---- */

static const struct {
	const char *text, *want, *odd;
} loose[] = {
	{ "{\"a\":1}", "{\"a\":1}", "" },
	{ "{\"a\":NaN}", "{\"a\":null}", "a" },
	{ "{\"a\":[1,Infinity,{\"b\":-Infinity}],\"c\":2,\"d\":NaN}",
	    "{\"a\":[1,null,{\"b\":null}],\"c\":2,\"d\":null}", "a.1,a.2.b,d" },
	{ "{\"a\":\"NaN\",\"b\":\"x NaN, Infinity\"}",
	    "{\"a\":\"NaN\",\"b\":\"x NaN, Infinity\"}", "" },
	{ "{\"x,y\":NaN,\"z\":99999999999999999999}",
	    "{\"x,y\":null,\"z\":99999999999999999999}", "x_y" },
};

START_TEST(reads_loosely)
{
	struct sp_buf odd = SP_BUF_INIT(1000), b = SP_BUF_INIT(1000);
	struct json_t *json;

	ck_assert_int_eq(sp_json_parse_loose(loose[_i].text,
			     strlen(loose[_i].text), &json, &odd, NULL),
	    SP_OK);
	sp_json_put(&b, json);
	ck_assert_str_eq(sp_buf_text(&b), loose[_i].want);
	ck_assert_str_eq(sp_buf_text(&odd), loose[_i].odd);
	sp_json_free(json);
	sp_buf_clear(&b);
	sp_buf_clear(&odd);
}
END_TEST

static const struct {
	const char *text, *words;
} loose_bad[] = {
	{ "{NaN:1}", "line 1, column 2, at NaN" },
	{ "{\"a\":NaNa}", "at NaNa" },
	{ "{\"a\":+Infinity}", "at +Infinity" },
	/* places are the source's, not those of what jansson was given */
	{ "{\"n\":NaN,\n\"m\":-Infinity,}", "line 2, column 15, at }: there" },
	{ "{\"n\":NaN,\"k\":99999999999999999999,'x':2}",
	    "line 1, column 35, at 'x': texts" },
	{ "{\"n\":NaN,\"s\":\"\\u0000\"}", "\\u0000 in a text" },
	{ "{\"n\":NaN,\"n\":NaN}", "twice" },
	{ "{\"n\":NaN", "it ends in the middle" },
};

START_TEST(refuses_loosely)
{
	struct sp_buf odd = SP_BUF_INIT(1000);
	struct sp_err err = { "" };
	struct json_t *json;

	ck_assert_int_eq(sp_json_parse_loose(loose_bad[_i].text,
			     strlen(loose_bad[_i].text), &json, &odd, &err),
	    SP_BAD);
	ck_assert_msg(strstr(err.text, loose_bad[_i].words) != NULL,
	    "%s: \"%s\", wanted \"%s\"", loose_bad[_i].text, err.text,
	    loose_bad[_i].words);
	ck_assert_uint_eq(odd.len, 0);
	sp_buf_clear(&odd);
}
END_TEST

START_TEST(odd_list_is_bounded)
{
	static const char text[] = "{\"aaaa\":NaN,\"bbbb\":NaN,\"cccc\":NaN}";
	struct sp_buf odd = SP_BUF_INIT(10);
	struct json_t *json;

	ck_assert_int_eq(
	    sp_json_parse_loose(text, strlen(text), &json, &odd, NULL), SP_OK);
	ck_assert_str_eq(sp_buf_text(&odd), "aaaa,bbbb");
	ck_assert(odd.failed);
	ck_assert_int_eq(sp_json_kind(sp_json_get(json, "cccc")), SP_JSON_NULL);
	sp_json_free(json);
	sp_buf_clear(&odd);
}
END_TEST

/* ---- looking ---- */

START_TEST(looks)
{
	static const char text[] =
	    "{\"i\":7,\"r\":2.5,\"w\":8.0,\"t\":\"x\",\"l\":[1,2],\"o\":{\"k\":"
	    "null},\"y\":true,\"n\":false,\"big\":1e300}";
	struct json_t *j, *value;
	const char *key;
	void *iter = NULL;
	char keys[32] = "";

	ck_assert_int_eq(parse(text, &j, NULL), SP_OK);
	ck_assert_int_eq(sp_json_int(sp_json_get(j, "i"), -1), 7);
	ck_assert_int_eq(sp_json_int(sp_json_get(j, "w"), -1), 8);
	ck_assert_int_eq(sp_json_int(sp_json_get(j, "r"), -1), -1);
	ck_assert_int_eq(sp_json_int(sp_json_get(j, "big"), -1), -1);
	ck_assert_int_eq(sp_json_int(sp_json_get(j, "t"), -1), -1);
	ck_assert_double_eq(sp_json_real(sp_json_get(j, "i"), -1), 7);
	ck_assert_double_eq(sp_json_real(sp_json_get(j, "r"), -1), 2.5);
	ck_assert_double_eq(sp_json_real(sp_json_get(j, "none"), -1), -1);
	ck_assert_str_eq(sp_json_text(sp_json_get(j, "t")), "x");
	ck_assert_ptr_null(sp_json_text(sp_json_get(j, "i")));
	ck_assert_ptr_null(sp_json_text(NULL));
	ck_assert_uint_eq(sp_json_count(sp_json_get(j, "l")), 2);
	ck_assert_uint_eq(sp_json_count(j), 9);
	ck_assert_uint_eq(sp_json_count(NULL), 0);
	ck_assert_int_eq(sp_json_int(sp_json_at(sp_json_get(j, "l"), 1), 0), 2);
	ck_assert_ptr_null(sp_json_at(sp_json_get(j, "l"), 2));
	ck_assert(sp_json_true(sp_json_get(j, "y")));
	ck_assert(!sp_json_true(sp_json_get(j, "n")));
	ck_assert(!sp_json_true(sp_json_get(j, "i")));
	ck_assert_ptr_null(sp_json_get(NULL, "x"));
	ck_assert_str_eq(sp_json_kind_text(sp_json_get(j, "o")), "an object");
	ck_assert_str_eq(sp_json_kind_text(NULL), "nothing");
	while (sp_json_next(j, &iter, &key, &value))
		strcat(keys, key);
	ck_assert_str_eq(keys, "irwtloynbig");
	sp_json_free(j);
	sp_json_free(NULL);
}
END_TEST

Suite *
json_suite(void)
{
	Suite *s = suite_create("json");
	TCase *in = tcase_create("read");

	ADD_TABLE(in, reads, good);
	ADD_TABLE(in, refuses, bad);
	tcase_add_test(in, refuses_nul);
	tcase_add_test(in, bounds_depth);
	tcase_add_test(in, parses_means_complete);
	ADD_TABLE(in, reads_loosely, loose);
	ADD_TABLE(in, refuses_loosely, loose_bad);
	tcase_add_test(in, odd_list_is_bounded);
	tcase_add_test(in, looks);
	suite_add_tcase(s, in);
	return s;
}
