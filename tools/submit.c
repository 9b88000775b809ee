/*
 * submit.c - spool submit: jobs from files and from standard input become
 * orders, in groups that share one fsync of the directory.  An id is printed
 * when its order is durable, not before.  A bad file or line is reported and
 * passed over.  intake.c cuts texts into jobs, amend.c applies the options,
 * pin.c pins what is to run.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/json.h"
#include "libspool/submit.h"
#include "tools/amend.h"
#include "tools/dropin.h"
#include "tools/intake.h"
#include "tools/pin.h"
#include "tools/served.h"
#include "tools/spool.h"

#define GROUP      8192
#define ANSWER_MS  30000 /* for who drops into incoming/ to hear of it */
#define GROUP_SIZE (16 * 1024 * 1024) /* bytes held at once */

struct submit {
	struct tool *tool;
	bool json;
	struct amend amend; /* of -p, --priority, --name, --after */
	bool no_pin;
	struct pin pin;
	bool drops; /* we may no more than drop, into: */
	struct dropin drop;

	/* the group on its way; where[i]: "FILE:LINE" */
	struct sp_submit group[GROUP];
	char *text[GROUP];
	char *where[GROUP];
	size_t n, size;

	struct sp_id *ids; /* accepted, for --wait */
	size_t ids_n, ids_cap;
	int answer;
};

/* ---- the group ---- */

/* "FILE:3" and "line 2, column 8, at x: ..." -> "FILE:4" and "column 8, ...".
 */
static const char *
point(const char *where, const char *words, char place_out[4096])
{
	const char *colon = strrchr(where, ':');
	unsigned long first, line;
	char *end;

	(void)snprintf(place_out, 4096, "%s", where);
	if (strncmp(words, "line ", 5) != 0 || colon == NULL)
		return words;
	line = strtoul(words + 5, &end, 10);
	if (strncmp(end, ", ", 2) != 0)
		return words;
	first = strtoul(colon + 1, NULL, 10);
	(void)snprintf(place_out, 4096, "%.*s:%lu", (int)(colon - where), where,
	    first + line - 1);
	return end + 2;
}

static void
refuse(
    struct submit *submit, const char *from, enum sp_status st, const char *why)
{
	char where[4096];
	const char *words = point(from, why, where);
	struct sp_buf line = SP_BUF_INIT(64 * 1024);
	struct sp_jw w;

	complain("%s: %s", where, words);
	if (submit->json) {
		sp_jw_init(&w, &line);
		sp_jw_open(&w, NULL, '{');
		sp_jw_null(&w, "id");
		sp_jw_text(&w, "from", where);
		sp_jw_text(&w, "error", words);
		sp_jw_close(&w, '}');
		(void)puts(sp_buf_text(&line));
		sp_buf_clear(&line);
	}
	if (st == SP_RETRY || st == SP_FATAL)
		submit->answer = ANSWER_LATER;
	else if (submit->answer == ANSWER_YES)
		submit->answer = ANSWER_NO;
}

static void
accept(struct submit *submit, const char *where, const struct sp_id *id)
{
	struct sp_buf line = SP_BUF_INIT(64 * 1024);
	struct sp_id *ids;
	struct sp_jw w;
	size_t cap;

	if (submit->json) {
		sp_jw_init(&w, &line);
		sp_jw_open(&w, NULL, '{');
		sp_jw_text(&w, "id", id->text);
		sp_jw_text(&w, "from", where);
		sp_jw_null(&w, "error");
		sp_jw_close(&w, '}');
		(void)puts(sp_buf_text(&line));
		sp_buf_clear(&line);
	} else {
		(void)puts(id->text);
	}
	if (submit->ids_n == submit->ids_cap) {
		cap = submit->ids_cap == 0 ? GROUP : submit->ids_cap * 2;
		if ((ids = realloc(submit->ids, cap * sizeof *ids)) == NULL)
			return;
		submit->ids = ids;
		submit->ids_cap = cap;
	}
	submit->ids[submit->ids_n++] = *id;
}

static void
flush_group(struct submit *submit)
{
	size_t i;

	pin_forget(&submit->pin);
	if (submit->n == 0)
		return;
	/* A server takes jobs, not names. */
	(void)(served_is(&submit->tool->spool) ? sp_submit : sp_submit_packed)(
	    &submit->tool->spool, submit->group, submit->n, NULL);
	for (i = 0; i < submit->n; i++) {
		if (submit->group[i].status == SP_OK)
			accept(submit, submit->where[i], &submit->group[i].id);
		else
			refuse(submit, submit->where[i],
			    submit->group[i].status, submit->group[i].err.text);
		free(submit->text[i]);
		free(submit->where[i]);
	}
	(void)fflush(stdout);
	submit->n = submit->size = 0;
}

/* One more into the group; its text is taken over. */
static enum sp_status
put(struct submit *submit, const char *where, const char *label,
    struct amended *job, struct sp_err *err)
{
	struct sp_submit *one = &submit->group[submit->n];

