/*
 * test_answer.c - what a spool's HTTP server may answer, and what it may not:
 * whatever comes, nothing is known that was not said.  Lists are in
 * test_answerlist.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suites.h"
#include "transport/answer.h"
#include "transport/curl.h"

#define W    "box-0a1b2c"
#define ID   "20260102T030405006-0000abcd"
#define NEW  "50." ID ".t1a0.json"
#define MINE "50." ID ".t1a0@" W ".json"

/* ---- no success ---- */

static const struct {
	int status;
	const char *text;
	enum sp_status want;
	const char *words;
} errors[] = {
	{ 404, "{\"error\":\"gone\",\"reason\":\"no order\"}", SP_GONE,
	    "no order" },
	{ 409, "{\"error\":\"lost\",\"reason\":\"taken\"}", SP_LOST, "taken" },
	{ 409, "{\"error\":\"offset\",\"reason\":\"less\",\"size\":7}", SP_LOST,
	    "less" },
	{ 412, "{\"error\":\"changed\"}", SP_LOST, "changed" },
	{ 422, "{\"error\":\"bad\",\"reason\":\"x\"}", SP_BAD, "x" },
	{ 401, "{\"error\":\"unauthorized\",\"reason\":\"t\"}", SP_FATAL, "t" },
	{ 503, "{\"error\":\"retry\",\"reason\":\"disk\"}", SP_RETRY, "disk" },
	{ 507, "{\"error\":\"disk-full\",\"reason\":\"full\"}", SP_RETRY,
	    "full" },
	{ 500, "{\"error\":\"something new\"}", SP_RETRY, "500" },
	{ 404, "{\"error\":\"no-route\",\"reason\":\"?\"}", SP_RETRY, "404" },
	/* somebody else speaks: nothing is gone */
	{ 404, "", SP_RETRY, "not as a spool" },
	{ 404, "<html>Not Found</html>", SP_RETRY, "not as a spool" },
	{ 404, "{\"message\":\"gone\"}", SP_RETRY, "not as a spool" },
	{ 404, "[\"gone\"]", SP_RETRY, "not as a spool" },
	{ 200, "{\"error\":\"gone\"}", SP_RETRY, "not as a spool" },
	{ 302, "{\"error\":\"gone\"}", SP_RETRY, "elsewhere" },
	{ 409, "{\"error\":5}", SP_RETRY, "not as a spool" },
	{ 409, "{\"error\":\"lost\",\"reason\":\"a\\u001b[31mb\"}", SP_LOST,
	    "a [31mb" },
};

START_TEST(error)
{
	struct sp_err err = { "" };
	int64_t size;

	ck_assert_int_eq(answer_error(errors[_i].status, errors[_i].text,
			     strlen(errors[_i].text), &size, &err),
	    errors[_i].want);
	ck_assert_msg(strstr(err.text, errors[_i].words) != NULL,
	    "'%s' in '%s'", errors[_i].words, err.text);
	ck_assert_int_eq(size, strstr(errors[_i].text, "size") ? 7 : -1);
}
END_TEST

/* ---- about ---- */

#define ABOUT(format, roles, worker, limits)                                   \
	"{\"server\":\"s\",\"format\":" format ",\"policy\":{\"lease\":8,"     \
	"\"beat\":1,\"attempts\":2,\"poll\":1},\"now\":5,\"roles\":" roles     \
	",\"worker\":" worker ",\"limits\":" limits "}"
#define LIMITS "{\"body\":1000000,\"wait\":50,\"job\":1,\"outcome\":1}"

