/*
 * state.c - the state table, and the names that follow from it.  Pure.
 * Renames are made in move.c, and only those that stand in this table.
 */
#include <string.h>

#include "libspool/state.h"

enum who {
	KEEP, /* the name's W, if any, stays */
	ACTOR,
	NOBODY
};

static const struct row {
	enum sp_step step;
	enum sp_state from;
	enum sp_state to;
	unsigned ticket;  /* added */
	unsigned attempt; /* added */
	enum who who;     /* stands behind the @ afterwards */
} table[] = {
	{ SP_STEP_CLAIM, SP_NEW, SP_ASSIGNED, 0, 0, ACTOR },
	{ SP_STEP_COMMIT, SP_ASSIGNED, SP_DONE, 0, 0, KEEP },
	{ SP_STEP_COMMIT, SP_ASSIGNED, SP_FAILED, 0, 0, KEEP },
	{ SP_STEP_RELEASE, SP_ASSIGNED, SP_NEW, 1, 0, NOBODY },
	{ SP_STEP_RELEASE, SP_ASSIGNED, SP_WAITING, 1, 0, NOBODY },
	{ SP_STEP_RETRY, SP_ASSIGNED, SP_NEW, 1, 1, NOBODY },
	{ SP_STEP_RETRY, SP_ASSIGNED, SP_WAITING, 1, 1, NOBODY },
	{ SP_STEP_HOLD, SP_NEW, SP_WAITING, 1, 0, NOBODY },
	{ SP_STEP_PROMOTE, SP_WAITING, SP_NEW, 1, 0, NOBODY },
	{ SP_STEP_END, SP_NEW, SP_FAILED, 1, 0, ACTOR },
	{ SP_STEP_END, SP_WAITING, SP_FAILED, 1, 0, ACTOR },
	{ SP_STEP_END, SP_ASSIGNED, SP_FAILED, 1, 0, ACTOR },
	{ SP_STEP_SPENT, SP_ASSIGNED, SP_FAILED, 1, 1, ACTOR },
	/* The priority is the caller's to set, before or after. */
	{ SP_STEP_URGE, SP_NEW, SP_NEW, 1, 0, NOBODY },
	{ SP_STEP_URGE, SP_WAITING, SP_WAITING, 1, 0, NOBODY },
};

static const struct {
	const char *text;
	bool owned;
	bool over;
} states[SP_STATES] = {
	[SP_NEW] = { "new", false, false },
	[SP_WAITING] = { "waiting", false, false },
	[SP_ASSIGNED] = { "assigned", true, false },
	[SP_DONE] = { "done", true, true },
	[SP_FAILED] = { "failed", true, true },
};

const char *
sp_state_text(enum sp_state state)
{
	return (unsigned)state < SP_STATES ? states[state].text : "unknown";
}

bool
sp_state_parse(const char *text, enum sp_state *state_out)
{
	for (int i = 0; i < SP_STATES; i++) {
		if (strcmp(states[i].text, text) == 0) {
			*state_out = (enum sp_state)i;
			return true;
		}
	}
	return false;
}

const char *
sp_step_text(enum sp_step step)
{
	static const char *const text[SP_STEPS] = { [SP_STEP_CLAIM] = "claim",
		[SP_STEP_COMMIT] = "commit",
		[SP_STEP_RELEASE] = "release",
		[SP_STEP_RETRY] = "retry",
		[SP_STEP_HOLD] = "hold",
		[SP_STEP_PROMOTE] = "promote",
		[SP_STEP_END] = "end",
		[SP_STEP_SPENT] = "spent",
		[SP_STEP_URGE] = "urge" };

	return (unsigned)step < SP_STEPS ? text[step] : "unknown";
}

bool
sp_state_owned_is(enum sp_state state)
{
	return (unsigned)state < SP_STATES && states[state].owned;
}

bool
sp_state_over_is(enum sp_state state)
{
	return (unsigned)state < SP_STATES && states[state].over;
}

static const struct row *
row_get(enum sp_step step, enum sp_state from, enum sp_state to)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		const struct row *row = &table[i];

		if (row->step == step && row->from == from && row->to == to)
			return row;
	}
	return NULL;
}

enum sp_status
sp_step_name(enum sp_step step, enum sp_state at, enum sp_state to,
    const struct sp_name *from, const char *actor, struct sp_name *to_out)
{
	const struct row *row = row_get(step, at, to);
	struct sp_name name = *from;

	if (row == NULL)
		return SP_BAD;
	if (sp_state_owned_is(at) != (from->worker[0] != '\0'))
		return SP_BAD;
	if (from->ticket > SP_COUNT_MAX - row->ticket ||
	    from->attempt > SP_COUNT_MAX - row->attempt)
		return SP_BAD;

	name.ticket += row->ticket;
	name.attempt += row->attempt;
	switch (row->who) {
	case KEEP:
		break;
	case NOBODY:
		name.worker[0] = '\0';
		break;
	case ACTOR:
		if (actor == NULL || !sp_worker_ok(actor))
			return SP_BAD;
		memcpy(name.worker, actor, strlen(actor) + 1);
		break;
	}
	*to_out = name;
	return SP_OK;
}
