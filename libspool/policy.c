/*
 * policy.c - spool.json as text: reading, printing, and what follows from its
 * numbers.  Pure; spool.c reads and writes the file.
 *
 * One table says which keys there are and what they may be.  The file belongs
 * to people, so a key that we do not know is an error with the nearest known
 * one: a misspelt "leas" must not leave the lease as it was.
 */
#include <string.h>

#include "libspool/job.h"
#include "libspool/json.h"
#include "libspool/policy.h"

#define DAYS 86400.0

enum field {
	LEASE,
	BEAT,
	SETTLE,
	ATTEMPTS,
	BACKOFF,
	BACKOFF_MAX,
	HALF_RENAME,
	TMP_AGE,
	POLL,
	SLICE,
	OWNER_JOBS,
	OWNER_BYTES,
	ANSWER_AGE,
	FIELDS
};

static const struct {
	const char *key;
	double usual;
	double least;
	double most;
} fields[FIELDS] = {
	[LEASE] = { "lease", 60, 0.1, 30 * DAYS },
	[BEAT] = { "beat", 5, 0.01, 30 * DAYS / 4 },
	[SETTLE] = { "settle", 10, 0, DAYS },
	[ATTEMPTS] = { "attempts", 3, 1, 1000 },
	[BACKOFF] = { "backoff", 5, 0, 30 * DAYS },
	[BACKOFF_MAX] = { "backoffMax", 600, 0, 30 * DAYS },
	[HALF_RENAME] = { "halfRename", 120, 0.1, 30 * DAYS },
	[TMP_AGE] = { "tmpAge", 129600, 1, 365 * DAYS },
	[POLL] = { "poll", 2, 0.01, 3600 },
	[SLICE] = { "slice", 1024, 1, 65536 },
	[OWNER_JOBS] = { "ownerJobs", 0, 0, 1e9 },
	[OWNER_BYTES] = { "ownerBytes", 0, 0, 1e15 },
	[ANSWER_AGE] = { "answerAge", 604800, 0.1, 365 * DAYS },
};

static double
min(double a, double b)
{
	return a < b ? a : b;
}

static double
max(double a, double b)
{
	return a > b ? a : b;
}

/* The value of a field that the file does not give. */
static double
usual(const double value[FIELDS], enum field f)
{
	switch (f) {
	case BEAT:
		return min(fields[BEAT].usual, value[LEASE] / 4);
	case BACKOFF_MAX:
		return max(fields[BACKOFF_MAX].usual, value[BACKOFF]);
	default:
		return fields[f].usual;
	}
}

static void
values_to_policy(const double value[FIELDS], struct sp_policy *policy_out)
{
	*policy_out = (struct sp_policy){
		.format = SP_FORMAT,
		.lease = value[LEASE],
		.fence = value[LEASE],
		.beat = value[BEAT],
		.settle = value[SETTLE],
		.attempts = (int)value[ATTEMPTS],
		.backoff = value[BACKOFF],
		.backoff_max = value[BACKOFF_MAX],
		.half_rename = value[HALF_RENAME],
		.tmp_age = value[TMP_AGE],
		.poll = value[POLL],
		.slice = (int)value[SLICE],
		.owner_jobs = (int)value[OWNER_JOBS],
		.owner_bytes = value[OWNER_BYTES],
		.answer_age = value[ANSWER_AGE],
	};
}

static void
policy_to_values(const struct sp_policy *policy, double value_out[FIELDS])
{
	value_out[LEASE] = policy->lease;
	value_out[BEAT] = policy->beat;
	value_out[SETTLE] = policy->settle;
	value_out[ATTEMPTS] = policy->attempts;
	value_out[BACKOFF] = policy->backoff;
	value_out[BACKOFF_MAX] = policy->backoff_max;
	value_out[HALF_RENAME] = policy->half_rename;
	value_out[TMP_AGE] = policy->tmp_age;
	value_out[POLL] = policy->poll;
	value_out[SLICE] = policy->slice;
	value_out[OWNER_JOBS] = policy->owner_jobs;
	value_out[OWNER_BYTES] = policy->owner_bytes;
	value_out[ANSWER_AGE] = policy->answer_age;
}

void
sp_policy_init(struct sp_policy *policy_out)
{
	double value[FIELDS];

	for (enum field f = 0; f < FIELDS; f++)
		value[f] = usual(value, f);
	values_to_policy(value, policy_out);
}

/* ---- reading ---- */

/* Before all else: a later format may have other keys. */
static enum sp_status
format_read(const struct json_t *json, struct sp_err *err)
{
	const struct json_t *format = sp_json_get(json, "format");

	if (format == NULL)
		return sp_err_set(err, SP_BAD,
		    "spool.json: \"format\" is missing; "
		    "give \"format\": %d",
		    SP_FORMAT);
	if (sp_json_kind(format) != SP_JSON_INT)
		return sp_err_set(err, SP_BAD,
		    "spool.json: \"format\" is %s; it must be the number %d",
		    sp_json_kind_text(format), SP_FORMAT);
	if (sp_json_int(format, 0) != SP_FORMAT)
		return sp_err_set(err, SP_BAD,
		    "spool.json: \"format\" is %lld, and this program knows "
		    "%d only; use the program that made this spool",
		    (long long)sp_json_int(format, 0), SP_FORMAT);
	return SP_OK;
}

