/*
 * certificate.c - what was proven of a spool's filesystem, as text and back,
 * and the times that follow from it.  Pure.
 *
 * The times, with U what it usually takes until another host sees a change, M
 * the most it took, K how far apart the times are that hosts give to files:
 *
 *	poll		U: to look more often shows nothing more
 *	settle		2 M + K: a drop that stands still here may be growing
 *			over there, and its age is reckoned across two clocks
 *	lease		2 beats + 3 M: a beat is seen late, and the one before
 *			it may have been seen early
 *	halfRename	+ K
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "libspool/certificate.h"
#include "libspool/json.h"
#include "libspool/version.h"

#define FORMAT 1
#define DAY_MS INT64_C(86400000)
#define LAG    3600.0  /* s: more is no measurement */
#define SKEW   86400.0 /* likewise */
#define TRIFLE 0.05    /* s of skew that any clock has */

/* ---- text ---- */

void
sp_certificate_print(const struct sp_certificate *cert,
    const struct sp_findings *findings, struct sp_buf *text)
{
	char when[25];
	struct sp_jw w;
	size_t i;

	sp_time_print(cert->when, when);
	sp_jw_init(&w, text);
	sp_jw_open(&w, NULL, '{');
	sp_jw_int(&w, "format", FORMAT);
	sp_jw_text(&w, "when", when);
	sp_jw_text(&w, "by", "spool " SP_VERSION);
	sp_jw_bool(&w, "safe", cert->safe);
	sp_jw_open(&w, "hosts", '[');
	for (i = 0; i < cert->hosts; i++) {
		sp_jw_open(&w, NULL, '{');
		sp_jw_text(&w, "host", cert->host[i].host);
		sp_jw_text(&w, "filesystem", cert->host[i].type);
		sp_jw_int(&w, "magic", (int64_t)cert->host[i].magic);
		sp_jw_real(&w, "clock", cert->host[i].clock);
		sp_jw_close(&w, '}');
	}
	sp_jw_close(&w, ']');
	if (cert->joined) {
		sp_jw_open(&w, "lag", '{');
		sp_jw_real(&w, "usual", cert->usual);
		sp_jw_real(&w, "most", cert->most);
		sp_jw_close(&w, '}');
		sp_jw_real(&w, "skew", cert->skew);
	}
	sp_jw_open(&w, "findings", '[');
	for (i = 0; findings != NULL && i < findings->n; i++)
		sp_finding_print(&w, &findings->one[i]);
	sp_jw_close(&w, ']');
	sp_jw_close(&w, '}');
	sp_buf_puts(text, "\n");
}

/* A number of seconds within bounds. */
static enum sp_status
seconds(const struct json_t *in, const char *key, double least, double most,
    double *out, struct sp_err *err)
{
	const struct json_t *value = sp_json_get(in, key);
	enum sp_json_kind kind = sp_json_kind(value);

	*out = sp_json_real(value, NAN);
	if ((kind != SP_JSON_INT && kind != SP_JSON_REAL) ||
	    !(*out >= least && *out <= most))
		return sp_err_set(err, SP_BAD,
		    "\"%s\" is no number of seconds from %.10g to %.10g", key,
		    least, most);
	return SP_OK;
}

static enum sp_status
take_host(
    const struct json_t *json, struct sp_cert_host *host, struct sp_err *err)
{
	const struct json_t *magic = sp_json_get(json, "magic");

	sp_text_cut(host->host, sizeof host->host,
	    sp_json_text(sp_json_get(json, "host")));
	sp_text_cut(host->type, sizeof host->type,
	    sp_json_text(sp_json_get(json, "filesystem")));
	if (host->host[0] == '\0' || sp_json_kind(magic) != SP_JSON_INT)
		return sp_err_set(
		    err, SP_BAD, "\"hosts\": no \"host\" or no \"magic\"");
	host->magic = (uint64_t)sp_json_int(magic, 0);
	return seconds(json, "clock", -1e12, 1e12, &host->clock, err);
}

