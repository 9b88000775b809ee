/*
 * show.c - spool show: the story of one order, in words or as one JSON object.
 * Why it waits is why.c's to say.
 */
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "libspool/outcome.h"
#include "tools/spool.h"

#define NOTE_MAX   SP_OUTCOME_MAX
#define TAIL_MAX   2048
#define TAIL_LINES 8

struct story {
	struct tool *tool;
	struct sp_row row;
	char day[SP_DAY_LEN + 1];
	struct sp_buf job, outcome; /* texts; empty when not there */
	struct sp_metrics metrics;
	struct tries tries;
};

/* It may move while it is read; then all is read again. */
static enum sp_status
story_read(struct story *story, const struct sp_id *id, struct sp_err *err)
{
	const struct sp_spool *spool = &story->tool->spool;
	char file[SP_ID_LEN + 8];
	enum sp_status st = SP_GONE;
	struct stat stat;
	int i;

	sp_id_day(id, story->day);
	(void)snprintf(file, sizeof file, "%s.json", id->text);
	for (i = 0; i < 20; i++) {
		sp_err_clear(err);
		st = see_row(spool, id, &story->row, err);
		if (st != SP_OK)
			return st;
		st = sp_order_read(spool, story->row.state, &story->row.name,
		    &story->job, err);
		if (st != SP_GONE && st != SP_LOST)
			break;
	}
	if (st == SP_BAD) { /* the row's error says so */
		sp_buf_reset(&story->job);
		st = SP_OK;
	}
	if (st == SP_OK &&
	    sp_read(spool->dir[SP_DIR_OUTCOMES], file, SP_OUTCOME_MAX,
		&story->outcome, &stat, NULL) != SP_OK)
		sp_buf_reset(&story->outcome);
	sp_metrics_init(&story->metrics);
	if (st == SP_OK)
		st = sp_row_fold(spool, &story->row, &story->metrics, err);
	return st == SP_OK ? tries_read(spool, id, &story->tries, err) : st;
}

static void
story_clear(struct story *story)
{
	sp_buf_clear(&story->job);
	sp_buf_clear(&story->outcome);
	tries_clear(&story->tries);
}

/* The note that an attempt left, parsed; NULL when there is none. */
static struct json_t *
note_of(const struct story *story, const struct try *try)
{
	struct sp_buf text = SP_BUF_INIT(NOTE_MAX + 2);
	struct json_t *json = NULL;
	struct stat stat;

	if (try->note[0] != '\0' &&
	    sp_read(story->tries.dir, try->note, NOTE_MAX, &text, &stat,
		NULL) == SP_OK)
		(void)sp_json_parse(sp_buf_text(&text), text.len, &json, NULL);
	sp_buf_clear(&text);
	return json;
}

/* ---- in words ---- */

static void
say(const char *what, const char *text)
{
	(void)printf("%-9s ", what);
	term_put(stdout, text);
	(void)putchar('\n');
}

static void
say_head(const struct story *story)
{
	const struct sp_row *row = &story->row;
	char time[25], span[24], line[800];
	int n;

	(void)snprintf(line, sizeof line, "%s%s%s", row->name.id.text,
	    row->title[0] == '\0' ? "" : "  ", row->title);
	say("order", line);
	sp_time_print(sp_id_ms(&row->name.id), time);
	term_span(
	    (double)(sp_wall_ms() - sp_id_ms(&row->name.id)) / 1000, span);
	(void)snprintf(line, sizeof line,
	    "%s/, priority %d, ticket %u, %u attempt%s spent; submitted %s, "
	    "%s ago",
	    sp_state_text(row->state), row->name.prio, row->name.ticket,
	    row->name.attempt, row->name.attempt == 1 ? "" : "s", time, span);
	say("stands in", line);
	if (!sp_state_over_is(row->state))
		why_print(story->tool, row, &story->job);
	n = snprintf(line, sizeof line, "%s", row->script);
	if (row->data[0] != '\0')
		n += snprintf(
		    line + n, sizeof line - (size_t)n, " with %s", row->data);
	if (row->project[0] != '\0')
		(void)snprintf(line + n, sizeof line - (size_t)n,
		    ", project %s", row->project);
	if (row->script[0] != '\0')
		say("runs", line);
	if (row->owner[0] != '\0')
		say("owner", row->owner);
	if (row->retry_of[0] != '\0')
		say("retry of", row->retry_of);
	pins_print(&story->job);
}

static void
say_number(const char *what, bool has, double value)
{
	if (has)
		(void)printf(", %s %.6g", what, value);
}

