/*
 * test_policy.c - spool.json: what it may say, the words when it says
 * something else, and the back-off that follows from it.
 */
#include <string.h>

#include "libspool/policy.h"
#include "tests/unit/suites.h"

static enum sp_status
parse(const char *text, struct sp_policy *policy_out, struct sp_err *err)
{
	return sp_policy_parse(text, strlen(text), policy_out, err);
}

static void
same(const struct sp_policy *a, const struct sp_policy *b)
{
	ck_assert_int_eq(a->format, b->format);
	ck_assert_double_eq(a->lease, b->lease);
	ck_assert_double_eq(a->beat, b->beat);
	ck_assert_double_eq(a->settle, b->settle);
	ck_assert_int_eq(a->attempts, b->attempts);
	ck_assert_double_eq(a->backoff, b->backoff);
	ck_assert_double_eq(a->backoff_max, b->backoff_max);
	ck_assert_double_eq(a->half_rename, b->half_rename);
	ck_assert_double_eq(a->tmp_age, b->tmp_age);
	ck_assert_double_eq(a->poll, b->poll);
	ck_assert_int_eq(a->slice, b->slice);
	ck_assert_int_eq(a->owner_jobs, b->owner_jobs);
	ck_assert_double_eq(a->owner_bytes, b->owner_bytes);
	ck_assert_double_eq(a->answer_age, b->answer_age);
}

START_TEST(defaults)
{
	const struct sp_policy want = { 1, 60, 5, 10, 3, 5, 600, 120, 129600, 2,
		1024, 60, 0, 0, 604800 };
	struct sp_policy policy;

	sp_policy_init(&policy);
	same(&policy, &want);
	ck_assert_int_eq(parse("{\"format\":1}", &policy, NULL), SP_OK);
	same(&policy, &want);
}
END_TEST

START_TEST(all_keys)
{
	const struct sp_policy want = { 1, 8.5, 2, 0, 7, 0.5, 30, 60, 3600,
		0.25, 7, 8.5, 40, 1e9, 60.5 };
	struct sp_policy policy;

	ck_assert_int_eq(
	    parse("{\"format\":1,\"lease\":8.5,\"beat\":2,\"settle\":0,"
		  "\"attempts\":7,\"backoff\":0.5,\"backoffMax\":30,"
		  "\"halfRename\":60,\"tmpAge\":3600,\"poll\":0.25,\"slice\":7,"
		  "\"ownerJobs\":40,\"ownerBytes\":1000000000,"
		  "\"answerAge\":60.5}",
		&policy, NULL),
	    SP_OK);
	same(&policy, &want);
}
END_TEST

/* What is not said but follows from what is. */
static const struct {
	const char *text;
	double beat;
	double backoff_max;
} derived[] = {
	{ "{\"format\":1}", 5, 600 },
	{ "{\"format\":1,\"lease\":20}", 5, 600 },
	{ "{\"format\":1,\"lease\":2}", 0.5, 600 },
	{ "{\"format\":1,\"lease\":3600}", 5, 600 },
	{ "{\"format\":1,\"lease\":60,\"beat\":15}", 15, 600 },
	{ "{\"format\":1,\"backoff\":700}", 5, 700 },
	{ "{\"format\":1,\"backoff\":700,\"backoffMax\":700}", 5, 700 },
};

START_TEST(derive)
{
	struct sp_policy policy;

	ck_assert_int_eq(parse(derived[_i].text, &policy, NULL), SP_OK);
	ck_assert_double_eq(policy.beat, derived[_i].beat);
	ck_assert_double_eq(policy.backoff_max, derived[_i].backoff_max);
}
END_TEST

/* Each names the key and the mend. */
static const struct {
	const char *text;
	const char *says;
} refused[] = {
	{ "", "spool.json: " },
	{ "{", "spool.json: " },
	{ "[]", "spool.json: " },
	{ "{\"format\":1} x", "spool.json: " },
	{ "{\"format\":1,\"format\":1}", "spool.json: " },
	{ "{}", "\"format\" is missing; give \"format\": 1" },
	{ "{\"format\":\"1\"}", "\"format\" is " },
	{ "{\"format\":1.0}", "it must be the number 1" },
	{ "{\"format\":null}", "it must be the number 1" },
	/* the format is looked at first: others may have other keys */
	{ "{\"format\":2,\"shards\":4}", "\"format\" is 2, and this program" },
	{ "{\"format\":1,\"leas\":60}",
	    "unknown key \"leas\"; did you mean \"lease\"?" },
	{ "{\"format\":1,\"backoff_max\":60}", "did you mean \"backoffMax\"?" },
	{ "{\"format\":1,\"zzzzzzzzzzzz\":60}",
	    "\"zzzzzzzzzzzz\"; take it out" },
	{ "{\"format\":1,\"lease\":\"60s\"}", "\"lease\" is a text; give " },
	{ "{\"format\":1,\"lease\":null}", "\"lease\" is " },
	{ "{\"format\":1,\"lease\":0}",
	    "\"lease\" is 0; give seconds from 0.1 to 2592000" },
	{ "{\"format\":1,\"lease\":-5}", "\"lease\" is -5; give " },
	{ "{\"format\":1,\"lease\":1e300}", "\"lease\" is 1e+300; give " },
	{ "{\"format\":1,\"settle\":-0.1}", "\"settle\" is -0.1; give " },
	{ "{\"format\":1,\"attempts\":0}",
	    "\"attempts\" is 0; give a whole number from 1 to 1000" },
	{ "{\"format\":1,\"attempts\":2.5}", "\"attempts\" is a fraction" },
	{ "{\"format\":1,\"attempts\":1001}", "\"attempts\" is 1001" },
	{ "{\"format\":1,\"attempts\":4294967297}", "is 4294967297" },
	{ "{\"format\":1,\"poll\":0}", "\"poll\" is 0" },
	{ "{\"format\":1,\"tmpAge\":0}", "\"tmpAge\" is 0" },
	{ "{\"format\":1,\"halfRename\":0}", "\"halfRename\" is 0" },
	{ "{\"format\":1,\"beat\":16}",
	    "\"beat\" is 16, more than a quarter of \"lease\" (60); "
	    "give 15 or less" },
	{ "{\"format\":1,\"lease\":2,\"beat\":5}", "give 0.5 or less" },
	{ "{\"format\":1,\"backoff\":9,\"backoffMax\":8}",
	    "\"backoffMax\" is 8, less than \"backoff\" (9); give 9" },
};

