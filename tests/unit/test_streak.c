/*
 * test_streak.c - counts of how attempts began, and rows of failures: told as
 * small stories, one letter a thing that happens.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/streak.h"
#include "tests/unit/suites.h"

/* ---- tallies ---- */

START_TEST(tally_counts)
{
	struct sp_tally_row rows[] = { { .script = "b" }, { .script = "z" } };
	struct sp_tally t = { .good = 0 };
	char key[8];
	int i;

	sp_tally_add(&t, "a", true);
	sp_tally_add(&t, "b", false);
	sp_tally_add(&t, "a", false);
	ck_assert_uint_eq(t.n, 2);
	ck_assert_str_eq(t.row[0].script, "a");
	ck_assert_int_eq(t.row[0].good, 1);
	ck_assert_int_eq(t.row[0].bad, 1);
	ck_assert_int_eq(t.row[1].bad, 1);
	ck_assert_int_eq(t.good, 1);
	ck_assert_int_eq(t.bad, 2);
	sp_tally_sum(&t, rows, 2);
	sp_tally_sum(&t, rows, 2);
	ck_assert_int_eq(rows[0].bad, 2);
	ck_assert_int_eq(rows[1].good + rows[1].bad, 0);
	/* many: the one not seen for longest goes */
	for (i = 0; i < SP_TALLY_ROWS; i++) {
		(void)snprintf(key, sizeof key, "k%d", i);
		sp_tally_add(&t, key, true);
		if (i == 3)
			sp_tally_add(&t, "a", true);
	}
	ck_assert_uint_eq(t.n, SP_TALLY_ROWS);
	ck_assert_str_eq(t.row[0].script, "k7");
	for (i = 0; i < SP_TALLY_ROWS; i++) {
		ck_assert_str_ne(t.row[i].script, "b");
		ck_assert_str_ne(t.row[i].script, "k0");
	}
	ck_assert_str_eq(t.row[4].script, "a");
	ck_assert_int_eq(t.row[4].good, 2);
}
END_TEST

