/*
 * test_where.c - the language of --where: what is read and what is refused, in
 * which words; what an expression says of an order.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/where.h"
#include "tests/unit/suites.h"

/* The order that all is asked of. */
static const char order[] = "{\"state\":\"failed\",\"lr\":0.01,\"n\":3,"
			    "\"big\":18446744073709551615,\"opt\":\"Adam\","
			    "\"digits\":\"0.5\",\"yes\":true,\"no\":false,"
			    "\"nothing\":null,\"empty\":\"\","
			    "\"tags\":[\"wine\",\"night\",7],\"none\":[],"
			    "\"o\":{\"a\":1},\"age\":7300,\"mem\":17179869184,"
			    "\"at\":\"2026-11-22T19:02:12.345Z\","
			    "\"my field\":1,\"and\":1}";

struct asked {
	const struct sp_where *where;
	struct json_t *json;
	size_t n;
};

static void
worth(void *arg, size_t i, struct sp_value *value_out)
{
	struct asked *asked = arg;

	sp_value_json(sp_json_get(asked->json, sp_where_field(asked->where, i)),
	    value_out);
	asked->n++;
}

static const struct {
	const char *text;
	int is; /* -1: refused, and then what the words have in them */
	const char *words;
} rows[] = {
	{ "state=failed", 1, NULL },
	{ "state==failed", 1, NULL },
	{ "state = 'failed'", 1, NULL },
	{ "\"state\"=\"failed\"", 1, NULL },
	{ "state=Failed", 0, NULL },
	{ "state!=done", 1, NULL },
	{ "state<>failed", 0, NULL },
	{ "state=failed and lr<0.1", 1, NULL },
	{ "state=failed and lr<0.01", 0, NULL },
	{ "state=failed && lr<=0.01", 1, NULL },
	{ "state=done or lr=1e-2", 1, NULL },
	{ "state=done || lr=1e-2", 1, NULL },
	{ "lr>=.01", 1, NULL },
	{ "lr>0.01", 0, NULL },
	{ "n=3.0", 1, NULL },
	{ "n=-3", 0, NULL },
	{ "n>-3", 1, NULL },
	{ "not n=4", 1, NULL },
	{ "!n=3", 0, NULL },
	{ "not not n=3", 1, NULL },
	{ "not (n=3 and lr=0.01)", 0, NULL },
	/* and binds more than or */
	{ "n=3 or n=4 and n=5", 1, NULL },
	{ "(n=3 or n=4) and n=5", 0, NULL },
	{ "NOT n=4 AND n=3", 1, NULL },
	/* texts */
	{ "opt~adam", 1, NULL },
	{ "opt~DA", 1, NULL },
	{ "opt~sgd", 0, NULL },
	{ "opt!~sgd", 1, NULL },
	{ "opt<Beta", 1, NULL },
	{ "digits<0.6", 1, NULL },
	{ "digits=0.50", 1, NULL },
	{ "n~3", 1, NULL },
	{ "opt=3", 0, NULL },
	{ "n=three", 0, NULL },
	{ "n!=three", 1, NULL },
	{ "n<three", 0, NULL },
	/* what is there */
	{ "n", 1, NULL },
	{ "yes", 1, NULL },
	{ "no", 0, NULL },
	{ "empty", 0, NULL },
	{ "nothing", 0, NULL },
	{ "nowhere", 0, NULL },
	{ "none", 0, NULL },
	{ "tags and not none", 1, NULL },
	{ "yes=true", 1, NULL },
	{ "nowhere=3", 0, NULL },
	{ "nowhere!=3", 1, NULL },
	{ "nowhere<3", 0, NULL },
	{ "nowhere>3", 0, NULL },
	{ "nowhere~x", 0, NULL },
	{ "nowhere!~x", 1, NULL },
	{ "nowhere=null", 1, NULL },
	{ "nothing=null", 1, NULL },
	{ "n=null", 0, NULL },
	{ "n!=null", 1, NULL },
	{ "opt='null'", 0, NULL },
	/* lists: any */
	{ "tags=wine", 1, NULL },
	{ "tags=7", 1, NULL },
	{ "tags=win", 0, NULL },
	{ "tags~win", 1, NULL },
	{ "tags!=wine", 0, NULL },
	{ "tags!=beer", 1, NULL },
	{ "tags!~win", 0, NULL },
	{ "tags=null", 0, NULL },
	{ "o~'\"a\":1'", 1, NULL },
	/* units */
	{ "age>2h", 1, NULL },
	{ "age>3h", 0, NULL },
	{ "age<1d", 1, NULL },
	{ "mem=16G", 1, NULL },
	{ "mem<512M", 0, NULL },
	{ "at>2026-11-22", 1, NULL },
	{ "at>2026-11-23", 0, NULL },
	{ "at>'2026-11-22 19:02'", 1, NULL },
	{ "at<2026-11-22T19:02:13Z", 1, NULL },
	{ "at~2026-11", 1, NULL },
	/* names */
	{ "'my field'=1", 1, NULL },
	{ "'and'=1", 1, NULL },
	{ "n=3 and", -1, "it ends where the name of a field is expected" },
	{ "", -1, "the name of a field" },
	{ "   ", -1, "the name of a field" },
	{ "=3", -1, "the name of a field is expected at \"=3\"" },
	{ "n=", -1, "it ends where a value is expected" },
	{ "n==)", -1, "a value is expected at \")\"" },
	{ "state failed", -1, "an operator (= != < <= > >= ~)" },
	{ "state=failed lr=1", -1, "or the end is expected at \"lr=1\"" },
	{ "(n=3", -1, "closing bracket" },
	{ "n=3)", -1, "expected at \")\"" },
	{ "n='3", -1, "the other quote" },
	{ "n=3 & n=4", -1, "&& or ||" },
	{ "and=1", -1, "the name of a field" },
	{ "''=1", -1, "the name of a field" },
	{ "\x1b[31m=1 \x1b", -1, "operator" },
};