START_TEST(about)
{
	static const struct {
		const char *text;
		enum sp_status want;
		bool work, read;
		const char *worker;
	} rows[] = {
		{ ABOUT("1", "[\"work\"]", "\"box\"", LIMITS), SP_OK, true,
		    false, "box" },
		{ ABOUT("1", "[\"admin\"]", "null", LIMITS), SP_OK, true, true,
		    "" },
		{ ABOUT("1", "[]", "null", LIMITS), SP_OK, false, false, "" },
		{ ABOUT("2", "[]", "null", LIMITS), SP_FATAL, false, false,
		    "" },
		{ ABOUT("1", "\"work\"", "null", LIMITS), SP_RETRY, false,
		    false, "" },
		{ ABOUT("1", "[]", "7", LIMITS), SP_RETRY, false, false, "" },
		{ ABOUT("1", "[]", "null", "{}"), SP_RETRY, false, false, "" },
		{ ABOUT("1", "[]", "null", "{\"body\":9,\"wait\":1}"), SP_RETRY,
		    false, false, "" },
		{ "{}", SP_FATAL, false, false, "" },
		{ "", SP_RETRY, false, false, "" },
		{ "<html>", SP_RETRY, false, false, "" },
	};
	struct answer_about a;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		(void)memset(&a, 0, sizeof a);
		ck_assert_msg(answer_about(rows[i].text, strlen(rows[i].text),
				  &a, NULL) == rows[i].want,
		    "%s", rows[i].text);
		ck_assert_int_eq(a.work, rows[i].work);
		ck_assert_int_eq(a.read, rows[i].read);
		ck_assert_str_eq(a.worker, rows[i].worker);
		if (rows[i].want == SP_OK) {
			ck_assert_double_eq(a.policy.lease, 8);
			ck_assert_int_eq(a.policy.attempts, 2);
			ck_assert_int_eq(a.body, 1000000);
			ck_assert_int_eq(a.wait, 50);
		}
	}
}
END_TEST

/* ---- a claim ---- */

static const struct {
	const char *text;
	enum sp_status want;
} claims[] = {
	{ "{\"name\":\"" MINE "\",\"text\":\"{\\\"a\\\":1}\"}", SP_OK },
	/* somebody else's, another order, another attempt, no text */
	{ "{\"name\":\"50." ID ".t1a0@box-ffffff.json\",\"text\":\"\"}",
	    SP_RETRY },
	{ "{\"name\":\"50.20260102T030405006-0000abce.t1a0@" W
	  ".json\",\"text\":\"\"}",
	    SP_RETRY },
	{ "{\"name\":\"50." ID ".t2a0@" W ".json\",\"text\":\"\"}", SP_RETRY },
	{ "{\"name\":\"50." ID ".t1a1@" W ".json\",\"text\":\"\"}", SP_RETRY },
	{ "{\"name\":\"" NEW "\",\"text\":\"\"}", SP_RETRY },
	{ "{\"name\":\"" MINE "\"}", SP_RETRY },
	{ "{\"text\":\"\"}", SP_RETRY },
	{ "{\"name\":\"" MINE "\",\"text\":\"longer than may be\"}", SP_BAD },
};

START_TEST(claimed)
{
	struct sp_buf text = SP_BUF_INIT(16);
	struct sp_name order, is = { .prio = 77 };

	ck_assert_int_eq(sp_name_parse(NEW, &order), SP_OK);
	ck_assert_int_eq(
	    answer_claimed(claims[_i].text, strlen(claims[_i].text), &order, W,
		&is, &text, NULL),
	    claims[_i].want);
	if (claims[_i].want == SP_OK) {
		ck_assert_str_eq(is.worker, W);
		ck_assert_str_eq(sp_buf_text(&text), "{\"a\":1}");
	} else
		ck_assert_int_eq(is.prio, 77);
	sp_buf_clear(&text);
}
END_TEST

/* ---- small ones ---- */

