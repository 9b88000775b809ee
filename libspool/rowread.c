/*
 * rowread.c - find the texts that make a row: the job where the order stands,
 * the outcome when it is over.  What they say is row.c's business.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/outcome.h"
#include "libspool/row.h"

static void
complain(struct sp_row *row, const char *what, const char *why)
{
	char text[SP_ERR_MAX + 32];

	if (row->error[0] != '\0')
		return;
	(void)snprintf(text, sizeof text, "%s: %s", what, why);
	sp_text_cut(row->error, sizeof row->error, text);
}

static void
parse_job(struct sp_row *row, struct sp_row_texts *texts)
{
	const struct sp_buf *text = &texts->job;
	struct sp_err why = { "" };
	enum sp_status st;

	st = sp_job_parse(sp_buf_text(text), text->len, &texts->parsed, &why);
	texts->valid = st == SP_OK;
	sp_row_parsed(row, &texts->parsed, st, &why);
}

static enum sp_status
read_job(const struct sp_spool *spool, int dirfd, struct sp_row *row,
    struct sp_row_texts *texts, struct sp_err *err)
{
	struct sp_buf *text = &texts->job;
	struct sp_err why = { "" };
	char file[SP_NAME_MAX];
	enum sp_status st;
	struct stat info;

	if (row->name.bundle) {
		sp_row_job(row, "", 0);
		return SP_OK;
	}
	sp_name_print(&row->name, file);
	st = dirfd == -1
	    ? sp_order_read(spool, row->state, &row->name, text, &why)
	    : sp_read(dirfd, file, SP_JOB_MAX, text, &info, &why);
	if (st == SP_OK)
		parse_job(row, texts);
	else if (st == SP_BAD)
		complain(row, "job", why.text);
	else
		(void)sp_err_set(err, st, "%s", why.text);
	if (st != SP_OK)
		sp_buf_reset(text);
	return st == SP_BAD ? SP_OK : st;
}

static enum sp_status
read_outcome(const struct sp_spool *spool, struct sp_row *row,
    struct sp_buf *text, struct sp_err *err)
{
	struct sp_err why = { "" };
	char file[SP_ID_LEN + sizeof ".json"];
	enum sp_status st;
	struct stat info;

	(void)snprintf(file, sizeof file, "%s.json", row->name.id.text);
	st = sp_read(spool->dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX, text,
	    &info, &why);
	if (st == SP_OK)
		sp_row_outcome(row, sp_buf_text(text), text->len);
	else if (st == SP_GONE)
		complain(row, "outcome", "not there (yet)");
	else if (st == SP_BAD)
		complain(row, "outcome", why.text);
	else
		(void)sp_err_set(err, st, "%s", why.text);
	if (st != SP_OK)
		sp_buf_reset(text);
	return st == SP_GONE || st == SP_BAD ? SP_OK : st;
}

void
sp_row_texts_init(struct sp_row_texts *texts)
{
	sp_buf_init(&texts->job, SP_BUNDLE_MAX);
	sp_buf_init(&texts->outcome, SP_OUTCOME_MAX + 2);
	texts->parsed = (struct sp_job){ 0 };
	texts->valid = false;
}

/* Nothing of the one before. */
static void
texts_reset(struct sp_row_texts *texts)
{
	sp_buf_reset(&texts->job);
	sp_buf_reset(&texts->outcome);
	sp_job_clear(&texts->parsed);
	texts->valid = false;
}

void
sp_row_texts_clear(struct sp_row_texts *texts)
{
	sp_job_clear(&texts->parsed);
	sp_buf_clear(&texts->job);
	sp_buf_clear(&texts->outcome);
}

enum sp_status
sp_row_read_texts(const struct sp_spool *spool, int dirfd, enum sp_state state,
    const struct sp_name *name, struct sp_row *row_out,
    struct sp_row_texts *texts, struct sp_err *err)
{
	enum sp_status st;

	memset(row_out, 0, sizeof *row_out);
	row_out->name = *name;
	row_out->state = state;
	(void)strcpy(row_out->title, name->label);
	texts_reset(texts);
	st = read_job(spool, dirfd, row_out, texts, err);
	if (st != SP_OK || !sp_state_over_is(state))
		return st;
	return read_outcome(spool, row_out, &texts->outcome, err);
}

