/*
 * test_lease.c - who is dead.  Most of it are stories: workers fall silent and
 * come back, an observer makes its rounds, and the test says when it may
 * believe which of them dead.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/lease.h"
#include "tests/unit/suites.h"

#define LEASE 60 /* seconds, as all times here */
#define ROUND 5
#define NEVER 99999
#define MOST  6

/* One worker's life, and from when on it must be held for dead: first in a
 * round after `low`, not later than `high`.  low NEVER: at no time. */
struct life {
	int stop;     /* beats until then; 0: always */
	int back;     /* beats again; 0: no */
	int gone;     /* its process is known to be gone; 0: no */
	bool no_file; /* never had one */
	int low;
	int high;
	bool alive; /* not dead at the end, though it was in between */
};

#define WELL                                                                   \
	{                                                                      \
		.low = NEVER                                                   \
	}

static const struct story {
	const char *name;
	int n;
	struct life life[MOST];
	int stall, stall_end; /* our own probe fails */
	int sleep, sleep_end; /* no rounds at all */
} stories[] = {
	{ .name = "all are well", .n = 3, .life = { WELL, WELL, WELL } },
	{ .name = "one of many",
	    .n = 5,
	    .life = { WELL, { .stop = 100, .low = 160, .high = 170 }, WELL,
		WELL, WELL } },
	{ .name = "one of two",
	    .n = 2,
	    .life = { { .stop = 100, .low = 160, .high = 170 }, WELL } },
	{ .name = "two of five",
	    .n = 5,
	    .life = { { .stop = 100, .low = 160, .high = 170 }, WELL, WELL,
		WELL, { .stop = 120, .low = 180, .high = 190 } } },
	{ .name = "the only one",
	    .n = 1,
	    .life = { { .stop = 100, .low = 220, .high = 235 } } },
	{ .name = "both of two",
	    .n = 2,
	    .life = { { .stop = 100, .low = 220, .high = 235 },
		{ .stop = 100, .low = 220, .high = 235 } } },
	{ .name = "most of five",
	    .n = 5,
	    .life = { { .stop = 100, .low = 220, .high = 235 }, WELL,
		{ .stop = 100, .low = 220, .high = 235 }, WELL,
		{ .stop = 100, .low = 220, .high = 235 } } },
	{ .name = "half is not most",
	    .n = 4,
	    .life = { { .stop = 100, .low = 160, .high = 170 }, WELL,
		{ .stop = 100, .low = 160, .high = 170 }, WELL } },
	/* The first to be late must not fall before it shows that most are:
	 * beats never stop in the same moment. */
	{ .name = "most of five, one after the other",
	    .n = 5,
	    .life = { { .stop = 100, .low = 220, .high = 235 },
		{ .stop = 110, .low = 220, .high = 240 }, WELL, WELL,
		{ .stop = 120, .low = 220, .high = 245 } } },
	{ .name = "an outage ends in the second lease",
	    .n = 5,
	    .life = { { .stop = 100, .back = 210, .low = NEVER }, WELL, WELL,
		{ .stop = 100, .back = 205, .low = NEVER },
		{ .stop = 100, .back = 200, .low = NEVER } } },
	{ .name = "most come back, one does not",
	    .n = 3,
	    .life = { { .stop = 100, .low = 220, .high = 235 },
		{ .stop = 100, .back = 180, .low = NEVER },
		{ .stop = 100, .back = 180, .low = NEVER } } },
	{ .name = "a dead one comes back",
	    .n = 3,
	    .life = { { .stop = 100,
			  .back = 300,
			  .low = 160,
			  .high = 170,
			  .alive = true },
		WELL, WELL } },
	{ .name = "gone is dead at once",
	    .n = 1,
	    .life = { { .stop = 100, .gone = 100, .low = 99, .high = 105 } } },
	{ .name = "gone, all of them, in a stall",
	    .n = 2,
	    .life = { { .stop = 100, .gone = 100, .low = 99, .high = 105 },
		{ .stop = 100, .gone = 100, .low = 99, .high = 105 } },
	    .stall = 90,
	    .stall_end = 150 },
	/* The gone say nothing about the others: one of two is not most. */
	{ .name = "one of two, beside three gone",
	    .n = 5,
	    .life = { { .stop = 100, .gone = 100, .low = 99, .high = 105 },
		{ .stop = 100, .gone = 100, .low = 99, .high = 105 },
		{ .stop = 100, .gone = 100, .low = 99, .high = 105 },
		{ .stop = 150, .low = 210, .high = 220 }, WELL } },
	{ .name = "both of two, beside three gone",
	    .n = 5,
	    .life = { { .stop = 100, .gone = 100, .low = 99, .high = 105 },
		{ .stop = 100, .gone = 100, .low = 99, .high = 105 },
		{ .stop = 100, .gone = 100, .low = 99, .high = 105 },
		{ .stop = 150, .low = 270, .high = 285 },
		{ .stop = 150, .low = 270, .high = 285 } } },
	/* Nor do those that were believed dead before. */
	{ .name = "the long dead do not hide an outage",
	    .n = 5,
	    .life = { { .stop = 100, .low = 220, .high = 235 },
		{ .stop = 100, .low = 220, .high = 235 },
		{ .stop = 100, .low = 220, .high = 235 },
		{ .stop = 400, .low = 520, .high = 535 },
		{ .stop = 400, .low = 520, .high = 535 } } },
	{ .name = "the long dead do not protect the next",
	    .n = 5,
	    .life = { { .stop = 100, .low = 220, .high = 235 },
		{ .stop = 100, .low = 220, .high = 235 },
		{ .stop = 100, .low = 220, .high = 235 },
		{ .stop = 400, .low = 460, .high = 470 }, WELL } },
	{ .name = "our own stall starts all anew",
	    .n = 5,
	    .life = { WELL, { .stop = 100, .low = 200, .high = 215 }, WELL,
		WELL, WELL },
	    .stall = 120,
	    .stall_end = 141 },
	{ .name = "a stall longer than a lease",
	    .n = 2,
	    .life = { { .stop = 100, .back = 301, .low = NEVER },
		{ .stop = 100, .back = 301, .low = NEVER } },
	    .stall = 105,
	    .stall_end = 301 },
	{ .name = "a stall in the second lease",
	    .n = 5,
	    .life = { { .stop = 100, .low = 320, .high = 340 }, WELL,
		{ .stop = 100, .low = 320, .high = 340 }, WELL,
		{ .stop = 100, .low = 320, .high = 340 } },
	    .stall = 200,
	    .stall_end = 201 },
	{ .name = "it never had a file",
	    .n = 3,
	    .life = { { .no_file = true, .low = 60, .high = 70 }, WELL,
		WELL } },
	{ .name = "we slept, and one worker with us",
	    .n = 3,
	    .life = { { .stop = 100, .back = 1004, .low = NEVER }, WELL, WELL },
	    .sleep = 100,
	    .sleep_end = 1000 },
	/* The server slept, and with it a keeper on it; a client's TCP asks
	 * again after as long as it had no answer, at most two minutes. */
	{ .name = "we slept, and one comes back late",
	    .n = 3,
	    .life = { { .stop = 100, .back = 1120, .low = NEVER },
		{ .stop = 100, .back = 1005, .low = NEVER }, WELL },
	    .sleep = 100,
	    .sleep_end = 1000 },
	/* The same of one whose last beat came after our last look. */
	{ .name = "it beat, we slept, and it comes back late",
	    .n = 3,
	    .life = { { .stop = 107, .back = 1115, .low = NEVER }, WELL, WELL },
	    .sleep = 100,
	    .sleep_end = 1000 },
	{ .name = "it beat, we slept, and it died",
	    .n = 3,
	    .life = { { .stop = 107, .low = 1175, .high = 1190 }, WELL, WELL },
	    .sleep = 100,
	    .sleep_end = 1000 },
	{ .name = "we slept for less, and one comes back late",
	    .n = 2,
	    .life = { { .stop = 100, .back = 290, .low = NEVER }, WELL },
	    .sleep = 100,
	    .sleep_end = 200 },
	{ .name = "we slept, and one died",
	    .n = 3,
	    .life = { { .stop = 100, .low = 1120, .high = 1160 }, WELL, WELL },
	    .sleep = 100,
	    .sleep_end = 1000 },
	{ .name = "we slept over a second lease",
	    .n = 1,
	    .life = { { .stop = 100, .low = 1120, .high = 1240 } },
	    .sleep = 180,
	    .sleep_end = 1000 },
};