static enum sp_status
take(const struct json_t *json, struct sp_certificate *cert, struct sp_err *err)
{
	const struct json_t *hosts = sp_json_get(json, "hosts"),
			    *lag = sp_json_get(json, "lag");
	const char *when = sp_json_text(sp_json_get(json, "when"));
	enum sp_status st = SP_OK;
	size_t i;

	if (sp_json_int(sp_json_get(json, "format"), 0) != FORMAT)
		return sp_err_set(err, SP_BAD, "\"format\" is not %d", FORMAT);
	if (when == NULL || !sp_time_parse(when, &cert->when))
		return sp_err_set(err, SP_BAD, "\"when\" is no time");
	if (sp_json_kind(sp_json_get(json, "safe")) != SP_JSON_BOOL)
		return sp_err_set(
		    err, SP_BAD, "\"safe\" is neither true nor false");
	cert->safe = sp_json_true(sp_json_get(json, "safe"));
	cert->hosts = sp_json_count(hosts);
	if (sp_json_kind(hosts) != SP_JSON_LIST || cert->hosts == 0 ||
	    cert->hosts > SP_CERT_HOSTS)
		return sp_err_set(err, SP_BAD,
		    "\"hosts\" is no list of 1 to %d hosts", SP_CERT_HOSTS);
	for (i = 0; i < cert->hosts && st == SP_OK; i++)
		st = take_host(sp_json_at(hosts, i), &cert->host[i], err);
	cert->joined = lag != NULL;
	if (st == SP_OK && cert->joined)
		st = seconds(lag, "most", 0, LAG, &cert->most, err);
	if (st == SP_OK && cert->joined)
		st = seconds(lag, "usual", 0, cert->most, &cert->usual, err);
	if (st == SP_OK && cert->joined)
		st = seconds(json, "skew", 0, SKEW, &cert->skew, err);
	return st;
}

enum sp_status
sp_certificate_parse(const char *text, size_t len, struct sp_certificate *cert,
    struct sp_err *err)
{
	struct json_t *json = NULL;
	enum sp_status st;

	memset(cert, 0, sizeof *cert);
	if ((st = sp_json_parse(text, len, &json, err)) != SP_OK)
		return st;
	st = take(json, cert, err);
	sp_json_free(json);
	return st;
}

/* ---- what it is worth ---- */

bool
sp_certificate_good(const struct sp_certificate *cert, int64_t now,
    uint64_t magic, char why[160])
{
	int64_t age = now - cert->when;
	size_t i;

	why[0] = '\0';
	/* A day ahead: some host's clock is, and that is no reason. */
	if (age > SP_CERT_DAYS * DAY_MS || age < -DAY_MS) {
		(void)snprintf(why, 160, "it is %s",
		    age < 0 ? "from the future" : "more than 90 days old");
		return false;
	}
	for (i = 0; i < cert->hosts; i++)
		if (cert->host[i].magic == magic)
			return true;
	(void)snprintf(why, 160,
	    "it was made on %s, which is not what this host sees",
	    cert->host[0].type);
	return false;
}

/* `value` is at least `least` afterwards; says so behind what is said. */
static bool
lengthen(const char *what, double *value, double least, char words[200])
{
	size_t used = strlen(words);

	if (!(least > *value))
		return false;
	/* Milliseconds: they are for people too. */
	least = (double)((int64_t)(least * 1000) + 1) / 1000;
	(void)snprintf(words + used, 200 - used, "%s%s %.10g -> %.10g s",
	    used == 0 ? "" : ", ", what, *value, least);
	*value = least;
	return true;
}

bool
sp_certificate_times(const struct sp_certificate *cert,
    struct sp_policy *policy, char words[200])
{
	double skew = cert->skew > TRIFLE ? cert->skew : 0;
	bool any = false;
	double settle;

	words[0] = '\0';
	if (!cert->joined)
		return false;
	any |= lengthen("poll", &policy->poll, cert->usual, words);
	settle =
	    policy->settle > 2 * cert->most ? policy->settle : 2 * cert->most;
	any |= lengthen("settle", &policy->settle, settle + skew, words);
	any |= lengthen(
	    "lease", &policy->lease, 2 * policy->beat + 3 * cert->most, words);
	any |= lengthen("halfRename", &policy->half_rename,
	    policy->half_rename + skew, words);
	return any;
}
