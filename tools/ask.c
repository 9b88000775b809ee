/*
 * ask.c - spool ask: what comes of these parameters?  Proposals come in, one
 * JSON object a line, and each becomes an order of a sweep, under an id that
 * follows from its number: so whoever crashed may ask the same again, and
 * nothing is made twice.  `spool tell` has what came of them.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/find.h"
#include "libspool/submit.h"
#include "tools/intake.h"
#include "tools/sweepjob.h"

#define GROUP 256

struct asked {
	int64_t trial;
	struct sp_submit in; /* text is ours */
	struct amended job;
	bool again;        /* it is there already */
	struct sp_buf was; /* with these parameters */
};

struct ask {
	struct tool *tool;
	const char *job_file;
	bool no_pin;
	char sweep[SP_SWEEP_LEN + 1];
	struct sp_names set;
	struct sp_buf base;
	struct pin pin;
	struct asked one[GROUP];
	size_t n;
	int answer;
};

/* ---- answers ---- */

static void
answer(struct ask *ask, const struct json_t *trial, const char *words)
{
	struct sp_buf b = SP_BUF_INIT(65536);
	struct sp_jw w;

	sp_jw_init(&w, &b);
	sp_jw_open(&w, NULL, '{');
	if (sp_json_kind(trial) == SP_JSON_INT)
		sp_jw_int(&w, "trial", sp_json_int(trial, 0));
	else
		sp_jw_null(&w, "trial");
	sp_jw_null(&w, "id");
	sp_jw_text(&w, "error", words);
	sp_jw_close(&w, '}');
	(void)puts(sp_buf_text(&b));
	sp_buf_clear(&b);
	if (ask->answer == ANSWER_YES)
		ask->answer = ANSWER_NO;
}

static void
accept(const struct ask *ask, const struct asked *one)
{
	struct sp_buf b = SP_BUF_INIT(2 * SP_JOB_MAX);
	struct sp_jw w;

	sp_jw_init(&w, &b);
	sp_jw_open(&w, NULL, '{');
	sp_jw_int(&w, "trial", one->trial);
	sp_jw_text(&w, "id", one->in.id.text);
	sp_jw_text(&w, "sweep", ask->sweep);
	sp_jw_bool(&w, "again", one->again);
	if (one->was.len > 0)
		sp_buf_printf(&b, ",\"parameters\":%s", sp_buf_text(&one->was));
	sp_jw_close(&w, '}');
	(void)puts(sp_buf_text(&b));
	sp_buf_clear(&b);
}

static void
flush(struct ask *ask)
{
	static struct sp_submit group[GROUP]; /* large */
	size_t i, n = 0;

	for (i = 0; i < ask->n; i++)
		if (!ask->one[i].again)
			group[n++] = ask->one[i].in;
	if (n > 0)
		(void)sp_submit(&ask->tool->spool, group, n, NULL);
	for (i = 0, n = 0; i < ask->n; i++) {
		struct asked *one = &ask->one[i];

		if (one->again || group[n].status == SP_OK) {
			accept(ask, one);
		} else {
			complain("trial %lld: %s", (long long)one->trial,
			    group[n].err.text);
			ask->answer = ANSWER_LATER;
		}
		n += !one->again;
		amended_clear(&one->job);
		sp_buf_clear(&one->was);
	}
	(void)fflush(stdout);
	ask->n = 0;
}

/* ---- one proposal ---- */

/* Is it there already, and with what parameters? */
static enum sp_status
look(struct ask *ask, struct asked *one, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 2);
	struct json_t *json = NULL, *was;
	enum sp_state state;
	struct sp_name name;
	enum sp_status st;
	size_t i;

	for (i = 0; i < ask->n; i++)
		if (ask->one[i].trial == one->trial)
			return sp_err_set(err, SP_BAD,
			    "trial: %lld was asked a moment ago",
			    (long long)one->trial);
	st = see_find(&ask->tool->spool, &one->in.id, &state, &name, err);
	if (st == SP_GONE)
		return SP_OK;
	if (st != SP_OK)
		return st;
	one->again = true;
	if (sp_order_read(&ask->tool->spool, state, &name, &text, NULL) ==
		SP_OK &&
	    sp_json_parse(sp_buf_text(&text), text.len, &json, NULL) == SP_OK) {
		was = sp_json_get(
		    sp_json_get(sp_json_get(json, "order"), "sweep"),
		    "parameters");
		if (was != NULL)
			sp_json_put(&one->was, was);
	}
	sp_json_free(json);
	sp_buf_clear(&text);
	return SP_OK;
}