static int64_t
beats(const struct life *life, int t)
{
	if (life->no_file)
		return -1;
	if (life->stop == 0 || t < life->stop)
		return 1 + t / ROUND;
	if (life->back == 0 || t < life->back)
		return 1 + life->stop / ROUND;
	return 2 + (life->stop + t - life->back) / ROUND;
}

/* One round at second t; the clock did not begin with us. */
static int64_t
observe(const struct story *story, struct sp_book *book, int t)
{
	int64_t now = 5000000 + t * 1000;
	bool stall = t >= story->stall && t < story->stall_end;

	sp_book_begin(book);
	for (int i = 0; i < story->n; i++) {
		const struct life *life = &story->life[i];
		char worker[] = "w0-000000";

		worker[1] = (char)('0' + i);
		ck_assert_int_eq(sp_book_note(book, worker, beats(life, t),
				     life->gone != 0 && t >= life->gone, now),
		    SP_OK);
	}
	sp_book_end(book, !stall, now);
	return now;
}

START_TEST(tell)
{
	const struct story *story = &stories[_i];
	int first[MOST];
	bool dead[MOST] = { false };
	struct sp_book book;

	for (int i = 0; i < MOST; i++)
		first[i] = NEVER;
	sp_book_init(&book, LEASE * 1000);
	for (int t = 0; t < 1500; t += ROUND) {
		int64_t now;

		if (t > story->sleep && t < story->sleep_end)
			continue;
		now = observe(story, &book, t);
		for (int i = 0; i < story->n; i++) {
			char worker[] = "w0-000000";

			worker[1] = (char)('0' + i);
			dead[i] = sp_book_dead_is(&book, worker, now);
			if (dead[i] && first[i] == NEVER)
				first[i] = t;
		}
	}
	for (int i = 0; i < story->n; i++) {
		const struct life *life = &story->life[i];

		if (life->low == NEVER)
			ck_assert_msg(first[i] == NEVER,
			    "%s: %d is well, and was held for dead at %d",
			    story->name, i, first[i]);
		else
			ck_assert_msg(
			    first[i] > life->low && first[i] <= life->high,
			    "%s: %d was held for dead at %d, not in %d..%d",
			    story->name, i, first[i], life->low, life->high);
		ck_assert_msg(dead[i] == (life->low != NEVER && !life->alive),
		    "%s: %d at the end", story->name, i);
	}
	sp_book_clear(&book);
}
END_TEST

