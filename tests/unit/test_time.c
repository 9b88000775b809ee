/*
 * test_time.c - moments: printed, and read.
 */
#include "libspool/json.h"
#include "tests/unit/suites.h"

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
time_suite(void)
{
	Suite *s = suite_create("time");
	TCase *when = tcase_create("time");

	ADD_TABLE(when, prints_time, moments);
	tcase_add_test(when, clamps_time);
	ADD_TABLE(when, parses_time, times);
	suite_add_tcase(s, when);
	return s;
}
