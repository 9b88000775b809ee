/*
 * fuzz_origin.c - whatever comes from an original Worker makes an outcome that
 * can be read back; whatever comes from an original Boss is an order whose ids
 * can stand in a path, or none; whatever our outcome says, what we would post
 * is JSON without a number that is none.  The first byte is the dialect.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/origin.h"
#include "libspool/outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
said(const char *text, size_t size)
{
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_run run = { .cause = SP_CAUSE_OK, .exit_code = -1 };
	struct sp_origin_said s;
	struct json_t *json;
	int status, back = 0;

	sp_id_make(1795374132345, 7, &run.name.id);
	run.name.ticket = 1;
	if (sp_origin_said_read(text, size, &s, NULL) == SP_OK) {
		assert(s.ids <= 3);
		assert(sp_json_parse_loose(s.script.data, s.script.len, &json,
			   NULL, NULL) == SP_OK);
		sp_json_free(json);
		assert(sp_outcome_make(&run, false, s.script.data, s.script.len,
			   NULL, &b, &status) == SP_OK);
		assert(sp_outcome_status(b.data, b.len, &back) == SP_OK);
		assert(back == status);
	}
	sp_origin_said_clear(&s);
	sp_buf_clear(&b);
}

static void
heard(const char *text, size_t size)
{
	char order[SP_ORIGIN_ID_MAX + 1], job[SP_ORIGIN_ID_MAX + 1];

	if (sp_origin_order_read(text, size, order, job, NULL) != SP_OK)
		return;
	assert(sp_origin_id_ok(order) && sp_origin_id_ok(job));
	assert(strchr(job, '/') == NULL && strstr(job, "..") != job);
}

static void
post(int dialect, const char *text, size_t size)
{
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct json_t *json;

	if (sp_origin_outcome_print(text, size, "abc", dialect, &b, NULL) ==
	    SP_OK) {
		assert(sp_json_parse(b.data, b.len, &json, NULL) == SP_OK);
		assert(sp_json_count(json) >= 3 && sp_json_count(json) <= 5);
		sp_json_free(json);
	}
	sp_buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (size == 0)
		return 0;
	said(text, size - 1);
	heard(text, size - 1);
	post(data[0] % 2 + 1, text, size - 1);
	return 0;
}
