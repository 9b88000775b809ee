/*
 * bringtree.c - directories: the code that goes beside a script, and data that
 * are many files.  What a tree is, is said by its manifest
 * (libspool/manifest.h) and that by its hash.
 *
 * A work directory may be one that an earlier attempt left behind: what stands
 * where a directory of ours is to be, and is none, goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/imports.h"
#include "libspool/manifest.h"
#include "workerd/bring.h"
#include "workerd/worker.h"

#define QUICK_FILES 32        /* that the main thread may place */
#define SCRIPT_MOST (4 << 20) /* bytes of one that is read for imports */

/* The directories in which `dst` will lie, below the work directory. */
static enum sp_status
make_parents(struct bring *b, const char *dst)
{
	char path[PATH_MAX];
	size_t at = strlen(b->dir) + 1;
	struct stat st;
	char *slash;

	if (snprintf(path, sizeof path, "%s/%s", b->dir, dst) >=
	    (int)sizeof path)
		return bring_wrong(b, SP_BAD, "%.120s: too long a path", dst);
	for (slash = path + at; (slash = strchr(slash, '/')) != NULL;
	     *slash++ = '/') {
		*slash = '\0';
		if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
			rmtree(path);
		if (mkdir(path, 0700) == -1 && errno != EEXIST)
			return bring_wrong(
			    b, SP_RETRY, "%.160s: %s", path, strerror(errno));
	}
	return SP_OK;
}

/* One file of a tree of code. */
static enum sp_status
code_file(struct bring *b, const char *path, const char *hex, const char *key,
    const char *dst, char is_out[])
{
	struct bring_item item = { .which = SP_DIR_SCRIPTS,
		.path = path,
		.hex = hex,
		.key = key,
		.dst = dst,
		.keep = true };
	enum sp_status st;

	/* The script is there already; the code may well hold it, too. */
	if (strcmp(dst, b->job->script) == 0) {
		(void)strcpy(is_out, b->is.script);
		return SP_OK;
	}
	if (strcmp(dst, b->job->data) == 0)
		return bring_wrong(b, SP_BAD,
		    "dataFileName and order.code both have a %.100s: call one "
		    "of them something else",
		    dst);
	if ((st = make_parents(b, dst)) != SP_OK)
		return st;
	return bring_file(b, &item, is_out);
}

/* ---- a manifest that is there ---- */

static enum sp_status
pinned_code(struct bring *b, const char *hex, const char *key)
{
	struct sp_buf text = SP_BUF_INIT(SP_MANIFEST_MAX + 1);
	char is[SP_SHA_LEN + 1];
	struct sp_manifest m = { 0 };
	struct sp_err err = { "" };
	enum sp_status st;
	size_t i;

	(void)strcpy(b->is.code, hex);
	st = bring_text(b, hex, key, &text);
	if (st == SP_OK &&
	    sp_manifest_parse(text.data, text.len, &m, &err) != SP_OK)
		st = bring_wrong(b, SP_BAD, "%s: %.180s", key, err.text);
	if (st == SP_OK && b->quick && m.paths.n > QUICK_FILES)
		st = SP_LOST;
	for (i = 0; i < m.paths.n && st == SP_OK; i++) {
		const char *path = sp_names_at(&m.paths, i);

		st = code_file(b, path, m.hex[i], key, path, is);
	}
	sp_manifest_clear(&m);
	sp_buf_clear(&text);
	return st;
}

/* ---- a directory as it stands ---- */

static enum sp_status
list(struct bring *b, int which, const char *name, const char *key,
    struct sp_names *paths_out)
{
	struct sp_err err = { "" };
	enum sp_status st;

	if (b->quick)
		return SP_LOST;
	st = b->all->ops->tree(b->all->tr, which, name, paths_out, &err);
	if (st == SP_GONE)
		return bring_wrong(b, SP_BAD,
		    "%s names \"%.100s\", which is not in %s/: put it into "
		    "%s/",
		    key, name, sp_dir_text((enum sp_dir)which),
		    sp_dir_text((enum sp_dir)which));
	if (st != SP_OK)
		(void)bring_wrong(b, st == SP_RETRY ? SP_RETRY : SP_BAD,
		    "%s: %.200s", key, err.text);
	return st == SP_OK || st == SP_RETRY ? st : SP_BAD;
}