static void
say_outcome(const struct story *story)
{
	const struct sp_row *row = &story->row;

	if (!sp_state_over_is(row->state)) {
		if (row->error[0] != '\0')
			say("trouble", row->error);
		return;
	}
	if (story->outcome.len == 0) {
		say("outcome",
		    "none yet; it is committed and will be published "
		    "(spool check)");
		return;
	}
	(void)printf("%-9s status %d", "outcome", row->status);
	if (row->cause[0] != '\0') {
		(void)fputs(", cause ", stdout);
		term_put(stdout, row->cause);
	}
	say_number("loss", row->has_loss, row->loss);
	say_number("metric", row->has_metric, row->metric);
	say_number("seconds", row->has_seconds, row->seconds);
	if (row->name.worker[0] != '\0')
		(void)printf(", by %s", row->name.worker);
	(void)putchar('\n');
	if (row->error[0] != '\0')
		say("error", row->error);
}

static void
say_try(const struct story *story, const struct try *try)
{
	const struct sp_name *name = &try->name;
	struct json_t *note = note_of(story, try);
	const char *why, *cause;
	struct stat st;
	char line[1024];
	int n;

	n = snprintf(line, sizeof line, "t%ua%u on %s", name->ticket,
	    name->attempt, name->worker);
	why = sp_json_text(sp_json_get(note, "why"));
	cause = sp_json_text(sp_json_get(note, "cause"));
	if (why == NULL)
		why = sp_json_text(sp_json_get(note, "error"));
	if (note != NULL)
		n += snprintf(line + n, sizeof line - (size_t)n, "; %s%s%.300s",
		    cause == NULL ? "not committed" : cause,
		    why == NULL ? "" : ": ", why == NULL ? "" : why);
	else if (story->row.state == SP_ASSIGNED &&
	    sp_attempt_same(name, &story->row.name))
		n += snprintf(line + n, sizeof line - (size_t)n, "; running");
	if (try->log[0] != '\0' &&
	    sp_fs_lstat(story->tries.dir, try->log, &st) == 0)
		(void)snprintf(line + n, sizeof line - (size_t)n,
		    "; log of %lld bytes", (long long)st.st_size);
	say("attempt", line);
	sp_json_free(note);
}

static void
say_files(const struct story *story)
{
	const struct sp_name *name = &story->row.name;
	char line[1024], file[SP_NAME_MAX];
	bool over = sp_state_over_is(story->row.state);
	size_t i;

	sp_name_print(name, file);
	(void)snprintf(line, sizeof line, "%s/%s%s%s",
	    sp_state_text(story->row.state), over ? story->day : "",
	    over ? "/" : "", file);
	say("files", line);
	if (story->outcome.len > 0) {
		(void)snprintf(
		    line, sizeof line, "outcomes/%s.json", name->id.text);
		say("", line);
	}
	for (i = 0; i < story->tries.n; i++) {
		const struct try *try = &story->tries.try[i];
		const char *left[] = { try->log, try->metrics, try->note };
		size_t k;

		for (k = 0; k < sizeof left / sizeof *left; k++) {
			if (left[k][0] == '\0')
				continue;
			(void)snprintf(line, sizeof line, "runs/%s/%s/%s",
			    story->day, name->id.text, left[k]);
			say("", line);
		}
	}
	if (story->tries.out) {
		(void)snprintf(line, sizeof line, "runs/%s/%s/out/", story->day,
		    name->id.text);
		say("", line);
	}
}

/* A text of the user's, as it is but for what a terminal must not be sent. */
static void
say_text(const char *what, const struct sp_buf *text)
{
	const char *at = sp_buf_text(text), *end = at + text->len, *nl;
	struct sp_buf line = SP_BUF_INIT(8 * 1024 * 1024);

	if (text->len == 0)
		return;
	(void)printf("\n%s\n", what);
	for (; at < end; at = nl + 1) {
		nl = memchr(at, '\n', (size_t)(end - at));
		if (nl == NULL)
			nl = end;
		sp_buf_reset(&line);
		term_escape(&line, at, (size_t)(nl - at));
		(void)printf("%s\n", sp_buf_text(&line));
	}
	sp_buf_clear(&line);
}

/* The last it wrote, for an order that failed: there it mostly says why. */
static void
say_tail(const struct story *story)
{
	const struct try *try;
	char text[TAIL_MAX];
	struct sp_buf tail = SP_BUF_INIT(TAIL_MAX + 1);
	struct stat stat;
	ssize_t n, at;
	int fd, lines = 0;

	if (story->row.state != SP_FAILED || story->tries.n == 0)
		return;
	try = &story->tries.try[story->tries.n - 1];
	if (try->log[0] == '\0' ||
	    sp_open(story->tries.dir, try->log, 0, &fd, &stat, NULL) != SP_OK)
		return;
	n = sp_fs_pread(fd, text, sizeof text,
	    stat.st_size > TAIL_MAX ? stat.st_size - TAIL_MAX : 0);
	(void)sp_fs_close(fd);
	for (at = n; at > 0 && lines < TAIL_LINES; at--)
		lines += at < n && text[at - 1] == '\n';
	at += lines == TAIL_LINES ? 1 : 0;
	if (n > 0)
		sp_buf_put(&tail, text + at, (size_t)(n - at));
	say_text("the end of its log:", &tail);
	sp_buf_clear(&tail);
}

