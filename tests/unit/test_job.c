/*
 * test_job.c - jobs: what is valid, what the words are for what is not, the
 * dress for the script, edits, and the units people write.
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

/* Members of `order` that are fine. */
static const char *const fine[] = {
	"",
	"\"priority\":0",
	"\"priority\":99",
	"\"priority\":null",
	"\"timeout\":90",
	"\"timeout\":0.5",
	"\"timeout\":0",
	"\"memory\":1073741824",
	"\"memory\":1e9",
	"\"gpus\":0",
	"\"gpus\":1024",
	"\"cpus\":4",
	"\"after\":\"" ID "\"",
	"\"after\":[]",
	"\"notBefore\":1795374132",
	"\"notBefore\":1795374132.5",
	"\"notBefore\":\"2026-11-22 19:02\"",
	"\"retry\":\"timeout\"",
	"\"retry\":[\"lost\",\"preempted\"]",
	"\"retry\":[]",
	"\"memory\":0",
	"\"memory\":1048576",
	"\"memory\":\"1M\"",
	"\"tags\":\"one\"",
	"\"requires\":[]",
	"\"outcome\":\"optional\"",
	"\"env\":{}",
	"\"env\":{\"_a1\":\"x=y\"}",
	"\"python\":\"python3.11\"",
	"\"warm\":null,\"git\":[]",
	"\"warm\":\"numpy\",\"git\":{\"diff\":\"none\"}",
	"\"warm\":[]",
	"\"code\":\"src\"",
	"\"code\":\"wine.v2\"",
};

/* What is retried: lost and preempted always, the rest as it says. */
static const struct {
	const char *order;
	unsigned retry;
} retries[] = {
	{ "{}", SP_RETRY_USUAL },
	{ "null", SP_RETRY_USUAL },
	{ "{\"retry\":null}", SP_RETRY_USUAL },
	{ "{\"retry\":[]}", SP_RETRY_ALWAYS },
	{ "{\"retry\":[\"lost\"]}", SP_RETRY_ALWAYS },
	{ "{\"retry\":\"exit\"}", SP_RETRY_ALWAYS | 1u << SP_CAUSE_EXIT },
	{ "{\"retry\":[\"bad-host\",\"oom\"]}",
	    SP_RETRY_ALWAYS | 1u << SP_CAUSE_BAD_HOST | 1u << SP_CAUSE_OOM },
};

START_TEST(retry_default)
{
	struct sp_job job;
	char text[200];

	(void)snprintf(text, sizeof text,
	    "{\"scriptName\":\"a.py\",\"order\":%s}", retries[_i].order);
	ck_assert_int_eq(parse(text, &job, NULL), SP_OK);
	ck_assert_uint_eq(job.retry, retries[_i].retry);
	sp_job_clear(&job);
}
END_TEST

START_TEST(order_fine)
{
	struct sp_err err = { "" };
	struct sp_job job;
	char text[500];

	(void)snprintf(text, sizeof text,
	    "{\"scriptName\":\"a.py\",\"order\":{%s}}", fine[_i]);
	ck_assert_msg(
	    parse(text, &job, &err) == SP_OK, "%s: %s", fine[_i], err.text);
	sp_job_clear(&job);
}
END_TEST

