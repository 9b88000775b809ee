/*
 * test_blob.c - blobs in a spool of their own: what is put is found under its
 * hash, twice is once, and what lies under a name is believed when it fits.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/blob.h"
#include "libspool/scan.h"
#include "tests/unit/suites.h"

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define NIL "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static char top[] = "/tmp/spool-unit.XXXXXX";
static struct sp_spool spool;

static void
make(void)
{
	struct sp_err err = { "" };

	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_msg(sp_spool_make(top, &err) == SP_OK, "%s", err.text);
	ck_assert_int_eq(sp_spool_open(top, "unit", &spool, &err), SP_OK);
}

static void
unmake(void)
{
	char command[128];

	sp_spool_close(&spool);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", top);
	ck_assert_int_eq(system(command), 0);
	(void)strcpy(top, "/tmp/spool-unit.XXXXXX");
}

static size_t
count(enum sp_dir dir, const char *below)
{
	struct sp_names names = { 0 };
	int fd = openat(spool.dir[dir], below, O_RDONLY | O_DIRECTORY);
	size_t n;

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(sp_list(fd, true, &names, NULL), SP_OK);
	n = names.n;
	sp_names_clear(&names);
	(void)close(fd);
	return n;
}

/* Under this name, past all care. */
static void
plant(const char *hex, const char *text)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/blobs/sha256/%s", top, hex);
	(void)unlink(path);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static int
open_text(const char *text, size_t len)
{
	FILE *f = tmpfile();
	int fd;

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fflush(f), 0);
	fd = dup(fileno(f));
	(void)fclose(f);
	return fd;
}

static void
holds(const char *hex, const char *text)
{
	struct stat st;
	char buf[64];
	int fd;

	ck_assert_int_eq(sp_blob_open(&spool, hex, &fd, &st, NULL), SP_OK);
	ck_assert_int_eq(st.st_size, (off_t)strlen(text));
	ck_assert_int_eq(read(fd, buf, sizeof buf), (ssize_t)strlen(text));
	ck_assert_int_eq(memcmp(buf, text, strlen(text)), 0);
	ck_assert_int_eq(st.st_mode & 0222, 0);
	(void)close(fd);
	ck_assert_int_eq(sp_blob_check(&spool, hex, NULL), SP_OK);
}

START_TEST(text)
{
	char hex[SP_SHA_LEN + 1] = "";
	int turn;

	for (turn = 0; turn < 2; turn++) {
		ck_assert_int_eq(
		    sp_blob_text(&spool, "abc", 3, hex, NULL), SP_OK);
		ck_assert_str_eq(hex, ABC);
		holds(ABC, "abc");
	}
	ck_assert_int_eq(sp_blob_text(&spool, "", 0, hex, NULL), SP_OK);
	ck_assert_str_eq(hex, NIL);
	holds(NIL, "");
	ck_assert_uint_eq(count(SP_DIR_BLOBS, "sha256"), 2);
	ck_assert_uint_eq(count(SP_DIR_TMP, "."), 0);
}
END_TEST

START_TEST(file)
{
	char hex[SP_SHA_LEN + 1] = "", again[SP_SHA_LEN + 1];
	static char big[300000];
	int turn, fd = open_text("abc", 3);

	ck_assert_int_eq(lseek(fd, 2, SEEK_SET), 2);
	for (turn = 0; turn < 2; turn++) {
		ck_assert_int_eq(sp_blob_put(&spool, fd, hex, NULL), SP_OK);
		ck_assert_str_eq(hex, ABC);
		holds(ABC, "abc");
	}
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 2);
	(void)close(fd);
	memset(big, 'a', sizeof big);
	fd = open_text(big, sizeof big);
	ck_assert_int_eq(sp_blob_put(&spool, fd, hex, NULL), SP_OK);
	sp_sha_text(big, sizeof big, again);
	ck_assert_str_eq(hex, again);
	ck_assert_int_eq(sp_blob_check(&spool, hex, NULL), SP_OK);
	(void)close(fd);
	ck_assert_uint_eq(count(SP_DIR_BLOBS, "sha256"), 2);
	ck_assert_uint_eq(count(SP_DIR_TMP, "."), 0);
	ck_assert_int_ne(sp_blob_put(&spool, -1, hex, NULL), SP_OK);
}
END_TEST

/* A name that holds something else is not believed, and is mended. */
START_TEST(wrong_bytes)
{
	char hex[SP_SHA_LEN + 1];
	struct sp_err err = { "" };
	int fd;

	plant(ABC, "abd");
	ck_assert_int_eq(sp_blob_check(&spool, ABC, &err), SP_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "what its name says"));
	ck_assert_int_eq(sp_blob_text(&spool, "abc", 3, hex, NULL), SP_OK);
	holds(ABC, "abc");
	plant(ABC, "ab");
	fd = open_text("abc", 3);
	ck_assert_int_eq(sp_blob_put(&spool, fd, hex, NULL), SP_OK);
	(void)close(fd);
	holds(ABC, "abc");
	ck_assert_uint_eq(count(SP_DIR_TMP, "."), 0);
}
END_TEST

START_TEST(nothing_there)
{
	struct stat st;
	char path[256];
	int fd;

	ck_assert_int_eq(sp_blob_open(&spool, ABC, &fd, &st, NULL), SP_GONE);
	ck_assert_int_eq(sp_blob_check(&spool, ABC, NULL), SP_GONE);
	ck_assert_int_eq(
	    sp_blob_open(&spool, "../../spool.json", &fd, &st, NULL), SP_BAD);
	(void)snprintf(path, sizeof path, "%s/blobs/sha256/%s", top, ABC);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	ck_assert_int_eq(sp_blob_open(&spool, ABC, &fd, &st, NULL), SP_BAD);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(sp_blob_check(&spool, ABC, NULL), SP_BAD);
}
END_TEST

/* The directory may be taken away under us. */
START_TEST(no_home)
{
	char path[256], hex[SP_SHA_LEN + 1];
	int fd = open_text("abc", 3);

	(void)snprintf(path, sizeof path, "%s/blobs/sha256", top);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(sp_blob_put(&spool, fd, hex, NULL), SP_OK);
	holds(ABC, "abc");
	(void)close(fd);
}
END_TEST

/* It grows whenever it is looked at: half of it is never believed. */
static int growing = -1;

static void
grow(void *arg)
{
	(void)arg;
	ck_assert_int_eq(write(growing, "x", 1), 1);
}

START_TEST(never_rests)
{
	char hex[SP_SHA_LEN + 1] = "unset";
	struct sp_err err = { "" };

	growing = open_text("abc", 3);
	spool.alive = grow;
	ck_assert_int_eq(sp_blob_put(&spool, growing, hex, &err), SP_RETRY);
	ck_assert_ptr_nonnull(strstr(err.text, "changes while"));
	ck_assert_str_eq(hex, "unset");
	spool.alive = NULL;
	(void)close(growing);
	ck_assert_uint_eq(count(SP_DIR_TMP, "."), 0);
}
END_TEST

Suite *
blob_suite(void)
{
	Suite *suite = suite_create("blob");
	TCase *tcase = tcase_create("blob");

	tcase_add_checked_fixture(tcase, make, unmake);
	tcase_add_test(tcase, text);
	tcase_add_test(tcase, file);
	tcase_add_test(tcase, wrong_bytes);
	tcase_add_test(tcase, nothing_there);
	tcase_add_test(tcase, no_home);
	tcase_add_test(tcase, never_rests);
	suite_add_tcase(suite, tcase);
	return suite;
}
