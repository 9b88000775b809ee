/*
 * verdict.c - read what a script says of itself, and judge its attempt by that
 * and by how its process ended.  Printing is outcome.c's business.  Pure.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libspool/verdict.h"

#define OWN_MAX (64 * 1024) /* what outcome.c adds to the members at most */
#define ODD_MAX 4096        /* of run.nonFinite */

/* ---- reading the report ---- */

static bool
ours_is(const char *key)
{
	static const char *const ours[] = { "_id", "jobId", "orderId", "status",
		"error", "run" };
	size_t i;

	for (i = 0; i < sizeof ours / sizeof *ours; i++)
		if (strcmp(key, ours[i]) == 0)
			return true;
	return false;
}

/* null, false and "" say that there was no error. */
static const struct json_t *
error_of(const struct json_t *json)
{
	const struct json_t *error = sp_json_get(json, "error");
	enum sp_json_kind kind = sp_json_kind(error);

	if (kind == SP_JSON_NULL ||
	    (kind == SP_JSON_BOOL && !sp_json_true(error)) ||
	    (kind == SP_JSON_TEXT && *sp_json_text(error) == '\0'))
		return NULL;
	return error;
}

static const struct json_t *
status_of(const struct json_t *json)
{
	const struct json_t *status = sp_json_get(json, "status");

	return sp_json_kind(status) == SP_JSON_NULL ? NULL : status;
}

void
sp_report_clear(struct sp_report *r)
{
	sp_json_free(r->json);
	sp_buf_clear(&r->odd);
	sp_buf_clear(&r->body);
	r->json = NULL;
	r->error = r->status = NULL;
}

/* What cannot be kept is as if it had not been said, but for `why`. */
static enum sp_status
report_drop(struct sp_report *r, const char *why)
{
	sp_report_clear(r);
	r->broken = true;
	(void)sp_err_set(&r->why, SP_BAD, "%s", why);
	return SP_OK;
}

enum sp_status
sp_report_read(struct sp_report *r, const char *script, size_t len)
{
	enum sp_status st;
	struct json_t *value;
	const char *key;
	void *iter = NULL;

	memset(r, 0, sizeof *r);
	sp_buf_init(&r->odd, ODD_MAX);
	sp_buf_init(&r->body, 8 * SP_OUTCOME_MAX);
	if (script == NULL)
		return SP_OK;
	if (len > SP_OUTCOME_MAX)
		return report_drop(r, "larger than 1 MiB");
	st = sp_json_parse_loose(script, len, &r->json, &r->odd, &r->why);
	if (st == SP_BAD)
		return report_drop(r, "not a JSON object");
	if (st != SP_OK)
		return st;
	while (sp_json_next(r->json, &iter, &key, &value)) {
		if (ours_is(key))
			continue;
		sp_json_put_text(&r->body, key);
		sp_buf_puts(&r->body, ":");
		sp_json_put(&r->body, value);
		sp_buf_puts(&r->body, ",");
	}
	r->error = error_of(r->json);
	r->status = status_of(r->json);
	if (r->error != NULL) {
		sp_buf_puts(&r->body, "\"error\":");
		sp_json_put(&r->body, r->error);
		sp_buf_puts(&r->body, ",");
	}
	if (r->body.failed)
		return SP_RETRY;
	if (r->body.len > SP_OUTCOME_MAX - OWN_MAX)
		return report_drop(r, "larger than 960 KiB");
	return SP_OK;
}

/* ---- judging ---- */

/* A number, or a text that is one in digits; -1 if neither. */
int
sp_report_status(const struct json_t *status)
{
	const char *text = sp_json_text(status);
	double n = sp_json_real(status, -1);

	if (text != NULL && strspn(text, "0123456789") == strlen(text) &&
	    *text != '\0' && strlen(text) <= 6)
		n = (double)strtol(text, NULL, 10);
	return n >= 0 && n < 1e6 && (double)(int)n == n ? (int)n : -1;
}

static bool
status_good(const struct json_t *status)
{
	static const char *const good[] = { "completed", "ok", "success",
		"succeeded", "done" };
	const char *text = sp_json_text(status);
	size_t i;

	if (status == NULL)
		return true;
	for (i = 0; text != NULL && i < sizeof good / sizeof *good; i++)
		if (strcasecmp(text, good[i]) == 0)
			return true;
	return sp_status_good_is(sp_report_status(status));
}