	if ((submit->where[submit->n] = strdup(where)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	memset(one, 0, sizeof *one);
	one->prio = -1;
	(void)snprintf(one->label, sizeof one->label, "%s", label);
	sp_submit_seen(one, &job->job, job->valid);
	one->len = job->text.len;
	one->text = submit->text[submit->n] = job->text.data;
	sp_buf_init(&job->text, 0);
	submit->n++;
	submit->size += one->len;
	return SP_OK;
}

/* Without a right to more than that (dropin.h); GROUP at most. */
static enum sp_status
drop(struct submit *submit, const char *where, const char *label,
    struct amended *job, struct sp_err *err)
{
	enum sp_status st;

	if (submit->n == GROUP)
		return sp_err_set(err, SP_BAD,
		    "more than %d jobs: drop a .jsonl, with one a line, "
		    "into incoming/",
		    GROUP);
	if ((submit->where[submit->n] = strdup(where)) == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	st = dropin_put(
	    &submit->drop, label, sp_buf_text(&job->text), job->text.len, err);
	if (st == SP_OK)
		submit->n++;
	else
		free(submit->where[submit->n]);
	return st;
}

static void
ask_drops(struct submit *submit)
{
	int64_t until = sp_mono_ms() + ANSWER_MS;
	struct sp_err err;
	enum sp_status st;
	struct sp_id id;
	size_t i;

	for (i = 0; i < submit->n; i++) {
		sp_err_clear(&err);
		st = dropin_ask(&submit->drop, i, until, &id, &err);
		if (st == SP_OK)
			accept(submit, submit->where[i], &id);
		else if (st == SP_BAD)
			refuse(submit, submit->where[i], st, err.text);
		else
			complain("%s: %s; it lies in incoming/%s, and its id "
				 "will in answers/%u/%s.id",
			    submit->where[i], err.text,
			    sp_names_at(&submit->drop.names, i),
			    (unsigned)geteuid(),
			    sp_names_at(&submit->drop.names, i));
		free(submit->where[i]);
	}
	submit->n = 0;
}

/* intake.c calls this for every job it has cut out. */
static int
take(void *arg, const char *where, const char *label, const char *text,
    size_t len, const struct sp_err *bad)
{
	struct submit *submit = arg;
	struct sp_err err = { "" };
	struct amended job;
	enum sp_status st;

	if (text == NULL) {
		if (!submit->drops)
			flush_group(submit); /* so that reports come in order */
		if (bad != NULL)
			refuse(submit, where, SP_BAD, bad->text);
		return submit->answer == ANSWER_LATER;
	}
	st = amend_apply(&submit->amend, text, len, &job, &err);
	if (st == SP_OK && !submit->no_pin)
		st = pin_apply(&submit->pin, where, &job, &err);
	if (st == SP_OK && submit->drops) {
		st = drop(submit, where, label, &job, &err);
		amended_clear(&job);
		if (st != SP_OK)
			refuse(submit, where, st, err.text);
		return submit->answer == ANSWER_LATER;
	}
	if (st == SP_OK && job.valid)
		amend_warn(submit->tool, where, &job.job);
	if (st == SP_OK)
		st = put(submit, where, label, &job, &err);
	amended_clear(&job);
	if (st != SP_OK) {
		flush_group(submit);
		refuse(submit, where, st, err.text);
	} else if (submit->n == GROUP || submit->size > GROUP_SIZE) {
		flush_group(submit);
	}
	return submit->answer == ANSWER_LATER;
}

/* ---- options ---- */

struct options {
	struct sp_names set, after;
	bool wait;
};

static int
add_set(struct options *o, const char *key, const char *value, bool quote)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX);
	enum sp_status st;

	sp_buf_puts(&text, key);
	if (quote)
		sp_json_put_text(&text, value);
	else
		sp_buf_puts(&text, value);
	st = text.failed ? SP_RETRY : sp_names_add(&o->set, text.data);
	sp_buf_clear(&text);
	return st == SP_OK ? ANSWER_YES : complain_of(st, NULL, "options");
}

static int
option(struct submit *submit, struct options *o, int c)
{
	long n;

	switch (c) {
	case 'p':
		return add_set(o, "", optarg, false);
	case 'P':
		if (number_parse(optarg, 0, SP_PRIO_MAX, &n))
			return add_set(o, "order.priority=", optarg, false);
		complain("--priority %s: give 0 (first) to %d (last); %d is "
			 "usual",
		    optarg, SP_PRIO_MAX, SP_PRIO_USUAL);
		return ANSWER_WRONG;
	case 'n':
		if (sp_label_ok(optarg))
			return add_set(o, "order.name=", optarg, true);
		complain("--name %s: give 1 to %d of A-Z a-z 0-9 _ -", optarg,
		    SP_LABEL_MAX);
		return ANSWER_WRONG;
	case 'a':
		return answer_of(sp_names_add(&o->after, optarg));
	case 'w':
		o->wait = true;
		return ANSWER_YES;
	case 'j':
		submit->json = true;
		return ANSWER_YES;
	case 'N':
		submit->no_pin = true;
		return ANSWER_YES;
	default:
		return usage_wrong();
	}
}

/* --after must be there; -p must be something that can be set. */
static int
settle_options(struct submit *submit, struct options *o)
{
	struct sp_buf out = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" };
	enum sp_status st = SP_OK;
	char **words;
	int answer;
	size_t i;

	submit->amend.set = calloc(o->set.n + 1, sizeof *submit->amend.set);
	words = calloc(o->after.n + 1, sizeof *words);
	if (submit->amend.set == NULL || words == NULL) {
		free(words);
		return complain_of(SP_RETRY, NULL, "no memory");
	}
	for (i = 0; i < o->set.n; i++)
		submit->amend.set[i] = sp_names_at(&o->set, i);
	submit->amend.set_n = o->set.n;
	if (submit->amend.set_n > 0)
		st = sp_job_edit("{}", 2, submit->amend.set,
		    submit->amend.set_n, &out, &err);
	sp_buf_clear(&out);
	if (st != SP_OK) {
		free(words);
		return complain_of(st, &err, "-p");
	}
	for (i = 0; i < o->after.n; i++)
		words[i] = o->after.text + o->after.at[i];
	if (submit->drops && o->after.n + o->wait > 0) {
		complain("you may only drop jobs into incoming/: put order."
			 "after, whole ids, into the job, and wait by the id");
		free(words);
		return ANSWER_WRONG;
	}
	answer = pick_all(submit->tool, (int)o->after.n, words,
	    &submit->amend.after, &submit->amend.after_n);
	free(words);
	return answer;
}

static void
clear(struct submit *submit, struct options *o)
{
	sp_names_clear(&o->set);
	sp_names_clear(&o->after);
	free(submit->amend.set);
	free(submit->amend.after);
	free(submit->ids);
	if (submit->drops)
		dropin_clear(&submit->drop);
	else
		pin_clear(&submit->pin);
}

static int
submit_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "priority", required_argument, NULL, 'P' },
		{ "after", required_argument, NULL, 'a' },
		{ "name", required_argument, NULL, 'n' },
		{ "wait", no_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ "no-pin", no_argument, NULL, 'N' },
		{ NULL, 0, NULL, 0 },
	};
	static struct submit submit; /* the group is large */
	struct options o = { 0 };
	int c, answer = ANSWER_YES, waited;

	submit.tool = tool;
	while (answer == ANSWER_YES &&
	    (c = getopt_long(argc, argv, "p:", longs, NULL)) != -1)
		answer = option(&submit, &o, c);
	if (answer == ANSWER_YES && optind == argc) {
		complain("name the files to submit, or - for standard input");
		answer = usage_wrong();
	}
	if (answer == ANSWER_YES) {
		submit.drops = dropin_open(tool->where, &submit.drop);
		submit.no_pin |= submit.drops;
		answer = submit.drops ? ANSWER_YES : tool_open(tool);
	}
	if (answer == ANSWER_YES)
		answer = settle_options(&submit, &o);
	if (answer == ANSWER_YES) {
		if (!submit.drops)
			pin_init(&submit.pin, tool);
		for (; optind < argc && submit.answer != ANSWER_LATER;
		     optind++) {
			if (!submit.drops)
				pin_from(&submit.pin, argv[optind]);
			intake_file(argv[optind], take, &submit);
		}
		if (submit.drops)
			ask_drops(&submit);
		else
			flush_group(&submit);
		answer = submit.answer;
		if (optind < argc)
			complain("stopped before %s", argv[optind]);
	}
	if (o.wait && submit.ids_n > 0) {
		waited = wait_for(tool, submit.ids, submit.ids_n, -1);
		if (waited > answer)
			answer = waited;
	}
	clear(&submit, &o);
	return answer;
}

