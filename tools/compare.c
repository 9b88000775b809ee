/*
 * compare.c - spool compare: orders beside each other, the best first, with the
 * parameters in which they differ.
 */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "tools/flat.h"
#include "tools/listing.h"
#include "tools/score.h"
#include "tools/sift.h"

#define SHOWN 24   /* parameters in a table; programs get all */
#define NAMES 1000 /* of parameters that are looked into */

struct one {
	struct sp_id id;
	enum sp_state state;
	char title[SP_LABEL_MAX + 1];
	struct flat params;
	struct score score[2]; /* of loss and of metric, if none is named */
	struct score by;
};

struct compare {
	struct sift sift;
	const char *metric;
	enum sp_best way;
	long top;
	enum listing_form form;
	struct one *one;
	size_t n, cap;
	struct sp_names differ; /* names of parameters */
	bool failed;
};

/* ---- gathering ---- */

static int
take(void *arg, struct view *view)
{
	static const char *const but[] = { "order", "_id", NULL };
	struct compare *c = arg;
	size_t cap = c->cap == 0 ? 64 : c->cap * 2;
	struct one *one;

	if (c->n == c->cap) {
		if ((one = realloc(c->one, cap * sizeof *one)) == NULL) {
			c->failed = true;
			return 1;
		}
		c->one = one;
		c->cap = cap;
	}
	one = &c->one[c->n++];
	memset(one, 0, sizeof *one);
	one->id = view->row->name.id;
	one->state = view->row->state;
	memcpy(one->title, view->row->title, sizeof one->title);
	flat_add(&one->params, "", view_job(view), but);
	c->failed = c->failed || one->params.failed;
	if (c->metric != NULL) {
		score_get(view, c->metric, c->way, &one->score[0]);
	} else {
		score_get(view, "loss", SP_BEST_MIN, &one->score[0]);
		score_get(view, "metric", SP_BEST_MAX, &one->score[1]);
	}
	return c->failed;
}

/* None was named: the loss if any has one. */
static void
choose(struct compare *c)
{
	size_t i, losses = 0, which = 0;

	for (i = 0; i < c->n; i++)
		losses += c->one[i].score[0].has_best;
	if (c->metric == NULL) {
		which = losses > 0 ? 0 : 1;
		c->metric = losses > 0 ? "loss" : "metric";
		c->way = losses > 0 ? SP_BEST_MIN : SP_BEST_MAX;
	}
	for (i = 0; i < c->n; i++)
		c->one[i].by = c->one[i].score[which];
}

static enum sp_best sorting; /* qsort has no argument */

static int
by_score(const void *a, const void *b)
{
	const struct one *x = a, *y = b;
	int c = score_cmp(&x->by, &y->by, sorting);

	return c != 0 ? c : strcmp(x->id.text, y->id.text);
}

static bool
differs(const struct compare *c, const struct flat_one *of)
{
	const struct flat_one *it;
	size_t i;

	for (i = 0; i < c->n; i++) {
		it = flat_get(&c->one[i].params, of->name);
		if (it == NULL || it->text != of->text ||
		    strcmp(it->value, of->value) != 0)
			return true;
	}
	return false;
}

/* The parameters in which they differ, in the order of their jobs.  Each is
 * looked into once, of the first that has it. */
static void
find_differences(struct compare *c)
{
	struct sp_names seen = { 0 };
	const struct flat_one *of;
	size_t i, k, m;

	for (i = 0; i < c->n && seen.n < NAMES; i++)
		for (k = 0; k < c->one[i].params.n; k++) {
			of = &c->one[i].params.one[k];
			for (m = 0; m < seen.n; m++)
				if (strcmp(sp_names_at(&seen, m), of->name) ==
				    0)
					break;
			if (m < seen.n)
				continue;
			if (sp_names_add(&seen, of->name) != SP_OK ||
			    (differs(c, of) &&
				sp_names_add(&c->differ, of->name) != SP_OK))
				c->failed = true;
		}
	sp_names_clear(&seen);
}

/* ---- showing ---- */

static void
number(bool has, double value, bool people, struct sp_buf *out)
{
	if (has && people)
		sp_buf_printf(out, "%.6g", value);
	else if (has && value == floor(value) && fabs(value) < 1e15)
		sp_buf_printf(out, "%.0f", value);
	else if (has)
		sp_json_put_real(out, value);
}

static const char *
param(const struct one *one, const char *name)
{
	const struct flat_one *it = flat_get(&one->params, name);

	return it == NULL ? "" : it->value;
}

static void
put_number(struct table *t, bool has, double value)
{
	struct sp_buf text = SP_BUF_INIT(64);

	number(has, value, true, &text);
	table_put(t, sp_buf_text(&text));
	sp_buf_clear(&text);
}

static bool
title_add(struct sp_names *titles, const char *name)
{
	struct sp_buf safe = SP_BUF_INIT(8192);
	bool ok;

	term_escape(&safe, name, strlen(name));
	ok = !safe.failed && sp_names_add(titles, sp_buf_text(&safe)) == SP_OK;
	sp_buf_clear(&safe);
	return ok;
}

