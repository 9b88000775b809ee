/*
 * sweepjob.c - what spool sweep reads, and the jobs that it makes of that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/sweepjob.h"

#define FILE_MAX (1 << 20)

static int
failed(const char *file, enum sp_status st, const struct sp_err *err)
{
	unsigned long line;
	char *end;

	if (strncmp(err->text, "line ", 5) != 0)
		return complain_of(st, err, file);
	line = strtoul(err->text + 5, &end, 10);
	end += strspn(end, ":, ");
	complain("%s:%lu: %s", file, line, end);
	return st == SP_RETRY ? ANSWER_LATER : ANSWER_NO;
}

int
sweepjob_read(const char *file, struct sp_buf *out)
{
	bool input = strcmp(file, "-") == 0;
	int fd =
	    input ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = 1;
	char *room;

	if (fd == -1) {
		complain("%s: %s", file, strerror(errno));
		return ANSWER_NO;
	}
	while (n != 0 && (room = sp_buf_room(out, 65536)) != NULL) {
		n = read(fd, room, 65536);
		if (n == -1 && errno != EINTR)
			break;
		out->len += n > 0 ? (size_t)n : 0;
		out->data[out->len] = '\0';
	}
	if (n == -1)
		complain("%s: %s", file, strerror(errno));
	else if (out->failed)
		complain("%s: it is longer than 1 MiB", file);
	if (!input)
		(void)close(fd);
	return n == 0 && !out->failed ? ANSWER_YES : ANSWER_NO;
}

/* ---- the file ---- */

/* As YAML, which JSON is, too, but where tabs stand in it. */
static enum sp_status
parse(const struct sp_buf *text, struct json_t **json_out,
    struct yaml_places *places, struct sp_err *err)
{
	struct sp_buf json = SP_BUF_INIT(8 * FILE_MAX);
	const char *at = sp_buf_text(text);
	enum sp_status st;

	st = yaml_read(at, text->len, &json, places, err);
	if (st == SP_OK) {
		st = sp_json_parse(sp_buf_text(&json), json.len, json_out, err);
	} else if (st == SP_BAD && at[strspn(at, " \t\r\n")] == '{') {
		yaml_clear(places);
		sp_err_clear(err);
		st = sp_json_parse(at, text->len, json_out, err);
	}
	sp_buf_clear(&json);
	return st;
}

int
sweepjob_plan(struct sweep *s)
{
	struct sp_buf text = SP_BUF_INIT(FILE_MAX + 65536);
	struct yaml_places places = { 0 };
	struct json_t *json = NULL;
	struct sp_err err = { "" };
	enum sp_status st;
	int answer;

	if ((answer = sweepjob_read(s->file, &text)) == ANSWER_YES) {
		st = parse(&text, &json, &places, &err);
		if (st == SP_OK)
			st = sweep_read(json, &places, &s->plan, &err);
		if (st != SP_OK)
			answer = failed(s->file, st, &err);
	}
	sp_json_free(json);
	yaml_clear(&places);
	sp_buf_clear(&text);
	return answer;
}

/* ---- the job ---- */

static bool
has(const struct sp_buf *job, const char *key)
{
	struct json_t *json = NULL;
	bool is;

	is = sp_json_parse(sp_buf_text(job), job->len, &json, NULL) == SP_OK &&
	    sp_json_kind(sp_json_get(json, key)) != SP_JSON_NULL;
	sp_json_free(json);
	return is;
}

static void
add_text(struct sp_names *set, const char *key, const char *text)
{
	struct sp_buf b = SP_BUF_INIT(4096);

	sp_buf_printf(&b, "%s=", key);
	sp_json_put_text(&b, text);
	(void)sp_names_add(set, sp_buf_text(&b));
	sp_buf_clear(&b);
}

/* What the file says of all runs, and -p over it. */
static enum sp_status
make_base(struct sweep *s, const struct sp_buf *job, struct sp_err *err)
{
	struct sp_names set = { 0 };
	const char **sets;
	enum sp_status st;
	size_t i, n = 0;

	if (s->plan.program[0] != '\0' && !has(job, "scriptName"))
		add_text(&set, "scriptName", s->plan.program);
	if (s->plan.project[0] != '\0' && !has(job, "projectName"))
		add_text(&set, "projectName", s->plan.project);
	if (s->plan.name[0] != '\0')
		add_text(&set, "order.name", s->plan.name);
	sets = calloc(set.n + s->plan.order.n + s->set.n + 1, sizeof *sets);
	if (sets == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; i < set.n; i++)
		sets[n++] = sp_names_at(&set, i);
	for (i = 0; i < s->plan.order.n; i++)
		sets[n++] = sp_names_at(&s->plan.order, i);
	for (i = 0; i < s->set.n; i++)
		sets[n++] = sp_names_at(&s->set, i);
	st = sp_job_edit(sp_buf_text(job), job->len, sets, n, &s->base, err);
	free(sets);
	sp_names_clear(&set);
	return st;
}

int
sweepjob_base(struct sweep *s)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX + 65536);
	struct sp_err err = { "" };
	enum sp_status st;
	int answer = ANSWER_YES;

	if (s->job != NULL)
		answer = sweepjob_read(s->job, &job);
	else
		sp_buf_puts(&job, "{}");
	if (answer == ANSWER_YES) {
		st = make_base(s, &job, &err);
		if (st != SP_OK)
			answer =
			    failed(s->job != NULL ? s->job : s->file, st, &err);
	}
	if (answer == ANSWER_YES && !has(&s->base, "scriptName")) {
		complain("%s: program: missing; name the script there, or a "
			 "job that does by --job FILE",
		    s->file);
		answer = ANSWER_NO;
	}
	if (answer == ANSWER_YES && s->plan.program[0] != '\0' &&
	    has(&job, "scriptName"))
		complain("%s: program: passed over, the job names its script",
		    s->file);
	sp_buf_clear(&job);
	return answer;
}

/* ---- the runs ---- */

enum sp_status
sweepjob_run(
    struct sweep *s, int64_t i, struct amended *out, struct sp_err *err)
{
	struct sp_names set = { 0 };
	char own[200], seed[40] = "";
	const char **sets;
	enum sp_status st;
	size_t k;

	(void)memset(out, 0, sizeof *out);
	sp_buf_init(&out->text, SP_JOB_MAX + 2);
	if (s->plan.random)
		(void)snprintf(
		    seed, sizeof seed, ",\"seed\":%lld", (long long)s->seed);
	(void)snprintf(own, sizeof own,
	    "order.sweep={\"id\":\"%s\",\"run\":%lld,\"runs\":%lld,"
	    "\"method\":\"%s\"%s}",
	    s->put.sweep, (long long)i + 1, (long long)s->runs,
	    s->plan.random ? "random" : "grid", seed);
	st = sweep_draw(&s->plan, (uint64_t)s->seed, i, &set);
	if (st == SP_OK)
		st = sp_names_add(&set, own);
	sets = calloc(set.n + 1, sizeof *sets);
	if (st != SP_OK || sets == NULL)
		st = sp_err_set(err, SP_RETRY, "no memory");
	for (k = 0; st == SP_OK && k < set.n; k++)
		sets[k] = sp_names_at(&set, k);
	if (st == SP_OK)
		st = sp_job_edit(sp_buf_text(&s->base), s->base.len, sets,
		    set.n, &out->text, err);
	free(sets);
	sp_names_clear(&set);
	if (st == SP_OK)
		st =
		    sp_job_parse(out->text.data, out->text.len, &out->job, err);
	out->valid = st == SP_OK;
	return st;
}
