/*
 * codesib.c - the modules that a Python script imports and that lie beside it,
 * as Python would find them there.  What is not there is somebody's library.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/codein.h"
#include "libspool/file.h"
#include "libspool/fs.h"
#include "libspool/imports.h"

#define SCAN_MAX (8 * 1024 * 1024) /* a program is not longer */

static bool
there(const struct sp_code *code, const char *path)
{
	struct stat st;

	/* A user's own directory may hold links. */
	return (sp_fs_far(code->dir) ? sp_fs_lstat(code->dir, path, &st)
				     : fstatat(code->dir, path, &st, 0)) == 0 &&
	    S_ISREG(st.st_mode);
}

/* Is there a program directly in this directory? */
static bool
holds_python(const struct sp_code *code, const char *path)
{
	struct sp_names names = { 0 };
	bool holds = false;
	size_t i;
	int fd;

	if (sp_code_open_below(code, path, &fd, NULL) != SP_OK)
		return false;
	if (sp_list(fd, false, &names, NULL) == SP_OK)
		for (i = 0; i < names.n && !holds; i++)
			holds = sp_python_is(sp_names_at(&names, i));
	sp_names_clear(&names);
	(void)sp_fs_close(fd);
	return holds;
}

/* A directory without __init__.py is a package as far as it leads to a program
 * on the way of what is imported: a directory of results that is called as
 * somebody's library is none. */
static bool
leads_to_python(const struct sp_code *code, const char *module)
{
	char path[SP_CODE_PATH];
	size_t i;

	(void)snprintf(path, sizeof path, "%s", module);
	for (i = 0; path[i] != '\0'; i++) {
		if (path[i] != '.')
			continue;
		path[i] = '\0';
		if (holds_python(code, path))
			return true;
		path[i] = '/';
	}
	return holds_python(code, path);
}

/* One imported module, as Python would look for it beside the script. */
static enum sp_status
take(struct sp_code *code, const char *module, struct sp_names *seen,
    struct sp_err *err)
{
	char top[SP_CODE_PATH], path[SP_CODE_PATH + 16];
	size_t i;

	while (*module == '.')
		module++;
	(void)snprintf(
	    top, sizeof top, "%.*s", (int)strcspn(module, "."), module);
	if (top[0] == '\0' || strlen(module) >= SP_CODE_PATH)
		return SP_OK;
	for (i = 0; i < seen->n; i++)
		if (strcmp(sp_names_at(seen, i), top) == 0)
			return SP_OK;
	(void)snprintf(path, sizeof path, "%s/__init__.py", top);
	if (!there(code, path)) {
		(void)snprintf(path, sizeof path, "%s.py", top);
		if (there(code, path)) {
			(void)sp_names_add(seen, top);
			return sp_code_plain_is(top)
			    ? sp_code_add(code, path, err)
			    : SP_OK;
		}
		/* Another import may lead further. */
		if (!leads_to_python(code, module))
			return SP_OK;
	}
	(void)sp_names_add(seen, top);
	return sp_code_walk(code, top, &(struct sp_above){ 0 }, err);
}

static enum sp_status
take_all(struct sp_code *code, const char *text, size_t len, bool inner,
    struct sp_names *seen, struct sp_err *err)
{
	struct sp_names modules = { 0 };
	enum sp_status s;
	size_t i;

	s = sp_imports(text, len, &modules);
	for (i = 0; s == SP_OK && i < modules.n; i++) {
		const char *module = sp_names_at(&modules, i);

		/* In a package that is the package's own, which is whole. */
		if (inner && *module == '.')
			continue;
		s = take(code, module, seen, err);
	}
	sp_names_clear(&modules);
	return s;
}

static enum sp_status
take_file(struct sp_code *code, const char *path, struct sp_names *seen,
    struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SCAN_MAX + 2);
	enum sp_status s;
	struct stat st;
	int fd;

	s = sp_code_open_file(code, path, &fd, &st, err);
	if (s != SP_OK)
		return s == SP_GONE ? SP_OK : s;
	if (st.st_size <= SCAN_MAX)
		s = sp_read_fd(
		    fd, path, SCAN_MAX, (size_t)st.st_size, &text, err);
	(void)sp_fs_close(fd);
	if (s == SP_OK)
		s = take_all(code, sp_buf_text(&text), text.len,
		    strchr(path, '/') != NULL, seen, err);
	sp_buf_clear(&text);
	return s;
}

enum sp_status
sp_code_siblings(
    struct sp_code *code, const char *text, size_t len, struct sp_err *err)
{
	struct sp_names seen = { 0 };
	char path[SP_CODE_PATH + 16];
	enum sp_status s;
	size_t i;

	s = take_all(code, text, len, false, &seen, err);
	/* The list grows while it is walked. */
	for (i = 0; s == SP_OK && i < code->names.n; i++) {
		(void)snprintf(
		    path, sizeof path, "%s", sp_names_at(&code->names, i));
		if (sp_python_is(path))
			s = take_file(code, path, &seen, err);
	}
	sp_names_clear(&seen);
	return s;
}
