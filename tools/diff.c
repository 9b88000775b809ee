/*
 * diff.c - spool diff: in what two orders differ.  What was asked for, what ran
 * (by its hashes, and which files of it), what came of it, and where.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libspool/blob.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/manifest.h"
#include "libspool/outcome.h"
#include "tools/flat.h"
#include "tools/score.h"
#include "tools/sift.h"

enum section {
	PARAMETERS,
	ORDER,
	CODE,
	OUTCOME,
	METRICS,
	ENVIRONMENT,
	SECTIONS
};

static const char *const titles[SECTIONS] = { "parameters", "order", "code",
	"outcome", "metrics", "environment" };

struct side {
	struct sp_id id;
	struct flat flat[SECTIONS];
};

/* ---- one side ---- */

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void
take(struct side *side, enum section to, const struct flat_one *one,
    const char *name)
{
	struct flat *flat = &side->flat[to];
	struct flat_one *more;

	more = realloc(flat->one, (flat->n + 1) * sizeof *more);
	if (more == NULL) {
		flat->failed = true;
		return;
	}
	flat->one = more;
	flat->one[flat->n].name = strdup(name);
	flat->one[flat->n].value = strdup(one->value);
	flat->one[flat->n].text = one->text;
	flat->n++;
}

static void
take_job(struct side *side, const struct json_t *job)
{
	static const char *const but[] = { "order", "_id", NULL };
	static const char *const pins[] = { "scriptSha256", "dataSha256",
		"code", "git" };
	struct flat order = { 0 };
	const char *name;
	size_t i, k;

	flat_add(&side->flat[PARAMETERS], "", job, but);
	flat_add(&order, "", sp_json_get(job, "order"), NULL);
	for (i = 0; i < order.n; i++) {
		name = order.one[i].name;
		for (k = 0; k < sizeof pins / sizeof *pins; k++)
			if (strcmp(name, pins[k]) == 0 || begins(name, "git."))
				break;
		take(side, k < sizeof pins / sizeof *pins ? CODE : ORDER,
		    &order.one[i], name);
	}
	flat_clear(&order);
}

/* What ran says the outcome, also of an order that pinned nothing. */
static void
take_outcome(struct side *side, const struct json_t *outcome)
{
	static const char *const but[] = { "_id", "jobId", "orderId", "run",
		NULL };
	struct flat run = { 0 };
	const char *name;
	size_t i, n;

	flat_add(&side->flat[OUTCOME], "", outcome, but);
	flat_add(&run, "", sp_json_get(outcome, "run"), NULL);
	for (i = 0; i < run.n; i++) {
		name = run.one[i].name;
		n = strlen(name);
		if (strcmp(name, "started") == 0 ||
		    strcmp(name, "finished") == 0)
			continue;
		if (n > 6 && strcmp(name + n - 6, "Sha256") == 0) {
			if (flat_get(&side->flat[CODE], name) == NULL)
				take(side, CODE, &run.one[i], name);
		} else {
			take(side,
			    strcmp(name, "cause") == 0 ||
				    strcmp(name, "exitCode") == 0 ||
				    strcmp(name, "signal") == 0
				? OUTCOME
				: ENVIRONMENT,
			    &run.one[i], name);
		}
	}
	flat_clear(&run);
}

static void
take_metrics(struct side *side, const struct sp_metrics *m)
{
	struct sp_buf text = SP_BUF_INIT(256);
	struct flat_one one = { 0 };
	char name[SP_METRIC_KEY + 8];
	enum sp_best best;
	size_t i;

	for (i = 0; i < m->n; i++) {
		const struct sp_metric *k = &m->key[i];

		if (k->n == 0)
			continue;
		best = sp_metric_best(k->key);
		sp_buf_reset(&text);
		sp_buf_printf(&text, "%.6g", k->last);
		one.value = text.data;
		(void)snprintf(name, sizeof name, "%s.last", k->key);
		take(side, METRICS, &one, name);
		if (best == SP_BEST_NONE)
			continue;
		sp_buf_reset(&text);
		sp_buf_printf(
		    &text, "%.6g", best == SP_BEST_MIN ? k->min : k->max);
		one.value = text.data;
		(void)snprintf(name, sizeof name, "%s.best", k->key);
		take(side, METRICS, &one, name);
	}
	sp_buf_clear(&text);
}

