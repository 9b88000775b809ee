/*
 * beatlook.c - the member "looked" of a beat: which orders a worker looked at
 * and declined, and why.  Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "libspool/beat.h"
#include "libspool/json.h"

void
sp_beat_looked_print(struct sp_jw *w, const struct sp_beat *beat)
{
	char when[25];
	size_t i;

	if (beat->looked.when == 0)
		return;
	sp_time_print(beat->looked.when, when);
	sp_jw_open(w, "looked", '{');
	sp_jw_text(w, "when", when);
	sp_jw_int(w, "orders", beat->looked.orders);
	sp_jw_open(w, "declined", '[');
	for (i = 0; i < beat->looked.n; i++) {
		sp_jw_open(w, NULL, '{');
		sp_jw_text(w, "id", beat->looked.declined[i].id.text);
		sp_jw_text(w, "why", beat->looked.declined[i].why);
		sp_jw_close(w, '}');
	}
	sp_jw_close(w, ']');
	sp_jw_close(w, '}');
}

/* What is not as we would write it is left out. */
enum sp_status
sp_beat_looked_take(
    const struct json_t *looked, struct sp_beat *beat, struct sp_err *err)
{
	const struct json_t *list = sp_json_get(looked, "declined"), *one;
	const char *when = sp_json_text(sp_json_get(looked, "when"));
	struct sp_beat_decline *d;
	const char *id, *why;
	size_t i, n;

	if (when == NULL || !sp_time_parse(when, &beat->looked.when))
		return SP_OK;
	beat->looked.orders = sp_json_int(sp_json_get(looked, "orders"), 0);
	n = sp_json_kind(list) == SP_JSON_LIST ? sp_json_count(list) : 0;
	if (n == 0)
		return SP_OK;
	if (n > SP_DECLINES)
		n = SP_DECLINES;
	beat->looked.declined = calloc(n, sizeof *beat->looked.declined);
	if (beat->looked.declined == NULL)
		return sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; i < n; i++) {
		one = sp_json_at(list, i);
		id = sp_json_text(sp_json_get(one, "id"));
		why = sp_json_text(sp_json_get(one, "why"));
		d = &beat->looked.declined[beat->looked.n];
		if (id == NULL || why == NULL ||
		    sp_id_parse(id, &d->id) != SP_OK)
			continue;
		sp_text_cut(d->why, sizeof d->why, why);
		beat->looked.n++;
	}
	return SP_OK;
}
