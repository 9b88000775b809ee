/*
 * test_state.c - the state table: every step from everywhere to everywhere.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/state.h"
#include "tests/unit/suites.h"

#define ID "20261122T190212345-9f3c21ab"

/* What there is; anything else must be refused.  The names are DESIGN's. */
static const struct {
	enum sp_step step;
	enum sp_state at;
	enum sp_state to;
	const char *from;
	const char *want; /* when spoold-0000aa does it */
} steps[] = {
	{ SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, "t3a1", "t3a1@spoold-0000aa" },
	{ SP_STEP_COMMIT, SP_ASSIGNED, SP_DONE, "t3a1@gpu-00000b",
	    "t3a1@gpu-00000b" },
	{ SP_STEP_COMMIT, SP_ASSIGNED, SP_FAILED, "t3a1@gpu-00000b",
	    "t3a1@gpu-00000b" },
	{ SP_STEP_RELEASE, SP_ASSIGNED, SP_NEW, "t3a1@gpu-00000b", "t4a1" },
	{ SP_STEP_RELEASE, SP_ASSIGNED, SP_WAITING, "t3a1@gpu-00000b", "t4a1" },
	{ SP_STEP_RETRY, SP_ASSIGNED, SP_NEW, "t3a1@gpu-00000b", "t4a2" },
	{ SP_STEP_RETRY, SP_ASSIGNED, SP_WAITING, "t3a1@gpu-00000b", "t4a2" },
	{ SP_STEP_HOLD, SP_NEW, SP_WAITING, "t3a1", "t4a1" },
	{ SP_STEP_PROMOTE, SP_WAITING, SP_NEW, "t3a1", "t4a1" },
	{ SP_STEP_END, SP_NEW, SP_FAILED, "t3a1", "t4a1@spoold-0000aa" },
	{ SP_STEP_END, SP_WAITING, SP_FAILED, "t3a1", "t4a1@spoold-0000aa" },
	{ SP_STEP_END, SP_ASSIGNED, SP_FAILED, "t3a1@gpu-00000b",
	    "t4a1@spoold-0000aa" },
	{ SP_STEP_SPENT, SP_ASSIGNED, SP_FAILED, "t3a1@gpu-00000b",
	    "t4a2@spoold-0000aa" },
	{ SP_STEP_URGE, SP_NEW, SP_NEW, "t3a1", "t4a1" },
	{ SP_STEP_URGE, SP_WAITING, SP_WAITING, "t3a1", "t4a1" },
};

static struct sp_name
name_of(const char *middle)
{
	char text[SP_NAME_MAX];
	struct sp_name name;

	(void)snprintf(text, sizeof text, "07." ID ".%s.wine.jsonl", middle);
	ck_assert_int_eq(sp_name_parse(text, &name), SP_OK);
	return name;
}

START_TEST(each_step)
{
	struct sp_name from = name_of(steps[_i].from), to, want;
	char text[SP_NAME_MAX], want_text[SP_NAME_MAX];

	want = name_of(steps[_i].want);
	ck_assert_int_eq(sp_step_name(steps[_i].step, steps[_i].at,
			     steps[_i].to, &from, "spoold-0000aa", &to),
	    SP_OK);
	sp_name_print(&to, text);
	sp_name_print(&want, want_text);
	ck_assert_str_eq(text, want_text);

	/* In place, too. */
	ck_assert_int_eq(sp_step_name(steps[_i].step, steps[_i].at,
			     steps[_i].to, &from, "spoold-0000aa", &from),
	    SP_OK);
	ck_assert_int_eq(sp_name_cmp(&from, &to), 0);
}
END_TEST

static bool
step_has(int step, int at, int to)
{
	for (size_t i = 0; i < COUNT(steps); i++) {
		if ((int)steps[i].step == step && (int)steps[i].at == at &&
		    (int)steps[i].to == to)
			return true;
	}
	return false;
}

START_TEST(no_other_step)
{
	int step = _i;

	for (int at = 0; at < SP_STATES; at++) {
		for (int to = 0; to < SP_STATES; to++) {
			struct sp_name from, out = { .prio = 77 };
			enum sp_status st;

			from = name_of(sp_state_owned_is((enum sp_state)at)
				? "t3a1@gpu-00000b"
				: "t3a1");
			st = sp_step_name((enum sp_step)step, (enum sp_state)at,
			    (enum sp_state)to, &from, "spoold-0000aa", &out);
			ck_assert_msg((st == SP_OK) == step_has(step, at, to),
			    "%s from %s to %s",
			    sp_step_text((enum sp_step)step),
			    sp_state_text((enum sp_state)at),
			    sp_state_text((enum sp_state)to));
			if (st != SP_OK)
				ck_assert_int_eq(out.prio, 77);
		}
	}
}
END_TEST