static enum sp_status
keys_known(const struct json_t *json, struct sp_err *err)
{
	const char *known[FIELDS + 2] = { "format" }, *key, *near;
	struct json_t *value;
	void *iter = NULL;

	for (int f = 0; f < FIELDS; f++)
		known[f + 1] = fields[f].key;
	while (sp_json_next(json, &iter, &key, &value)) {
		int i = 0;

		while (known[i] != NULL && strcmp(known[i], key) != 0)
			i++;
		if (known[i] != NULL)
			continue;
		near = sp_nearest(key, known);
		return sp_err_set(err, SP_BAD,
		    "spool.json: unknown key \"%.64s\"; %s%s%s", key,
		    near != NULL ? "did you mean \"" : "take it out",
		    near != NULL ? near : "", near != NULL ? "\"?" : "");
	}
	return SP_OK;
}

static enum sp_status
field_read(const struct json_t *json, enum field f, double value[FIELDS],
    struct sp_err *err)
{
	const struct json_t *member = sp_json_get(json, fields[f].key);
	enum sp_json_kind kind = sp_json_kind(member);
	bool whole =
	    f == ATTEMPTS || f == SLICE || f == OWNER_JOBS || f == OWNER_BYTES;
	const char *what = whole ? "a whole number" : "seconds";

	if (member == NULL) {
		value[f] = usual(value, f);
		return SP_OK;
	}
	if (kind != SP_JSON_INT && (kind != SP_JSON_REAL || whole))
		return sp_err_set(err, SP_BAD,
		    "spool.json: \"%s\" is %s; give %s from %.10g to %.10g",
		    fields[f].key,
		    kind == SP_JSON_REAL ? "a fraction"
					 : sp_json_kind_text(member),
		    what, fields[f].least, fields[f].most);
	value[f] = sp_json_real(member, 0);
	if (!(value[f] >= fields[f].least && value[f] <= fields[f].most))
		return sp_err_set(err, SP_BAD,
		    "spool.json: \"%s\" is %.10g; give %s from %.10g to %.10g",
		    fields[f].key, value[f], what, fields[f].least,
		    fields[f].most);
	return SP_OK;
}

static enum sp_status
values_agree(const double value[FIELDS], struct sp_err *err)
{
	if (value[BEAT] > value[LEASE] / 4)
		return sp_err_set(err, SP_BAD,
		    "spool.json: \"beat\" is %.10g, more than a quarter of "
		    "\"lease\" (%.10g); give %.10g or less, or leave it out",
		    value[BEAT], value[LEASE], value[LEASE] / 4);
	if (value[BACKOFF_MAX] < value[BACKOFF])
		return sp_err_set(err, SP_BAD,
		    "spool.json: \"backoffMax\" is %.10g, less than "
		    "\"backoff\" (%.10g); give %.10g or more, or leave it out",
		    value[BACKOFF_MAX], value[BACKOFF], value[BACKOFF]);
	return SP_OK;
}

enum sp_status
sp_policy_parse(const char *text, size_t len, struct sp_policy *policy_out,
    struct sp_err *err)
{
	struct json_t *json = NULL;
	struct sp_err why = { 0 };
	double value[FIELDS];
	enum sp_status st;

	st = sp_json_parse(text, len, &json, &why);
	if (st != SP_OK)
		return sp_err_set(err, st, "spool.json: %.400s", why.text);
	if ((st = format_read(json, err)) == SP_OK)
		st = keys_known(json, err);
	for (enum field f = 0; st == SP_OK && f < FIELDS; f++)
		st = field_read(json, f, value, err);
	if (st == SP_OK && (st = values_agree(value, err)) == SP_OK)
		values_to_policy(value, policy_out);
	sp_json_free(json);
	return st;
}

/* ---- printing ---- */

/* What would be reckoned anyhow is left out, so that a changed lease takes the
 * beat along with it; and so is what older programs do not know. */
void
sp_policy_print(const struct sp_policy *policy, struct sp_buf *text_out)
{
	double value[FIELDS];

	policy_to_values(policy, value);
	sp_buf_printf(text_out, "{\n  \"format\": %d", policy->format);
	for (enum field f = 0; f < FIELDS; f++) {
		double v = value[f];

		if ((f == BEAT || f == BACKOFF_MAX || f >= SLICE) &&
		    !(v < usual(value, f) || v > usual(value, f)))
			continue;
		sp_buf_printf(text_out, ",\n  \"%s\": ", fields[f].key);
		if (v >= (double)(long)v && v <= (double)(long)v)
			sp_buf_printf(text_out, "%ld", (long)v);
		else
			sp_json_put_real(text_out, v);
	}
	sp_buf_puts(text_out, "\n}\n");
}

/* ---- back-off ---- */

/* From 0.8 up to 1.2, the same for everybody who knows the id (FNV-1a). */
static double
jitter(const struct sp_id *id)
{
	uint32_t h = UINT32_C(2166136261);

	for (const char *c = id->text; *c != '\0'; c++)
		h = (h ^ (unsigned char)*c) * UINT32_C(16777619);
	return 0.8 + 0.4 * ((double)h / UINT32_MAX);
}

/* The jitter comes after the ceiling: orders that have reached it must not all
 * come back at the same moment. */
double
sp_backoff(
    const struct sp_policy *policy, unsigned attempt, const struct sp_id *id)
{
	double seconds = policy->backoff;

	if (attempt == 0 || seconds <= 0)
		return 0;
	while (--attempt > 0 && seconds < policy->backoff_max)
		seconds *= 2;
	return min(seconds, policy->backoff_max) * jitter(id);
}
