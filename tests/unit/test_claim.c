/*
 * test_claim.c - a claim of what has just been read, on a disk of this machine:
 * what was read is believed only of the very file.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/job.h"
#include "libspool/move.h"
#include "libspool/submit.h"
#include "tests/unit/suites.h"

static char top[] = "/tmp/test_claim.XXXXXX";

static const char job[] = "{\"scriptName\": \"a.py\"}";
static const char other[] = "{\"scriptName\": \"b.py\"}";

enum between {
	NOTHING,
	WRITTEN,  /* anew, as long as it was */
	REPLACED, /* by another file */
	LINKED,
	TAKEN
};

static const struct {
	enum between what;
	enum sp_status want;
	const char *text; /* NULL: not looked at */
} claims[] = {
	/* Had it been read again it would be the job. */
	{ NOTHING, SP_OK, "what was read" },
	{ WRITTEN, SP_OK, other },
	{ REPLACED, SP_OK, other },
	{ LINKED, SP_BAD, NULL },
	{ TAKEN, SP_LOST, NULL },
};

static void
put(int dir, const char *file, const char *text)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1 },
		{ .tv_sec = 1 } };
	int fd = openat(dir, file, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	ck_assert_int_eq(futimens(fd, long_ago), 0);
	(void)close(fd);
}

static void
between(const struct sp_spool *sp, enum between what, const char *file)
{
	const struct timespec now[2] = { { .tv_sec = 2 }, { .tv_sec = 2 } };
	int dir = sp->dir[SP_DIR_NEW];

	switch (what) {
	case NOTHING:
		break;
	case WRITTEN:
		put(dir, file, other);
		ck_assert_int_eq(utimensat(dir, file, now, 0), 0);
		break;
	case REPLACED:
		put(dir, ".x", other);
		ck_assert_int_eq(renameat(dir, ".x", dir, file), 0);
		break;
	case LINKED:
		ck_assert_int_eq(linkat(dir, file, dir, ".x", 0), 0);
		break;
	case TAKEN:
		ck_assert_int_eq(unlinkat(dir, file, 0), 0);
	}
}

START_TEST(claim_of_what_was_read)
{
	struct sp_name name = { .prio = SP_PRIO_USUAL, .ticket = 1 }, mine;
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" };
	char file[SP_NAME_MAX];
	struct sp_spool sp;
	struct stat was;

	ck_assert_ptr_nonnull(mkdtemp(strcpy(top, "/tmp/test_claim.XXXXXX")));
	ck_assert_msg(sp_spool_make(top, &err) == SP_OK, "%s", err.text);
	ck_assert_msg(
	    sp_spool_open(top, "a", &sp, &err) == SP_OK, "%s", err.text);
	sp_id_make(1790000000000, (uint32_t)_i, &name.id);
	sp_name_print(&name, file);
	put(sp.dir[SP_DIR_NEW], file, job);
	ck_assert_int_eq(
	    sp_read(sp.dir[SP_DIR_NEW], file, SP_JOB_MAX, &text, &was, &err),
	    SP_OK);
	sp_buf_reset(&text);
	sp_buf_puts(&text, "what was read");

	between(&sp, claims[_i].what, file);
	ck_assert_int_eq(sp_claim_read(&sp, &name, &was, &mine, &text, &err),
	    claims[_i].want);
	if (claims[_i].text != NULL)
		ck_assert_str_eq(sp_buf_text(&text), claims[_i].text);
	sp_buf_clear(&text);
	sp_spool_close(&sp);
}
END_TEST

static void
clear(void)
{
	char command[64];

	(void)snprintf(command, sizeof command, "rm -rf '%s'", top);
	ck_assert_int_eq(system(command), 0);
}

Suite *
claim_suite(void)
{
	Suite *s = suite_create("claim");
	TCase *tc = tcase_create("claim");

	tcase_add_checked_fixture(tc, NULL, clear);
	tcase_add_loop_test(tc, claim_of_what_was_read, 0,
	    (int)(sizeof claims / sizeof *claims));
	suite_add_tcase(s, tc);
	return s;
}
