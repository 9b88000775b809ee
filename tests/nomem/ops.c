/*
 * ops.c - submit, admit, claim, commit, list, reap and the like, each on an
 * order of its own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/beat.h"
#include "libspool/bundle.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/keep.h"
#include "libspool/mark.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/policy.h"
#include "libspool/ready.h"
#include "libspool/revoke.h"
#include "libspool/row.h"
#include "libspool/submit.h"
#include "tests/nomem/ops.h"

static struct sp_spool sp, dead; /* dead: another W on it */
static struct sp_id id;
static struct sp_name name, claimed;
static struct sp_buf text;
static char path[4096];
static int drops;

static const char job[] =
    "{\"scriptName\": \"a.py\", \"lr\": 0.1, \"big\": 12345678901234567890, "
    "\"order\": {\"name\": \"x\", \"attempts\": 3, \"timeout\": \"2h\", "
    "\"memory\": \"1G\", \"env\": {\"A\": \"b\", \"C\": \"d\"}, \"tags\": "
    "[\"x\", \"y\"]}}\n";
static const char after[] =
    "{\"scriptName\": \"a.py\", \"order\": {\"after\": "
    "[\"20260101T120000000-00000001\", \"20260101T120000000-00000002\"]}}\n";
static const char said[] =
    "{\"_id\": \"x\", \"status\": 200, \"accuracy\": 0.5, "
    "\"big\": 12345678901234567890}\n";

/* ---- where is it? ---- */

static bool
stands(enum sp_state want)
{
	enum sp_state at;
	struct sp_name found;

	return sp_find(&sp, &id, &at, &found, NULL) == SP_OK && at == want;
}

static bool
told(int status)
{
	int is;

	return sp_find_status(&sp, &id, &is, NULL) == SP_OK && is == status;
}

static void
nothing(void)
{
	sp_buf_clear(&text);
	sp_buf_init(&text, SP_JOB_MAX);
}

static bool
well(void)
{
	return true;
}

/* ---- orders come in ---- */

static struct sp_submit group[3];

static void
submit_before(void)
{
	size_t i;

	nothing();
	(void)memset(group, 0, sizeof group);
	for (i = 0; i < 3; i++) {
		group[i].text = i == 2 ? after : job;
		group[i].len = strlen(group[i].text);
		group[i].prio = -1;
	}
}

static enum sp_status
submit(struct sp_err *err)
{
	struct sp_submit some[3];
	enum sp_status st;
	size_t i, n = 0;

	for (i = 0; i < 3; i++)
		if (group[i].status != SP_OK || group[i].id.text[0] == '\0')
			some[n++] = group[i];
	st = sp_submit(&sp, some, n, err);
	for (i = 0, n = 0; i < 3; i++)
		if (group[i].status != SP_OK || group[i].id.text[0] == '\0')
			group[i] = some[n++];
	return st;
}

static bool
submitted(void)
{
	size_t i;
	bool ok = true;

	for (i = 0; i < 3; i++) {
		id = group[i].id;
		ok = ok && stands(i == 2 ? SP_WAITING : SP_NEW);
	}
	return ok;
}

static char raw[64];

