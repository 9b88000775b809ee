/*
 * fuzz_name.c - whatever stands in a directory: what parses must print back to
 * the same bytes, and what we make of a foreign text must be one of ours.
 */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/name.h"
#include "libspool/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
name_again(const struct sp_name *name, const char *text)
{
	char again[SP_NAME_MAX];
	struct sp_name back;

	sp_name_print(name, again);
	if (text != NULL)
		assert(strcmp(again, text) == 0);
	assert(strlen(again) < SP_NAME_MAX - 1);
	assert(sp_name_parse(again, &back) == SP_OK);
	assert(sp_name_cmp(name, &back) == 0);
	assert(sp_attempt_same(name, &back));
	assert(back.bundle == name->bundle);
	assert(strcmp(back.label, name->label) == 0);
}

/* All that the table allows leads to names, and to new ones but for commit. */
static void
steps(const struct sp_name *name)
{
	static const char actor[] = "fuzz-00f022";
	struct sp_name to;

	for (int i = 0; i < SP_STEPS * SP_STATES * SP_STATES; i++) {
		enum sp_step step = (enum sp_step)(i / SP_STATES / SP_STATES);
		enum sp_state from = (enum sp_state)(i / SP_STATES % SP_STATES);
		enum sp_state at = (enum sp_state)(i % SP_STATES);

		if (sp_step_name(step, from, at, name, actor, &to) != SP_OK)
			continue;
		name_again(&to, NULL);
		assert(sp_state_owned_is(at) == (to.worker[0] != '\0'));
		assert(to.ticket >= name->ticket);
		assert(to.ticket > name->ticket || step == SP_STEP_CLAIM ||
		    step == SP_STEP_COMMIT);
		assert(
		    (sp_name_cmp(&to, name) == 0) == (step == SP_STEP_COMMIT));
	}
}

static void
names(const char *text)
{
	struct sp_name name, drop;
	bool order = sp_name_parse(text, &name) == SP_OK;
	enum sp_drop kind = sp_drop_kind(text, &drop);

	if (order) {
		assert(sp_id_parse(name.id.text, &name.id) == SP_OK);
		name_again(&name, text);
		steps(&name);
		assert(strchr(text, '/') == NULL && text[0] != '.');
		assert(kind != SP_DROP_IGNORE);
	}
	assert((kind == SP_DROP_ORDER) == (order && name.worker[0] == '\0'));
	if (kind == SP_DROP_ORDER)
		name_again(&drop, text);
}

static void
ids(const char *text)
{
	struct sp_id id, again;
	char day[SP_DAY_LEN + 1];

	if (sp_id_parse(text, &id) != SP_OK)
		return;
	assert(strcmp(id.text, text) == 0);
	sp_id_day(&id, day);
	assert(sp_day_ok(day));
	sp_id_make(sp_id_ms(&id),
	    (uint32_t)strtoul(id.text + SP_ID_LEN - 8, NULL, 16), &again);
	assert(strcmp(again.text, text) == 0);
}

static void
attempts(const char *text)
{
	struct sp_name name, back;
	char again[SP_NAME_MAX];

	if (sp_attempt_parse(text, &name) != SP_OK)
		return;
	assert(sp_worker_ok(name.worker));
	sp_attempt_print(&name, again);
	assert(strcmp(again, text) == 0);
	assert(sp_attempt_parse(again, &back) == SP_OK);
	assert(sp_attempt_same(&name, &back));
	name_again(&name, NULL);
}

static void
made(const char *text, size_t size)
{
	char label[SP_LABEL_MAX + 1], worker[SP_WORKER_MAX + 1];
	struct sp_id id, again;
	struct sp_name name = { .prio = SP_PRIO_USUAL, .ticket = 1 };
	int64_t ms = 0;
	uint32_t bits = (uint32_t)size * 2654435761u;

	sp_label_make(text, label);
	assert(label[0] == '\0' || sp_label_ok(label));
	sp_worker_make(text, bits, worker);
	assert(sp_worker_ok(worker) && sp_worker_kin(worker, worker));
	if (sp_file_ok(text))
		assert(strchr(text, '/') == NULL && text[0] != '.');

	memcpy(&ms, text, size < sizeof ms ? size : sizeof ms);
	sp_id_make(ms, bits, &id);
	assert(sp_id_parse(id.text, &again) == SP_OK);
	if (ms >= 0 && ms < INT64_C(253402300800000))
		assert(sp_id_ms(&id) == ms);

	name.id = id;
	memcpy(name.label, label, sizeof label);
	name_again(&name, NULL);
	memcpy(name.worker, worker, sizeof worker);
	name_again(&name, NULL);
}

/* Two lines that are names stand in one order, by bytes where counts are of
 * one width. */
static void
order(const char *one, const char *two)
{
	struct sp_name a, b;
	int cmp;

	if (sp_name_parse(one, &a) != SP_OK || sp_name_parse(two, &b) != SP_OK)
		return;
	cmp = sp_name_cmp(&a, &b);
	assert((cmp < 0) == (sp_name_cmp(&b, &a) > 0));
	assert((cmp == 0) == (strcmp(one, two) == 0));
	if (a.ticket < 10 && b.ticket < 10 && a.attempt < 10 && b.attempt < 10)
		assert((cmp < 0) == (strcmp(one, two) < 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *next;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	made(text, size);
	if ((next = strchr(text, '\n')) != NULL) {
		*next++ = '\0';
		order(text, next);
	}
	for (char *line = text; line != NULL; line = next, next = NULL) {
		names(line);
		ids(line);
		attempts(line);
	}
	free(text);
	return 0;
}
