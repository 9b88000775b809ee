/*
 * test_json.c - the door to jansson: what is read, the words for what is not,
 * and that what we write reads back the same.
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

/* ---- time ---- */

static const struct {
	int64_t ms;
	const char *text;
} moments[] = {
	{ 0, "1970-01-01T00:00:00.000Z" },
	{ -1, "1969-12-31T23:59:59.999Z" },
	{ 951782400000, "2000-02-29T00:00:00.000Z" },
	{ 951868799999, "2000-02-29T23:59:59.999Z" },
	{ 1795374132345, "2026-11-22T19:02:12.345Z" },
	{ 4107542400000, "2100-03-01T00:00:00.000Z" }, /* no leap year */
	{ 253402300799999, "9999-12-31T23:59:59.999Z" },
	{ -62135596800000, "0001-01-01T00:00:00.000Z" },
};

START_TEST(prints_time)
{
	char text[25];
	int64_t ms;

	sp_time_print(moments[_i].ms, text);
	ck_assert_str_eq(text, moments[_i].text);
	ck_assert(sp_time_parse(text, &ms));
	ck_assert_int_eq(ms, moments[_i].ms);
}
END_TEST

START_TEST(clamps_time)
{
	char text[25];

	sp_time_print(INT64_MAX, text);
	ck_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
	sp_time_print(INT64_MIN, text);
	ck_assert_str_eq(text, "0001-01-01T00:00:00.000Z");
}
END_TEST

#define NO INT64_MIN

static const struct {
	const char *text;
	int64_t ms;
} times[] = {
	{ "2026-11-22T19:02:12Z", 1795374132000 },
	{ "2026-11-22t19:02:12z", 1795374132000 },
	{ "2026-11-22T19:02:12.3Z", 1795374132300 },
	{ "2026-11-22T19:02:12.3456789Z", 1795374132345 },
	{ "2026-11-22T20:02:12+01:00", 1795374132000 },
	{ "2026-11-22T13:32:12-05:30", 1795374132000 },
	{ "2026-11-22 19:02:12", 1795374132000 },
	{ "2026-11-22 19:02", 1795374120000 },
	{ "2026-11-22T19:02", 1795374120000 },
	{ "2026-11-22T19:02Z", 1795374120000 },
	{ "2016-12-31T23:59:60Z", 1483228800000 }, /* a leap second */
	{ "2026-11-22", NO },
	{ "2026-11-22T", NO },
	{ "2026-11-22T19", NO },
	{ "2026-11-22T24:00Z", NO },
	{ "2026-11-22T19:60Z", NO },
	{ "2026-11-22T19:02:61Z", NO },
	{ "2026-11-22T19:02:12.Z", NO },
	{ "2026-11-22T19:02:12+1:00", NO },
	{ "2026-11-22T19:02:12+01:60", NO },
	{ "2026-11-22T19:02:12 Z", NO },
	{ "2026-11-22T19:02:12Zx", NO },
	{ " 2026-11-22T19:02:12Z", NO },
	{ "2026-13-01T00:00Z", NO },
	{ "2026-00-01T00:00Z", NO },
	{ "2026-02-29T00:00Z", NO },
	{ "2100-02-29T00:00Z", NO },
	{ "2026-04-31T00:00Z", NO },
	{ "2026-04-00T00:00Z", NO },
	{ "26-04-01T00:00Z", NO },
	{ "", NO },
	{ "tomorrow", NO },
};

START_TEST(parses_time)
{
	int64_t ms = NO;

	ck_assert_int_eq(
	    sp_time_parse(times[_i].text, &ms), times[_i].ms != NO);
	ck_assert_int_eq(ms, times[_i].ms);
}
END_TEST

Suite *
json_suite(void)
{
	Suite *s = suite_create("json");
	TCase *in = tcase_create("read"), *out = tcase_create("write");
	TCase *set = tcase_create("set"), *when = tcase_create("time");

	ADD_TABLE(in, reads, good);
	ADD_TABLE(in, refuses, bad);
	tcase_add_test(in, refuses_nul);
	tcase_add_test(in, bounds_depth);
	tcase_add_test(in, parses_means_complete);
	ADD_TABLE(in, reads_loosely, loose);
	ADD_TABLE(in, refuses_loosely, loose_bad);
	tcase_add_test(in, odd_list_is_bounded);
	tcase_add_test(in, looks);
	ADD_TABLE(set, sets_members, sets);
	ADD_TABLE(out, writes_texts, texts);
	ADD_TABLE(out, writes_reals, reals);
	tcase_add_test(out, reals_round_trip);
	tcase_add_test(out, writer);
	ADD_TABLE(out, cuts_texts, cuts);
	ADD_TABLE(when, prints_time, moments);
	tcase_add_test(when, clamps_time);
	ADD_TABLE(when, parses_time, times);
	suite_add_tcase(s, in);
	suite_add_tcase(s, set);
	suite_add_tcase(s, out);
	suite_add_tcase(s, when);
	return s;
}
