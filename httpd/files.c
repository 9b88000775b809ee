/*
 * files.c - scripts, data and blobs: what jobs are made of.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/tree.h"
#include "httpd/v1.h"
#include "libspool/blob.h"
#include "libspool/code.h"
#include "libspool/manifest.h"
#include "libspool/scan.h"

static const char *const no_keys[] = { NULL };

/* scripts/ or data/, by the path. */
static enum sp_dir
dir_of(const struct request *r)
{
	return strncmp(r->url.path, "/v1/scripts", 11) == 0 ? SP_DIR_SCRIPTS
							    : SP_DIR_DATA;
}

void
v1_names(struct server *s, struct request *r, struct answer *a)
{
	int fd = s->spool.dir[dir_of(r)];
	struct sp_names names = { 0 };
	struct sp_err err = { "" };
	struct stat is;
	char etag[128];
	enum sp_status st;
	struct sp_jw w;
	size_t i;

	if (!query_only(r, no_keys, a))
		return;
	/* The version first: what comes meanwhile counts as later. */
	if (fstat(fd, &is) == -1) {
		answer_status(a, sp_err_sys(&err, "look"), &err, NULL);
		return;
	}
	file_version(s, &is, "directory", etag, a);
	if (r->method == M_HEAD) {
		a->status = 200;
		return;
	}
	st = sp_list(fd, false, &names, &err);
	if (st == SP_OK) {
		answer_object(a, 200, &w);
		sp_jw_open(&w, "names", '[');
		for (i = 0; i < names.n; i++)
			sp_jw_text(&w, NULL, sp_names_at(&names, i));
		sp_jw_close(&w, ']');
		answer_end(a, &w);
	} else {
		answer_status(a, st, &err, NULL);
	}
	sp_names_clear(&names);
}

static bool
path_ok(const struct request *r, struct answer *a)
{
	if (sp_manifest_path_ok(r->param[0]))
		return true;
	answer_wrong(a, W_BAD,
	    "%.200s: no file there can be called so (no name may begin with a "
	    "dot)",
	    r->param[0]);
	return false;
}

void
v1_file(struct server *s, struct request *r, struct answer *a)
{
	if (query_only(r, no_keys, a) && path_ok(r, a))
		file_show(s, r, s->spool.dir[dir_of(r)], r->param[0], a);
}

void
v1_file_put(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "at", "total", "sha256", NULL };
	char tmp[SP_NAME_MAX];
	struct part p = { .what = r->url.path,
		.sha256 = url_get(&r->url, "sha256"),
		.most = FILE_MOST };
	char first[SP_FILE_MAX + 2];
	int fd;

	if (!query_only(r, keys, a) || !path_ok(r, a))
		return;
	(void)snprintf(first, sizeof first, "%.*s",
	    (int)strcspn(r->param[0], "/"), r->param[0]);
	if (!sp_file_ok(first)) {
		answer_wrong(a, W_BAD,
		    "%.200s: expected a name of letters, digits, '.', '_' and "
		    "'-' that begins with none of the last two",
		    r->param[0]);
		return;
	}
	if (part_take(s, r, &p, tmp, &fd, a) == 1)
		file_place(
		    s, r, s->spool.dir[dir_of(r)], r->param[0], tmp, fd, a);
}

/* ---- blobs ---- */

static bool
hex_ok(const struct request *r, struct answer *a)
{
	if (sp_sha_ok(r->param[0]))
		return true;
	answer_wrong(a, W_REQUEST,
	    "'%.80s' is no SHA-256 in 64 lower-case hexadecimal digits",
	    r->param[0]);
	return false;
}

void
v1_blob(struct server *s, struct request *r, struct answer *a)
{
	struct sp_err err = { "" };
	char etag[SP_SHA_LEN + 3];
	enum sp_status st;
	struct stat is;
	int fd;

	if (!query_only(r, no_keys, a) || !hex_ok(r, a))
		return;
	st = sp_blob_open(&s->spool, r->param[0], &fd, &is, &err);
	if (st != SP_OK) {
		answer_status(a, st == SP_BAD ? SP_GONE : st,
		    st == SP_GONE ? NULL : &err, r->param[0]);
		return;
	}
	(void)snprintf(etag, sizeof etag, "\"%s\"", r->param[0]);
	answer_header(a, "Spool-Kind", "file");
	answer_header(a, "Spool-Young", "0");
	file_answer(r, a, fd, is.st_size, etag, "application/octet-stream");
}

static void
say_blob(const char *hex, int64_t size, struct answer *a)
{
	struct sp_jw w;

	answer_object(a, 201, &w);
	sp_jw_text(&w, "path", hex);
	sp_jw_int(&w, "size", size);
	sp_jw_text(&w, "version", hex);
	sp_jw_text(&w, "sha256", hex);
	answer_end(a, &w);
}

void
v1_blob_put(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "at", "total", NULL };
	char tmp[SP_NAME_MAX], hex[SP_SHA_LEN + 1];
	struct part p = {
		.what = "blob", .sha256 = r->param[0], .most = FILE_MOST
	};
	struct sp_err err = { "" };
	enum sp_status st;
	struct stat is;
	int fd;

	if (!query_only(r, keys, a) || !hex_ok(r, a))
		return;
	if (sp_blob_open(&s->spool, r->param[0], &fd, &is, NULL) == SP_OK) {
		(void)close(fd);
		say_blob(r->param[0], is.st_size, a);
		return;
	}
	if (part_take(s, r, &p, tmp, &fd, a) != 1)
		return;
	st = sp_blob_put(&s->spool, fd, hex, &err);
	if (st == SP_OK && fstat(fd, &is) == 0)
		say_blob(hex, is.st_size, a);
	else
		answer_status(a, st == SP_OK ? SP_RETRY : st, &err, NULL);
	(void)close(fd);
	if (st == SP_OK)
		(void)unlinkat(s->spool.dir[SP_DIR_TMP], tmp, 0);
}

/* ---- imports ---- */

void
v1_imports(struct server *s, struct request *r, struct answer *a)
{
	struct sp_err err = { "" };
	struct sp_code code;
	enum sp_status st;
	struct sp_jw w;
	size_t i;

	if (!query_only(r, no_keys, a) || !body_text(r, a))
		return;
	sp_code_init(
	    &code, &s->spool, s->spool.dir[SP_DIR_SCRIPTS], "scripts", false);
	st = sp_code_siblings(&code, sp_buf_text(&r->body), r->body.len, &err);
	if (st == SP_OK) {
		sp_names_sort(&code.names);
		answer_object(a, 200, &w);
		sp_jw_open(&w, "paths", '[');
		for (i = 0; i < code.names.n; i++)
			sp_jw_text(&w, NULL, sp_names_at(&code.names, i));
		sp_jw_close(&w, ']');
		answer_end(a, &w);
	} else {
		answer_status(a, st, &err, NULL);
	}
	sp_code_clear(&code);
}
