/*
 * test_log.c - one line a decision, whatever was in it; warnings not twice.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/log.h"
#include "tests/unit/suites.h"

/* What is written to stderr between the two comes back. */
static int saved, reader;

static void
catch_begin(void)
{
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	saved = dup(STDERR_FILENO);
	ck_assert_int_ne(dup2(fd[1], STDERR_FILENO), -1);
	close(fd[1]);
	reader = fd[0];
}

static void
catch_end(char *text_out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	ck_assert_int_ne(dup2(saved, STDERR_FILENO), -1);
	close(saved);
	while ((n = read(reader, text_out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text_out[len] = '\0';
	close(reader);
}

static const struct {
	const char *text;
	const char *want;
} lines[] = {
	{ "claim order=x", "claim order=x\n" },
	{ "a\nb", "a\\x0ab\n" },
	{ "\033[31m", "\\x1b[31m\n" },
	{ "\x7f\t\r", "\\x7f\\x09\\x0d\n" },
	{ "gr\xc3\xb6\xc3\x9f"
	  "e",
	    "gr\xc3\xb6\xc3\x9f"
	    "e\n" },
	{ "\xc2\x9b"
	  "31m",
	    "\\xc2\\x9b"
	    "31m\n" }, /* CSI in one character */
	{ "\xc2", "\xc2\n" },
	{ "100%", "100%\n" },
};

START_TEST(one_line)
{
	char text[256];

	catch_begin();
	sp_info("%s", lines[_i].text);
	catch_end(text, sizeof text);
	ck_assert_uint_gt(strlen(text), 9);
	ck_assert_msg(text[2] == ':' && text[5] == ':' && text[8] == ' ',
	    "no time in front: %s", text);
	ck_assert_str_eq(text + 9, lines[_i].want);
}
END_TEST

START_TEST(long_line)
{
	static char words[40000], text[40000];

	memset(words, '\n', sizeof words - 1);
	catch_begin();
	sp_warn("%s", words);
	catch_end(text, sizeof text);
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
}
END_TEST

static const struct {
	int level;
	const char *want; /* of a warning, an info and a debug */
} levels[] = {
	{ 0, "w" },
	{ 1, "wi" },
	{ 2, "wid" },
};

START_TEST(level)
{
	char text[256], seen[8];
	size_t n = 0;

	sp_log_level(levels[_i].level);
	catch_begin();
	sp_warn("w");
	sp_info("i");
	sp_debug("d");
	catch_end(text, sizeof text);
	sp_log_level(1);
	for (char *end = text; (end = strchr(end, '\n')) != NULL; end++)
		seen[n++] = end[-1];
	seen[n] = '\0';
	ck_assert_str_eq(seen, levels[_i].want);
}
END_TEST

START_TEST(warn_due)
{
	char what[32];

	ck_assert(sp_warn_due("bad file a"));
	ck_assert(sp_warn_due("bad file b"));
	ck_assert(!sp_warn_due("bad file a"));
	ck_assert(!sp_warn_due("bad file b"));
	/* The table is full of others: rather twice than never. */
	for (int i = 0; i < 200; i++) {
		(void)snprintf(what, sizeof what, "bad file %d", i);
		ck_assert(sp_warn_due(what));
		ck_assert(!sp_warn_due(what));
	}
	ck_assert(sp_warn_due("bad file a"));
}
END_TEST

Suite *
log_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");

	ADD_TABLE(tcase, one_line, lines);
	tcase_add_test(tcase, long_line);
	ADD_TABLE(tcase, level, levels);
	tcase_add_test(tcase, warn_due);
	suite_add_tcase(suite, tcase);
	return suite;
}
