/*
 * sweep.c - spool sweep: W&B's sweep file becomes orders, that is, one bundle
 * of them; checked and counted before anything goes in.  What the file says is
 * sweepread.c's business, what each run gets sweepdraw.c's, the jobs that come
 * of it sweepjob.c's, how they go in sweepput.c's.
 */
#include <getopt.h>
#include <string.h>

#include "tools/sweepjob.h"

#define SEED_MOST ((1LL << 53) - 1) /* any JSON reader has it as it is */

/* ---- counting and showing ---- */

static int
count(struct sweep *s)
{
	int64_t all = sweep_count(&s->plan);
	int64_t cap = s->cap > 0 ? s->cap : s->plan.cap;

	if (all < 0 && cap == 0) {
		complain("%s: run_cap: missing; random has no end, so say how "
			 "many runs, there or by -n",
		    s->file);
		return ANSWER_NO;
	}
	s->runs = all < 0 || (cap > 0 && cap < all) ? cap : all;
	if (s->runs > SWEEP_RUNS) {
		complain("%s: %s%lld runs are too many, %d are the most; say "
			 "run_cap or -n, or make several sweeps of it",
		    s->file, s->runs == INT64_MAX ? "more than " : "",
		    (long long)s->runs, SWEEP_RUNS);
		return ANSWER_NO;
	}
	return ANSWER_YES;
}

static void
show(const struct sweep *s)
{
	int64_t all = sweep_count(&s->plan);
	char words[SWEEP_WORDS];
	int wide = 0;
	size_t i;

	for (i = 0; i < s->plan.notes.n; i++)
		complain("%s: %s", s->file, sp_names_at(&s->plan.notes, i));
	for (i = 0; i < s->plan.n; i++)
		if ((int)strlen(s->plan.param[i].path) > wide)
			wide = (int)strlen(s->plan.param[i].path);
	(void)fprintf(stderr, "%lld run%s, ", (long long)s->runs,
	    s->runs == 1 ? "" : "s");
	if (s->plan.random)
		(void)fprintf(
		    stderr, "random, seed %lld:\n", (long long)s->seed);
	else if (all == s->runs)
		(void)fputs("a grid:\n", stderr);
	else
		(void)fprintf(
		    stderr, "the first of a grid of %lld:\n", (long long)all);
	for (i = 0; i < s->plan.n; i++) {
		sweep_words(&s->plan.param[i], words);
		(void)fputs("  ", stderr);
		term_put(stderr, s->plan.param[i].path);
		(void)fprintf(stderr, "%*s  ",
		    wide - (int)strlen(s->plan.param[i].path), "");
		term_put(stderr, words);
		(void)fputc('\n', stderr);
	}
}

/* ---- the runs ---- */

static int
make_runs(struct sweep *s)
{
	struct sp_err err = { "" };
	enum sp_status st = SP_OK;
	struct amended one;
	int64_t i;

	for (i = 0; i < s->runs && st == SP_OK; i++) {
		st = sweepjob_run(s, i, &one, &err);
		if (st == SP_OK && i == 0 && !s->dry)
			amend_warn(s->tool, s->file, &one.job);
		if (st == SP_OK && !s->dry)
			st = sweepput_add(&s->put, &one, &err);
		else if (st == SP_OK)
			(void)puts(sp_buf_text(&one.text));
		amended_clear(&one);
	}
	if (st == SP_OK)
		return ANSWER_YES;
	complain("%s: run %lld: %s", s->file, (long long)i, err.text);
	return st == SP_RETRY ? ANSWER_LATER : ANSWER_NO;
}

static void
say(const struct sweep *s)
{
	struct sp_buf b = SP_BUF_INIT(4096);
	struct sp_jw w;

	if (!s->json) {
		(void)puts(s->put.sweep);
		return;
	}
	sp_jw_init(&w, &b);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "sweep", s->put.sweep);
	sp_jw_int(&w, "runs", s->runs);
	sp_jw_text(&w, "method", s->plan.random ? "random" : "grid");
	if (s->plan.random)
		sp_jw_int(&w, "seed", s->seed);
	else
		sp_jw_null(&w, "seed");
	sp_jw_text(&w, "first", s->put.id[0].text);
	sp_jw_text(&w, "last", s->put.id[s->put.n - 1].text);
	sp_jw_close(&w, '}');
	(void)puts(sp_buf_text(&b));
	sp_buf_clear(&b);
}