START_TEST(says)
{
	struct sp_err err = { "" };
	struct sp_where *where;
	struct asked asked = { 0 };
	enum sp_status st;

	st = sp_where_parse(rows[_i].text, &where, &err);
	ck_assert_msg((st == SP_OK) == (rows[_i].is >= 0), "%s: %s",
	    rows[_i].text, err.text);
	if (st != SP_OK) {
		ck_assert_int_eq(st, SP_BAD);
		ck_assert_msg(strstr(err.text, rows[_i].words) != NULL,
		    "%s: %s", rows[_i].text, err.text);
		return;
	}
	ck_assert_int_eq(
	    sp_json_parse(order, strlen(order), &asked.json, NULL), SP_OK);
	asked.where = where;
	ck_assert_msg(sp_where_is(where, worth, &asked) == (rows[_i].is == 1),
	    "%s", rows[_i].text);
	sp_json_free(asked.json);
	sp_where_free(where);
}
END_TEST

/* What does not matter is not asked for: it may cost a file. */
START_TEST(asks_little)
{
	struct sp_where *where;
	struct asked asked = { 0 };

	ck_assert_int_eq(
	    sp_where_parse("n=4 and opt~a and n=3", &where, NULL), SP_OK);
	ck_assert_uint_eq(sp_where_fields(where), 2);
	ck_assert_int_eq(
	    sp_json_parse(order, strlen(order), &asked.json, NULL), SP_OK);
	asked.where = where;
	ck_assert(!sp_where_is(where, worth, &asked));
	ck_assert_uint_eq(asked.n, 1);
	sp_json_free(asked.json);
	sp_where_free(where);
}
END_TEST

START_TEST(too_much)
{
	struct sp_err err = { "" };
	struct sp_where *where;
	char text[SP_WHERE_MAX + 3];

	memset(text, '(', sizeof text);
	text[SP_WHERE_MAX + 2] = '\0';
	ck_assert_int_eq(sp_where_parse(text, &where, &err), SP_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "longer than"));
	err.text[0] = text[200] = '\0';
	ck_assert_int_eq(sp_where_parse(text, &where, &err), SP_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "deep"));
	memset(text, ' ', sizeof text);
	for (size_t i = 0; i + 5 < SP_WHERE_MAX - 2; i += 5)
		memcpy(text + i, "a or ", 5);
	text[SP_WHERE_MAX - 6] = 'a';
	text[SP_WHERE_MAX - 5] = '\0';
	err.text[0] = '\0';
	ck_assert_int_eq(sp_where_parse(text, &where, &err), SP_BAD);
	ck_assert_msg(strstr(err.text, "parts") != NULL, "%s", err.text);
	/* as many words as fit, in quotes side by side */
	memset(text, '"', SP_WHERE_MAX);
	text[SP_WHERE_MAX] = '\0';
	ck_assert_int_eq(sp_where_parse(text, &where, NULL), SP_BAD);
}
END_TEST

START_TEST(sorting)
{
	static const struct sp_value v[] = {
		{ .kind = SP_VALUE_NUMBER, .number = -1 },
		{ .kind = SP_VALUE_NUMBER, .number = 2 },
		{ .kind = SP_VALUE_TEXT, .text = "1" },
		{ .kind = SP_VALUE_TEXT, .text = "a" },
		{ .kind = SP_VALUE_LIST },
		{ .kind = SP_VALUE_NONE },
	};

	for (size_t i = 0; i < COUNT(v); i++)
		for (size_t k = 0; k < COUNT(v); k++) {
			int c = sp_value_cmp(&v[i], &v[k]);

			ck_assert_int_eq((c > 0) - (c < 0), (i > k) - (i < k));
		}
}
END_TEST

Suite *
where_suite(void)
{
	Suite *s = suite_create("where");
	TCase *c = tcase_create("where");

	tcase_add_loop_test(c, says, 0, (int)COUNT(rows));
	tcase_add_test(c, asks_little);
	tcase_add_test(c, too_much);
	tcase_add_test(c, sorting);
	suite_add_tcase(s, c);
	return s;
}