START_TEST(tally_keys)
{
	struct sp_job job = { .script = "nn.py" };
	char key[SP_TALLY_KEY];

	sp_tally_key(&job, key);
	ck_assert_str_eq(key, "nn.py");
	(void)strcpy(job.script_sha,
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	sp_tally_key(&job, key);
	ck_assert_str_eq(key, "nn.py@0123456789ab");
	(void)memset(job.script, 'x', SP_FILE_MAX);
	sp_tally_key(&job, key);
	ck_assert_uint_eq(strlen(key), 60 + 1 + 12);
}
END_TEST

/* ---- rows ---- */

/* Of N = 3.  a-e: that order fails early, script s, in one way; A-E: in another
 * way; x: like a-e, with script t; .: one gets past its beginning; elsewhere:
 * + s does well, - s fails, * t does well, o u does well, 0 everybody leaves,
 * 1 somebody is there.  After each we ask if the row asks. */
static const struct {
	const char *story;
	enum sp_trust want;
} rows[] = {
	{ "", SP_TRUST_WELL },
	{ "1ab", SP_TRUST_WELL },
	{ "1ab+", SP_TRUST_WELL }, /* two are none */
	{ "1abc", SP_TRUST_SUSPECT },
	{ "0abc", SP_TRUST_ALONE },
	{ "1abc+", SP_TRUST_GUILTY },
	{ "1a+bc", SP_TRUST_GUILTY },
	{ "1+++abc", SP_TRUST_SUSPECT }, /* that was before */
	{ "1abc-", SP_TRUST_SCRIPT },
	{ "1a-bc", SP_TRUST_SCRIPT },
	{ "1abc+-", SP_TRUST_SCRIPT }, /* convicted, and then cleared */
	{ "1abc-+", SP_TRUST_SCRIPT },
	{ "1abc-++", SP_TRUST_GUILTY },
	{ "1abc++-", SP_TRUST_SCRIPT },
	{ "1abc+++", SP_TRUST_GUILTY },
	{ "1abc++-+", SP_TRUST_SCRIPT },
	{ "1aaaa+", SP_TRUST_WELL }, /* one order, again and again */
	{ "1aabbcc+", SP_TRUST_GUILTY },
	{ "1ab.c+", SP_TRUST_WELL },
	{ "1abc+.", SP_TRUST_WELL },
	{ "1abc.de+", SP_TRUST_WELL },
	{ "1abC+", SP_TRUST_WELL }, /* in another way */
	{ "1abCDE+", SP_TRUST_GUILTY },
	{ "1abc+D", SP_TRUST_GUILTY }, /* that does not clear it */
	{ "1abc+D-", SP_TRUST_SCRIPT },
	{ "1abco", SP_TRUST_SUSPECT }, /* that is something else */
	{ "1abcooooo-", SP_TRUST_SCRIPT },
	{ "1abx*", SP_TRUST_GUILTY }, /* one of its scripts will do */
	{ "1*abx", SP_TRUST_SUSPECT },
	{ "1abc0", SP_TRUST_ALONE },
	{ "0abc1+", SP_TRUST_GUILTY },
	{ "0abc1", SP_TRUST_SUSPECT },
	{ "1abc+0", SP_TRUST_GUILTY }, /* it is proven all the same */
	{ "1+abc0", SP_TRUST_ALONE },  /* its counts went with it */
	{ "1+abc01+", SP_TRUST_GUILTY },
};

START_TEST(story)
{
	struct sp_tally other = { .good = 0 };
	struct sp_tally_row sum[SP_TALLY_ROWS];
	struct sp_streak s;
	struct sp_id id = { .text = "" };
	unsigned others = 1;
	const char *at;

	sp_streak_init(&s, 3);
	for (at = rows[_i].story; *at != '\0'; at++) {
		size_t i;

		id.text[0] = (char)(*at | 0x20);
		if (*at == '.')
			sp_streak_good(&s);
		else if (*at == '0')
			others = 0, other = (struct sp_tally){ .good = 0 };
		else if (*at == '1')
			others = 1;
		else if (*at == '+' || *at == '-')
			sp_tally_add(&other, "s", *at == '+');
		else if (*at == '*' || *at == 'o')
			sp_tally_add(&other, *at == '*' ? "t" : "u", true);
		else
			sp_streak_bad(&s, &id, *at == 'x' ? "t" : "s",
			    *at >= 'a' ? 1 : 2);
		if (!sp_streak_asks(&s))
			continue;
		(void)memset(sum, 0, sizeof sum);
		for (i = 0; i < s.scripts; i++)
			(void)strcpy(sum[i].script, s.from[i].script);
		sp_tally_sum(&other, sum, s.scripts);
		(void)sp_streak_judge(&s, others, sum);
	}
	ck_assert_msg(s.trust == rows[_i].want, "%s: %d, wanted %d",
	    rows[_i].story, (int)s.trust, (int)rows[_i].want);
}
END_TEST

START_TEST(never)
{
	struct sp_tally_row sum[SP_TALLY_ROWS] = { { .good = 9 } };
	struct sp_id id = { .text = "a" };
	struct sp_streak s;
	int i;

	sp_streak_init(&s, 0);
	for (i = 0; i < 200; i++) {
		id.text[0] = (char)(1 + i);
		sp_streak_bad(&s, &id, "s", 1);
		ck_assert(!sp_streak_asks(&s));
		ck_assert_int_eq(
		    (int)sp_streak_judge(&s, 1, sum), SP_TRUST_WELL);
	}
	sp_streak_init(&s, 100000);
	ck_assert_uint_eq(s.most, SP_STREAK_MOST);
	for (i = 0; i < 250; i++) {
		char key[16];

		id.text[0] = (char)(1 + i);
		(void)snprintf(key, sizeof key, "k%d", i);
		sp_streak_bad(&s, &id, key, 1);
	}
	ck_assert_uint_eq(s.n, SP_STREAK_MOST);
	ck_assert_uint_eq(s.scripts, SP_TALLY_ROWS);
}
END_TEST

Suite *
streak_suite(void)
{
	Suite *s = suite_create("streak");
	TCase *t = tcase_create("streak");

	tcase_add_test(t, tally_counts);
	tcase_add_test(t, tally_keys);
	ADD_TABLE(t, story, rows);
	tcase_add_test(t, never);
	suite_add_tcase(s, t);
	return s;
}
