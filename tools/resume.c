/*
 * resume.c - spool resume: the wishes of spool drain are taken back, and those
 * who stopped claiming by themselves are asked to claim again.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tools/crew.h"

static enum sp_status
unset_both(struct tool *tool, const char *who, struct sp_err *err)
{
	enum sp_status st;

	st = sp_wish_unset(&tool->spool, who, SP_WISH_NOW, err);
	return st == SP_OK
	    ? sp_wish_unset(&tool->spool, who, SP_WISH_DRAIN, err)
	    : st;
}

/* A whole W, and what is asked of its NAME still holds for it? */
static bool
still_drained(
    struct tool *tool, const char *who, char name_out[SP_WORKER_MAX + 1])
{
	struct sp_names files = { 0 };
	bool is;

	crew_name(who, name_out);
	is = sp_wish_list(&tool->spool, &files, NULL) == SP_OK &&
	    sp_wish_is(&files, who, SP_WISH_DRAIN);
	sp_names_clear(&files);
	return is;
}

static int
resume_one(struct tool *tool, const struct crew *crew, const char *who)
{
	char name[SP_WORKER_MAX + 1];
	struct sp_err err = { "" };
	enum sp_status st;
	size_t i;

	st = unset_both(tool, who, &err);
	for (i = 0; i < crew->n && st == SP_OK; i++) {
		const char *worker = crew->here[i].worker;

		if (!crew_meant_is(who, worker))
			continue;
		st = unset_both(tool, worker, &err);
		if (st == SP_OK)
			st = sp_wish_set(
			    &tool->spool, worker, SP_WISH_RESUME, &err);
		if (st == SP_OK && strcmp(who, worker) == 0 &&
		    still_drained(tool, worker, name)) {
			complain("%s: all workers called %s are drained; "
				 "'spool resume %s' lets them claim",
			    who, name, name);
			return ANSWER_NO;
		}
	}
	if (st != SP_OK)
		return complain_of(st, &err, who);
	(void)printf("%s: claims again\n", who);
	return ANSWER_YES;
}

static int
resume_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	struct sp_names who = { 0 }, files = { 0 };
	char one[SP_WISH_MAX];
	struct crew crew = { 0 };
	struct sp_err err = { "" };
	enum sp_status st;
	enum sp_wish wish;
	bool all = false;
	int c, it, answer = ANSWER_YES;
	size_t i;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'a')
			return usage_wrong();
		all = true;
	}
	if (all == (optind < argc))
		return usage_wrong();
	if ((st = crew_load(tool, &crew, &err)) == SP_OK)
		st = sp_wish_list(&tool->spool, &files, &err);
	for (i = 0; st == SP_OK && all && i < files.n; i++)
		if (sp_wish_parse(sp_names_at(&files, i), one, &wish))
			st = crew_add(&who, one);
	if (st != SP_OK)
		answer = complain_of(st, &err, NULL);
	else
		answer = crew_pick(
		    &crew, &files, all, argc - optind, argv + optind, &who);
	for (i = 0; st == SP_OK && i < who.n; i++) {
		it = resume_one(tool, &crew, sp_names_at(&who, i));
		answer = it > answer ? it : answer;
	}
	sp_names_clear(&files);
	sp_names_clear(&who);
	free(crew.here);
	return answer;
}

const struct verb verb_resume = {
	.name = "resume",
	.usage = "--all | WORKER ...",
	.help = "let drained workers claim again",
	.page = "Also one that has stopped claiming by itself (bad-host).\n\n"
		"  spool resume gpu07\n",
	.run = resume_run,
};
