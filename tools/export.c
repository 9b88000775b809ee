/*
 * export.c - spool export: orders for other programs.  What a format is made of
 * stands in exportflat.c and exportsql.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/sqlout.h"
#include "libspool/file.h"
#include "libspool/json.h"
#include "libspool/outcome.h"
#include "tools/export.h"
#include "tools/sift.h"

enum form {
	JSONL,
	CSV,
	SQLITE,
	PARQUET
};

static const char *const forms[] = { "jsonl", "csv", "sqlite", "parquet-ready",
	NULL };

struct export
{
	struct sift sift;
	int form; /* -1: not said */
	const char *path;
	FILE *to, *lines;
	struct sql_out *sql;
	struct flat_columns columns;
	struct sp_buf line;
	enum sp_status status;
	struct sp_err err;
	struct term_bar bar;
	size_t n;
};

/* ---- one order ---- */

static void
put_outcome(struct sp_jw *w, struct view *view)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX + 2);
	struct json_t *json = NULL;
	char file[SP_NAME_MAX];
	struct stat st;

	(void)snprintf(file, sizeof file, "%s.json", view->row->name.id.text);
	if (sp_state_over_is(view->row->state) &&
	    sp_read(view->spool->dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX,
		&text, &st, NULL) == SP_OK)
		(void)sp_json_parse(sp_buf_text(&text), text.len, &json, NULL);
	if (json != NULL)
		sp_jw_json(w, "outcome", json);
	else
		sp_jw_null(w, "outcome");
	sp_json_free(json);
	sp_buf_clear(&text);
}

/* All that there is of it: the row with its metrics, the job, the outcome. */
static void
put_whole(struct export *x, struct view *view)
{
	const struct json_t *job;
	struct sp_jw w;

	sp_row_print(view->row, &x->line);
	while (x->line.len > 0 && x->line.data[x->line.len - 1] != '}')
		x->line.data[--x->line.len] = '\0';
	if (x->line.len > 0)
		x->line.data[--x->line.len] = '\0';
	sp_jw_init(&w, &x->line);
	w.comma = true;
	if ((job = view_job(view)) != NULL)
		sp_jw_json(&w, "job", job);
	else
		sp_jw_null(&w, "job");
	put_outcome(&w, view);
	sp_jw_close(&w, '}');
	sp_buf_puts(&x->line, "\n");
}

static int
one(void *arg, struct view *view)
{
	struct export *x = arg;
	FILE *to = x->form == JSONL ? x->to : x->lines;

	if (view->row->name.bundle)
		return 0;
	sp_buf_reset(&x->line);
	if (x->form == SQLITE)
		x->status = export_sql(view, x->sql, &x->err);
	else if (x->form == JSONL)
		put_whole(x, view);
	else
		export_flat(view, &x->columns, &x->line);
	if (x->form != SQLITE)
		(void)fwrite(sp_buf_text(&x->line), 1, x->line.len, to);
	x->n++;
	if (x->bar.on && x->n % 1024 == 0 &&
	    (double)sp_mono_ms() / 1000 - x->bar.started > 1) {
		(void)fprintf(stderr, "\r%zu orders\033[K", x->n);
		x->bar.drawn = true;
	}
	return x->status != SP_OK || (to != NULL && ferror(to));
}

/* ---- all ---- */

static int
schema(struct export *x)
{
	char path[4200];
	FILE *to;
	int bad;

	(void)snprintf(path, sizeof path, "%s.schema.json", x->path);
	if ((to = fopen(path, "w")) == NULL) {
		complain("%s: %s", path, strerror(errno));
		return ANSWER_WRONG;
	}
	export_schema(&x->columns, to);
	bad = ferror(to);
	if (fclose(to) != 0 || bad) {
		complain("%s: cannot be written", path);
		return ANSWER_LATER;
	}
	return ANSWER_YES;
}

static int
finish(struct export *x)
{
	int answer = ANSWER_YES;

	if (x->columns.failed)
		complain("more columns than 2000, or no memory for them: what "
			 "came after is left out");
	if (x->lines != NULL) {
		rewind(x->lines);
		if (export_columns(
			x->lines, &x->columns, x->form == CSV, x->to) != 0)
			answer = ANSWER_LATER;
	}
	if (x->form == PARQUET && answer == ANSWER_YES)
		answer = schema(x);
	if (x->sql != NULL && sql_out_end(x->sql, true, &x->err) != SP_OK)
		answer = complain_of(SP_RETRY, &x->err, x->path);
	x->sql = NULL;
	if (x->path != NULL && x->to != NULL) {
		if (ferror(x->to) || fclose(x->to) != 0) {
			complain("%s: %s", x->path, strerror(errno));
			answer = ANSWER_LATER;
		}
		x->to = NULL;
	}
	return answer;
}