static void
say_all(const struct story *story)
{
	size_t i;

	say_head(story);
	for (i = 0; i < story->tries.n; i++)
		say_try(story, &story->tries.try[i]);
	say_outcome(story);
	metrics_say(&story->row, &story->metrics);
	say_files(story);
	say_tail(story);
	say_text("job:", &story->job);
	say_text("outcome:", &story->outcome);
}

/* ---- as JSON ---- */

static void
put_file(struct sp_jw *w, const struct story *story, const char *key,
    const char *file)
{
	char path[512];

	(void)snprintf(path, sizeof path, "runs/%s/%s/%s", story->day,
	    story->row.name.id.text, file);
	sp_jw_text(w, key, file[0] == '\0' ? NULL : path);
}

static void
put_tries(struct sp_jw *w, const struct story *story)
{
	struct json_t *note;
	char text[32];
	size_t i;

	sp_jw_open(w, "attempts", '[');
	for (i = 0; i < story->tries.n; i++) {
		const struct try *try = &story->tries.try[i];

		(void)snprintf(text, sizeof text, "t%ua%u", try->name.ticket,
		    try->name.attempt);
		note = note_of(story, try);
		sp_jw_open(w, NULL, '{');
		sp_jw_text(w, "attempt", text);
		sp_jw_text(w, "worker", try->name.worker);
		put_file(w, story, "log", try->log);
		put_file(w, story, "metrics", try->metrics);
		if (note != NULL)
			sp_jw_json(w, "note", note);
		else
			sp_jw_null(w, "note");
		sp_jw_close(w, '}');
		sp_json_free(note);
	}
	sp_jw_close(w, ']');
}

static void
put_text(struct sp_jw *w, const char *key, const struct sp_buf *text)
{
	struct json_t *json = NULL;

	if (text->len > 0 &&
	    sp_json_parse(sp_buf_text(text), text->len, &json, NULL) == SP_OK)
		sp_jw_json(w, key, json);
	else
		sp_jw_null(w, key);
	sp_json_free(json);
}

static int
put_all(const struct story *story)
{
	struct sp_buf out = SP_BUF_INIT(64 * 1024 * 1024);
	struct sp_jw w;
	int answer = ANSWER_YES;

	sp_jw_init(&w, &out);
	sp_jw_open(&w, NULL, '{');
	sp_buf_puts(&out, "\"row\":");
	sp_row_print(&story->row, &out);
	w.comma = true; /* the row was put past the writer */
	put_text(&w, "job", &story->job);
	put_text(&w, "outcome", &story->outcome);
	put_tries(&w, story);
	sp_buf_puts(&out, ",\"metrics\":");
	if (story->metrics.worker[0] != '\0')
		sp_metrics_print(&story->metrics, &out);
	else
		sp_buf_puts(&out, "null");
	sp_jw_close(&w, '}');
	if (out.failed) {
		complain("it is too long to show");
		answer = ANSWER_LATER;
	} else {
		(void)puts(sp_buf_text(&out));
	}
	sp_buf_clear(&out);
	return answer;
}

/* ---- the verb ---- */

static int
show_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	static struct story story; /* the row is large */
	struct sp_err err = { "" };
	enum sp_status st;
	struct sp_id id;
	bool json = false;
	int c, answer;

	while ((c = getopt_long(argc, argv, "j", longs, NULL)) != -1) {
		if (c != 'j')
			return usage_wrong();
		json = true;
	}
	if (argc - optind != 1)
		return usage_wrong();
	if ((answer = pick_one(tool, argv[optind], &id)) != ANSWER_YES)
		return answer;

	story.tool = tool;
	story.tries.dir = -1;
	sp_buf_init(&story.job, SP_BUNDLE_MAX + 2);
	sp_buf_init(&story.outcome, SP_OUTCOME_MAX + 2);
	st = story_read(&story, &id, &err);
	if (st != SP_OK)
		answer = complain_of(st, &err, id.text);
	else if (json)
		answer = put_all(&story);
	else
		say_all(&story);
	story_clear(&story);
	return answer;
}

const struct verb verb_show = {
	.name = "show",
	.usage = "[--json] ID",
	.help = "the story of an order",
	.page =
	    "Where it stands and why, its attempts, its job, its outcome, "
	    "its files.\n\n"
	    "  --json   one object: row, job, outcome, attempts, metrics\n\n"
	    "  spool show wine-3\n"
	    "  spool show --json 9f3c21ab | jq .outcome.loss\n",
	.run = show_run,
};
