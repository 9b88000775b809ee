/*
 * test_handles.c - far handles: paths, files, many calls at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "tests/unit/memfs.h"
#include "tests/unit/memspool.h"
#include "tests/unit/suites.h"

static struct memfs *server;

static void
make(void)
{
	server = memspool_new();
}

static void
unmake(void)
{
	memfs_free(server);
}

START_TEST(paths)
{
	int root = memfs_client(server, 0), fd, sub;
	struct stat st;

	ck_assert(sp_fs_far(root));
	ck_assert_int_eq(sp_fs_mkdir(root, "a", 0777), 0);
	ck_assert_int_eq(sp_fs_put(root, "a/./f", "12345", 5, 0), 0);
	sub = sp_fs_open(root, "./a/", O_RDONLY | O_DIRECTORY, 0);
	ck_assert_int_ge(sub, SP_FS_FAR);
	ck_assert_int_eq(sp_fs_lstat(sub, "f", &st), 0);
	ck_assert_int_eq(st.st_size, 5);
	ck_assert_int_eq(sp_fs_lstat(sub, ".", &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	/* Nothing leads out of it. */
	ck_assert_int_eq(sp_fs_lstat(sub, "../a/f", &st), -1);
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_int_eq(sp_fs_lstat(sub, "/a/f", &st), -1);
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_int_eq(sp_fs_lstat(sub, "", &st), -1);
	ck_assert_int_eq(errno, ENOENT);
	/* A file is no directory, and the other way round. */
	ck_assert_int_eq(sp_fs_open(root, "a/f", O_DIRECTORY, 0), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	ck_assert_int_eq(sp_fs_open(root, "a", O_RDONLY, 0), -1);
	ck_assert_int_eq(errno, EISDIR);
	fd = sp_fs_open(sub, "f", O_RDONLY, 0);
	ck_assert_int_eq(sp_fs_lstat(fd, "f", &st), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	/* One handle becomes another. */
	ck_assert_int_eq(sp_fs_replace(root, sub), sub);
	ck_assert_int_eq(sp_fs_lstat(sub, "a/f", &st), 0);
	ck_assert_int_eq(sp_fs_close(sub), 0);
	ck_assert_int_eq(sp_fs_close(sub), -1);
	ck_assert_int_eq(errno, EBADF);
	/* An open file outlives its directory's handle, and its root's. */
	ck_assert_int_eq(sp_fs_close(root), 0);
	ck_assert_int_eq(sp_fs_fstat(fd, &st), 0);
	ck_assert_int_eq(sp_fs_close(fd), 0);
}
END_TEST

START_TEST(files)
{
	int root = memfs_client(server, 0), fd;
	struct sp_buf text = SP_BUF_INIT(0);
	struct stat st;
	char out[8] = "";

	fd = sp_fs_open(root, "f", O_WRONLY | O_CREAT | O_EXCL, 0666);
	ck_assert_int_eq(sp_fs_write(fd, "hello ", 6), 6);
	ck_assert_int_eq(sp_fs_write(fd, "world", 5), 5);
	ck_assert_int_eq(sp_fs_pwrite(fd, "W", 1, 6), 1);
	ck_assert_int_eq(sp_fs_ftruncate(fd, 10), 0);
	ck_assert_int_eq(sp_fs_fsync(fd), 0);
	ck_assert_int_eq(sp_fs_close(fd), 0);
	ck_assert_int_eq(sp_fs_get(root, "f", 10, &text, &st), 0);
	ck_assert_str_eq(text.data, "hello Worl");
	ck_assert_int_eq(sp_fs_get(root, "f", 9, &text, NULL), -1);
	ck_assert_int_eq(errno, EFBIG);
	fd = sp_fs_open_stat(root, "f", O_RDONLY, 0, &st);
	ck_assert_int_eq(st.st_size, 10);
	ck_assert_int_eq(sp_fs_read(fd, out, 5), 5);
	ck_assert_int_eq(sp_fs_read(fd, out, 2), 2);
	ck_assert_mem_eq(out, " W", 2);
	ck_assert_int_eq(sp_fs_pread(fd, out, 7, 6), 4);
	ck_assert_int_eq(sp_fs_seek(fd, 9), 0);
	ck_assert_int_eq(sp_fs_read(fd, out, 7), 1);
	ck_assert_int_eq(sp_fs_read(fd, out, 7), 0);
	ck_assert_int_eq(sp_fs_close(fd), 0);
	ck_assert_int_eq(
	    sp_fs_put(root, "f", "", 0, SP_PUT_EXCL | SP_PUT_SYNC), -1);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_int_eq(sp_fs_put(root, "f", "", 0, SP_PUT_SYNC), 0);
	ck_assert_int_eq(sp_fs_get(root, "f", 9, &text, &st), 0);
	ck_assert_str_eq(text.data, "");
	sp_buf_clear(&text);
	(void)sp_fs_close(root);
}
END_TEST

START_TEST(many)
{
	unsigned manners = _i ? MEMFS_NO_MANY : 0, was;
	int root = memfs_client(server, manners);
	struct sp_buf text = SP_BUF_INIT(0);
	struct stat st;
	struct sp_fs_op ops[] = {
		{ .what = SP_FS_MKDIR, .dir = root, .path = "d" },
		{ .what = SP_FS_PUT,
		    .dir = root,
		    .path = "d/f",
		    .data = "x",
		    .len = 1,
		    .flags = SP_PUT_EXCL },
		{ .what = SP_FS_UNLINK, .dir = root, .path = "nothing" },
		{ .what = SP_FS_RENAME,
		    .dir = root,
		    .path = "d/f",
		    .todir = root,
		    .to = "d/g" },
		{ .what = SP_FS_LINK,
		    .dir = root,
		    .path = "d/g",
		    .todir = root,
		    .to = "d/h" },
		{ .what = SP_FS_LINKS, .dir = root, .path = "d/h", .st = &st },
		{ .what = SP_FS_GET,
		    .dir = root,
		    .path = "d/g",
		    .max = 8,
		    .text = &text },
		{ .what = SP_FS_SYNC, .dir = root, .path = "d" },
		{ .what = SP_FS_RMDIR, .dir = root, .path = "d" },
		{ .what = SP_FS_LSTAT, .dir = root, .path = "../d", .st = &st },
	};
	static const int errors[] = { 0, 0, ENOENT, 0, 0, 0, 0, 0, ENOTEMPTY,
		EXDEV };
	size_t i;

	was = memfs_trips(server);
	/* One bad path sends them all the slow way, and changes nothing. */
	sp_fs_many(ops, COUNT(ops) - (size_t)_i);
	for (i = 0; i < COUNT(ops) - (size_t)_i; i++)
		ck_assert_msg(
		    ops[i].error == errors[i], "%zu: %d", i, ops[i].error);
	ck_assert_uint_eq(st.st_nlink, 2);
	ck_assert_str_eq(text.data, "x");
	was = memfs_trips(server);
	sp_fs_many(ops + 2, 7);
	ck_assert_uint_eq(memfs_trips(server) - was, _i ? 11 : 3);
	sp_buf_clear(&text);
	(void)sp_fs_close(root);
}
END_TEST

Suite *
handles_suite(void)
{
	Suite *s = suite_create("handles");
	TCase *handles = tcase_create("handles");

	tcase_add_checked_fixture(handles, make, unmake);
	tcase_add_test(handles, paths);
	tcase_add_test(handles, files);
	tcase_add_loop_test(handles, many, 0, 2);
	suite_add_tcase(s, handles);
	return s;
}
