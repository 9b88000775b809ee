/*
 * test_buf.c - the growing text: its ceiling, and what a failed write leaves.
 */
#include <string.h>

#include "libspool/buf.h"
#include "tests/unit/suites.h"

static const struct {
	size_t max;
	const char *first;
	const char *second;
	bool failed;
	const char *want;
} puts_rows[] = {
	{ 0, "", "", false, "" },
	{ 0, "a", "", true, "" },
	{ 5, "hello", "", false, "hello" },
	{ 5, "hell", "o", false, "hello" },
	{ 5, "hello", "!", true, "hello" },
	{ 5, "hello!", "a", true, "" }, /* no text with a hole in it */
	{ 300, "a", "b", false, "ab" },
};

START_TEST(puts_and_printf)
{
	struct sp_buf b = SP_BUF_INIT(puts_rows[_i].max), c;

	sp_buf_puts(&b, puts_rows[_i].first);
	sp_buf_puts(&b, puts_rows[_i].second);
	ck_assert_int_eq(b.failed, puts_rows[_i].failed);
	ck_assert_str_eq(sp_buf_text(&b), puts_rows[_i].want);
	ck_assert_uint_eq(b.len, strlen(puts_rows[_i].want));
	sp_buf_clear(&b);

	sp_buf_init(&c, puts_rows[_i].max);
	sp_buf_printf(&c, "%s", puts_rows[_i].first);
	sp_buf_printf(&c, "%s", puts_rows[_i].second);
	ck_assert_int_eq(c.failed, puts_rows[_i].failed);
	ck_assert_str_eq(sp_buf_text(&c), puts_rows[_i].want);
	sp_buf_clear(&c);
}
END_TEST

START_TEST(grows)
{
	struct sp_buf b = SP_BUF_INIT(100000);

	for (int i = 0; i < 20000; i++)
		sp_buf_printf(&b, "%05d", i);
	ck_assert(!b.failed);
	ck_assert_uint_eq(b.len, 100000);
	ck_assert_uint_eq(strlen(b.data), 100000);
	ck_assert_int_eq(memcmp(b.data + 5 * 19999, "19999", 5), 0);
	ck_assert_uint_le(b.cap, 100001);
	sp_buf_puts(&b, "x");
	ck_assert(b.failed);
	sp_buf_clear(&b);
}
END_TEST

START_TEST(bytes_and_nothing)
{
	struct sp_buf b = SP_BUF_INIT(10);

	sp_buf_put(&b, NULL, 0);
	sp_buf_put(&b, "a\0b", 3);
	ck_assert_uint_eq(b.len, 3);
	ck_assert_int_eq(memcmp(b.data, "a\0b", 4), 0);
	sp_buf_clear(&b);
}
END_TEST

START_TEST(resets_and_clears)
{
	struct sp_buf b = SP_BUF_INIT(3);

	sp_buf_puts(&b, "abcd");
	ck_assert(b.failed);
	sp_buf_reset(&b);
	sp_buf_puts(&b, "abc");
	ck_assert(!b.failed);
	ck_assert_str_eq(sp_buf_text(&b), "abc");
	sp_buf_clear(&b);
	ck_assert_ptr_null(b.data);
	ck_assert_str_eq(sp_buf_text(&b), "");
	sp_buf_puts(&b, "abcd");
	ck_assert_msg(b.failed, "clear keeps the ceiling");
	sp_buf_clear(&b);
}
END_TEST

START_TEST(room)
{
	struct sp_buf b = SP_BUF_INIT(8);
	char *at;

	sp_buf_puts(&b, "ab");
	ck_assert_ptr_null(sp_buf_room(&b, 7));
	ck_assert(b.failed);
	sp_buf_reset(&b);
	sp_buf_puts(&b, "ab");
	ck_assert_ptr_nonnull(at = sp_buf_room(&b, 6));
	ck_assert_str_eq(b.data, "ab");
	memcpy(at, "cdefgh", 6);
	b.len += 6;
	ck_assert_str_eq(sp_buf_text(&b), "abcdefgh");
	sp_buf_reset(&b);
	ck_assert_ptr_nonnull(at = sp_buf_room(&b, 6));
	memcpy(at, "xyz", 3); /* less than was asked for */
	b.len += 3;
	ck_assert_str_eq(sp_buf_text(&b), "xyz");
	sp_buf_clear(&b);

	sp_buf_init(&b, (size_t)-1);
	sp_buf_puts(&b, "ab");
	ck_assert_ptr_null(sp_buf_room(&b, (size_t)-3));
	ck_assert_str_eq(sp_buf_text(&b), "ab");
	sp_buf_clear(&b);
}
END_TEST

Suite *
buf_suite(void)
{
	Suite *suite = suite_create("buf");
	TCase *tcase = tcase_create("buf");

	ADD_TABLE(tcase, puts_and_printf, puts_rows);
	tcase_add_test(tcase, grows);
	tcase_add_test(tcase, bytes_and_nothing);
	tcase_add_test(tcase, resets_and_clears);
	tcase_add_test(tcase, room);
	suite_add_tcase(suite, tcase);
	return suite;
}