/* What it is called for those who ask what ran. */
static enum sp_status
tree_hash(struct bring *b, const struct sp_manifest *m, bool keep, char out[])
{
	struct sp_buf text = SP_BUF_INIT(SP_MANIFEST_MAX);
	enum sp_status st = SP_OK;

	sp_manifest_print(m, &text);
	if (text.failed)
		st = bring_wrong(b, SP_BAD, "a directory with too many files");
	else if (keep)
		st = bring_keep_text(b, &text, out);
	else
		sp_sha_text(text.data, text.len, out);
	sp_buf_clear(&text);
	return st;
}

static enum sp_status
current_code(struct bring *b)
{
	size_t i, skip = strlen(b->job->code) + 1;
	struct sp_names paths = { 0 };
	struct sp_manifest m = { 0 };
	char is[SP_SHA_LEN + 1];
	struct sp_err err = { "" };
	enum sp_status st;

	st = list(b, SP_DIR_SCRIPTS, b->job->code, "order.code", &paths);
	for (i = 0; i < paths.n && st == SP_OK; i++) {
		const char *path = sp_names_at(&paths, i);

		if (strstr(path, "/__pycache__/") != NULL)
			continue;
		st = code_file(b, path, "", "order.code", path + skip, is);
		if (st == SP_OK &&
		    sp_manifest_add(&m, path + skip, is, &err) != SP_OK)
			st = bring_wrong(
			    b, SP_BAD, "order.code: %.200s", err.text);
	}
	if (st == SP_OK)
		st = tree_hash(b, &m, true, b->is.code);
	sp_manifest_clear(&m);
	sp_names_clear(&paths);
	return st;
}

/* ---- what a raw script imports ---- */

/* Most scripts import nothing that lies beside them: then that is known without
 * reading them, until a name comes or goes.  now: it is so. */
static bool
alone_is(struct bring *b, const char *names, bool now)
{
	unsigned row =
	    (unsigned)strtoul(
		(char[]){ b->is.script[0], b->is.script[1], '\0' }, NULL, 16) %
	    BRING_ALONE;
	struct bringing *all = b->all;
	bool is;

	(void)pthread_mutex_lock(&all->lock);
	if (now) {
		(void)strcpy(all->alone[row].script, b->is.script);
		(void)strcpy(all->alone[row].names, names);
	}
	is = strcmp(all->alone[row].script, b->is.script) == 0 &&
	    strcmp(all->alone[row].names, names) == 0;
	(void)pthread_mutex_unlock(&all->lock);
	return is;
}

static enum sp_status
imported(struct bring *b, struct sp_names *paths_out)
{
	struct sp_buf text = SP_BUF_INIT(SCRIPT_MOST + 1);
	struct sp_err err = { "" };
	enum sp_status st = SP_OK;
	char path[PATH_MAX];
	struct stat is;
	char *at;
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", b->dir, b->job->script);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &is) == -1)
		st = bring_wrong(
		    b, SP_RETRY, "%.200s: %s", path, strerror(errno));
	else if (is.st_size <= SCRIPT_MOST &&
	    (at = sp_buf_room(&text, (size_t)is.st_size + 1)) != NULL &&
	    pread(fd, at, (size_t)is.st_size, 0) == is.st_size) {
		text.len = (size_t)is.st_size;
		st = b->all->ops->imported(b->all->tr, &text, paths_out, &err);
		if (st != SP_OK)
			(void)bring_wrong(b, st == SP_RETRY ? SP_RETRY : SP_BAD,
			    "scriptName: what it imports: %.180s", err.text);
	}
	if (fd != -1)
		(void)close(fd);
	sp_buf_clear(&text);
	return st == SP_OK || st == SP_RETRY ? st : SP_BAD;
}

