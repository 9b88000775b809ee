/*
 * why.c - spool why: why an order stands where it stands, in words or as one
 * object.  whyask.c knows.
 */
#include <getopt.h>
#include <string.h>

#include "libspool/find.h"
#include "libspool/json.h"
#include "tools/why.h"

static void
say(const struct why *why)
{
	size_t i;

	for (i = 0; i < why->lines.n; i++) {
		(void)fputs("  ", stdout);
		term_put(stdout, sp_names_at(&why->lines, i));
		(void)putchar('\n');
	}
}

void
why_print(struct tool *tool, const struct sp_row *row, const struct sp_buf *job)
{
	struct why why;

	why_ask(tool, row, job, &why);
	say(&why);
	why_clear(&why);
}

static void
put_time(struct sp_jw *w, const char *key, int64_t at)
{
	char time[25];

	sp_time_print(at, time);
	sp_jw_text(w, key, at == 0 ? NULL : time);
}

static void
put_json(const struct why *why)
{
	struct sp_buf out = SP_BUF_INIT(4 * 1024 * 1024);
	struct sp_jw w;
	size_t i;

	sp_jw_init(&w, &out);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "id", why->row->name.id.text);
	sp_jw_text(&w, "state", sp_state_text(why->row->state));
	sp_jw_int(&w, "ahead", (int64_t)why->ahead);
	sp_jw_open(&w, "reasons", '[');
	for (i = 0; i < why->lines.n; i++)
		sp_jw_text(&w, NULL, sp_names_at(&why->lines, i));
	sp_jw_close(&w, ']');
	sp_jw_open(&w, "workers", '[');
	for (i = 0; why->reason != NULL && i < why->fleet.n; i++) {
		const struct sp_reason *r = &why->reason[i];

		if (!fleet_works_is(&why->fleet, &why->fleet.one[i]))
			continue;
		sp_jw_open(&w, NULL, '{');
		sp_jw_text(&w, "worker", why->fleet.one[i].beat.worker);
		sp_jw_text(&w, "fits", sp_reason_text(r->kind));
		sp_jw_text(&w, "why", r->words[0] == '\0' ? NULL : r->words);
		put_time(&w, "at", r->at);
		sp_jw_close(&w, '}');
	}
	sp_jw_close(&w, ']');
	sp_jw_text(&w, "next",
	    why->next == WHY_NEXT_NONE ? NULL
				       : why->fleet.one[why->next].beat.worker);
	put_time(&w, "at", why->at);
	sp_jw_close(&w, '}');
	(void)puts(sp_buf_text(&out));
	sp_buf_clear(&out);
}

/* It may move while it is looked at; then again. */
static enum sp_status
read_all(struct tool *tool, const struct sp_id *id, struct sp_row *row,
    struct sp_buf *job, struct sp_err *err)
{
	enum sp_status st = SP_GONE;
	int i;

	for (i = 0; i < 20 && (st == SP_GONE || st == SP_LOST); i++) {
		sp_err_clear(err);
		if ((st = see_row(&tool->spool, id, row, err)) == SP_OK)
			st = sp_order_read(
			    &tool->spool, row->state, &row->name, job, err);
	}
	if (st == SP_BAD) { /* its words are the job's */
		sp_buf_reset(job);
		st = SP_OK;
	}
	return st;
}

static int
why_one(struct tool *tool, const struct sp_id *id, bool json)
{
	static struct sp_row row; /* it is large */
	struct sp_buf job = SP_BUF_INIT(SP_BUNDLE_MAX + 2);
	struct sp_err err = { "" };
	char name[SP_NAME_MAX];
	struct why why;
	enum sp_status st;

	st = read_all(tool, id, &row, &job, &err);
	if (st == SP_OK) {
		why_ask(tool, &row, &job, &why);
		sp_name_print(&row.name, name);
		if (json) {
			put_json(&why);
		} else {
			(void)printf("%s/%s\n", sp_state_text(row.state), name);
			say(&why);
		}
		why_clear(&why);
	}
	sp_buf_clear(&job);
	return st == SP_OK ? ANSWER_YES : complain_of(st, &err, id->text);
}

static int
why_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	bool json = false;
	struct sp_id id;
	int c, answer, worst = ANSWER_YES;

	while ((c = getopt_long(argc, argv, "j", longs, NULL)) != -1) {
		if (c != 'j')
			return usage_wrong();
		json = true;
	}
	if (optind == argc) {
		complain("which order? give its id, or any part of its name");
		return usage_wrong();
	}
	for (; optind < argc; optind++) {
		if ((answer = pick_one(tool, argv[optind], &id)) == ANSWER_YES)
			answer = why_one(tool, &id, json);
		if (answer > worst)
			worst = answer;
	}
	return worst;
}

const struct verb verb_why = {
	.name = "why",
	.usage = "[--json] ID ...",
	.help = "why an order does not run (yet)",
	.page =
	    "What it waits for, what each worker says to it, and when it will\n"
	    "probably run.  Asked of the queue, the marks and the workers' "
	    "beats.\n\n"
	    "  --json   one object a line: id, state, ahead, reasons, workers\n"
	    "           (worker, fits: now, busy, closed or never, why, at), "
	    "next, at\n\n"
	    "  spool why 9f3c21ab\n",
	.run = why_run,
};
