/*
 * test_http.c - what spool-httpd reads before anybody does anything: targets,
 * patterns, ranges, ETags, and how much one may ask.
 */
#include <string.h>

#include "httpd/server.h"
#include "tests/unit/suites.h"

static const struct {
	const char *target;
	const char *path;  /* NULL: malformed */
	const char *token; /* NULL: none */
	const char *key, *value;
} urls[] = {
	{ "/", "/", NULL, NULL, NULL },
	{ "/v1/orders", "/v1/orders", NULL, NULL, NULL },
	{ "/v1/orders?limit=3", "/v1/orders", NULL, "limit", "3" },
	{ "/v1/x%20y?a=b%26c&d=+e", "/v1/x y", NULL, "a", "b&c" },
	{ "/v1/x?a=b&d=+e", "/v1/x", NULL, "d", " e" },
	{ "/v1/x?a&&b=", "/v1/x", NULL, "a", "" },
	{ "/v1/x#f", "/v1/x", NULL, NULL, NULL },
	{ "/t/TOKEN/v1/orders?x=1", "/v1/orders", "TOKEN", "x", "1" },
	{ "/t/TOKEN", "/", "TOKEN", NULL, NULL },
	{ "/tt/x", "/tt/x", NULL, NULL, NULL },
	{ "", NULL, NULL, NULL, NULL },
	{ "v1", NULL, NULL, NULL, NULL },
	{ "//", NULL, NULL, NULL, NULL },
	{ "/v1/", NULL, NULL, NULL, NULL },
	{ "/v1/../x", NULL, NULL, NULL, NULL },
	{ "/v1/%2e%2e/x", NULL, NULL, NULL, NULL },
	{ "/v1/.", NULL, NULL, NULL, NULL },
	{ "/v1/a%2fb", NULL, NULL, NULL, NULL },
	{ "/v1/a%00b", NULL, NULL, NULL, NULL },
	{ "/v1/a%0ab", NULL, NULL, NULL, NULL },
	{ "/v1/a%", NULL, NULL, NULL, NULL },
	{ "/v1/a%4", NULL, NULL, NULL, NULL },
	{ "/v1/a%zz", NULL, NULL, NULL, NULL },
	{ "/v1/a?b=%zz", NULL, NULL, NULL, NULL },
};

START_TEST(url)
{
	static struct url u;
	const char *why = NULL;
	bool good = url_parse(urls[_i].target, &u, &why);

	ck_assert_int_eq(good, urls[_i].path != NULL);
	if (!good) {
		ck_assert_ptr_nonnull(why);
		return;
	}
	ck_assert_str_eq(u.path, urls[_i].path);
	if (urls[_i].token == NULL)
		ck_assert_ptr_null(u.token);
	else
		ck_assert_str_eq(u.token, urls[_i].token);
	if (urls[_i].key != NULL)
		ck_assert_str_eq(url_get(&u, urls[_i].key), urls[_i].value);
	ck_assert_ptr_null(url_get(&u, "none"));
}
END_TEST

static const struct {
	const char *pattern, *path;
	bool fits;
	const char *first, *second;
} patterns[] = {
	{ "/v1", "/v1", true, NULL, NULL },
	{ "/v1", "/v1/x", false, NULL, NULL },
	{ "/v1/orders/{}", "/v1/orders/a", true, "a", NULL },
	{ "/v1/orders/{}", "/v1/orders/a/b", false, NULL, NULL },
	{ "/v1/orders/{}/log", "/v1/orders/a/log", true, "a", NULL },
	{ "/v1/orders/{}/log", "/v1/orders/a/logs", false, NULL, NULL },
	{ "/v1/o/{}/out/{*}", "/v1/o/a/out/b/c", true, "a", "b/c" },
	{ "/v1/o/{}/out/{*}", "/v1/o/a/out", false, NULL, NULL },
};

START_TEST(pattern)
{
	char room[URL_MAX + PARAMS];
	const char *param[PARAMS];
	bool fits =
	    route_fits(patterns[_i].pattern, patterns[_i].path, room, param);

	ck_assert_int_eq(fits, patterns[_i].fits);
	if (patterns[_i].first != NULL)
		ck_assert_str_eq(param[0], patterns[_i].first);
	if (patterns[_i].second != NULL)
		ck_assert_str_eq(param[1], patterns[_i].second);
}
END_TEST