/* strsignal's words depend on the language. */
const char *
sp_signal_text(int sig)
{
	static const struct {
		int sig;
		const char *name;
	} names[] = { { SIGHUP, "HUP" }, { SIGINT, "INT" }, { SIGQUIT, "QUIT" },
		{ SIGILL, "ILL" }, { SIGTRAP, "TRAP" }, { SIGABRT, "ABRT" },
		{ SIGBUS, "BUS" }, { SIGFPE, "FPE" }, { SIGKILL, "KILL" },
		{ SIGUSR1, "USR1" }, { SIGSEGV, "SEGV" }, { SIGUSR2, "USR2" },
		{ SIGPIPE, "PIPE" }, { SIGALRM, "ALRM" }, { SIGTERM, "TERM" },
		{ SIGSTOP, "STOP" }, { SIGXCPU, "XCPU" }, { SIGXFSZ, "XFSZ" },
		{ SIGSYS, "SYS" } };
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].sig == sig)
			return names[i].name;
	return NULL;
}

static const struct {
	int status;
	const char *words;
} ends[SP_CAUSES] = {
	[SP_CAUSE_OK] = { SP_ST_DONE, "" },
	[SP_CAUSE_EXIT] = { SP_ST_FAILED, "the script failed" },
	[SP_CAUSE_SIGNAL] = { SP_ST_FAILED, "the script was killed" },
	[SP_CAUSE_TIMEOUT] = { SP_ST_TIMEOUT, "timed out" },
	[SP_CAUSE_OOM] = { SP_ST_FAILED, "out of memory" },
	[SP_CAUSE_CUDA_OOM] = { SP_ST_FAILED, "out of GPU memory" },
	[SP_CAUSE_NO_OUTCOME] = { SP_ST_NO_OUTCOME,
	    "an outcome is required (order.outcome) and the script gave none" },
	[SP_CAUSE_INVALID] = { SP_ST_FAILED, "the job cannot be run" },
	[SP_CAUSE_CANCELLED] = { SP_ST_CANCELLED, "cancelled" },
	[SP_CAUSE_PREEMPTED] = { SP_ST_LOST, "preempted" },
	[SP_CAUSE_LOST] = { SP_ST_LOST, "the worker was lost" },
	[SP_CAUSE_DISK_FULL] = { SP_ST_FAILED, "no space left on the disk" },
	[SP_CAUSE_BAD_HOST] = { SP_ST_FAILED, "this host cannot run the job" },
	[SP_CAUSE_DEPENDENCY] = { SP_ST_DEPENDENCY, "a dependency failed" },
	[SP_CAUSE_PRUNED] = { SP_ST_PRUNED, "pruned" },
};

static void
verdict_set(struct sp_verdict *v, enum sp_cause cause)
{
	v->cause = cause;
	v->status = ends[cause].status;
	sp_text_cut(v->words, sizeof v->words, ends[cause].words);
}

/* The process ended well: now the script's own word counts. */
static void
judge_good(struct sp_verdict *v, const struct sp_report *r, bool required)
{
	struct sp_buf shown = SP_BUF_INIT(2 * SP_ERR_MAX);

	if (r->broken) {
		verdict_set(v, SP_CAUSE_INVALID);
		sp_buf_printf(&shown, "the script's outcome cannot be read: %s",
		    r->why.text);
		sp_text_cut(v->words, sizeof v->words, sp_buf_text(&shown));
	} else if (r->json == NULL) {
		verdict_set(v, required ? SP_CAUSE_NO_OUTCOME : SP_CAUSE_OK);
		if (!required)
			v->status = SP_ST_SILENT;
	} else if (r->error != NULL || !status_good(r->status)) {
		verdict_set(v, SP_CAUSE_EXIT);
		if (r->status != NULL && !status_good(r->status)) {
			sp_buf_puts(&shown, "the script says status ");
			sp_json_put(&shown, r->status);
			sp_text_cut(v->words, sizeof v->words,
			    shown.failed ? "the script says a long status"
					 : sp_buf_text(&shown));
		}
	} else {
		verdict_set(v, SP_CAUSE_OK);
	}
	sp_buf_clear(&shown);
}

void
sp_verdict_reach(const struct sp_run *run, bool required,
    const struct sp_report *r, struct sp_verdict *v)
{
	const char *name;

	switch (run->cause) {
	case SP_CAUSE_OK:
		judge_good(v, r, required);
		return;
	case SP_CAUSE_EXIT:
		verdict_set(v, SP_CAUSE_EXIT);
		if (run->exit_code >= 0)
			(void)snprintf(v->words, sizeof v->words,
			    "exit code %d", run->exit_code);
		return;
	case SP_CAUSE_SIGNAL:
		verdict_set(v, SP_CAUSE_SIGNAL);
		name = sp_signal_text(run->signal);
		if (run->signal > 0)
			(void)snprintf(v->words, sizeof v->words,
			    "killed by signal %d (%s)", run->signal,
			    name != NULL ? name : "?");
		return;
	default:
		verdict_set(v,
		    (unsigned)run->cause < SP_CAUSES ? run->cause
						     : SP_CAUSE_EXIT);
		return;
	}
}
