/*
 * originask.c - what an original Boss is asked, and when: for an order when one
 * could be begun, less and less often while it is away.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/find.h"
#include "libspool/job.h"
#include "libspool/json.h"
#include "libspool/log.h"
#include "transport/originin.h"

#define ORDERS_MAX (16 * 1024 * 1024) /* of GET /retrieve/order */
#define LATE_MOST  (5 * 60 * 1000)

/* ---- asking ---- */

int64_t
origin_jittered(int64_t ms)
{
	return ms * 3 / 4 + (int64_t)(sp_dice() % 1000) * ms / 2000;
}

int64_t
origin_backed_off(const struct tr_origin *o, unsigned failures)
{
	int64_t ms = o->every << (failures < 8 ? failures : 8);

	return origin_jittered(ms < LATE_MOST ? ms : LATE_MOST);
}

enum sp_status
origin_call(struct tr_origin *o, const char *path, const char *id,
    const char *type, const struct sp_buf *body, struct sp_buf *text,
    int *status_out, struct sp_err *err)
{
	char all[1024];
	struct wire_call call = { .method = type != NULL ? "POST" : "GET",
		.path = all,
		.text = text,
		.ms = 2 * o->every,
		.type = type,
		.from = -1 };
	enum sp_status st;

	(void)snprintf(all, sizeof all, "%s%s", path, id);
	sp_buf_reset(text);
	if (type != NULL) {
		call.body = body != NULL ? body->data : "";
		call.len = body != NULL ? body->len : 0;
	}
	st = wire_call(o->wire, &call, err);
	*status_out = call.status;
	return st;
}

enum sp_status
origin_refused(int status, struct sp_err *err)
{
	return status == 404 || status == 400
	    ? SP_GONE
	    : sp_err_set(err, SP_RETRY, "it answered %d", status);
}

/* The later dialect knows outcomes; the first one says that the request has no
 * shape. */
enum sp_status
origin_dialect(struct tr_origin *o, struct sp_buf *text, struct sp_err *err)
{
	struct json_t *json;
	enum sp_status st;
	int status;

	if (o->dialect != 0)
		return SP_OK;
	st = origin_call(o, "/retrieve/outcome/", "000000000000000000000000",
	    NULL, NULL, text, &status, err);
	if (st == SP_OK && !origin_good_is(status) && status != 404)
		st = sp_err_set(err, SP_RETRY, "it answered %d", status);
	if (st != SP_OK)
		return st;
	o->dialect = 2;
	if (origin_good_is(status) && text->len > 0 &&
	    sp_json_parse(text->data, text->len, &json, NULL) == SP_OK) {
		if (sp_json_kind(sp_json_get(json, "error")) != SP_JSON_NULL)
			o->dialect = 1;
		sp_json_free(json);
	}
	sp_info("origin: the Boss speaks dialect %d", o->dialect);
	return SP_OK;
}

/* Is there anything to be had?  The Boss of dialect 1 dies when it is asked for
 * an order and has none, so look first.  What we cannot read may be. */
static enum sp_status
any(struct tr_origin *o, bool *any_out, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(ORDERS_MAX), all;
	struct json_t *json, *list;
	enum sp_status st;
	int status;
	size_t i;

	*any_out = true;
	st = origin_call(
	    o, "/retrieve/order", "", NULL, NULL, &text, &status, err);
	sp_buf_init(&all, ORDERS_MAX + 16);
	sp_buf_puts(&all, "{\"a\":");
	sp_buf_put(&all, sp_buf_text(&text), text.len);
	sp_buf_puts(&all, "}");
	if (st == SP_OK && origin_good_is(status) && !text.failed &&
	    !all.failed &&
	    sp_json_parse(all.data, all.len, &json, NULL) == SP_OK) {
		list = sp_json_get(json, "a");
		if (sp_json_kind(list) == SP_JSON_LIST)
			*any_out = false;
		for (i = 0; !*any_out && i < sp_json_count(list); i++) {
			const char *is = sp_json_text(
			    sp_json_get(sp_json_at(list, i), "status"));

			*any_out = is != NULL && strcmp(is, "unassigned") == 0;
		}
		sp_json_free(json);
	}
	sp_buf_clear(&all);
	sp_buf_clear(&text);
	return st;
}

static void
quiet_set(struct tr_origin *o, bool quiet)
{
	(void)pthread_mutex_lock(&o->lock);
	o->quiet = quiet;
	(void)pthread_mutex_unlock(&o->lock);
}

static void
took(struct tr_origin *o, const char *order, const char *job)
{
	struct sp_err err = { "" };
	struct owed *owed = book_find(&o->book, order);

	/* It knows no fences: the same order may be given twice, to us too. */
	if (owed != NULL) {
		sp_info("origin: order=%s was given to us again", order);
		return;
	}
	if (book_add(&o->book, order, job, &owed, &err) != SP_OK)
		sp_warn(
		    "origin: order=%s cannot be noted: %s", order, err.text);
	sp_info("origin: order=%s job=%s", order, job);
}

/* One order.  SP_GONE: there is none. */
static enum sp_status
bored(struct tr_origin *o, struct sp_err *err)
{
	char order[SP_ORIGIN_ID_MAX + 1] = "", job[SP_ORIGIN_ID_MAX + 1] = "";
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	enum sp_status st;
	bool some = true;
	int status;

	st = origin_dialect(o, &text, err);
	if (st == SP_OK && o->dialect == 1)
		st = any(o, &some, err);
	if (st == SP_OK && some) {
		st = origin_call(o, o->bored, "",
		    "application/x-www-form-urlencoded", NULL, &text, &status,
		    err);
		if (st == SP_OK && !origin_good_is(status))
			st = origin_refused(status, err);
		else if (st == SP_OK)
			st = sp_origin_order_read(
			    sp_buf_text(&text), text.len, order, job, err);
	} else if (st == SP_OK) {
		st = SP_GONE;
	}
	if (st == SP_OK)
		took(o, order, job);
	sp_buf_clear(&text);
	return st;
}

/* How many of those that we have wait to be run. */
static int
queued(struct tr_origin *o)
{
	enum sp_state state;
	struct sp_name name;
	size_t i;
	int n = 0;

	for (i = 0; i < o->book.n; i++) {
		const struct owed *owed = &o->book.owed[i];

		if (owed->why[0] != '\0')
			continue;
		if (owed->id.text[0] == '\0' ||
		    (sp_find(&o->book.spool, &owed->id, &state, &name, NULL) ==
			    SP_OK &&
			state <= SP_WAITING))
			n++;
	}
	return n;
}

void
origin_ask(struct tr_origin *o, int want)
{
	struct sp_err err = { "" };
	enum sp_status st;

	if (sp_mono_ms() < o->ask_at || want <= queued(o))
		return;
	st = bored(o, &err);
	if (st == SP_OK || st == SP_GONE) {
		if (o->misses > 0)
			sp_info("origin: the Boss is back");
		o->misses = 0;
		quiet_set(o, st == SP_GONE && o->book.n == 0);
		o->ask_at = sp_mono_ms() +
		    (st == SP_OK ? 0 : origin_jittered(o->every));
		return;
	}
	quiet_set(o, false);
	if (o->misses == 0)
		sp_warn("origin: %s", err.text);
	o->ask_at = sp_mono_ms() + origin_backed_off(o, o->misses++);
}
