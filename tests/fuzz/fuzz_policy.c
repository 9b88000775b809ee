/*
 * fuzz_policy.c - any spool.json: it is refused in words, or it is one that a
 * program can live by and that prints back to the same.
 */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
same(const struct sp_policy *a, const struct sp_policy *b)
{
	return a->format == b->format && a->attempts == b->attempts &&
	    memcmp(&a->lease, &b->lease, sizeof a->lease) == 0 &&
	    memcmp(&a->beat, &b->beat, sizeof a->beat) == 0 &&
	    memcmp(&a->settle, &b->settle, sizeof a->settle) == 0 &&
	    memcmp(&a->backoff, &b->backoff, sizeof a->backoff) == 0 &&
	    memcmp(&a->backoff_max, &b->backoff_max, sizeof a->backoff_max) ==
	    0 &&
	    memcmp(&a->half_rename, &b->half_rename, sizeof a->half_rename) ==
	    0 &&
	    memcmp(&a->tmp_age, &b->tmp_age, sizeof a->tmp_age) == 0 &&
	    memcmp(&a->poll, &b->poll, sizeof a->poll) == 0;
}

static void
accepted(const struct sp_policy *policy)
{
	struct sp_buf text = SP_BUF_INIT(4096);
	struct sp_policy again;
	struct sp_id id;
	double last = 0;

	assert(policy->format == SP_FORMAT);
	assert(policy->lease > 0 && policy->beat > 0 && policy->poll > 0);
	assert(policy->beat <= policy->lease / 4);
	assert(policy->attempts >= 1 && policy->settle >= 0);
	assert(policy->backoff >= 0 && policy->backoff_max >= policy->backoff);
	assert(policy->half_rename > 0 && policy->tmp_age >= 1);

	sp_policy_print(policy, &text);
	assert(!text.failed);
	assert(sp_policy_parse(text.data, text.len, &again, NULL) == SP_OK);
	assert(same(policy, &again));
	sp_buf_clear(&text);

	sp_id_make(0, (uint32_t)policy->attempts, &id);
	for (unsigned i = 0; i < 64; i++) {
		double wait = sp_backoff(policy, i, &id);

		assert(wait >= last && wait <= policy->backoff_max * 1.21);
		last = wait;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_policy policy = { .format = 77 };
	struct sp_err err = { 0 };

	switch (sp_policy_parse((const char *)data, size, &policy, &err)) {
	case SP_OK:
		assert(err.text[0] == '\0');
		accepted(&policy);
		break;
	case SP_BAD:
		assert(strncmp(err.text, "spool.json: ", 12) == 0);
		assert(strlen(err.text) > 12 && strlen(err.text) < SP_ERR_MAX);
		assert(policy.format == 77);
		break;
	default:
		abort(); /* neither good nor bad */
	}
	return 0;
}
