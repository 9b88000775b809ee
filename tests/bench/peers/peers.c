/*
 * peers.c - Spool and what its users would pick instead, each between two runs
 * of one floor in C, with 2 jobs at once.  Prints lines for tests/bench/peers/
 * run, which makes the tables:
 *
 *	KIND <tab> ROW <tab> UNIT <tab> VALUE <tab> FLOOR BEFORE <tab> AFTER
 *	command | skip | failed <tab> KIND <tab> ROW <tab> TEXT
 *
 * Each measurement runs in a process of its own; we are the reaper of all that
 * it leaves (servers that made themselves daemons too), and end it.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/peers/peers.h"

#define DEADLINE 120   /* seconds for one measurement */
#define STARTED  20000 /* ms until a job must have begun */
#define WARM     5     /* first samples that do not count */
#define ROUNDS   5

static const struct kind {
	const char *name, *unit;
	size_t floor_n;
	double seconds; /* no round begins later */
} kinds[] = {
	{ "noop", "jobs/s", 600, 130 },
	{ "python", "jobs/s", 80, 110 },
	{ "start", "ms", 200, 110 },
};

/* Of a rate only the first. */
struct figures {
	double value, p99;
};

static int fifo;
static sigset_t heard; /* blocked, and heard while a measurement runs */

/* ---- floors ---- */

static double
sample_one(void (*submit)(size_t), void (*await)(size_t))
{
	struct pollfd p = { .fd = fifo, .events = POLLIN };
	struct bench_stamp said;
	double begin = bench_now();

	submit(1);
	if (poll(&p, 1, STARTED) != 1 ||
	    read(fifo, &said, sizeof said) != sizeof said)
		bench_die("no job began");
	if (await != NULL)
		await(1);
	return ((double)said.ns / 1e9 - begin) * 1e3;
}

static struct figures
sample(size_t n, void (*submit)(size_t), void (*await)(size_t))
{
	struct figures out;
	double *value;
	size_t i;

	if ((value = calloc(n + WARM, sizeof *value)) == NULL)
		bench_die("no memory");
	for (i = 0; i < n + WARM; i++) {
		value[i] = sample_one(submit, await);
		/* Idle again, and not in step with anybody's timer. */
		bench_pause(0.0005 + (double)(random() % 4000) / 1e6);
	}
	out.value = bench_percentile(value + WARM, n, 0.50);
	out.p99 = bench_percentile(value + WARM, n, 0.99);
	free(value);
	return out;
}

static int floor_tmp, floor_new;

static void
floor_submit(size_t n)
{
	const char *job = peer_job(PEER_START);

	(void)n;
	bench_write(floor_tmp, "job.json", job, strlen(job), false);
	bench_rename(floor_tmp, "job.json", floor_new, "job.json");
}

static struct figures
floor_of(enum peer_work work)
{
	size_t n = bench_many(kinds[work].floor_n);
	struct figures out = { 0 };
	pid_t server;

	if (work != PEER_START) {
		out.value = bench_floor_rate(peer_argv(work), PEER_SLOTS, n);
		return out;
	}
	floor_tmp = bench_dir("tmp");
	server = bench_floor_server("new", peer_argv(work));
	floor_new = bench_dir("new");
	bench_settle(floor_new);
	out = sample(n, floor_submit, NULL);
	(void)kill(server, SIGKILL);
	return out;
}

/* ---- one measurement ---- */

static struct figures
peer_of(const struct peer_row *row)
{
	size_t n = bench_many(row->n);
	struct figures out = { 0 };
	double begin;
	int here;

	row->kind->begin(row->work, row->form);
	here = bench_dir(".");
	bench_settle(here);
	if (row->work == PEER_START) {
		out = sample(n, row->kind->submit, row->kind->await);
	} else {
		begin = bench_now();
		row->kind->submit(n);
		row->kind->await(n);
		out.value = (double)n / (bench_now() - begin);
	}
	row->kind->end();
	return out;
}

/* Whatever has become ours since its parents ended. */
static void
end_all(void)
{
	char path[64];
	FILE *f;
	int pid;

	do {
		(void)snprintf(path, sizeof path, "/proc/self/task/%d/children",
		    (int)getpid());
		if ((f = fopen(path, "r")) == NULL)
			bench_die(
			    "no %s: what peers leave could not be ended", path);
		while (fscanf(f, "%d", &pid) == 1)
			(void)kill(pid, SIGKILL);
		(void)fclose(f);
	} while (waitpid(-1, NULL, 0) > 0);
}

/* Wait for it, or for who wants us to end: then nobody is left behind. */
static int
await_child(pid_t pid)
{
	int sig, status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (sigwait(&heard, &sig) == 0 && sig != SIGCHLD) {
			end_all();
			exit(1);
		}
	}
	return status;
}

/* In a process and a directory of its own; row NULL: the floor.  False: it
 * failed, and has said why on stderr. */
static bool
measure(const struct peer_row *row, enum peer_work work,
    struct figures *figures_out)
{
	pid_t us = getpid(), pid;
	char dir[BENCH_PATH];
	int ends[2], status;
	struct figures out;
	bool ok;

