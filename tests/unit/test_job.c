/*
 * test_job.c - jobs: what is valid, and what the words are for what is not.
 * The members of `order` are in test_order.c, edits in test_jobedit.c.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/job.h"
#include "libspool/json.h"
#include "tests/unit/suites.h"

#define ID  "20261122T190212345-9f3c21ab"
#define ID2 "20261122T190212346-00000001"
#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BIG "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

static enum sp_status
parse(const char *text, struct sp_job *job_out, struct sp_err *err)
{
	return sp_job_parse(text, strlen(text), job_out, err);
}

START_TEST(says_nothing)
{
	struct sp_job job;

	ck_assert_int_eq(
	    parse("{\"scriptName\":\"nn.py\"}", &job, NULL), SP_OK);
	ck_assert(job.object);
	ck_assert_str_eq(job.script, "nn.py");
	ck_assert_str_eq(job.data, "");
	ck_assert_str_eq(job.project, "");
	ck_assert_str_eq(job.retry_of, "");
	ck_assert_str_eq(job.label, "");
	ck_assert_str_eq(job.python, "");
	ck_assert_int_eq(job.prio, SP_PRIO_USUAL);
	ck_assert_int_eq(job.attempts, 0);
	ck_assert_int_eq(job.gpus, 0);
	ck_assert_double_eq(job.timeout, 0);
	ck_assert_double_eq(job.cpus, 0);
	ck_assert_int_eq(job.memory, 0);
	ck_assert_int_eq(job.not_before, 0);
	ck_assert_uint_eq(job.retry, SP_RETRY_USUAL);
	ck_assert(!job.exclusive && !job.outcome_required);
	ck_assert_uint_eq(
	    job.after_n + job.tags_n + job.requires_n + job.env_n + job.warm_n,
	    0);
	ck_assert_str_eq(job.script_sha, "");
	ck_assert_str_eq(job.data_sha, "");
	ck_assert_str_eq(job.code, "");
	ck_assert_str_eq(job.diff_sha, "");
	sp_job_clear(&job);
	sp_job_clear(&job); /* harmless */
}
END_TEST

