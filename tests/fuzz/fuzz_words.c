/*
 * fuzz_words.c - whatever a job prints last: a cause that words can have, and a
 * line that people can read.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "libspool/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_last last = { .err = (const char *)data, .err_n = size };
	struct sp_words words;
	const char *cut = memchr(data, 0, size);

	/* One part is stderr's, the other one stdout's. */
	if (cut != NULL) {
		last.err_n = (size_t)(cut - last.err);
		last.out = cut + 1;
		last.out_n = size - last.err_n - 1;
		last.gpu = last.out_n % 2 == 1;
	}
	sp_words_read(&last, &words);
	assert(words.cause == SP_CAUSE_EXIT || words.cause == SP_CAUSE_OOM ||
	    words.cause == SP_CAUSE_CUDA_OOM ||
	    words.cause == SP_CAUSE_DISK_FULL ||
	    words.cause == SP_CAUSE_BAD_HOST);
	assert(words.cause == SP_CAUSE_EXIT || words.line[0] != '\0');
	assert(strlen(words.line) < SP_WORDS_LINE);
	assert(strpbrk(words.line, "\r\n\033") == NULL);
	(void)sp_words_way(words.cause, words.line);
	return 0;
}