const struct verb verb_submit = {
	.name = "submit",
	.usage = "[OPTION ...] FILE|- ...",
	.help = "make orders of jobs",
	.page =
	    "FILE.json holds one job; FILE.jsonl, or - (standard input), one a "
	    "line.  The ids are\nprinted, one a line, when the orders are "
	    "durable.  A bad job is reported, the others\ngo on, and the exit "
	    "code is 1.\n\n"
	    "  -p KEY=VALUE   set a parameter (a.b.0 reaches inside); the value "
	    "is JSON if it\n                 parses, else text\n"
	    "  --priority N   0 first, 99 last, 50 when not said\n"
	    "  --after ID     start when that one has succeeded; may be "
	    "repeated\n"
	    "  --name L       a name, to find it again\n"
	    "  --wait         as 'spool wait' with the new ids\n"
	    "  --no-pin       leave scripts and data where they are: what "
	    "stands there when the\n                 job starts is what "
	    "runs\n"
	    "  --json         one object a line: id, from, error\n\n"
	    "Who may write to incoming/ and not to the spool drops his jobs "
	    "there, and is told\nwhat became of them.\n\n"
	    "  spool submit job.json -p learningRate=0.01 -p "
	    "hiddenLayers.0.dropout=0\n"
	    "  for lr in 0.1 0.01; do spool submit job.json -p "
	    "learningRate=$lr; done |\n      spool wait -\n",
	.bare = true,
	.run = submit_run,
};
