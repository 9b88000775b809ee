/*
 * answer.c - small answers of a spool's HTTP server, and those that are no
 * success.  Lists are in answerlist.c.  Pure.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/json.h"
#include "transport/answerin.h"

/* ---- what both files use ---- */

enum sp_status
answer_parse(
    const char *text, size_t len, struct json_t **json_out, struct sp_err *err)
{
	struct sp_err why = { "" };
	enum sp_status st;

	if (len == 0)
		return sp_err_set(err, SP_RETRY, "an empty answer");
	st = sp_json_parse(text, len, json_out, &why);
	return st == SP_OK
	    ? st
	    : sp_err_set(err, SP_RETRY, "an answer that is none of a spool: %s",
		  why.text);
}

enum sp_status
answer_odd(struct sp_err *err, const char *what)
{
	return sp_err_set(err, SP_RETRY,
	    "an answer that is none of a spool: \"%s\" is not there, or is "
	    "something else",
	    what);
}

bool
answer_text(const struct json_t *json, const char *key, char *out, size_t size)
{
	const char *text = sp_json_text(sp_json_get(json, key));

	if (text == NULL || strlen(text) >= size)
		return false;
	(void)strcpy(out, text);
	return true;
}

/* ---- no success ---- */

static const struct {
	const char *word;
	enum sp_status status;
} words[] = {
	{ "gone", SP_GONE },
	{ "lost", SP_LOST },
	{ "changed", SP_LOST },
	{ "offset", SP_LOST },
	{ "bad", SP_BAD },
	{ "bad-request", SP_BAD },
	{ "too-large", SP_BAD },
	{ "type", SP_BAD },
	{ "range", SP_BAD },
	{ "method", SP_BAD },
	{ "unauthorized", SP_FATAL },
	{ "forbidden", SP_FATAL },
};

/* Words for people out of what a stranger says. */
static void
tidy(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

static enum sp_status
say(int status, const char *word, const char *reason, struct sp_err *err)
{
	char why[256];
	size_t i;

	sp_text_cut(why, sizeof why, reason);
	tidy(why);
	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i].word, word) == 0)
			return sp_err_set(err, words[i].status, "%s", why);
	return sp_err_set(err, SP_RETRY, "it answered %d: %s", status, why);
}

enum sp_status
answer_word(int status, const char *word, struct sp_err *err)
{
	if (word[0] == '\0')
		return sp_err_set(err, SP_RETRY,
		    "it answered %d, and not as a spool does", status);
	return say(status, word, word, err);
}

enum sp_status
answer_error(int status, const char *text, size_t len, int64_t *size_out,
    struct sp_err *err)
{
	struct json_t *json = NULL;
	const char *word, *reason;
	enum sp_status st;

	if (size_out != NULL)
		*size_out = -1;
	if (status >= 300 && status < 400)
		return sp_err_set(err, SP_RETRY,
		    "it sends us elsewhere (%d), where we do not go: give "
		    "the spool's own address",
		    status);
	if (len == 0 || sp_json_parse(text, len, &json, NULL) != SP_OK)
		return sp_err_set(err, SP_RETRY,
		    "it answered %d, and not as a spool does", status);
	word = sp_json_text(sp_json_get(json, "error"));
	reason = sp_json_text(sp_json_get(json, "reason"));
	if (word == NULL || status < 400)
		st = sp_err_set(err, SP_RETRY,
		    "it answered %d, and not as a spool does", status);
	else
		st = say(status, word, reason != NULL ? reason : word, err);
	if (size_out != NULL && word != NULL && strcmp(word, "offset") == 0)
		*size_out = sp_json_int(sp_json_get(json, "size"), -1);
	sp_json_free(json);
	return st;
}

/* ---- about ---- */

static bool
role_is(const struct json_t *roles, const char *role)
{
	const char *text;
	size_t i;

	for (i = 0; i < sp_json_count(roles); i++) {
		text = sp_json_text(sp_json_at(roles, i));
		if (text != NULL &&
		    (strcmp(text, role) == 0 || strcmp(text, "admin") == 0))
			return true;
	}
	return false;
}

