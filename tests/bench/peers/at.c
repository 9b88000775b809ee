/*
 * at.c - at and batch, of which it can only be said why they are not measured.
 */
#include <stddef.h>

#include "tests/bench/peers/peers.h"

static const char *
why(int form)
{
	(void)form;
	return "atd starts all that is due at once, of batch one job a minute,"
	       " has its directory compiled in, and mails what was printed";
}

const struct peer_kind peer_at = { NULL, why, NULL, NULL, NULL, NULL };
