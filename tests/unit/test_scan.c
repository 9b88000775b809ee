/*
 * test_scan.c - listings in stretches, and the window: how often many workers
 * try for one claim, and how far from its turn an order is taken.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/scan.h"
#include "tests/unit/suites.h"

/* ---- stretches ---- */

static char dir[] = "/tmp/spool-scan.XXXXXX";
static int fd_of_dir;

static void
make(void)
{
	(void)strcpy(dir, "/tmp/spool-scan.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	fd_of_dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(fd_of_dir, -1);
}

static void
unmake(void)
{
	struct sp_names all = { 0 };
	size_t i;

	(void)sp_list(fd_of_dir, true, &all, NULL);
	for (i = 0; i < all.n; i++)
		(void)unlinkat(fd_of_dir, sp_names_at(&all, i), 0);
	sp_names_clear(&all);
	(void)close(fd_of_dir);
	(void)rmdir(dir);
}

static void
touch(const char *name)
{
	int fd = openat(fd_of_dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	ck_assert_int_ne(fd, -1);
	(void)close(fd);
}

static const struct {
	size_t n, most;
} stretches[] = { { 0, 4 }, { 1, 4 }, { 4, 4 }, { 5, 4 }, { 8, 4 }, { 9, 4 },
	{ 200, 7 }, { 200, 1 }, { 200, 100 }, { 200, 1000 } };

/* One after the other they are the whole, in its order. */
START_TEST(whole)
{
	size_t n = stretches[_i].n, most = stretches[_i].most, at = 0, i;
	struct sp_names all = { 0 }, some = { 0 };
	char name[64], after[256] = "";
	bool more = true;

	touch(".hidden");
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof name, "%zu.json", i * 7919 % 1000);
		touch(name);
	}
	ck_assert_int_eq(sp_list(fd_of_dir, false, &all, NULL), SP_OK);
	ck_assert_uint_eq(all.n, n);
	while (more) {
		ck_assert_int_eq(
		    sp_list_next(fd_of_dir, after, most, &some, &more, NULL),
		    SP_OK);
		ck_assert_uint_le(some.n, most);
		ck_assert(!more || some.n == most);
		for (i = 0; i < some.n; i++)
			ck_assert_str_eq(
			    sp_names_at(&some, i), sp_names_at(&all, at++));
		if (some.n > 0)
			(void)strcpy(after, sp_names_at(&some, some.n - 1));
	}
	ck_assert_uint_eq(at, n);
	sp_names_clear(&all);
	sp_names_clear(&some);
}
END_TEST

/* ---- the window ---- */

#define QUEUE 4096
#define CREW  64

static bool taken[QUEUE];
static size_t tries, claims, far_most;

static void
fill(struct sp_window *w, unsigned workers)
{
	struct sp_names names = { 0 };
	char name[8];
	size_t i;

	for (i = 0; i < QUEUE; i++) {
		if (taken[i])
			continue;
		(void)snprintf(name, sizeof name, "%05zu", i);
		ck_assert_int_eq(sp_names_add(&names, name), SP_OK);
	}
	ck_assert_int_eq(sp_window_fill(w, &names, workers), SP_OK);
}

static uint32_t
dice(void)
{
	static uint32_t x = 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

/* In turn each tries one; who is through his list gets a new one. */
static void
race(unsigned workers)
{
	struct sp_window crew[CREW];
	const char *name;
	size_t at, far;
	unsigned i;

	(void)memset(taken, 0, sizeof taken);
	tries = claims = far_most = 0;
	for (i = 0; i < workers; i++) {
		sp_window_init(&crew[i]);
		fill(&crew[i], workers);
	}
	for (i = 0; claims < QUEUE; i = (i + 1) % workers) {
		if ((name = sp_window_next(&crew[i], dice())) == NULL) {
			fill(&crew[i], workers);
			continue;
		}
		at = strtoul(name, NULL, 10);
		far = at > claims ? at - claims : claims - at;
		tries++;
		sp_window_told(&crew[i], !taken[at]);
		if (!taken[at] && far > far_most)
			far_most = far;
		claims += !taken[at];
		taken[at] = true;
	}
	for (i = 0; i < workers; i++)
		sp_window_clear(&crew[i]);
}

static const unsigned crews[] = { 1, 2, 4, 16, CREW };

START_TEST(contention)
{
	race(crews[_i]);
	ck_assert_uint_eq(claims, QUEUE);
	ck_assert_msg(tries <= claims * 3, "%u workers: %zu tries, %zu claims",
	    crews[_i], tries, claims);
	if (crews[_i] == 1) {
		ck_assert_uint_eq(tries, claims);
		ck_assert_uint_eq(far_most, 0);
	}
}
END_TEST

/* What was not taken is met again; what was gone is not. */
START_TEST(again)
{
	struct sp_window w;
	size_t met = 0;

	(void)memset(taken, 0, sizeof taken);
	sp_window_init(&w);
	fill(&w, 4);
	for (; sp_window_next(&w, dice()) != NULL; met++)
		if (met % 2 == 0)
			sp_window_told(&w, true);
	ck_assert_uint_eq(met, QUEUE);
	sp_window_again(&w);
	for (met = 0; sp_window_next(&w, dice()) != NULL; met++)
		continue;
	ck_assert_uint_eq(met, QUEUE / 2);
	sp_window_clear(&w);
}
END_TEST

Suite *
scan_suite(void)
{
	Suite *s = suite_create("scan");
	TCase *t = tcase_create("stretches");

	tcase_add_checked_fixture(t, make, unmake);
	ADD_TABLE(t, whole, stretches);
	suite_add_tcase(s, t);
	t = tcase_create("window");
	ADD_TABLE(t, contention, crews);
	tcase_add_test(t, again);
	suite_add_tcase(s, t);
	return s;
}