enum sp_status
sp_row_read_bare(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, struct sp_row *row_out, struct sp_err *err)
{
	struct sp_row_texts texts;
	enum sp_status st;

	sp_row_texts_init(&texts);
	st = sp_row_read_texts(spool, -1, state, name, row_out, &texts, err);
	sp_row_texts_clear(&texts);
	return st;
}

/* ---- some at once ---- */

#define SMALL 65536 /* longer ones are read alone */

/* One of them: where its texts are, and they. */
struct texts {
	char job[SP_DAY_LEN + 1 + SP_NAME_MAX];
	char outcome[SP_ID_LEN + sizeof ".json"];
	struct sp_buf text[2];
};

static size_t
texts_ask(const struct sp_spool *spool, const struct sp_row *row,
    struct texts *t, struct sp_fs_op ops[2])
{
	bool over = sp_state_over_is(row->state);
	char day[SP_DAY_LEN + 1], file[SP_NAME_MAX];

	sp_id_day(&row->name.id, day);
	sp_name_print(&row->name, file);
	(void)snprintf(t->job, sizeof t->job, "%s%s%s", over ? day : "",
	    over ? "/" : "", file);
	(void)snprintf(
	    t->outcome, sizeof t->outcome, "%s.json", row->name.id.text);
	ops[0] = (struct sp_fs_op){ .what = SP_FS_GET,
		.dir = spool->dir[(int)row->state],
		.path = t->job,
		.max = SMALL,
		.text = &t->text[0] };
	ops[1] = (struct sp_fs_op){ .what = SP_FS_GET,
		.dir = spool->dir[SP_DIR_OUTCOMES],
		.path = t->outcome,
		.max = SMALL,
		.text = &t->text[1] };
	return over ? 2 : 1;
}

static void
texts_take(struct sp_row_some *one, const struct texts *t,
    const struct sp_fs_op *ops, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ops[i].error != 0 || t->text[i].failed)
			return;
	sp_row_job(&one->row, sp_buf_text(&t->text[0]), t->text[0].len);
	if (n > 1)
		sp_row_outcome(
		    &one->row, sp_buf_text(&t->text[1]), t->text[1].len);
	one->read = true;
}

void
sp_row_read_some(
    const struct sp_spool *spool, struct sp_row_some *all, size_t n)
{
	struct texts *t = calloc(n + 1, sizeof *t);
	struct sp_fs_op *ops = calloc(2 * n + 1, sizeof *ops);
	size_t i, k = 0, used;

	for (i = 0; i < n && t != NULL && ops != NULL; i++) {
		struct sp_row *row = &all[i].row;
		const struct sp_row is = { .name = row->name,
			.state = row->state };

		sp_buf_init(&t[i].text[0], SMALL + 2);
		sp_buf_init(&t[i].text[1], SMALL + 2);
		*row = is;
		(void)strcpy(row->title, row->name.label);
		if (!row->name.bundle)
			k += texts_ask(spool, row, &t[i], ops + k);
	}
	sp_fs_many(ops, k);
	for (i = 0, k = 0; i < n && t != NULL && ops != NULL; i++) {
		if (!all[i].row.name.bundle) {
			used = sp_state_over_is(all[i].row.state) ? 2 : 1;
			texts_take(&all[i], &t[i], ops + k, used);
			k += used;
		}
		sp_buf_clear(&t[i].text[0]);
		sp_buf_clear(&t[i].text[1]);
	}
	free(ops);
	free(t);
}

/* ---- and its metrics ---- */

enum sp_status
sp_row_fold(const struct sp_spool *spool, struct sp_row *row,
    struct sp_metrics *m, struct sp_err *err)
{
	enum sp_status st;
	bool more;

	if (!sp_row_metrics_are(row)) {
		sp_metrics_init(m);
		return SP_OK;
	}
	st = sp_metrics_read(spool, row->state, &row->name, 0, m, &more, err);
	if (st == SP_OK)
		sp_row_metrics(row, m);
	return st;
}

enum sp_status
sp_row_read(const struct sp_spool *spool, enum sp_state state,
    const struct sp_name *name, struct sp_row *row_out, struct sp_err *err)
{
	struct sp_metrics m;
	enum sp_status st;

	sp_metrics_init(&m);
	st = sp_row_read_bare(spool, state, name, row_out, err);
	return st == SP_OK ? sp_row_fold(spool, row_out, &m, err) : st;
}