/* ---- the verb ---- */

static int
option(struct sweep *s, int c)
{
	long n;

	switch (c) {
	case 'p':
		return answer_of(sp_names_add(&s->set, optarg));
	case 'J':
		s->job = optarg;
		return ANSWER_YES;
	case 'n':
		if (!number_parse(optarg, 1, SWEEP_RUNS, &n)) {
			complain("-n %s: give how many runs, 1 to %d", optarg,
			    SWEEP_RUNS);
			return ANSWER_WRONG;
		}
		s->cap = n;
		return ANSWER_YES;
	case 's':
		if (!number_parse(optarg, 0, SEED_MOST, &n)) {
			complain(
			    "--seed %s: give a whole number from 0", optarg);
			return ANSWER_WRONG;
		}
		s->seed = n;
		s->seeded = true;
		return ANSWER_YES;
	case 'd':
		s->dry = true;
		return ANSWER_YES;
	case 'j':
		s->json = true;
		return ANSWER_YES;
	case 'w':
		s->wait = true;
		return ANSWER_YES;
	case 'N':
		s->no_pin = true;
		return ANSWER_YES;
	default:
		return usage_wrong();
	}
}

static int
go(struct sweep *s)
{
	int answer;

	if ((answer = sweepjob_plan(s)) != ANSWER_YES ||
	    (answer = sweepjob_base(s)) != ANSWER_YES ||
	    (answer = count(s)) != ANSWER_YES)
		return answer;
	if (!s->seeded)
		s->seed = sp_dice();
	sweepput_init(&s->put, s->tool, s->file,
	    s->job != NULL ? s->job : s->file, s->no_pin);
	show(s);
	if ((answer = make_runs(s)) == ANSWER_YES && !s->dry &&
	    (answer = sweepput_all(&s->put)) == ANSWER_YES)
		say(s);
	(void)fflush(stdout);
	if (answer == ANSWER_YES && !s->dry && s->wait)
		answer = wait_for(s->tool, s->put.id, s->put.n, -1);
	sweepput_clear(&s->put);
	return answer;
}

static int
sweep_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, 'd' },
		{ "job", required_argument, NULL, 'J' },
		{ "json", no_argument, NULL, 'j' },
		{ "no-pin", no_argument, NULL, 'N' },
		{ "seed", required_argument, NULL, 's' },
		{ "wait", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	struct sweep s = { .tool = tool, .base = SP_BUF_INIT(SP_JOB_MAX + 2) };
	int c, answer = ANSWER_YES;

	while (answer == ANSWER_YES &&
	    (c = getopt_long(argc, argv, "n:p:", longs, NULL)) != -1)
		answer = option(&s, c);
	if (answer == ANSWER_YES && optind + 1 != argc) {
		complain("name one sweep file, or - for standard input");
		answer = usage_wrong();
	}
	if (answer == ANSWER_YES) {
		s.file = argv[optind];
		answer = go(&s);
	}
	sweep_clear(&s.plan);
	sp_names_clear(&s.set);
	sp_buf_clear(&s.base);
	return answer;
}

const struct verb verb_sweep = {
	.far = true,
	.name = "sweep",
	.usage = "[OPTION ...] FILE",
	.help = "make a run for each point of a grid, or for random ones",
	.page =
	    "FILE is a sweep file as W&B has it, in YAML or JSON: method (grid "
	    "or random),\nparameters, metric, run_cap, early_terminate, "
	    "program; and order, as a job has it.\nIt is checked, counted and "
	    "shown; then all runs go in at once, and the sweep's name\nis "
	    "printed, with which all their ids begin: 'spool wait', 'cancel', "
	    "... take it.\n\n"
	    "  --job FILE     the job that the parameters are set in\n"
	    "  -p KEY=VALUE   set something in it for all runs\n"
	    "  -n N           at most N runs (run_cap)\n"
	    "  --seed N       for random: the same parameters again\n"
	    "  --dry-run      print the jobs, one a line, and submit nothing\n"
	    "  --wait         as 'spool wait' with all of them\n"
	    "  --no-pin       as of 'spool submit'\n"
	    "  --json         sweep, runs, method, seed, first, last\n\n"
	    "  spool sweep --dry-run sweep.yaml | head -n 3 | jq .\n"
	    "  G=$(spool sweep --job job.json sweep.yaml) && spool wait $G\n",
	.files = SPOOL_FILES,
	.run = sweep_run,
};
