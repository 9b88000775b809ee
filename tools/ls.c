/*
 * ls.c - spool ls: the orders, one a line; a table for people, JSON lines for
 * programs.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/bundle.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "tools/served.h"
#include "tools/spool.h"

static const char *
state_colour(const char *cell)
{
	if (strcmp(cell, "failed") == 0)
		return "31";
	if (strcmp(cell, "done") == 0)
		return "32";
	return strcmp(cell, "assigned") == 0 ? "1" : NULL;
}

static const struct table_column columns[] = {
	{ .title = "ID" },
	{ .title = "STATE", .colour = state_colour },
	{ .title = "TRY", .right = true, .rank = 5 },
	{ .title = "NAME/PROJECT", .least = 6 },
	{ .title = "WORKER", .least = 6, .rank = 7 },
	{ .title = "STATUS", .right = true, .rank = 1 },
	{ .title = "PROGRESS", .rank = 4 },
	{ .title = "LOSS", .right = true, .rank = 2 },
	{ .title = "METRIC", .right = true, .rank = 3 },
	{ .title = "SECONDS", .right = true, .rank = 6 },
	{ .title = "AGE", .right = true, .rank = 8 },
};

struct ls {
	const struct sp_spool *spool;
	size_t bundles, jobs; /* not opened yet, and what is in them */
	struct table table;
	struct sp_buf line;
	int64_t now;
};

static int
ls_json(void *arg, const struct sp_row *row)
{
	struct ls *ls = arg;

	sp_buf_reset(&ls->line);
	sp_row_print(row, &ls->line);
	if (ls->line.len == 0 || ls->line.data[ls->line.len - 1] != '\n')
		sp_buf_puts(&ls->line, "\n");
	(void)fwrite(sp_buf_text(&ls->line), 1, ls->line.len, stdout);
	return ferror(stdout);
}

static void
put_number(struct table *table, bool has, double value)
{
	char text[32] = "";

	if (has)
		(void)snprintf(text, sizeof text, "%.6g", value);
	table_put(table, text);
}

/* The attempt that it is at: one more than were spent, but for orders that
 * ended without another run. */
static int
try_of(const struct sp_row *row)
{
	bool ran = row->state == SP_ASSIGNED || row->state == SP_DONE ||
	    (row->state == SP_FAILED && row->started != 0);

	return (int)row->name.attempt + (ran ? 1 : 0);
}

/* How many jobs wait in a bundle?  No row knows: it has none of its own. */
static size_t
jobs_of(struct ls *ls, const struct sp_row *row)
{
	struct sp_buf text = SP_BUF_INIT(SP_BUNDLE_MAX + 2);
	size_t n = 0;

	if (sp_order_read(ls->spool, row->state, &row->name, &text, NULL) ==
	    SP_OK)
		n = sp_bundle_jobs(sp_buf_text(&text), text.len);
	sp_buf_clear(&text);
	ls->bundles++;
	ls->jobs += n;
	return n;
}

static int
ls_line(void *arg, const struct sp_row *row)
{
	struct ls *ls = arg;
	struct table *table = &ls->table;
	char text[SP_LABEL_MAX + SP_FILE_MAX + 8];

	table_put(table, row->name.id.text);
	table_put(table, sp_state_text(row->state));
	(void)snprintf(text, sizeof text, "%d", try_of(row));
	table_put(table, text);
	(void)snprintf(text, sizeof text, "%s%s%s", row->title,
	    row->title[0] != '\0' && row->project[0] != '\0' ? "/" : "",
	    row->project);
	if (row->name.bundle && !sp_state_over_is(row->state) &&
	    !served_is(ls->spool))
		(void)snprintf(text, sizeof text, "%s (%zu jobs)", row->title,
		    jobs_of(ls, row));
	table_put(table, text[0] != '\0' ? text : row->script);
	table_put(table, row->name.worker);
	text[0] = '\0';
	if (row->status != 0)
		(void)snprintf(text, sizeof text, "%d", row->status);
	table_put(table, text);
	text[0] = '\0';
	if (!sp_state_over_is(row->state))
		term_progress(row, ls->now, text);
	table_put(table, text);
	put_number(table, row->has_loss, row->loss);
	put_number(table, row->has_metric, row->metric);
	put_number(table, row->has_seconds, row->seconds);
	term_span((double)(ls->now - sp_id_ms(&row->name.id)) / 1000, text);
	table_put(table, text);
	return table_flow(table);
}

