/*
 * origin.c - read and write the texts of the original Boss and its Worker.
 * What they lead to is decided by those who speak HTTP.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libspool/json.h"
#include "libspool/origin.h"
#include "libspool/outcome.h"

/* ---- as a Boss ---- */

/* The members that were numbers to the original. */
static const struct {
	const char *key, *text;
} numbers[] = { { "loss", "lossText" }, { "metric", "metricText" } };

/* A number as str() prints it, also one that is not finite. */
static bool
number_is(const char *text, double *value_out)
{
	static const char *const odd[] = { "nan", "inf", "infinity" };
	const char *bare = text + (*text == '-' || *text == '+');
	char *end;
	size_t i;

	*value_out = NAN;
	for (i = 0; i < sizeof odd / sizeof *odd; i++)
		if (strcasecmp(bare, odd[i]) == 0)
			return true;
	if (*text == '\0' || strlen(text) > 64 ||
	    strspn(text, "0123456789+-.eE") != strlen(text))
		return false;
	*value_out = strtod(text, &end);
	return *end == '\0';
}

/* The text of one that is not finite stays, beside it; unless the script has
 * such a member itself. */
static void
put_number(struct sp_buf *b, const struct json_t *json, const char *beside,
    const char *text, double value)
{
	if (isfinite(value)) {
		sp_json_put_real(b, value);
		return;
	}
	sp_buf_puts(b, "NaN");
	if (sp_json_get(json, beside) != NULL)
		return;
	sp_buf_puts(b, ",");
	sp_json_put_text(b, beside);
	sp_buf_puts(b, ":");
	sp_json_put_text(b, text);
}

static void
put_member(struct sp_buf *b, const struct json_t *json, const char *key,
    const struct json_t *value)
{
	const char *text = sp_json_text(value);
	double number;
	size_t i;

	if (b->len > 1)
		sp_buf_puts(b, ",");
	sp_json_put_text(b, key);
	sp_buf_puts(b, ":");
	for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		if (text != NULL && strcmp(key, numbers[i].key) == 0 &&
		    number_is(text, &number)) {
			put_number(b, json, numbers[i].text, text, number);
			return;
		}
	}
	sp_json_put(b, value);
}

/* Is this dotted place in the list of those that were not finite?  A key may be
 * empty, too. */
static bool
odd_is(const char *odd, const char *key)
{
	size_t len = strlen(key), n;

	if (*odd == '\0')
		return false;
	for (;; odd += n + 1) {
		n = strcspn(odd, ",");
		if (n == len && memcmp(odd, key, n) == 0)
			return true;
		if (odd[n] == '\0')
			return false;
	}
}

static void
take_ids(struct sp_origin_said *said, const struct json_t *json)
{
	static const char *const keys[] = { "orderId", "assignmentId",
		"jobId" };
	size_t i;

	for (i = 0; i < sizeof keys / sizeof *keys; i++) {
		const struct json_t *value = sp_json_get(json, keys[i]);
		const char *text = sp_json_text(value);

		if (text != NULL &&
		    sp_id_parse(text, &said->id[said->ids]) == SP_OK)
			said->ids++;
		else if (sp_json_kind(value) != SP_JSON_NULL)
			said->other = true;
	}
}

enum sp_status
sp_origin_said_read(const char *text, size_t len, struct sp_origin_said *said,
    struct sp_err *err)
{
	struct sp_buf odd = SP_BUF_INIT(4096);
	struct json_t *json, *value;
	const char *key;
	void *iter = NULL;
	enum sp_status st;

	(void)memset(said, 0, sizeof *said);
	/* A control character of one byte takes six. */
	sp_buf_init(&said->script, 8 * SP_OUTCOME_MAX);
	st = sp_json_parse_loose(text, len, &json, &odd, err);
	if (st != SP_OK) {
		sp_buf_clear(&odd);
		return st;
	}
	take_ids(said, json);
	sp_buf_puts(&said->script, "{");
	while (sp_json_next(json, &iter, &key, &value)) {
		if (sp_json_kind(value) == SP_JSON_NULL &&
		    odd_is(sp_buf_text(&odd), key)) {
			if (said->script.len > 1)
				sp_buf_puts(&said->script, ",");
			sp_json_put_text(&said->script, key);
			sp_buf_puts(&said->script, ":NaN");
		} else {
			put_member(&said->script, json, key, value);
		}
	}
	sp_buf_puts(&said->script, "}");
	sp_json_free(json);
	sp_buf_clear(&odd);
	return said->script.failed ? sp_err_set(err, SP_RETRY, "no memory")
				   : SP_OK;
}

