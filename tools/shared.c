/*
 * shared.c - spool doctor: is the intake for users who may not write to the
 * spool (incoming/) as it must be?
 */
#include <fcntl.h>
#include <unistd.h>

#include "libspool/fs.h"
#include "libspool/incoming.h"
#include "tools/prove.h"

/* Which of them strangers could exchange files in. */
static bool
open_to_all(const struct sp_spool *sp, struct sp_findings *found)
{
	bool any = false;
	struct stat st;
	int i;

	for (i = 0; i < SP_DIRS; i++)
		if (sp_fs_fstat(sp->dir[i], &st) == 0 &&
		    (st.st_mode & 002) != 0) {
			any = true;
			(void)sp_found(found, SP_FOUND_BAD, "incoming",
			    "chmod o-w: users drop into incoming/ only",
			    "anybody may write to %s/, and so say whose an "
			    "order is",
			    sp_dir_text((enum sp_dir)i));
		}
	return any;
}

bool
shared_look(const struct sp_spool *sp, struct sp_findings *found)
{
	struct sp_err err = { "" };
	enum sp_status st = sp_incoming_look(sp->root, &err);

	if (st == SP_GONE)
		return false;
	if (st != SP_OK)
		(void)sp_found(found, SP_FOUND_BAD, "incoming",
		    "spool init --shared gives both directories their modes",
		    "%.300s", err.text);
	else if (!open_to_all(sp, found))
		(void)sp_found(found, SP_FOUND_OK, "incoming", NULL,
		    "users may drop jobs, and no more");
	return faccessat(sp->root, SP_INCOMING, W_OK | X_OK, AT_EACCESS) == 0;
}
