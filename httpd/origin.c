/*
 * origin.c - the original Boss's routes: what its Worker, its page and its
 * users ask, answered from the spool.  Both dialects at once: ids are of orders
 * and jobs alike, and every member that one of them has is there.
 *
 * What is different, because it has to be: nothing to do is a 404 (with a 2xx
 * the Worker asks for the job "undefined"), an error is no 200, and every
 * request is answered.
 */
#include <stdlib.h>
#include <string.h>

#include "httpd/origin.h"
#include "httpd/server.h"
#include "index/index.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/job.h"
#include "libspool/outcome.h"
#include "libspool/submit.h"

#define ROWS_MOST 1000

/* ---- orders ---- */

static const char *
status_of(enum sp_state state)
{
	switch (state) {
	case SP_ASSIGNED:
		return "assigned";
	case SP_DONE:
		return "completed";
	case SP_FAILED:
		return "failed";
	default:
		return "unassigned";
	}
}

static void
put_order(struct sp_buf *b, enum sp_state state, const struct sp_name *name,
    const char *project)
{
	const struct sp_origin_order order = { &name->id, project,
		status_of(state), name->worker };

	sp_origin_order_print(&order, b);
}

/* An order and the text of its job, as it stands now. */
static void
answer_order(struct answer *a, enum sp_state state, const struct sp_name *name,
    const struct sp_buf *text)
{
	struct sp_job job = { 0 };

	(void)sp_job_parse(text->data, text->len, &job, NULL);
	a->status = 200;
	put_order(&a->body, state, name, job.project);
	sp_buf_puts(&a->body, "\n");
	sp_job_clear(&job);
}

static bool
find(struct server *s, struct request *r, struct answer *a,
    enum sp_state *state_out, struct sp_name *name_out)
{
	struct sp_err err = { "" };
	enum sp_status st = SP_GONE;
	struct sp_id id;

	/* "undefined", for one. */
	if (sp_id_parse(r->param[0], &id) == SP_OK)
		st = sp_find(&s->spool, &id, state_out, name_out, &err);
	if (st == SP_OK)
		return true;
	if (st == SP_GONE)
		answer_wrong(a, W_GONE, "no order or job has this id");
	else
		answer_status(a, st, &err, NULL);
	return false;
}

/* ---- /bored, /callback ---- */

static void
who_is(const struct request *r, const char *name, struct origin_who *who)
{
	origin_who_make(r->token, r->bound, name, r->peer, who);
}

static void
bored(struct server *s, struct request *r, struct answer *a)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	const char *why = NULL;
	struct sp_err err = { "" };
	struct origin_who who;
	struct sp_name name;
	enum sp_status st;

	who_is(r, r->param[0], &who);
	st = origin_bored(s, &who, &name, &text, &why, &err);
	if (st == SP_OK)
		answer_order(a, SP_ASSIGNED, &name, &text);
	else if (st == SP_GONE)
		answer_texts(
		    a, 404, "message", "No work to do.", "error", why, NULL);
	else
		answer_status(a, st, &err, NULL);
	sp_buf_clear(&text);
}

static void
callback(struct server *s, struct request *r, struct answer *a)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" };
	enum origin_called how;
	struct origin_who who;
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	struct sp_id id;

	if (!body_text(r, a))
		return;
	who_is(r, NULL, &who);
	st = origin_call(&s->spool, &who, sp_buf_text(&r->body), r->body.len,
	    &how, &id, &err);
	if (st != SP_OK) {
		answer_status(a, st, &err, NULL);
	} else if (how == ORIGIN_ORPHAN) {
		answer_texts(a, 202, "message",
		    "no order of yours is known by this; kept in "
		    "outcomes/orphans",
		    NULL);
	} else if (sp_find(&s->spool, &id, &state, &name, &err) == SP_OK) {
		(void)sp_order_read(&s->spool, state, &name, &text, NULL);
		answer_order(a, state, &name, &text);
	} else {
		/* It is kept; where the order has gone is another question. */
		answer_texts(a, 200, "_id", id.text, "jobId", id.text, NULL);
	}
	sp_buf_clear(&text);
}

