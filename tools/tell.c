/*
 * tell.c - spool tell: what has come of the runs of a sweep, a line for each
 * that is over, as they end.  Asked again it tells all again, so who drives a
 * sweep has nothing to write down.  telline.c makes the lines.
 */
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "libspool/find.h"
#include "libspool/fs.h"
#include "tools/pick.h"
#include "tools/tell.h"

#define PAUSE_FIRST 20
#define PAUSE_MOST  500
#define PAUSE_FAR   2000

struct tell {
	struct tool *tool;
	struct tell_how how;
	char sweep[SP_SWEEP_LEN + 1];
	bool now, follow;
	bool told[SP_SWEEP_MOST + 1]; /* by the number of the id */
	size_t runs, over;
	int inotify; /* -1: none */
};

/* One run: SP_OK, it is over and told; SP_LOST: not over. */
static enum sp_status
one(struct tell *t, const struct sp_id *id, unsigned number, struct sp_err *err)
{
	struct sp_buf line = SP_BUF_INIT(4 * SP_OUTCOME_MAX);
	enum sp_status st;

	st = tell_line(t->tool, &t->how, id, number, &line, err);
	if (st == SP_OK && line.failed)
		st = sp_err_set(err, SP_RETRY, "no memory");
	if (st == SP_OK) {
		(void)fwrite(sp_buf_text(&line), 1, line.len, stdout);
		(void)putchar('\n');
		(void)fflush(stdout);
		t->told[number] = true;
		t->over++;
	}
	sp_buf_clear(&line);
	return st;
}

static enum sp_status
look(struct tell *t, struct sp_err *err)
{
	struct sp_id *ids = NULL;
	enum sp_status st;
	unsigned number = 0;
	size_t i;

	st = pick_runs(t->tool, t->sweep, false, &ids, &t->runs, err);
	for (i = 0; st == SP_OK && i < t->runs; i++) {
		(void)sp_sweep_has(t->sweep, &ids[i], &number);
		if (!t->told[number])
			st = one(t, &ids[i], number, err);
		if (st == SP_LOST)
			st = SP_OK;
		if (ferror(stdout))
			break;
	}
	free(ids);
	return st;
}

/* An event is a hint to look. */
static void
watch(struct tell *t)
{
	const struct sp_spool *sp = &t->tool->spool;
	char path[PATH_MAX + 16];

	t->inotify = -1;
	if (!sp->local)
		return;
	t->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	(void)snprintf(path, sizeof path, "%s/outcomes", sp->path);
	if (t->inotify != -1)
		(void)inotify_add_watch(
		    t->inotify, path, IN_MOVED_TO | IN_CREATE | IN_ONLYDIR);
}

/* Our reader may have gone: then nobody wants to know. */
static bool
nap(struct tell *t, int64_t ms)
{
	struct pollfd ready[2] = { { .fd = STDOUT_FILENO },
		{ .fd = t->inotify, .events = POLLIN } };
	char text[16 * 1024];

	(void)poll(ready, 2, (int)ms);
	if (t->inotify != -1)
		while (read(t->inotify, text, sizeof text) > 0)
			;
	return (ready[0].revents & (POLLERR | POLLHUP)) == 0;
}

static int
loop(struct tell *t)
{
	bool far = sp_fs_far(t->tool->spool.root);
	int64_t pause = PAUSE_FIRST, began, cost;
	struct sp_err err = { "" };
	enum sp_status st;
	size_t over;

	for (;;) {
		began = sp_mono_ms();
		over = t->over;
		st = look(t, &err);
		if (st != SP_OK && !waits_out(&t->tool->spool, st, &err))
			return complain_of(st, &err, t->sweep);
		if (t->now || ferror(stdout) ||
		    (!t->follow && st == SP_OK && t->over == t->runs &&
			t->runs > 0))
			return ANSWER_YES;
		if (!t->follow && st == SP_OK && t->runs == 0) {
			complain("no run of sweep %s in this spool", t->sweep);
			return ANSWER_NO;
		}
		cost = sp_mono_ms() - began;
		pause = t->over > over ? PAUSE_FIRST : pause * 3 / 2;
		if (pause > (far ? PAUSE_FAR : PAUSE_MOST))
			pause = far ? PAUSE_FAR : PAUSE_MOST;
		if (!nap(t, pause + 4 * cost))
			return ANSWER_YES;
	}
}

static int
tell_run(struct tool *tool, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ "metric", required_argument, NULL, 'm' },
		{ "now", no_argument, NULL, 'n' },
		{ "steps", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	static struct tell t; /* 64 KiB */
	int c;

	t.tool = tool;
	while ((c = getopt_long(argc, argv, "f", longs, NULL)) != -1) {
		if (c == 'f')
			t.follow = true;
		else if (c == 'm')
			t.how.metric = optarg;
		else if (c == 'n')
			t.now = true;
		else if (c == 's')
			t.how.steps = true;
		else
			return usage_wrong();
	}
	if (optind + 1 != argc || (t.now && t.follow))
		return usage_wrong();
	if (t.how.steps && t.how.metric == NULL) {
		complain("--steps: say of which --metric");
		return ANSWER_WRONG;
	}
	if (t.how.metric != NULL && strlen(t.how.metric) > SP_METRIC_KEY) {
		complain(
		    "--metric: a name has at most %d bytes", SP_METRIC_KEY);
		return ANSWER_WRONG;
	}
	if (!sp_sweep_ok(argv[optind])) {
		complain("'%s' is no sweep: its name is as "
			 "20261122T190212345-9f3c",
		    argv[optind]);
		return ANSWER_WRONG;
	}
	(void)strcpy(t.sweep, argv[optind]);
	watch(&t);
	c = loop(&t);
	if (t.inotify != -1)
		(void)close(t.inotify);
	return c;
}

const struct verb verb_tell = {
	.name = "tell",
	.usage = "[--follow | --now] [--metric M [--steps]] SWEEP",
	.help = "tell what came of a sweep's runs, as they end",
	.page =
	    "A line for each run that is over, as JSON, until all are.  Told "
	    "again from the\nbeginning whenever it is asked: a driver that was "
	    "started anew needs no notes.\n\n"
	    "  > {\"trial\":0,\"id\":\"...\",\"state\":\"complete\",\"status\":"
	    "200,\n     \"parameters\":{...},\"value\":0.25,\"best\":0.25,"
	    "\"outcome\":{...}}\n\n"
	    "state is complete, pruned or fail; value is what the outcome says "
	    "of the metric, else\nthe last that its metrics say; best is their "
	    "best.\n\n"
	    "  --metric M   the metric that counts\n"
	    "  --steps      and steps: its values, as [[step, value], ...]\n"
	    "  --now        those that are over now, and end\n"
	    "  --follow     wait for runs that are asked for later, too\n\n"
	    "  spool tell --metric loss $S | jq -s 'min_by(.value)'\n",
	.files = SPOOL_FILES,
	.run = tell_run,
};