/* To the millisecond. */
START_TEST(late_is_more_than_a_lease)
{
	struct sp_book book;

	sp_book_init(&book, 1000);
	for (int64_t now = 1; now <= 1002; now++) {
		sp_book_begin(&book);
		ck_assert_int_eq(
		    sp_book_note(&book, "a-000000", 7, false, now), SP_OK);
		ck_assert_int_eq(
		    sp_book_note(&book, "b-000000", now, false, now), SP_OK);
		sp_book_end(&book, true, now);
		ck_assert_int_eq(
		    sp_book_silence(&book, "a-000000", now), now - 1);
		ck_assert_int_eq(sp_book_silence(&book, "b-000000", now), 0);
		ck_assert_int_eq(
		    sp_book_dead_is(&book, "a-000000", now), now > 1001);
		ck_assert(!sp_book_dead_is(&book, "b-000000", now));
	}
	sp_book_clear(&book);
}
END_TEST

/* A worker that is seen again lives, before the round is over. */
START_TEST(seen_again_in_the_round)
{
	struct sp_book book;

	sp_book_init(&book, 100);
	for (int64_t now = 1; now < 300; now += 20) {
		sp_book_begin(&book);
		(void)sp_book_note(&book, "a-000000", 7, false, now);
		(void)sp_book_note(&book, "b-000000", now, false, now);
		sp_book_end(&book, true, now);
	}
	ck_assert(sp_book_dead_is(&book, "a-000000", 300));
	sp_book_begin(&book);
	(void)sp_book_note(&book, "a-000000", 8, false, 300);
	ck_assert(!sp_book_dead_is(&book, "a-000000", 300));
	sp_book_clear(&book);
}
END_TEST

/* One that was dead and came back is trusted as before: when it falls silent
 * again together with the others, two leases pass. */
START_TEST(back_is_as_before)
{
	struct sp_book book;
	int64_t died = 0;

	sp_book_init(&book, 100);
	for (int64_t now = 1; now < 1000 && died == 0; now += 10) {
		int64_t count = now < 300 ? 7 : now < 500 ? now : 500;

		sp_book_begin(&book);
		(void)sp_book_note(&book, "a-000000", count, false, now);
		(void)sp_book_note(
		    &book, "b-000000", now < 500 ? now : 500, false, now);
		sp_book_end(&book, true, now);
		if (now == 291)
			ck_assert(sp_book_dead_is(&book, "a-000000", now));
		if (now > 300 && sp_book_dead_is(&book, "a-000000", now))
			died = now;
	}
	ck_assert_int_gt(died, 700);
	ck_assert_int_le(died, 730);
	sp_book_clear(&book);
}
END_TEST

START_TEST(sleep_does_not_touch_who_beats)
{
	struct sp_book book;

	sp_book_init(&book, 100);
	for (int64_t now = 1; now <= 1001; now += 1000) {
		sp_book_begin(&book);
		(void)sp_book_note(&book, "a-000000", 7, false, now);
		(void)sp_book_note(&book, "b-000000", now, false, now);
		sp_book_end(&book, true, now);
	}
	ck_assert_int_eq(sp_book_silence(&book, "a-000000", 1001), 0);
	ck_assert_int_eq(sp_book_silence(&book, "b-000000", 1001), 0);
	sp_book_clear(&book);
}
END_TEST

