/*
 * fuzz_outcome.c - whatever a script reports: the outcome can be read back,
 * with the status that was judged, and makes a row.  The first byte says how
 * the process ended.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/json.h"
#include "libspool/outcome.h"
#include "libspool/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
row(const char *text, size_t len, int status)
{
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_row r = { .state = SP_DONE };
	struct json_t *json;

	sp_id_make(1795374132345, 7, &r.name.id);
	r.name.ticket = 1;
	sp_row_outcome(&r, text, len);
	assert(status < 0 || r.status == status);
	sp_row_print(&r, &b);
	assert(sp_json_parse(b.data, b.len, &json, NULL) == SP_OK);
	assert(sp_json_count(json) == 25);
	sp_json_free(json);
	sp_buf_clear(&b);
}

static void
made(unsigned how, const char *text, size_t size)
{
	struct sp_buf b = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_run run = { .cause = how % SP_CAUSES, .exit_code = 1 };
	enum sp_cause was = run.cause;
	int status, back = 0;

	sp_id_make(1795374132345, 7, &run.name.id);
	run.name.ticket = 1;
	assert(sp_outcome_make(&run, (how & 0x80) != 0, text, size, NULL, &b,
		   &status) == SP_OK);
	assert(b.data[b.len - 1] == '\n');
	assert(memchr(b.data, '\n', b.len) == b.data + b.len - 1);
	assert(sp_outcome_status(b.data, b.len, &back) == SP_OK);
	assert(back == status);
	assert(was == SP_CAUSE_OK || was == run.cause);
	assert(sp_status_good_is(status) == (run.cause == SP_CAUSE_OK));
	row(b.data, b.len, status);
	sp_buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1, *found;
	struct json_t *json;
	size_t len;

	if (size == 0)
		return 0;
	size--;
	made(data[0], text, size);
	row(text, size, -1);
	if ((found = sp_outcome_find(text, size, &len)) != NULL) {
		assert(found >= text && found + len <= text + size);
		assert(memchr(found, '\n', len) == NULL);
		assert(sp_json_parse_loose(found, len, &json, NULL, NULL) ==
		    SP_OK);
		sp_json_free(json);
		made(data[0], found, len);
	}
	return 0;
}
