/*
 * orderlist.c - members of `order` that hold many values: dependencies, tags,
 * causes to retry, modules to warm, environment.  Where a list stands, one
 * value may stand alone.  Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/order.h"

#define AFTER_MAX 10000
#define TAGS_MAX  64
#define TAG_MAX   128 /* bytes of one */
#define ENV_MAX   256

static enum sp_status
no_memory(struct sp_err *err)
{
	return sp_err_set(err, SP_RETRY, "no memory");
}

const char *
sp_order_text(const struct json_t *v, size_t max)
{
	const char *text = sp_json_text(v);
	const unsigned char *s = (const unsigned char *)text;

	if (text == NULL || *text == '\0' || strlen(text) > max)
		return NULL;
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s == 0x7f)
			return NULL;
	return text;
}

/* A value that may be one or a list of them: how many, and the i-th. */
static size_t
many(const struct json_t *v)
{
	return sp_json_kind(v) == SP_JSON_LIST ? sp_json_count(v) : 1;
}

static const struct json_t *
one_of(const struct json_t *v, size_t i)
{
	return sp_json_kind(v) == SP_JSON_LIST ? sp_json_at(v, i) : v;
}

static enum sp_status
too_many(const char *key, size_t n, size_t most, struct sp_err *err)
{
	return sp_err_set(
	    err, SP_BAD, "%s: found %zu, expected at most %zu", key, n, most);
}

enum sp_status
sp_order_after(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	size_t i, n = many(v);
	const char *text;

	if (n > AFTER_MAX)
		return too_many(key, n, AFTER_MAX, err);
	if ((job->after = calloc(n + 1, sizeof *job->after)) == NULL)
		return no_memory(err);
	for (i = 0; i < n; i++) {
		text = sp_json_text(one_of(v, i));
		if (text == NULL || sp_id_parse(text, &job->after[i]) != SP_OK)
			return sp_job_wrong(key, one_of(v, i),
			    "a whole id, as 20261122T190212345-9f3c21ab, or a "
			    "list of them",
			    err);
		job->after_n++;
	}
	return SP_OK;
}

static enum sp_status
texts(const char *key, const struct json_t *v, char ***texts_out, size_t *n_out,
    struct sp_err *err)
{
	size_t i, n = many(v);
	const char *text;

	if (n > TAGS_MAX)
		return too_many(key, n, TAGS_MAX, err);
	if ((*texts_out = calloc(n + 1, sizeof **texts_out)) == NULL)
		return no_memory(err);
	for (i = 0; i < n; i++) {
		if ((text = sp_order_text(one_of(v, i), TAG_MAX)) == NULL)
			return sp_job_wrong(key, one_of(v, i),
			    "a list of texts of 1 to 128 letters", err);
		if (((*texts_out)[i] = strdup(text)) == NULL)
			return no_memory(err);
		++*n_out;
	}
	return SP_OK;
}

enum sp_status
sp_order_tags(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	return texts(key, v, &job->tags, &job->tags_n, err);
}

enum sp_status
sp_order_requires(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	return texts(key, v, &job->requires, &job->requires_n, err);
}

/* "numpy", "sklearn.neural_network": what Python calls a dotted name.  Such a
 * name goes into a program, so yes is said to nothing else. */
static bool
module_ok(const char *text)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	size_t n;

	if (strlen(text) > TAG_MAX)
		return false;
	for (;; text += n + 1) {
		n = strspn(text, letters);
		if (n == 0 || (*text >= '0' && *text <= '9'))
			return false;
		if (text[n] != '.')
			return text[n] == '\0';
	}
}

enum sp_status
sp_order_warm(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	size_t i, n = many(v);
	const char *text;

	for (i = 0; i < n; i++) {
		text = sp_json_text(one_of(v, i));
		if (text == NULL || !module_ok(text))
			return sp_job_wrong(key, one_of(v, i),
			    "a list of modules, as \"numpy\" or "
			    "\"sklearn.neural_network\"",
			    err);
	}
	return texts(key, v, &job->warm, &job->warm_n, err);
}

/* How an attempt of a script may end that could end better the next time. */
static const char *const retry_words[] = { "exit", "signal", "timeout", "oom",
	"cuda-oom", "no-outcome", "invalid", "preempted", "lost", "disk-full",
	"bad-host", NULL };

enum sp_status
sp_order_retry(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	size_t i, k, n = many(v);
	enum sp_cause cause;
	const char *text;

	job->retry = SP_RETRY_ALWAYS;
	for (i = 0; i < n; i++) {
		text = sp_json_text(one_of(v, i));
		for (k = 0; text != NULL && retry_words[k] != NULL &&
		     strcmp(text, retry_words[k]) != 0;
		     k++)
			;
		if (text == NULL || retry_words[k] == NULL ||
		    !sp_cause_parse(text, &cause))
			return sp_job_wrong(key, one_of(v, i),
			    "a list of some of exit, signal, timeout, oom, "
			    "cuda-oom, no-outcome, invalid, disk-full, "
			    "bad-host",
			    err);
		job->retry |= 1u << cause;
	}
	return SP_OK;
}

/* ---- env ---- */

static bool
env_name_ok(const char *name)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	return *name != '\0' && strspn(name, letters) == strlen(name) &&
	    !(*name >= '0' && *name <= '9');
}

static enum sp_status
env_one(const char *key, const char *name, const struct json_t *v,
    char **text_out, struct sp_err *err)
{
	char field[96], cut[64];
	const char *text = sp_json_text(v);

	sp_text_cut(cut, sizeof cut, name);
	(void)snprintf(field, sizeof field, "%s.%s", key, cut);
	if (!env_name_ok(name))
		return sp_err_set(err, SP_BAD,
		    "%s: a name has the letters A-Z a-z 0-9 _ and no digit in "
		    "front",
		    key);
	if (strncmp(name, "SPOOL_", 6) == 0)
		return sp_err_set(err, SP_BAD,
		    "%s: names beginning with SPOOL_ are ours; take another",
		    field);
	if (text == NULL)
		return sp_job_wrong(
		    field, v, "a text (write a number in quotes)", err);
	*text_out = malloc(strlen(name) + strlen(text) + 2);
	if (*text_out == NULL)
		return no_memory(err);
	(void)sprintf(*text_out, "%s=%s", name, text);
	return SP_OK;
}

enum sp_status
sp_order_env(const char *key, const struct json_t *v, struct sp_job *job,
    struct sp_err *err)
{
	enum sp_status st;
	const char *name;
	struct json_t *value;
	void *iter = NULL;
	size_t n = sp_json_count(v);

	if (sp_json_kind(v) != SP_JSON_OBJECT)
		return sp_job_wrong(key, v, "an object of texts", err);
	if (n > ENV_MAX)
		return too_many(key, n, ENV_MAX, err);
	if ((job->env = calloc(n + 1, sizeof *job->env)) == NULL)
		return no_memory(err);
	while (sp_json_next(v, &iter, &name, &value)) {
		st = env_one(key, name, value, &job->env[job->env_n], err);
		if (st != SP_OK)
			return st;
		job->env_n++;
	}
	return SP_OK;
}
