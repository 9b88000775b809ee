/*
 * drain.c - spool drain and resume: wishes in drain/ (libspool/wish.h), which
 * workers heed at their next beat.  By NAME they are also for the workers that
 * are yet to come; by W for one alone.
 */
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/beat.h"
#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/job.h"
#include "libspool/wish.h"
#include "tools/spool.h"

#define LOOK_LEAST 50 /* ms, between looks of --wait; doubled each time */
#define LOOK_MOST  1000

/* ---- who is here ---- */

struct here {
	char worker[SP_WORKER_MAX + 1];
	bool drained;
};

struct crew {
	struct here *here;
	size_t n;
};

static void
name_of(const char *worker, char name_out[SP_WORKER_MAX + 1])
{
	(void)snprintf(name_out, SP_WORKER_MAX + 1, "%.*s",
	    (int)(strrchr(worker, '-') - worker), worker);
}

/* Is it W, or the NAME of W? */
static bool
meant_is(const char *who, const char *worker)
{
	char name[SP_WORKER_MAX + 1];

	name_of(worker, name);
	return strcmp(who, worker) == 0 || strcmp(who, name) == 0;
}

/* What a silent one holds is looked for in assigned/. */
static enum sp_status
crew_load(struct tool *tool, struct crew *crew, struct sp_err *err)
{
	struct fleet fleet;
	enum sp_status st;
	size_t i;

	free(crew->here);
	crew->here = NULL;
	crew->n = 0;
	st = fleet_read(tool, &fleet, err);
	if (st == SP_OK &&
	    (crew->here = calloc(fleet.n + 1, sizeof *crew->here)) == NULL)
		st = sp_err_set(err, SP_RETRY, "no memory");
	for (i = 0; st == SP_OK && i < fleet.n; i++) {
		const struct sp_beat *beat = &fleet.one[i].beat;

		if (!fleet_works_is(&fleet, &fleet.one[i]))
			continue;
		(void)snprintf(crew->here[crew->n].worker,
		    sizeof crew->here->worker, "%s", beat->worker);
		crew->here[crew->n++].drained =
		    strcmp(beat->state, "drained") == 0;
	}
	fleet_clear(&fleet);
	return st;
}

/* ---- who is meant ---- */

/* A whole W, a NAME, or any part that only one W has; or (`known`) what drain/
 * speaks of though nobody is here. */
static int
pick_worker(const struct crew *crew, const struct sp_names *known,
    const char *word, char who_out[SP_WORKER_MAX + 1])
{
	char who[SP_WISH_MAX];
	size_t i, found = 0, at = 0;
	enum sp_wish wish;

	for (i = 0; i < crew->n; i++)
		if (meant_is(word, crew->here[i].worker)) {
			(void)snprintf(who_out, SP_WORKER_MAX + 1, "%s", word);
			return ANSWER_YES;
		}
	for (i = 0; known != NULL && i < known->n; i++)
		if (sp_wish_parse(sp_names_at(known, i), who, &wish) &&
		    strcmp(who, word) == 0) {
			(void)snprintf(who_out, SP_WORKER_MAX + 1, "%s", word);
			return ANSWER_YES;
		}
	for (i = 0; i < crew->n && word[0] != '\0'; i++)
		if (strstr(crew->here[i].worker, word) != NULL) {
			at = i;
			found++;
		}
	if (found == 1) {
		(void)snprintf(
		    who_out, SP_WORKER_MAX + 1, "%s", crew->here[at].worker);
		return ANSWER_YES;
	}
	if (found == 0) {
		complain(
		    "no worker '%s' is here; 'spool workers' lists them", word);
		return ANSWER_NO;
	}
	complain("'%s' is more than one worker:", word);
	for (i = 0; i < crew->n; i++)
		if (strstr(crew->here[i].worker, word) != NULL)
			(void)fprintf(stderr, "  %s\n", crew->here[i].worker);
	return ANSWER_WRONG;
}

/* Unless it is there already. */
static enum sp_status
add(struct sp_names *names, const char *who)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (strcmp(sp_names_at(names, i), who) == 0)
			return SP_OK;
	return sp_names_add(names, who);
}

/* Each of argv, or the NAMEs of all. */
static int
pick_workers(const struct crew *crew, const struct sp_names *known, bool all,
    int argc, char **argv, struct sp_names *who_out)
{
	char who[SP_WORKER_MAX + 1];
	int i, it, answer = ANSWER_YES;
	size_t k;

	for (k = 0; all && k < crew->n; k++) {
		name_of(crew->here[k].worker, who);
		if (add(who_out, who) != SP_OK)
			return complain_of(SP_RETRY, NULL, "no memory");
	}
	for (i = 0; i < argc; i++) {
		it = pick_worker(crew, known, argv[i], who);
		if (it == ANSWER_YES && add(who_out, who) != SP_OK)
			it = complain_of(SP_RETRY, NULL, "no memory");
		if (it > answer)
			answer = it;
	}
	sp_names_sort(who_out);
	return answer;
}

/* ---- drain ---- */

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
	busy->is = meant_is(busy->who, name->worker);
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
			    meant_is(sp_names_at(who, i), crew->here[k].worker))
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
	    pick_workers(&crew, NULL, all, argc - optind, argv + optind, &who);
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

/* ---- resume ---- */

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

	name_of(who, name_out);
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

		if (!meant_is(who, worker))
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
			st = add(&who, one);
	if (st != SP_OK)
		answer = complain_of(st, &err, NULL);
	else
		answer = pick_workers(
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
				if (meant_is(who, crew.here[k].worker))
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

const struct verb verb_resume = {
	.name = "resume",
	.usage = "--all | WORKER ...",
	.help = "let drained workers claim again",
	.page = "Also one that has stopped claiming by itself (bad-host).\n\n"
		"  spool resume gpu07\n",
	.run = resume_run,
};
