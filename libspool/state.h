/*
 * state.h - the state table: which step goes from where to where, and what it
 * does to the name.  Pure.  move.c performs what stands here and nothing else.
 */
#ifndef SP_STATE_H
#define SP_STATE_H

#include <stdbool.h>

#include "libspool/err.h"
#include "libspool/name.h"

enum sp_state {
	SP_NEW,
	SP_WAITING,
	SP_ASSIGNED,
	SP_DONE,
	SP_FAILED,
	SP_STATES
};

enum sp_step {
	SP_STEP_CLAIM,   /* new -> assigned                W, same t and a */
	SP_STEP_COMMIT,  /* assigned -> done|failed        name unchanged */
	SP_STEP_RELEASE, /* assigned -> new|waiting        t+1, a as it is */
	SP_STEP_RETRY,   /* assigned -> new|waiting        t+1, a+1 */
	SP_STEP_HOLD,    /* new -> waiting                 t+1 */
	SP_STEP_PROMOTE, /* waiting -> new                 t+1 */
	SP_STEP_END,     /* new|waiting|assigned -> failed t+1, by ACTOR */
	SP_STEP_SPENT,   /* assigned -> failed             t+1, a+1, by ACTOR */
	SP_STEP_URGE,    /* new -> new, waiting -> waiting t+1, other PP */
	SP_STEPS
};

/* "new", "waiting", ...: the directory's name. */
const char *sp_state_text(enum sp_state state);
bool sp_state_parse(const char *text, enum sp_state *state_out);
/* "claim", "commit", ...: for logs. */
const char *sp_step_text(enum sp_step step);
/* Does a name in this state carry @W?  And is it over? */
bool sp_state_owned_is(enum sp_state state);
bool sp_state_over_is(enum sp_state state);

/* The name that `step` gives to an order now called `from` in state `at`, when
 * `actor` takes it to state `to`.  SP_BAD: no such row in the table, or the
 * name does not fit its state (an @W too many or too few), or the counts are
 * spent. */
enum sp_status
sp_step_name(enum sp_step step, enum sp_state at, enum sp_state to,
    const struct sp_name *from, const char *actor, struct sp_name *to_out);

#endif
