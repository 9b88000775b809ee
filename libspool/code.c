/*
 * code.c - all files of a directory, and the manifest of files.  Which of them
 * a script imports codesib.c finds; whose directory it is the caller knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/codein.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/manifest.h"

#define DEPTH      32
#define LIST_BYTES (4 * 1024 * 1024)

void
sp_code_init(struct sp_code *code, const struct sp_spool *spool, int dir,
    const char *where, bool links)
{
	*code = (struct sp_code){
		.spool = spool, .dir = dir, .where = where, .links = links
	};
}

void
sp_code_clear(struct sp_code *code)
{
	sp_names_clear(&code->names);
}

enum sp_status
sp_code_open_file(const struct sp_code *code, const char *path, int *fd_out,
    struct stat *st_out, struct sp_err *err)
{
	struct sp_err why = { "" };
	enum sp_status st;

	st = code->links
	    ? sp_open_inside(code->dir, path, 0, fd_out, st_out, &why)
	    : sp_open(code->dir, path, 0, fd_out, st_out, &why);
	if (st == SP_OK || st == SP_GONE)
		return st == SP_OK
		    ? st
		    : sp_err_set(err, st, "%s/%s", code->where, why.text);
	return sp_err_set(err, SP_BAD,
	    "%s/%s; copy or take it away, or leave pins out (--no-pin)",
	    code->where, why.text);
}

enum sp_status
sp_code_open_below(const struct sp_code *code, const char *path, int *fd_out,
    struct sp_err *err)
{
	enum sp_status s;

	s = code->links ? sp_open_dir_inside(code->dir, path, fd_out, NULL)
			: sp_open_dir(code->dir, path, fd_out, NULL);
	return s == SP_OK || s == SP_GONE
	    ? s
	    : sp_err_sys(err, "%s/%s", code->where, path);
}

/* ---- names ---- */

static enum sp_status
too_many(const struct sp_code *code, struct sp_err *err)
{
	return sp_err_set(err, SP_BAD,
	    "%s: more than %d files or %d MiB of code; pin a smaller directory "
	    "(order.code), put what is large into data, or leave pins out "
	    "(--no-pin)",
	    code->where, SP_CODE_FILES, SP_CODE_BYTES >> 20);
}

bool
sp_code_plain_is(const char *name)
{
	struct sp_buf b = SP_BUF_INIT(16 * 1024);
	const char *text;
	bool is;

	sp_json_put_text(&b, name);
	text = sp_buf_text(&b);
	is = !b.failed && b.len == strlen(name) + 2 &&
	    strncmp(text + 1, name, b.len - 2) == 0 &&
	    strchr(name, 0x7f) == NULL;
	sp_buf_clear(&b);
	return is;
}

enum sp_status
sp_code_add(struct sp_code *code, const char *path, struct sp_err *err)
{
	if (code->names.n >= SP_CODE_FILES)
		return too_many(code, err);
	return sp_names_add(&code->names, path) == SP_OK
	    ? SP_OK
	    : sp_err_set(err, SP_RETRY, "no memory");
}

/* ---- a tree ---- */

/* Where a link leads: walk or add it. */
static enum sp_status
through(struct sp_code *code, const char *path, const struct sp_above *up,
    struct sp_err *err)
{
	enum sp_status s;
	struct stat st;
	int fd;

	if (code->links && sp_code_open_below(code, path, &fd, NULL) == SP_OK) {
		(void)sp_fs_close(fd);
		return sp_code_walk(code, path, up, err);
	}
	s = sp_code_open_file(code, path, &fd, &st, err);
	if (s != SP_OK)
		return s == SP_GONE ? SP_BAD : s;
	(void)sp_fs_close(fd);
	return sp_code_add(code, path, err);
}

static enum sp_status
one(struct sp_code *code, int fd, const char *dir, const char *name,
    const struct sp_above *up, struct sp_err *err)
{
	char path[SP_CODE_PATH + 2];
	struct stat st;

	if (strcmp(name, "__pycache__") == 0)
		return SP_OK;
	if (strlen(dir) + strlen(name) + 1 > SP_CODE_PATH ||
	    !sp_code_plain_is(name))
		return sp_err_set(err, SP_BAD,
		    "%s/%s: a file in it has a name that cannot be pinned (not "
		    "UTF-8, special characters, or too long); rename it",
		    code->where, dir);
	(void)snprintf(
	    path, sizeof path, "%s%s%s", dir, dir[0] == '\0' ? "" : "/", name);
	if (sp_fs_lstat(fd, name, &st) == -1)
		return errno == ENOENT
		    ? SP_OK
		    : sp_err_sys(err, "%s/%s", code->where, path);
	if (S_ISDIR(st.st_mode))
		return sp_code_walk(code, path, up, err);
	if (S_ISREG(st.st_mode))
		return sp_code_add(code, path, err);
	return through(code, path, up, err);
}

