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
add_line(struct work *w, const struct sp_id *id, const struct sp_buf *text,
    struct sp_err *err)
{
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
print_need(
    const struct sp_row_texts *texts, const char *file, struct sp_buf *out)
{
	/* What is no valid job needs nothing: it is claimed to be refused. */
	const struct sp_job *job = &texts->parsed;
	bool valid = texts->valid;
	struct sp_jw jw;
	size_t i;

	sp_jw_init(&jw, out);
	sp_jw_open(&jw, NULL, '{');
	sp_jw_text(&jw, "name", file);
	sp_jw_text(&jw, "script", valid ? job->script : NULL);
	sp_jw_int(&jw, "gpus", valid ? job->gpus : 0);
	sp_jw_real(&jw, "cpus", valid ? job->cpus : 0);
	sp_jw_int(&jw, "memory", valid ? job->memory : 0);
	sp_jw_open(&jw, "requires", '[');
	for (i = 0; valid && i < job->requires_n; i++)
		sp_jw_text(&jw, NULL, job->requires[i]);
	sp_jw_close(&jw, ']');
	sp_jw_close(&jw, '}');
}

/* The directory that it stands in stays open: the next one comes from there. */
static int
dirfd_of(struct work *w, int64_t dir)
{
	char path[24];

	if (w->dirfd != -1 && w->dir == dir)
		return w->dirfd;
	work_alone(w); /* it reads there */
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

void
work_alone(struct work *w)
{
	ahead_stop(w->ahead);
	w->ahead = NULL;
}

bool
work_ahead(struct work *w, int64_t dir, enum sp_state state, const char *text)
{
	int fd = dirfd_of(w, dir);

	if (fd != -1 && w->ahead == NULL)
		w->ahead = ahead_start(w->ix->spool, fd, state);
	return w->ahead != NULL && ahead_add(w->ahead, text);
}

/* What was read, valid until the next one. */
static struct entry_read *
read_entry(struct work *w, int64_t dir, enum sp_state state,
    const struct sp_name *name, const char *text)
{
	int fd = dirfd_of(w, dir);
	struct entry_read *r = NULL;

	if (w->ahead != NULL)
		r = ahead_take(w->ahead, text);
	if (r != NULL)
		return r;
	r = &w->read;
	ahead_read(w->ix->spool, fd, state, name, r);
	return r;
}

/* Record it. */
static enum sp_status
put(struct work *w, int64_t dir, const char *text, struct entry_read *r,
    struct sp_err *err)
{
	struct sp_buf need = SP_BUF_INIT(SP_JOB_MAX);
	enum sp_state state = r->row.state;
	enum sp_status st;

	if ((st = put_metrics(w, &r->row, err)) != SP_OK)
		return st;
	if (state == SP_NEW && r->texts.job.len > 0)
		print_need(&r->texts, text, &need);
	if ((st = work_begin(w, err)) == SP_OK)
		st = sql_put(w->ix->sql, dir, &r->row, text,
		    need.len > 0 && !need.failed ? need.data : NULL, err);
	sp_buf_clear(&need);
	if (st == SP_OK && sp_state_over_is(state) && r->row.status != 0)
		st = add_line(w, &r->row.name.id, &r->texts.outcome, err);
	w->report->put++;
	w->report->head_changed |= state == SP_NEW;
	return st;
}

/* Read the order that has this name and record it. */
enum sp_status
work_put(struct work *w, int64_t dir, enum sp_state state, const char *text,
    struct sp_err *err)
{
	struct entry_read *r;
	struct sp_name name;

	if (sp_name_parse(text, &name) != SP_OK ||
	    (name.worker[0] != '\0') != sp_state_owned_is(state) ||
	    stamp_dir(state, &name.id) != dir)
		return SP_OK; /* not an order's: `spool check` tells of it */
	r = read_entry(w, dir, state, &name, text);
	if (r->st == SP_GONE)
		return SP_GONE; /* moved: that directory's stamp too */
	if (r->st == SP_RETRY)
		return sp_err_set(err, r->st, "%s", r->why.text);
	if (r->st == SP_OK)
		return put(w, dir, text, r, err);
	w->odd++;
	if (sp_warn_due(text))
		sp_warn("index order=%s: %s", text, r->why.text);
	return SP_OK;
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
