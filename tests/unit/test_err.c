/*
 * test_err.c - what an errno asks of a caller, and the words that go with it.
 */
#include <errno.h>
#include <string.h>

#include "libspool/err.h"
#include "tests/unit/suites.h"

static const struct {
	int sys_errno;
	enum sp_status want;
} errnos[] = {
	{ 0, SP_OK },
	{ ENOENT, SP_GONE },
	{ EEXIST, SP_LOST },
	{ ENOSPC, SP_RETRY },
	{ EDQUOT, SP_RETRY },
	{ EIO, SP_RETRY },
	{ ESTALE, SP_RETRY },
	{ EINTR, SP_RETRY },
	{ EBUSY, SP_RETRY },
	{ EMFILE, SP_RETRY },
	{ ENOMEM, SP_RETRY },
	{ ETIMEDOUT, SP_RETRY },
	{ 4095, SP_RETRY }, /* nobody's */
	{ ELOOP, SP_BAD },
	{ ENXIO, SP_BAD },
	{ EISDIR, SP_BAD },
	{ ENAMETOOLONG, SP_BAD },
	{ EFBIG, SP_BAD },
	{ EACCES, SP_FATAL },
	{ EROFS, SP_FATAL },
	{ EXDEV, SP_FATAL },
};

START_TEST(errno_status)
{
	ck_assert_int_eq(
	    sp_errno_status(errnos[_i].sys_errno), errnos[_i].want);
}
END_TEST

START_TEST(sys_says_why)
{
	struct sp_err err = { 0 };

	errno = ENOSPC;
	ck_assert_int_eq(sp_err_sys(&err, "write %s", "tmp/x"), SP_RETRY);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_str_eq(err.text, "write tmp/x: No space left on device");

	errno = ENOENT;
	ck_assert_int_eq(sp_err_sys(NULL, "open %s", "x"), SP_GONE);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(first_error_wins)
{
	struct sp_err err = { 0 };

	ck_assert_int_eq(sp_err_set(&err, SP_BAD, "first %d", 1), SP_BAD);
	ck_assert_int_eq(sp_err_set(&err, SP_FATAL, "second"), SP_FATAL);
	errno = EIO;
	ck_assert_int_eq(sp_err_sys(&err, "third"), SP_RETRY);
	ck_assert_str_eq(err.text, "first 1");
	sp_err_clear(&err);
	ck_assert_int_eq(sp_err_set(&err, SP_LOST, "fourth"), SP_LOST);
	ck_assert_str_eq(err.text, "fourth");
	ck_assert_int_eq(sp_err_set(NULL, SP_BAD, "nowhere"), SP_BAD);
	sp_err_clear(NULL);
}
END_TEST

START_TEST(long_words_are_cut)
{
	struct sp_err err = { 0 };
	char words[2 * SP_ERR_MAX];

	memset(words, 'w', sizeof words);
	words[sizeof words - 1] = '\0';
	errno = EIO;
	(void)sp_err_sys(&err, "%s", words);
	ck_assert_uint_eq(strlen(err.text), SP_ERR_MAX - 1);
}
END_TEST

START_TEST(status_text)
{
	ck_assert_str_eq(sp_status_text(SP_OK), "ok");
	ck_assert_str_eq(sp_status_text(SP_FATAL), "fatal");
	ck_assert_str_eq(sp_status_text((enum sp_status)77), "unknown");
}
END_TEST

Suite *
err_suite(void)
{
	Suite *suite = suite_create("err");
	TCase *tcase = tcase_create("err");

	ADD_TABLE(tcase, errno_status, errnos);
	tcase_add_test(tcase, sys_says_why);
	tcase_add_test(tcase, first_error_wins);
	tcase_add_test(tcase, long_words_are_cut);
	tcase_add_test(tcase, status_text);
	suite_add_tcase(suite, tcase);
	return suite;
}
