/*
 * tally.c - counts of how attempts began, by script.  What follows from them is
 * streak.c's business.  Pure.
 */
#include <stdio.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/tally.h"

void
sp_tally_key(const struct sp_job *job, char key_out[SP_TALLY_KEY])
{
	(void)snprintf(key_out, SP_TALLY_KEY, "%.60s%s%.12s", job->script,
	    job->script_sha[0] != '\0' ? "@" : "", job->script_sha);
}

void
sp_tally_add(struct sp_tally *t, const char *key, bool good)
{
	struct sp_tally_row row = { .good = 0 };
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->row[i].script, key) == 0)
			break;
	if (i < t->n)
		row = t->row[i];
	else {
		(void)snprintf(row.script, sizeof row.script, "%s", key);
		if (t->n < SP_TALLY_ROWS)
			t->n++;
		else
			i--; /* the one that was not seen for longest goes */
	}
	(void)memmove(t->row + 1, t->row, i * sizeof *t->row);
	*(good ? &row.good : &row.bad) += 1;
	*(good ? &t->good : &t->bad) += 1;
	t->row[0] = row;
}

void
sp_tally_sum(const struct sp_tally *t, struct sp_tally_row *rows, size_t n)
{
	size_t i, k;

	for (i = 0; i < t->n; i++)
		for (k = 0; k < n; k++)
			if (strcmp(t->row[i].script, rows[k].script) == 0) {
				rows[k].good += t->row[i].good;
				rows[k].bad += t->row[i].bad;
			}
}

void
sp_tally_print(struct sp_jw *w, const struct sp_tally *t)
{
	size_t i;

	sp_jw_int(w, "good", t->good);
	sp_jw_int(w, "bad", t->bad);
	sp_jw_open(w, "scripts", '[');
	for (i = 0; i < t->n; i++) {
		sp_jw_open(w, NULL, '{');
		sp_jw_text(w, "script", t->row[i].script);
		sp_jw_int(w, "good", t->row[i].good);
		sp_jw_int(w, "bad", t->row[i].bad);
		sp_jw_close(w, '}');
	}
	sp_jw_close(w, ']');
}

/* Bounded, so that sums of many stay sums. */
static int64_t
count(const struct json_t *json, const char *key)
{
	int64_t n = sp_json_int(sp_json_get(json, key), 0);

	return n < 0 || n > INT64_C(1) << 40 ? 0 : n;
}

void
sp_tally_read(const struct json_t *json, struct sp_tally *t)
{
	const struct json_t *list = sp_json_get(json, "scripts"), *item;
	const char *script;
	size_t i, n = sp_json_count(list);

	*t = (struct sp_tally){ .good = count(json, "good"),
		.bad = count(json, "bad") };
	if (sp_json_kind(list) != SP_JSON_LIST)
		return;
	for (i = 0; i < n && t->n < SP_TALLY_ROWS; i++) {
		item = sp_json_at(list, i);
		script = sp_json_text(sp_json_get(item, "script"));
		if (script == NULL || *script == '\0' ||
		    strlen(script) >= SP_TALLY_KEY)
			continue;
		t->row[t->n].good = count(item, "good");
		t->row[t->n].bad = count(item, "bad");
		(void)strcpy(t->row[t->n++].script, script);
	}
}
