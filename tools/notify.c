/*
 * notify.c - spool notify: waits until the orders of a group are over, or the
 * first has failed, and says so: to a command, to a URL, by mail.  Words of
 * jobs go there in a text, never in a command.
 */
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/bundle.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/json.h"
#include "tools/notify.h"
#include "tools/served.h"
#include "tools/sift.h"

#define PAUSE_FIRST 50
#define PAUSE_MOST  2000
#define AGAIN_MS    60000 /* how often to see whether the group has grown */
#define FAILURES    20    /* that are told one by one */

struct member {
	struct sp_id id;
	int status; /* 0: not over */
};

struct notify {
	struct tool *tool;
	int words_n;
	char **words;
	const char *where;
	bool failure; /* --on */
	struct notify_ways ways;
	struct member *one; /* by id */
	size_t n, over, failed;
	const char *group; /* or NULL */
};

/* ---- who is meant ---- */

static int
by_id(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return strcmp(x->id.text, y->id.text);
}

/* Those that came since; what is known of the others stays. */
static int
gather(struct notify *w)
{
	struct sp_id *ids = NULL;
	struct member *more, *old;
	struct sift sift;
	size_t i, n = 0, had = w->n;
	int answer;

	sift_init(&sift, w->tool);
	answer = w->where == NULL ? ANSWER_YES : sift_where(&sift, w->where);
	if (answer == ANSWER_YES)
		answer = sift_words(&sift, w->words_n, w->words);
	if (answer == ANSWER_YES)
		answer = sift_ids(&sift, &ids, &n);
	w->group = sift.group;
	sift_clear(&sift);
	if (answer == ANSWER_YES && n > 0) {
		more = realloc(w->one, (w->n + n) * sizeof *more);
		if (more == NULL) {
			complain("no memory");
			answer = ANSWER_LATER;
		} else {
			w->one = more;
		}
	}
	for (i = 0; answer == ANSWER_YES && i < n; i++) {
		struct member key = { .id = ids[i] };

		old = bsearch(&key, w->one, had, sizeof *w->one, by_id);
		if (old == NULL)
			w->one[w->n++] = key;
	}
	if (w->n > had)
		qsort(w->one, w->n, sizeof *w->one, by_id);
	free(ids);
	return answer;
}

/* Lines of a bundle are orders when their turn comes: a group is not over while
 * one has some of its. */
static bool
lines_have(const char *text, size_t len, const char *group)
{
	const char *end = text + len, *nl;
	struct json_t *job;
	bool has = false;

	for (; !has && text < end; text = nl + 1) {
		nl = memchr(text, '\n', (size_t)(end - text));
		if (nl == NULL)
			nl = end;
		if (sp_json_parse(text, (size_t)(nl - text), &job, NULL) !=
		    SP_OK)
			continue;
		has = job_group_is(job, group);
		sp_json_free(job);
	}
	return has;
}

struct bundles {
	struct notify *w;
	bool any;
};

static int
bundle_look(void *arg, const struct sp_row *row)
{
	struct bundles *b = arg;
	struct sp_buf text = SP_BUF_INIT(SP_BUNDLE_MAX + 2);

	if (row->name.bundle &&
	    sp_order_read(&b->w->tool->spool, row->state, &row->name, &text,
		NULL) == SP_OK)
		b->any = lines_have(sp_buf_text(&text), text.len, b->w->group);
	sp_buf_clear(&text);
	return b->any;
}

static bool
bundled(struct notify *w)
{
	struct bundles b = { .w = w };

	if (w->group != NULL && !served_is(&w->tool->spool))
		(void)see_rows(
		    &w->tool->spool, SEE_LIVE, 0, bundle_look, &b, NULL);
	return b.any;
}

/* ---- how far they are ---- */

