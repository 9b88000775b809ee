/*
 * init.c - spool init: make a spool, or the parts of one that are missing.
 */
#include <getopt.h>
#include <unistd.h>

#include "tools/spool.h"
#include "transport/reach.h"

static int
init_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = { { NULL, 0, NULL, 0 } };
	struct sp_err err = { "" };
	enum sp_status st;
	const char *where;
	bool was;

	if (getopt_long(argc, argv, "", longs, NULL) != -1 || argc - optind > 1)
		return usage_wrong();
	where = optind < argc     ? argv[optind]
	    : tool->where != NULL ? tool->where
				  : "spool";

	st = tr_spool_open(where, "spool", &tool->spool, NULL);
	was = st == SP_OK;
	if (was)
		sp_spool_close(&tool->spool);
	/* also for an old one: what is missing is made, nothing is changed */
	if ((st = tr_spool_make(where, &err)) == SP_OK)
		st = tr_spool_open(where, "spool", &tool->spool, &err);
	if (st != SP_OK)
		return complain_of(st == SP_GONE ? SP_BAD : st, &err, NULL);
	tool->open = true;
	(void)printf(was ? "%s is a spool already\n" : "%s is a spool now\n",
	    tool->spool.path);
	return ANSWER_YES;
}

const struct verb verb_init = {
	.name = "init",
	.usage = "[DIR]",
	.help = "make a spool",
	.page =
	    "DIR is $SPOOL_DIR, else ./spool, when it is not said.  A spool "
	    "that is there\nalready keeps all it has.  Put scripts into "
	    "DIR/scripts, data into DIR/data.\n\n"
	    "  spool init /srv/spool && export SPOOL_DIR=/srv/spool\n",
	.bare = true,
	.files = SPOOL_FILES,
	.run = init_run,
};
