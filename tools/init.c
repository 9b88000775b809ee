/*
 * init.c - spool init: make a spool, or the parts of one that are missing.
 */
#include <getopt.h>
#include <unistd.h>

#include "libspool/fs.h"
#include "libspool/incoming.h"
#include "tools/spool.h"
#include "transport/reach.h"

static int
init_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "shared", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct sp_err err = { "" };
	enum sp_status st;
	const char *where;
	bool was, shared = false;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) == 's')
		shared = true;
	if (c != -1 || argc - optind > 1)
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
	if (shared && sp_fs_far(tool->spool.root))
		return complain_of(SP_BAD, NULL,
		    "--shared: incoming/ is made where the spool lies");
	if (shared &&
	    (st = sp_incoming_make(tool->spool.root, &err)) == SP_OK &&
	    (st = sp_incoming_look(tool->spool.root, &err)) != SP_OK)
		return complain_of(st, &err, NULL);
	if (st != SP_OK)
		return complain_of(st, &err, NULL);
	(void)printf(was ? "%s is a spool already\n" : "%s is a spool now\n",
	    tool->spool.path);
	return ANSWER_YES;
}

const struct verb verb_init = {
	.name = "init",
	.usage = "[--shared] [DIR]",
	.help = "make a spool",
	.page =
	    "DIR is $SPOOL_DIR, else ./spool, when it is not said.  A spool "
	    "that is there\nalready keeps all it has.  Put scripts into "
	    "DIR/scripts, data into DIR/data.\n\n"
	    "  --shared   also DIR/incoming, for users who may not write to "
	    "the spool: they drop\n             jobs there, and find what "
	    "became of them in DIR/answers/UID\n\n"
	    "  spool init /srv/spool && export SPOOL_DIR=/srv/spool\n",
	.bare = true,
	.files = SPOOL_FILES,
	.run = init_run,
};
