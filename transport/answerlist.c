/*
 * answerlist.c - lists that a spool's HTTP server answers with: the queue, what
 * a worker holds, paths, what came of commits.  Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/manifest.h"
#include "transport/answerin.h"

static enum sp_status
memory(struct sp_err *err)
{
	return sp_err_set(err, SP_RETRY, "no memory for an answer");
}

static unsigned
workers_of(const struct json_t *json)
{
	int64_t n = sp_json_int(sp_json_get(json, "workers"), 1);

	return n < 1 ? 1 : n > 1000000 ? 1000000 : (unsigned)n;
}

/* ---- the queue ---- */

void
answer_ready_clear(struct answer_ready *r)
{
	sp_names_clear(&r->names);
	sp_buf_clear(&r->texts);
	free(r->at);
	free(r->len);
	(void)memset(r, 0, sizeof *r);
}

/* One that is no order of new/ is left out: who asks for it gets nothing. */
static enum sp_status
ready_one(const struct json_t *one, struct answer_ready *r, struct sp_err *err)
{
	const char *name = sp_json_text(sp_json_get(one, "name"));
	const char *text = sp_json_text(sp_json_get(one, "text"));
	struct sp_name is;
	size_t i = r->names.n;

	if (name == NULL || sp_name_parse(name, &is) != SP_OK ||
	    is.worker[0] != '\0' || is.bundle)
		return SP_OK;
	if (i > 0 && strcmp(sp_names_at(&r->names, i - 1), name) >= 0)
		return answer_odd(err, "orders, which are to be in order,");
	if (sp_names_add(&r->names, name) != SP_OK)
		return memory(err);
	r->at[i] = r->texts.len;
	r->len[i] = text == NULL ? -1 : (int64_t)strlen(text);
	if (text != NULL)
		sp_buf_put(&r->texts, text, (size_t)r->len[i]);
	return r->texts.failed ? memory(err) : SP_OK;
}

static enum sp_status
ready_take(
    const struct json_t *json, struct answer_ready *r, struct sp_err *err)
{
	const struct json_t *orders = sp_json_get(json, "orders");
	enum sp_status st = SP_OK;
	size_t i, n = sp_json_count(orders);

	if (!answer_text(json, "seen", r->seen, sizeof r->seen))
		return answer_odd(err, "seen");
	if (sp_json_kind(orders) != SP_JSON_LIST)
		return answer_odd(err, "orders");
	r->workers = workers_of(json);
	r->more = sp_json_true(sp_json_get(json, "more"));
	sp_buf_init(&r->texts, ANSWER_MOST);
	r->at = calloc(n + 1, sizeof *r->at);
	r->len = calloc(n + 1, sizeof *r->len);
	if (r->at == NULL || r->len == NULL)
		return memory(err);
	for (i = 0; i < n && st == SP_OK; i++)
		st = ready_one(sp_json_at(orders, i), r, err);
	return st;
}

enum sp_status
answer_ready(const char *text, size_t len, struct answer_ready *ready_out,
    struct sp_err *err)
{
	struct answer_ready r = { .workers = 1 };
	struct json_t *json;
	enum sp_status st;

	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	st = ready_take(json, &r, err);
	sp_json_free(json);
	if (st == SP_OK)
		*ready_out = r;
	else
		answer_ready_clear(&r);
	return st;
}

enum sp_status
answer_seen(const char *text, size_t len, char seen_out[128],
    unsigned *workers_out, struct sp_err *err)
{
	struct json_t *json;
	enum sp_status st;
	char seen[128];

	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	if (!answer_text(json, "seen", seen, sizeof seen))
		st = answer_odd(err, "seen");
	else {
		(void)strcpy(seen_out, seen);
		*workers_out = workers_of(json);
	}
	sp_json_free(json);
	return st;
}

/* ---- what a worker holds ---- */

void
answer_held_clear(struct answer_held *h)
{
	sp_names_clear(&h->ours);
	sp_names_clear(&h->stale);
	sp_names_clear(&h->cancel);
}