static enum sp_status
imported_code(struct bring *b)
{
	struct tr_version names = { .young = 1 };
	struct sp_names paths = { 0 };
	struct sp_manifest m = { 0 };
	char is[SP_SHA_LEN + 1];
	struct sp_err err = { "" };
	enum sp_status st;
	size_t i;

	(void)b->all->ops->look_at(
	    b->all->tr, SP_DIR_SCRIPTS, ".", &names, NULL);
	if (names.young == 0 && alone_is(b, names.text, false))
		return SP_OK;
	if (b->quick)
		return SP_LOST;
	st = imported(b, &paths);
	for (i = 0; i < paths.n && st == SP_OK; i++) {
		const char *path = sp_names_at(&paths, i);

		if (strcmp(path, b->job->script) == 0 ||
		    (i > 0 && strcmp(path, sp_names_at(&paths, i - 1)) == 0))
			continue;
		st = code_file(b, path, "", "scriptName", path, is);
		if (st == SP_OK && sp_manifest_add(&m, path, is, &err) != SP_OK)
			st = bring_wrong(b, SP_BAD,
			    "scriptName: what it imports: %.180s", err.text);
	}
	if (st == SP_OK && m.paths.n > 0)
		st = tree_hash(b, &m, true, b->is.code);
	else if (st == SP_OK && names.young == 0)
		(void)alone_is(b, names.text, true);
	sp_manifest_clear(&m);
	sp_names_clear(&paths);
	return st;
}

enum sp_status
bring_code(struct bring *b)
{
	static const char pinned[] = "sha256:";
	const char *code = b->job->code;

	if (strncmp(code, pinned, sizeof pinned - 1) == 0)
		return pinned_code(b, code + sizeof pinned - 1, "order.code");
	if (b->pin.code[0] != '\0')
		return pinned_code(
		    b, b->pin.code, "the code of its first attempt");
	if (code[0] != '\0')
		return current_code(b);
	/* Who pins the script has said all there is to say. */
	if (b->job->script_sha[0] != '\0' || b->pin.script[0] != '\0' ||
	    !sp_python_is(b->job->script))
		return SP_OK;
	return imported_code(b);
}

/* ---- data ---- */

static enum sp_status
data_file(struct bring *b, const char *path, const char *dst, char is_out[])
{
	struct bring_item item = { .which = SP_DIR_DATA,
		.path = path,
		.hex = "",
		.key = "dataFileName",
		.dst = dst };
	enum sp_status st = make_parents(b, dst);

	return st == SP_OK ? bring_file(b, &item, is_out) : st;
}

enum sp_status
bring_data_tree(struct bring *b)
{
	bool apart = strcmp(b->job->data, b->job->script) != 0;
	size_t i, skip = strlen(b->job->data);
	struct sp_names paths = { 0 };
	struct sp_manifest m = { 0 };
	char is[SP_SHA_LEN + 1], dst[PATH_MAX];
	struct sp_err err = { "" };
	enum sp_status st;

	st = list(b, SP_DIR_DATA, b->job->data, "dataFileName", &paths);
	if (st == SP_OK) { /* also when it is empty */
		(void)snprintf(dst, sizeof dst, "%s/x",
		    apart ? b->job->data : ".spool-data");
		st = make_parents(b, dst);
	}
	for (i = 0; i < paths.n && st == SP_OK; i++) {
		const char *path = sp_names_at(&paths, i);

		(void)snprintf(dst, sizeof dst, "%s%s",
		    apart ? b->job->data : ".spool-data", path + skip);
		st = data_file(b, path, dst, is);
		if (st == SP_OK &&
		    sp_manifest_add(&m, path + skip + 1, is, &err) != SP_OK)
			st = bring_wrong(
			    b, SP_BAD, "dataFileName: %.200s", err.text);
	}
	if (st == SP_OK)
		st = tree_hash(b, &m, false, b->is.data);
	if (st == SP_OK && b->pin.data[0] != '\0' &&
	    strcmp(b->pin.data, b->is.data) != 0)
		st = bring_wrong(b, SP_BAD,
		    "data/%.100s is not what it was at the first attempt: put "
		    "it back, or submit the job anew",
		    b->job->data);
	sp_manifest_clear(&m);
	sp_names_clear(&paths);
	return st;
}
