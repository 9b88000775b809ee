/*
 * test_answerlist.c - lists in what a spool's HTTP server answers: of orders,
 * of what is held, of commits, of paths.  An entry that makes no sense says
 * nothing.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/suites.h"
#include "transport/answer.h"

#define W    "box-0a1b2c"
#define ID   "20260102T030405006-0000abcd"
#define NEW  "50." ID ".t1a0.json"
#define MINE "50." ID ".t1a0@" W ".json"

/* ---- the queue ---- */

START_TEST(ready)
{
	static const char good[] =
	    "{\"seen\":\"s1\",\"workers\":3,\"more\":true,\"orders\":["
	    "{\"name\":\"49." ID ".t1a0.json\",\"text\":\"{}\"},"
	    "{\"name\":\"" MINE "\",\"text\":\"no\"},"
	    "{\"name\":\"../../x\",\"text\":\"no\"},"
	    "{\"name\":\"" NEW "\",\"text\":null}]}";
	static const char *const bad[] = {
		"{\"orders\":[],\"workers\":1}",
		"{\"seen\":\"s\",\"orders\":{}}",
		"{\"seen\":7,\"orders\":[]}",
		"{\"seen\":\"s\",\"orders\":[{\"name\":\"" NEW
		"\"},{\"name\":\"" NEW "\"}]}",
		"{\"seen\":\"s\",\"orders\":[{\"name\":\"" NEW
		"\"},{\"name\":\"49." ID ".t1a0.json\"}]}",
	};
	struct answer_ready r;
	char seen[128] = "";
	unsigned workers;
	size_t i;

	ck_assert_int_eq(answer_ready(good, strlen(good), &r, NULL), SP_OK);
	ck_assert_str_eq(r.seen, "s1");
	ck_assert_uint_eq(r.workers, 3);
	ck_assert(r.more);
	ck_assert_uint_eq(r.names.n, 2);
	ck_assert_str_eq(sp_names_at(&r.names, 1), NEW);
	ck_assert_int_eq(r.len[0], 2);
	ck_assert_int_eq(r.len[1], -1);
	ck_assert(memcmp(r.texts.data + r.at[0], "{}", 2) == 0);
	answer_ready_clear(&r);
	ck_assert_int_eq(
	    answer_seen(good, strlen(good), seen, &workers, NULL), SP_OK);
	ck_assert_str_eq(seen, "s1");
	for (i = 0; i < COUNT(bad); i++)
		ck_assert_msg(
		    answer_ready(bad[i], strlen(bad[i]), &r, NULL) == SP_RETRY,
		    "%s", bad[i]);
}
END_TEST

#define ONE(order, status, more)                                               \
	"{\"order\":\"" order "\",\"status\":\"" status "\"" more "}"
#define CLAIM ",\"claim\":{\"name\":\"" MINE "\",\"text\":\"{}\"}"
#define OTHER "50.20260102T030405006-0000abce.t1a0.json"

/* Two at once; one entry that makes no sense says nothing of the other. */
static const struct {
	const char *text;
	enum sp_status first, second;
} many[] = {
	{ "{\"claims\":[" ONE(NEW, "ok", CLAIM) "," ONE(OTHER, "lost", "") "]}",
	    SP_OK, SP_LOST },
	{ "{\"claims\":[" ONE(NEW, "ok", CLAIM) "," ONE(
	      OTHER, "ok", CLAIM) "]}",
	    SP_OK, SP_RETRY },
	{ "{\"claims\":[" ONE(NEW, "ok", "") "," ONE(OTHER, "bad", "") "]}",
	    SP_RETRY, SP_BAD },
	{ "{\"claims\":[" ONE(OTHER, "lost", "") "," ONE(NEW, "ok", CLAIM) "]}",
	    SP_RETRY, SP_RETRY },
	{ "{\"claims\":[" ONE(NEW, "ok", CLAIM) "]}", SP_RETRY, SP_RETRY },
	{ "{\"claims\":[" ONE(NEW, "what", "") ",7]}", SP_RETRY, SP_RETRY },
	{ "{\"claims\":7}", SP_RETRY, SP_RETRY },
	{ "{", SP_RETRY, SP_RETRY },
};

START_TEST(claims_many)
{
	struct sp_claiming all[2] = { { .status = SP_OK },
		{ .status = SP_OK } };
	size_t i;

	for (i = 0; i < 2; i++)
		sp_buf_init(&all[i].text, 64);
	ck_assert_int_eq(sp_name_parse(NEW, &all[0].order), SP_OK);
	ck_assert_int_eq(sp_name_parse(OTHER, &all[1].order), SP_OK);
	(void)answer_claims(
	    many[_i].text, strlen(many[_i].text), all, 2, W, NULL);
	ck_assert_int_eq(all[0].status, many[_i].first);
	ck_assert_int_eq(all[1].status, many[_i].second);
	if (all[0].status == SP_OK) {
		ck_assert_str_eq(all[0].claimed.worker, W);
		ck_assert_str_eq(sp_buf_text(&all[0].text), "{}");
	}
	for (i = 0; i < 2; i++)
		sp_buf_clear(&all[i].text);
}
END_TEST

/* ---- what is held ---- */

#define HELD(held, stale, cancel, wishes)                                      \
	"{\"held\":" held ",\"stale\":" stale ",\"cancel\":" cancel            \
	",\"wishes\":" wishes ",\"workers\":2}"