static const struct {
	const char *order, *words;
} wrong[] = {
	{ "\"priority\":100",
	    "order.priority: found 100, expected a whole "
	    "number from 0 to 99" },
	{ "\"priority\":-1", "order.priority: found -1, expected" },
	{ "\"priority\":10.5", "order.priority: found 10.5, expected" },
	{ "\"priority\":10.0", "order.priority: found 10.0, expected" },
	{ "\"priority\":\"high\"", "order.priority: found \"high\", expected" },
	{ "\"priority\":99999999999999999999", "found 99999999999999999999" },
	{ "\"priority\":9223372036854775807", "found 9223372036854775807" },
	{ "\"priority\":[1]", "order.priority: found a list" },
	{ "\"priority\":true", "order.priority: found true" },
	{ "\"name\":\"a b\"", "order.name: found \"a b\", expected 1 to 64" },
	{ "\"name\":\"\"", "order.name" },
	{ "\"name\":7", "order.name: found 7" },
	{ "\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaa\"",
	    "order.name" },
	{ "\"tags\":[\"a\",7]", "order.tags: found 7, expected a list of" },
	{ "\"tags\":[\"\"]", "order.tags: found \"\"" },
	{ "\"tags\":[\"a\\nb\"]", "order.tags: found \"a\\nb\"" },
	{ "\"requires\":{}", "order.requires: found an object" },
	{ "\"attempts\":0",
	    "order.attempts: found 0, expected a whole number "
	    "from 1 to 1000" },
	{ "\"attempts\":1001", "order.attempts" },
	{ "\"timeout\":-1", "order.timeout: found -1, expected seconds" },
	{ "\"timeout\":\"soon\"", "order.timeout: found \"soon\"" },
	{ "\"timeout\":1e10", "order.timeout: found 10000000000.0" },
	{ "\"timeout\":true", "order.timeout: found true" },
	{ "\"memory\":-5", "order.memory: found -5" },
	{ "\"memory\":\"16 X\"", "order.memory: found \"16 X\"" },
	{ "\"memory\":1e30", "order.memory" },
	{ "\"memory\":9223372036854775807", "order.memory" },
	{ "\"memory\":99999999999999999999", "order.memory" },
	{ "\"memory\":16",
	    "order.memory: found 16, expected at least 1 MiB, in bytes, or a "
	    "text as \"512M\", \"16G\"" },
	{ "\"memory\":0.5", "order.memory: found 0.5, expected at least" },
	{ "\"memory\":\"16\"", "order.memory: found \"16\", expected at" },
	{ "\"memory\":\"-1G\"", "order.memory: found \"-1G\"" },
	{ "\"memory\":\"16 GiB\"", "order.memory: found \"16 GiB\"" },
	{ "\"timeout\":\"1h30m\"",
	    "order.timeout: found \"1h30m\", expected seconds, or a text as "
	    "\"90s\", \"15m\", \"2h\", \"7d\"" },
	{ "\"timeout\":\"-2h\"", "order.timeout: found \"-2h\"" },
	{ "\"timeout\":\"99999999999w\"", "order.timeout" },
	{ "\"timeout\":\"nan\"", "order.timeout: found \"nan\"" },
	{ "\"timeout\":\"\xd9\xa1h\"", "order.timeout" }, /* Arabic 1 */
	{ "\"gpus\":-1", "order.gpus: found -1, expected a whole number" },
	{ "\"gpus\":1.5", "order.gpus: found 1.5" },
	{ "\"gpus\":4294967297", "order.gpus: found 4294967297" },
	{ "\"gpus\":1025", "order.gpus" },
	{ "\"gpus\":\"2\"", "order.gpus: found \"2\"" },
	{ "\"cpus\":0", "order.cpus: found 0, expected a number above 0" },
	{ "\"cpus\":-2", "order.cpus" },
	{ "\"cpus\":1e6", "order.cpus" },
	{ "\"after\":\"wine\"",
	    "order.after: found \"wine\", expected a whole "
	    "id" },
	{ "\"after\":[\"" ID "\",\"" ID "x\"]",
	    "order.after: found \"" ID "x\"" },
	{ "\"after\":[null]", "order.after: found null" },
	{ "\"after\":7", "order.after: found 7" },
	{ "\"notBefore\":\"tomorrow\"", "order.notBefore: found \"tomorrow\"" },
	{ "\"notBefore\":\"1969-01-01T00:00Z\"", "order.notBefore" },
	{ "\"notBefore\":-1", "order.notBefore: found -1" },
	{ "\"notBefore\":1e12", "order.notBefore" },
	{ "\"notBefore\":false", "order.notBefore: found false" },
	{ "\"retry\":\"always\"",
	    "order.retry: found \"always\", expected a "
	    "list of some of exit, signal" },
	{ "\"retry\":[\"ok\"]", "order.retry: found \"ok\"" },
	{ "\"retry\":[\"cancelled\"]", "order.retry" },
	{ "\"retry\":3", "order.retry: found 3" },
	{ "\"exclusive\":1", "order.exclusive: found 1, expected true or" },
	{ "\"python\":\"-c\"", "order.python: found \"-c\"" },
	{ "\"python\":\"\"", "order.python" },
	{ "\"env\":[\"A=b\"]", "order.env: found a list, expected an object" },
	{ "\"env\":{\"A\":1}", "order.env.A: found 1, expected a text" },
	{ "\"env\":{\"1A\":\"x\"}", "order.env: a name has the letters" },
	{ "\"env\":{\"A=B\":\"x\"}", "order.env: a name has the letters" },
	{ "\"env\":{\"\":\"x\"}", "order.env: a name has the letters" },
	{ "\"env\":{\"SPOOL_ID\":\"x\"}",
	    "order.env.SPOOL_ID: names beginning "
	    "with SPOOL_ are ours" },
	{ "\"outcome\":\"yes\"",
	    "order.outcome: found \"yes\", expected "
	    "\"required\" or \"optional\"" },
	{ "\"scriptSha256\":\"" BIG "\"",
	    "order.scriptSha256: found \"0123456789abcdef0123456789ABCDEF" },
	{ "\"scriptSha256\":\"" SHA "0\"", "expected a SHA-256 in 64" },
	{ "\"dataSha256\":7", "order.dataSha256: found 7, expected a SHA" },
	{ "\"dataSha256\":\"\"", "order.dataSha256: found \"\"" },
	{ "\"warm\":true", "order.warm: found true, expected a list of mod" },
	{ "\"warm\":[\"os;x\"]", "order.warm: found \"os;x\"" },
	{ "\"warm\":[\"numpy\",\".a\"]", "order.warm: found \".a\"" },
	{ "\"warm\":[\"a..b\"]", "order.warm" },
	{ "\"warm\":[\"a.\"]", "order.warm" },
	{ "\"warm\":[\"1a\"]", "order.warm" },
	{ "\"warm\":[\"a.1\"]", "order.warm" },
	{ "\"warm\":\"\"", "order.warm: found \"\"" },
	{ "\"sweep\":{}", "order.sweep: this version" },
	{ "\"prune\":[]", "order.prune: this version" },
	{ "\"code\":\"../x\"",
	    "order.code: found \"../x\", expected the name of a directory" },
	{ "\"code\":\".\"", "order.code" },
	{ "\"code\":[]", "order.code: found a list" },
	{ "\"code\":\"sha256:" BIG "\"", "order.code: found \"sha256:" },
	{ "\"code\":\"sha256:\"", "order.code" },
	{ "\"retryOf\":\"abc\"", "order.retryOf: found \"abc\"" },
	{ "\"group\":\"\"", "order.group" },
	{ "\"priorty\":1",
	    "order: unknown member \"priorty\"; is \"priority\" "
	    "meant?" },
	{ "\"GPUS\":1", "is \"gpus\" meant?" },
	{ "\"gpu\":1", "is \"gpus\" meant?" },
	{ "\"cpu\":1", "is \"cpus\" meant?" },
	{ "\"mem\":1", "is \"memory\" meant?" },
	{ "\"time\":1", "is \"timeout\" meant?" },
	{ "\"time_out\":1", "is \"timeout\" meant?" },
	{ "\"retries\":1", "is \"attempts\" meant?" },
	{ "\"attempt\":1", "is \"attempts\" meant?" },
	{ "\"prio\":1", "is \"priority\" meant?" },
	{ "\"tag\":1", "is \"tags\" meant?" },
	{ "\"depends_on\":1", "is \"after\" meant?" },
	{ "\"walltime\":1", "is \"timeout\" meant?" },
	{ "\"ram\":1", "is \"memory\" meant?" },
	{ "\"not_before\":1", "is \"notBefore\" meant?" },
	{ "\"learningRate\":1",
	    "unknown member \"learningRate\"; it may stand "
	    "outside of order" },
	{ "\"\\u001b[31m\":1", "unknown member \"\\u001b[31m\"" },
};

