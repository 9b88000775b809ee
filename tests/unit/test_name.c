/*
 * test_name.c - orders' names and drops: one spelling each.
 */
#include <string.h>

#include "libspool/name.h"
#include "tests/unit/suites.h"

#define ID  "20261122T190212345-9f3c21ab"
#define L10 "abcdefghij"
#define L60 L10 L10 L10 L10 L10 L10

/* ---- orders ---- */

static const struct {
	const char *text;
	enum sp_status want;
} names[] = {
	{ "50." ID ".t1a0.json", SP_OK },
	{ "50." ID ".t1a0.jsonl", SP_OK },
	{ "50." ID ".t1a0.wine.json", SP_OK },
	{ "50." ID ".t1a0@gpu07-3fa9c2.json", SP_OK },
	{ "50." ID ".t1a0@gpu07-3fa9c2.wine.json", SP_OK },
	{ "00." ID ".t999999a999999.json", SP_OK },
	{ "99." ID ".t10a9." L60 "abcd.jsonl", SP_OK },
	{ "50." ID ".t1a0.json.json", SP_OK }, /* a label "json" */
	{ "50." ID ".t1a0.-.json", SP_OK },
	{ "50." ID ".t1a0@" L10 L10 L10 L10 "-000000." L60 "abcd.json", SP_OK },
	{ "5." ID ".t1a0.json", SP_BAD },
	{ "050." ID ".t1a0.json", SP_BAD },
	{ "5x." ID ".t1a0.json", SP_BAD },
	{ "-1." ID ".t1a0.json", SP_BAD },
	{ " 5." ID ".t1a0.json", SP_BAD },
	{ ID ".t1a0.json", SP_BAD },
	{ "50." ID ".t0a0.json", SP_BAD },
	{ "50." ID ".t01a0.json", SP_BAD },
	{ "50." ID ".t1a00.json", SP_BAD },
	{ "50." ID ".t1000000a0.json", SP_BAD },
	{ "50." ID ".t1a1000000.json", SP_BAD },
	{ "50." ID ".t18446744073709551617a0.json", SP_BAD },
	{ "50." ID ".t+1a0.json", SP_BAD },
	{ "50." ID ".t1a.json", SP_BAD },
	{ "50." ID ".ta0.json", SP_BAD },
	{ "50." ID ".t1.json", SP_BAD },
	{ "50." ID ".T1a0.json", SP_BAD },
	{ "50." ID ".t1a0", SP_BAD },
	{ "50." ID ".t1a0.", SP_BAD },
	{ "50." ID ".t1a0..json", SP_BAD },
	{ "50." ID ".t1a0.JSON", SP_BAD },
	{ "50." ID ".t1a0.jsonx", SP_BAD },
	{ "50." ID ".t1a0.wine", SP_BAD },
	{ "50." ID ".t1a0.wi.ne.json", SP_BAD },
	{ "50." ID ".t1a0.wi ne.json", SP_BAD },
	{ "50." ID ".t1a0.wi/ne.json", SP_BAD },
	{ "50." ID ".t1a0." L60 "abcde.json", SP_BAD },
	{ "50." ID ".t1a0@.json", SP_BAD },
	{ "50." ID ".t1a0@gpu07.json", SP_BAD },
	{ "50." ID ".t1a0@gpu07-3FA9C2.json", SP_BAD },
	{ "50." ID ".t1a0@@gpu07-3fa9c2.json", SP_BAD },
	{ "50." ID ".t1a0.@gpu07-3fa9c2.json", SP_BAD },
	{ "50." ID ".t1a0.wine@gpu07-3fa9c2.json", SP_BAD },
	{ "50." ID "@gpu07-3fa9c2.t1a0.json", SP_BAD },
	{ "50." ID ".t1a0@gpu07-3fa9c2", SP_BAD },
	{ "50." ID ".t1a0@" L60 "-3fa9c2.json", SP_BAD },
	{ "50.20260230T190212345-9f3c21ab.t1a0.json", SP_BAD },
	{ "50." ID ".t1a0.json ", SP_BAD },
	{ "50." ID ".t1a0.json\n", SP_BAD },
	{ "50", SP_BAD },
	{ "50.", SP_BAD },
	{ "", SP_BAD },
};

