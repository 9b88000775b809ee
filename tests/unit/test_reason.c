/*
 * test_reason.c - what an order meets at a worker, in words, and when it will
 * fit there.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/reason.h"
#include "tests/unit/suites.h"

#define GIB (INT64_C(1) << 30)

#define ONE "20261122T190212345-9f3c21ab"
#define TWO "20261122T190212345-77aa0102"

/* A worker with 2 GPUs, 8 CPUs, 16 GiB and 4 slots, less what is taken. */
static const struct {
	const char *state;
	int gpus, slots_free, gpus_free;
	double cpus_free;
	int64_t memory_free; /* GiB */
	const char *blocked; /* of the second GPU */
	/* what the order needs */
	int need_gpus;
	double need_cpus;
	int64_t need_memory; /* GiB */
	const char *need_tag;
	/* the two that run: GPUs and ends */
	int run_gpus[2];
	int64_t eta[2];
	/* comes to */
	enum sp_reason_kind kind;
	const char *words;
	int64_t at;
} rows[] = {
	{ "idle", 2, 4, 2, 8, 16, NULL, 2, 8, 16, "a100", { 0, 0 }, { 0, 0 },
	    SP_REASON_NOW, "", 0 },
	{ "busy", 2, 2, 2, 8, 16, NULL, 0, 0, 0, NULL, { 0, 0 }, { 5, 0 },
	    SP_REASON_NOW, "", 0 },
	{ "idle", 2, 4, 2, 8, 16, NULL, 3, 0, 0, NULL, { 0, 0 }, { 0, 0 },
	    SP_REASON_NEVER, "needs 3 GPUs, has 2", 0 },
	{ "idle", 2, 4, 2, 8, 16, NULL, 0, 0, 0, "v100", { 0, 0 }, { 0, 0 },
	    SP_REASON_NEVER, "needs a worker with the tag \"v100\"", 0 },
	/* what it can never run it says also when it claims nothing */
	{ "drained", 2, 4, 2, 8, 16, NULL, 3, 0, 0, NULL, { 0, 0 }, { 0, 0 },
	    SP_REASON_NEVER, "needs 3 GPUs, has 2", 0 },
	{ "drained", 2, 4, 2, 8, 16, NULL, 1, 0, 0, NULL, { 0, 0 }, { 0, 0 },
	    SP_REASON_CLOSED, "drained", 0 },
	{ "busy", 2, 2, 0, 8, 16, NULL, 2, 0, 0, NULL, { 1, 1 }, { 700, 300 },
	    SP_REASON_BUSY,
	    "needs 2 GPUs; has 2, both taken by ...77aa0102, ...9f3c21ab",
	    700 },
	{ "busy", 2, 2, 0, 8, 16, NULL, 1, 0, 0, NULL, { 1, 1 }, { 700, 300 },
	    SP_REASON_BUSY,
	    "needs 1 GPU; has 2, both taken by ...77aa0102, ...9f3c21ab", 300 },
	/* the one whose end nobody knows may be the last */
	{ "busy", 2, 2, 0, 8, 16, NULL, 2, 0, 0, NULL, { 1, 1 }, { 700, 0 },
	    SP_REASON_BUSY,
	    "needs 2 GPUs; has 2, both taken by ...9f3c21ab, ...77aa0102", 0 },
	{ "busy", 2, 2, 0, 8, 16, "in use by bob (pid 4711, 642 MiB)", 1, 0, 0,
	    NULL, { 1, 0 }, { 700, 0 }, SP_REASON_BUSY,
	    "needs 1 GPU; has 2, some taken by ...9f3c21ab, GPU 1 not to be "
	    "had: in use by bob (pid 4711, 642 MiB)",
	    700 },
	{ "busy", 1, 3, 0, 8, 16, NULL, 1, 0, 0, NULL, { 1, 0 }, { 700, 0 },
	    SP_REASON_BUSY, "needs 1 GPU; has 1, which is taken by ...9f3c21ab",
	    700 },
	{ "busy", 2, 2, 2, 1.5, 16, NULL, 0, 5, 0, NULL, { 0, 0 }, { 9, 8 },
	    SP_REASON_BUSY,
	    "needs 5 CPUs; 1.5 of 8 are free, the others taken by "
	    "...77aa0102, ...9f3c21ab",
	    9 },
	{ "busy", 2, 2, 2, 8, 4, NULL, 0, 0, 6, NULL, { 0, 0 }, { 9, 8 },
	    SP_REASON_BUSY,
	    "needs 6 GiB of memory; 4 of 16 are free, the others taken by "
	    "...77aa0102, ...9f3c21ab",
	    8 },
	{ "busy", 2, 0, 2, 8, 16, NULL, 0, 0, 0, NULL, { 0, 0 }, { 9, 8 },
	    SP_REASON_BUSY,
	    "all its slots are taken by ...77aa0102, ...9f3c21ab", 8 },
};