void
sp_origin_said_clear(struct sp_origin_said *said)
{
	sp_buf_clear(&said->script);
}

void
sp_origin_order_print(const struct sp_origin_order *order, struct sp_buf *b)
{
	struct sp_jw w;
	char when[25];

	sp_time_print(sp_id_ms(order->id), when);
	sp_jw_init(&w, b);
	sp_jw_open(&w, NULL, '{');
	sp_jw_text(&w, "_id", order->id->text);
	sp_jw_text(&w, "jobId", order->id->text);
	if (order->project != NULL && *order->project != '\0')
		sp_jw_text(&w, "projectName", order->project);
	sp_jw_text(&w, "createdDate", when);
	sp_jw_text(&w, "status", order->status);
	if (order->assigned != NULL && *order->assigned != '\0')
		sp_jw_text(&w, "assignedNode", order->assigned);
	sp_jw_int(&w, "__v", 0);
	sp_jw_close(&w, '}');
}

/* ---- as a Worker ---- */

bool
sp_origin_id_ok(const char *id)
{
	size_t len = strlen(id);

	return len > 0 && len <= SP_ORIGIN_ID_MAX &&
	    strspn(id, SP_WORD ".") == len && *id != '.';
}

static bool
id_take(const struct json_t *json, const char *key,
    char id_out[SP_ORIGIN_ID_MAX + 1])
{
	const char *id = sp_json_text(sp_json_get(json, key));

	if (id == NULL || !sp_origin_id_ok(id))
		return false;
	(void)strcpy(id_out, id);
	return true;
}

enum sp_status
sp_origin_order_read(const char *text, size_t len,
    char order_out[SP_ORIGIN_ID_MAX + 1], char job_out[SP_ORIGIN_ID_MAX + 1],
    struct sp_err *err)
{
	struct json_t *json;
	enum sp_status st;

	if (len == 0 || (len == 4 && memcmp(text, "null", 4) == 0))
		return SP_GONE;
	if ((st = sp_json_parse(text, len, &json, err)) != SP_OK)
		return st;
	if (sp_json_kind(sp_json_get(json, "_id")) == SP_JSON_NULL &&
	    sp_json_kind(sp_json_get(json, "jobId")) == SP_JSON_NULL)
		st = SP_GONE;
	else if (!id_take(json, "_id", order_out) ||
	    !id_take(json, "jobId", job_out))
		st = sp_err_set(err, SP_BAD,
		    "an order whose _id or jobId is none that a path can hold");
	sp_json_free(json);
	return st;
}

/* A "loss" that is a text was never answered for by the original, and what is
 * not finite cannot be written. */
static void
put_finite(struct sp_jw *w, const struct json_t *json, const char *key)
{
	const struct json_t *value = sp_json_get(json, key);
	const char *text = sp_json_text(value);
	double number = sp_json_real(value, NAN);

	if (text != NULL && !number_is(text, &number))
		return;
	if (isfinite(number))
		sp_jw_real(w, key, number);
}

enum sp_status
sp_origin_outcome_print(const char *outcome, size_t len, const char *order,
    int dialect, struct sp_buf *b, struct sp_err *err)
{
	struct json_t *json;
	enum sp_status st;
	struct sp_jw w;
	int status;

	if ((st = sp_outcome_status(outcome, len, &status)) == SP_OK)
		st = sp_json_parse(outcome, len, &json, err);
	if (st != SP_OK)
		return sp_err_set(err, st, "this is no outcome");
	sp_jw_init(&w, b);
	sp_jw_open(&w, NULL, '{');
	if (dialect == 1)
		sp_jw_int(&w, "status", sp_status_good_is(status) ? 200 : 500);
	else
		sp_jw_text(&w, "status",
		    sp_status_good_is(status) ? "completed" : "failed");
	sp_jw_text(&w, "jobId", order);
	sp_jw_text(&w, "orderId", order);
	put_finite(&w, json, "loss");
	put_finite(&w, json, "metric");
	sp_jw_close(&w, '}');
	sp_json_free(json);
	return b->failed ? sp_err_set(err, SP_RETRY, "no memory") : SP_OK;
}
