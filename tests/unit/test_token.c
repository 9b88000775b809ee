/*
 * test_token.c - tokens of the HTTP server: made, read back, recognized.
 */
#include <string.h>

#include "libspool/token.h"
#include "tests/unit/suites.h"

START_TEST(make)
{
	struct sp_token t = { .roles = SP_ROLE_WORK | SP_ROLE_READ,
		.worker = "gpu07",
		.note = "rack \"3\"" };
	char text[SP_TOKEN_LEN + 1], other[SP_TOKEN_LEN + 1];
	struct sp_buf file = SP_BUF_INIT(65536);
	struct sp_token second = { .roles = SP_ROLE_ADMIN };
	struct sp_err err = { "" };
	const struct sp_token *is;
	struct sp_tokens all;
	int i;

	ck_assert(sp_token_make(&t, text));
	ck_assert(sp_token_make(&second, other));
	ck_assert_uint_eq(strlen(text), SP_TOKEN_LEN);
	ck_assert_str_ne(text, other);
	sp_token_print(&t, &file);
	sp_token_print(&second, &file);
	ck_assert_ptr_null(strstr(file.data, text + SP_TOKEN_ID + 1));
	ck_assert_int_eq(
	    sp_tokens_parse(file.data, file.len, &all, &err), SP_OK);
	ck_assert_uint_eq(all.n, 2);
	is = sp_tokens_find(&all, text, strlen(text));
	ck_assert_ptr_nonnull(is);
	ck_assert_uint_eq(is->roles, t.roles);
	ck_assert_str_eq(is->worker, "gpu07");
	ck_assert_str_eq(is->note, t.note);
	ck_assert_int_eq(is->made, t.made);
	/* Its id with the other's secret, one digit wrong, one too few. */
	(void)memcpy(other, text, SP_TOKEN_ID);
	ck_assert_ptr_null(sp_tokens_find(&all, other, strlen(other)));
	for (i = SP_TOKEN_ID + 1; i < SP_TOKEN_LEN; i += 7) {
		char was = text[i];

		text[i] = was == '0' ? '1' : '0';
		ck_assert_ptr_null(sp_tokens_find(&all, text, strlen(text)));
		text[i] = was;
	}
	ck_assert_ptr_null(sp_tokens_find(&all, text, SP_TOKEN_LEN - 1));
	ck_assert_ptr_null(sp_tokens_find(&all, "", 0));
	sp_tokens_clear(&all);
	sp_buf_clear(&file);
}
END_TEST

#define GOOD(roles, more)                                                      \
	"{\"id\":\"918af713\",\"roles\":" roles more                           \
	",\"salt\":\"1eb8eb8eab41bad9071924b216d6a85b\",\"sha256\":\"31917c81" \
	"55fa275e722f9ba000d52cdeadebb800af45b915c7b4f9e084325ed4\"}\n"

static const struct {
	const char *text;
	const char *why; /* NULL: it is understood */
} files[] = {
	{ "", NULL },
	{ GOOD("[\"read\"]", ""), NULL },
	{ "\n" GOOD("[\"read\",\"admin\"]", ",\"new\":1"), NULL },
	{ GOOD("[\"read\"]", "") "x", "line 2: " },
	{ GOOD("[]", ""), "line 1: roles" },
	{ GOOD("\"read\"", ""), "line 1: roles" },
	{ GOOD("[\"king\"]", ""), "line 1: roles" },
	{ GOOD("[\"work\"]", ",\"worker\":\"\""), "line 1: worker" },
	{ GOOD("[\"work\"]", ",\"worker\":\"a b\""), "line 1: worker" },
	{ GOOD("[\"work\"]", ",\"worker\":null"), "line 1: worker" },
	{ "{\"id\":\"918af713\",\"roles\":[\"read\"]}", "line 1: salt" },
	{ "{\"id\":\"918AF713\"}", "line 1: id" },
};

START_TEST(file)
{
	struct sp_err err = { "" };
	struct sp_tokens all;
	enum sp_status st;

	st =
	    sp_tokens_parse(files[_i].text, strlen(files[_i].text), &all, &err);
	if (files[_i].why == NULL) {
		ck_assert_int_eq(st, SP_OK);
	} else {
		ck_assert_int_eq(st, SP_BAD);
		ck_assert_ptr_nonnull(strstr(err.text, files[_i].why));
	}
	sp_tokens_clear(&all);
}
END_TEST

static const struct {
	const char *name, *worker;
	bool ok;
} bound[] = {
	{ "", "box-0a1b2c", true },
	{ "box", "box-0a1b2c", true },
	{ "box", "boxer-0a1b2c", false },
	{ "box-a", "box-0a1b2c", false },
	{ "box", "box-0a1b2c-0a1b2c", false },
	{ "box-0a1b2c", "box-0a1b2c-0a1b2c", true },
	{ "box", "box", false },
	{ "", "box", false },
	{ "", "../x-0a1b2c", false },
};

START_TEST(worker)
{
	ck_assert_int_eq(
	    sp_token_worker_ok(bound[_i].name, bound[_i].worker), bound[_i].ok);
}
END_TEST

START_TEST(roles)
{
	ck_assert_uint_eq(sp_roles_parse("work"), SP_ROLE_WORK);
	ck_assert_uint_eq(
	    sp_roles_parse("admin,read"), SP_ROLE_ADMIN | SP_ROLE_READ);
	ck_assert_uint_eq(sp_roles_parse(""), 0);
	ck_assert_uint_eq(sp_roles_parse("work,"), 0);
	ck_assert_uint_eq(sp_roles_parse("works"), 0);
	ck_assert_str_eq(sp_role_text(SP_ROLE_SUBMIT), "submit");
}
END_TEST

Suite *
token_suite(void)
{
	Suite *s = suite_create("token");
	TCase *t = tcase_create("token");

	tcase_add_test(t, make);
	ADD_TABLE(t, file, files);
	ADD_TABLE(t, worker, bound);
	tcase_add_test(t, roles);
	suite_add_tcase(s, t);
	return s;
}
