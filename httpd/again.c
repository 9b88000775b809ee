/*
 * again.c - the job of an order that is over, submitted anew, as `spool retry`
 * does.
 */
#include <stdio.h>
#include <string.h>

#include "httpd/v1.h"
#include "libspool/find.h"
#include "libspool/job.h"
#include "libspool/submit.h"

static const char *const no_keys[] = { NULL };

static enum sp_status
again(struct server *s, const struct sp_name *old, const struct sp_buf *text,
    struct sp_submit *one, struct sp_err *err)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX + 2);
	char set[64];
	const char *sets[1] = { set };
	enum sp_status st;

	(void)snprintf(set, sizeof set, "order.retryOf=\"%s\"", old->id.text);
	st = sp_job_edit(sp_buf_text(text), text->len, sets, 1, &job, err);
	if (st == SP_OK) {
		one->text = sp_buf_text(&job);
		one->len = job.len;
		(void)memcpy(one->label, old->label, sizeof one->label);
		st = sp_submit(&s->spool, one, 1, err);
		if (st != SP_OK && one->err.text[0] != '\0')
			*err = one->err;
	}
	one->text = NULL;
	sp_buf_clear(&job);
	return st;
}

void
v1_retry(struct server *s, struct request *r, struct answer *a)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 2);
	struct sp_submit one = { .prio = -1 };
	struct sp_err err = { "" };
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	struct sp_id id;

	if (!query_only(r, no_keys, a) || !param_id(r->param[0], &id, a))
		return;
	st = sp_find(&s->spool, &id, &state, &name, &err);
	if (st == SP_OK && !sp_state_over_is(state)) {
		answer_wrong(a, W_LOST, "%s is not over: it stands in %s/",
		    id.text, sp_state_text(state));
		return;
	}
	if (st == SP_OK && name.bundle)
		st = sp_err_set(&err, SP_BAD,
		    "is a bundle; retry the orders that it became");
	if (st == SP_OK)
		st = sp_order_read(&s->spool, state, &name, &text, &err);
	if (st == SP_OK)
		st = again(s, &name, &text, &one, &err);
	sp_buf_clear(&text);
	if (st != SP_OK) {
		answer_status(a, st, &err, id.text);
		return;
	}
	clock_news(s, WAKE_QUEUE);
	answer_texts(a, 201, "id", one.id.text, "retryOf", id.text, NULL);
}
