/*
 * finishfar.c - outcomes written and published a group at a time, where each
 * question costs a round trip.  The order of things is finish.h's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/crash.h"
#include "libspool/file.h"
#include "libspool/finishin.h"
#include "libspool/fs.h"
#include "libspool/movein.h"

void
finish_write_far(const struct sp_spool *sp, struct sp_ended *group, size_t n,
    struct sp_err *err)
{
	struct sp_fs_op *ops = calloc(n + 1, sizeof *ops);
	char(*files)[SP_NAME_MAX + 1] = calloc(n, sizeof *files);
	int dir = sp->dir[SP_DIR_OUTCOMES];
	enum sp_status st;
	size_t i;

	for (i = 0; i < n && ops != NULL && files != NULL; i++) {
		finish_provisional(&group[i].name, files[i]);
		ops[i] = (struct sp_fs_op){ .what = SP_FS_PUT,
			.dir = dir,
			.path = files[i],
			.data = group[i].text,
			.len = group[i].len,
			.flags = SP_PUT_EXCL | SP_PUT_SYNC };
	}
	if (ops != NULL && files != NULL) {
		ops[n] = (struct sp_fs_op){
			.what = SP_FS_SYNC, .dir = dir, .path = "."
		};
		sp_fs_many(ops, n + 1);
		SP_CRASH("outcome.synced");
		st = sp_sync_said(ops[n].error, "outcomes", err);
		for (i = 0; i < n; i++)
			/* One of an earlier try, or half of it, or trouble. */
			group[i].status = ops[i].error == 0
			    ? st
			    : finish_write(sp, &group[i].name, group[i].text,
				  group[i].len, err);
	} else
		for (i = 0; i < n; i++)
			group[i].status =
			    sp_err_set(err, SP_RETRY, "no memory to commit");
	free(ops);
	free(files);
}

void
finish_link_far(const struct sp_spool *sp, const struct sp_ended *group,
    size_t n, bool *done)
{
	struct move_beside *all = calloc(n, sizeof *all);
	size_t i;

	for (i = 0; i < n && all != NULL; i++) {
		if (group[i].status != SP_OK)
			continue;
		finish_provisional(&group[i].name, all[i].from);
		(void)snprintf(all[i].to, sizeof all[i].to, "%s.json",
		    group[i].name.id.text);
	}
	if (all != NULL)
		move_beside_far(sp->dir[SP_DIR_OUTCOMES], all, n);
	for (i = 0; i < n; i++)
		done[i] = all != NULL && all[i].done;
	free(all);
}
