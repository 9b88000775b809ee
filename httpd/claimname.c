/*
 * claimname.c - orders claimed by their names, one or several.  Whether they
 * fit is the caller's business; who wins is decided by sp_claim's rename, each
 * for itself.  Asked again the same is answered.
 */
#include <stdlib.h>
#include <string.h>

#include "httpd/v1.h"
#include "libspool/find.h"
#include "libspool/move.h"

/* ---- the answer ---- */

static void
put_claim(struct sp_jw *w, const struct sp_name *name,
    const struct sp_buf *text, bool again)
{
	char is[SP_NAME_MAX];

	sp_name_print(name, is);
	sp_jw_text(w, "name", is);
	sp_jw_text(w, "id", name->id.text);
	sp_jw_int(w, "ticket", name->ticket);
	sp_jw_int(w, "attempt", name->attempt);
	sp_jw_text(w, "text", sp_buf_text(text));
	sp_jw_bool(w, "again", again);
}

void
claim_say(struct answer *a, const struct sp_name *name,
    const struct sp_buf *text, bool again)
{
	struct sp_jw w;

	answer_object(a, 200, &w);
	put_claim(&w, name, text, again);
	answer_end(a, &w);
}

/* ---- by name ---- */

static bool
unclaimed(const char *text, struct sp_name *name, struct answer *a)
{
	if (!param_name(text, name, a))
		return false;
	if (name->worker[0] == '\0' && !name->bundle)
		return true;
	answer_wrong(a, W_REQUEST,
	    "name: '%s' is not as an order is called in new/", text);
	return false;
}

static enum sp_status
claim(struct server *s, const struct sp_spool *view, const struct sp_name *name,
    struct sp_name *claimed, struct sp_buf *job, bool *again,
    struct sp_err *err)
{
	struct entry *entry;
	struct sp_job is;
	enum sp_status st;

	if (!queue_hold(s->queue, name, &entry))
		return SP_LOST;
	st = sp_order_read(&s->spool, SP_NEW, name, job, err);
	/* Not there: perhaps because it is ours already. */
	*again = st == SP_GONE;
	if (st == SP_OK) {
		st = sp_job_parse(job->data, job->len, &is, err);
		if (st == SP_OK)
			st = queue_may(s->queue, name, &is, err);
		sp_job_clear(&is);
		if (st == SP_LOST)
			(void)sp_err_set(
			    err, st, "held, cancelled, or not due yet");
	}
	if (st == SP_OK || *again) {
		sp_err_clear(err);
		st = sp_claim(view, name, claimed, job, err);
	}
	queue_let(s->queue, entry,
	    st == SP_OK || (*again && (st == SP_LOST || st == SP_GONE)));
	return st == SP_GONE ? SP_LOST : st;
}

void
claim_by_name(struct server *s, const struct sp_spool *view, const char *text,
    struct answer *a)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" };
	struct sp_name name, claimed;
	enum sp_status st;
	bool again;

	if (!unclaimed(text, &name, a))
		return;
	st = claim(s, view, &name, &claimed, &job, &again, &err);
	if (st == SP_OK)
		claim_say(a, &claimed, &job, again);
	else
		answer_status(a, st, &err, text);
	sp_buf_clear(&job);
}

/* ---- some by their names ---- */

#define SOME_MOST   64
#define SOME_ENOUGH (16 * 1024 * 1024) /* bytes of texts in one answer */

static void
put_one(struct server *s, const struct sp_spool *view, const char *text,
    const struct sp_name *name, bool enough, struct sp_jw *w)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" };
	struct sp_name claimed;
	enum sp_status st;
	bool again;

	st = enough
	    ? sp_err_set(&err, SP_RETRY, "not tried: the answer is long enough")
	    : claim(s, view, name, &claimed, &job, &again, &err);
	sp_jw_open(w, NULL, '{');
	sp_jw_text(w, "order", text);
	sp_jw_text(w, "status",
	    st == SP_OK         ? "ok"
		: st == SP_LOST ? "lost"
		: st == SP_BAD  ? "bad"
				: "retry");
	if (st == SP_OK) {
		sp_jw_open(w, "claim", '{');
		put_claim(w, &claimed, &job, again);
		sp_jw_close(w, '}');
	} else
		sp_jw_text(w, "reason",
		    err.text[0] != '\0' ? err.text : sp_status_text(st));
	sp_jw_close(w, '}');
	sp_buf_clear(&job);
}

static void
by_names(struct server *s, const struct sp_spool *view,
    const struct json_t *list, struct answer *a)
{
	size_t i, n = sp_json_count(list);
	struct sp_name *name = calloc(n + 1, sizeof *name);
	const char *text;
	struct sp_jw w;

	for (i = 0; name != NULL && i < n; i++) {
		text = sp_json_text(sp_json_at(list, i));
		if (text == NULL) {
			answer_wrong(
			    a, W_REQUEST, "names: expected a list of names");
			break;
		}
		if (!unclaimed(text, &name[i], a))
			break;
	}
	if (name == NULL)
		answer_wrong(a, W_RETRY, "no memory");
	else if (i == n) {
		answer_object(a, 200, &w);
		sp_jw_open(&w, "claims", '[');
		for (i = 0; i < n; i++)
			put_one(s, view, sp_json_text(sp_json_at(list, i)),
			    &name[i], a->body.len > SOME_ENOUGH, &w);
		sp_jw_close(&w, ']');
		answer_end(a, &w);
	}
	free(name);
}

void
v1_claims(struct server *s, struct request *r, struct answer *a)
{
	static const char *const no_keys[] = { NULL };
	static const char *const keys[] = { "worker", "names", NULL };
	const struct json_t *list;
	struct sp_spool view;
	struct json_t *json;
	const char *worker;

	if (!query_only(r, no_keys, a) || !body_json(r, keys, &json, a))
		return;
	worker = sp_json_text(sp_json_get(json, "worker"));
	list = sp_json_get(json, "names");
	if (sp_json_kind(list) != SP_JSON_LIST || sp_json_count(list) == 0 ||
	    sp_json_count(list) > SOME_MOST) {
		answer_wrong(a, W_REQUEST, "names: expected 1 to 64 names");
	} else if (worker_may(r, worker, a)) {
		server_as(s, worker, &view);
		by_names(s, &view, list, a);
	}
	sp_json_free(json);
}