START_TEST(reason)
{
	char tag[] = "a100", asked[32], *requires[] = { asked };
	struct sp_beat_gpu gpu[2] = { { .index = 0 }, { .index = 1 } };
	struct sp_beat beat = { .slots = 4,
		.gpus = rows[_i].gpus,
		.gpu = gpu,
		.gpu_n = 2,
		.cpus = 8,
		.memory = 16 * GIB,
		.tags_n = 1,
		.free_said = true,
		.free = { rows[_i].slots_free, rows[_i].cpus_free,
		    rows[_i].memory_free * GIB, rows[_i].gpus_free } };
	struct sp_job job = { .gpus = rows[_i].need_gpus,
		.cpus = rows[_i].need_cpus,
		.memory = rows[_i].need_memory * GIB };
	/* each has 2.5 CPUs and 6 GiB */
	struct sp_reason_run run[2] = { { .cpus = 2.5, .memory = 6 * GIB },
		{ .cpus = 2.5, .memory = 6 * GIB } };
	struct sp_reason r;
	char tags[1][SP_TAG_MAX + 1];

	(void)strcpy(tags[0], tag);
	beat.tags = tags;
	(void)strcpy(beat.state, rows[_i].state);
	if (rows[_i].blocked != NULL)
		(void)strcpy(gpu[1].blocked.why, rows[_i].blocked);
	if (rows[_i].need_tag != NULL) {
		(void)strcpy(asked, rows[_i].need_tag);
		job.requires = requires;
		job.requires_n = 1;
	}
	ck_assert_int_eq(sp_id_parse(ONE, &run[0].id), SP_OK);
	ck_assert_int_eq(sp_id_parse(TWO, &run[1].id), SP_OK);
	for (int i = 0; i < 2; i++) {
		run[i].gpus = rows[_i].run_gpus[i];
		run[i].eta = rows[_i].eta[i];
	}
	sp_reason(&job, &beat, run, 2, &r);
	ck_assert_str_eq(r.words, rows[_i].words);
	ck_assert_int_eq(r.kind, rows[_i].kind);
	ck_assert_int_eq(r.at, rows[_i].at);
}
END_TEST

/* Of many only some are named, and all fit into the words. */
START_TEST(many)
{
	struct sp_reason_run run[1000];
	struct sp_beat beat = { .slots = 1000, .free_said = true };
	struct sp_job job = { 0 };
	struct sp_reason r;

	memset(run, 0, sizeof run);
	(void)strcpy(beat.state, "busy");
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(sp_id_parse(ONE, &run[i].id), SP_OK);
	sp_reason(&job, &beat, run, 1000, &r);
	ck_assert_str_eq(r.words,
	    "all its slots are taken by ...9f3c21ab, ...9f3c21ab, "
	    "...9f3c21ab and 997 more");
}
END_TEST

Suite *
reason_suite(void)
{
	Suite *suite = suite_create("reason");
	TCase *tcase = tcase_create("reason");

	ADD_TABLE(tcase, reason, rows);
	tcase_add_test(tcase, many);
	suite_add_tcase(suite, tcase);
	return suite;
}