/* ---- /retrieve ---- */

static void
answer_job(struct server *s, struct answer *a, enum sp_state state,
    const struct sp_name *name)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" };
	enum sp_status st;

	st = sp_order_read(&s->spool, state, name, &text, &err);
	if (st == SP_OK) {
		sp_job_dress(text.data, text.len, &name->id, &a->body);
		a->status = 200;
		if (a->body.failed)
			answer_wrong(a, W_GONE, "it is no JSON object");
	} else if (st == SP_GONE) {
		answer_wrong(a, W_RETRY, "it has just moved");
	} else {
		answer_status(a, st, &err, NULL);
	}
	sp_buf_clear(&text);
}

static void
retrieve_job(struct server *s, struct request *r, struct answer *a)
{
	enum sp_state state;
	struct sp_name name;

	if (find(s, r, a, &state, &name))
		answer_job(s, a, state, &name);
}

static void
retrieve_outcome(struct server *s, struct request *r, struct answer *a)
{
	char file[SP_ID_LEN + 6];
	struct sp_err err = { "" };
	enum sp_state state;
	struct sp_name name;
	enum sp_status how;
	struct stat st;

	if (!find(s, r, a, &state, &name))
		return;
	(void)strcpy(file, name.id.text);
	(void)strcat(file, ".json");
	how = sp_read(s->spool.dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX,
	    &a->body, &st, &err);
	a->status = 200;
	if (how == SP_GONE) /* the page takes an error for the end of all */
		sp_buf_puts(&a->body, "null\n");
	else if (how != SP_OK)
		answer_status(a, how, &err, NULL);
}

/* The newest rows, in a ring. */
struct rows {
	struct one {
		struct sp_name name;
		enum sp_state state;
		char project[SP_FILE_MAX + 1];
	} * at;
	size_t n, most;
};

static int
rows_put(void *arg, const struct sp_row *row)
{
	struct rows *rows = arg;
	struct one *one = &rows->at[rows->n++ % rows->most];

	one->name = row->name;
	one->state = row->state;
	(void)strcpy(one->project, row->project);
	return 0;
}

static bool
rows_read(struct server *s, size_t most, struct rows *rows, struct answer *a)
{
	struct sp_err err = { "" };
	enum sp_status st;

	rows->n = 0;
	rows->most = most;
	if ((rows->at = calloc(most, sizeof *rows->at)) == NULL) {
		answer_wrong(a, W_RETRY, "no memory");
		return false;
	}
	st = index_list(&s->spool, INDEX_ALL, rows_put, rows, NULL, &err);
	if (st == SP_OK)
		return true;
	free(rows->at);
	answer_status(a, st, &err, NULL);
	return false;
}

static void
retrieve_orders(struct server *s, struct request *r, struct answer *a)
{
	struct rows rows;
	int64_t most;
	size_t i;

	if (!query_int(r, "limit", 1, ROWS_MOST, ROWS_MOST, &most, a) ||
	    !rows_read(s, (size_t)most, &rows, a))
		return;
	a->status = 200;
	i = rows.n > rows.most ? rows.n - rows.most : 0;
	for (sp_buf_puts(&a->body, "["); i < rows.n; i++) {
		const struct one *one = &rows.at[i % rows.most];

		if (a->body.len > 1)
			sp_buf_puts(&a->body, ",\n");
		put_order(&a->body, one->state, &one->name, one->project);
	}
	sp_buf_puts(&a->body, "]\n");
	free(rows.at);
}

static void
retrieve_latest(struct server *s, struct request *r, struct answer *a)
{
	struct rows rows;

	(void)r;
	if (!rows_read(s, 1, &rows, a))
		return;
	if (rows.n > 0)
		answer_job(s, a, rows.at[0].state, &rows.at[0].name);
	else
		answer_wrong(a, W_GONE, "there is no job yet");
	free(rows.at);
}

