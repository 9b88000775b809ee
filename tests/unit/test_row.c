/*
 * test_row.c - the row that people see: from the texts, as text, and read from
 * a spool on disk.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/json.h"
#include "libspool/row.h"
#include "tests/unit/suites.h"

#define ID    "20261122T190212345-9f3c21ab"
#define NEW   "50." ID ".t1a0.wine.json"
#define ENDED "50." ID ".t3a1@gpu07-3fa9c2.wine.json"

static struct sp_row
row_of(enum sp_state state, const char *name)
{
	struct sp_row row = { .state = state };

	ck_assert_int_eq(sp_name_parse(name, &row.name), SP_OK);
	return row;
}

static void
prints(const struct sp_row *row, const char *want)
{
	struct sp_buf b = SP_BUF_INIT(100000);

	struct json_t *json;
	struct sp_row again;

	sp_row_print(row, &b);
	ck_assert_str_eq(sp_buf_text(&b), want);
	/* what was printed says it all */
	ck_assert_int_eq(sp_json_parse(b.data, b.len, &json, NULL), SP_OK);
	ck_assert_int_eq(sp_row_take(json, &again), SP_OK);
	sp_buf_reset(&b);
	sp_row_print(&again, &b);
	ck_assert_str_eq(sp_buf_text(&b), want);
	sp_json_free(json);
	sp_buf_clear(&b);
}

START_TEST(takes_no_other)
{
	static const char *const others[] = { "{}", "{\"state\":\"new\"}",
		"{\"order\":\"" NEW "\"}",
		"{\"order\":\"x\",\"state\":\"new\"}",
		"{\"order\":\"" NEW "\",\"state\":\"old\"}",
		"{\"order\":5,\"state\":\"new\"}" };
	struct sp_row row = { .status = 77 };
	struct json_t *json;
	size_t i;

	for (i = 0; i < COUNT(others); i++) {
		ck_assert_int_eq(
		    sp_json_parse(others[i], strlen(others[i]), &json, NULL),
		    SP_OK);
		ck_assert_int_eq(sp_row_take(json, &row), SP_BAD);
		ck_assert_int_eq(row.status, 77);
		sp_json_free(json);
	}
}
END_TEST

START_TEST(waiting_row)
{
	static const char job[] =
	    "{\"scriptName\":\"nn.py\",\"epochs\":3,\"order\":{\"name\":"
	    "\"best\",\"owner\":{\"uid\":7,\"user\":null},\"retryOf\":\"" ID
	    "\"}}";
	struct sp_row row = row_of(SP_NEW, NEW);

	sp_row_job(&row, job, strlen(job));
	prints(&row,
	    "{\"id\":\"" ID "\",\"name\":\"best\",\"state\":\"new\",\"prio\":"
	    "50,\"ticket\":1,\"attempt\":0,\"worker\":null,\"script\":"
	    "\"nn.py\",\"data\":null,\"project\":null,\"retryOf\":\"" ID
	    "\",\"owner\":\"7\",\"status\":null,\"cause\":null,\"error\":null,\"loss\":null,"
	    "\"metric\":null,\"step\":null,\"progress\":null,\"eta\":null,"
	    "\"seconds\":null,\"submitted\":"
	    "\"2026-11-22T19:02:12.345Z\",\"started\":null,\"finished\":null,"
	    "\"order\":\"" NEW "\"}");
}
END_TEST

START_TEST(ended_row)
{
	static const char job[] =
	    "{\"scriptName\":\"nn.py\",\"dataFileName\":\"w.csv\","
	    "\"projectName\":\"p \\\"q\\\"\"}";
	static const char outcome[] =
	    "{\"status\":500,\"loss\":\"0.25\",\"metric\":7,\"error\":{\"a\":"
	    "[1]},\"run\":{\"cause\":\"exit\",\"seconds\":13.5,\"started\":"
	    "\"2026-11-22T19:02:13Z\",\"finished\":"
	    "\"2026-11-22T19:02:26.500Z\"}}\n";
	struct sp_row row = row_of(SP_FAILED, ENDED);

	sp_row_job(&row, job, strlen(job));
	sp_row_outcome(&row, outcome, strlen(outcome));
	prints(&row,
	    "{\"id\":\"" ID "\",\"name\":\"wine\",\"state\":\"failed\","
	    "\"prio\":50,\"ticket\":3,\"attempt\":1,\"worker\":"
	    "\"gpu07-3fa9c2\",\"script\":\"nn.py\",\"data\":\"w.csv\","
	    "\"project\":\"p \\\"q\\\"\",\"retryOf\":null,\"owner\":null,\"status\":500,"
	    "\"cause\":\"exit\",\"error\":\"{\\\"a\\\":[1]}\",\"loss\":0.25,"
	    "\"metric\":7.0,\"step\":null,\"progress\":null,\"eta\":null,"
	    "\"seconds\":13.5,\"submitted\":"
	    "\"2026-11-22T19:02:12.345Z\",\"started\":"
	    "\"2026-11-22T19:02:13.000Z\",\"finished\":"
	    "\"2026-11-22T19:02:26.500Z\",\"order\":\"" ENDED "\"}");
}
END_TEST