START_TEST(says_everything)
{
	static const char text[] =
	    "{\"epochs\":3000,\"scriptName\":\"nn.py\",\"dataFileName\":"
	    "\"wine_data.csv\",\"projectName\":\"wine data \xc3\xa4\","
	    "\"order\":{\"priority\":7,\"name\":\"wine-3\",\"tags\":[\"a\","
	    "\"b c\"],\"requires\":[\"a100\"],\"attempts\":5,\"timeout\":"
	    "\"2h\",\"memory\":\"16G\",\"gpus\":2,\"cpus\":1.5,\"after\":[\"" ID
	    "\",\"" ID2 "\"],\"notBefore\":\"2026-11-22T19:02:12Z\",\"retry\":"
	    "[\"exit\",\"cuda-oom\"],\"exclusive\":true,\"python\":"
	    "\"/opt/venv/bin/python3\",\"env\":{\"OMP_NUM_THREADS\":\"2\",\"X\""
	    ":\"\"},\"outcome\":\"required\",\"warm\":[\"numpy\",\"a.b_1\"],"
	    "\"git\":{\"commit\":\"x\",\"diff\":\"" SHA "\"},"
	    "\"scriptSha256\":\"" SHA "\",\"dataSha256\":\"" SHA "\","
	    "\"code\":\"sha256:" SHA "\","
	    "\"retryOf\":\"" ID "\",\"group\":\"night\"}}";
	struct sp_err err = { "" };
	struct sp_job job;

	ck_assert_msg(parse(text, &job, &err) == SP_OK, "%s", err.text);
	ck_assert_str_eq(job.script, "nn.py");
	ck_assert_str_eq(job.data, "wine_data.csv");
	ck_assert_str_eq(job.project, "wine data \xc3\xa4");
	ck_assert_int_eq(job.prio, 7);
	ck_assert_str_eq(job.label, "wine-3");
	ck_assert_uint_eq(job.tags_n, 2);
	ck_assert_str_eq(job.tags[1], "b c");
	ck_assert_uint_eq(job.requires_n, 1);
	ck_assert_str_eq(job.requires[0], "a100");
	ck_assert_int_eq(job.attempts, 5);
	ck_assert_double_eq(job.timeout, 7200);
	ck_assert_int_eq(job.memory, 16LL << 30);
	ck_assert_int_eq(job.gpus, 2);
	ck_assert_double_eq(job.cpus, 1.5);
	ck_assert_uint_eq(job.after_n, 2);
	ck_assert_str_eq(job.after[0].text, ID);
	ck_assert_str_eq(job.after[1].text, ID2);
	ck_assert_int_eq(job.not_before, 1795374132000);
	ck_assert_uint_eq(job.retry,
	    SP_RETRY_ALWAYS | 1u << SP_CAUSE_EXIT | 1u << SP_CAUSE_CUDA_OOM);
	ck_assert(job.exclusive && job.outcome_required);
	ck_assert_str_eq(job.python, "/opt/venv/bin/python3");
	ck_assert_uint_eq(job.env_n, 2);
	ck_assert_str_eq(job.env[0], "OMP_NUM_THREADS=2");
	ck_assert_str_eq(job.env[1], "X=");
	ck_assert_uint_eq(job.warm_n, 2);
	ck_assert_str_eq(job.warm[0], "numpy");
	ck_assert_str_eq(job.warm[1], "a.b_1");
	ck_assert_str_eq(job.script_sha, SHA);
	ck_assert_str_eq(job.data_sha, SHA);
	ck_assert_str_eq(job.code, "sha256:" SHA);
	ck_assert_str_eq(job.diff_sha, SHA);
	ck_assert_str_eq(job.retry_of, ID);
	sp_job_clear(&job);
}
END_TEST

static const struct {
	const char *text;
	bool object;
	const char *words;
} bad[] = {
	{ "", false, "the file is empty" },
	{ "{\"scriptName\":\"a.py\"", false, "it ends in the middle" },
	{ "[]", false, "expected one object" },
	{ "{}", true, "scriptName: missing; name the script in scripts/" },
	{ "{\"scriptName\":null}", true, "scriptName: missing" },
	{ "{\"scriptName\":\"\"}", true, "scriptName: missing" },
	{ "{\"scriptname\":\"a.py\"}", true,
	    "scriptName: missing; is "
	    "\"scriptname\" meant" },
	{ "{\"script_name\":\"a.py\"}", true, "is \"script_name\" meant" },
	{ "{\"scriptName\":7}", true,
	    "scriptName: found 7, expected the name "
	    "of a file" },
	{ "{\"scriptName\":\"../x.py\"}", true,
	    "scriptName: \"../x.py\" is not a plain file name; put the file "
	    "into scripts/ and give its name" },
	{ "{\"scriptName\":\"/etc/passwd\"}", true, "not a plain file name" },
	{ "{\"scriptName\":\".hidden\"}", true, "not a plain file name" },
	{ "{\"scriptName\":\"-c\"}", true, "not a plain file name" },
	{ "{\"scriptName\":\"a b.py\"}", true, "rename the file in scripts/" },
	{ "{\"scriptName\":\"a.py\",\"dataFileName\":\"d/x.csv\"}", true,
	    "dataFileName: \"d/x.csv\" is not a plain file name; put the file "
	    "into data/" },
	{ "{\"scriptName\":\"a.py\",\"dataFileName\":[]}", true,
	    "dataFileName: found a list" },
	{ "{\"scriptName\":\"a.py\",\"projectName\":3}", true,
	    "projectName: found 3, expected a text" },
	{ "{\"scriptName\":\"a.py\",\"order\":[]}", true,
	    "order: found a list, expected an object" },
	{ "{\"scriptName\":\"a.py\",\"order\":\"x\"}", true,
	    "order: found \"x\"" },
	/* the first trouble is told */
	{ "{\"scriptName\":7,\"order\":{\"gpus\":-1}}", true, "scriptName" },
};

