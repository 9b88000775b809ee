/*
 * entry.c - one order's entry: what is read of it, and what is recorded.
 */
#include <string.h>
#include <unistd.h>

#include "index/inner.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/log.h"
#include "libspool/outcome.h"

/* ---- one order ---- */

/* Its accepted outcome, once, into outcomes.jsonl. */
static enum sp_status
add_line(struct work *w, const struct sp_id *id, struct sp_err *err)
{
	const struct sp_buf *text = &w->texts.outcome;
	struct index *ix = w->ix;
	enum sp_status st;
	bool first;

	st = sql_lined_set(ix->sql, id, &first, err);
	if (st != SP_OK || !first)
		return st;
	w->report->lines++;
	st = lines_add(&ix->lines, text->data, text->len, err);
	return st == SP_BAD ? SP_RETRY : st;
}

/* What ready.jsonl says of an order in new/. */
static void
print_need(const struct work *w, const struct sp_name *name, struct sp_buf *out)
{
	const struct sp_buf *text = &w->texts.job;
	struct sp_job job = { 0 };
	char file[SP_NAME_MAX];
	struct sp_jw jw;
	bool valid;
	size_t i;

	/* What is no valid job needs nothing: it is claimed to be refused. */
	valid = sp_job_parse(sp_buf_text(text), text->len, &job, NULL) == SP_OK;
	sp_name_print(name, file);
	sp_jw_init(&jw, out);
	sp_jw_open(&jw, NULL, '{');
	sp_jw_text(&jw, "name", file);
	sp_jw_text(&jw, "script", valid ? job.script : NULL);
	sp_jw_int(&jw, "gpus", valid ? job.gpus : 0);
	sp_jw_real(&jw, "cpus", valid ? job.cpus : 0);
	sp_jw_int(&jw, "memory", valid ? job.memory : 0);
	sp_jw_open(&jw, "requires", '[');
	for (i = 0; valid && i < job.requires_n; i++)
		sp_jw_text(&jw, NULL, job.requires[i]);
	sp_jw_close(&jw, ']');
	sp_jw_close(&jw, '}');
	sp_job_clear(&job);
}

/* The directory that it stands in stays open: the next one comes from there. */
static int
dirfd_of(struct work *w, int64_t dir)
{
	char path[24];

	if (w->dirfd != -1 && w->dir == dir)
		return w->dirfd;
	if (w->dirfd != -1)
		(void)sp_fs_close(w->dirfd);
	stamp_dir_print(dir, path);
	w->dir = dir;
	if (sp_open_dir(w->ix->spool->root, path, &w->dirfd, NULL) != SP_OK)
		w->dirfd = -1;
	return w->dirfd;
}

/* What came of its metrics.  Of one that runs they are follow.c's. */
static enum sp_status
put_metrics(struct work *w, struct sp_row *row, struct sp_err *err)
{
	struct sp_metrics m;
	enum sp_status st;
	int64_t at;

	if (row->state == SP_ASSIGNED || !sp_row_metrics_are(row))
		return SP_OK;
	if ((st = sql_metrics(w->ix->sql, &row->name.id, &m, err)) != SP_OK)
		return st;
	at = m.at;
	st = sp_row_fold(w->ix->spool, row, &m, err);
	if (st != SP_OK || (m.worker[0] == '\0' && at == 0))
		return st;
	if ((st = work_begin(w, err)) != SP_OK)
		return st;
	return sql_metrics_set(w->ix->sql, &row->name.id, &m, err);
}

/* Read the order that has this name and record it. */
enum sp_status
work_put(struct work *w, int64_t dir, enum sp_state state, const char *text,
    struct sp_err *err)
{
	struct sp_buf need = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err why = { "" };
	struct sp_name name;
	struct sp_row row;
	enum sp_status st;

	if (sp_name_parse(text, &name) != SP_OK ||
	    (name.worker[0] != '\0') != sp_state_owned_is(state) ||
	    stamp_dir(state, &name.id) != dir)
		return SP_OK; /* not an order's: `spool check` tells of it */
	st = sp_row_read_texts(w->ix->spool, dirfd_of(w, dir), state, &name,
	    &row, &w->texts, &why);
	if (st == SP_GONE)
		return SP_GONE; /* moved: that directory's stamp too */
	if (st == SP_RETRY)
		return sp_err_set(err, st, "%s", why.text);
	if (st != SP_OK) {
		w->odd++;
		if (sp_warn_due(text))
			sp_warn("index order=%s: %s", text, why.text);
		return SP_OK;
	}
	if ((st = put_metrics(w, &row, err)) != SP_OK)
		return st;
	if (state == SP_NEW && w->texts.job.len > 0)
		print_need(w, &name, &need);
	if ((st = work_begin(w, err)) == SP_OK)
		st = sql_put(w->ix->sql, dir, &row,
		    need.len > 0 && !need.failed ? need.data : NULL, err);
	sp_buf_clear(&need);
	if (st == SP_OK && sp_state_over_is(state) && row.status != 0)
		st = add_line(w, &name.id, err);
	w->report->put++;
	w->report->head_changed |= state == SP_NEW;
	return st;
}

enum sp_status
work_drop(struct work *w, int64_t dir, enum sp_state state, const char *text,
    struct sp_err *err)
{
	enum sp_status st;

	if ((st = work_begin(w, err)) == SP_OK)
		st = sql_drop(w->ix->sql, dir, text, err);
	w->report->gone++;
	w->report->head_changed |= state == SP_NEW;
	return st;
}