START_TEST(order_wrong)
{
	struct sp_err err = { "" };
	struct sp_job job;
	char text[500];

	(void)snprintf(text, sizeof text,
	    "{\"scriptName\":\"a.py\",\"order\":{%s}}", wrong[_i].order);
	ck_assert_int_eq(parse(text, &job, &err), SP_BAD);
	ck_assert(job.object);
	ck_assert_str_eq(job.script, "a.py"); /* for people's eyes */
	ck_assert_int_ge(job.prio, 0);
	ck_assert_int_le(job.prio, SP_PRIO_MAX);
	ck_assert_msg(strstr(err.text, wrong[_i].words) != NULL,
	    "%s: \"%s\", wanted \"%s\"", wrong[_i].order, err.text,
	    wrong[_i].words);
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

/* `n` items into order.KEY; the job's verdict. */
static enum sp_status
many(const char *key, const char *item, size_t n)
{
	struct sp_buf b = SP_BUF_INIT(2 * SP_JOB_MAX);
	struct sp_job job;
	enum sp_status st;
	size_t i;

	sp_buf_printf(&b, "{\"scriptName\":\"a.py\",\"order\":{\"%s\":[", key);
	for (i = 0; i < n; i++)
		sp_buf_printf(&b, "%s\"%s\"", i == 0 ? "" : ",", item);
	sp_buf_puts(&b, "]}}");
	st = sp_job_parse(b.data, b.len, &job, NULL);
	sp_job_clear(&job);
	sp_buf_clear(&b);
	return st;
}

START_TEST(lists_are_bounded)
{
	ck_assert_int_eq(many("after", ID, 10000), SP_OK);
	ck_assert_int_eq(many("after", ID, 10001), SP_BAD);
	ck_assert_int_eq(many("tags", "x", 64), SP_OK);
	ck_assert_int_eq(many("tags", "x", 65), SP_BAD);
	ck_assert_int_eq(many("requires", "x", 65), SP_BAD);
}
END_TEST

START_TEST(env_is_bounded)
{
	struct sp_buf b = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_job job;
	int i, n;

	for (n = 256; n <= 257; n++) {
		sp_buf_reset(&b);
		sp_buf_puts(
		    &b, "{\"scriptName\":\"a.py\",\"order\":{\"env\":{");
		for (i = 0; i < n; i++)
			sp_buf_printf(
			    &b, "%s\"A%d\":\"x\"", i == 0 ? "" : ",", i);
		sp_buf_puts(&b, "}}}");
		ck_assert_int_eq(sp_job_parse(b.data, b.len, &job, NULL),
		    n <= 256 ? SP_OK : SP_BAD);
		sp_job_clear(&job);
	}
	sp_buf_clear(&b);
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

/* ---- dressing ---- */

static const struct {
	const char *text, *want;
} dresses[] = {
	{ "{}", "{\"_id\":\"" ID "\",\"assignmentId\":\"" ID "\"}" },
	{ " {\n}\n", " {\"_id\":\"" ID "\",\"assignmentId\":\"" ID "\"\n}\n" },
	{ "{ \"a\" : 1e0,\n\"b\":0.10 }",
	    "{\"_id\":\"" ID "\",\"assignmentId\":\"" ID
	    "\", \"a\" : 1e0,\n\"b\":0.10 }" },
	{ "{\"_id\":\"mine\"}",
	    "{\"assignmentId\":\"" ID "\",\"_id\":\"mine\"}" },
	{ "{\"assignmentId\":null}",
	    "{\"_id\":\"" ID "\",\"assignmentId\":null}" },
	{ "{\"assignmentId\":1,\"_id\":2}", "{\"assignmentId\":1,\"_id\":2}" },
	{ "{\"x\":{\"_id\":2}}",
	    "{\"_id\":\"" ID "\",\"assignmentId\":\"" ID
	    "\",\"x\":{\"_id\":2}}" },
};

START_TEST(dresses_job)
{
	struct sp_buf b = SP_BUF_INIT(1000);
	struct json_t *json;
	struct sp_id id;

	ck_assert_int_eq(sp_id_parse(ID, &id), SP_OK);
	sp_job_dress(dresses[_i].text, strlen(dresses[_i].text), &id, &b);
	ck_assert_str_eq(sp_buf_text(&b), dresses[_i].want);
	ck_assert_int_eq(sp_json_parse(b.data, b.len, &json, NULL), SP_OK);
	sp_json_free(json);
	sp_buf_clear(&b);
}
END_TEST

/* ---- editing ---- */

#define MAX_SET 3

static const struct {
	const char *text;
	const char *set[MAX_SET];
	const char *want; /* "!": words */
} edits[] = {
	{ "{ \"a\": 1 }", { NULL }, "{\"a\":1}" },
	{ "{\"a\":1}", { "a=2", "b=x", "order.priority=10" },
	    "{\"a\":2,\"b\":\"x\",\"order\":{\"priority\":10}}" },
	{ "{\"h\":[{\"d\":0.2}]}", { "h.0.d=0.1", "h.0.n=\"4\"" },
	    "{\"h\":[{\"d\":0.1,\"n\":\"4\"}]}" },
	{ "{\"lr\":0.05,\"n\":100000,\"big\":9223372036854775807}", { "x=a=b" },
	    "{\"lr\":0.05,\"n\":100000,\"big\":9223372036854775807,\"x\":"
	    "\"a=b\"}" },
	/* beyond 64 bits: a seed, say */
	{ "{\"s\":18446744073709551615,\"l\":[-99999999999999999999]}",
	    { "t=18446744073709551616" },
	    "{\"s\":18446744073709551615,\"l\":[-99999999999999999999],"
	    "\"t\":18446744073709551616}" },
	{ "{\"s\":18446744073709551615}", { "s.x=1" },
	    "!\"s.x\": \"s\" is a number" },
	{ "{\"a\":1}", { "a" }, "!\"a\": expected key=value" },
	{ "{\"a\":1}", { "=1" }, "!\"=1\": expected key=value" },
	{ "{\"a\":1}", { "b=1", "a.b=1" }, "!\"a.b\": \"a\" is a number" },
	{ "{\"a\":1,}", { "a=1" }, "!a comma too many" },
};

START_TEST(edits_job)
{
	struct sp_buf b = SP_BUF_INIT(1000);
	struct sp_err err = { "" };
	enum sp_status st;
	size_t n = 0;

	while (n < MAX_SET && edits[_i].set[n] != NULL)
		n++;
	st = sp_job_edit(
	    edits[_i].text, strlen(edits[_i].text), edits[_i].set, n, &b, &err);
	if (edits[_i].want[0] == '!') {
		ck_assert_int_eq(st, SP_BAD);
		ck_assert_msg(strstr(err.text, edits[_i].want + 1) != NULL,
		    "\"%s\"", err.text);
		ck_assert_uint_eq(b.len, 0);
	} else {
		ck_assert_msg(st == SP_OK, "%s", err.text);
		ck_assert_str_eq(sp_buf_text(&b), edits[_i].want);
	}
	sp_buf_clear(&b);
}
END_TEST

/* An edit that makes a job nobody could read back. */
START_TEST(edit_is_bounded)
{
	static const char text[] = "{\"a\":1}";
	struct sp_buf b = SP_BUF_INIT(4 * SP_JOB_MAX);
	struct sp_buf out = SP_BUF_INIT(4 * SP_JOB_MAX);
	struct sp_err err = { "" };
	const char *set[1];
	int i;

	sp_buf_puts(&b, "x");
	for (i = 0; i < SP_JSON_DEPTH; i++)
		sp_buf_puts(&b, ".x");
	sp_buf_puts(&b, "=1");
	set[0] = b.data;
	ck_assert_int_eq(
	    sp_job_edit(text, strlen(text), set, 1, &out, &err), SP_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "nested too deeply"));
	sp_err_clear(&err);
	sp_buf_reset(&b);
	sp_buf_puts(&b, "x=");
	while (b.len <= SP_JOB_MAX)
		sp_buf_puts(&b, "yyyyyyyyyyyyyyyy");
	set[0] = b.data;
	ck_assert_int_eq(
	    sp_job_edit(text, strlen(text), set, 1, &out, &err), SP_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "larger than 1 MiB"));
	sp_buf_clear(&b);
	sp_buf_clear(&out);
}
END_TEST

