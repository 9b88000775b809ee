/*
 * fuzz_where.c - any expression of any order: up to the first newline the one,
 * behind it the other.  What is read says the same twice, and its contrary the
 * contrary.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/where.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct asked {
	const struct sp_where *where;
	struct json_t *json;
};

static void
worth(void *arg, size_t i, struct sp_value *value_out)
{
	struct asked *asked = arg;

	assert(i < sp_where_fields(asked->where));
	sp_value_json(sp_json_get(asked->json, sp_where_field(asked->where, i)),
	    value_out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nl = memchr(data, '\n', size);
	size_t len = nl == NULL ? size : (size_t)(nl - data);
	char *text = malloc(len + 7);
	struct asked asked = { 0 };
	struct sp_where *where, *contrary;
	bool is;

	assert(text != NULL);
	memcpy(text, "not (", 5);
	memcpy(text + 5, data, len);
	text[5 + len] = '\0';
	if (nl != NULL)
		(void)sp_json_parse(
		    (const char *)nl + 1, size - len - 1, &asked.json, NULL);
	if (sp_where_parse(text + 5, &where, NULL) == SP_OK) {
		asked.where = where;
		is = sp_where_is(where, worth, &asked);
		len = strlen(text + 5);
		memcpy(text + 5 + len, ")", 2);
		if (sp_where_parse(text, &contrary, NULL) == SP_OK) {
			asked.where = contrary;
			assert(sp_where_is(contrary, worth, &asked) != is);
			sp_where_free(contrary);
		}
		sp_where_free(where);
	}
	sp_json_free(asked.json);
	free(text);
	return 0;
}