START_TEST(name_parse)
{
	struct sp_name name = { .prio = 77 };
	char text[SP_NAME_MAX];

	ck_assert_int_eq(sp_name_parse(names[_i].text, &name), names[_i].want);
	if (names[_i].want != SP_OK) {
		ck_assert_int_eq(name.prio, 77); /* left as it was */
		return;
	}
	sp_name_print(&name, text);
	ck_assert_str_eq(text, names[_i].text);
}
END_TEST

START_TEST(name_fields)
{
	struct sp_name name;

	ck_assert_int_eq(
	    sp_name_parse("07." ID ".t12a3@gpu07-3fa9c2.wine.jsonl", &name),
	    SP_OK);
	ck_assert_int_eq(name.prio, 7);
	ck_assert_str_eq(name.id.text, ID);
	ck_assert_uint_eq(name.ticket, 12);
	ck_assert_uint_eq(name.attempt, 3);
	ck_assert_str_eq(name.worker, "gpu07-3fa9c2");
	ck_assert_str_eq(name.label, "wine");
	ck_assert(name.bundle);

	ck_assert_int_eq(sp_name_parse("50." ID ".t1a0.json", &name), SP_OK);
	ck_assert_str_eq(name.worker, "");
	ck_assert_str_eq(name.label, "");
	ck_assert(!name.bundle);
}
END_TEST

/* In the order of their bytes, which is the order of dispatch. */
static const char *const sorted[] = {
	"00." ID ".t1a0.json",
	"07.20261122T190212345-9f3c21aa.t1a0.json",
	"07.20261122T190212345-9f3c21ab.t1a0.json",
	"50.20261121T235959999-ffffffff.t9a9.json",
	"50." ID ".t1a0.JSON.json",
	"50." ID ".t1a0.a-b.json", /* '-' is before '.' */
	"50." ID ".t1a0.a.json",
	"50." ID ".t1a0.a.jsonl",
	"50." ID ".t1a0.json",
	"50." ID ".t1a0.json-x.json",
	"50." ID ".t1a0.json.json",
	"50." ID ".t1a0.jsonl",
	"50." ID ".t1a0.jsonl.json",
	"50." ID ".t1a0.z.json",
	"50." ID ".t1a0@a-000000-000000.json",
	"50." ID ".t1a0@a-000000.b.json",
	"50." ID ".t1a0@a-000000.json",
	"50." ID ".t1a1.json",
	"50." ID ".t2a0.json",
};

static int
sign(int value)
{
	return (value > 0) - (value < 0);
}

START_TEST(name_order)
{
	struct sp_name a, b;

	ck_assert_int_eq(sp_name_parse(sorted[_i], &a), SP_OK);
	for (size_t j = 0; j < COUNT(sorted); j++) {
		ck_assert_int_eq(sp_name_parse(sorted[j], &b), SP_OK);
		ck_assert_msg(
		    sign(strcmp(sorted[_i], sorted[j])) == sign(_i - (int)j),
		    "the table is not sorted at %s", sorted[j]);
		ck_assert_msg(sign(sp_name_cmp(&a, &b)) == sign(_i - (int)j),
		    "%s against %s", sorted[_i], sorted[j]);
	}
}
END_TEST

START_TEST(name_order_by_value)
{
	struct sp_name a, b;

	ck_assert_int_eq(sp_name_parse("50." ID ".t9a0.json", &a), SP_OK);
	ck_assert_int_eq(sp_name_parse("50." ID ".t10a0.json", &b), SP_OK);
	ck_assert_int_lt(sp_name_cmp(&a, &b), 0);
	ck_assert_int_eq(sp_name_parse("50." ID ".t9a9.json", &a), SP_OK);
	ck_assert_int_eq(sp_name_parse("50." ID ".t9a10.json", &b), SP_OK);
	ck_assert_int_lt(sp_name_cmp(&a, &b), 0);
}
END_TEST

