/*
 * check.c - spool check: finds every breach of the protocol, and mends.
 *
 * A spool is alive while we look, and an order that moves between two
 * directories can look like a breach.  So what is found counts only when it is
 * found again at a second look, a moment later.
 */
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/json.h"
#include "tools/check.h"

#define MOMENT 300 /* ms between the two looks */
#define ROUNDS 6   /* a mend may bring the next breach to light */

static const char *const kinds[CHECK_KINDS] = {
	[CHECK_SETUP] = "setup",
	[CHECK_NAME] = "name",
	[CHECK_PLAIN] = "plain",
	[CHECK_PLACE] = "place",
	[CHECK_LINKS] = "links",
	[CHECK_TWICE] = "twice",
	[CHECK_COUNT] = "count",
	[CHECK_TEXT] = "text",
	[CHECK_OWNER] = "owner",
	[CHECK_OUTCOME] = "outcome",
	[CHECK_TORN] = "torn",
	[CHECK_VERDICT] = "verdict",
	[CHECK_ORPHAN] = "orphan",
	[CHECK_WHY] = "why",
	[CHECK_MARK] = "mark",
	[CHECK_TMP] = "tmp",
	[CHECK_RUNS] = "runs",
	[CHECK_STRAY] = "stray",
	[CHECK_BLOB] = "blob",
};

/* ---- findings ---- */

int64_t
check_ctime(const struct stat *st)
{
	return (int64_t)st->st_ctim.tv_sec * 1000 +
	    st->st_ctim.tv_nsec / 1000000;
}

enum sp_status
check_open(const struct check *check, enum sp_dir dir, const char *sub,
    int *fd_out, struct sp_err *err)
{
	return sp_open_dir(
	    check->spool->dir[dir], sub[0] == '\0' ? "." : sub, fd_out, err);
}

void
check_path(const struct finding *finding, char path_out[400])
{
	if (finding->dir == SP_DIRS)
		(void)snprintf(path_out, 400, "%s", finding->file);
	else
		(void)snprintf(path_out, 400, "%s/%s%s%s",
		    sp_dir_text(finding->dir), finding->sub,
		    finding->sub[0] == '\0' ? "" : "/", finding->file);
}

struct finding *
check_say(struct check *check, enum check_kind kind, enum sp_dir dir,
    const char *sub, const char *file, const struct sp_name *name,
    const char *fmt, ...)
{
	struct finding *more, *finding;
	size_t cap;
	va_list ap;

	if (check->found_n == check->found_cap) {
		cap = check->found_cap == 0 ? 64 : check->found_cap * 2;
		if ((more = realloc(check->found, cap * sizeof *more)) ==
		    NULL) {
			check->failed = true;
			return NULL;
		}
		check->found = more;
		check->found_cap = cap;
	}
	finding = &check->found[check->found_n++];
	memset(finding, 0, sizeof *finding);
	finding->kind = kind;
	finding->dir = dir;
	(void)snprintf(finding->sub, sizeof finding->sub, "%s", sub);
	(void)snprintf(finding->file, sizeof finding->file, "%s", file);
	if (name != NULL)
		finding->name = *name;
	va_start(ap, fmt);
	(void)vsnprintf(finding->words, sizeof finding->words, fmt, ap);
	va_end(ap);
	return finding;
}

void
check_print(const struct finding *finding, bool json)
{
	struct sp_buf line = SP_BUF_INIT(64 * 1024);
	char path[400];
	struct sp_jw w;

	check_path(finding, path);
	if (json) {
		sp_jw_init(&w, &line);
		sp_jw_open(&w, NULL, '{');
		sp_jw_text(&w, "kind", kinds[finding->kind]);
		sp_jw_text(&w, "path", path);
		sp_jw_text(&w, "words", finding->words);
		sp_jw_bool(&w, "mended", finding->mended);
		sp_jw_text(
		    &w, "how", finding->how[0] == '\0' ? NULL : finding->how);
		sp_jw_close(&w, '}');
		(void)puts(sp_buf_text(&line));
	} else {
		(void)printf("%s ", kinds[finding->kind]);
		term_put(stdout, path);
		(void)fputs(": ", stdout);
		term_put(stdout, finding->words);
		if (finding->how[0] != '\0') {
			(void)fputs(finding->mended ? " -- mended: "
						    : " -- not mended: ",
			    stdout);
			term_put(stdout, finding->how);
		}
		(void)putchar('\n');
	}
	sp_buf_clear(&line);
}

/* ---- looking ---- */

static enum sp_status
look(struct check *check, const struct sp_spool *spool, bool blobs,
    struct sp_err *err)
{
	struct sp_err why = { "" };
	enum sp_status st;
	int64_t took;

