/*
 * fuzz_beat.c - whatever stands in workers/: what parses prints to the same
 * again, and all names in it are ours.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "libspool/beat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST (1 << 22)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_buf one = SP_BUF_INIT(MOST), two = SP_BUF_INIT(MOST);
	struct sp_err err = { "" };
	struct sp_beat beat, back;
	struct sp_name name;
	size_t i;

	if (sp_beat_parse((const char *)data, size, &beat, &err) == SP_OK) {
		assert(sp_worker_ok(beat.worker) && beat.count >= 0);
		for (i = 0; i < beat.running_n; i++)
			assert(sp_name_parse(beat.running[i], &name) == SP_OK);
		sp_beat_print(&beat, &one);
		assert(sp_beat_parse(one.data, one.len, &back, &err) == SP_OK);
		sp_beat_print(&back, &two);
		assert(!one.failed && one.len == two.len &&
		    memcmp(one.data, two.data, one.len) == 0);
		sp_beat_clear(&back);
	} else {
		assert(err.text[0] != '\0');
	}
	sp_beat_clear(&beat);
	sp_buf_clear(&one);
	sp_buf_clear(&two);
	return 0;
}