	bench_fresh(row != NULL ? row->name : "floor", dir);
	if (pipe2(ends, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		bench_die("cannot fork");
	if (pid == 0) {
		(void)sigprocmask(SIG_UNBLOCK, &heard, NULL);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != us)
			_exit(1);
		(void)close(bench_dir("%s", dir));
		/* What jobs print is no line of ours. */
		if (chdir(dir) == -1 || freopen("said", "w", stdout) == NULL)
			bench_die("no %s", dir);
		(void)alarm(DEADLINE);
		out = row != NULL ? peer_of(row) : floor_of(work);
		_exit(write(ends[1], &out, sizeof out) != sizeof out);
	}
	(void)close(ends[1]);
	status = await_child(pid);
	ok = status == 0 &&
	    read(ends[0], figures_out, sizeof *figures_out) ==
		(ssize_t)sizeof *figures_out;
	(void)close(ends[0]);
	end_all();
	if (row != NULL && !ok && WIFSIGNALED(status))
		(void)fprintf(stderr, "%s: ended by signal %d\n", row->row,
		    WTERMSIG(status));
	return ok;
}

static void
floor_get(enum peer_work work, struct figures *out)
{
	if (!measure(NULL, work, out))
		bench_die("the floor of %s failed", kinds[work].name);
}

/* ---- tables ---- */

/* $BENCH_ONLY: names of tables and of peers; of neither: all of them. */
static bool
chosen(const struct peer_row *row)
{
	const char *only = getenv("BENCH_ONLY");
	bool peers = false, tables = false, peer = false, table = false;
	char copy[512], *word, *rest = copy;
	size_t i;

	(void)snprintf(copy, sizeof copy, "%s", only != NULL ? only : "");
	while ((word = strsep(&rest, " ")) != NULL) {
		for (i = 0; i < PEER_WORKS; i++)
			tables |= strcmp(word, kinds[i].name) == 0;
		for (i = 0; i < peer_rows_n; i++)
			peers |= strcmp(word, peer_rows[i].name) == 0;
		table |= strcmp(word, kinds[row->work].name) == 0;
		peer |= strcmp(word, row->name) == 0;
	}
	return (table || !tables) && (peer || !peers);
}

static void
say(const char *what, const struct peer_row *row, const char *text)
{
	(void)printf(
	    "%s\t%s\t%s\t%s\n", what, kinds[row->work].name, row->row, text);
}

static void
print(const struct peer_row *row, const struct figures *is,
    const struct figures *before, const struct figures *after)
{
	const struct kind *kind = &kinds[row->work];
	const char *p50 = row->work == PEER_START ? ", p50" : "";

	(void)printf("%s\t%s%s\t%s\t%.6g\t%.6g\t%.6g\n", kind->name, row->row,
	    p50, kind->unit, is->value, before->value, after->value);
	if (*p50 != '\0')
		(void)printf("%s\t%s, p99\t%s\t%.6g\t%.6g\t%.6g\n", kind->name,
		    row->row, kind->unit, is->p99, before->p99, after->p99);
}

static void
table(enum peer_work work, bool *off)
{
	struct figures before, after, is;
	double begin = bench_now();
	size_t i, round;

	for (round = 0; round < ROUNDS; round++) {
		if (round > 0 &&
		    (bench_quick() ||
			bench_now() - begin > kinds[work].seconds))
			break;
		before.value = 0;
		for (i = 0; i < peer_rows_n; i++) {
			if (peer_rows[i].work != work || off[i])
				continue;
			if (before.value == 0)
				floor_get(work, &before);
			if (!measure(&peer_rows[i], work, &is)) {
				say("failed", &peer_rows[i], "see above");
				off[i] = true;
				continue;
			}
			floor_get(work, &after);
			print(&peer_rows[i], &is, &before, &after);
			before = after;
		}
	}
}

static void
lay(void)
{
	static const char text[] =
	    "import json, sys\n"
	    "job = json.loads(sys.argv[1])\n"
	    "print(json.dumps({\"loss\": job[\"learningRate\"]}))\n";
	char cwd[PATH_MAX - 16];
	int dir = bench_dir(".");

	if (getcwd(cwd, sizeof cwd) == NULL || mkfifo("fifo", 0600) == -1 ||
	    (fifo = open("fifo", O_RDWR | O_CLOEXEC)) == -1)
		bench_die("cannot make a FIFO");
	bench_write(dir, "script.py", text, strlen(text), false);
	(void)close(dir);
	peer_jobs_set(cwd, "fifo");
}

int
main(int argc, char **argv)
{
	const char *why;
	bool *off;
	size_t i;

	bench_begin(argc, argv);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1 ||
	    (off = calloc(peer_rows_n, sizeof *off)) == NULL)
		bench_die("no reaper");
	lay();
	for (i = 0; i < peer_rows_n; i++) {
		if ((off[i] = !chosen(&peer_rows[i])))
			continue;
		say("command", &peer_rows[i], peer_rows[i].command);
		if ((why = peer_missing(&peer_rows[i])) != NULL) {
			off[i] = true;
			say("skip", &peer_rows[i], why);
		}
	}
	(void)sigemptyset(&heard);
	(void)sigaddset(&heard, SIGCHLD);
	(void)sigaddset(&heard, SIGTERM);
	(void)sigaddset(&heard, SIGINT);
	(void)sigaddset(&heard, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &heard, NULL);
	for (i = 0; i < PEER_WORKS; i++)
		table((enum peer_work)i, off);
	free(off);
	return 0;
}