START_TEST(refuse)
{
	struct sp_policy policy = { .format = 77 };
	struct sp_err err = { 0 };

	ck_assert_int_eq(parse(refused[_i].text, &policy, &err), SP_BAD);
	ck_assert_msg(strstr(err.text, refused[_i].says) != NULL,
	    "says \"%s\", not \"%s\"", err.text, refused[_i].says);
	ck_assert_int_eq(strncmp(err.text, "spool.json: ", 12), 0);
	ck_assert_int_eq(policy.format, 77); /* left as it was */
	ck_assert_int_eq(parse(refused[_i].text, &policy, NULL), SP_BAD);
}
END_TEST

static const char *const printed[] = {
	"{\"format\":1}",
	"{\"format\":1,\"lease\":0.3,\"settle\":1.7}",
	"{\"format\":1,\"beat\":1,\"backoffMax\":700,\"attempts\":1000}",
	"{\"format\":1,\"backoff\":700,\"tmpAge\":31536000,\"poll\":0.01}",
	"{\"format\":1,\"backoff\":0,\"backoffMax\":0}",
};

START_TEST(print)
{
	struct sp_policy policy, again;
	struct sp_buf text = SP_BUF_INIT(4096);

	ck_assert_int_eq(parse(printed[_i], &policy, NULL), SP_OK);
	sp_policy_print(&policy, &text);
	ck_assert(!text.failed);
	ck_assert_int_eq(
	    sp_policy_parse(text.data, text.len, &again, NULL), SP_OK);
	same(&policy, &again);
	sp_buf_clear(&text);
}
END_TEST

/* Whoever edits the lease of a fresh spool.json need not edit the beat. */
START_TEST(print_fresh)
{
	struct sp_policy policy;
	struct sp_buf text = SP_BUF_INIT(4096);

	sp_policy_init(&policy);
	sp_policy_print(&policy, &text);
	ck_assert_str_eq(sp_buf_text(&text),
	    "{\n"
	    "  \"format\": 1,\n"
	    "  \"lease\": 60,\n"
	    "  \"settle\": 10,\n"
	    "  \"attempts\": 3,\n"
	    "  \"backoff\": 5,\n"
	    "  \"halfRename\": 120,\n"
	    "  \"tmpAge\": 129600,\n"
	    "  \"poll\": 2\n"
	    "}\n");
	sp_buf_clear(&text);
}
END_TEST

/* ---- back-off ---- */

static const struct {
	unsigned attempt;
	double middle;
} waits[] = {
	{ 0, 0 },
	{ 1, 5 },
	{ 2, 10 },
	{ 3, 20 },
	{ 7, 320 },
	{ 8, 600 }, /* not 640 */
	{ 9, 600 },
	{ 999999, 600 },
};

START_TEST(backoff)
{
	struct sp_policy policy;
	struct sp_id id;
	double low = 10, high = 0, first;

	sp_policy_init(&policy);
	for (uint32_t i = 0; i < 1000; i++) {
		double wait, part;

		sp_id_make(1795374132345, i, &id);
		wait = sp_backoff(&policy, waits[_i].attempt, &id);
		ck_assert_double_eq(
		    wait, sp_backoff(&policy, waits[_i].attempt, &id));
		if (waits[_i].attempt == 0) {
			ck_assert_double_eq(wait, 0);
			continue;
		}
		part = wait / waits[_i].middle;
		ck_assert_double_ge(part, 0.8 - 1e-9);
		ck_assert_double_le(part, 1.2 + 1e-9);
		low = part < low ? part : low;
		high = part > high ? part : high;
	}
	if (waits[_i].attempt == 0)
		return;
	ck_assert_msg(low < 0.82 && high > 1.18,
	    "ids of one moment lie between %g and %g", low, high);

	/* Doubled exactly: the jitter is the id's and not the attempt's. */
	first = sp_backoff(&policy, 1, &id);
	ck_assert_double_eq_tol(sp_backoff(&policy, waits[_i].attempt, &id),
	    first / 5 * waits[_i].middle, 1e-6);
}
END_TEST

START_TEST(backoff_none)
{
	struct sp_policy policy;
	struct sp_id id;

	sp_policy_init(&policy);
	policy.backoff = 0;
	sp_id_make(0, 0, &id);
	ck_assert_double_eq(sp_backoff(&policy, 1000000, &id), 0);
}
END_TEST

Suite *
policy_suite(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = tcase_create("policy");

	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, all_keys);
	ADD_TABLE(tcase, derive, derived);
	ADD_TABLE(tcase, refuse, refused);
	ADD_TABLE(tcase, print, printed);
	tcase_add_test(tcase, print_fresh);
	ADD_TABLE(tcase, backoff, waits);
	tcase_add_test(tcase, backoff_none);
	suite_add_tcase(suite, tcase);
	return suite;
}
