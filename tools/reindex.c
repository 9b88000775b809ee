/*
 * reindex.c - spool reindex: make the index anew from the directories.
 */
#include <getopt.h>

#include "index/index.h"
#include "tools/spool.h"

#define WAIT_MS 60000

static int
reindex_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = { { NULL, 0, NULL, 0 } };
	struct sp_err err = { "" };
	enum sp_status st;
	bool by_spoold = false;

	if (getopt_long(argc, argv, "", longs, NULL) != -1 || optind != argc)
		return usage_wrong();
	st = index_rebuild(&tool->spool, WAIT_MS, &by_spoold, &err);
	if (st != SP_OK)
		return complain_of(st, &err, "");
	(void)puts(by_spoold ? "index made anew by spoold" : "index made anew");
	return ANSWER_YES;
}

const struct verb verb_reindex = {
	.name = "reindex",
	.usage = "",
	.help = "make the index anew from the directories",
	.page =
	    "The index is a copy for speed; everything in it comes from the "
	    "directories, and\n'rm -r index' harms nothing.  A running "
	    "spoold is asked to do it.\n\n"
	    "  spool reindex && spool ls --json > all.jsonl\n",
	.files = SPOOL_FILES,
	.run = reindex_run,
};