static int
begin(struct export *x)
{
	struct sp_err err = { "" };
	enum sp_status st;

	if (x->path == NULL && (x->form == SQLITE || x->form == PARQUET)) {
		complain(
		    "--format %s is no stream: give -o FILE", forms[x->form]);
		return ANSWER_WRONG;
	}
	if (x->form == SQLITE) {
		st = sql_out_begin(x->path, &x->sql, &err);
		if (st != SP_OK)
			complain("%s; it is made anew: give a name that is not "
				 "there",
			    err.text);
		return st == SP_OK ? ANSWER_YES : ANSWER_WRONG;
	}
	x->to = x->path == NULL ? stdout : fopen(x->path, "w");
	if (x->to == NULL) {
		complain("%s: %s", x->path, strerror(errno));
		return ANSWER_WRONG;
	}
	if (x->form != JSONL && (x->lines = tmpfile()) == NULL) {
		complain("no temporary file: %s", strerror(errno));
		return ANSWER_LATER;
	}
	return ANSWER_YES;
}

static int
run(struct export *x)
{
	enum sp_status st;
	int answer;

	if ((answer = begin(x)) != ANSWER_YES)
		return answer;
	x->sift.metrics = true;
	term_bar_init(&x->bar, 0);
	st = sift_rows(&x->sift, one, x, &x->err);
	term_bar_wipe(&x->bar);
	if (st == SP_OK)
		st = x->status;
	if (st != SP_OK)
		return complain_of(st, &x->err, "export");
	sift_hint(&x->sift);
	return finish(x);
}

static int
option(struct export *x, int c)
{
	switch (c) {
	case 'f':
		for (x->form = 0; forms[x->form] != NULL; x->form++)
			if (strcmp(forms[x->form], optarg) == 0)
				return ANSWER_YES;
		complain("--format %s: there are jsonl, csv, sqlite and "
			 "parquet-ready",
		    optarg);
		return ANSWER_WRONG;
	case 'o':
		x->path = optarg;
		return ANSWER_YES;
	case 'w':
		return sift_where(&x->sift, optarg);
	default:
		return usage_wrong();
	}
}

static int
export_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "where", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	struct export x = { .form = -1 };
	int c, answer = ANSWER_YES, ran;

	sift_init(&x.sift, tool);
	sp_buf_init(&x.line, 64 * 1024 * 1024);
	while (answer == ANSWER_YES &&
	    (c = getopt_long(argc, argv, "o:", longs, NULL)) != -1)
		answer = option(&x, c);
	if (answer == ANSWER_YES && x.form == -1) {
		complain("say --format jsonl, csv, sqlite or parquet-ready");
		answer = ANSWER_WRONG;
	}
	if (answer == ANSWER_YES)
		answer = sift_words(&x.sift, argc - optind, argv + optind);
	if (answer == ANSWER_YES || x.sift.ids_n > 0)
		if ((ran = run(&x)) > answer)
			answer = ran;
	if (x.lines != NULL)
		(void)fclose(x.lines);
	if (x.to != NULL && x.to != stdout)
		(void)fclose(x.to);
	(void)sql_out_end(x.sql, false, NULL);
	flat_columns_clear(&x.columns);
	sp_buf_clear(&x.line);
	sift_clear(&x.sift);
	return answer;
}

const struct verb verb_export = {
	.name = "export",
	.usage = "--format F [-o FILE] [--where EXPR] [GROUP | ID ...]",
	.help = "orders for other programs",
	.page =
	    "  jsonl          one object a line: the row and its metrics "
	    "('spool ls --json\n                 --metrics'), job, outcome\n"
	    "  csv            one line an order: id, state, ..., params.X, "
	    "metrics.X.best, ...\n"
	    "  sqlite         tables orders, params and metrics in a new "
	    "FILE\n"
	    "  parquet-ready  JSON lines, each with every column, of one type "
	    "each; which,\n                 says FILE.schema.json\n\n"
	    "  -o FILE        not standard output; sqlite and parquet-ready "
	    "need it\n"
	    "  --where EXPR   as 'spool ls' has it\n\n"
	    "  spool export --format csv sweep-7 >sweep-7.csv\n"
	    "  spool export --format sqlite -o all.db\n"
	    "  sqlite3 all.db \"select name, best from metrics order by best "
	    "limit 5\"\n",
	.run = export_run,
};