static enum sp_status
look(struct notify *w, struct sp_err *err)
{
	enum sp_status st = SP_OK;
	struct member *one;
	size_t i;

	sp_refresh(&w->tool->spool, SP_DIR_OUTCOMES);
	for (i = 0; i < w->n && st == SP_OK; i++) {
		one = &w->one[i];
		if (one->status != 0)
			continue;
		st = sp_find_status(
		    &w->tool->spool, &one->id, &one->status, err);
		if (st == SP_OK) {
			w->over++;
			w->failed += one->status < 200 || one->status > 299;
		} else {
			one->status = 0;
		}
		if (st == SP_GONE || st == SP_BAD) {
			sp_err_clear(err);
			st = SP_OK;
		}
	}
	return st;
}

/* Until there is something to say.  An exit code of its own: it cannot go on.
 */
static int
until(struct notify *w)
{
	int64_t again = sp_mono_ms() + AGAIN_MS;
	struct sp_err err = { "" };
	enum sp_status st;
	int pause = PAUSE_FIRST, answer;
	size_t n;

	for (;;) {
		st = look(w, &err);
		if (st != SP_OK && !waits_out(&w->tool->spool, st, &err))
			return complain_of(st, &err, "looking for outcomes");
		if (st == SP_OK && w->failure && w->failed > 0)
			return ANSWER_YES;
		if (st == SP_OK && (w->over == w->n || sp_mono_ms() >= again)) {
			n = w->n;
			if ((answer = gather(w)) > ANSWER_NO)
				return answer;
			again = sp_mono_ms() + AGAIN_MS;
			if (w->n == n && w->over == n && !bundled(w))
				return ANSWER_YES;
		}
		(void)poll(NULL, 0, pause);
		pause = pause * 2 > PAUSE_MOST ? PAUSE_MOST : pause * 2;
	}
}

/* ---- what is said ---- */

static void
failures(struct notify *w, struct sp_jw *jw, struct sp_buf *words)
{
	struct sp_row row;
	size_t i, told = 0;

	sp_jw_open(jw, "failures", '[');
	for (i = 0; i < w->n && told < FAILURES; i++) {
		if (w->one[i].status == 0 ||
		    (w->one[i].status >= 200 && w->one[i].status <= 299) ||
		    see_row(&w->tool->spool, &w->one[i].id, &row, NULL) !=
			SP_OK)
			continue;
		told++;
		sp_jw_open(jw, NULL, '{');
		sp_jw_text(jw, "id", row.name.id.text);
		sp_jw_text(jw, "name", row.title[0] == '\0' ? NULL : row.title);
		sp_jw_int(jw, "status", row.status);
		sp_jw_text(
		    jw, "error", row.error[0] == '\0' ? NULL : row.error);
		sp_jw_close(jw, '}');
		sp_buf_printf(words, "%s ", row.name.id.text);
		term_escape(words, row.title, strlen(row.title));
		sp_buf_printf(words, "  %d ", row.status);
		term_escape(words, row.error, strlen(row.error));
		sp_buf_puts(words, "\n");
	}
	sp_jw_close(jw, ']');
}

static int
tell(struct notify *w)
{
	struct sp_buf json = SP_BUF_INIT(1024 * 1024),
		      words = SP_BUF_INIT(1024 * 1024);
	struct notify_said said = { .event = w->failure ? "failure" : "end" };
	const char *what = w->words_n > 0 ? w->words[0] : "orders";
	struct sp_jw jw;
	int answer;

	(void)snprintf(said.subject, sizeof said.subject,
	    "spool: %.200s %s: %zu of %zu over, %zu failed", what,
	    w->failure ? "has a failure" : "ended", w->over, w->n, w->failed);
	said.group = w->group;
	said.orders = w->n;
	said.over = w->over;
	said.failed = w->failed;
	sp_jw_init(&jw, &json);
	sp_jw_open(&jw, NULL, '{');
	sp_jw_text(&jw, "event", said.event);
	sp_jw_text(&jw, "group", w->group);
	sp_jw_text(&jw, "spool", w->tool->spool.path);
	sp_jw_text(&jw, "text", said.subject);
	sp_jw_int(&jw, "orders", (int64_t)w->n);
	sp_jw_int(&jw, "over", (int64_t)w->over);
	sp_jw_int(&jw, "succeeded", (int64_t)(w->over - w->failed));
	sp_jw_int(&jw, "failed", (int64_t)w->failed);
	failures(w, &jw, &words);
	sp_jw_close(&jw, '}');
	sp_buf_puts(&json, "\n");
	said.json = sp_buf_text(&json);
	said.words = sp_buf_text(&words);
	answer = notify_say(&w->ways, &said);
	sp_buf_clear(&json);
	sp_buf_clear(&words);
	return answer;
}

