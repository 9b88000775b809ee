/*
 * mark.c - requests as empty files, named by an id.  An NFS client remembers a
 * name that was absent for half a minute, so marks are read by listing.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/mark.h"

enum sp_status
sp_mark_make(const struct sp_spool *sp, enum sp_dir which, const char *name,
    struct sp_err *err)
{
	int fd;

	fd = sp_fs_open(sp->dir[which], name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
	if (fd == -1 && errno == EEXIST)
		return SP_OK;
	if (fd == -1)
		return sp_err_sys(err, "mark %s/%s", sp_dir_text(which), name);
	(void)sp_fs_close(fd);
	return sp_sync(sp->dir[which], sp_dir_text(which), err);
}

enum sp_status
sp_mark_remove(const struct sp_spool *sp, enum sp_dir which, const char *name,
    struct sp_err *err)
{
	if (sp_fs_unlink(sp->dir[which], name) == -1 && errno != ENOENT)
		return sp_err_sys(
		    err, "unmark %s/%s", sp_dir_text(which), name);
	return sp_sync(sp->dir[which], sp_dir_text(which), err);
}

enum sp_status
sp_mark_set(const struct sp_spool *sp, enum sp_dir which,
    const struct sp_id *id, struct sp_err *err)
{
	return sp_mark_make(sp, which, id->text, err);
}

enum sp_status
sp_mark_unset(const struct sp_spool *sp, enum sp_dir which,
    const struct sp_id *id, struct sp_err *err)
{
	return sp_mark_remove(sp, which, id->text, err);
}

enum sp_status
sp_mark_ids(const struct sp_names *all, struct sp_names *ids_out)
{
	enum sp_status st = SP_OK;
	struct sp_id id;
	size_t i;

	ids_out->n = ids_out->len = 0;
	for (i = 0; i < all->n && st == SP_OK; i++)
		if (sp_id_parse(sp_names_at(all, i), &id) == SP_OK)
			st = sp_names_add(ids_out, id.text);
	return st;
}

enum sp_status
sp_mark_list(const struct sp_spool *sp, enum sp_dir which,
    struct sp_names *ids_out, struct sp_err *err)
{
	struct sp_names all = { 0 };
	enum sp_status st;

	ids_out->n = ids_out->len = 0;
	st = sp_list(sp->dir[which], false, &all, err);
	if (st == SP_OK)
		st = sp_mark_ids(&all, ids_out);
	sp_names_clear(&all);
	return st;
}
