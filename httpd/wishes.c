/*
 * wishes.c - what people ask: drain/ of workers, hold/ and cancel/ of orders.
 */
#include <stdio.h>
#include <string.h>

#include "httpd/v1.h"
#include "libspool/mark.h"
#include "libspool/scan.h"
#include "libspool/wish.h"

static const char *const no_keys[] = { NULL };

void
v1_resumed(struct server *s, struct request *r, struct answer *a)
{
	struct sp_err err = { "" };
	enum sp_status st;

	if (!query_only(r, no_keys, a) || !worker_may(r, r->param[0], a))
		return;
	st = sp_wish_unset(&s->spool, r->param[0], SP_WISH_RESUME, &err);
	if (st == SP_OK || st == SP_GONE)
		a->status = 204;
	else
		answer_status(a, st, &err, NULL);
}

static const char *const words[SP_WISHES] = { [SP_WISH_DRAIN] = "drain",
	[SP_WISH_NOW] = "now",
	[SP_WISH_RESUME] = "resume" };

void
v1_wishes(struct server *s, struct request *r, struct answer *a)
{
	struct sp_names files = { 0 };
	struct sp_err err = { "" };
	char who[SP_WISH_MAX];
	enum sp_wish wish;
	enum sp_status st;
	struct sp_jw w;
	size_t i;

	if (!query_only(r, no_keys, a))
		return;
	st = sp_wish_list(&s->spool, &files, &err);
	if (st != SP_OK) {
		answer_status(a, st, &err, NULL);
		return;
	}
	answer_object(a, 200, &w);
	sp_jw_open(&w, "wishes", '[');
	for (i = 0; i < files.n; i++) {
		if (!sp_wish_parse(sp_names_at(&files, i), who, &wish))
			continue;
		sp_jw_open(&w, NULL, '{');
		sp_jw_text(&w, "who", who);
		sp_jw_text(&w, "wish", words[wish]);
		sp_jw_close(&w, '}');
	}
	sp_jw_close(&w, ']');
	answer_end(a, &w);
	sp_names_clear(&files);
}

void
v1_wish(struct server *s, struct request *r, struct answer *a)
{
	const char *who = r->param[0];
	struct sp_err err = { "" };
	enum sp_status st;
	int i;

	if (!query_only(r, no_keys, a))
		return;
	for (i = 0; i < SP_WISHES && strcmp(r->param[1], words[i]) != 0; i++)
		;
	/* One to resume that is for all who will come could never be taken
	 * away. */
	if (i == SP_WISHES || who[strspn(who, SP_WORD)] != '\0' ||
	    strlen(who) > SP_WORKER_MAX ||
	    (!sp_worker_ok(who) &&
		(i == SP_WISH_RESUME || strlen(who) > SP_BASE_MAX))) {
		answer_wrong(a, W_REQUEST,
		    "expected /v1/wishes/WHO/drain, now or resume (of a W)");
		return;
	}
	st = r->method == M_PUT
	    ? sp_wish_set(&s->spool, who, (enum sp_wish)i, &err)
	    : sp_wish_unset(&s->spool, who, (enum sp_wish)i, &err);
	if (st != SP_OK && !(st == SP_GONE && r->method == M_DELETE))
		answer_status(a, st, &err, NULL);
	else if (r->method == M_PUT)
		answer_texts(a, 200, "who", who, "wish", words[i], NULL);
	else
		a->status = 204;
}

/* ---- marks ---- */

void
v1_marks(struct server *s, struct request *r, struct answer *a)
{
	struct sp_names hold = { 0 }, cancel = { 0 };
	struct sp_err err = { "" };
	enum sp_status st;
	struct sp_jw w;

	if (!query_only(r, no_keys, a))
		return;
	st = sp_mark_list(&s->spool, SP_DIR_HOLD, &hold, &err);
	if (st == SP_OK)
		st = sp_mark_list(&s->spool, SP_DIR_CANCEL, &cancel, &err);
	if (st == SP_OK) {
		answer_object(a, 200, &w);
		put_names(&w, "hold", &hold);
		put_names(&w, "cancel", &cancel);
		answer_end(a, &w);
	} else {
		answer_status(a, st, &err, NULL);
	}
	sp_names_clear(&hold);
	sp_names_clear(&cancel);
}
