/*
 * test_order.c - the members of `order` in a job: what is fine, what the words
 * are for what is not, and how many there may be.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/job.h"
#include "tests/unit/suites.h"

#define ID    "20261122T190212345-9f3c21ab"
#define SWEEP "20261122T190212345-9f3c"
#define ASHA(metric, more)                                                     \
	"\"prune\":{\"method\":\"asha\",\"metric\":" metric more "}"
#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BIG "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

static enum sp_status
parse(const char *text, struct sp_job *job_out, struct sp_err *err)
{
	return sp_job_parse(text, strlen(text), job_out, err);
}

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
	"\"sweep\":\"" SWEEP "\"",
	"\"sweep\":{\"id\":\"" SWEEP "\",\"run\":3,\"runs\":9,\"seed\":1}",
	"\"sweep\":\"" SWEEP "\"," ASHA("\"val/loss\"", ""),
	"\"sweep\":\"" SWEEP "\"," ASHA("\"dust\"", ",\"mode\":\"max\""),
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
	{ "\"sweep\":{}", "order.sweep.id: found nothing, expected what" },
	{ "\"sweep\":\"wine\"", "order.sweep: found \"wine\", expected what" },
	{ "\"sweep\":\"" SWEEP "0\"", "order.sweep: found" },
	{ "\"sweep\":{\"id\":7}", "order.sweep.id: found 7" },
	{ "\"prune\":[]", "order.prune: found a list, expected an object" },
	{ "\"prune\":{\"metric\":\"loss\"}", "order.prune.method: missing" },
	{ "\"prune\":{\"method\":\"median\"}", "order.prune.metric: missing" },
	{ "\"prune\":{\"method\":\"hyperband\"}",
	    "order.prune.method: found \"hyperband\", expected \"median\" or" },
	{ ASHA("\"dust\"", ""), "order.prune.mode: missing, and the name" },
	{ ASHA("\"loss\"", ",\"mode\":\"less\""), "order.prune.mode: found" },
	{ ASHA("\"loss\"", ",\"steps\":0"), "order.prune.steps: found 0" },
	{ ASHA("\"loss\"", ",\"reduction\":1"), "order.prune.reduction" },
	{ ASHA("\"loss\"", ",\"peers\":0"), "order.prune.peers: found 0" },
	{ ASHA("\"loss\"", ",\"peer\":2"), "is \"peers\" meant?" },
	{ ASHA("\"loss\"", ",\"x\":2"), "there are method, metric, mode" },
	{ ASHA("\"loss\"", ""), "order.prune: needs order.sweep" },
	{ "\"prune\":{\"method\":\"median\",\"metric\":\"loss\",\"reduction\":3}",
	    "order.prune.reduction: is asha's" },
	{ "\"code\":\"../x\"",
	    "order.code: found \"../x\", expected the name of a directory" },
	{ "\"code\":\".\"", "order.code" },
	{ "\"code\":[]", "order.code: found a list" },
	{ "\"code\":\"sha256:" BIG "\"", "order.code: found \"sha256:" },
	{ "\"code\":\"sha256:\"", "order.code" },
	{ "\"retryOf\":\"abc\"", "order.retryOf: found \"abc\"" },
	{ "\"group\":\"\"", "order.group" },
	{ "\"owner\":\"root\"", "order.owner: found \"root\", expected" },
	{ "\"owner\":{\"uid\":0}", "order.owner" },
	{ "\"owner\":{\"uid\":-1,\"user\":\"a\"}", "order.owner" },
	{ "\"owner\":{\"uid\":4294967295,\"user\":\"a\"}", "order.owner" },
	{ "\"owner\":{\"uid\":1.5,\"user\":\"a\"}", "order.owner" },
	{ "\"owner\":{\"uid\":\"1\",\"user\":\"a\"}", "order.owner" },
	{ "\"owner\":{\"uid\":1,\"user\":\"a b\"}", "order.owner" },
	{ "\"owner\":{\"uid\":1,\"user\":\"-a\"}", "order.owner" },
	{ "\"owner\":{\"uid\":1,\"user\":\"a\",\"x\":1}", "order.owner" },
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

START_TEST(sweeps_and_pruning)
{
	struct sp_job job;

	ck_assert_int_eq(
	    parse("{\"scriptName\":\"a.py\",\"order\":{"
		  "\"prune\":{\"method\":\"median\",\"metric\":\"acc\"},"
		  "\"sweep\":{\"id\":\"" SWEEP "\",\"run\":3,\"runs\":27}}}",
		&job, NULL),
	    SP_OK);
	ck_assert_str_eq(job.sweep.id, SWEEP);
	ck_assert_uint_eq(job.sweep.run, 3);
	ck_assert_uint_eq(job.sweep.runs, 27);
	ck_assert_int_eq((int)job.prune.method, SP_PRUNE_MEDIAN);
	ck_assert_str_eq(job.prune.metric, "acc");
	ck_assert(job.prune.max);
	ck_assert(job.prune.steps > 0.99 && job.prune.steps < 1.01);
	ck_assert_uint_eq(job.prune.peers, 4);
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

Suite *
order_suite(void)
{
	Suite *s = suite_create("order");
	TCase *in = tcase_create("read");

	ADD_TABLE(in, order_fine, fine);
	ADD_TABLE(in, retry_default, retries);
	ADD_TABLE(in, order_wrong, wrong);
	tcase_add_test(in, lists_are_bounded);
	tcase_add_test(in, env_is_bounded);
	tcase_add_test(in, sweeps_and_pruning);
	suite_add_tcase(s, in);
	return s;
}
