/*
 * served.c - rows from a spool's HTTP server, a page at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "tools/served.h"
#include "transport/answer.h"
#include "transport/media.h"

#define PAGE    SERVED_LAST
#define PAGE_MS 60000 /* for the answer to one question */
#define PATH    4096  /* bytes of a question */

struct asked {
	const struct sp_spool *spool;
	unsigned states;
	size_t last;
	const char *match;
	bool metrics;
	see_fn *fn;
	void *arg;
	char after[SP_ID_LEN + 1];
	bool more;
};

bool
served_is(const struct sp_spool *spool)
{
	return tr_server != NULL && tr_server->is(spool);
}

/* ---- one page ---- */

static void
question(const struct asked *f, struct sp_buf *path)
{
	const char *comma = "?state=";
	int i;

	sp_buf_puts(path, "/v1/orders");
	for (i = 0; i < SP_STATES; i++)
		if ((f->states & SEE_STATE(i)) != 0) {
			sp_buf_printf(path, "%s%s", comma,
			    sp_state_text((enum sp_state)i));
			comma = ",";
		}
	if (f->last > 0)
		sp_buf_printf(path, "&last=%zu", f->last);
	else
		sp_buf_printf(path, "&limit=%d", PAGE);
	if (f->match != NULL)
		tr_server->path(path, "&match=", f->match, "");
	if (f->after[0] != '\0')
		sp_buf_printf(path, "&after=%s", f->after);
}

static enum sp_status
one_row(struct asked *f, const struct json_t *json, struct sp_err *err)
{
	struct sp_metrics *m;
	enum sp_status st;
	struct sp_row row;

	if (sp_row_take(json, &row) != SP_OK)
		return SP_OK; /* none that we know */
	if (!f->metrics) {
		f->more = f->more && f->fn(f->arg, &row) == 0;
		return SP_OK;
	}
	if ((m = malloc(sizeof *m)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	sp_metrics_init(m);
	st = sp_row_metrics_are(&row) ? sp_row_fold(f->spool, &row, m, err)
				      : SP_OK;
	if (st == SP_OK && m->n > 0)
		row.metrics = m;
	if (st == SP_OK)
		f->more = f->more && f->fn(f->arg, &row) == 0;
	free(m);
	return st;
}

static enum sp_status
page(struct asked *f, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(PATH), text = SP_BUF_INIT(ANSWER_MOST);
	struct json_t *json = NULL;
	const struct json_t *rows;
	const char *next;
	enum sp_status st;
	struct sp_id id;
	size_t i;

	question(f, &path);
	st = tr_server->get(f->spool, &path, PAGE_MS, &text, err);
	if (st == SP_OK)
		st = sp_json_parse(sp_buf_text(&text), text.len, &json, err);
	rows = sp_json_get(json, "orders");
	for (i = 0; st == SP_OK && f->more && i < sp_json_count(rows); i++)
		st = one_row(f, sp_json_at(rows, i), err);
	next = sp_json_text(sp_json_get(json, "next"));
	if (f->last > 0 || next == NULL || sp_id_parse(next, &id) != SP_OK ||
	    strcmp(next, f->after) <= 0)
		f->more = false;
	else
		(void)strcpy(f->after, id.text);
	sp_json_free(json);
	sp_buf_clear(&text);
	sp_buf_clear(&path);
	return st == SP_BAD ? SP_RETRY : st;
}

static enum sp_status
pages(struct asked *f, struct sp_err *err)
{
	enum sp_status st = SP_OK;

	f->more = true;
	while (st == SP_OK && f->more)
		st = page(f, err);
	return st;
}

/* ---- what see.c wants ---- */

enum sp_status
served_rows(const struct sp_spool *spool, unsigned states, size_t last,
    see_fn *fn, void *arg, struct sp_err *err)
{
	struct asked f = { .spool = spool,
		.states = states & SEE_ALL,
		.metrics = (states & SEE_METRICS) != 0,
		.last = last,
		.fn = fn,
		.arg = arg };

	return pages(&f, err);
}

enum sp_status
served_row(const struct sp_spool *spool, const struct sp_id *id,
    struct sp_row *row_out, struct sp_err *err)
{
	struct sp_buf path = SP_BUF_INIT(PATH),
		      text = SP_BUF_INIT(4 * 1024 * 1024);
	struct json_t *json = NULL;
	enum sp_status st;

	tr_server->path(&path, "/v1/orders/", id->text, "");
	st = tr_server->get(spool, &path, 0, &text, err);
	if (st == SP_OK &&
	    (sp_json_parse(sp_buf_text(&text), text.len, &json, err) != SP_OK ||
		sp_row_take(json, row_out) != SP_OK))
		st = sp_err_set(err, SP_RETRY, "an answer that is no row");
	sp_json_free(json);
	sp_buf_clear(&text);
	sp_buf_clear(&path);
	return st;
}

static int
list_put(void *arg, const struct sp_row *row)
{
	struct see_list *list = arg;
	size_t cap = list->cap == 0 ? 256 : list->cap * 2;
	struct see_entry *entry;

	if (list->n == list->cap) {
		entry = realloc(list->entry, cap * sizeof *entry);
		if (entry == NULL)
			return 1;
		list->entry = entry;
		list->cap = cap;
	}
	list->entry[list->n].name = row->name;
	list->entry[list->n++].state = row->state;
	return 0;
}

enum sp_status
served_list(const struct sp_spool *spool, const char *match,
    struct see_list *list_out, struct sp_err *err)
{
	struct see_list list = { 0 };
	struct asked f = { .spool = spool,
		.states = SEE_ALL,
		.match = match,
		.fn = list_put,
		.arg = &list };
	enum sp_status st = pages(&f, err);

	if (st == SP_OK)
		*list_out = list; /* by id, as the server has them */
	else
		see_list_clear(&list);
	return st;
}
