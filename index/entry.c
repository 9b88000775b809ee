/*
 * entry.c - one order's entry, and one directory's: names that are new are
 * read, names that are gone are dropped.
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
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct index *ix = w->ix;
	char file[SP_ID_LEN + 8];
	enum sp_status st;
	struct stat sb;
	bool lined;

	if ((st = sql_lined(ix->sql, id, &lined, err)) != SP_OK || lined)
		return st;
	(void)strcpy(file, id->text);
	(void)strcat(file, ".json");
	st = sp_read(ix->spool->dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX,
	    &text, &sb, NULL);
	if (st == SP_OK)
		st = lines_add(&ix->lines, text.data, text.len, err);
	sp_buf_clear(&text);
	if (st == SP_RETRY)
		return sp_err_set(err, st, "read outcomes/%s", file);
	if (st != SP_OK)
		return SP_OK; /* it was whole a moment ago; not for us */
	w->report->lines++;
	return sql_lined_set(ix->sql, id, err);
}

/* What ready.jsonl says of an order in new/. */
static void
print_need(const struct work *w, const struct sp_name *name, struct sp_buf *out)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_job job = { 0 };
	char file[SP_NAME_MAX];
	struct sp_jw jw;
	bool valid;
	size_t i;

	if (sp_order_read(w->ix->spool, SP_NEW, name, &text, NULL) != SP_OK) {
		sp_buf_clear(&text);
		return;
	}
	/* What is no valid job needs nothing: it is claimed to be refused. */
	valid = sp_job_parse(text.data, text.len, &job, NULL) == SP_OK;
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
	sp_buf_clear(&text);
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
	st = sp_row_read_bare(w->ix->spool, state, &name, &row, &why);
	if (st == SP_GONE)
		return SP_OK; /* moved meanwhile: that directory's stamp too */
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
	if (state == SP_NEW && !name.bundle)
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

/* ---- one directory ---- */

static enum sp_status
list_dir(
    const struct work *w, int64_t dir, struct sp_names *out, struct sp_err *err)
{
	enum sp_status st;
	char path[24];
	int fd;

	stamp_dir_print(dir, path);
	st = sp_open_dir(w->ix->spool->root, path, &fd, NULL);
	if (st == SP_GONE) {
		out->n = out->len = 0;
		return SP_OK;
	}
	if (st != SP_OK)
		return sp_err_set(err, SP_RETRY, "open %s", path);
	st = sp_list(fd, false, out, err);
	(void)sp_fs_close(fd);
	return st == SP_OK ? SP_OK : SP_RETRY; /* BAD is for the database */
}

/* Two sorted lists side by side.  *more_out: time was up. */
static enum sp_status
compare_names(struct work *w, int64_t dir, enum sp_state state,
    const struct sp_names *here, const struct sp_names *known, bool *more_out,
    struct sp_err *err)
{
	enum sp_status st = SP_OK;
	size_t i = 0, k = 0;
	int c;

	*more_out = false;
	while (st == SP_OK && (i < here->n || k < known->n)) {
		c = i == here->n ? 1
		    : k == known->n
		    ? -1
		    : strcmp(sp_names_at(here, i), sp_names_at(known, k));
		if (c == 0) {
			i++, k++;
		} else if (c > 0) {
			if ((st = work_begin(w, err)) == SP_OK)
				st = sql_drop(w->ix->sql, dir,
				    sp_names_at(known, k++), err);
			w->report->gone++;
			w->report->head_changed |= state == SP_NEW;
		} else {
			if (work_late(w)) {
				*more_out = true;
				return SP_OK;
			}
			st = work_put(
			    w, dir, state, sp_names_at(here, i++), err);
		}
	}
	return st;
}

enum sp_status
work_dir(struct work *w, int64_t dir, enum sp_state state, bool *more_out,
    struct sp_err *err)
{
	struct sp_names here = { 0 }, known = { 0 };
	enum sp_status st;

	if ((st = list_dir(w, dir, &here, err)) == SP_OK &&
	    (st = sql_names(w->ix->sql, dir, &known, err)) == SP_OK)
		st = compare_names(w, dir, state, &here, &known, more_out, err);
	sp_names_clear(&here);
	sp_names_clear(&known);
	return st;
}