/* ---- words ---- */

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
static const struct {
	const char *text, *result;
} spliced[] = {
	{ "{}", "{\"order\":{\"a\":1,\"b\":\"x\"}}" },
	{ " { } \n", " {\"order\":{\"a\":1,\"b\":\"x\"} } \n" },
	{ "{\"lr\": 1e-3}", "{\"order\":{\"a\":1,\"b\":\"x\"},\"lr\": 1e-3}" },
	{ "{ \"x\":1.0 , \"order\" : null,\"y\":2}",
	    "{ \"x\":1.0 , \"order\" : {\"a\":1,\"b\":\"x\"},\"y\":2}" },
	{ "{\"order\":{}}", "{\"order\":{\"a\":1,\"b\":\"x\"}}" },
	{ "{\"order\":{ }}", "{\"order\":{\"a\":1,\"b\":\"x\" }}" },
	{ "{\"order\":\n{ \"c\": [1,{\"a\":2}] }}",
	    "{\"order\":\n{\"a\":1,\"b\":\"x\", \"c\": [1,{\"a\":2}] }}" },
	{ "{\"order\":{\"a\":null}}", "{\"order\":{\"b\":\"x\",\"a\":1}}" },
	{ "{\"order\":{\"b\" : \"src\", \"q\":{} ,\"a\":[1, 2] }}",
	    "{\"order\":{\"b\" : \"x\", \"q\":{} ,\"a\":1 }}" },
	{ "{\"order\":{\"\\u0061\":7}}",
	    "{\"order\":{\"b\":\"x\",\"\\u0061\":1}}" },
	{ "{\"\\u006frder\":{},\"order2\":{}}",
	    "{\"\\u006frder\":{\"a\":1,\"b\":\"x\"},\"order2\":{}}" },
	{ "{\"p\":{\"order\":{}},\"t\":\"\\\",\\\"order\\\":{}\",\"\\\\\":0}",
	    "{\"order\":{\"a\":1,\"b\":\"x\"},\"p\":{\"order\":{}},"
	    "\"t\":\"\\\",\\\"order\\\":{}\",\"\\\\\":0}" },
	{ "{\"n\":-1.50E+2,\"t\":true,\"order\":{\"x\":false}}",
	    "{\"n\":-1.50E+2,\"t\":true,\"order\":{\"a\":1,\"b\":\"x\","
	    "\"x\":false}}" },
};

