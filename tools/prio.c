/*
 * prio.c - spool prio: another priority for orders that do not run yet.  It is
 * in their names, so that is one rename.
 */
#include <string.h>

#include "libspool/move.h"
#include "tools/spool.h"

#define TRIES 20

static long wanted;

static int
prio_one(struct tool *tool, const struct sp_id *id)
{
	const struct sp_spool *spool = &tool->spool;
	struct sp_err err = { "" };
	struct sp_name name, now;
	enum sp_state state;
	enum sp_status st = SP_LOST;
	int i;

	for (i = 0; i < TRIES && st == SP_LOST; i++) {
		sp_err_clear(&err);
		st = see_find(spool, id, &state, &name, &err);
		if (st != SP_OK)
			break;
		if (state != SP_NEW && state != SP_WAITING) {
			complain("%s %s; what is started has its place",
			    id->text,
			    state == SP_ASSIGNED ? "runs already"
						 : "is over already");
			return ANSWER_NO;
		}
		if (name.bundle)
			st = sp_err_set(&err, SP_BAD,
			    "is a bundle; its lines have priorities of their "
			    "own");
		else if (name.prio != wanted)
			st = sp_move_urge(
			    spool, state, &name, (int)wanted, &now, &err);
	}
	if (st == SP_OK && name.prio != wanted)
		st = sp_move_sync(spool, id, state, SP_STATES, &err);
	if (st == SP_LOST)
		st = sp_err_set(&err, SP_RETRY, "keeps moving");
	if (st == SP_OK)
		(void)printf("%s has priority %ld\n", id->text, wanted);
	return complain_of(st, &err, id->text);
}

static int
prio_run(struct tool *tool, int argc, char **argv)
{
	if (argc < 3)
		return usage_wrong();
	if (!number_parse(argv[1], 0, SP_PRIO_MAX, &wanted)) {
		complain("'%s' is no priority: give 0 (first) to 99 (last), "
			 "before the IDs",
		    argv[1]);
		return ANSWER_WRONG;
	}
	argv[1] = argv[0];
	return pick_each(tool, argc - 1, argv + 1,
	    SEE_STATE(SP_NEW) | SEE_STATE(SP_WAITING), prio_one);
}

const struct verb verb_prio = {
	.name = "prio",
	.usage = "N ID ... | N --where EXPR | N --group G",
	.help = "another priority for orders that do not run yet",
	.page = "N is 0 (first) to 99 (last); 50 is usual.  Exit 1 if one has "
		"been started.  '-' reads\nIDs from standard input; --where "
		"and --group mean those in new/ and waiting/\n('spool ls "
		"--help').\n\n"
		"  spool prio 10 wine-3\n"
		"  spool prio 90 --where 'project=beer and order.gpus>0'\n",
	.files = SPOOL_FILES,
	.run = prio_run,
};