START_TEST(small)
{
	static const char row[] =
	    "{\"id\":\"" ID "\",\"state\":\"assigned\",\"order\":\"" MINE "\"}";
	static const char peers[] =
	    "{\"scripts\":[{\"script\":\"a.py\",\"good\":4,\"bad\":2},"
	    "{\"script\":\"other\",\"good\":1,\"bad\":1}]}";
	struct sp_tally_row rows[2] = { { .script = "b.py", .good = 9 },
		{ .script = "a.py" } };
	struct tr_room room = { .size = -5 };
	enum sp_state state;
	struct sp_name name;
	struct sp_id id;
	int64_t size = -5;
	bool yes = false;

	ck_assert(sp_id_parse(ID, &id) == SP_OK);
	ck_assert_int_eq(
	    answer_stands(row, strlen(row), &id, &state, &name, NULL), SP_OK);
	ck_assert_int_eq(state, SP_ASSIGNED);
	id.text[SP_ID_LEN - 1] = 'e';
	ck_assert_int_eq(
	    answer_stands(row, strlen(row), &id, &state, &name, NULL),
	    SP_RETRY);
	ck_assert_int_eq(
	    answer_peers(peers, strlen(peers), rows, 2, NULL), SP_OK);
	ck_assert_int_eq(rows[1].good, 4);
	ck_assert_int_eq(rows[1].bad, 2);
	ck_assert_int_eq(rows[0].good, 0);
	ck_assert_int_eq(
	    answer_room("{\"size\":1,\"free\":1}", 19, &room, NULL), SP_RETRY);
	ck_assert_int_eq(room.size, -5);
	ck_assert_int_eq(
	    answer_size("{\"size\":-1}", 11, &size, NULL), SP_RETRY);
	ck_assert_int_eq(answer_size("{\"size\":12}", 11, &size, NULL), SP_OK);
	ck_assert_int_eq(size, 12);
	ck_assert_int_eq(
	    answer_drained("{\"drained\":1}", 13, &yes, NULL), SP_RETRY);
	ck_assert_int_eq(
	    answer_drained("{\"drained\":true}", 16, &yes, NULL), SP_OK);
	ck_assert(yes);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	int64_t first, last, size;
} ranges[] = {
	{ "bytes 5-9/10", true, 5, 9, 10 },
	{ "bytes 0-0/*", true, 0, 0, -1 },
	{ "Bytes 1-2/3", true, 1, 2, 3 },
	{ "bytes 5-9/9", false, 0, 0, 0 },
	{ "bytes 9-5/10", false, 0, 0, 0 },
	{ "bytes */10", false, 0, 0, 0 },
	{ "bytes 5-9", false, 0, 0, 0 },
	{ "bytes 5-9/10x", false, 0, 0, 0 },
	{ "bytes -5-9/10", false, 0, 0, 0 },
	{ "bytes 99999999999999999999-9/10", false, 0, 0, 0 },
	{ "", false, 0, 0, 0 },
};

START_TEST(range)
{
	int64_t first, last, size;
	bool ok = wire_range_parse(ranges[_i].text, &first, &last, &size);

	ck_assert_int_eq(ok, ranges[_i].ok);
	if (ok) {
		ck_assert_int_eq(first, ranges[_i].first);
		ck_assert_int_eq(last, ranges[_i].last);
		ck_assert_int_eq(size, ranges[_i].size);
	}
}
END_TEST

START_TEST(words)
{
	struct sp_buf b = SP_BUF_INIT(256);

	wire_put(&b, "a/b c@d%.~\xc3\xa4", true);
	ck_assert_str_eq(sp_buf_text(&b), "a/b%20c%40d%25.~%C3%A4");
	sp_buf_reset(&b);
	wire_put(&b, "a/b", false);
	ck_assert_str_eq(sp_buf_text(&b), "a%2Fb");
	sp_buf_clear(&b);
	ck_assert(wire_token_ok("abc"));
	ck_assert(!wire_token_ok(""));
	ck_assert(!wire_token_ok("a b"));
	ck_assert(!wire_token_ok("a\r\nX: y"));
}
END_TEST

Suite *
answer_suite(void)
{
	Suite *s = suite_create("answer");
	TCase *t = tcase_create("answer");

	ADD_TABLE(t, error, errors);
	tcase_add_test(t, about);
	ADD_TABLE(t, claimed, claims);
	tcase_add_test(t, small);
	ADD_TABLE(t, range, ranges);
	tcase_add_test(t, words);
	suite_add_tcase(s, t);
	return s;
}
