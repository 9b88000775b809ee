/*
 * test_id.c - ids, days and workers' names: one spelling each.
 */
#include <string.h>
#include <time.h>

#include "libspool/name.h"
#include "tests/unit/suites.h"

#define ID  "20261122T190212345-9f3c21ab"
#define L10 "abcdefghij"
#define L60 L10 L10 L10 L10 L10 L10

/* ---- ids ---- */

static const struct {
	const char *text;
	enum sp_status want;
} ids[] = {
	{ ID, SP_OK },
	{ "19700101T000000000-00000000", SP_OK },
	{ "99991231T235959999-ffffffff", SP_OK },
	{ "20240229T000000000-00000000", SP_OK },
	{ "20000229T000000000-00000000", SP_OK },
	{ "20230229T000000000-00000000", SP_BAD }, /* no leap year */
	{ "21000229T000000000-00000000", SP_BAD }, /* nor this */
	{ "20260431T000000000-00000000", SP_BAD },
	{ "20260001T000000000-00000000", SP_BAD },
	{ "20261301T000000000-00000000", SP_BAD },
	{ "20260100T000000000-00000000", SP_BAD },
	{ "19691231T000000000-00000000", SP_BAD },
	{ "00000101T000000000-00000000", SP_BAD },
	{ "20261122T240000000-00000000", SP_BAD },
	{ "20261122T236000000-00000000", SP_BAD },
	{ "20261122T235960000-00000000", SP_BAD }, /* no leap seconds */
	{ "20261122T190212345-9F3C21AB", SP_BAD },
	{ "20261122T190212345-9f3c21ag", SP_BAD },
	{ "20261122t190212345-9f3c21ab", SP_BAD },
	{ "20261122T190212345.9f3c21ab", SP_BAD },
	{ "20261122T19021234 -9f3c21ab", SP_BAD },
	{ "20261122T190212345-9f3c21a", SP_BAD },
	{ ID "0", SP_BAD },
	{ ID " ", SP_BAD },
	{ " " ID, SP_BAD },
	{ "+0261122T190212345-9f3c21ab", SP_BAD },
	{ "2026", SP_BAD },
	{ "", SP_BAD },
};

START_TEST(id_parse)
{
	struct sp_id id = { "unchanged" };

	ck_assert_int_eq(sp_id_parse(ids[_i].text, &id), ids[_i].want);
	ck_assert_str_eq(
	    id.text, ids[_i].want == SP_OK ? ids[_i].text : "unchanged");
}
END_TEST

static const struct {
	int64_t ms;
	uint32_t bits;
	const char *want;
	int64_t back;
} made[] = {
	{ 0, 0, "19700101T000000000-00000000", 0 },
	{ 1795374132345, 0x9f3c21ab, ID, 1795374132345 },
	{ 951825599999, 1, "20000229T115959999-00000001", 951825599999 },
	{ -1, 7, "19700101T000000000-00000007", 0 },
	{ 253402300799999, 0xffffffff, "99991231T235959999-ffffffff",
	    253402300799999 },
	{ 253402300800000, 0, "99991231T235959999-00000000", 253402300799999 },
	{ INT64_MAX, 0, "99991231T235959999-00000000", 253402300799999 },
	{ INT64_MIN, 0, "19700101T000000000-00000000", 0 },
};

START_TEST(id_make)
{
	struct sp_id id, again;
	char day[SP_DAY_LEN + 1];

	sp_id_make(made[_i].ms, made[_i].bits, &id);
	ck_assert_str_eq(id.text, made[_i].want);
	ck_assert_int_eq(sp_id_ms(&id), made[_i].back);
	ck_assert_int_eq(sp_id_parse(id.text, &again), SP_OK);
	sp_id_day(&id, day);
	ck_assert_int_eq(strncmp(day, id.text, SP_DAY_LEN), 0);
	ck_assert_uint_eq(strlen(day), SP_DAY_LEN);
	ck_assert(sp_day_ok(day));
}
END_TEST