START_TEST(splices)
{
	static const struct sp_member set[] = { { "a", "1" },
		{ "b", "\"x\"" } };
	struct sp_buf out = SP_BUF_INIT(4096);
	struct json_t *json = NULL;

	sp_job_splice(spliced[_i].text, strlen(spliced[_i].text), set, 2, &out);
	ck_assert_str_eq(sp_buf_text(&out), spliced[_i].result);
	ck_assert_int_eq(sp_json_parse(out.data, out.len, &json, NULL), SP_OK);
	sp_json_free(json);
	sp_buf_clear(&out);
}
END_TEST

Suite *
job_suite(void)
{
	Suite *s = suite_create("job");
	TCase *in = tcase_create("read"), *edit = tcase_create("edit");
	TCase *words = tcase_create("words");

	tcase_add_test(in, says_nothing);
	tcase_add_test(in, says_everything);
	ADD_TABLE(in, order_fine, fine);
	ADD_TABLE(in, retry_default, retries);
	ADD_TABLE(in, order_wrong, wrong);
	ADD_TABLE(in, refuses, bad);
	tcase_add_test(in, accepts_emptiness);
	tcase_add_test(in, bad_jobs_are_shown);
	tcase_add_test(in, lists_are_bounded);
	tcase_add_test(in, env_is_bounded);
	tcase_add_test(in, size_is_bounded);
	tcase_add_test(in, long_project_is_cut);
	ADD_TABLE(edit, dresses_job, dresses);
	ADD_TABLE(edit, edits_job, edits);
	tcase_add_test(edit, edit_is_bounded);
	tcase_add_test(words, causes_round_trip);
	ADD_TABLE(words, splices, spliced);
	ADD_TABLE(words, nearest, nears);
	ADD_TABLE(words, parses_seconds, seconds);
	ADD_TABLE(words, parses_bytes, bytes);
	suite_add_tcase(s, in);
	suite_add_tcase(s, edit);
	suite_add_tcase(s, words);
	return s;
}