static const struct {
	const char *text;
	int64_t size;
	int got;
	int64_t from, len;
} ranges[] = {
	{ NULL, 10, 0, 0, 0 },
	{ "bytes=0-", 10, 1, 0, 10 },
	{ "bytes=3-5", 10, 1, 3, 3 },
	{ "bytes=3-99", 10, 1, 3, 7 },
	{ "bytes=-4", 10, 1, 6, 4 },
	{ "bytes=-99", 10, 1, 0, 10 },
	{ "bytes=9-", 10, 1, 9, 1 },
	{ "bytes=10-", 10, -1, 0, 0 },
	{ "bytes=0-", 0, -1, 0, 0 },
	{ "bytes=-0", 10, -1, 0, 0 },
	{ "bytes=5-3", 10, 0, 0, 0 },
	{ "bytes=1-2,4-5", 10, 0, 0, 0 },
	{ "bytes=", 10, 0, 0, 0 },
	{ "bytes=-", 10, 0, 0, 0 },
	{ "lines=1-2", 10, 0, 0, 0 },
	{ "bytes=99999999999999999999-", 10, 0, 0, 0 },
};

START_TEST(range)
{
	int64_t from = 0, len = 0;
	int got = range_parse(ranges[_i].text, ranges[_i].size, &from, &len);

	ck_assert_int_eq(got, ranges[_i].got);
	if (got != 1)
		return;
	ck_assert_int_eq(from, ranges[_i].from);
	ck_assert_int_eq(len, ranges[_i].len);
}
END_TEST

static const struct {
	const char *list;
	bool in;
} etags[] = {
	{ NULL, false },
	{ "", false },
	{ "\"a\"", true },
	{ "\"b\", \"a\"", true },
	{ "\"b\",\"c\"", false },
	{ "*", true },
	{ "W/\"a\"", false },
	{ "\"a", false },
	{ "\"", false },
	{ ",,\"a\"", true },
};

START_TEST(etag)
{
	ck_assert_int_eq(etag_in(etags[_i].list, "\"a\""), etags[_i].in);
}
END_TEST

START_TEST(limit)
{
	struct limits *l = limits_new(10);
	int i;

	for (i = 0; i < 20; i++)
		ck_assert(limits_take(l, "a", 1000));
	ck_assert(!limits_take(l, "a", 1000));
	ck_assert(limits_take(l, "b", 1000));
	ck_assert(limits_take(l, "a", 1100));
	ck_assert(!limits_take(l, "a", 1100));
	/* However long it was quiet, no more than that. */
	for (i = 0; i < 20; i++)
		ck_assert(limits_take(l, "a", 1000000));
	ck_assert(!limits_take(l, "a", 1000000));
	ck_assert(!limits_barred(l, "a", 1000));
	for (i = 0; i < 20; i++)
		ck_assert(limits_wrong(l, "a", 1000));
	ck_assert(limits_barred(l, "a", 1000));
	ck_assert(!limits_barred(l, "a", 2000));
	limits_free(l);
}
END_TEST

START_TEST(wrong)
{
	struct answer a;

	answer_init(&a);
	answer_header(&a, "ETag", "x");
	answer_wrong_at(&a, W_OFFSET, "size", 7, "at: \"%s\"", "x");
	ck_assert_int_eq(a.status, 409);
	ck_assert_str_eq(a.body.data,
	    "{\"error\":\"offset\",\"reason\":\"at: \\\"x\\\"\",\"size\":7}\n");
	ck_assert_uint_eq(a.header_n, 1);
	ck_assert_str_eq(a.header[0].value, "offset");
	answer_clear(&a);
}
END_TEST

Suite *
http_suite(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("http");

	ADD_TABLE(t, url, urls);
	ADD_TABLE(t, pattern, patterns);
	ADD_TABLE(t, range, ranges);
	ADD_TABLE(t, etag, etags);
	tcase_add_test(t, limit);
	tcase_add_test(t, wrong);
	suite_add_tcase(s, t);
	return s;
}