/* The policy is a text of its own, as spool.json is. */
static enum sp_status
policy_take(struct json_t *json, struct sp_policy *out, struct sp_err *err)
{
	struct sp_buf text = SP_BUF_INIT(65536);
	struct sp_err why = { "" };
	enum sp_status st;

	/* The format is said beside it. */
	if (sp_json_kind(json) != SP_JSON_OBJECT ||
	    sp_json_set(json, "format", "1", NULL) != SP_OK)
		return answer_odd(err, "policy");
	sp_json_put(&text, json);
	st = text.failed ? SP_BAD
			 : sp_policy_parse(text.data, text.len, out, &why);
	sp_buf_clear(&text);
	return st == SP_OK ? st : sp_err_set(err, SP_RETRY, "%s", why.text);
}

static enum sp_status
about_take(
    const struct json_t *json, struct answer_about *a, struct sp_err *err)
{
	const struct json_t *roles = sp_json_get(json, "roles");
	const struct json_t *limits = sp_json_get(json, "limits");
	const struct json_t *worker = sp_json_get(json, "worker");
	int64_t wait;

	if (sp_json_int(sp_json_get(json, "format"), 0) != SP_FORMAT)
		return sp_err_set(err, SP_FATAL,
		    "a spool of another format, or none: a newer workerd may "
		    "know it");
	if (sp_json_kind(roles) != SP_JSON_LIST)
		return answer_odd(err, "roles");
	a->submit = role_is(roles, "submit");
	a->work = role_is(roles, "work");
	a->read = role_is(roles, "read");
	a->now = sp_json_int(sp_json_get(json, "now"), -1);
	if (a->now < 0)
		return answer_odd(err, "now");
	a->body = sp_json_int(sp_json_get(limits, "body"), -1);
	wait = sp_json_int(sp_json_get(limits, "wait"), -1);
	if (a->body < 65536 || wait < 0)
		return answer_odd(err, "limits");
	a->wait = wait > 60 ? 60 : (int)wait;
	if (sp_json_kind(worker) != SP_JSON_NULL &&
	    !answer_text(json, "worker", a->worker, sizeof a->worker))
		return answer_odd(err, "worker");
	return policy_take(sp_json_get(json, "policy"), &a->policy, err);
}

enum sp_status
answer_about(const char *text, size_t len, struct answer_about *about_out,
    struct sp_err *err)
{
	struct answer_about a = { .now = 0 };
	struct json_t *json;
	enum sp_status st;

	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	st = about_take(json, &a, err);
	sp_json_free(json);
	if (st == SP_OK)
		*about_out = a;
	return st;
}

/* ---- one order ---- */

enum sp_status
answer_claim(const struct json_t *json, const struct sp_name *order,
    const char *worker, struct sp_name *claimed_out, struct sp_buf *text_out,
    struct sp_err *err)
{
	const char *is = sp_json_text(sp_json_get(json, "name"));
	const char *job = sp_json_text(sp_json_get(json, "text"));
	struct sp_name name;

	if (is == NULL || sp_name_parse(is, &name) != SP_OK ||
	    strcmp(name.id.text, order->id.text) != 0 ||
	    name.ticket != order->ticket || name.attempt != order->attempt ||
	    strcmp(name.worker, worker) != 0)
		return answer_odd(err, "name");
	if (job == NULL)
		return answer_odd(err, "text");
	sp_buf_reset(text_out);
	sp_buf_puts(text_out, job);
	if (text_out->failed)
		return sp_err_set(err, SP_BAD, "longer than a job may be");
	*claimed_out = name;
	return SP_OK;
}

