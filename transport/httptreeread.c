/*
 * httptreeread.c - which question stands for which file of a spool.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/sha256.h"
#include "transport/httptree.h"

/* ---- paths in parts ---- */

struct parts {
	char text[PATH_MAX];
	const char *at[6]; /* the last has all that follows */
	size_t n;
};

static bool
cut(const char *path, struct parts *p)
{
	char *c;

	if (snprintf(p->text, sizeof p->text, "%s", path) >=
	    (int)sizeof p->text)
		return false;
	p->at[0] = p->text;
	p->n = 1;
	for (c = p->text; *c != '\0' && p->n < 6; c++)
		if (*c == '/') {
			*c = '\0';
			p->at[p->n++] = c + 1;
		}
	return true;
}

static int
dir_of_name(const char *name)
{
	int i;

	for (i = 0; i < SP_DIRS; i++)
		if (strcmp(sp_dir_text((enum sp_dir)i), name) == 0)
			return i;
	return -1;
}

/* "ID.json" */
static bool
id_json(const char *file, struct sp_id *id)
{
	char text[SP_ID_LEN + 1];

	if (strlen(file) != SP_ID_LEN + 5 ||
	    strcmp(file + SP_ID_LEN, ".json") != 0)
		return false;
	(void)snprintf(text, sizeof text, "%.*s", SP_ID_LEN, file);
	return sp_id_parse(text, id) == SP_OK;
}

/* ---- answers ---- */

/* All of it, when it is to be read; else whether it is there. */
static int
whole(struct http_tree *t, struct sp_buf *route, bool read, struct http_file *f)
{
	sp_buf_init(&f->text, TREE_TEXT);
	f->kind = HTTP_TEXT;
	return http_tree_ask(t, read ? "GET" : "HEAD", route, NULL, &f->text);
}

/* Its head alone: how long it is, whether it is a directory. */
static int
pieces(struct http_tree *t, struct sp_buf *route, struct http_file *f)
{
	struct wire_call call = {
		.method = "HEAD", .path = sp_buf_text(route), .want = HTTP_WANT
	};
	struct sp_err err = { "" };
	enum sp_status st;

	f->kind = HTTP_PIECES;
	f->route = *route;
	sp_buf_init(route, HTTP_PATH);
	st = wire_call(t->h->wire, &call, &err);
	if (st == SP_OK && call.status != 200)
		st = http_refused(t->h, &call, NULL, &err);
	if (st != SP_OK)
		return http_tree_errno(st, &err);
	f->size = call.size < 0 ? 0 : call.size;
	f->mtime = http_tree_now(t);
	/* A log grows: what was there stays as it was. */
	if (strncmp(call.path, "/v1/orders/", 11) != 0)
		(void)strcpy(f->etag, call.etag);
	if (strcmp(call.want[0].value, "directory") == 0)
		f->kind = HTTP_DIR;
	return 0;
}

static int
policy(struct http_tree *t, struct http_file *f)
{
	sp_buf_init(&f->text, 65536);
	sp_policy_print(&t->h->about.policy, &f->text);
	f->kind = HTTP_TEXT;
	return f->text.failed ? -ENOMEM : 0;
}

/* How an attempt ended without a commit: in the list of attempts. */
static int
note(struct http_tree *t, struct sp_buf *route, const char *attempt,
    struct http_file *f)
{
	struct sp_buf text = SP_BUF_INIT(TREE_TEXT);
	const struct json_t *list, *one;
	struct json_t *json = NULL;
	const char *is;
	int rc;
	size_t i;

	rc = http_tree_ask(t, "GET", route, NULL, &text);
	if (rc == 0 &&
	    sp_json_parse(sp_buf_text(&text), text.len, &json, NULL) != SP_OK)
		rc = -EHOSTDOWN;
	list = sp_json_get(json, "attempts");
	sp_buf_init(&f->text, TREE_TEXT);
	f->kind = HTTP_TEXT;
	for (i = 0; rc == 0 && i < sp_json_count(list); i++) {
		one = sp_json_at(list, i);
		is = sp_json_text(sp_json_get(one, "attempt"));
		if (is == NULL || strcmp(is, attempt) != 0 ||
		    sp_json_kind(sp_json_get(one, "note")) != SP_JSON_OBJECT)
			continue;
		sp_json_put(&f->text, sp_json_get(one, "note"));
		sp_buf_puts(&f->text, "\n");
	}
	if (rc == 0 && f->text.len == 0)
		rc = -ENOENT;
	sp_json_free(json);
	sp_buf_clear(&text);
	return rc;
}

/* ---- files ---- */

static bool
ends(const char *file, const char *ending, char stem[SP_NAME_MAX])
{
	size_t n = strlen(file), e = strlen(ending);

	if (n <= e || n - e >= SP_NAME_MAX || strcmp(file + n - e, ending) != 0)
		return false;
	(void)snprintf(stem, SP_NAME_MAX, "%.*s", (int)(n - e), file);
	return true;
}

/* runs/DAY/ID and what is in it. */
static int
run_look(
    struct http_tree *t, const struct parts *p, bool read, struct http_file *f)
{
	struct sp_buf route = SP_BUF_INIT(HTTP_PATH);
	char stem[SP_NAME_MAX];
	const char *file = p->n > 3 ? p->at[3] : "";
	struct sp_id id;
	int rc;

