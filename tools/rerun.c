/*
 * rerun.c - spool rerun: a new order from an old one, with other parameters and
 * the same pins.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/owner.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/json.h"
#include "libspool/outcome.h"
#include "libspool/pins.h"
#include "libspool/submit.h"
#include "tools/amend.h"

#define SETS 256

struct rerun {
	struct tool *tool;
	const char *set[SETS]; /* of -p, and what follows from them */
	size_t set_n;
	bool wait;
};

static bool
sets(const struct rerun *r, const char *key)
{
	size_t i, n = strlen(key);

	for (i = 0; i < r->set_n; i++)
		if (strncmp(r->set[i], key, n) == 0 && r->set[i][n] == '=')
			return true;
	return false;
}

static void
hex_take(const struct json_t *run, const char *key, char out[SP_SHA_LEN + 1])
{
	const char *text = sp_json_text(sp_json_get(run, key));

	if (text != NULL && strlen(text) == SP_SHA_LEN &&
	    strspn(text, "0123456789abcdef") == SP_SHA_LEN)
		(void)strcpy(out, text);
}

/* Of an order that ended at its first attempt the outcome says it. */
static void
outcome_pins(struct tool *tool, const struct sp_id *id, struct sp_pins *pins)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX + 2);
	struct json_t *json = NULL;
	const struct json_t *run;
	char file[SP_NAME_MAX];
	struct stat st;

	(void)snprintf(file, sizeof file, "%s.json", id->text);
	if (sp_read(tool->spool.dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX,
		&text, &st, NULL) == SP_OK)
		(void)sp_json_parse(sp_buf_text(&text), text.len, &json, NULL);
	run = sp_json_get(json, "run");
	hex_take(run, "scriptSha256", pins->script);
	hex_take(run, "dataSha256", pins->data);
	hex_take(run, "codeSha256", pins->code);
	sp_json_free(json);
	sp_buf_clear(&text);
}

/* What its first attempt was made of, when the job did not say. */
static void
pins_read(struct tool *tool, const struct sp_id *id, struct sp_pins *pins)
{
	struct sp_buf text = SP_BUF_INIT(8192);
	struct stat st;
	int fd;

	memset(pins, 0, sizeof *pins);
	outcome_pins(tool, id, pins);
	if (sp_run_open(&tool->spool, id, false, &fd, NULL) != SP_OK)
		return;
	if (sp_read(fd, "pins.json", 4096, &text, &st, NULL) == SP_OK)
		(void)sp_pins_parse(sp_buf_text(&text), text.len, pins);
	(void)sp_fs_close(fd);
	sp_buf_clear(&text);
}

static bool
blob_is(struct tool *tool, const char *hex)
{
	char path[SP_SHA_LEN + 32];
	struct stat st;

	(void)snprintf(path, sizeof path, "blobs/sha256/%s", hex);
	return *hex != '\0' && sp_fs_lstat(tool->spool.root, path, &st) == 0;
}

/* A pin goes with the name that it pins: who names another script means that
 * one, as it is now. */
static size_t
pin_sets(const struct rerun *r, const struct sp_job *job,
    const struct sp_pins *pins, char room[4][SP_SHA_LEN + 64],
    const char *out[4])
{
	size_t n = 0;

	if (sets(r, "scriptName")) {
		(void)strcpy(room[n], "order.scriptSha256=null");
		out[n] = room[n], n++;
		(void)strcpy(room[n], "order.code=null");
		out[n] = room[n], n++;
	} else {
		if (job->script_sha[0] == '\0' &&
		    blob_is(r->tool, pins->script)) {
			(void)snprintf(room[n], sizeof room[n],
			    "order.scriptSha256=\"%s\"", pins->script);
			out[n] = room[n], n++;
		}
		if (strncmp(job->code, "sha256:", 7) != 0 &&
		    blob_is(r->tool, pins->code)) {
			(void)snprintf(room[n], sizeof room[n],
			    "order.code=\"sha256:%s\"", pins->code);
			out[n] = room[n], n++;
		}
	}
	if (sets(r, "dataFileName"))
		(void)strcpy(room[n], "order.dataSha256=null"),
		    out[n] = room[n], n++;
	else if (job->data_sha[0] == '\0' && blob_is(r->tool, pins->data)) {
		(void)snprintf(room[n], sizeof room[n],
		    "order.dataSha256=\"%s\"", pins->data);
		out[n] = room[n], n++;
	}
	return n;
}

static enum sp_status
again(struct rerun *r, enum sp_state state, const struct sp_name *old,
    const struct sp_buf *text, struct sp_id *id_out, struct sp_err *err)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX + 2);
	struct sp_submit one = { .prio = -1 };
	char room[4][SP_SHA_LEN + 64];
	char whose[SP_OWNER_SET];
	const char *all[SETS + 6];
	struct sp_pins pins;
	struct sp_job was;
	enum sp_status st;
	size_t n;

	st = sp_job_parse(sp_buf_text(text), text->len, &was, err);
	if (st != SP_OK && !was.object) {
		sp_job_clear(&was);
		return st;
	}
	sp_err_clear(err); /* -p may mend it */
	pins_read(r->tool, &old->id, &pins);
	n = pin_sets(r, &was, &pins, room, all);
	if (was.retry_of[0] != '\0')
		all[n++] = "order.retryOf=null"; /* it is nobody's retry */
	memcpy(all + n, r->set, r->set_n * sizeof *all);
	n += r->set_n;
	if ((one.owned = was.owned)) { /* whatever -p says */
		sp_owner_again(&r->tool->spool, state, old, whose);
		all[n++] = whose;
	}
	st = SP_OK;
	if (n > 0)
		st = sp_job_edit(
		    sp_buf_text(text), text->len, all, n, &job, err);
	else
		sp_buf_put(&job, sp_buf_text(text), text->len);
	sp_job_clear(&was);
	if (st == SP_OK) {
		one.text = sp_buf_text(&job);
		one.len = job.len;
		(void)memcpy(one.label, old->label, sizeof one.label);
		if (sp_job_parse(one.text, one.len, &was, NULL) == SP_OK)
			amend_warn(r->tool, old->id.text, &was);
		sp_job_clear(&was);
		st = sp_submit(&r->tool->spool, &one, 1, err);
		if (st != SP_OK)
			(void)sp_err_set(err, st, "%s", one.err.text);
	}
	*id_out = one.id;
	sp_buf_clear(&job);
	return st;
}

