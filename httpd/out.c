/*
 * out.c - runs/DAY/ID/out/, what a script leaves: seen by everybody, written by
 * the worker that holds the order.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd/tree.h"
#include "httpd/v1.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/move.h"

static const char *const no_keys[] = { NULL };

#define OUT "out"

void
v1_out_list(struct server *s, struct request *r, struct answer *a)
{
	struct tree t = { .loose = true };
	struct sp_err err = { "" };
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	struct sp_id id;
	struct sp_jw w;
	size_t i;
	int run;

	if (!query_only(r, no_keys, a) || !param_id(r->param[0], &id, a))
		return;
	st = sp_find(&s->spool, &id, &state, &name, &err);
	if (st != SP_OK) {
		answer_status(a, st, &err, id.text);
		return;
	}
	st = sp_run_open(&s->spool, &id, false, &run, &err);
	if (st == SP_OK) {
		st = tree_read(run, OUT, &t, &err);
		(void)close(run);
	}
	answer_object(a, 200, &w);
	sp_jw_open(&w, "files", '[');
	for (i = 0; i < t.n; i++) {
		sp_jw_open(&w, NULL, '{');
		sp_jw_text(&w, "path", t.at[i].path + sizeof OUT);
		sp_jw_int(&w, "size", t.at[i].st.st_size);
		tree_version(&w, &t.at[i].st);
		sp_jw_close(&w, '}');
	}
	sp_jw_close(&w, ']');
	sp_jw_int(&w, "skipped", (int64_t)t.skipped);
	answer_end(a, &w);
	tree_clear(&t);
	if (st != SP_OK && st != SP_GONE)
		answer_status(a, st, &err, NULL);
}

void
v1_out_get(struct server *s, struct request *r, struct answer *a)
{
	char path[PATH_MAX];
	struct sp_err err = { "" };
	enum sp_status st;
	struct sp_id id;
	int run;

	if (!query_only(r, no_keys, a) || !param_id(r->param[0], &id, a))
		return;
	(void)snprintf(path, sizeof path, "%s/%s", OUT, r->param[1]);
	st = sp_run_open(&s->spool, &id, false, &run, &err);
	if (st != SP_OK) {
		answer_status(a, st, st == SP_GONE ? NULL : &err, id.text);
		return;
	}
	file_show(s, r, run, path, a);
	(void)close(run);
}

/* ---- written ---- */

static bool
path_ok(const char *path, struct answer *a)
{
	const char *at;
	size_t n;

	for (at = path; strlen(path) <= 1000; at += n + 1) {
		n = strcspn(at, "/");
		if (n > 255)
			break;
		if (at[n] == '\0')
			return true;
	}
	answer_wrong(a, W_BAD, "%.100s...: too long a path", path);
	return false;
}

/* out/ of an order that this worker holds.  -1: answered. */
static int
run_held(
    struct server *s, struct request *r, struct sp_name *name, struct answer *a)
{
	struct sp_err err = { "" };
	enum sp_status st;
	int run;

	if (!claim_named(r, name, a) || !path_ok(r->param[1], a))
		return -1;
	st = claim_stands(s, name, &err);
	if (st == SP_OK)
		st = sp_run_make(&s->spool, &name->id, &run, &err);
	if (st == SP_OK)
		return run;
	answer_status(a, st, &err, NULL);
	return -1;
}

void
v1_out_put(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "at", "total", "sha256", NULL };
	char tmp[SP_NAME_MAX], what[URL_MAX + 64], path[PATH_MAX];
	struct part p = { .what = what,
		.sha256 = url_get(&r->url, "sha256"),
		.most = FILE_MOST };
	struct sp_name name;
	int run, fd;

	if (!query_only(r, keys, a) || (run = run_held(s, r, &name, a)) == -1)
		return;
	(void)snprintf(
	    what, sizeof what, "out %s %s", r->param[0], r->param[1]);
	(void)snprintf(path, sizeof path, "%s/%s", OUT, r->param[1]);
	if (part_take(s, r, &p, tmp, &fd, a) == 1)
		file_place(s, r, run, path, tmp, fd, a);
	(void)close(run);
}

void
v1_out_remove(struct server *s, struct request *r, struct answer *a)
{
	char path[PATH_MAX];
	struct sp_err err = { "" };
	struct sp_name name;
	struct stat is;
	enum sp_status st;
	int run, fd;

	if (!query_only(r, no_keys, a) ||
	    (run = run_held(s, r, &name, a)) == -1)
		return;
	(void)snprintf(path, sizeof path, "%s/%s", OUT, r->param[1]);
	/* Opened first: then its directories are no links that lead out. */
	st = sp_open(run, path, 0, &fd, &is, &err);
	if (st == SP_OK) {
		(void)close(fd);
		st = file_remove(run, path, &err);
	}
	(void)close(run);
	if (st == SP_OK || st == SP_GONE)
		a->status = 204;
	else
		answer_status(a, st, &err, NULL);
}
