/*
 * ls.c - spool ls: which orders, and what is no order yet.  How they are shown
 * is listing.c's business.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libspool/fs.h"
#include "tools/listing.h"
#include "tools/sift.h"

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
say_drops(const struct sp_spool *spool, const struct listing *ls)
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

struct ls {
	struct sift sift;
	struct listing listing;
	long last;
};

static int
ls_option(struct ls *ls, int c)
{
	switch (c) {
	case 'j':
		ls->listing.form = LISTING_JSON;
		return ANSWER_YES;
	case 'v':
		ls->listing.form = LISTING_CSV;
		return ANSWER_YES;
	case 'm':
		ls->sift.metrics = true;
		return ANSWER_YES;
	case 'w':
		return sift_where(&ls->sift, optarg);
	case 'g':
		ls->sift.group = optarg;
		return ANSWER_YES;
	case 'c':
		return listing_columns(&ls->listing, optarg);
	case 's':
		return listing_sort(&ls->listing, optarg);
	case 'n':
		if (number_parse(optarg, 1, 10000000, &ls->last))
			return ANSWER_YES;
		complain("-n %s: give how many, from 1 up", optarg);
		return ANSWER_WRONG;
	default:
		return usage_wrong();
	}
}

static int
ls_states(struct ls *ls, int n, char **words)
{
	enum sp_state state;
	int i;

	for (i = 0; i < n; i++) {
		if (!sp_state_parse(words[i], &state)) {
			complain("'%s' is no state: there are new, waiting, "
				 "assigned, done and failed",
			    words[i]);
			return ANSWER_WRONG;
		}
		ls->sift.states |= SEE_STATE(state);
	}
	return ANSWER_YES;
}

static int
ls_view(void *arg, struct view *view)
{
	struct ls *ls = arg;

	return listing_put(&ls->listing, view);
}

static int
ls_row(void *arg, const struct sp_row *row)
{
	struct ls *ls = arg;

	(void)sift_passes(&ls->sift, row);
	return listing_put(&ls->listing, &ls->sift.view);
}

static int
ls_print(struct ls *ls)
{
	struct listing *l = &ls->listing;
	struct sift *sift = &ls->sift;
	bool sifts = sift->where != NULL || sift->group != NULL;
	struct sp_err err = { "" };
	enum sp_status st;
	int answer;
	size_t i;

	for (i = 0; i < l->columns; i++)
		sift_needs(sift, &l->column[i]);
	if (l->sorts)
		sift_needs(sift, &l->sort);
	/* The newest of those that pass are known when all were looked at. */
	if (sifts && ls->last > 0) {
		l->holds = true;
		l->last = (size_t)ls->last;
	}
	listing_begin(l);
	st = sifts ? sift_rows(sift, ls_view, ls, &err)
		   : see_rows(&sift->tool->spool,
			 (sift->states == 0 ? SEE_ALL : sift->states) |
			     (sift->metrics ? SEE_METRICS : 0),
			 (size_t)ls->last, ls_row, ls, &err);
	answer =
	    st != SP_OK ? complain_of(st, &err, "listing") : listing_end(l);
	(void)fflush(stdout);
	if (st == SP_OK)
		sift_hint(sift);
	for (i = 0; st == SP_OK && i < l->columns; i++)
		field_unmet(&l->column[i], &sift->view);
	if (st == SP_OK && l->sorts)
		field_unmet(&l->sort, &sift->view);
	if (l->form == LISTING_TABLE && st == SP_OK && !sifts)
		say_drops(&sift->tool->spool, l);
	return answer;
}

static int
ls_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "csv", no_argument, NULL, 'v' },
		{ "metrics", no_argument, NULL, 'm' },
		{ "where", required_argument, NULL, 'w' },
		{ "group", required_argument, NULL, 'g' },
		{ "columns", required_argument, NULL, 'c' },
		{ "sort", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct ls ls = { .last = 0 };
	int c, answer = ANSWER_YES;

	sift_init(&ls.sift, tool);
	listing_init(&ls.listing);
	while (answer == ANSWER_YES &&
	    (c = getopt_long(argc, argv, "jn:", longs, NULL)) != -1)
		answer = ls_option(&ls, c);
	if (answer == ANSWER_YES)
		answer = ls_states(&ls, argc - optind, argv + optind);
	/* --metrics is for programs; of a table no column shows them. */
	if (ls.listing.form != LISTING_JSON)
		ls.sift.metrics = ls.sift.where != NULL && ls.sift.metrics;
	if (answer == ANSWER_YES)
		answer = ls_print(&ls);
	listing_clear(&ls.listing);
	sift_clear(&ls.sift);
	return answer;
}

const struct verb verb_ls = {
	.name = "ls",
	.usage = "[--where EXPR] [--group G] [--sort [-]FIELD] "
		 "[--columns A,B,...]\n"
		 "                [--json [--metrics] | --csv] [-n N] "
		 "[STATE ...]",
	.help = "list orders",
	.page =
	    "STATE is new, waiting, assigned, done or failed; all when none "
	    "is said.\nOldest first.  PROGRESS, LOSS and METRIC of one that "
	    "runs are those of its metrics.\n\n"
	    "  --where EXPR  those of which that is true, as\n"
	    "                'state=failed and learningRate<0.01'; = != < <= "
	    "> >= ~ and or not ( )\n"
	    "  --group G     those of one group or sweep\n"
	    "  --sort FIELD  the least first, -FIELD: the greatest\n"
	    "  --columns     these fields in place of the usual ones\n"
	    "  -n N          the N newest only\n"
	    "  --json        one JSON object a line\n"
	    "  --metrics     and what its metrics came to, as 'spool show' "
	    "has it\n"
	    "  --csv         comma-separated, with a head\n\n"
	    "A FIELD is one of a row (id state loss seconds age ...), group, "
	    "tags, a member of\nthe job (learningRate, order.gpus), or a "
	    "metric (val/loss.best .last .min .max).\n\n"
	    "  spool ls new assigned\n"
	    "  spool ls --where 'state=done and age<2h' --sort loss\n"
	    "  spool ls --columns id,learningRate,val/acc.best --sort "
	    "-val/acc.best\n"
	    "  spool ls --json done | jq -r 'select(.loss < 200) | .id'\n",
	.run = ls_run,
};
