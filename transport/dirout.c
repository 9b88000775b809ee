/*
 * dirout.c - runs/DAY/ID/out/ for a worker that works on a copy of its own,
 * because the spool is on another machine: what is there, bytes to and fro.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libspool/copy.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/move.h"
#include "transport/dir.h"

#define DEEPEST  32
#define OUT_MOST 100000 /* files */

/* ---- what is there ---- */

/* One directory: names of plain files, and of directories. */
struct level {
	int fd;
	struct sp_names files, dirs, unknown;
	enum sp_status status;
};

static bool
sort_in(void *arg, const char *name, const struct stat *st)
{
	struct level *l = arg;

	l->status = sp_names_add(st == NULL ? &l->unknown
		: S_ISREG(st->st_mode)      ? &l->files
		: S_ISDIR(st->st_mode)      ? &l->dirs
					    : &l->unknown,
	    name);
	return l->status == SP_OK;
}

static enum sp_status
level_read(struct level *l, struct sp_err *err)
{
	struct stat st;
	size_t i;

	if (sp_fs_list(l->fd, ".", sort_in, l) == -1)
		return sp_err_sys(err, "list out/");
	/* A listing of this machine says only names. */
	for (i = 0; i < l->unknown.n && l->status == SP_OK; i++) {
		const char *name = sp_names_at(&l->unknown, i);

		if (sp_fs_lstat(l->fd, name, &st) == 0 &&
		    (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
			(void)sort_in(l, name, &st);
	}
	return l->status == SP_OK
	    ? SP_OK
	    : sp_err_set(err, l->status, "no memory for a listing");
}

static enum sp_status
walk(int run, const char *path, int depth, struct sp_names *out,
    struct sp_err *err)
{
	struct level l = { 0 };
	char below[PATH_MAX];
	enum sp_status st;
	size_t i;

	if (depth > DEEPEST)
		return sp_err_set(err, SP_BAD, "%s: too deep", path);
	if ((st = sp_open_dir(run, path, &l.fd, err)) != SP_OK)
		return st;
	st = level_read(&l, err);
	(void)sp_fs_close(l.fd);
	for (i = 0; i < l.files.n + l.dirs.n && st == SP_OK; i++) {
		bool file = i < l.files.n;
		const char *name = file ? sp_names_at(&l.files, i)
					: sp_names_at(&l.dirs, i - l.files.n);

		if (snprintf(below, sizeof below, "%s/%s", path, name) >=
		    (int)sizeof below)
			st = sp_err_set(
			    err, SP_BAD, "%.200s: too long a path", path);
		else if (!file)
			st = walk(run, below, depth + 1, out, err);
		else if (out->n >= OUT_MOST)
			st = sp_err_set(err, SP_BAD,
			    "out/: more than %d files; pack them into one",
			    OUT_MOST);
		else /* behind "out/" */
			st = sp_names_add(out, below + 4);
		if (st == SP_GONE) /* a directory, taken away meanwhile */
			st = SP_OK;
	}
	sp_names_clear(&l.files);
	sp_names_clear(&l.dirs);
	sp_names_clear(&l.unknown);
	return st;
}

enum sp_status
dir_out_list(struct tr *tr, const struct sp_id *id, struct sp_names *paths_out,
    struct sp_err *err)
{
	enum sp_status st;
	int run;

	paths_out->n = paths_out->len = 0;
	st = sp_run_open(&dir_of(tr)->spool, id, false, &run, err);
	if (st != SP_OK)
		return st;
	st = walk(run, "out", 0, paths_out, err);
	(void)sp_fs_close(run);
	if (st == SP_OK)
		sp_names_sort(paths_out);
	return st == SP_OK && paths_out->n == 0 ? SP_GONE : st;
}

/* ---- bytes ---- */

/* sub/file as it lies below a run's directory. */
static enum sp_status
below_out(const char *path, char out[PATH_MAX], struct sp_err *err)
{
	return snprintf(out, PATH_MAX, "out/%s", path) < PATH_MAX
	    ? SP_OK
	    : sp_err_set(err, SP_BAD, "%.200s: too long a path", path);
}

enum sp_status
dir_out_get(struct tr *tr, const struct sp_id *id, const char *path, int to,
    const atomic_bool *stop, struct sp_err *err)
{
	char below[PATH_MAX];
	enum sp_status st;
	struct stat is;
	int run, fd;

	if ((st = below_out(path, below, err)) != SP_OK)
		return st;
	st = sp_run_open(&dir_of(tr)->spool, id, false, &run, err);
	if (st != SP_OK)
		return st;
	if ((st = sp_open(run, below, 0, &fd, &is, err)) == SP_OK) {
		st = sp_copy(fd, to, 0, stop, err);
		(void)sp_fs_close(fd);
	}
	(void)sp_fs_close(run);
	return st;
}

/* The directory that is to have `path`, made from the top on. */
static enum sp_status
make_home(int run, char *path, int *home_out, struct sp_err *err)
{
	enum sp_status st = SP_OK;
	char *slash;

	for (slash = strchr(path, '/'); slash != NULL && st == SP_OK;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (sp_fs_mkdir(run, path, 0777) == -1 && errno != EEXIST)
			st = sp_err_sys(err, "make %s", path);
		*slash = '/';
	}
	slash = strrchr(path, '/');
	*slash = '\0';
	if (st == SP_OK)
		st = sp_open_dir(run, path, home_out, err);
	*slash = '/';
	return st;
}

/* Its bytes in tmp/, whole and lasting. */
static enum sp_status
copy_in(const struct sp_spool *sp, int fd, const char *tmp,
    const atomic_bool *stop, struct sp_err *err)
{
	enum sp_status st;
	int to;

	if (sp_fs_seek(fd, 0) == -1)
		return sp_err_sys(err, "read");
	if ((st = sp_tmp_start(sp, tmp, "", 0, &to, err)) != SP_OK)
		return st;
	if ((st = sp_copy(fd, to, 0, stop, err)) == SP_OK)
		return sp_tmp_done(sp, tmp, to, false, err);
	(void)sp_fs_close(to);
	(void)sp_fs_unlink(sp->dir[SP_DIR_TMP], tmp);
	return st;
}

static enum sp_status
put(const struct sp_spool *sp, int run, char *below, int fd,
    const atomic_bool *stop, struct sp_err *err)
{
	char tmp[SP_NAME_MAX];
	enum sp_status st;
	int home;

	sp_tmp_name(sp, tmp);
	if ((st = copy_in(sp, fd, tmp, stop, err)) != SP_OK)
		return st;
	if ((st = make_home(run, below, &home, err)) == SP_OK) {
		st = sp_move_file(sp->dir[SP_DIR_TMP], tmp, home,
		    strrchr(below, '/') + 1, true, err);
		if (st == SP_OK)
			st = sp_sync(home, below, err);
		(void)sp_fs_close(home);
	}
	if (st != SP_OK)
		(void)sp_fs_unlink(sp->dir[SP_DIR_TMP], tmp);
	return st == SP_GONE
	    ? sp_err_set(err, SP_RETRY, "%s went away on its way", below)
	    : st;
}

/* That the attempt stands nobody looks: a listing for each file would cost more
 * than the bytes of one that was revoked, beside which its successor writes. */
enum sp_status
dir_out_put(struct tr *tr, const struct sp_name *claimed, const char *path,
    int fd, const atomic_bool *stop, struct sp_err *err)
{
	const struct sp_spool *sp = &dir_of(tr)->spool;
	char below[PATH_MAX];
	enum sp_status st;
	int run;

	if ((st = below_out(path, below, err)) != SP_OK)
		return st;
	st = sp_run_make(sp, &claimed->id, &run, err);
	if (st != SP_OK)
		return st;
	if (fd != -1)
		st = put(sp, run, below, fd, stop, err);
	else if (sp_fs_unlink(run, below) == -1 && errno != ENOENT)
		st = sp_err_sys(err, "remove %s", below);
	(void)sp_fs_close(run);
	return st;
}
