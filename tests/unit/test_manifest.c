/*
 * test_manifest.c - trees as text, and what an order was made of.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/manifest.h"
#include "libspool/pins.h"
#include "tests/unit/suites.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

START_TEST(paths)
{
	static const char *const good[] = { "a", "a.py", "pkg/mod.py", "a b",
		"-x", "a/-", "\xc3\xa4/x", "a..b", "x/y./z" };
	static const char *const bad[] = { "", "/", "/a", "a/", "a//b", "..",
		"../a", "a/../b", ".", "./a", "a/.", ".git/config", "a/.hidden",
		"a\nb", "a\x7f", "\x1b[2J" };
	char longest[SP_MANIFEST_PATH + 2];
	size_t i;

	for (i = 0; i < sizeof good / sizeof *good; i++)
		ck_assert_msg(sp_manifest_path_ok(good[i]), "%s", good[i]);
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!sp_manifest_path_ok(bad[i]), "%s", bad[i]);
	for (i = 0; i <= SP_MANIFEST_PATH; i++)
		longest[i] = i % 100 == 99 ? '/' : 'x';
	longest[SP_MANIFEST_PATH + 1] = '\0';
	ck_assert(!sp_manifest_path_ok(longest));
	longest[SP_MANIFEST_PATH - 1] = '\0';
	ck_assert(sp_manifest_path_ok(longest));
	(void)memset(longest, 'x', 256);
	longest[256] = '\0';
	ck_assert(!sp_manifest_path_ok(longest));
}
END_TEST

START_TEST(there_and_back)
{
	struct sp_buf text = SP_BUF_INIT(4096), again = SP_BUF_INIT(4096);
	struct sp_manifest m = { 0 }, n;

	ck_assert_int_eq(sp_manifest_add(&m, "a.py", A, NULL), SP_OK);
	ck_assert_int_eq(sp_manifest_add(&m, "p/\"q\".py", B, NULL), SP_OK);
	ck_assert_int_eq(sp_manifest_add(&m, "../x", A, NULL), SP_BAD);
	ck_assert_int_eq(sp_manifest_add(&m, "x", "no hash", NULL), SP_BAD);
	sp_manifest_print(&m, &text);
	ck_assert_str_eq(sp_buf_text(&text),
	    "{\"files\":{\"a.py\":\"" A "\",\"p/\\\"q\\\".py\":\"" B "\"}}\n");
	ck_assert_int_eq(
	    sp_manifest_parse(text.data, text.len, &n, NULL), SP_OK);
	ck_assert_uint_eq(n.paths.n, 2);
	ck_assert_str_eq(sp_names_at(&n.paths, 1), "p/\"q\".py");
	ck_assert_str_eq(n.hex[1], B);
	sp_manifest_print(&n, &again);
	ck_assert_str_eq(sp_buf_text(&text), sp_buf_text(&again));
	sp_manifest_clear(&m);
	sp_manifest_clear(&n);
	sp_buf_clear(&text);
	sp_buf_clear(&again);
}
END_TEST

START_TEST(no_manifest)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"files\":[]}",
		"{\"files\":{\"a\":1}}", "{\"files\":{\"a\":\"b\"}}",
		"{\"files\":{\"../a\":\"" A "\"}}",
		"{\"files\":{\"a\":\"" A "\",\"a\":\"" A "\"}}" };
	struct sp_manifest m;
	struct sp_err err;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		sp_err_clear(&err);
		ck_assert_msg(sp_manifest_parse(
				  bad[i], strlen(bad[i]), &m, &err) == SP_BAD,
		    "%s", bad[i]);
		ck_assert_msg(err.text[0] != '\0', "%s", bad[i]);
		sp_manifest_clear(&m);
	}
}
END_TEST

static bool
pins_take(const char *text, struct sp_pins *p)
{
	(void)memset(p, 0, sizeof *p);
	return sp_pins_parse(text, strlen(text), p);
}

START_TEST(pins)
{
	struct sp_pins p = { .script = A, .code = B }, q;
	struct sp_buf text = SP_BUF_INIT(4096);

	sp_pins_print(&p, &text);
	ck_assert_str_eq(sp_buf_text(&text),
	    "{\"scriptSha256\":\"" A "\",\"codeSha256\":\"" B "\"}\n");
	ck_assert(pins_take(sp_buf_text(&text), &q));
	ck_assert(memcmp(&p, &q, sizeof p) == 0);
	sp_buf_clear(&text);

	ck_assert(!pins_take("", &q));
	ck_assert(!pins_take("{}", &q));
	ck_assert(!pins_take("{\"scriptSha256\":\"x\"}", &q));
	/* Half of it would make a job of two versions. */
	ck_assert(
	    !pins_take("{\"scriptSha256\":\"" A "\",\"codeSha256\":7}", &q));
	ck_assert_str_eq(q.script, "");
}
END_TEST

Suite *
manifest_suite(void)
{
	Suite *s = suite_create("manifest");
	TCase *t = tcase_create("manifest");

	tcase_add_test(t, paths);
	tcase_add_test(t, there_and_back);
	tcase_add_test(t, no_manifest);
	tcase_add_test(t, pins);
	suite_add_tcase(s, t);
	return s;
}
