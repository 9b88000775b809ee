/*
 * readeach.c - reading all of many small files, one after the other; over there
 * some at a time, for a round trip each would add up.
 */
#include <stdlib.h>

#include "libspool/file.h"
#include "libspool/fs.h"

#define AT_ONCE 16

static void
near_each(int dirfd, const struct sp_names *names, size_t max, sp_each_fn *one,
    void *arg)
{
	struct sp_buf text = SP_BUF_INIT(max + 2);
	struct stat st;
	size_t i;

	for (i = 0; i < names->n; i++)
		if (sp_read(dirfd, sp_names_at(names, i), max, &text, &st,
			NULL) == SP_OK)
			one(arg, sp_names_at(names, i), &text, &st);
	sp_buf_clear(&text);
}

static void
far_each(int dirfd, const struct sp_names *names, size_t max, sp_each_fn *one,
    void *arg)
{
	struct sp_fs_op ops[AT_ONCE];
	struct sp_buf text[AT_ONCE];
	struct stat st[AT_ONCE];
	size_t i, k, n;

	for (k = 0; k < AT_ONCE; k++)
		sp_buf_init(&text[k], max + 2);
	for (i = 0; i < names->n; i += n) {
		n = names->n - i < AT_ONCE ? names->n - i : AT_ONCE;
		for (k = 0; k < n; k++)
			ops[k] = (struct sp_fs_op){ .what = SP_FS_GET,
				.dir = dirfd,
				.path = sp_names_at(names, i + k),
				.max = max,
				.text = &text[k],
				.st = &st[k] };
		sp_fs_many(ops, n);
		for (k = 0; k < n; k++)
			if (ops[k].error == 0)
				one(arg, ops[k].path, &text[k], &st[k]);
	}
	for (k = 0; k < AT_ONCE; k++)
		sp_buf_clear(&text[k]);
}

void
sp_read_each(int dirfd, const struct sp_names *names, size_t max,
    sp_each_fn *one, void *arg)
{
	(sp_fs_far(dirfd) ? far_each : near_each)(dirfd, names, max, one, arg);
}