struct drops {
	size_t raw, bad;
};

static bool
raw_one(void *arg, const char *name, const struct stat *st)
{
	enum sp_drop kind = sp_drop_kind(name, NULL);
	struct drops *drops = arg;

	(void)st;
	drops->raw += kind == SP_DROP_JOB || kind == SP_DROP_BUNDLE;
	return true;
}

static bool
bad_one(void *arg, const char *name, const struct stat *st)
{
	size_t len = strlen(name);
	struct drops *drops = arg;

	(void)st;
	drops->bad +=
	    name[0] != '.' && (len < 4 || strcmp(name + len - 4, ".why") != 0);
	return true;
}

/* What is not an order yet, or cannot be one, is easily missed: say so, beside
 * the table. */
static void
say_drops(const struct sp_spool *spool, const struct ls *ls)
{
	struct drops drops = { 0 };

	if (ls->bundles > 0)
		(void)fprintf(stderr,
		    "%zu job%s in %zu bundle%s: orders when their turn comes\n",
		    ls->jobs, ls->jobs == 1 ? "" : "s", ls->bundles,
		    ls->bundles == 1 ? "" : "s");
	(void)sp_fs_list(spool->dir[SP_DIR_NEW], ".", raw_one, &drops);
	(void)sp_fs_list(spool->dir[SP_DIR_BAD], ".", bad_one, &drops);
	if (drops.raw > 0)
		(void)fprintf(stderr,
		    "%zu file%s in new/ not admitted yet: a "
		    "worker or spoold does that\n",
		    drops.raw, drops.raw == 1 ? "" : "s");
	if (drops.bad > 0)
		(void)fprintf(stderr,
		    "%zu in bad/ that cannot be a job: see "
		    "the .why beside it\n",
		    drops.bad);
}

static int
ls_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "metrics", no_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	struct ls ls = { .spool = &tool->spool,
		.line = SP_BUF_INIT(1024 * 1024),
		.now = sp_wall_ms() };
	struct sp_err err = { "" };
	enum sp_status st;
	enum sp_state state;
	unsigned states = 0, metrics = 0;
	bool json = false;
	long last = 0;
	int c, answer;

	while ((c = getopt_long(argc, argv, "jn:", longs, NULL)) != -1) {
		if (c == 'j')
			json = true;
		else if (c == 'm')
			metrics = SEE_METRICS;
		else if (c != 'n')
			return usage_wrong();
		else if (!number_parse(optarg, 1, 10000000, &last)) {
			complain("-n %s: give how many, from 1 up", optarg);
			return ANSWER_WRONG;
		}
	}
	for (; optind < argc; optind++) {
		if (!sp_state_parse(argv[optind], &state)) {
			complain("'%s' is no state: there are new, waiting, "
				 "assigned, done and failed",
			    argv[optind]);
			return ANSWER_WRONG;
		}
		states |= SEE_STATE(state);
	}
	if (states == 0)
		states = SEE_ALL;

	table_init(&ls.table, columns, sizeof columns / sizeof *columns);
	st = see_rows(&tool->spool, states | (json ? metrics : 0), (size_t)last,
	    json ? ls_json : ls_line, &ls, &err);
	answer = st != SP_OK ? complain_of(st, &err, "listing")
	    : json           ? ANSWER_YES
			     : table_print(&ls.table);
	(void)fflush(stdout);
	if (!json && st == SP_OK)
		say_drops(&tool->spool, &ls);
	table_clear(&ls.table);
	sp_buf_clear(&ls.line);
	return answer;
}

const struct verb verb_ls = {
	.name = "ls",
	.usage = "[--json [--metrics]] [-n N] [STATE ...]",
	.help = "list orders",
	.page =
	    "STATE is new, waiting, assigned, done or failed; all when none "
	    "is said.\nOldest first.  TRY is the attempt it is at, AGE the "
	    "time since it was submitted.\n\n"
	    "PROGRESS, LOSS and METRIC of one that runs are those of its "
	    "metrics.\n\n"
	    "  -n N       the N newest only\n"
	    "  --json     one JSON object a line, always the same members\n"
	    "  --metrics  and what its metrics came to, as 'spool show' has "
	    "it\n\n"
	    "  spool ls new assigned\n"
	    "  spool ls --json done | jq -r "
	    "'select(.loss < 200) | .id'\n",
	.run = ls_run,
};