/* The job of these parameters. */
static enum sp_status
make(struct ask *ask, struct asked *one, const struct json_t *parameters,
    struct sp_err *err)
{
	struct sp_buf b = SP_BUF_INIT(SP_JOB_MAX);
	struct amend amend = { 0 };
	struct sp_names set = { 0 };
	enum sp_status st = SP_OK;
	struct json_t *value;
	const char *key;
	void *iter = NULL;
	size_t i;

	sp_buf_printf(&b,
	    "order.sweep={\"id\":\"%s\",\"run\":%lld,\"parameters\":",
	    ask->sweep, (long long)one->trial + 1);
	sp_json_put(&b, parameters);
	sp_buf_puts(&b, "}");
	st = sp_names_add(&set, sp_buf_text(&b));
	while (st == SP_OK && sp_json_next(parameters, &iter, &key, &value)) {
		sp_buf_reset(&b);
		sp_buf_printf(&b, "%s=", key);
		sp_json_put(&b, value);
		st = b.failed ? SP_RETRY : sp_names_add(&set, b.data);
	}
	sp_buf_clear(&b);
	amend.set = calloc(set.n + 1, sizeof *amend.set);
	if (st != SP_OK || amend.set == NULL)
		st = sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; st == SP_OK && i < set.n; i++)
		amend.set[amend.set_n++] = sp_names_at(&set, i);
	if (st == SP_OK)
		st = amend_apply(&amend, sp_buf_text(&ask->base), ask->base.len,
		    &one->job, err);
	free(amend.set);
	sp_names_clear(&set);
	return st;
}

static enum sp_status
propose(struct ask *ask, const struct json_t *json, struct sp_err *err)
{
	const struct json_t *trial = sp_json_get(json, "trial");
	const struct json_t *parameters = sp_json_get(json, "parameters");
	struct asked *one = &ask->one[ask->n];
	enum sp_status st;

	(void)memset(one, 0, sizeof *one);
	sp_buf_init(&one->was, SP_JOB_MAX);
	one->trial = sp_json_int(trial, -1);
	if (one->trial < 0 || one->trial >= SP_SWEEP_MOST)
		return sp_err_set(err, SP_BAD,
		    "trial: a whole number from 0 to %d is wanted",
		    SP_SWEEP_MOST - 1);
	if (sp_json_kind(parameters) != SP_JSON_OBJECT)
		return sp_err_set(err, SP_BAD,
		    "parameters: an object is wanted, as {\"learningRate\": "
		    "0.01}");
	sp_sweep_id(ask->sweep, (unsigned)one->trial + 1, &one->in.id);
	if ((st = look(ask, one, err)) != SP_OK)
		return st;
	if (!one->again) {
		st = make(ask, one, parameters, err);
		if (st == SP_OK && !ask->no_pin)
			st = pin_apply(&ask->pin, "trial", &one->job, err);
		/* What is no job is said here, not by an outcome 400. */
		if (st == SP_OK && !one->job.valid) {
			struct sp_job job;

			st = sp_job_parse(sp_buf_text(&one->job.text),
			    one->job.text.len, &job, err);
			sp_job_clear(&job);
		}
		one->in.text = sp_buf_text(&one->job.text);
		one->in.len = one->job.text.len;
		one->in.prio = -1;
		one->in.named = true;
	}
	if (st != SP_OK) {
		amended_clear(&one->job);
		return st;
	}
	ask->n++;
	return SP_OK;
}

static int
take(void *arg, const char *where, const char *label, const char *text,
    size_t len, const struct sp_err *bad)
{
	struct ask *ask = arg;
	struct sp_err err = { "" };
	struct json_t *json = NULL;
	enum sp_status st;

	(void)label;
	if (text == NULL) {
		flush(ask);
		if (bad != NULL)
			answer(ask, NULL, bad->text);
		(void)fflush(stdout);
		return ask->answer == ANSWER_LATER;
	}
	st = sp_json_parse(text, len, &json, &err);
	if (st == SP_OK)
		st = propose(ask, json, &err);
	if (st == SP_RETRY || st == SP_FATAL) {
		flush(ask);
		complain("%s: %s", where, err.text);
		ask->answer = ANSWER_LATER;
	} else if (st != SP_OK) {
		flush(ask);
		answer(ask, sp_json_get(json, "trial"), err.text);
		(void)fflush(stdout);
	}
	sp_json_free(json);
	if (ask->n == GROUP)
		flush(ask);
	return ask->answer == ANSWER_LATER;
}