static int
rerun_one(struct rerun *r, const struct sp_id *id, struct sp_id *new_out)
{
	struct sp_buf text = SP_BUF_INIT(SP_JOB_MAX + 2);
	struct sp_err err = { "" };
	enum sp_status st = SP_GONE;
	enum sp_state state;
	struct sp_name name;
	int i;

	/* It may move while it is read. */
	for (i = 0; i < 20; i++) {
		sp_err_clear(&err);
		st = see_find(&r->tool->spool, id, &state, &name, &err);
		if (st == SP_OK && name.bundle)
			st = sp_err_set(&err, SP_BAD,
			    "is a bundle; rerun the orders that it became");
		if (st != SP_OK)
			break;
		st = sp_order_read(&r->tool->spool, state, &name, &text, &err);
		if (st != SP_GONE && st != SP_LOST)
			break;
	}
	if (st == SP_OK)
		st = again(r, state, &name, &text, new_out, &err);
	sp_buf_clear(&text);
	if (st == SP_OK)
		(void)puts(new_out->text);
	return complain_of(st, &err, id->text);
}

static int
option(struct rerun *r, int c, char **made)
{
	long prio;

	if (r->set_n == SETS) {
		complain("more than %d times -p", SETS);
		return ANSWER_WRONG;
	}
	switch (c) {
	case 'p':
		if (strchr(optarg, '=') == NULL || *optarg == '=') {
			complain("-p %s: give KEY=VALUE", optarg);
			return ANSWER_WRONG;
		}
		r->set[r->set_n++] = optarg;
		return ANSWER_YES;
	case 'P':
		if (!number_parse(optarg, 0, SP_PRIO_MAX, &prio)) {
			complain("--priority %s: give 0 (first) to 99", optarg);
			return ANSWER_WRONG;
		}
		(void)snprintf(made[0], 64, "order.priority=%ld", prio);
		r->set[r->set_n++] = made[0];
		return ANSWER_YES;
	case 'n':
		if (*optarg == '\0' || !sp_label_ok(optarg)) {
			complain("--name %s: give 1 to 64 of the letters A-Z "
				 "a-z 0-9 _ -",
			    optarg);
			return ANSWER_WRONG;
		}
		(void)snprintf(
		    made[1], SP_LABEL_MAX + 32, "order.name=\"%s\"", optarg);
		r->set[r->set_n++] = made[1];
		return ANSWER_YES;
	case 'w':
		r->wait = true;
		return ANSWER_YES;
	default:
		return usage_wrong();
	}
}

static int
rerun_all(struct rerun *r, const struct sp_id *ids, size_t n)
{
	struct sp_id *made = calloc(n + 1, sizeof *made);
	int answer = ANSWER_YES, it;
	size_t i, k = 0;

	if (made == NULL) {
		complain("no memory");
		return ANSWER_LATER;
	}
	for (i = 0; i < n; i++) {
		it = rerun_one(r, &ids[i], &made[k]);
		k += it == ANSWER_YES;
		answer = it > answer ? it : answer;
	}
	(void)fflush(stdout);
	if (r->wait && k > 0 && (it = wait_for(r->tool, made, k, -1)) > answer)
		answer = it;
	free(made);
	return answer;
}

static int
rerun_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "priority", required_argument, NULL, 'P' },
		{ "name", required_argument, NULL, 'n' },
		{ "wait", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	static struct rerun r;
	char prio[64], name[SP_LABEL_MAX + 32];
	char *made[2] = { prio, name };
	int c, answer = ANSWER_YES, it;
	struct sp_id *ids = NULL;
	size_t n = 0;

	r.tool = tool;
	while (answer == ANSWER_YES &&
	    (c = getopt_long(argc, argv, "p:", longs, NULL)) != -1)
		answer = option(&r, c, made);
	if (answer == ANSWER_YES && optind == argc)
		answer = usage_wrong();
	if (answer == ANSWER_YES)
		answer = pick_all(tool, argc - optind, argv + optind, &ids, &n);
	if (n > 0 && (it = rerun_all(&r, ids, n)) > answer)
		answer = it;
	free(ids);
	return answer;
}

const struct verb verb_rerun = {
	.name = "rerun",
	.usage = "[-p KEY=VALUE]... [--priority N] [--name L] [--wait] ID ...",
	.help = "a new order from an old one, with other parameters",
	.page =
	    "The new order's ID is printed; the old one may stand anywhere "
	    "and stays as it is.\nThe new one runs the code and the data that "
	    "the old one ran, also if it did not pin\nthem itself.  "
	    "-p scriptName=... lets go of the script's pin, -p "
	    "dataFileName=... of\nthe data's.\n\n"
	    "  -p KEY=VALUE   set a member of the job, as 'spool submit' "
	    "does; may be repeated\n"
	    "  --priority N   0 first, 99 last\n"
	    "  --name L       a name of its own\n"
	    "  --wait         until it is over\n\n"
	    "  spool rerun wine-3 -p learningRate=0.003 -p epochs=500\n"
	    "  spool rerun -p seed=2 --name again wine-3\n",
	.run = rerun_run,
};
