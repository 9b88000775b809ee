/*
 * pins.c - what an order was made of at its first attempt, as text and back:
 * runs/DAY/ID/pins.json (spool(5), RUNS).  Pure.
 */
#include <string.h>

#include "libspool/json.h"
#include "libspool/pins.h"

static void
put(struct sp_jw *w, const char *key, const char *hex)
{
	if (hex[0] != '\0')
		sp_jw_text(w, key, hex);
}

void
sp_pins_print(const struct sp_pins *p, struct sp_buf *text_out)
{
	struct sp_jw w;

	sp_jw_init(&w, text_out);
	sp_jw_open(&w, NULL, '{');
	put(&w, "scriptSha256", p->script);
	put(&w, "dataSha256", p->data);
	put(&w, "codeSha256", p->code);
	sp_jw_close(&w, '}');
	sp_buf_puts(text_out, "\n");
}

/* One that is no hash makes all of it worthless. */
static bool
take(const struct json_t *json, const char *key, char out[])
{
	const struct json_t *value = sp_json_get(json, key);
	const char *text = sp_json_text(value);

	if (value == NULL)
		return true;
	if (text == NULL || !sp_sha_ok(text))
		return false;
	(void)strcpy(out, text);
	return true;
}

bool
sp_pins_parse(const char *text, size_t len, struct sp_pins *p_out)
{
	struct json_t *json;
	struct sp_pins p = { .script = "" };
	bool ok;

	if (sp_json_parse(text, len, &json, NULL) != SP_OK)
		return false;
	ok = take(json, "scriptSha256", p.script) &&
	    take(json, "dataSha256", p.data) &&
	    take(json, "codeSha256", p.code) && p.script[0] != '\0';
	sp_json_free(json);
	if (ok)
		*p_out = p;
	return ok;
}