/* Names that carry this W, or its NAME with another nonce. */
static enum sp_status
held_names(const struct json_t *json, const char *key, const char *worker,
    bool own, struct sp_names *out, struct sp_err *err)
{
	const struct json_t *list = sp_json_get(json, key);
	struct sp_name name;
	const char *text;
	size_t i;

	if (sp_json_kind(list) != SP_JSON_LIST)
		return answer_odd(err, key);
	for (i = 0; i < sp_json_count(list); i++) {
		text = sp_json_text(sp_json_at(list, i));
		if (text == NULL || sp_name_parse(text, &name) != SP_OK ||
		    name.worker[0] == '\0' ||
		    (strcmp(name.worker, worker) == 0) != own ||
		    !sp_worker_kin(name.worker, worker))
			return answer_odd(err, key);
		if (sp_names_add(out, text) != SP_OK)
			return memory(err);
	}
	sp_names_sort(out);
	return SP_OK;
}

static enum sp_status
held_ids(const struct json_t *json, struct sp_names *out, struct sp_err *err)
{
	const struct json_t *list = sp_json_get(json, "cancel");
	const char *text;
	struct sp_id id;
	size_t i;

	if (sp_json_kind(list) != SP_JSON_LIST)
		return answer_odd(err, "cancel");
	for (i = 0; i < sp_json_count(list); i++) {
		text = sp_json_text(sp_json_at(list, i));
		if (text == NULL || sp_id_parse(text, &id) != SP_OK)
			return answer_odd(err, "cancel");
		if (sp_names_add(out, text) != SP_OK)
			return memory(err);
	}
	sp_names_sort(out);
	return SP_OK;
}

static enum sp_status
held_take(const struct json_t *json, const char *worker, struct answer_held *h,
    struct sp_err *err)
{
	const struct json_t *wishes = sp_json_get(json, "wishes");
	enum sp_status st;

	if (sp_json_kind(wishes) != SP_JSON_OBJECT)
		return answer_odd(err, "wishes");
	h->wishes.now = sp_json_true(sp_json_get(wishes, "now"));
	h->wishes.drain =
	    h->wishes.now || sp_json_true(sp_json_get(wishes, "drain"));
	h->wishes.resume = sp_json_true(sp_json_get(wishes, "resume"));
	h->workers = workers_of(json);
	st = held_names(json, "held", worker, true, &h->ours, err);
	if (st == SP_OK)
		st = held_names(json, "stale", worker, false, &h->stale, err);
	return st == SP_OK ? held_ids(json, &h->cancel, err) : st;
}

enum sp_status
answer_held(const char *text, size_t len, const char *worker,
    struct answer_held *held_out, struct sp_err *err)
{
	struct answer_held h = { .workers = 1 };
	struct json_t *json;
	enum sp_status st;

	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	st = held_take(json, worker, &h, err);
	sp_json_free(json);
	if (st == SP_OK)
		*held_out = h;
	else
		answer_held_clear(&h);
	return st;
}

/* ---- commits ---- */

static enum sp_status
status_of(const char *word)
{
	if (strcmp(word, "ok") == 0)
		return SP_OK;
	if (strcmp(word, "lost") == 0)
		return SP_LOST;
	return strcmp(word, "bad") == 0 ? SP_BAD : SP_RETRY;
}

enum sp_status
answer_committed(const char *text, size_t len, struct sp_ended *group, size_t n,
    struct sp_err *err)
{
	const struct json_t *list, *one;
	const char *is, *word, *reason;
	char name[SP_NAME_MAX];
	struct json_t *json;
	enum sp_status st;
	size_t i;

	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	list = sp_json_get(json, "ended");
	if (sp_json_kind(list) != SP_JSON_LIST)
		st = answer_odd(err, "ended");
	for (i = 0; st == SP_OK && i < n && i < sp_json_count(list); i++) {
		one = sp_json_at(list, i);
		is = sp_json_text(sp_json_get(one, "name"));
		word = sp_json_text(sp_json_get(one, "status"));
		reason = sp_json_text(sp_json_get(one, "reason"));
		sp_name_print(&group[i].name, name);
		if (is == NULL || word == NULL || strcmp(is, name) != 0) {
			st = answer_odd(err, "ended");
			break;
		}
		group[i].status = status_of(word);
		if (group[i].status != SP_OK && group[i].status != SP_LOST)
			(void)sp_err_set(err, group[i].status, "%.200s: %.200s",
			    group[i].name.id.text,
			    reason != NULL ? reason : word);
	}
	sp_json_free(json);
	return st;
}