static enum sp_status
side_read(struct tool *tool, struct side *side, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX + 2);
	struct sp_metrics *m = malloc(sizeof *m);
	struct json_t *outcome = NULL;
	char file[SP_NAME_MAX];
	struct sp_row row;
	enum sp_status st;
	struct view view;
	struct stat info;

	view_init(&view, &tool->spool);
	st = m == NULL ? sp_err_set(err, SP_RETRY, "no memory")
		       : see_row(&tool->spool, &side->id, &row, err);
	if (st == SP_OK)
		st = sp_row_fold(&tool->spool, &row, m, err);
	if (st == SP_OK) {
		view_set(&view, &row);
		take_job(side, view_job(&view));
		take_metrics(side, m);
		(void)snprintf(file, sizeof file, "%.27s.json", side->id.text);
		if (sp_state_over_is(row.state) &&
		    sp_read(tool->spool.dir[SP_DIR_OUTCOMES], file,
			SP_OUTCOME_MAX, &text, &info, NULL) == SP_OK &&
		    sp_json_parse(
			sp_buf_text(&text), text.len, &outcome, NULL) == SP_OK)
			take_outcome(side, outcome);
		take(side, ENVIRONMENT,
		    &(struct flat_one){ .value = row.name.worker }, "worker");
	}
	sp_json_free(outcome);
	sp_buf_clear(&text);
	view_clear(&view);
	free(m);
	return st;
}

/* ---- the files of pinned code ---- */

static bool
manifest_read(
    struct tool *tool, const struct flat_one *code, struct sp_manifest *m)
{
	struct sp_buf text = SP_BUF_INIT(SP_MANIFEST_MAX);
	struct stat st;
	bool ok = false;
	int fd;

	memset(m, 0, sizeof *m);
	if (code == NULL || !begins(code->value, "sha256:") ||
	    sp_blob_open(&tool->spool, code->value + 7, &fd, &st, NULL) !=
		SP_OK)
		return false;
	if (sp_read_fd(fd, "manifest", SP_MANIFEST_MAX, (size_t)st.st_size,
		&text, NULL) == SP_OK)
		ok = sp_manifest_parse(sp_buf_text(&text), text.len, m, NULL) ==
		    SP_OK;
	(void)sp_fs_close(fd);
	sp_buf_clear(&text);
	return ok;
}

static void
files_take(struct side *side, const struct sp_manifest *m,
    const struct sp_manifest *other)
{
	char name[SP_MANIFEST_PATH + 8];
	const char *path;
	struct flat_one one = { 0 };
	int64_t at;
	size_t i;

	for (i = 0; i < m->paths.n; i++) {
		path = sp_names_at(&m->paths, i);
		at = sp_names_place(&other->paths, path);
		if (at >= 0 && strcmp(m->hex[i], other->hex[at]) == 0)
			continue;
		(void)snprintf(name, sizeof name, "code/%s", path);
		one.value = m->hex[i];
		take(side, CODE, &one, name);
	}
}

static void
files_diff(struct tool *tool, struct side side[2])
{
	struct sp_manifest m[2];
	bool both;

	both =
	    manifest_read(tool, flat_get(&side[0].flat[CODE], "code"), &m[0]);
	both =
	    manifest_read(tool, flat_get(&side[1].flat[CODE], "code"), &m[1]) &&
	    both;
	if (both) {
		files_take(&side[0], &m[0], &m[1]);
		files_take(&side[1], &m[1], &m[0]);
	}
	sp_manifest_clear(&m[0]);
	sp_manifest_clear(&m[1]);
}

/* ---- both ---- */

typedef void diff_fn(void *arg, enum section section, const char *name,
    const struct flat_one *a, const struct flat_one *b);

static bool
same(const struct flat_one *a, const struct flat_one *b)
{
	return a != NULL && b != NULL && a->text == b->text &&
	    strcmp(a->value, b->value) == 0;
}

/* Each difference, by section and name. */
static size_t
walk(const struct side side[2], diff_fn *fn, void *arg)
{
	const struct flat *a, *b;
	size_t s, i, k, found = 0;
	int c;

	for (s = 0; s < SECTIONS; s++) {
		a = &side[0].flat[s];
		b = &side[1].flat[s];
		for (i = k = 0; i < a->n || k < b->n;) {
			c = i == a->n ? 1
			    : k == b->n
			    ? -1
			    : strcmp(a->one[i].name, b->one[k].name);
			const struct flat_one *x = c <= 0 ? &a->one[i] : NULL;
			const struct flat_one *y = c >= 0 ? &b->one[k] : NULL;

			i += c <= 0;
			k += c >= 0;
			if (same(x, y))
				continue;
			found++;
			fn(arg, (enum section)s, x != NULL ? x->name : y->name,
			    x, y);
		}
	}
	return found;
}

