/*
 * test_fit.c - does an order fit a worker, and if not, why.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/fit.h"
#include "tests/unit/suites.h"

#define GIB (INT64_C(1) << 30)

static const struct {
	int gpus;
	double cpus;
	int64_t memory;
	const char *requires;
	const char *why; /* NULL: it fits */
} needs[] = {
	{ 0, 0, 0, NULL, NULL },
	{ 1, 4, 8 * GIB, "a100", NULL }, /* all there is */
	{ 2, 0, 0, NULL, "needs 2 GPUs, has 1" },
	{ 0, 4.5, 0, NULL, "needs 4.5 CPUs, has 4" },
	{ 0, 0, 8 * GIB + 1, NULL, "needs 8 GiB of memory, has 8 GiB" },
	{ 0, 0, 12 * GIB, NULL, "needs 12 GiB of memory, has 8 GiB" },
	{ 0, 0, 0, "v100", "needs a worker with the tag \"v100\"" },
	{ 0, 0, 0, "a10", "needs a worker with the tag \"a10\"" },
};

START_TEST(fit)
{
	static const char *const tags[] = { "linux", "a100" };
	const struct sp_offer offer = { .gpus = 1,
		.cpus = 4,
		.memory = 8 * GIB,
		.tags = tags,
		.tags_n = 2 };
	char tag[32], *requires[] = { tag }, why[128] = "x";
	struct sp_job job = { .gpus = needs[_i].gpus,
		.cpus = needs[_i].cpus,
		.memory = needs[_i].memory };

	if (needs[_i].requires != NULL) {
		(void)snprintf(tag, sizeof tag, "%s", needs[_i].requires);
		job.requires = requires;
		job.requires_n = 1;
	}
	ck_assert_int_eq(sp_fit_ok(&job, &offer, why), needs[_i].why == NULL);
	ck_assert_str_eq(why, needs[_i].why == NULL ? "" : needs[_i].why);
}
END_TEST

START_TEST(unknown_memory_fits_all)
{
	const struct sp_offer offer = { .cpus = 1 };
	const struct sp_job job = { .memory = 1024 * GIB };
	char why[128];

	ck_assert(sp_fit_ok(&job, &offer, why));
}
END_TEST

START_TEST(nothing_to_give)
{
	const struct sp_offer offer = { 0 };
	struct sp_job job = { .cpus = 1 };
	char why[128];

	ck_assert(!sp_fit_ok(&job, &offer, why));
	ck_assert_str_eq(why, "needs 1 CPU, has 0");
	job = (struct sp_job){ .gpus = 1 };
	ck_assert(!sp_fit_ok(&job, &offer, why));
	ck_assert_str_eq(why, "needs 1 GPU, has 0");
}
END_TEST

START_TEST(all_tags_count)
{
	static const char *const tags[] = { "linux", "a100" };
	const struct sp_offer offer = { .tags = tags, .tags_n = 2 };
	char one[] = "a100", two[] = "linux", *requires[] = { one, two, NULL };
	char other[300], why[128];
	struct sp_job job = { .requires = requires, .requires_n = 2 };

	ck_assert(sp_fit_ok(&job, &offer, why));
	memset(other, 'x', sizeof other);
	other[sizeof other - 1] = '\0';
	requires[2] = other;
	job.requires_n = 3;
	ck_assert(!sp_fit_ok(&job, &offer, why));
	ck_assert_uint_lt(strlen(why), 128);
	ck_assert_ptr_nonnull(strstr(why, "xxx\""));
}
END_TEST

Suite *
fit_suite(void)
{
	Suite *suite = suite_create("fit");
	TCase *tcase = tcase_create("fit");

	ADD_TABLE(tcase, fit, needs);
	tcase_add_test(tcase, unknown_memory_fits_all);
	tcase_add_test(tcase, nothing_to_give);
	tcase_add_test(tcase, all_tags_count);
	suite_add_tcase(suite, tcase);
	return suite;
}
