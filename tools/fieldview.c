/*
 * fieldview.c - one order while it is looked at, its job, and what that says.
 */
#include <string.h>

#include "libspool/find.h"
#include "libspool/json.h"
#include "tools/field.h"

void
view_init(struct view *view, const struct sp_spool *spool)
{
	memset(view, 0, sizeof *view);
	view->spool = spool;
	view->now = sp_wall_ms();
	sp_buf_init(&view->text, SP_JOB_MAX + 2);
}

void
view_set(struct view *view, const struct sp_row *row)
{
	sp_json_free(view->job);
	view->job = NULL;
	view->looked = false;
	view->row = row;
	sp_buf_reset(&view->text);
}

void
view_clear(struct view *view)
{
	sp_json_free(view->job);
	view->job = NULL;
	sp_buf_clear(&view->text);
}

const struct json_t *
view_job(struct view *view)
{
	struct sp_name name = view->row->name;
	enum sp_state state = view->row->state;
	enum sp_status st;
	int i;

	if (view->looked || view->row->name.bundle)
		return view->job;
	view->looked = true;
	st = sp_order_read(view->spool, state, &name, &view->text, NULL);
	/* It has moved since it was listed. */
	for (i = 0; i < 20 && (st == SP_GONE || st == SP_LOST); i++) {
		if (see_find(view->spool, &view->row->name.id, &state, &name,
			NULL) != SP_OK)
			return NULL;
		st =
		    sp_order_read(view->spool, state, &name, &view->text, NULL);
	}
	if (st == SP_OK)
		(void)sp_json_parse(
		    sp_buf_text(&view->text), view->text.len, &view->job, NULL);
	return view->job;
}

const struct json_t *
job_member(const struct json_t *job, const char *path)
{
	const struct json_t *at = sp_json_get(job, path);
	char part[FIELD_MAX + 1];
	const char *dot;
	long n;

	if (at != NULL || (dot = strchr(path, '.')) == NULL)
		return at;
	if (dot - path > FIELD_MAX)
		return NULL;
	(void)snprintf(part, sizeof part, "%.*s", (int)(dot - path), path);
	at = sp_json_get(job, part);
	if (sp_json_kind(at) == SP_JSON_OBJECT)
		return job_member(at, dot + 1);
	if (sp_json_kind(at) == SP_JSON_LIST &&
	    number_parse(dot + 1, 0, 1000000, &n))
		return sp_json_at(at, (size_t)n);
	return NULL;
}

static const char *
job_sweep(const struct json_t *job)
{
	const struct json_t *sweep = job_member(job, "order.sweep");

	return sp_json_kind(sweep) == SP_JSON_OBJECT
	    ? sp_json_text(sp_json_get(sweep, "id"))
	    : sp_json_text(sweep);
}

const char *
job_group(const struct json_t *job)
{
	const char *text = sp_json_text(job_member(job, "order.group"));

	if (text == NULL)
		text = job_sweep(job);
	return text == NULL ? "" : text;
}

bool
job_group_is(const struct json_t *job, const char *group)
{
	const char *sweep = job_sweep(job);

	return strcmp(job_group(job), group) == 0 ||
	    (sweep != NULL && strcmp(sweep, group) == 0);
}