static int
print_table(struct compare *c, size_t n)
{
	static struct table_column head[TABLE_MAX];
	struct table t;
	struct sp_names titles = { 0 }; /* jobs made them up */
	size_t i, k, at = 0, shown;
	char last[SP_METRIC_KEY + 8], best[SP_METRIC_KEY + 8];
	int answer;

	shown = c->differ.n < SHOWN ? c->differ.n : SHOWN;
	(void)snprintf(last, sizeof last, "%.64s.last", c->metric);
	(void)snprintf(best, sizeof best, "%.64s.best", c->metric);
	head[at++] = (struct table_column){ .title = " " };
	head[at++] = (struct table_column){ .title = "ID" };
	head[at++] =
	    (struct table_column){ .title = "NAME", .least = 4, .rank = 2 };
	head[at++] = (struct table_column){ .title = "STATE", .rank = 3 };
	for (k = 0; k < shown; k++)
		if (!title_add(&titles, sp_names_at(&c->differ, k)))
			shown = k;
	for (k = 0; k < shown; k++)
		head[at++] =
		    (struct table_column){ .title = sp_names_at(&titles, k),
			    .right = true,
			    .least = 4,
			    .rank = 4 + (int)k };
	head[at++] =
	    (struct table_column){ .title = last, .right = true, .rank = 1 };
	head[at++] = (struct table_column){ .title = best, .right = true };
	table_init(&t, head, at);
	for (i = 0; i < n; i++) {
		const struct one *one = &c->one[i];

		table_put(&t, i == 0 && one->by.has_best ? "*" : " ");
		table_put(&t, one->id.text);
		table_put(&t, one->title);
		table_put(&t, sp_state_text(one->state));
		for (k = 0; k < shown; k++)
			table_put(&t, param(one, sp_names_at(&c->differ, k)));
		put_number(&t, one->by.has_last, one->by.last);
		put_number(&t, one->by.has_best, one->by.best);
	}
	answer = table_print(&t);
	table_clear(&t);
	sp_names_clear(&titles);
	if (shown < c->differ.n)
		(void)fprintf(stderr, "%zu more parameters differ: --json\n",
		    c->differ.n - shown);
	return answer;
}

static void
print_json(const struct compare *c, size_t n)
{
	struct sp_buf text = SP_BUF_INIT(64 * 1024 * 1024);
	const struct flat_one *it;
	const struct one *one;
	struct sp_jw w;
	size_t i, k;

	for (i = 0; i < n; i++) {
		one = &c->one[i];
		sp_buf_reset(&text);
		sp_jw_init(&w, &text);
		sp_jw_open(&w, NULL, '{');
		sp_jw_int(&w, "rank", (int64_t)i + 1);
		sp_jw_bool(&w, "star", i == 0 && one->by.has_best);
		sp_jw_text(&w, "id", one->id.text);
		sp_jw_text(&w, "name", *one->title == '\0' ? NULL : one->title);
		sp_jw_text(&w, "state", sp_state_text(one->state));
		sp_jw_open(&w, "params", '{');
		for (k = 0; k < c->differ.n; k++) {
			it = flat_get(&one->params, sp_names_at(&c->differ, k));
			if (it == NULL) {
				sp_jw_null(&w, sp_names_at(&c->differ, k));
			} else if (it->text) {
				sp_jw_text(&w, it->name, it->value);
			} else {
				sp_buf_puts(&text, w.comma ? "," : "");
				sp_json_put_text(&text, it->name);
				sp_buf_printf(&text, ":%s", it->value);
				w.comma = true;
			}
		}
		sp_jw_close(&w, '}');
		sp_jw_text(&w, "metric", c->metric);
		sp_metric_put(
		    &w, "last", one->by.has_last ? one->by.last : NAN);
		sp_metric_put(
		    &w, "best", one->by.has_best ? one->by.best : NAN);
		sp_metric_put(&w, "bestStep", one->by.at);
		sp_jw_close(&w, '}');
		(void)puts(sp_buf_text(&text));
	}
	sp_buf_clear(&text);
}

static void
print_csv(const struct compare *c, size_t n)
{
	struct sp_buf text = SP_BUF_INIT(64 * 1024 * 1024),
		      value = SP_BUF_INIT(64);
	const struct score *by;
	size_t i, k;

	sp_buf_puts(&text, "rank,id,name,state");
	for (k = 0; k < c->differ.n; k++)
		csv_put(&text, sp_names_at(&c->differ, k), false);
	sp_buf_puts(&text, ",last,best\r\n");
	for (i = 0; i < n; i++) {
		by = &c->one[i].by;
		sp_buf_printf(&text, "%zu,%s", i + 1, c->one[i].id.text);
		csv_put(&text, c->one[i].title, false);
		csv_put(&text, sp_state_text(c->one[i].state), false);
		for (k = 0; k < c->differ.n; k++)
			csv_put(&text,
			    param(&c->one[i], sp_names_at(&c->differ, k)),
			    false);
		sp_buf_reset(&value);
		number(by->has_last, by->last, false, &value);
		csv_put(&text, sp_buf_text(&value), false);
		sp_buf_reset(&value);
		number(by->has_best, by->best, false, &value);
		csv_put(&text, sp_buf_text(&value), false);
		sp_buf_puts(&text, "\r\n");
		listing_text(sp_buf_text(&text), text.len);
		sp_buf_reset(&text);
	}
	sp_buf_clear(&value);
	sp_buf_clear(&text);
}

