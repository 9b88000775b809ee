/*
 * main.c - spool(1): options, finding the spool, the table of verbs.
 * What a verb does stands in the verb's own file.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/log.h"
#include "libspool/version.h"
#include "tools/spool.h"
#include "transport/means.h"
#include "transport/media.h"
#include "transport/reach.h"

static const struct verb *const verbs[] = {
	&verb_init,
	&verb_submit,
	&verb_sweep,
	&verb_ask,
	&verb_tell,
	&verb_ls,
	&verb_show,
	&verb_why,
	&verb_compare,
	&verb_diff,
	&verb_export,
	&verb_plot,
	&verb_wait,
	&verb_notify,
	&verb_top,
	&verb_log,
	&verb_cancel,
	&verb_hold,
	&verb_unhold,
	&verb_retry,
	&verb_rerun,
	&verb_prio,
	&verb_workers,
	&verb_drain,
	&verb_resume,
	&verb_check,
	&verb_prove,
	&verb_doctor,
	&verb_reindex,
	&verb_token,
	&verb_complete,
	&verb_page,
};

#define VERBS (sizeof verbs / sizeof *verbs)

static const struct verb *running; /* for complain() */

void
complain(const char *fmt, ...)
{
	struct sp_buf text = SP_BUF_INIT(64 * 1024);
	char words[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof words, fmt, ap);
	va_end(ap);

	term_escape(&text, words, strlen(words));
	(void)fflush(stdout);
	(void)fprintf(stderr, "spool%s%s: %s\n", running == NULL ? "" : " ",
	    running == NULL ? "" : running->name, sp_buf_text(&text));
	sp_buf_clear(&text);
}

int
answer_of(enum sp_status status)
{
	switch (status) {
	case SP_OK:
		return ANSWER_YES;
	case SP_LOST:
	case SP_GONE:
		return ANSWER_NO;
	case SP_RETRY:
		return ANSWER_LATER;
	case SP_BAD:
	case SP_FATAL:
		break;
	}
	return ANSWER_WRONG;
}

int
complain_of(enum sp_status status, const struct sp_err *err, const char *what)
{
	const char *words;

	if (status == SP_OK)
		return ANSWER_YES;
	words = err != NULL && err->text[0] != '\0' ? err->text
						    : sp_status_text(status);
	if (what == NULL || what[0] == '\0')
		complain("%s", words);
	else
		complain("%s: %s", what, words);
	return answer_of(status);
}

bool
waits_out(const struct sp_spool *spool, enum sp_status st, struct sp_err *err)
{
	static bool said;

	if (st != SP_RETRY || !sp_fs_far(spool->root)) {
		said = false;
		return false;
	}
	if (!said)
		complain(
		    "%s; it goes on when the spool is there again", err->text);
	said = true;
	sp_err_clear(err);
	return true;
}

int
usage_wrong(void)
{
	if (running == NULL)
		complain("see 'spool help'");
	else
		(void)fprintf(stderr, "usage: spool %s %s\n", running->name,
		    running->usage);
	return ANSWER_WRONG;
}

bool
number_parse(const char *text, long low, long high, long *value_out)
{
	char *end;
	long value;

	if (text[0] == '\0' || strspn(text, "-0123456789") != strlen(text))
		return false;
	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < low || value > high)
		return false;
	*value_out = value;
	return true;
}

static bool
http_is(const char *where)
{
	char scheme[16];

	tr_scheme(where, scheme, NULL);
	return strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
}

int
tool_open(struct tool *tool)
{
	struct sp_err err = { "" };
	enum sp_status st;
	const char *where = tool->where;

	if (where == NULL) {
		if (access("spool/spool.json", F_OK) != 0) {
			complain("no spool here: give -s DIR or set SPOOL_DIR, "
				 "or make one with 'spool init'");
			return ANSWER_WRONG;
		}
		where = "spool";
	}
	st = tr_spool_open(where, "spool", &tool->spool, &err);
	if (st != SP_OK)
		return complain_of(st, &err, NULL); /* err names it */
	tool->open = true;
	return ANSWER_YES;
}

const struct verb *
verb_at(size_t i)
{
	return i < VERBS ? verbs[i] : NULL;
}