static const struct {
	const char *text;
	enum sp_status want;
} attempts[] = {
	{ ID ".t1a0@gpu07-3fa9c2", SP_OK },
	{ ID ".t12a3@x-000000", SP_OK },
	{ ID ".t1a0", SP_BAD },
	{ ID ".t1a0@", SP_BAD },
	{ ID ".t1a0@gpu07-3fa9c2.log", SP_BAD },
	{ ID ".t0a0@gpu07-3fa9c2", SP_BAD },
	{ ID ".t1a01@gpu07-3fa9c2", SP_BAD },
	{ "50." ID ".t1a0@gpu07-3fa9c2", SP_BAD },
	{ "." ID ".t1a0@gpu07-3fa9c2", SP_BAD },
	{ "", SP_BAD },
};

START_TEST(attempt_parse)
{
	struct sp_name name;
	char text[SP_NAME_MAX];

	ck_assert_int_eq(
	    sp_attempt_parse(attempts[_i].text, &name), attempts[_i].want);
	if (attempts[_i].want != SP_OK)
		return;
	ck_assert_int_eq(name.prio, SP_PRIO_USUAL);
	ck_assert_str_eq(name.label, "");
	sp_attempt_print(&name, text);
	ck_assert_str_eq(text, attempts[_i].text);
}
END_TEST

static const struct {
	const char *text;
	bool want;
} same[] = {
	{ "50." ID ".t2a1@gpu07-3fa9c2.wine.json", true },
	{ "07." ID ".t2a1@gpu07-3fa9c2.json", true }, /* nothing else counts */
	{ "50." ID ".t3a1@gpu07-3fa9c2.wine.json", false },
	{ "50." ID ".t2a0@gpu07-3fa9c2.wine.json", false },
	{ "50." ID ".t2a1@gpu07-3fa9c3.wine.json", false },
	{ "50." ID ".t2a1.wine.json", false },
	{ "50.20261122T190212345-9f3c21ac.t2a1@gpu07-3fa9c2.json", false },
};

START_TEST(attempt_same)
{
	struct sp_name a, b;

	ck_assert_int_eq(sp_attempt_parse(ID ".t2a1@gpu07-3fa9c2", &a), SP_OK);
	ck_assert_int_eq(sp_name_parse(same[_i].text, &b), SP_OK);
	ck_assert_int_eq(sp_attempt_same(&a, &b), same[_i].want);
}
END_TEST

/* ---- drops ---- */