#define NONE "{\"drain\":false,\"now\":false,\"resume\":false}"

START_TEST(held)
{
	static const char good[] = HELD("[\"" MINE "\"]",
	    "[\"50." ID ".t1a0@box-ffffff.json\"]", "[\"" ID "\"]",
	    "{\"drain\":false,\"now\":true,\"resume\":true}");
	static const char *const bad[] = {
		HELD("[\"50." ID ".t1a0@box-ffffff.json\"]", "[]", "[]", NONE),
		HELD("[]", "[\"" MINE "\"]", "[]", NONE),
		HELD(
		    "[]", "[\"50." ID ".t1a0@other-ffffff.json\"]", "[]", NONE),
		HELD("[\"" NEW "\"]", "[]", "[]", NONE),
		HELD("[]", "[]", "[\"x\"]", NONE),
		HELD("[]", "[]", "[]", "null"),
		HELD("null", "[]", "[]", NONE),
		HELD("[5]", "[]", "[]", NONE),
		"{\"held\":[],\"stale\":[],\"cancel\":[]}",
	};
	struct answer_held h;
	size_t i;

	ck_assert_int_eq(answer_held(good, strlen(good), W, &h, NULL), SP_OK);
	ck_assert(sp_names_has(&h.ours, MINE));
	ck_assert_uint_eq(h.stale.n, 1);
	ck_assert(sp_names_has(&h.cancel, ID));
	ck_assert(h.wishes.drain && h.wishes.now && h.wishes.resume);
	ck_assert_uint_eq(h.workers, 2);
	answer_held_clear(&h);
	for (i = 0; i < COUNT(bad); i++)
		ck_assert_msg(answer_held(bad[i], strlen(bad[i]), W, &h,
				  NULL) == SP_RETRY,
		    "%s", bad[i]);
}
END_TEST

/* ---- commits: what is not said stays as it was ---- */

START_TEST(committed)
{
	static const struct {
		const char *text;
		enum sp_status want, one, two;
	} rows[] = {
		{ "{\"ended\":[{\"name\":\"" MINE "\",\"status\":\"ok\"},"
		  "{\"name\":\"51." ID ".t1a0@" W
		  ".json\",\"status\":\"lost\"}]}",
		    SP_OK, SP_OK, SP_LOST },
		{ "{\"ended\":[{\"name\":\"" MINE "\",\"status\":\"ok\"}]}",
		    SP_OK, SP_OK, SP_RETRY },
		{ "{\"ended\":[{\"name\":\"" MINE "\",\"status\":\"new\"}]}",
		    SP_OK, SP_RETRY, SP_RETRY },
		{ "{\"ended\":[{\"name\":\"51." ID ".t1a0@" W
		  ".json\",\"status\":\"ok\"}]}",
		    SP_RETRY, SP_RETRY, SP_RETRY },
		{ "{\"ended\":[{\"status\":\"ok\"}]}", SP_RETRY, SP_RETRY,
		    SP_RETRY },
		{ "{\"ended\":null}", SP_RETRY, SP_RETRY, SP_RETRY },
	};
	struct sp_ended group[2];
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		(void)memset(group, 0, sizeof group);
		ck_assert(sp_name_parse(MINE, &group[0].name) == SP_OK);
		group[1].name = group[0].name;
		group[1].name.prio = 51;
		group[0].status = group[1].status = SP_RETRY;
		ck_assert_int_eq(answer_committed(rows[i].text,
				     strlen(rows[i].text), group, 2, NULL),
		    rows[i].want);
		ck_assert_int_eq(group[0].status, rows[i].one);
		ck_assert_int_eq(group[1].status, rows[i].two);
	}
}
END_TEST

/* ---- paths ---- */

static const struct {
	const char *path;
	bool tree, file;
} paths[] = {
	{ "set/a.csv", true, true },
	{ "set/sub/a b", true, true },
	{ "set/.hidden", false, true },
	{ "set/..", false, false },
	{ "set/../../x", false, false },
	{ "../x", false, false },
	{ "/etc/passwd", false, false },
	{ "set//x", false, false },
	{ "set/", false, false },
	{ "set", false, true },
	{ "other/x", false, true },
	{ "settle/x", false, true },
};

START_TEST(path)
{
	struct sp_names names = { 0 };
	char text[256];

	(void)snprintf(
	    text, sizeof text, "{\"paths\":[\"%s\"]}", paths[_i].path);
	ck_assert_int_eq(answer_paths(text, strlen(text), "set", &names, NULL),
	    paths[_i].tree ? SP_OK : SP_RETRY);
	(void)snprintf(text, sizeof text, "{\"files\":[{\"path\":\"%s\"}]}",
	    paths[_i].path);
	ck_assert_int_eq(answer_files(text, strlen(text), &names, NULL),
	    paths[_i].file ? SP_OK : SP_RETRY);
	sp_names_clear(&names);
}
END_TEST

Suite *
answerlist_suite(void)
{
	Suite *s = suite_create("answerlist");
	TCase *t = tcase_create("answerlist");

	tcase_add_test(t, ready);
	ADD_TABLE(t, claims_many, many);
	tcase_add_test(t, held);
	tcase_add_test(t, committed);
	ADD_TABLE(t, path, paths);
	suite_add_tcase(s, t);
	return s;
}
