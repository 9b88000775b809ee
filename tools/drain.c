/*
 * at their next beat.  By NAME they are also for the workers that are yet to
 * come; by W for one alone.  resume.c takes them back.
 */
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/find.h"
#include "libspool/job.h"
#include "tools/crew.h"

#define LOOK_LEAST 50 /* ms, between looks of --wait; doubled each time */
#define LOOK_MOST  1000

static int
drain_one(struct tool *tool, const char *who, bool now)
{
	struct sp_err err = { "" };
	enum sp_status st;

	st = sp_wish_set(&tool->spool, who, SP_WISH_DRAIN, &err);
	if (st == SP_OK && now)
		st = sp_wish_set(&tool->spool, who, SP_WISH_NOW, &err);
	if (st != SP_OK)
		return complain_of(st, &err, who);
	(void)printf("%s: no more claims%s\n", who,
	    now ? "; what runs is stopped and goes back" : "");
	return ANSWER_YES;
}

struct busy {
	const char *who;
	bool is;
};

static int
busy_one(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct busy *busy = arg;

	(void)state;
	busy->is = crew_meant_is(busy->who, name->worker);
	return busy->is;
}

/* Does nothing run there any more, and will nothing? */
static enum sp_status
drained(struct tool *tool, struct crew *crew, const struct sp_names *who,
    bool *yes_out, struct sp_err *err)
{
	struct busy busy = { .is = false };
	enum sp_status st;
	size_t i, k;

	*yes_out = false;
	if ((st = crew_load(tool, crew, err)) != SP_OK)
		return st;
	for (i = 0; i < who->n; i++)
		for (k = 0; k < crew->n; k++)
			if (!crew->here[k].drained &&
			    crew_meant_is(
				sp_names_at(who, i), crew->here[k].worker))
				return SP_OK;
	for (i = 0; i < who->n && st == SP_OK && !busy.is; i++) {
		busy.who = sp_names_at(who, i);
		st = sp_walk(
		    &tool->spool, SP_ASSIGNED, busy_one, NULL, &busy, err);
	}
	*yes_out = st == SP_OK && !busy.is;
	return st;
}

static int
drain_wait(struct tool *tool, struct crew *crew, const struct sp_names *who,
    double seconds)
{
	int64_t until = sp_mono_ms() + (int64_t)(seconds * 1000);
	struct sp_err err = { "" };
	enum sp_status st;
	int ms = LOOK_LEAST;
	bool yes;

	for (;;) {
		sp_err_clear(&err);
		st = drained(tool, crew, who, &yes, &err);
		if (st != SP_OK && st != SP_RETRY)
			return complain_of(st, &err, NULL);
		if (st == SP_OK && yes)
			return ANSWER_YES;
		if (seconds >= 0 && sp_mono_ms() >= until) {
			complain("something still runs there");
			return ANSWER_LATER;
		}
		(void)poll(NULL, 0, ms);
		ms = ms * 2 > LOOK_MOST ? LOOK_MOST : ms * 2;
	}
}

static int
drain_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "now", no_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 't' },
		{ "wait", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	bool all = false, now = false, wait = false;
	struct sp_names who = { 0 };
	struct crew crew = { 0 };
	struct sp_err err = { "" };
	double seconds = -1;
	enum sp_status st;
	int c, it, answer;
	size_t i;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		all = all || c == 'a';
		now = now || c == 'n';
		wait = wait || c == 'w';
		if (c == '?')
			return usage_wrong();
		if (c == 't' &&
		    (!sp_seconds_parse(optarg, &seconds) || seconds < 0)) {
			complain("--timeout %s: give seconds, or 15m, 2h, 1d",
			    optarg);
			return ANSWER_WRONG;
		}
	}
	if (all == (optind < argc))
		return usage_wrong();
	if (seconds >= 0 && !wait) {
		complain("--timeout is for --wait: say both, or neither");
		return ANSWER_WRONG;
	}
	if ((st = crew_load(tool, &crew, &err)) != SP_OK)
		return complain_of(st, &err, NULL);
	answer =
	    crew_pick(&crew, NULL, all, argc - optind, argv + optind, &who);
	if (all && who.n == 0) {
		complain("no worker is here");
		answer = ANSWER_NO;
	}
	for (i = 0; i < who.n; i++)
		if ((it = drain_one(tool, sp_names_at(&who, i), now)) > answer)
			answer = it;
	if (wait && who.n > 0 &&
	    (it = drain_wait(tool, &crew, &who, seconds)) > answer)
		answer = it;
	sp_names_clear(&who);
	free(crew.here);
	return answer;
}

/* ---- for spool workers ---- */

void
drain_absent(struct tool *tool)
{
	struct sp_names files = { 0 };
	struct crew crew = { 0 };
	char who[SP_WISH_MAX];
	enum sp_wish wish;
	size_t i, k;

	if (sp_wish_list(&tool->spool, &files, NULL) == SP_OK && files.n > 0 &&
	    crew_load(tool, &crew, NULL) == SP_OK)
		for (i = 0; i < files.n; i++) {
			if (!sp_wish_parse(
				sp_names_at(&files, i), who, &wish) ||
			    wish != SP_WISH_DRAIN)
				continue;
			for (k = 0; k < crew.n; k++)
				if (crew_meant_is(who, crew.here[k].worker))
					break;
			if (k == crew.n)
				(void)fprintf(stderr,
				    "%s is drained, and not here\n", who);
		}
	sp_names_clear(&files);
	free(crew.here);
}

const struct verb verb_drain = {
	.name = "drain",
	.usage = "[--now] [--wait [--timeout TIME]] --all | WORKER ...",
	.help = "let workers claim nothing more",
	.page =
	    "What runs may end; the worker stays, and 'spool resume' lets it "
	    "claim again.  WORKER\nis a name: all workers of that name, also "
	    "those that are started later; or a name\nwith its nonce, or any "
	    "part that only one has: that one.\n\n"
	    "  --now      stop what runs too; it is given back, not counted\n"
	    "  --wait     until nothing runs there any more\n"
	    "  --timeout  TIME at most: seconds, or 15m, 2h, 1d\n"
	    "  --all      every name that is here\n\n"
	    "  spool drain --wait gpu07 && ssh gpu07 sudo reboot\n",
	.run = drain_run,
};