static void
retrieve_nothing(struct server *s, struct request *r, struct answer *a)
{
	(void)s;
	(void)r;
	answer_wrong(a, W_REQUEST, "Missing Id: /retrieve/job/ID");
}

/* ---- /job/create, /worker-node/create ---- */

static void
job_create(struct server *s, struct request *r, struct answer *a)
{
	struct sp_submit job = { .prio = -1 };
	struct sp_job parsed = { 0 };
	struct sp_name name;

	if (!body_text(r, a))
		return;
	job.text = sp_buf_text(&r->body);
	job.len = r->body.len;
	if (sp_submit(&s->spool, &job, 1, NULL) != SP_OK) {
		answer_status(a, job.status, &job.err, NULL);
		return;
	}
	(void)sp_job_parse(job.text, job.len, &parsed, NULL);
	sp_name_first(&parsed, &job.id, "", &name);
	sp_job_clear(&parsed);
	answer_order(a, SP_NEW, &name, &r->body);
	clock_news(s, WAKE_QUEUE);
}

/* A worker is known by its polls; this says what it would have been. */
static void
node_create(struct server *s, struct request *r, struct answer *a)
{
	static const char *const keys[] = { "address", "name", "dataPath",
		"writePath" };
	struct json_t *json, *value;
	struct sp_err err = { "" };
	struct origin_who who;
	struct sp_jw w;
	const char *key;
	void *iter = NULL;
	size_t i;

	(void)s;
	if (!body_text(r, a))
		return;
	if (sp_json_parse(sp_buf_text(&r->body), r->body.len, &json, &err) !=
	    SP_OK) {
		answer_wrong(a, W_REQUEST, "%s", err.text);
		return;
	}
	for (i = 0; i < sizeof keys / sizeof *keys; i++)
		if (sp_json_text(sp_json_get(json, keys[i])) == NULL) {
			answer_wrong(a, W_BAD,
			    "WorkerNode validation failed: %s: Must provide a "
			    "%s.",
			    keys[i], keys[i]);
			sp_json_free(json);
			return;
		}
	who_is(r, sp_json_text(sp_json_get(json, "name")), &who);
	answer_object(a, 200, &w);
	sp_jw_text(&w, "_id", who.worker);
	while (sp_json_next(json, &iter, &key, &value))
		if (strcmp(key, "_id") != 0 && strcmp(key, "__v") != 0)
			sp_jw_json(&w, key, value);
	sp_jw_int(&w, "__v", 0);
	answer_end(a, &w);
	sp_json_free(json);
}

const struct route origin_routes[] = {
	{ M_POST, "/bored/{}", SP_ROLE_WORK, BODY_ANY, 100 * 1024, bored },
	{ M_POST, "/callback", SP_ROLE_WORK, BODY_ANY, SP_OUTCOME_MAX,
	    callback },
	{ M_POST, "/job/create", SP_ROLE_SUBMIT, BODY_ANY, SP_JOB_MAX,
	    job_create },
	{ M_POST, "/worker-node/create", SP_ROLE_WORK, BODY_ANY, 100 * 1024,
	    node_create },
	{ M_GET, "/retrieve/order", SP_ROLE_READ, BODY_NONE, 0,
	    retrieve_orders },
	{ M_GET, "/retrieve/job", SP_ROLE_READ | SP_ROLE_WORK, BODY_NONE, 0,
	    retrieve_nothing },
	{ M_GET, "/retrieve/job/{}", SP_ROLE_READ | SP_ROLE_WORK, BODY_NONE, 0,
	    retrieve_job },
	{ M_GET, "/retrieve/latest-job", SP_ROLE_READ, BODY_NONE, 0,
	    retrieve_latest },
	{ M_GET, "/retrieve/outcome/{}", SP_ROLE_READ, BODY_NONE, 0,
	    retrieve_outcome },
	{ 0 },
};