/* It has a file and holds an order: whatever is noted first, a missing file
 * is no beat. */
static const int64_t twice[][2] = { { 7, 7 }, { 7, -1 }, { -1, 7 },
	{ -1, -1 } };

START_TEST(noted_twice)
{
	struct sp_book book;

	sp_book_init(&book, 100);
	for (int64_t now = 1; now < 300; now += 20) {
		sp_book_begin(&book);
		(void)sp_book_note(&book, "a-000000", twice[_i][0], false, now);
		(void)sp_book_note(&book, "a-000000", twice[_i][1], false, now);
		(void)sp_book_note(&book, "b-000000", now, false, now);
		sp_book_end(&book, true, now);
		ck_assert_int_eq(
		    sp_book_silence(&book, "a-000000", now), now - 1);
	}
	ck_assert(sp_book_dead_is(&book, "a-000000", 300));
	ck_assert_uint_eq(book.n, 2);
	sp_book_clear(&book);
}
END_TEST

START_TEST(gone_twice)
{
	struct sp_book book;

	sp_book_init(&book, 100);
	sp_book_begin(&book);
	(void)sp_book_note(&book, "a-000000", 7, true, 1);
	(void)sp_book_note(&book, "a-000000", -1, false, 1);
	ck_assert(sp_book_dead_is(&book, "a-000000", 1));
	sp_book_end(&book, true, 1);
	ck_assert(sp_book_dead_is(&book, "a-000000", 1));
	/* A mistake of ours does not last. */
	sp_book_begin(&book);
	(void)sp_book_note(&book, "a-000000", 8, false, 2);
	sp_book_end(&book, true, 2);
	ck_assert(!sp_book_dead_is(&book, "a-000000", 2));
	sp_book_clear(&book);
}
END_TEST

START_TEST(not_noted_is_forgotten)
{
	struct sp_book book;

	sp_book_init(&book, 100);
	sp_book_begin(&book);
	(void)sp_book_note(&book, "a-000000", 7, true, 1);
	(void)sp_book_note(&book, "b-000000", 7, false, 1);
	sp_book_end(&book, true, 1);
	sp_book_begin(&book);
	(void)sp_book_note(&book, "b-000000", 7, false, 2);
	sp_book_end(&book, true, 2);
	ck_assert_int_eq(sp_book_silence(&book, "a-000000", 3), -1);
	ck_assert(!sp_book_dead_is(&book, "a-000000", 3));
	ck_assert_int_eq(sp_book_silence(&book, "b-000000", 3), 2);
	sp_book_clear(&book);
}
END_TEST

START_TEST(many)
{
	struct sp_book book;
	char worker[SP_WORKER_MAX + 20];

	sp_book_init(&book, 100);
	ck_assert_int_eq(sp_book_silence(&book, "x-000000", 1), -1);
	sp_book_begin(&book);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(
		    worker, sizeof worker, "w%d-000000", i * 7919 % 1000);
		ck_assert_int_eq(
		    sp_book_note(&book, worker, i, false, i + 1), SP_OK);
	}
	sp_book_end(&book, true, 1000);
	ck_assert_uint_eq(book.n, 1000);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(
		    worker, sizeof worker, "w%d-000000", i * 7919 % 1000);
		ck_assert_int_eq(
		    sp_book_silence(&book, worker, 1001), 1000 - i);
	}
	memset(worker, 'w', sizeof worker);
	worker[SP_WORKER_MAX + 1] = '\0';
	ck_assert_int_eq(sp_book_note(&book, worker, 1, false, 1), SP_BAD);
	ck_assert_uint_eq(book.n, 1000);
	sp_book_clear(&book);
	ck_assert_uint_eq(book.n, 0);
	ck_assert_int_eq(book.lease, 100);
}
END_TEST

Suite *
lease_suite(void)
{
	Suite *suite = suite_create("lease");
	TCase *tcase = tcase_create("lease");

	ADD_TABLE(tcase, tell, stories);
	tcase_add_test(tcase, late_is_more_than_a_lease);
	tcase_add_test(tcase, seen_again_in_the_round);
	tcase_add_test(tcase, back_is_as_before);
	tcase_add_test(tcase, sleep_does_not_touch_who_beats);
	ADD_TABLE(tcase, noted_twice, twice);
	tcase_add_test(tcase, gone_twice);
	tcase_add_test(tcase, not_noted_is_forgotten);
	tcase_add_test(tcase, many);
	suite_add_tcase(suite, tcase);
	return suite;
}