/* The C library's calendar is the judge. */
START_TEST(id_calendar)
{
	const int64_t day = 86400;

	for (int64_t s = 0; s < 253402300800; s += 11 * day + 3599) {
		struct sp_id id;
		struct tm tm;
		char want[32];
		time_t t = (time_t)s;

		ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
		strftime(want, sizeof want, "%Y%m%dT%H%M%S007-00000000", &tm);
		sp_id_make(s * 1000 + 7, 0, &id);
		ck_assert_str_eq(id.text, want);
		ck_assert_int_eq(sp_id_ms(&id), s * 1000 + 7);
	}
}
END_TEST

static const struct {
	const char *text;
	bool want;
} days[] = {
	{ "20261122", true },
	{ "20240229", true },
	{ "20250229", false },
	{ "2026112", false },
	{ "202611220", false },
	{ "20261122/", false },
	{ "..", false },
	{ "", false },
};

START_TEST(day_ok)
{
	ck_assert_int_eq(sp_day_ok(days[_i].text), days[_i].want);
}
END_TEST

/* ---- workers ---- */

static const struct {
	const char *base;
	uint32_t nonce;
	const char *want;
} workers_made[] = {
	{ "gpu07", 0x3fa9c2, "gpu07-3fa9c2" },
	{ "gpu07", 0xff3fa9c2, "gpu07-3fa9c2" },
	{ "gpu07.example.org", 1, "gpu07-example-org-000001" },
	{ "", 0, "x-000000" },
	{ "a/b@c d", 2, "a-b-c-d-000002" },
	{ "gr\xc3\xb6n", 3, "gr--n-000003" },
	{ L60, 4, L10 L10 L10 L10 "-000004" },
};

START_TEST(worker_make)
{
	char worker[SP_WORKER_MAX + 1];

	sp_worker_make(workers_made[_i].base, workers_made[_i].nonce, worker);
	ck_assert_str_eq(worker, workers_made[_i].want);
	ck_assert(sp_worker_ok(worker));
}
END_TEST

static const struct {
	const char *text;
	bool want;
} workers[] = {
	{ "gpu07-3fa9c2", true },
	{ "a-b-c-3fa9c2", true },
	{ L10 L10 L10 L10 "-000000", true },
	{ L10 L10 L10 L10 "k-000000", false },
	{ "-3fa9c2", false },
	{ "x3fa9c2", false },
	{ "gpu073fa9c2", false },
	{ "gpu07-3FA9C2", false },
	{ "gpu07-3fa9c", false },
	{ "gpu07-3fa9c2x", false },
	{ "gpu 7-3fa9c2", false },
	{ "gpu.7-3fa9c2", false },
	{ "gpu/7-3fa9c2", false },
	{ "gpu07", false },
	{ "", false },
};

START_TEST(worker_ok)
{
	ck_assert_int_eq(sp_worker_ok(workers[_i].text), workers[_i].want);
}
END_TEST

static const struct {
	const char *a;
	const char *b;
	bool want;
} kin[] = {
	{ "gpu07-000001", "gpu07-000002", true },
	{ "gpu07-000001", "gpu07-000001", true },
	{ "gpu07-000001", "gpu08-000001", false },
	{ "gpu07-000001", "gpu070-000001", false },
	{ "gpu07", "gpu07", false },
	{ "", "", false },
};

START_TEST(worker_kin)
{
	ck_assert_int_eq(sp_worker_kin(kin[_i].a, kin[_i].b), kin[_i].want);
	ck_assert_int_eq(sp_worker_kin(kin[_i].b, kin[_i].a), kin[_i].want);
}
END_TEST

Suite *
id_suite(void)
{
	Suite *suite = suite_create("id");
	TCase *tcase = tcase_create("id");

	tcase_set_timeout(tcase, 30); /* the calendar, on a busy machine */

	ADD_TABLE(tcase, id_parse, ids);
	ADD_TABLE(tcase, id_make, made);
	tcase_add_test(tcase, id_calendar);
	ADD_TABLE(tcase, day_ok, days);
	ADD_TABLE(tcase, worker_make, workers_made);
	ADD_TABLE(tcase, worker_ok, workers);
	ADD_TABLE(tcase, worker_kin, kin);
	suite_add_tcase(suite, tcase);
	return suite;
}