	if (p->n == 2 && sp_day_ok(p->at[1]))
		return 0;
	if (p->n < 3 || sp_id_parse(p->at[2], &id) != SP_OK)
		return -ENOTSUP;
	sp_buf_printf(&route, "/v1/orders/%s", id.text);
	if (p->n == 3) {
		rc = whole(t, &route, false, f);
		f->kind = HTTP_DIR;
		return rc;
	}
	if (strcmp(file, "out") == 0 && p->n == 4) {
		sp_buf_clear(&route);
		return 0;
	}
	if (strcmp(file, "out") == 0) {
		sp_buf_puts(&route, "/out/");
		wire_put(&route, p->at[4], true);
		if (p->n == 6) {
			sp_buf_puts(&route, "/");
			wire_put(&route, p->at[5], true);
		}
		return pieces(t, &route, f);
	}
	if (p->n == 4 && strcmp(file, "pins.json") == 0) {
		sp_buf_puts(&route, "/pins");
		return whole(t, &route, read, f);
	}
	if (p->n == 4 && ends(file, ".log", stem)) {
		http_path(&route, "/log?attempt=", stem, "");
		return pieces(t, &route, f);
	}
	if (p->n == 4 && ends(file, ".metrics.jsonl", stem)) {
		http_path(&route, "/metrics?attempt=", stem, "");
		return pieces(t, &route, f);
	}
	if (p->n == 4 && ends(file, ".json", stem)) {
		sp_buf_puts(&route, "/attempts");
		return note(t, &route, stem, f);
	}
	sp_buf_clear(&route);
	return -ENOTSUP;
}

/* STATE/NAME, STATE/DAY/NAME: the job. */
static int
order_look(struct http_tree *t, const struct parts *p, bool over, bool read,
    struct http_file *f)
{
	struct sp_buf route = SP_BUF_INIT(HTTP_PATH);
	struct sp_name name;

	if (over && p->n == 2 && sp_day_ok(p->at[1]))
		return 0;
	if (p->n != (over ? 3U : 2U) ||
	    sp_name_parse(p->at[p->n - 1], &name) != SP_OK || !read)
		return -ENOTSUP;
	http_path(&route, "/v1/orders/", name.id.text, "/job");
	return whole(t, &route, read, f);
}

static int
tree_of_files(struct http_tree *t, const char *front, const char *path,
    struct http_file *f)
{
	struct sp_buf route = SP_BUF_INIT(HTTP_PATH);

	http_path(&route, front, path, "");
	return pieces(t, &route, f);
}

static int
below(struct http_tree *t, int dir, const struct parts *p, const char *path,
    bool read, struct http_file *f)
{
	struct sp_buf route = SP_BUF_INIT(HTTP_PATH);
	struct http_temp *temp;
	char stem[SP_NAME_MAX];
	struct sp_id id;

	switch (dir) {
	case SP_DIR_NEW:
	case SP_DIR_WAITING:
	case SP_DIR_ASSIGNED:
	case SP_DIR_DONE:
	case SP_DIR_FAILED:
		return order_look(
		    t, p, dir == SP_DIR_DONE || dir == SP_DIR_FAILED, read, f);
	case SP_DIR_OUTCOMES:
		if (p->n != 2 || !id_json(p->at[1], &id))
			return -ENOTSUP;
		http_path(&route, "/v1/orders/", id.text, "/outcome");
		return whole(t, &route, read, f);
	case SP_DIR_RUNS:
		return run_look(t, p, read, f);
	case SP_DIR_SCRIPTS:
		return tree_of_files(t, "/v1/", path, f);
	case SP_DIR_DATA:
		return tree_of_files(t, "/v1/", path, f);
	case SP_DIR_BLOBS:
		if (p->n == 2)
			return 0;
		return p->n == 3 && sp_sha_ok(p->at[2])
		    ? tree_of_files(t, "/v1/blobs/", p->at[2], f)
		    : -ENOTSUP;
	case SP_DIR_WORKERS:
		if (p->n != 2 || !ends(p->at[1], ".json", stem))
			return -ENOTSUP;
		sp_buf_init(&f->text, SP_BEAT_MAX);
		f->kind = HTTP_TEXT;
		return http_tree_worker(t, stem, &f->text, &f->mtime);
	case SP_DIR_TMP:
		(void)pthread_mutex_lock(&t->lock);
		temp = p->n == 2 ? http_temp_find(t, p->at[1]) : NULL;
		if (temp != NULL && read) {
			temp->refs++;
			f->temp = temp;
		}
		(void)pthread_mutex_unlock(&t->lock);
		f->kind = HTTP_TEMP;
		return temp == NULL ? -ENOENT : 0;
	default:
		return -ENOTSUP;
	}
}

int
http_tree_look(
    struct http_tree *t, const char *path, bool read, struct http_file *f)
{
	struct parts p;
	int dir;

	f->kind = HTTP_DIR;
	if (strcmp(path, ".") == 0)
		return 0;
	if (strcmp(path, "spool.json") == 0)
		return policy(t, f);
	if (!cut(path, &p))
		return -ENAMETOOLONG;
	if ((dir = dir_of_name(p.at[0])) == -1)
		return -ENOENT;
	return p.n == 1 ? 0 : below(t, dir, &p, path, read, f);
}
