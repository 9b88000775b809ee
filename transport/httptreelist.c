/*
 * httptreelist.c - the tree's listings: orders by their state, what a run left,
 * workers, wishes and marks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/wish.h"
#include "transport/httptree.h"

#define WORKERS_MS 1000 /* age of what is known of them */
#define PAGE       1000

struct listing {
	struct http_tree *t;
	sp_fs_one_fn *one;
	void *arg;
	bool stop;
};

/* A name is one component, whoever says it. */
static void
tell(struct listing *l, const char *name)
{
	if (name != NULL && !l->stop && name[0] != '\0' &&
	    strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
	    strcmp(name, "..") != 0)
		l->stop = !l->one(l->arg, name, NULL);
}

/* 0, or -errno; the caller frees *json_out. */
static int
ask(struct http_tree *t, struct sp_buf *route, struct json_t **json_out)
{
	struct sp_buf text = SP_BUF_INIT(ANSWER_MOST);
	int rc = http_tree_ask(t, "GET", route, NULL, &text);

	*json_out = NULL;
	if (rc == 0 &&
	    sp_json_parse(sp_buf_text(&text), text.len, json_out, NULL) !=
		SP_OK)
		rc = -EHOSTDOWN;
	sp_buf_clear(&text);
	return rc;
}

/* ---- orders ---- */

enum what {
	NAMES,
	DAYS,
	OUTCOMES
};

static void
order_tell(struct listing *l, const struct json_t *row, enum what what,
    char day[SP_DAY_LEN + 1])
{
	const char *text = sp_json_text(sp_json_get(row, "order"));
	char file[SP_ID_LEN + 8], is[SP_DAY_LEN + 1];
	struct sp_name name;

	if (text == NULL || sp_name_parse(text, &name) != SP_OK)
		return;
	if (what == NAMES) {
		tell(l, text);
	} else if (what == OUTCOMES) {
		(void)snprintf(file, sizeof file, "%s.json", name.id.text);
		tell(l, file);
	} else {
		sp_id_day(&name.id, is);
		if (strcmp(is, day) != 0)
			tell(l, is);
		(void)strcpy(day, is);
	}
}

/* after: "" from the first on; only: a day, or NULL. */
static int
orders(struct listing *l, const char *states, enum what what, const char *only)
{
	char after[SP_ID_LEN + 1] = "", day[SP_DAY_LEN + 1] = "";
	const struct json_t *rows;
	const char *next, *id;
	struct json_t *json;
	bool more = true;
	struct sp_id is;
	int rc = 0;
	size_t i;

	if (only != NULL)
		(void)snprintf(
		    after, sizeof after, "%sT000000000-00000000", only);
	while (rc == 0 && more && !l->stop) {
		struct sp_buf route = SP_BUF_INIT(HTTP_PATH);

		sp_buf_printf(&route, "/v1/orders?state=%s&limit=%d%s%s",
		    states, PAGE, after[0] != '\0' ? "&after=" : "", after);
		if ((rc = ask(l->t, &route, &json)) != 0)
			break;
		rows = sp_json_get(json, "orders");
		for (i = 0; i < sp_json_count(rows) && more; i++) {
			id = sp_json_text(
			    sp_json_get(sp_json_at(rows, i), "id"));
			if (only != NULL && id != NULL &&
			    strncmp(id, only, SP_DAY_LEN) > 0)
				more = false;
			else
				order_tell(l, sp_json_at(rows, i), what, day);
		}
		next = sp_json_text(sp_json_get(json, "next"));
		more = more && next != NULL &&
		    sp_id_parse(next, &is) == SP_OK && strcmp(next, after) > 0;
		if (more)
			(void)strcpy(after, is.text);
		sp_json_free(json);
	}
	return rc;
}

/* ---- what a run left ---- */