enum sp_status
answer_claimed(const char *text, size_t len, const struct sp_name *order,
    const char *worker, struct sp_name *claimed_out, struct sp_buf *text_out,
    struct sp_err *err)
{
	struct json_t *json;
	enum sp_status st;

	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	st = answer_claim(json, order, worker, claimed_out, text_out, err);
	sp_json_free(json);
	return st;
}

enum sp_status
answer_stands(const char *text, size_t len, const struct sp_id *id,
    enum sp_state *state_out, struct sp_name *name_out, struct sp_err *err)
{
	const char *state, *is;
	struct json_t *json;
	struct sp_name name;
	enum sp_status st;
	int i;

	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	state = sp_json_text(sp_json_get(json, "state"));
	is = sp_json_text(sp_json_get(json, "order"));
	for (i = 0; i < SP_STATES &&
	     (state == NULL ||
		 strcmp(state, sp_state_text((enum sp_state)i)) != 0);
	     i++)
		;
	if (i == SP_STATES)
		st = answer_odd(err, "state");
	else if (is == NULL || sp_name_parse(is, &name) != SP_OK ||
	    strcmp(name.id.text, id->text) != 0)
		st = answer_odd(err, "order");
	else {
		*state_out = (enum sp_state)i;
		*name_out = name;
	}
	sp_json_free(json);
	return st;
}

/* ---- numbers and the like ---- */

static bool
count_take(const struct json_t *json, const char *key, int64_t *out)
{
	*out = sp_json_int(sp_json_get(json, key), -1);
	return *out >= 0;
}

enum sp_status
answer_room(
    const char *text, size_t len, struct tr_room *room_out, struct sp_err *err)
{
	struct json_t *json;
	enum sp_status st;
	struct tr_room r;

	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	if (!count_take(json, "size", &r.size) ||
	    !count_take(json, "free", &r.free) ||
	    !count_take(json, "files", &r.files) ||
	    !count_take(json, "filesFree", &r.files_free))
		st = answer_odd(err, "size, free, files or filesFree");
	else
		*room_out = r;
	sp_json_free(json);
	return st;
}

enum sp_status
answer_drained(
    const char *text, size_t len, bool *drained_out, struct sp_err *err)
{
	const struct json_t *is;
	struct json_t *json;
	enum sp_status st;

	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	is = sp_json_get(json, "drained");
	if (sp_json_kind(is) != SP_JSON_BOOL)
		st = answer_odd(err, "drained");
	else
		*drained_out = sp_json_true(is);
	sp_json_free(json);
	return st;
}

enum sp_status
answer_size(const char *text, size_t len, int64_t *size_out, struct sp_err *err)
{
	struct json_t *json;
	enum sp_status st;
	int64_t size;

	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	if (!count_take(json, "size", &size))
		st = answer_odd(err, "size");
	else
		*size_out = size;
	sp_json_free(json);
	return st;
}

enum sp_status
answer_peers(const char *text, size_t len, struct sp_tally_row *rows, size_t n,
    struct sp_err *err)
{
	const struct json_t *list, *one;
	struct json_t *json;
	const char *script;
	enum sp_status st;
	int64_t good, bad;
	size_t i, k;

	if ((st = answer_parse(text, len, &json, err)) != SP_OK)
		return st;
	list = sp_json_get(json, "scripts");
	if (sp_json_kind(list) != SP_JSON_LIST)
		st = answer_odd(err, "scripts");
	for (i = 0; i < n; i++)
		rows[i].good = rows[i].bad = 0;
	for (k = 0; st == SP_OK && k < sp_json_count(list) && k < n; k++) {
		one = sp_json_at(list, k);
		script = sp_json_text(sp_json_get(one, "script"));
		if (script == NULL || !count_take(one, "good", &good) ||
		    !count_take(one, "bad", &bad)) {
			st = answer_odd(err, "script, good or bad");
			break;
		}
		for (i = 0; i < n; i++)
			if (strcmp(rows[i].script, script) == 0) {
				rows[i].good = good;
				rows[i].bad = bad;
			}
	}
	sp_json_free(json);
	return st;
}
