/*
 * log.c - spool log: what an attempt wrote, as it came; and following it.
 * Into a pipe byte for byte; on a terminal without control sequences, for a
 * job must not write on its reader's screen but text.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "tools/spool.h"

#define PAUSE_LOCAL 150 /* ms between looks when following */

struct log {
	struct tool *tool;
	struct sp_id id;
	const char *attempt; /* "tTaA", or NULL: the last */
	bool follow;
	bool metrics; /* not the log, but these */
	bool terminal;
	struct term_filter filter;
	struct sp_name shown; /* whose log it is; ticket 0: none yet */
	off_t at;             /* so much was shown */
};

static enum sp_status
show(struct log *log, const char *text, size_t len)
{
	struct sp_buf clean = SP_BUF_INIT(1024 * 1024);

	if (log->terminal) {
		term_filter(&log->filter, text, len, &clean);
		(void)fwrite(sp_buf_text(&clean), 1, clean.len, stdout);
		sp_buf_clear(&clean);
	} else {
		(void)fwrite(text, 1, len, stdout);
	}
	return ferror(stdout) ? SP_FATAL : SP_OK;
}

/* What came since the last look.  Opened anew each time: an NFS client learns
 * at open that a file has grown. */
static enum sp_status
show_more(struct log *log, int dir, const char *file, struct sp_err *err)
{
	static char text[64 * 1024];
	struct stat stat;
	enum sp_status st;
	ssize_t n;
	int fd;

	if ((st = sp_open(dir, file, 0, &fd, &stat, err)) != SP_OK)
		return st;
	while (st == SP_OK) {
		n = sp_fs_pread(fd, text, sizeof text, log->at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == -1)
				st = sp_err_sys(err, "read %s", file);
			break;
		}
		log->at += n;
		st = show(log, text, (size_t)n);
	}
	(void)sp_fs_close(fd);
	if (fflush(stdout) != 0)
		st = SP_FATAL;
	return st;
}

static const char *
file_of(const struct log *log, const struct try *try)
{
	return log->metrics ? try->metrics : try->log;
}

static bool
asked_is(const struct log *log, const struct try *try)
{
	const struct sp_name *name = &try->name;
	char text[32];

	if (file_of(log, try)[0] == '\0')
		return false;

	if (log->attempt == NULL)
		return true;
	(void)snprintf(
	    text, sizeof text, "t%ua%u", name->ticket, name->attempt);
	return strcmp(text, log->attempt) == 0;
}

/* Show what there is of the attempt asked for, or of the last; when following,
 * go through later ones as they come. */
static enum sp_status
look(struct log *log, struct sp_err *err)
{
	struct tries tries;
	enum sp_status st;
	size_t i, first;

	st = tries_read(&log->tool->spool, &log->id, &tries, err);
	if (st != SP_OK)
		return st;
	first = tries.n;
	for (i = 0; i < tries.n; i++) {
		if (!asked_is(log, &tries.try[i]))
			continue;
		if (log->shown.ticket == 0 || first == tries.n ||
		    tries.try[i].name.ticket <= log->shown.ticket)
			first = i;
	}
	for (i = first; i < tries.n && st == SP_OK; i++) {
		if (!asked_is(log, &tries.try[i]))
			continue;
		if (!sp_attempt_same(&tries.try[i].name, &log->shown)) {
			if (log->shown.ticket != 0)
				complain("%s: another attempt, on %s",
				    log->id.text, tries.try[i].name.worker);
			log->shown = tries.try[i].name;
			log->at = 0;
			log->filter.state = 0;
		}
		st =
		    show_more(log, tries.dir, file_of(log, &tries.try[i]), err);
	}
	tries_clear(&tries);
	return st;
}

static enum sp_status
over_look(struct log *log, bool *over_out, struct sp_err *err)
{
	enum sp_status st;
	enum sp_state state;
	struct sp_name name;

	st = see_find(&log->tool->spool, &log->id, &state, &name, err);
	if (st == SP_OK)
		*over_out = sp_state_over_is(state);
	return st;
}

static int
log_show(struct log *log)
{
	struct sp_err err = { "" };
	enum sp_status st;
	bool over = false;
	int pause;

	pause = log->tool->spool.local
	    ? PAUSE_LOCAL
	    : (int)(log->tool->spool.policy.poll * 1000);
	for (;;) {
		/* asked before the look: so nothing written after it counts */
		if ((st = over_look(log, &over, &err)) == SP_OK)
			st = look(log, &err);
		if (log->follow && waits_out(&log->tool->spool, st, &err)) {
			st = SP_OK;
			over = false;
		}
		if (st != SP_OK || !log->follow || over)
			break;
		(void)poll(NULL, 0, pause);
	}
	if (st != SP_OK)
		return ferror(stdout) ? ANSWER_LATER
				      : complain_of(st, &err, log->id.text);
	if (log->shown.ticket != 0)
		return ANSWER_YES;
	if (log->attempt != NULL)
		complain("%s: no %s of an attempt %s", log->id.text,
		    log->metrics ? "metrics" : "log", log->attempt);
	else
		complain("%s: %s%s", log->id.text,
		    log->metrics ? "no metrics" : "nothing was written",
		    over ? "" : " yet");
	return ANSWER_NO;
}

static bool
attempt_ok(const char *text)
{
	const char *digits = "0123456789";
	size_t n;

	if (*text++ != 't' || (n = strspn(text, digits)) == 0)
		return false;
	text += n;
	return *text++ == 'a' && (n = strspn(text, digits)) > 0 &&
	    text[n] == '\0';
}

static int
log_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "attempt", required_argument, NULL, 'a' },
		{ "follow", no_argument, NULL, 'f' },
		{ "metrics", no_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	struct log log = { .tool = tool,
		.terminal = isatty(STDOUT_FILENO) != 0 };
	int c, answer;

	while ((c = getopt_long(argc, argv, "f", longs, NULL)) != -1) {
		if (c == 'f')
			log.follow = true;
		else if (c == 'a')
			log.attempt = optarg;
		else if (c == 'm')
			log.metrics = true;
		else
			return usage_wrong();
	}
	if (argc - optind != 1)
		return usage_wrong();
	if (log.attempt != NULL && !attempt_ok(log.attempt)) {
		complain("--attempt %s: give it as 'spool show' does, t1a0",
		    log.attempt);
		return ANSWER_WRONG;
	}
	answer = pick_one(tool, argv[optind], &log.id);
	return answer == ANSWER_YES ? log_show(&log) : answer;
}

const struct verb verb_log = {
	.name = "log",
	.usage = "[-f] [--metrics] [--attempt tTaA] ID",
	.help = "what a job wrote",
	.page =
	    "Standard output and standard error of the last attempt, "
	    "merged as they came.\n\n"
	    "  -f               go on until the order is over, also through "
	    "later attempts\n"
	    "  --metrics        the lines of its metrics instead\n"
	    "  --attempt tTaA   another attempt; 'spool show ID' lists "
	    "them\n\n"
	    "  spool log -f 9f3c21ab\n",
	.run = log_run,
};