static const struct {
	const char *loss;
	bool has;
	double want;
} numbers[] = {
	{ "1", true, 1 },
	{ "-2.5e3", true, -2500 },
	{ "\"3\"", true, 3 },
	{ "\"1e-3\"", true, 1e-3 },
	{ "\"-0.5\"", true, -0.5 },
	{ "\"\"", false, 0 },
	{ "\"nan\"", false, 0 },
	{ "\"inf\"", false, 0 },
	{ "\"0x10\"", false, 0 },
	{ "\"1e999\"", false, 0 },
	{ "\"1.5 (best)\"", false, 0 },
	{ "\"-\"", false, 0 },
	{ "null", false, 0 },
	{ "true", false, 0 },
	{ "[1]", false, 0 },
};

START_TEST(takes_numbers)
{
	struct sp_row row = row_of(SP_DONE, ENDED);
	char text[100];

	(void)snprintf(text, sizeof text, "{\"status\":200,\"loss\":%s}",
	    numbers[_i].loss);
	sp_row_outcome(&row, text, strlen(text));
	ck_assert_int_eq(row.has_loss, numbers[_i].has);
	if (numbers[_i].has)
		ck_assert_double_eq(row.loss, numbers[_i].want);
	ck_assert(!row.has_metric && !row.has_seconds);
}
END_TEST

START_TEST(says_what_is_wrong)
{
	struct sp_row row = row_of(SP_FAILED, ENDED);

	sp_row_job(&row, "{\"scriptName\":\"a/b\",\"projectName\":\"p\"}", 38);
	ck_assert_str_eq(row.script, "");
	ck_assert_str_eq(row.project, "p");
	ck_assert_ptr_nonnull(strstr(row.error, "scriptName"));
	/* what the outcome says is the last word */
	sp_row_outcome(&row, "{\"status\":400,\"error\":\"so\"}", 27);
	ck_assert_int_eq(row.status, 400);
	ck_assert_str_eq(row.error, "so");

	row = row_of(SP_DONE, ENDED);
	sp_row_job(&row, "{", 1);
	ck_assert_ptr_nonnull(strstr(row.error, "ends in the middle"));
	sp_row_outcome(&row, "{\"a\":1,}", 8);
	ck_assert_ptr_nonnull(strstr(row.error, "outcome: line 1"));
	ck_assert_int_eq(row.status, 0);
}
END_TEST

START_TEST(bundle_row)
{
	struct sp_row row = row_of(SP_NEW, "50." ID ".t1a0.many.jsonl");

	sp_row_job(&row, "{}\n{}\n", 6);
	ck_assert_str_eq(row.error, "");
	ck_assert_str_eq(row.title, "many");
}
END_TEST

START_TEST(long_error_is_cut)
{
	struct sp_buf b = SP_BUF_INIT(10000);
	struct sp_row row = row_of(SP_FAILED, ENDED);

	sp_buf_puts(&b, "{\"status\":500,\"error\":\"");
	while (b.len < 3000)
		sp_buf_puts(&b, "\xc3\xa4");
	sp_buf_puts(&b, "\"}");
	sp_row_outcome(&row, b.data, b.len);
	ck_assert_uint_eq(strlen(row.error), SP_ERR_MAX - 2);
	sp_buf_clear(&b);
}
END_TEST

/* ---- from a disk ---- */

static char top[] = "/tmp/spool-row-XXXXXX";
static struct sp_spool spool;