static void
drop(const char *end, const char *lines)
{
	int fd;

	nothing();
	(void)snprintf(raw, sizeof raw, "drop%d.%s", drops++, end);
	fd = openat(sp.dir[SP_DIR_NEW], raw, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (fd == -1 ||
	    write(fd, lines, strlen(lines)) != (ssize_t)strlen(lines))
		abort();
	(void)close(fd);
}

static void
admit_before(void)
{
	drop("json", job);
	(void)memset(&name, 0, sizeof name);
}

static enum sp_status
admit(struct sp_err *err)
{
	enum sp_status st;

	st = sp_admit(&sp, raw, SP_DROP_JOB, sp_wall_ms() + 60000, &name, err);
	return st == SP_OK && name.ticket == 0 ? SP_BAD : st;
}

static bool
admitted(void)
{
	id = name.id;
	return stands(SP_NEW);
}

static void
bundle_before(void)
{
	char lines[sizeof job * 2 + sizeof after];
	struct sp_err err = { "" };

	(void)snprintf(lines, sizeof lines, "%s%s%s", job, after, job);
	drop("jsonl", lines);
	if (sp_admit(&sp, raw, SP_DROP_BUNDLE, sp_wall_ms() + 60000, &name,
		&err) != SP_OK)
		abort();
	id = name.id;
}

/* What is not exploded is given back to waiting/ or held until a keeper of the
 * same W lets it go: as it is found then. */
static enum sp_status
explode(struct sp_err *err)
{
	struct sp_name now, to;
	enum sp_state at;

	if (sp_find(&sp, &id, &at, &now, NULL) == SP_OK && at != SP_NEW &&
	    at != SP_DONE) {
		(void)sp_move_step(&sp,
		    at == SP_WAITING ? SP_STEP_PROMOTE : SP_STEP_RELEASE, at,
		    SP_NEW, &now, &to, NULL);
		name = to;
	} else if (at == SP_DONE)
		return sp_bundle_recover(&sp, err);
	return sp_bundle_open(&sp, &name, NULL, err);
}

static bool
exploded(void)
{
	struct sp_names names = { 0 };
	char day[SP_DAY_LEN + 1], stage[4200];
	bool ok;

	sp_id_day(&id, day);
	ok = stands(SP_DONE) && told(200) &&
	    sp_list(sp.dir[SP_DIR_NEW], false, &names, NULL) == SP_OK &&
	    names.n >= 2;
	sp_names_clear(&names);
	/* Nothing is left on the stage. */
	(void)snprintf(
	    stage, sizeof stage, "find '%s/tmp' -name '*.d' | grep -q .", path);
	return ok && system(stage) != 0;
}

/* ---- orders go out ---- */

static void
order_before(void)
{
	submit_before();
	if (sp_submit(&sp, group, 1, NULL) != SP_OK)
		abort();
	id = group[0].id;
	{
		enum sp_state at;

		if (sp_find(&sp, &id, &at, &name, NULL) != SP_OK)
			abort();
	}
}

static enum sp_status
claim(struct sp_err *err)
{
	struct sp_names names = { 0 };
	enum sp_status st;
	struct sp_name to;

	/* Held and not run: a worker finds that out and gives it back. */
	if (stands(SP_ASSIGNED)) {
		enum sp_state at;

		if (sp_find(&sp, &id, &at, &claimed, NULL) != SP_OK)
			return SP_FATAL;
		if (sp_move_step(&sp, SP_STEP_RELEASE, SP_ASSIGNED, SP_NEW,
			&claimed, &to, err) != SP_OK)
			return SP_FATAL;
		name = to;
	}
	st = sp_claim(&sp, &name, &claimed, &text, err);
	sp_names_clear(&names);
	return st;
}

static bool
is_claimed(void)
{
	bool ok = stands(SP_ASSIGNED) && text.len == strlen(job);

	nothing();
	return ok;
}

static void
held_before(void)
{
	struct sp_err err = { "" };

	order_before();
	if (sp_claim(&sp, &name, &claimed, &text, &err) != SP_OK)
		abort();
	nothing();
}

static enum sp_status
commit(struct sp_err *err)
{
	struct sp_ended ended = {
		.name = claimed, .text = said, .len = strlen(said), .good = true
	};

	sp_commit(&sp, &ended, 1, err);
	return ended.status;
}

static bool
committed(void)
{
	return stands(SP_DONE) && told(200);
}

static enum sp_status
cancel(struct sp_err *err)
{
	return sp_end(&sp, SP_ASSIGNED, &claimed, SP_ST_CANCELLED, false,
	    "cancelled", err);
}

static bool
cancelled(void)
{
	return stands(SP_FAILED) && told(SP_ST_CANCELLED);
}

static void
dead_before(void)
{
	struct sp_err err = { "" };

	order_before();
	if (sp_claim(&dead, &name, &claimed, &text, &err) != SP_OK)
		abort();
	nothing();
}

static enum sp_status
reap(struct sp_err *err)
{
	enum sp_revoked how;

	return sp_revoke(&sp, &claimed, false, "it is dead", &how, err);
}

static bool
revoked(void)
{
	return stands(SP_WAITING);
}

/* One that had finished. */
static void
done_before(void)
{
	char file[SP_NAME_MAX + 1] = ".";
	int fd;

	dead_before();
	sp_attempt_print(&claimed, file + 1);
	fd = openat(
	    sp.dir[SP_DIR_OUTCOMES], file, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (fd == -1 || write(fd, said, strlen(said)) < 0)
		abort();
	(void)close(fd);
}

/* ---- the keeper ---- */

/* A drop, and an order that is to be cancelled. */
static void
keep_before(void)
{
	struct sp_err err = { "" };

	order_before();
	(void)sp_mark_set(&sp, SP_DIR_CANCEL, &id, &err);
	drop("json", job);
}

static enum sp_status
keep(struct sp_err *err)
{
	struct sp_keep *keeper;
	enum sp_status st;

	st = sp_keep_new(&sp, false, &keeper, err);
	if (st == SP_OK)
		(void)sp_keep_tick(keeper, SP_DIRTY_ALL, sp_mono_ms());
	if (st == SP_OK)
		sp_keep_free(keeper);
	return st;
}

static bool
kept(void)
{
	struct stat st;

	return cancelled() && fstatat(sp.dir[SP_DIR_NEW], raw, &st, 0) == -1;
}

/* ---- looking ---- */

static struct sp_names names;

static enum sp_status
list_new(struct sp_err *err)
{
	return sp_list(sp.dir[SP_DIR_NEW], false, &names, err);
}

static bool
listed(void)
{
	bool ok = names.n > 0;

	sp_names_clear(&names);
	return ok;
}

static struct sp_ready ready;

static enum sp_status
ready_list(struct sp_err *err)
{
	enum sp_status st;

	sp_ready_init(&ready, &sp);
	st = sp_ready_list(&ready, &names, err);
	sp_ready_clear(&ready);
	return st;
}

static enum sp_status
find(struct sp_err *err)
{
	enum sp_state at;
	struct sp_name found;

	return sp_find(&sp, &id, &at, &found, err);
}

static enum sp_status
row(struct sp_err *err)
{
	struct sp_row r;

	return sp_row_read(&sp, SP_NEW, &name, &r, err);
}

static enum sp_status
open_again(struct sp_err *err)
{
	struct sp_spool other;
	enum sp_status st;

	st = sp_spool_open(path, "other", &other, err);
	if (st == SP_OK)
		sp_spool_close(&other);
	return st;
}

/* ---- texts ---- */

static enum sp_status
parse_job(struct sp_err *err)
{
	struct sp_job j;
	enum sp_status st;

	st = sp_job_parse(job, strlen(job), &j, err);
	sp_job_clear(&j);
	return st;
}

static enum sp_status
make_outcome(struct sp_err *err)
{
	struct sp_buf out = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_run run = { .name = claimed };
	enum sp_status st;
	int status;

	(void)err;
	st = sp_outcome_make(
	    &run, false, said, strlen(said), NULL, &out, &status);
	if (st == SP_OK && status != 200)
		st = SP_BAD;
	if (st == SP_OK)
		st = sp_outcome_status(out.data, out.len, &status);
	sp_buf_clear(&out);
	return st;
}

static enum sp_status
parse_beat(struct sp_err *err)
{
	static const char beat[] =
	    "{\"worker\": \"w-000001\", \"beat\": 7, \"tags\": [\"a\", \"b\"], "
	    "\"running\": [\"50.20260101T120000000-00000001.t1a0@w-000001.json\"]"
	    ", \"gpu\": [{\"index\": 0, \"uuid\": \"GPU-1\"}]}\n";
	struct sp_beat b = { 0 };
	enum sp_status st;

	st = sp_beat_parse(beat, strlen(beat), &b, err);
	sp_beat_clear(&b);
	return st;
}

static enum sp_status
parse_policy(struct sp_err *err)
{
	static const char policy[] =
	    "{\"format\": 1, \"lease\": 20, \"attempts\": 9}\n";
	struct sp_policy p;

	return sp_policy_parse(policy, strlen(policy), &p, err);
}

const struct op ops[] = {
	/* While there are few orders: each round reads all of them. */
	{ "keep", keep_before, keep, kept, .rests = true },
	{ "job", nothing, parse_job, well, .keeps = false },
	{ "outcome", nothing, make_outcome, well, .mute = true },
	{ "beat", nothing, parse_beat, well, .mute = true },
	{ "policy", nothing, parse_policy, well, .mute = false },
	{ "submit", submit_before, submit, submitted, .mute = false },
	{ "admit", admit_before, admit, admitted, .mute = false },
	{ "bundle", bundle_before, explode, exploded, .mute = true },
	{ "claim", order_before, claim, is_claimed, .keeps = true },
	{ "commit", held_before, commit, committed, .mute = true },
	{ "end", held_before, cancel, cancelled, .mute = true },
	{ "revoke", dead_before, reap, revoked, .mute = true },
	{ "done", done_before, reap, committed, .mute = true },

	{ "list", order_before, list_new, listed, .keeps = true },
	{ "ready", order_before, ready_list, listed, .keeps = true },
	{ "find", order_before, find, well, .mute = false },
	{ "row", order_before, row, well, .mute = false },
	{ "open", order_before, open_again, well, .mute = false },
	{ NULL, NULL, NULL, NULL, false, false, false, false },
};

bool
ops_init(const char *dir)
{
	static const char policy[] =
	    "{\"format\": 1, \"lease\": 1, \"beat\": 0.2, \"settle\": 0, "
	    "\"attempts\": 9, \"backoff\": 0.1, \"halfRename\": 0.1, "
	    "\"tmpAge\": 1000, \"poll\": 0.1}\n";
	struct sp_err err = { "" };
	char file[4200];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s", dir);
	(void)snprintf(file, sizeof file, "%s/spool.json", dir);
	sp_buf_init(&text, SP_JOB_MAX);
	if (sp_spool_make(dir, &err) != SP_OK || (f = fopen(file, "w")) == NULL)
		return false;
	(void)fputs(policy, f);
	(void)fclose(f);
	return sp_spool_open(dir, "w", &sp, &err) == SP_OK &&
	    sp_spool_open(dir, "dead", &dead, &err) == SP_OK;
}

void
ops_end(void)
{
	sp_spool_close(&dead);
	sp_spool_close(&sp);
}