/* ---- the verb ---- */

static int
read_base(struct ask *ask)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 65536);
	struct sp_err err = { "" };
	const char **sets = calloc(ask->set.n + 1, sizeof *sets);
	int answer = ANSWER_YES;
	enum sp_status st;
	size_t i;

	if (ask->job_file != NULL)
		answer = sweepjob_read(ask->job_file, &text);
	else
		sp_buf_puts(&text, "{}");
	if (answer == ANSWER_YES && sets != NULL) {
		for (i = 0; i < ask->set.n; i++)
			sets[i] = sp_names_at(&ask->set, i);
		st = sp_job_edit(sp_buf_text(&text), text.len, sets, ask->set.n,
		    &ask->base, &err);
		if (st != SP_OK)
			answer = complain_of(st, &err,
			    ask->job_file != NULL ? ask->job_file : "-p");
	}
	free(sets);
	sp_buf_clear(&text);
	return answer;
}

static int
go(struct ask *ask)
{
	int answer;

	if ((answer = read_base(ask)) != ANSWER_YES)
		return answer;
	if (!ask->no_pin) {
		pin_init(&ask->pin, ask->tool);
		pin_from(
		    &ask->pin, ask->job_file != NULL ? ask->job_file : "-");
	}
	intake_file("-", take, ask);
	flush(ask);
	if (!ask->no_pin)
		pin_clear(&ask->pin);
	return ask->answer;
}

static int
ask_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "job", required_argument, NULL, 'J' },
		{ "new", no_argument, NULL, 'n' },
		{ "no-pin", no_argument, NULL, 'N' },
		{ NULL, 0, NULL, 0 },
	};
	static struct ask ask; /* the group is large */
	int c, answer = ANSWER_YES;
	bool new = false;

	ask.tool = tool;
	sp_buf_init(&ask.base, SP_JOB_MAX + 2);
	while (answer == ANSWER_YES &&
	    (c = getopt_long(argc, argv, "p:", longs, NULL)) != -1) {
		if (c == 'p')
			answer = answer_of(sp_names_add(&ask.set, optarg));
		else if (c == 'J')
			ask.job_file = optarg;
		else if (c == 'N')
			ask.no_pin = true;
		else if (c == 'n')
			new = true;
		else
			answer = usage_wrong();
	}
	if (answer == ANSWER_YES && new &&optind == argc) {
		sp_sweep_make(sp_wall_ms(), sp_dice(), ask.sweep);
		(void)puts(ask.sweep);
	} else if (answer == ANSWER_YES && (new || optind + 1 != argc)) {
		complain("name the sweep; 'spool ask --new' makes a name");
		answer = usage_wrong();
	} else if (answer == ANSWER_YES && !sp_sweep_ok(argv[optind])) {
		complain("'%s' is no sweep: 'spool ask --new' makes a name, as "
			 "20261122T190212345-9f3c",
		    argv[optind]);
		answer = ANSWER_WRONG;
	} else if (answer == ANSWER_YES) {
		(void)strcpy(ask.sweep, argv[optind]);
		answer = go(&ask);
	}
	sp_names_clear(&ask.set);
	sp_buf_clear(&ask.base);
	return answer;
}

const struct verb verb_ask = {
	.name = "ask",
	.usage = "--new | [--job FILE] [-p KEY=VALUE] SWEEP",
	.help = "run what an optimizer proposes, trial by trial",
	.page =
	    "Reads proposals from standard input, one a line, and makes an "
	    "order of each; answers\neach with a line when that is durable.  "
	    "The ids follow from SWEEP and the trial's\nnumber: what was asked "
	    "already is answered again and not made twice.  'spool tell'\nhas "
	    "what came of them; both need no daemon.\n\n"
	    "  < {\"trial\": 0, \"parameters\": {\"learningRate\": 0.01}}\n"
	    "  > {\"trial\":0,\"id\":\"...0001\",\"sweep\":\"...\",\"again\":"
	    "false}\n"
	    "  > {\"trial\":1,\"id\":null,\"error\":\"parameters: ...\"}\n\n"
	    "  --new          print the name of a new sweep\n"
	    "  --job FILE     the job that the parameters are set in\n"
	    "  -p KEY=VALUE   set something in it for all trials\n"
	    "  --no-pin       as of 'spool submit'\n\n"
	    "  S=$(spool ask --new)\n"
	    "  spool ask --job job.json $S <proposals && spool tell $S\n",
	.files = SPOOL_FILES,
	.run = ask_run,
};