static int
run(struct listing *l, const char *id)
{
	struct sp_buf route = SP_BUF_INIT(HTTP_PATH);
	const struct json_t *list, *one;
	struct json_t *json;
	char file[SP_NAME_MAX + 16];
	const char *attempt;
	size_t i;
	int rc;

	http_path(&route, "/v1/orders/", id, "/attempts");
	if ((rc = ask(l->t, &route, &json)) != 0)
		return rc;
	list = sp_json_get(json, "attempts");
	for (i = 0; i < sp_json_count(list); i++) {
		one = sp_json_at(list, i);
		attempt = sp_json_text(sp_json_get(one, "attempt"));
		if (attempt == NULL || strlen(attempt) >= SP_NAME_MAX)
			continue;
		if (sp_json_kind(sp_json_get(one, "log")) == SP_JSON_INT) {
			(void)snprintf(file, sizeof file, "%s.log", attempt);
			tell(l, file);
		}
		if (sp_json_kind(sp_json_get(one, "metrics")) == SP_JSON_INT) {
			(void)snprintf(
			    file, sizeof file, "%s.metrics.jsonl", attempt);
			tell(l, file);
		}
		if (sp_json_kind(sp_json_get(one, "note")) == SP_JSON_OBJECT) {
			(void)snprintf(file, sizeof file, "%s.json", attempt);
			tell(l, file);
		}
	}
	sp_json_free(json);
	http_path(&route, "/v1/orders/", id, "/out");
	if (ask(l->t, &route, &json) == 0 &&
	    sp_json_count(sp_json_get(json, "files")) > 0)
		tell(l, "out");
	sp_json_free(json);
	return 0;
}

/* ---- workers ---- */

static int
workers_ask(struct http_tree *t)
{
	struct sp_buf route = SP_BUF_INIT(64);
	int64_t now = sp_mono_ms();
	int rc = 0;

	if (t->workers_at == -1 || now - t->workers_at >= WORKERS_MS) {
		sp_buf_puts(&route, "/v1/workers");
		sp_buf_reset(&t->workers);
		rc = http_tree_ask(t, "GET", &route, NULL, &t->workers);
		t->workers_at = rc == 0 ? now : -1;
	}
	return rc;
}

/* With the lock. */
static int
workers_json(struct http_tree *t, struct json_t **json_out)
{
	int rc = workers_ask(t);

	*json_out = NULL;
	if (rc == 0 &&
	    sp_json_parse(sp_buf_text(&t->workers), t->workers.len, json_out,
		NULL) != SP_OK)
		rc = -EHOSTDOWN;
	return rc;
}

static int
workers(struct listing *l)
{
	const struct json_t *list;
	struct json_t *json;
	char file[SP_WORKER_MAX + 8];
	const char *name;
	size_t i;
	int rc;

	(void)pthread_mutex_lock(&l->t->lock);
	rc = workers_json(l->t, &json);
	(void)pthread_mutex_unlock(&l->t->lock);
	list = sp_json_get(json, "workers");
	for (i = 0; rc == 0 && i < sp_json_count(list); i++) {
		name = sp_json_text(sp_json_get(sp_json_at(list, i), "worker"));
		if (name == NULL || !sp_worker_ok(name))
			continue;
		(void)snprintf(file, sizeof file, "%s.json", name);
		tell(l, file);
	}
	sp_json_free(json);
	return rc;
}

int
http_tree_worker(struct http_tree *t, const char *worker,
    struct sp_buf *text_out, int64_t *mtime_out)
{
	const struct json_t *list, *one;
	struct json_t *json;
	const char *name;
	double silent;
	size_t i;
	int rc;

	(void)pthread_mutex_lock(&t->lock);
	rc = workers_json(t, &json);
	*mtime_out = t->now + (t->workers_at - t->at);
	(void)pthread_mutex_unlock(&t->lock);
	list = sp_json_get(json, "workers");
	for (i = 0; rc == 0 && i < sp_json_count(list); i++) {
		one = sp_json_at(list, i);
		name = sp_json_text(sp_json_get(one, "worker"));
		if (name == NULL || strcmp(name, worker) != 0)
			continue;
		sp_json_put(text_out, one);
		sp_buf_puts(text_out, "\n");
		silent = sp_json_real(sp_json_get(one, "silent"), 0);
		if (silent > 0 && silent < 1e10)
			*mtime_out -= (int64_t)(silent * 1000);
		break;
	}
	if (rc == 0 && text_out->len == 0)
		rc = -ENOENT;
	sp_json_free(json);
	return rc;
}

