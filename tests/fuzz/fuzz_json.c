/*
 * fuzz_json.c - whatever parses is printed to something that parses to the
 * same again; what is loose becomes strict; and a text set as a member comes
 * back.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST (1 << 22)

static void
again(const struct json_t *json)
{
	struct sp_buf one = SP_BUF_INIT(MOST), two = SP_BUF_INIT(MOST);
	struct sp_err err = { "" };
	struct json_t *back;

	sp_json_put(&one, json);
	assert(!one.failed);
	assert(memchr(one.data, '\n', one.len) == NULL);
	assert(sp_json_parse(one.data, one.len, &back, &err) == SP_OK);
	sp_json_put(&two, back);
	assert(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	/* no proper prefix is whole */
	sp_json_free(back);
	assert(sp_json_parse(one.data, one.len - 1, &back, NULL) == SP_BAD);
	sp_buf_clear(&one);
	sp_buf_clear(&two);
}

static void
set(const char *text)
{
	struct sp_buf b = SP_BUF_INIT(MOST);
	struct sp_err err = { "" };
	struct json_t *json, *back;

	assert(sp_json_parse("{\"a\":{\"l\":[1]}}", 15, &json, NULL) == SP_OK);
	if (sp_json_set(json, "a.l.1", text, &err) == SP_OK) {
		sp_json_put(&b, json);
		/* it may nest too deeply here, but it is never garbage */
		if (sp_json_parse(b.data, b.len, &back, &err) != SP_OK)
			assert(strstr(err.text, "nested too") != NULL);
		sp_json_free(back);
	}
	sp_err_clear(&err);
	(void)sp_json_set(json, text, "1", &err);
	sp_json_free(json);
	sp_buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_buf odd = SP_BUF_INIT(4096), b = SP_BUF_INIT(MOST);
	struct sp_err err = { "" };
	const char *text = (const char *)data;
	struct json_t *json;
	bool strict;
	char *copy, time[25];
	int64_t ms, ms2;

	strict = sp_json_parse(text, size, &json, &err) == SP_OK;
	assert(strict == (err.text[0] == '\0'));
	assert(strict == (json != NULL));
	if (strict)
		again(json);
	sp_json_free(json);
	sp_err_clear(&err);
	if (sp_json_parse_loose(text, size, &json, &odd, &err) == SP_OK) {
		assert(strict == (odd.len == 0 && !odd.failed));
		again(json);
	} else {
		assert(!strict && err.text[0] != '\0');
	}
	sp_json_free(json);
	sp_buf_clear(&odd);

	if ((copy = malloc(size + 1)) == NULL)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	set(copy);
	sp_buf_puts(&b, "{\"t\":");
	sp_json_put_text(&b, copy);
	sp_buf_puts(&b, "}");
	assert(sp_json_parse(b.data, b.len, &json, NULL) == SP_OK);
	sp_json_free(json);
	if (sp_time_parse(copy, &ms) && ms >= -62135596800000 &&
	    ms <= 253402300799999) {
		sp_time_print(ms, time);
		assert(sp_time_parse(time, &ms2) && ms2 == ms);
	}
	sp_buf_clear(&b);
	free(copy);
	return 0;
}