struct words {
	struct table table;
	int section;
};

static void
put_table(void *arg, enum section section, const char *name,
    const struct flat_one *a, const struct flat_one *b)
{
	struct words *w = arg;

	table_put(&w->table, (int)section == w->section ? "" : titles[section]);
	w->section = (int)section;
	table_put(&w->table, name);
	table_put(&w->table, a == NULL ? "" : a->value);
	table_put(&w->table, b == NULL ? "" : b->value);
}

static void
put_value(struct sp_jw *w, const char *key, const struct flat_one *one)
{
	if (one == NULL) {
		sp_jw_null(w, key);
	} else if (one->text || one->value[0] == '\0' ||
	    strspn(one->value, "0123456789abcdef") == SP_SHA_LEN) {
		sp_jw_text(w, key, one->value);
	} else {
		sp_buf_puts(w->buf, w->comma ? "," : "");
		sp_json_put_text(w->buf, key);
		sp_buf_printf(w->buf, ":%s", one->value);
		w->comma = true;
	}
}

static void
put_json(void *arg, enum section section, const char *name,
    const struct flat_one *a, const struct flat_one *b)
{
	struct sp_buf text = SP_BUF_INIT(16 * 1024 * 1024);
	struct sp_jw w;

	(void)arg;
	sp_jw_init(&w, &text);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "section", titles[section]);
	sp_jw_text(&w, "name", name);
	put_value(&w, "a", a);
	put_value(&w, "b", b);
	sp_jw_close(&w, '}');
	(void)puts(sp_buf_text(&text));
	sp_buf_clear(&text);
}

static int
show(const struct side side[2], bool json)
{
	struct table_column head[] = {
		{ .title = "WHAT", .rank = 1 },
		{ .title = "NAME", .least = 10 },
		{ .title = side[0].id.text, .least = 8 },
		{ .title = side[1].id.text, .least = 8 },
	};
	struct words words = { .section = -1 };
	size_t n;
	int answer = ANSWER_YES;

	if (json) {
		n = walk(side, put_json, NULL);
	} else {
		table_init(&words.table, head, sizeof head / sizeof *head);
		n = walk(side, put_table, &words);
		answer = table_print(&words.table);
		table_clear(&words.table);
	}
	return answer != ANSWER_YES ? answer : n > 0 ? ANSWER_NO : ANSWER_YES;
}

static int
diff_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	static struct side side[2];
	struct sp_err err = { "" };
	enum sp_status st = SP_OK;
	bool json = false, failed = false;
	int c, answer, i, s;

	while ((c = getopt_long(argc, argv, "j", longs, NULL)) != -1) {
		if (c != 'j')
			return usage_wrong();
		json = true;
	}
	if (argc - optind != 2)
		return usage_wrong();
	for (i = 0; i < 2; i++) {
		answer = pick_one(tool, argv[optind + i], &side[i].id);
		/* 1 says that they differ. */
		if (answer != ANSWER_YES)
			return answer == ANSWER_NO ? ANSWER_WRONG : answer;
	}
	for (i = 0; st == SP_OK && i < 2; i++)
		st = side_read(tool, &side[i], &err);
	if (st == SP_OK)
		files_diff(tool, side);
	for (i = 0; i < 2; i++)
		for (s = 0; s < SECTIONS; s++) {
			flat_sort(&side[i].flat[s]);
			failed = failed || side[i].flat[s].failed;
		}
	if (st == SP_OK && failed)
		st = sp_err_set(&err, SP_RETRY, "no memory");
	answer = st == SP_OK ? show(side, json) : complain_of(st, &err, NULL);
	for (i = 0; i < 2; i++)
		for (s = 0; s < SECTIONS; s++)
			flat_clear(&side[i].flat[s]);
	return answer;
}

const struct verb verb_diff = {
	.name = "diff",
	.usage = "[--json] A B",
	.help = "in what two orders differ",
	.page =
	    "Their parameters, what else the jobs ask for, the code by its "
	    "hashes and its git\nstate (and which files of it), what came of "
	    "them, their metrics, and where they ran.\nWhat is the same is "
	    "left out.  Exit 0: nothing differs, 1: something does, 100: "
	    "there\nis no such order.\n\n"
	    "  --json   one object a line: section, name, a, b\n\n"
	    "  spool diff wine-3 wine-4\n"
	    "  spool diff --json A B | jq 'select(.section == \"code\")'\n",
	.run = diff_run,
};