static void
put(enum sp_dir dir, const char *name, const char *text)
{
	int fd =
	    openat(spool.dir[dir], name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	ck_assert_int_eq(close(fd), 0);
}

static void
disk_setup(void)
{
	struct sp_err err = { "" };

	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_msg(sp_spool_make(top, &err) == SP_OK, "%s", err.text);
	ck_assert_msg(
	    sp_spool_open(top, "test", &spool, &err) == SP_OK, "%s", err.text);
}

static void
disk_teardown(void)
{
	char command[100];

	sp_spool_close(&spool);
	(void)snprintf(command, sizeof command, "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0);
	(void)strcpy(top, "/tmp/spool-row-XXXXXX");
}

START_TEST(reads_new)
{
	struct sp_err err = { "" };
	struct sp_row row, at = row_of(SP_NEW, NEW);

	ck_assert_int_eq(
	    sp_row_read(&spool, SP_NEW, &at.name, &row, &err), SP_GONE);
	put(SP_DIR_NEW, NEW, "{\"scriptName\":\"nn.py\"}");
	ck_assert_int_eq(
	    sp_row_read(&spool, SP_NEW, &at.name, &row, &err), SP_OK);
	ck_assert_str_eq(row.script, "nn.py");
	ck_assert_str_eq(row.title, "wine");
	ck_assert_str_eq(row.error, "");
	put(SP_DIR_NEW, NEW, "{\"scriptName\":");
	ck_assert_int_eq(
	    sp_row_read(&spool, SP_NEW, &at.name, &row, &err), SP_OK);
	ck_assert_ptr_nonnull(strstr(row.error, "ends in the middle"));
	/* what is no plain file is told, not followed */
	ck_assert_int_eq(unlinkat(spool.dir[SP_DIR_NEW], NEW, 0), 0);
	ck_assert_int_eq(
	    symlinkat("/etc/passwd", spool.dir[SP_DIR_NEW], NEW), 0);
	ck_assert_int_eq(
	    sp_row_read(&spool, SP_NEW, &at.name, &row, &err), SP_OK);
	ck_assert_ptr_nonnull(strstr(row.error, "job: "));
	ck_assert_str_eq(row.script, "");
}
END_TEST

START_TEST(reads_ended)
{
	struct sp_err err = { "" };
	struct sp_row row, at = row_of(SP_DONE, ENDED);

	ck_assert_int_eq(mkdirat(spool.dir[SP_DIR_DONE], "20261122", 0700), 0);
	put(SP_DIR_DONE, "20261122/" ENDED, "{\"scriptName\":\"nn.py\"}");
	ck_assert_int_eq(
	    sp_row_read(&spool, SP_DONE, &at.name, &row, &err), SP_OK);
	ck_assert_int_eq(row.status, 0);
	ck_assert_str_eq(row.error, "outcome: not there (yet)");
	put(SP_DIR_OUTCOMES, ID ".json", "{\"status\":200,\"loss\":0.5}\n");
	ck_assert_int_eq(
	    sp_row_read(&spool, SP_DONE, &at.name, &row, &err), SP_OK);
	ck_assert_int_eq(row.status, 200);
	ck_assert(row.has_loss);
	ck_assert_str_eq(row.error, "");
	put(SP_DIR_OUTCOMES, ID ".json", "{\"status\":");
	ck_assert_int_eq(
	    sp_row_read(&spool, SP_DONE, &at.name, &row, &err), SP_OK);
	ck_assert_ptr_nonnull(strstr(row.error, "outcome: line 1"));
	ck_assert_str_eq(row.script, "nn.py");
}
END_TEST

Suite *
row_suite(void)
{
	Suite *s = suite_create("row");
	TCase *text = tcase_create("text"), *disk = tcase_create("disk");

	tcase_add_test(text, waiting_row);
	tcase_add_test(text, ended_row);
	tcase_add_test(text, takes_no_other);
	ADD_TABLE(text, takes_numbers, numbers);
	tcase_add_test(text, says_what_is_wrong);
	tcase_add_test(text, bundle_row);
	tcase_add_test(text, long_error_is_cut);
	tcase_add_checked_fixture(disk, disk_setup, disk_teardown);
	tcase_add_test(disk, reads_new);
	tcase_add_test(disk, reads_ended);
	suite_add_tcase(s, text);
	suite_add_tcase(s, disk);
	return s;
}