const struct verb *
verb_named(const char *name)
{
	size_t i;

	for (i = 0; i < VERBS; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

/* ---- help ---- */

static int
help_all(void)
{
	size_t i;

	(void)puts("usage: spool [-s DIR] VERB [ARGUMENT ...]\n\n"
		   "A batch system whose database is a directory.\n");
	for (i = 0; i < VERBS; i++)
		if (verbs[i]->help[0] != '\0')
			(void)printf(
			    "  %-9s %s\n", verbs[i]->name, verbs[i]->help);
	(void)puts(
	    "\n  -s DIR    the spool; else $SPOOL_DIR, else ./spool; also "
	    "https://HOST:PORT\n"
	    "  --token-file FILE, --cacert FILE, --cert FILE, --key FILE\n"
	    "            for https://; the token also from "
	    "$SPOOL_TOKEN_FILE, $SPOOL_TOKEN\n"
	    "  --version\n\n"
	    "'spool VERB --help' tells more.  Exit codes: 0 ok, "
	    "1 the answer is no,\n"
	    "100 the request is wrong, 111 try again later.\n\n"
	    "  spool init && cp nn.py spool/scripts/\n"
	    "  ID=$(spool submit job.json -p learningRate=0.01)\n"
	    "  spool wait \"$ID\" && spool show \"$ID\"");
	return ANSWER_YES;
}

static int
help_verb(const struct verb *verb)
{
	(void)printf(
	    "usage: spool %s %s\n\n%s\n", verb->name, verb->usage, verb->help);
	if (verb->page[0] != '\0')
		(void)printf("\n%s", verb->page);
	return ANSWER_YES;
}

static const struct verb *
find_verb(const char *name)
{
	const char *known[VERBS + 2];
	const char *near;
	size_t i;

	for (i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
		known[i] = verbs[i]->name;
	}
	known[VERBS] = "help";
	known[VERBS + 1] = NULL;
	near = sp_nearest(name, known);
	if (near != NULL)
		complain(
		    "no verb '%s': do you mean '%s'? ('spool help' lists them)",
		    name, near);
	else
		complain("no verb '%s': 'spool help' lists them", name);
	return NULL;
}

static bool
wants_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return true;
	}
	return false;
}

/* ---- main ---- */

static int
run_verb(struct tool *tool, int argc, char **argv)
{
	const struct verb *verb;
	struct sp_err err = { "" };
	char title[64];
	int answer = ANSWER_YES;

	if (strcmp(argv[0], "help") == 0) {
		if (argc == 1)
			return help_all();
		verb = find_verb(argv[1]);
		return verb == NULL ? ANSWER_WRONG : help_verb(verb);
	}
	if ((verb = find_verb(argv[0])) == NULL)
		return ANSWER_WRONG;
	if (verb != &verb_complete && wants_help(argc, argv))
		return help_verb(verb);

	running = tool->verb = verb;
	if (verb->far && tr_far(&err) != SP_OK)
		return complain_of(SP_FATAL, &err, NULL);
	(void)snprintf(title, sizeof title, "spool %s", verb->name);
	argv[0] = title; /* getopt's complaints begin with it */
	optind = 0;
	if (verb->files != NULL && tool->where != NULL &&
	    http_is(tool->where)) {
		complain(
		    "it needs the spool's files themselves: %s", verb->files);
		answer = ANSWER_WRONG;
	} else if (!verb->bare)
		answer = tool_open(tool);
	if (answer == ANSWER_YES)
		answer = verb->run(tool, argc, argv);
	if (tool->open)
		sp_spool_close(&tool->spool);
	return answer;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "spool", required_argument, NULL, 's' },
		{ "token-file", required_argument, NULL, 't' },
		{ "cacert", required_argument, NULL, 'c' },
		{ "cert", required_argument, NULL, 'C' },
		{ "key", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	static struct tool tool;
	struct sp_err err = { "" };
	const char *env;
	int c, answer;

	(void)setlocale(LC_CTYPE, "");
	sp_log_level(0);
	if (tr_begin(argv, &err) != SP_OK) {
		complain("%s", err.text);
		return ANSWER_WRONG;
	}
	if ((env = getenv("SPOOL_DIR")) != NULL && env[0] != '\0')
		tool.where = env;

	while ((c = getopt_long(argc, argv, "+s:hV", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			tool.where = optarg;
			break;
		case 't':
			tr_means.token_file = optarg;
			break;
		case 'c':
			tr_means.cacert = optarg;
			break;
		case 'C':
			tr_means.cert = optarg;
			break;
		case 'k':
			tr_means.key = optarg;
			break;
		case 'h':
			return help_all();
		case 'V':
			(void)puts("spool " SP_VERSION);
			return ANSWER_YES;
		default:
			return usage_wrong();
		}
	}
	if (optind == argc) {
		(void)help_all();
		return ANSWER_WRONG;
	}
	answer = run_verb(&tool, argc - optind, argv + optind);

	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("standard output: %s", strerror(errno));
		if (answer == ANSWER_YES)
			answer = ANSWER_LATER;
	}
	return answer;
}