/* ---- lists of the answer ---- */

/* The texts of a member. */
static int
texts(struct listing *l, const char *path, const char *key)
{
	struct sp_buf route = SP_BUF_INIT(HTTP_PATH);
	const struct json_t *list;
	struct json_t *json;
	size_t i;
	int rc;

	sp_buf_puts(&route, path);
	if ((rc = ask(l->t, &route, &json)) != 0)
		return rc;
	list = sp_json_get(json, key);
	for (i = 0; i < sp_json_count(list); i++)
		tell(l, sp_json_text(sp_json_at(list, i)));
	sp_json_free(json);
	return 0;
}

static int
wishes(struct listing *l)
{
	static const char *const endings[][2] = { { "drain", "" },
		{ "now", ".now" }, { "resume", ".resume" } };
	struct sp_buf route = SP_BUF_INIT(64);
	const struct json_t *list, *one;
	const char *who, *wish;
	char file[SP_WISH_MAX + 8];
	struct json_t *json;
	size_t i, k;
	int rc;

	sp_buf_puts(&route, "/v1/wishes");
	if ((rc = ask(l->t, &route, &json)) != 0)
		return rc;
	list = sp_json_get(json, "wishes");
	for (i = 0; i < sp_json_count(list); i++) {
		one = sp_json_at(list, i);
		who = sp_json_text(sp_json_get(one, "who"));
		wish = sp_json_text(sp_json_get(one, "wish"));
		if (who == NULL || wish == NULL || strlen(who) > SP_WORKER_MAX)
			continue;
		for (k = 0; k < 3; k++)
			if (strcmp(wish, endings[k][0]) == 0) {
				(void)snprintf(file, sizeof file, "%s%s", who,
				    endings[k][1]);
				tell(l, file);
			}
	}
	sp_json_free(json);
	return 0;
}

static int
root(struct listing *l)
{
	int i;

	tell(l, "spool.json");
	for (i = 0; i < SP_DIRS; i++)
		tell(l, sp_dir_text((enum sp_dir)i));
	return 0;
}

int
http_tree_list(void *tree, const char *path, sp_fs_one_fn *one, void *arg)
{
	struct listing l = { .t = tree, .one = one, .arg = arg };
	const char *slash = strrchr(path, '/');

	if (strcmp(path, ".") == 0)
		return root(&l);
	if (strcmp(path, "new") == 0 || strcmp(path, "waiting") == 0 ||
	    strcmp(path, "assigned") == 0)
		return orders(&l, path, NAMES, NULL);
	if (strcmp(path, "done") == 0 || strcmp(path, "failed") == 0)
		return orders(&l, path, DAYS, NULL);
	if (strncmp(path, "done/", 5) == 0 && sp_day_ok(path + 5))
		return orders(&l, "done", NAMES, path + 5);
	if (strncmp(path, "failed/", 7) == 0 && sp_day_ok(path + 7))
		return orders(&l, "failed", NAMES, path + 7);
	if (strcmp(path, "outcomes") == 0)
		return orders(&l, "done,failed", OUTCOMES, NULL);
	if (strncmp(path, "runs/", 5) == 0 && slash == path + 13)
		return run(&l, slash + 1);
	if (strcmp(path, "workers") == 0)
		return workers(&l);
	if (strcmp(path, "drain") == 0)
		return wishes(&l);
	if (strcmp(path, "hold") == 0 || strcmp(path, "cancel") == 0)
		return texts(&l, "/v1/marks", path);
	if (strcmp(path, "scripts") == 0)
		return texts(&l, "/v1/scripts", "names");
	if (strcmp(path, "data") == 0)
		return texts(&l, "/v1/data", "names");
	return -ENOTSUP;
}