/* The claim in it is an answer of its own. */
static enum sp_status
claim_one(const struct json_t *one, struct sp_claiming *c, const char *worker,
    struct sp_err *err)
{
	const char *is = sp_json_text(sp_json_get(one, "order"));
	const char *word = sp_json_text(sp_json_get(one, "status"));
	const char *reason = sp_json_text(sp_json_get(one, "reason"));
	char name[SP_NAME_MAX];
	enum sp_status st;

	sp_name_print(&c->order, name);
	if (is == NULL || word == NULL || strcmp(is, name) != 0)
		return answer_odd(err, "claims");
	if ((st = status_of(word)) == SP_OK)
		return answer_claim(sp_json_get(one, "claim"), &c->order,
		    worker, &c->claimed, &c->text, err);
	if (st != SP_LOST)
		(void)sp_err_set(err, st, "%.200s: %.200s", name,
		    reason != NULL ? reason : word);
	return st;
}

enum sp_status
answer_claims(const char *text, size_t len, struct sp_claiming *all, size_t n,
    const char *worker, struct sp_err *err)
{
	const struct json_t *list;
	struct json_t *json;
	enum sp_status st;
	size_t i;

	for (i = 0; i < n; i++)
		all[i].status = SP_RETRY;
	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	list = sp_json_get(json, "claims");
	if (sp_json_kind(list) != SP_JSON_LIST || sp_json_count(list) != n)
		st = answer_odd(err, "claims");
	for (i = 0; st == SP_OK && i < n; i++)
		all[i].status =
		    claim_one(sp_json_at(list, i), &all[i], worker, err);
	sp_json_free(json);
	return st;
}

/* ---- paths ---- */

static bool
below_is(const char *path, const char *below)
{
	size_t n;

	if (below == NULL)
		return true;
	n = strlen(below);
	return strncmp(path, below, n) == 0 && path[n] == '/';
}

static bool
tree_path_ok(const char *path, const char *below)
{
	return sp_manifest_path_ok(path) && below_is(path, below);
}

/* A file that a job has left in out/ may be called as it likes, as long as it
 * stays there. */
static bool
out_path_ok(const char *path, const char *below)
{
	const char *at = path, *end;
	size_t n;

	(void)below;
	if (strlen(path) > ANSWER_FILE)
		return false;
	for (;; at = end + 1) {
		end = strchrnul(at, '/');
		n = (size_t)(end - at);
		if (n == 0 || n > 255 || (n == 1 && at[0] == '.') ||
		    (n == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		if (*end == '\0')
			return true;
	}
}

/* A path of a list: itself, or `member` of what stands there. */
static const char *
path_at(const struct json_t *item, const char *member)
{
	return sp_json_text(member == NULL ? item : sp_json_get(item, member));
}

/* All of a list of paths, each of which `ok` likes; sorted. */
static enum sp_status
paths_take(const char *text, size_t len, const char *key, const char *member,
    bool (*ok)(const char *path, const char *below), const char *below,
    struct sp_names *paths_out, struct sp_err *err)
{
	const struct json_t *list;
	struct json_t *json;
	enum sp_status st;
	const char *path;
	size_t i;

	paths_out->n = paths_out->len = 0;
	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	list = sp_json_get(json, key);
	if (sp_json_kind(list) != SP_JSON_LIST ||
	    sp_json_count(list) > ANSWER_PATHS)
		st = answer_odd(err, key);
	for (i = 0; st == SP_OK && i < sp_json_count(list); i++) {
		path = path_at(sp_json_at(list, i), member);
		if (path == NULL || !ok(path, below))
			st = answer_odd(err, key);
		else if (sp_names_add(paths_out, path) != SP_OK)
			st = memory(err);
	}
	sp_json_free(json);
	if (st == SP_OK)
		sp_names_sort(paths_out);
	return st;
}

enum sp_status
answer_paths(const char *text, size_t len, const char *below,
    struct sp_names *paths_out, struct sp_err *err)
{
	return paths_take(
	    text, len, "paths", NULL, tree_path_ok, below, paths_out, err);
}

enum sp_status
answer_files(const char *text, size_t len, struct sp_names *paths_out,
    struct sp_err *err)
{
	return paths_take(
	    text, len, "files", "path", out_path_ok, NULL, paths_out, err);
}
