/*
 * test_units.c - the words and units people write: causes, the nearest word,
 * times and sizes.
 */
#include <string.h>

#include "libspool/job.h"
#include "tests/unit/suites.h"

START_TEST(causes_round_trip)
{
	enum sp_cause cause;
	int i;

	for (i = 0; i < SP_CAUSES; i++) {
		ck_assert(
		    sp_cause_parse(sp_cause_text((enum sp_cause)i), &cause));
		ck_assert_int_eq((int)cause, i);
		ck_assert_uint_lt(strlen(sp_cause_text(cause)), 16); /* row.h */
	}
	ck_assert(!sp_cause_parse("unknown", &cause));
	ck_assert_str_eq(sp_cause_text((enum sp_cause)99), "unknown");
}
END_TEST

static const char *const known[] = { "priority", "gpus", "cpus", "evil", "env",
	"notBefore", NULL };
static const struct {
	const char *word, *want;
} nears[] = {
	{ "priority", "priority" },
	{ "Priority", "priority" },
	{ "priorty", "priority" },
	{ "prioirty", "priority" }, /* swapped */
	{ "gpu", "gpus" },
	{ "cpu", "cpus" },
	{ "not_before", "notBefore" },
	{ "no", NULL }, /* too short to be a beginning */
	{ "pri", "priority" },
	{ "notB", "notBefore" },
	{ "evn", "env" }, /* nearer than "evil" */
	{ "epochs", NULL },
	{ "xyz", NULL },
	{ "", NULL },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    NULL },
};

START_TEST(nearest)
{
	const char *got = sp_nearest(nears[_i].word, known);

	if (nears[_i].want == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_pstr_eq(got, nears[_i].want);
}
END_TEST

static const struct {
	const char *text;
	double want; /* -1: none */
} seconds[] = {
	{ "90", 90 },
	{ "90s", 90 },
	{ "15m", 900 },
	{ "2h", 7200 },
	{ "1.5h", 5400 },
	{ "7d", 604800 },
	{ "2w", 1209600 },
	{ "0", 0 },
	{ "0.25", 0.25 },
	{ "1000000000", 1e9 },
	{ "", -1 },
	{ "s", -1 },
	{ "-1", -1 },
	{ "+1", -1 },
	{ "1.", -1 },
	{ ".5", -1 },
	{ "1e3", -1 },
	{ "0x10", -1 },
	{ "inf", -1 },
	{ "nan", -1 },
	{ " 1", -1 },
	{ "1 ", -1 },
	{ "1 h", -1 },
	{ "1hh", -1 },
	{ "1h30m", -1 },
	{ "1y", -1 },
	{ "1000000001", -1 },
	{ "2H", -1 },
	{ "2hours", -1 },
	{ "NaN", -1 },
	{ "infinity", -1 },
	{ "1,5h", -1 },
	{ "0.0000001s", 1e-7 },
	{ "00090", 90 },
	{ "\xd9\xa1h", -1 }, /* an Arabic 1 */
	{ "2h\n", -1 },
	{ "99999999999999999999999999999999d", -1 },
};

START_TEST(parses_seconds)
{
	double got = -1;

	ck_assert_int_eq(
	    sp_seconds_parse(seconds[_i].text, &got), seconds[_i].want >= 0);
	ck_assert_double_eq(got, seconds[_i].want);
}
END_TEST

static const struct {
	const char *text;
	int64_t want;
} bytes[] = {
	{ "1024", 1024 },
	{ "0", 0 },
	{ "512B", 512 },
	{ "512M", 512LL << 20 },
	{ "16G", 16LL << 30 },
	{ "16g", 16LL << 30 },
	{ "16GB", 16LL << 30 },
	{ "16GiB", 16LL << 30 },
	{ "16gb", 16LL << 30 },
	{ "16giB", 16LL << 30 },
	{ "0.5K", 512 },
	{ "0.0001K", 0 },
	{ "4000000000000000000", 4000000000000000000LL },
	{ "4000000000000000001G", -1 },
	{ "nan", -1 },
	{ "inf", -1 },
	{ "16G ", -1 },
	{ "16,5G", -1 },
	{ "1_000", -1 },
	{ "16GBB", -1 },
	{ "\xd9\xa1G", -1 },     /* an Arabic 1 */
	{ "\xef\xbc\x91G", -1 }, /* a wide 1 */
	{ "1.5K", 1536 },
	{ "2T", 2LL << 40 },
	{ "1P", 1LL << 50 },
	{ "", -1 },
	{ "G", -1 },
	{ "-1G", -1 },
	{ "16X", -1 },
	{ "16Gi", -1 },
	{ "16 G", -1 },
	{ "16GG", -1 },
	{ "16iB", -1 },
	{ "1e9", -1 },
	{ "5000P", -1 },
	{ "99999999999999999999", -1 },
};

START_TEST(parses_bytes)
{
	int64_t got = -1;

	ck_assert_int_eq(
	    sp_bytes_parse(bytes[_i].text, &got), bytes[_i].want >= 0);
	ck_assert_int_eq(got, bytes[_i].want);
}
END_TEST

/* Members a and b of `order` set to 1 and "x". */

Suite *
units_suite(void)
{
	Suite *s = suite_create("units");
	TCase *words = tcase_create("words");

	tcase_add_test(words, causes_round_trip);
	ADD_TABLE(words, nearest, nears);
	ADD_TABLE(words, parses_seconds, seconds);
	ADD_TABLE(words, parses_bytes, bytes);
	suite_add_tcase(s, words);
	return s;
}
