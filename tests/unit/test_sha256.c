/*
 * test_sha256.c - FIPS 180's examples, in one piece and in many, and a file.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/sha256.h"
#include "tests/unit/suites.h"

static const struct {
	const char *text;
	const char *hex;
} known[] = {
	{ "",
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855" },
	{ "abc",
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039"
	    "a33ce45964ff2167f6ecedd419db06c1" },
};

START_TEST(text)
{
	char hex[SP_SHA_LEN + 1];
	struct sp_sha sha;

	sp_sha_text(known[_i].text, strlen(known[_i].text), hex);
	ck_assert_str_eq(hex, known[_i].hex);
	sp_sha_init(&sha);
	for (size_t i = 0; known[_i].text[i] != '\0'; i++)
		sp_sha_put(&sha, known[_i].text + i, 1);
	sp_sha_end(&sha, hex);
	ck_assert_str_eq(hex, known[_i].hex);
}
END_TEST

START_TEST(file)
{
	char hex[SP_SHA_LEN + 1], again[SP_SHA_LEN + 1];
	static char big[300000];
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	memset(big, 'a', sizeof big);
	ck_assert_uint_eq(fwrite(big, 1, sizeof big, f), sizeof big);
	ck_assert_int_eq(fflush(f), 0);
	ck_assert_int_eq(sp_sha_file(fileno(f), hex, NULL), SP_OK);
	sp_sha_text(big, sizeof big, again);
	ck_assert_str_eq(hex, again);
	ck_assert_int_eq(ftell(f), sizeof big);
	fclose(f);
	ck_assert_int_ne(sp_sha_file(-1, hex, NULL), SP_OK);
}
END_TEST

static const struct {
	const char *hex;
	bool ok;
} spelled[] = {
	{ "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    true },
	{ "E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    false },
	{ "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
	    false },
	{ "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555",
	    false },
	{ "../../../../../../../../../../../../../../../../../../etc/passwd",
	    false },
	{ "", false },
};

START_TEST(spelling)
{
	ck_assert_int_eq(sp_sha_ok(spelled[_i].hex), spelled[_i].ok);
}
END_TEST

Suite *
sha256_suite(void)
{
	Suite *suite = suite_create("sha256");
	TCase *tcase = tcase_create("sha256");

	ADD_TABLE(tcase, text, known);
	tcase_add_test(tcase, file);
	ADD_TABLE(tcase, spelling, spelled);
	suite_add_tcase(suite, tcase);
	return suite;
}