	memset(check, 0, sizeof *check);
	check->spool = spool;
	check->blobs = blobs;
	/* without it nothing is old, and what only age proves is passed over */
	if (sp_server_now(spool, &check->now, &took, &why) != SP_OK) {
		complain("what depends on ages is passed over: %s", why.text);
		check->now = 0;
	}
	st = check_look(check, err);
	if (st == SP_OK) {
		check_rules(check);
		st = check_rest(check, err);
	}
	if (st == SP_OK)
		st = check_blobs(check, err);
	if (st == SP_OK && check->failed)
		st = sp_err_set(err, SP_RETRY, "no memory");
	return st;
}

static int
by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int c;

	if (x->dir != y->dir)
		return x->dir < y->dir ? -1 : 1;
	if ((c = strcmp(x->sub, y->sub)) != 0 ||
	    (c = strcmp(x->file, y->file)) != 0)
		return c;
	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

/* Look, and if there is anything, look again: what is there both times. */
static enum sp_status
look_twice(struct check *check, const struct sp_spool *spool, bool blobs,
    struct sp_err *err)
{
	struct check first;
	enum sp_status st;
	size_t i, n = 0;

	memset(check, 0, sizeof *check);
	st = look(&first, spool, blobs, err);
	if (st == SP_OK && first.found_n == 0) {
		*check = first;
		return SP_OK;
	}
	if (st == SP_OK) {
		qsort(
		    first.found, first.found_n, sizeof *first.found, by_place);
		(void)poll(NULL, 0, MOMENT);
		st = look(check, spool, blobs, err);
	}
	for (i = 0; st == SP_OK && i < check->found_n; i++) {
		if (bsearch(&check->found[i], first.found, first.found_n,
			sizeof *first.found, by_place) != NULL)
			check->found[n++] = check->found[i];
	}
	check->found_n = n;
	if (n > 0)
		qsort(check->found, n, sizeof *check->found, by_place);
	check_forget(&first);
	return st;
}

/* ---- the verb ---- */

/* Rounds, until nothing is found or nothing can be mended any more. */
static enum sp_status
rounds(struct checking *c, size_t *orders_out, struct sp_err *err)
{
	struct check check;
	enum sp_status st;
	size_t i, mended;
	int round;

	for (round = 0;; round++) {
		st = look_twice(&check, &c->tool->spool, c->blobs, err);
		mended = 0;
		for (i = 0; st == SP_OK && i < check.found_n; i++) {
			if (!c->repair || round == ROUNDS)
				break;
			check_fix(&check, &check.found[i]);
			if (!check.found[i].mended)
				continue;
			check_print(&check.found[i], c->json);
			mended++;
		}
		c->mended += mended;
		if (st != SP_OK || mended == 0)
			break;
		check_forget(&check);
	}
	for (i = 0; st == SP_OK && i < check.found_n; i++) {
		check_print(&check.found[i], c->json);
		c->left++;
	}
	for (i = 0; i < check.n; i++)
		*orders_out += i == 0 ||
		    strcmp(check.entry[i].name.id.text,
			check.entry[i - 1].name.id.text) != 0;
	check_forget(&check);
	return st;
}

static int
check_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "repair", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "blobs", no_argument, NULL, 'b' },
		{ NULL, 0, NULL, 0 },
	};
	struct checking c = { .tool = tool };
	struct sp_err err = { "" };
	enum sp_status st;
	size_t orders = 0;
	int o, answer;

	while ((o = getopt_long(argc, argv, "rj", longs, NULL)) != -1) {
		if (o == 'r')
			c.repair = true;
		else if (o == 'j')
			c.json = true;
		else if (o == 'b')
			c.blobs = true;
		else
			return usage_wrong();
	}
	if (optind != argc)
		return usage_wrong();
	if ((answer = check_open_up(&c)) != ANSWER_YES)
		return answer;
	st = rounds(&c, &orders, &err);
	if (st != SP_OK)
		return complain_of(st, &err, tool->spool.path);
	(void)fflush(stdout);
	if (c.left + c.mended == 0)
		(void)fprintf(stderr, "%zu orders, all is well\n", orders);
	else if (c.repair)
		(void)fprintf(
		    stderr, "%zu mended, %zu left\n", c.mended, c.left);
	else
		(void)fprintf(stderr,
		    "%zu found; mend with: spool check --repair\n", c.left);
	return c.left > 0 ? ANSWER_NO : ANSWER_YES;
}

const struct verb verb_check = {
	.name = "check",
	.usage = "[--repair] [--blobs] [--json]",
	.help = "find breaches of the protocol, and mend them",
	.page =
	    "One line a finding: KIND PATH: words.  Exit 0 when all is well, 1 "
	    "when anything is\nleft.  Workers and spoold may run meanwhile.\n\n"
	    "  --repair   mend: by renames, into repair/ or to the right name, "
	    "and by publishing\n             what is missing; nothing is "
	    "deleted\n"
	    "  --blobs    read all of blobs/, not only what is small and "
	    "needed\n"
	    "  --json     one object a line: kind, path, words, mended, how\n\n"
	    "  spool check || spool check --repair\n",
	.bare = true,
	.files = SPOOL_FILES,
	.run = check_run,
};