/* ---- the verb ---- */

static int
option(struct notify *w, int c)
{
	switch (c) {
	case 'o':
		w->failure = strcmp(optarg, "failure") == 0;
		if (w->failure || strcmp(optarg, "end") == 0)
			return ANSWER_YES;
		complain("--on %s: give end or failure", optarg);
		return ANSWER_WRONG;
	case 'x':
		w->ways.exec = optarg;
		return ANSWER_YES;
	case 'u':
		w->ways.url = optarg;
		return ANSWER_YES;
	case 'm':
		w->ways.mail = optarg;
		return notify_mail_ok(optarg) ? ANSWER_YES : ANSWER_WRONG;
	case 'w':
		w->where = optarg;
		return ANSWER_YES;
	default:
		return usage_wrong();
	}
}

static int
notify_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "on", required_argument, NULL, 'o' },
		{ "exec", required_argument, NULL, 'x' },
		{ "webhook", required_argument, NULL, 'u' },
		{ "mail", required_argument, NULL, 'm' },
		{ "where", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	struct notify w = { .tool = tool };
	int c, answer = ANSWER_YES;

	while (answer == ANSWER_YES &&
	    (c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		answer = option(&w, c);
	w.words = argv + optind;
	w.words_n = argc - optind;
	if (answer == ANSWER_YES && w.words_n == 0 && w.where == NULL)
		answer = usage_wrong();
	if (answer == ANSWER_YES && w.ways.exec == NULL && w.ways.url == NULL &&
	    w.ways.mail == NULL) {
		complain("say how: --exec CMD, --webhook URL or --mail ADDR");
		answer = ANSWER_WRONG;
	}
	if (answer == ANSWER_YES)
		answer = gather(&w);
	if (answer == ANSWER_YES)
		answer = until(&w);
	if (answer == ANSWER_YES && (!w.failure || w.failed > 0))
		answer = tell(&w);
	if (answer == ANSWER_YES && w.failed > 0)
		answer = ANSWER_NO;
	free(w.one);
	return answer;
}

const struct verb verb_notify = {
	.name = "notify",
	.usage = "[--on end|failure] [--exec CMD] [--webhook URL] "
		 "[--mail ADDR]\n"
		 "                    GROUP | ID ... | --where EXPR",
	.help = "wait for a group, and tell somebody",
	.page =
	    "Stays until all are over, or with --on failure until the first "
	    "has failed, then says\nso once.  Exit 0 when all succeeded, 1 "
	    "when some failed, 111 when it could not be said.\n\n"
	    "  --exec CMD      a shell command; JSON on its standard input, "
	    "SPOOL_EVENT,\n                  SPOOL_GROUP, SPOOL_SUBJECT, "
	    "SPOOL_FAILED, ... in its environment\n"
	    "  --webhook URL   the same JSON, by POST\n"
	    "  --mail ADDR     by sendmail\n\n"
	    "  spool notify --mail anna@example.org sweep-7 &\n"
	    "  spool notify --on failure --exec 'jq -r .text | wall' "
	    "sweep-7\n",
	.run = notify_run,
};