static const struct {
	enum sp_step step;
	enum sp_state at;
	enum sp_state to;
	const char *from;
	const char *actor;
	enum sp_status want;
} doubtful[] = {
	/* an @W too many or too few */
	{ SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, "t1a0@gpu-00000b", "x-000000",
	    SP_BAD },
	{ SP_STEP_COMMIT, SP_ASSIGNED, SP_DONE, "t1a0", "x-000000", SP_BAD },
	{ SP_STEP_RELEASE, SP_ASSIGNED, SP_NEW, "t1a0", "x-000000", SP_BAD },
	{ SP_STEP_PROMOTE, SP_WAITING, SP_NEW, "t1a0@gpu-00000b", "x-000000",
	    SP_BAD },
	/* the counts are spent */
	{ SP_STEP_HOLD, SP_NEW, SP_WAITING, "t999998a0", "x-000000", SP_OK },
	{ SP_STEP_HOLD, SP_NEW, SP_WAITING, "t999999a0", "x-000000", SP_BAD },
	{ SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, "t999999a999999", "x-000000",
	    SP_OK },
	{ SP_STEP_COMMIT, SP_ASSIGNED, SP_DONE, "t999999a999999@gpu-00000b",
	    "x-000000", SP_OK },
	{ SP_STEP_RETRY, SP_ASSIGNED, SP_NEW, "t1a999999@gpu-00000b",
	    "x-000000", SP_BAD },
	{ SP_STEP_RELEASE, SP_ASSIGNED, SP_NEW, "t1a999999@gpu-00000b",
	    "x-000000", SP_OK },
	/* an actor is needed, and must be one */
	{ SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, "t1a0", NULL, SP_BAD },
	{ SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, "t1a0", "", SP_BAD },
	{ SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, "t1a0", "../x-000000", SP_BAD },
	{ SP_STEP_END, SP_NEW, SP_FAILED, "t1a0", "gpu07", SP_BAD },
	{ SP_STEP_SPENT, SP_ASSIGNED, SP_FAILED, "t1a0@gpu-00000b", NULL,
	    SP_BAD },
	/* or not */
	{ SP_STEP_COMMIT, SP_ASSIGNED, SP_DONE, "t1a0@gpu-00000b", NULL,
	    SP_OK },
	{ SP_STEP_RELEASE, SP_ASSIGNED, SP_NEW, "t1a0@gpu-00000b", NULL,
	    SP_OK },
};

START_TEST(doubt)
{
	struct sp_name from = name_of(doubtful[_i].from), to;

	ck_assert_int_eq(sp_step_name(doubtful[_i].step, doubtful[_i].at,
			     doubtful[_i].to, &from, doubtful[_i].actor, &to),
	    doubtful[_i].want);
}
END_TEST

static const struct {
	const char *text;
	enum sp_state state;
	bool owned;
	bool over;
} states[] = {
	{ "new", SP_NEW, false, false },
	{ "waiting", SP_WAITING, false, false },
	{ "assigned", SP_ASSIGNED, true, false },
	{ "done", SP_DONE, true, true },
	{ "failed", SP_FAILED, true, true },
};

START_TEST(state_text)
{
	enum sp_state state = SP_STATES;

	ck_assert_str_eq(sp_state_text(states[_i].state), states[_i].text);
	ck_assert(sp_state_parse(states[_i].text, &state));
	ck_assert_int_eq(state, states[_i].state);
	ck_assert_int_eq(sp_state_owned_is(state), states[_i].owned);
	ck_assert_int_eq(sp_state_over_is(state), states[_i].over);
}
END_TEST

START_TEST(no_other_state)
{
	enum sp_state state = SP_STATES;

	ck_assert(!sp_state_parse("", &state));
	ck_assert(!sp_state_parse("New", &state));
	ck_assert(!sp_state_parse("tmp", &state));
	ck_assert_int_eq(state, SP_STATES);
	ck_assert(!sp_state_owned_is(SP_STATES));
	ck_assert(!sp_state_over_is(SP_STATES));
	ck_assert_str_eq(sp_state_text(SP_STATES), "unknown");
	ck_assert_str_eq(sp_step_text(SP_STEP_PROMOTE), "promote");
	ck_assert_str_eq(sp_step_text(SP_STEPS), "unknown");
}
END_TEST

Suite *
state_suite(void)
{
	Suite *suite = suite_create("state");
	TCase *tcase = tcase_create("state");

	ADD_TABLE(tcase, each_step, steps);
	tcase_add_loop_test(tcase, no_other_step, 0, SP_STEPS);
	ADD_TABLE(tcase, doubt, doubtful);
	ADD_TABLE(tcase, state_text, states);
	tcase_add_test(tcase, no_other_state);
	suite_add_tcase(suite, tcase);
	return suite;
}
