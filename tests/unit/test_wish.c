/*
 * test_wish.c - how requests to workers are spelled, and for whom they are.
 */
#include <string.h>

#include "libspool/wish.h"
#include "tests/unit/suites.h"

static const struct {
	const char *file;
	const char *who; /* NULL: none */
	enum sp_wish wish;
} spelled[] = {
	{ "gpu07", "gpu07", SP_WISH_DRAIN },
	{ "gpu07.now", "gpu07", SP_WISH_NOW },
	{ "gpu07-3fa9c2", "gpu07-3fa9c2", SP_WISH_DRAIN },
	{ "gpu07-3fa9c2.now", "gpu07-3fa9c2", SP_WISH_NOW },
	{ "gpu07-3fa9c2.resume", "gpu07-3fa9c2", SP_WISH_RESUME },
	{ "1234567890123456789012345678901234567890",
	    "1234567890123456789012345678901234567890", SP_WISH_DRAIN },
	{ "1234567890123456789012345678901234567890-abcdef",
	    "1234567890123456789012345678901234567890-abcdef", SP_WISH_DRAIN },
	/* For all who will come it could never be taken away. */
	{ "gpu07.resume", NULL, 0 },
	{ "12345678901234567890123456789012345678901", NULL, 0 },
	{ "1234567890123456789012345678901234567890-abcdeff", NULL, 0 },
	{ "", NULL, 0 },
	{ ".now", NULL, 0 },
	{ ".gitkeep", NULL, 0 },
	{ "gpu07.", NULL, 0 },
	{ "gpu07.later", NULL, 0 },
	{ "gpu07.now.now", NULL, 0 },
	{ "gpu 07", NULL, 0 },
	{ "gpu07.now~", NULL, 0 },
};

START_TEST(spelling)
{
	char who[SP_WISH_MAX] = "";
	enum sp_wish wish = SP_WISHES;
	bool is = sp_wish_parse(spelled[_i].file, who, &wish);

	ck_assert_int_eq(is, spelled[_i].who != NULL);
	if (!is)
		return;
	ck_assert_str_eq(who, spelled[_i].who);
	ck_assert_int_eq(wish, spelled[_i].wish);
}
END_TEST

static const struct {
	const char *file, *worker;
	enum sp_wish wish;
	bool is;
} asked[] = {
	{ "gpu", "gpu-3fa9c2", SP_WISH_DRAIN, true },
	{ "gpu-3fa9c2", "gpu-3fa9c2", SP_WISH_DRAIN, true },
	{ "gpu-3fa9c2", "gpu-000000", SP_WISH_DRAIN, false },
	{ "gpu", "gpu2-3fa9c2", SP_WISH_DRAIN, false },
	{ "gpu", "my-gpu-3fa9c2", SP_WISH_DRAIN, false },
	{ "gpu", "gpu-3fa9c2", SP_WISH_NOW, false },
	{ "gpu.now", "gpu-3fa9c2", SP_WISH_NOW, true },
	{ "gpu.now", "gpu-3fa9c2", SP_WISH_DRAIN, false },
	{ "gpu-3fa9c2", "gpu-3fa9c2-000000", SP_WISH_DRAIN, true },
	{ "gpu-3fa9c2.resume", "gpu-3fa9c2", SP_WISH_RESUME, true },
	{ "gpu-3fa9c2.resume", "gpu-3fa9c2-000000", SP_WISH_RESUME, false },
};

START_TEST(whom)
{
	struct sp_names files = { 0 };

	ck_assert_int_eq(sp_names_add(&files, asked[_i].file), SP_OK);
	ck_assert_int_eq(
	    sp_wish_is(&files, asked[_i].worker, asked[_i].wish), asked[_i].is);
	sp_names_clear(&files);
}
END_TEST

Suite *
wish_suite(void)
{
	Suite *s = suite_create("wish");
	TCase *t = tcase_create("wish");

	ADD_TABLE(t, spelling, spelled);
	ADD_TABLE(t, whom, asked);
	suite_add_tcase(s, t);
	return s;
}