START_TEST(refuses)
{
	struct sp_err err = { "" };
	struct sp_job job;

	ck_assert_int_eq(parse(bad[_i].text, &job, &err), SP_BAD);
	ck_assert_int_eq(job.object, bad[_i].object);
	ck_assert_msg(strstr(err.text, bad[_i].words) != NULL,
	    "%s: \"%s\", wanted \"%s\"", bad[_i].text, err.text, bad[_i].words);
	sp_job_clear(&job);
	ck_assert_int_eq(parse(bad[_i].text, &job, NULL), SP_BAD);
	sp_job_clear(&job);
}
END_TEST

START_TEST(accepts_emptiness)
{
	struct sp_job job;

	ck_assert_int_eq(parse("{\"scriptName\":\"a.py\",\"dataFileName\":"
			       "\"\",\"projectName\":null,\"order\":null}",
			     &job, NULL),
	    SP_OK);
	ck_assert_str_eq(job.data, "");
	sp_job_clear(&job);
}
END_TEST

/* A bad job still says what it is, so that its row and its name can. */
START_TEST(bad_jobs_are_shown)
{
	struct sp_job job;

	ck_assert_int_eq(
	    parse("{\"order\":{\"priority\":7,\"name\":\"x\",\"oops\":1},"
		  "\"projectName\":\"p\",\"dataFileName\":\"d.csv\"}",
		&job, NULL),
	    SP_BAD);
	ck_assert_int_eq(job.prio, 7);
	ck_assert_str_eq(job.label, "x");
	ck_assert_str_eq(job.project, "p");
	ck_assert_str_eq(job.data, "d.csv");
	sp_job_clear(&job);
}
END_TEST

START_TEST(size_is_bounded)
{
	struct sp_err err = { "" };
	struct sp_buf b = SP_BUF_INIT(2 * SP_JOB_MAX);
	struct sp_job job;

	sp_buf_puts(&b, "{\"scriptName\":\"a.py\"}");
	while (b.len <= SP_JOB_MAX)
		sp_buf_puts(&b, " ");
	ck_assert_int_eq(sp_job_parse(b.data, SP_JOB_MAX, &job, &err), SP_OK);
	sp_job_clear(&job);
	ck_assert_int_eq(
	    sp_job_parse(b.data, SP_JOB_MAX + 1, &job, &err), SP_BAD);
	ck_assert(!job.object);
	ck_assert_ptr_nonnull(strstr(err.text, "too many for a job"));
	sp_buf_clear(&b);
}
END_TEST

START_TEST(long_project_is_cut)
{
	struct sp_buf b = SP_BUF_INIT(1000);
	struct sp_job job;
	int i;

	sp_buf_puts(&b, "{\"scriptName\":\"a.py\",\"projectName\":\"x");
	for (i = 0; i < 150; i++)
		sp_buf_puts(&b, "\xc3\xa4");
	sp_buf_puts(&b, "\"}");
	ck_assert_int_eq(sp_job_parse(b.data, b.len, &job, NULL), SP_OK);
	ck_assert_uint_eq(strlen(job.project), 199); /* no half letter */
	sp_job_clear(&job);
	sp_buf_clear(&b);
}
END_TEST

Suite *
job_suite(void)
{
	Suite *s = suite_create("job");
	TCase *in = tcase_create("read");

	tcase_add_test(in, says_nothing);
	tcase_add_test(in, says_everything);
	ADD_TABLE(in, refuses, bad);
	tcase_add_test(in, accepts_emptiness);
	tcase_add_test(in, bad_jobs_are_shown);
	tcase_add_test(in, size_is_bounded);
	tcase_add_test(in, long_project_is_cut);
	suite_add_tcase(s, in);
	return s;
}