/* ---- the verb ---- */

static int
run(struct compare *c)
{
	struct sp_err err = { "" };
	enum sp_status st;
	size_t n;

	c->sift.metrics = true;
	st = sift_rows(&c->sift, take, c, &err);
	if (st == SP_OK && !c->failed)
		find_differences(c);
	if (st == SP_OK && c->failed)
		st = sp_err_set(&err, SP_RETRY, "no memory");
	if (st != SP_OK)
		return complain_of(st, &err, "listing");
	if (c->n == 0) {
		complain("no order is meant by that");
		sift_hint(&c->sift);
		return ANSWER_NO;
	}
	choose(c);
	sorting = c->way;
	qsort(c->one, c->n, sizeof *c->one, by_score);
	if (!c->one[0].by.has_best)
		complain("none of %zu has a value of '%s'%s", c->n, c->metric,
		    strcmp(c->metric, "metric") == 0 ? "; name one: --metric M"
						     : "");
	n = c->top > 0 && (size_t)c->top < c->n ? (size_t)c->top : c->n;
	if (c->form == LISTING_JSON)
		print_json(c, n);
	else if (c->form == LISTING_CSV)
		print_csv(c, n);
	else
		return print_table(c, n);
	return ANSWER_YES;
}

static int
option(struct compare *c, int o)
{
	switch (o) {
	case 'm':
		c->metric = optarg;
		return ANSWER_YES;
	case 'l':
	case 'h':
		c->way = o == 'l' ? SP_BEST_MIN : SP_BEST_MAX;
		return ANSWER_YES;
	case 't':
		if (number_parse(optarg, 1, 10000000, &c->top))
			return ANSWER_YES;
		complain("--top %s: give how many, from 1 up", optarg);
		return ANSWER_WRONG;
	case 'w':
		return sift_where(&c->sift, optarg);
	case 'j':
		c->form = LISTING_JSON;
		return ANSWER_YES;
	case 'v':
		c->form = LISTING_CSV;
		return ANSWER_YES;
	default:
		return usage_wrong();
	}
}

/* Which way is up? */
static int
way(struct compare *c)
{
	if (c->metric == NULL)
		return ANSWER_YES;
	if (c->way == SP_BEST_NONE)
		c->way = sp_metric_best(c->metric);
	if (c->way == SP_BEST_NONE && strcmp(c->metric, "metric") == 0)
		c->way = SP_BEST_MAX;
	if (c->way != SP_BEST_NONE)
		return ANSWER_YES;
	complain("is less of '%s' better, or more?  Its name does not tell: "
		 "say --min or --max",
	    c->metric);
	return ANSWER_WRONG;
}

static int
compare_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "metric", required_argument, NULL, 'm' },
		{ "min", no_argument, NULL, 'l' },
		{ "max", no_argument, NULL, 'h' },
		{ "top", required_argument, NULL, 't' },
		{ "where", required_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ "csv", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	struct compare c = { .n = 0 };
	int o, answer = ANSWER_YES, ran;
	size_t i;

	sift_init(&c.sift, tool);
	while (answer == ANSWER_YES &&
	    (o = getopt_long(argc, argv, "jn:", longs, NULL)) != -1)
		answer = option(&c, o == 'n' ? 't' : o);
	if (answer == ANSWER_YES)
		answer = way(&c);
	if (answer == ANSWER_YES)
		answer = sift_words(&c.sift, argc - optind, argv + optind);
	if (answer == ANSWER_YES || c.sift.ids_n > 0)
		if ((ran = run(&c)) > answer)
			answer = ran;
	for (i = 0; i < c.n; i++)
		flat_clear(&c.one[i].params);
	free(c.one);
	sp_names_clear(&c.differ);
	sift_clear(&c.sift);
	return answer;
}

const struct verb verb_compare = {
	.name = "compare",
	.usage = "[--metric M] [--min | --max] [--top N] [--where EXPR]\n"
		 "                     [--json | --csv] [GROUP | ID ...]",
	.help = "orders beside each other, the best first",
	.page =
	    "The best and the last value of a metric, and the parameters in "
	    "which the orders\ndiffer; a star on the best.  All orders when "
	    "none is named.\n\n"
	    "  --metric M    of the metrics, or a number of the outcome; else "
	    "loss, else metric\n"
	    "  --min, --max  is less better or more?  Else its name tells: "
	    "loss, val/acc, ...\n"
	    "  --top N       the N best\n"
	    "  --where EXPR  as 'spool ls' has it\n"
	    "  --json        one object a line: rank, star, id, name, state, "
	    "params, metric,\n                last, best, bestStep\n"
	    "  --csv         comma-separated, with a head\n\n"
	    "  spool compare sweep-7 --metric val/acc --top 10\n"
	    "  spool compare --where 'project=wine and age<1d'\n",
	.run = compare_run,
};