static const struct {
	const char *text;
	enum sp_drop kind;
	const char *label;
} drops[] = {
	{ "wine.json", SP_DROP_JOB, "wine" },
	{ "wine", SP_DROP_JOB, "wine" },
	{ "wine.txt", SP_DROP_JOB, "wine" },
	{ "wine.v2.json", SP_DROP_JOB, "wine_v2" },
	{ "my job (1).json", SP_DROP_JOB, "my_job__1_" },
	{ "gr\xc3\xb6n.json", SP_DROP_JOB, "gr__n" },
	{ "a\nb.json", SP_DROP_JOB, "a_b" },
	{ L60 L10 ".json", SP_DROP_JOB, L60 "abcd" },
	{ "-rf.json", SP_DROP_JOB, "-rf" },
	{ "sweep.jsonl", SP_DROP_BUNDLE, "sweep" },
	{ "sweep.jsonl.json", SP_DROP_JOB, "sweep_jsonl" },
	{ "sweep.JSONL", SP_DROP_JOB, "sweep" },
	{ "50." ID ".t1a0.json", SP_DROP_ORDER, NULL },
	{ "50." ID ".t7a2.wine.json", SP_DROP_ORDER, NULL },
	{ "50." ID ".t1a0.wine.jsonl", SP_DROP_ORDER, NULL },
	/* Whose is it?  Nobody's, in new/: somebody's copy. */
	{ "50." ID ".t1a0@gpu07-3fa9c2.json", SP_DROP_JOB, NULL },
	{ "50." ID ".t01a0.json", SP_DROP_JOB, NULL },
	{ "50." ID ".t1a0.json.part", SP_DROP_IGNORE, NULL },
	{ "50." ID ".t1a0.json~", SP_DROP_IGNORE, NULL },
	{ "wine.json~", SP_DROP_IGNORE, NULL },
	{ "wine.tmp", SP_DROP_IGNORE, NULL },
	{ "wine.json.part", SP_DROP_IGNORE, NULL },
	{ "wine.json.filepart", SP_DROP_IGNORE, NULL },
	{ "wine.swp", SP_DROP_IGNORE, NULL },
	{ "wine.json.why", SP_DROP_IGNORE, NULL },
	{ ".wine.json", SP_DROP_IGNORE, "_wine" },
	{ ".wine.json.Xy12aB", SP_DROP_IGNORE, NULL },
	{ ".json", SP_DROP_IGNORE, "" },
	{ ".", SP_DROP_IGNORE, "" },
	{ "..", SP_DROP_IGNORE, "_" },
	{ "", SP_DROP_IGNORE, "" },
	{ "tmp", SP_DROP_JOB, "tmp" },
};

START_TEST(drop_kind)
{
	struct sp_name name = { .prio = 77 };
	char text[SP_NAME_MAX];

	ck_assert_int_eq(sp_drop_kind(drops[_i].text, &name), drops[_i].kind);
	ck_assert_int_eq(sp_drop_kind(drops[_i].text, NULL), drops[_i].kind);
	if (drops[_i].kind == SP_DROP_ORDER) {
		sp_name_print(&name, text);
		ck_assert_str_eq(text, drops[_i].text);
	} else
		ck_assert_int_eq(name.prio, 77);
}
END_TEST

START_TEST(label_make)
{
	char label[SP_LABEL_MAX + 1];

	sp_label_make(drops[_i].text, label);
	if (drops[_i].label != NULL)
		ck_assert_str_eq(label, drops[_i].label);
	ck_assert(label[0] == '\0' || sp_label_ok(label));
}
END_TEST

static const struct {
	const char *text;
	bool label;
	bool file;
} words[] = {
	{ "wine", true, true },
	{ "Wine_2-b", true, true },
	{ "nn.py", false, true },
	{ "a..b", false, true },
	{ L60 "abcd", true, true },
	{ L60 "abcde", false, true },
	{ L60 L60 L60 L10 L10, false, true },
	{ L60 L60 L60 L10 L10 "k", false, false },
	{ "-x", true, false },
	{ ".x", false, false },
	{ ".", false, false },
	{ "..", false, false },
	{ "../x", false, false },
	{ "a/b", false, false },
	{ "a b", false, false },
	{ "a\n", false, false },
	{ "gr\xc3\xbcn", false, false },
	{ "", false, false },
};

START_TEST(label_and_file_ok)
{
	ck_assert_int_eq(sp_label_ok(words[_i].text), words[_i].label);
	ck_assert_int_eq(sp_file_ok(words[_i].text), words[_i].file);
}
END_TEST

Suite *
name_suite(void)
{
	Suite *suite = suite_create("name");
	TCase *tcase = tcase_create("name");

	ADD_TABLE(tcase, name_parse, names);
	tcase_add_test(tcase, name_fields);
	ADD_TABLE(tcase, name_order, sorted);
	tcase_add_test(tcase, name_order_by_value);
	ADD_TABLE(tcase, attempt_parse, attempts);
	ADD_TABLE(tcase, attempt_same, same);
	ADD_TABLE(tcase, drop_kind, drops);
	ADD_TABLE(tcase, label_make, drops);
	ADD_TABLE(tcase, label_and_file_ok, words);
	suite_add_tcase(suite, tcase);
	return suite;
}