/* Not code: somebody's environment, or the spool itself. */
static bool
foreign_is(const struct sp_code *code, const struct stat *st,
    const struct sp_names *names)
{
	struct stat root;

	return sp_names_has(names, "pyvenv.cfg") ||
	    (st->st_ino != 0 && sp_fs_fstat(code->spool->root, &root) == 0 &&
		root.st_dev == st->st_dev && root.st_ino == st->st_ino);
}

static enum sp_status
walk_open(struct sp_code *code, int fd, const char *path,
    const struct sp_above *up, struct sp_err *err)
{
	struct sp_names names = { 0 };
	const struct sp_above *at;
	struct sp_above here;
	enum sp_status s;
	struct stat st;
	size_t i;

	if (sp_fs_fstat(fd, &st) == -1)
		return sp_err_sys(err, "%s/%s", code->where, path);
	here = (struct sp_above){ up, st.st_dev, st.st_ino,
		up == NULL ? 0 : up->depth + 1 };
	for (at = up; at != NULL; at = at->up)
		if (at->ino != 0 && at->dev == here.dev && at->ino == here.ino)
			return sp_err_set(err, SP_BAD,
			    "%s/%s is a link to a directory above it; take it "
			    "away",
			    code->where, path);
	if (here.depth > DEPTH)
		return sp_err_set(err, SP_BAD,
		    "%s/%s lies more than %d directories deep", code->where,
		    path, DEPTH);
	s = sp_list(fd, false, &names, err);
	if (s == SP_OK && up != NULL && foreign_is(code, &st, &names)) {
		sp_names_clear(&names);
		return SP_OK;
	}
	for (i = 0; s == SP_OK && i < names.n; i++)
		s = one(code, fd, path, sp_names_at(&names, i), &here, err);
	sp_names_clear(&names);
	return s;
}

enum sp_status
sp_code_walk(struct sp_code *code, const char *path, const struct sp_above *up,
    struct sp_err *err)
{
	enum sp_status s;
	int fd;

	s = sp_code_open_below(code, path, &fd, err);
	if (s != SP_OK)
		return s == SP_GONE ? SP_OK : SP_BAD;
	s = walk_open(code, fd, path, up, err);
	(void)sp_fs_close(fd);
	return s;
}

enum sp_status
sp_code_tree(struct sp_code *code, struct sp_err *err)
{
	return walk_open(code, code->dir, "", NULL, err);
}

/* ---- the manifest ---- */

static enum sp_status
put_file(struct sp_code *code, const char *path, char hex_out[SP_SHA_LEN + 1],
    struct sp_err *err)
{
	struct sp_err why = { "" };
	enum sp_status s;
	struct stat st;
	int fd;

	s = sp_code_open_file(code, path, &fd, &st, err);
	if (s != SP_OK)
		return s == SP_GONE ? SP_RETRY : s;
	code->bytes += st.st_size;
	if (code->bytes > SP_CODE_BYTES)
		s = too_many(code, err);
	else if (code->put != NULL)
		s = code->put(code->put_arg, fd, &st, hex_out, &why);
	else
		s = sp_blob_put(code->spool, fd, hex_out, &why);
	(void)sp_fs_close(fd);
	return s == SP_OK
	    ? s
	    : sp_err_set(err, s, "%s/%s: %s", code->where, path, why.text);
}

enum sp_status
sp_code_put(
    struct sp_code *code, char hex_out[SP_SHA_LEN + 1], struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(LIST_BYTES);
	struct sp_manifest list = { 0 };
	enum sp_status s = SP_OK;
	char hex[SP_SHA_LEN + 1];
	const char *path, *last = "";
	size_t i;

	sp_names_sort(&code->names);
	code->bytes = 0;
	for (i = 0; s == SP_OK && i < code->names.n; i++) {
		path = sp_names_at(&code->names, i);
		if (strcmp(path, last) == 0 ||
		    (code->skip != NULL && strcmp(path, code->skip) == 0))
			continue;
		last = path;
		s = put_file(code, path, hex, err);
		if (s == SP_OK)
			s = sp_manifest_add(&list, path, hex, err);
	}
	if (s == SP_OK) {
		sp_manifest_print(&list, &text);
		s = text.failed ? sp_err_set(err, SP_RETRY, "no memory")
				: sp_blob_text(code->spool, text.data, text.len,
				      hex_out, err);
	}
	sp_manifest_clear(&list);
	sp_buf_clear(&text);
	return s;
}
