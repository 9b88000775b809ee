/*
 * start.c - from the submit to the first line of the job's main, an idle worker
 * waiting, against a C program that waits with inotify and posix_spawns.
 *
 * The clock starts before the submit writes its file and stops in the job.
 * One floor writes and renames without a sync, one with the submit's fsync of
 * the file; `cp` (a raw drop, which the worker admits) has the first.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/submit.h"
#include "tests/bench/lib/bench.h"

#define UNIT     "ms"
#define DEADLINE 20000 /* ms until a job must have begun */
#define WARM     5     /* first samples that do not count */

struct latency {
	double p50, p99;
};

enum way {
	WAY_RAW,  /* floor: write, rename */
	WAY_SYNC, /* floor: write, fsync, rename */
	WAY_SUBMIT,
	WAY_CP
};

static int fifo;
static char job[PATH_MAX + 256];

/* ---- one sample ---- */

static struct bench_stamp
await_stamp(void)
{
	struct pollfd p = { .fd = fifo, .events = POLLIN };
	struct bench_stamp stamp;

	if (poll(&p, 1, DEADLINE) != 1 ||
	    read(fifo, &stamp, sizeof stamp) != sizeof stamp)
		bench_die("no job began within %d s", DEADLINE / 1000);
	return stamp;
}

static void
await_outcome(const struct sp_spool *sp, const char *id)
{
	double end = bench_now() + DEADLINE / 1000.0;
	char file[SP_ID_LEN + 8];
	struct stat st;

	(void)snprintf(file, sizeof file, "%s.json", id);
	while (fstatat(sp->dir[SP_DIR_OUTCOMES], file, &st, 0) == -1) {
		if (bench_now() > end)
			bench_die("no outcome of %s", id);
		bench_pause(0.001);
	}
}

static void
hand_in(const struct sp_spool *sp, enum way way, size_t i)
{
	struct sp_submit one = { .text = job, .len = strlen(job), .prio = -1 };
	struct sp_err err = { 0 };
	char name[32];

	(void)snprintf(name, sizeof name, "bench%zu.json", i);
	switch (way) {
	case WAY_SUBMIT:
		if (sp_submit(sp, &one, 1, &err) != SP_OK)
			bench_die("submit: %s", err.text);
		break;
	case WAY_CP:
		bench_write(sp->dir[SP_DIR_NEW], name, job, strlen(job), false);
		break;
	default:
		bench_write(sp->dir[SP_DIR_TMP], name, job, strlen(job),
		    way == WAY_SYNC);
		bench_rename(
		    sp->dir[SP_DIR_TMP], name, sp->dir[SP_DIR_NEW], name);
	}
}

static struct latency
sample(const struct sp_spool *sp, enum way way, size_t n)
{
	struct bench_stamp stamp;
	struct latency out;
	double *value, begin;
	size_t i;

	if ((value = calloc(n + WARM, sizeof *value)) == NULL)
		bench_die("no memory");
	for (i = 0; i < n + WARM; i++) {
		begin = bench_now();
		hand_in(sp, way, i);
		stamp = await_stamp();
		value[i] = ((double)stamp.ns / 1e9 - begin) * 1e3;
		if (way == WAY_SUBMIT || way == WAY_CP)
			await_outcome(sp, stamp.id);
		/* Idle again, and not in step with anybody's timer. */
		bench_pause(0.0005 + sp_dice() % 4000 / 1e6);
	}
	out.p50 = bench_percentile(value + WARM, n, 0.50);
	out.p99 = bench_percentile(value + WARM, n, 0.99);
	free(value);
	return out;
}

/* ---- the two sides ---- */

static struct latency
floor_of(enum way way, size_t n)
{
	struct sp_spool place = { 0 };
	char path[BENCH_PATH];
	struct latency out;
	char new[BENCH_PATH + 8], stamp[PATH_MAX];
	pid_t pid;

	bench_program("bench/stamp", stamp);
	bench_fresh("start-floor", path);
	(void)close(bench_dir("%s", path));
	(void)snprintf(new, sizeof new, "%s/new", path);
	pid = bench_floor_server(new, (const char *[]){ stamp, job, NULL });
	place.dir[SP_DIR_NEW] = bench_dir("%s", new);
	place.dir[SP_DIR_TMP] = bench_dir("%s/tmp", path);
	bench_settle(place.dir[SP_DIR_NEW]);
	out = sample(&place, way, n);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(place.dir[SP_DIR_NEW]);
	(void)close(place.dir[SP_DIR_TMP]);
	return out;
}

static struct latency
ours_of(enum way way, bool daemon, size_t n)
{
	char path[BENCH_PATH], stamp[PATH_MAX], script[BENCH_PATH + 16];
	pid_t worker, spoold = 0;
	struct latency out;
	struct sp_spool sp;

	bench_fresh("start-ours", path);
	bench_spool(path, &sp);
	bench_program("bench/stamp", stamp);
	(void)snprintf(script, sizeof script, "%s/scripts/stamp", path);
	bench_copy(stamp, script);
	if (daemon) {
		spoold = bench_spoold(path);
		bench_await_beat(path, "spoold");
	}
	worker = bench_worker(path, "2", NULL);
	bench_await_beat(path, "bench");
	bench_settle(sp.root);
	out = sample(&sp, way, n);
	bench_stop(worker, "workerd");
	if (daemon)
		bench_stop(spoold, "spoold");
	sp_spool_close(&sp);
	return out;
}

static void
row(const char *what, const char *against, struct latency ours,
    struct latency before, struct latency after)
{
	char text[128];

	(void)snprintf(text, sizeof text, "start p50, %s : %s", what, against);
	bench_row(text, UNIT, ours.p50, before.p50, after.p50);
	(void)snprintf(text, sizeof text, "start p99, %s : %s", what, against);
	bench_row(text, UNIT, ours.p99, before.p99, after.p99);
}

int
main(int argc, char **argv)
{
	struct latency raw[4], sync[2], ours;
	char cwd[PATH_MAX - 16];
	size_t i, n;

	bench_begin(argc, argv);
	n = bench_many(200);
	if (getcwd(cwd, sizeof cwd) == NULL || mkfifo("fifo", 0600) == -1 ||
	    (fifo = open("fifo", O_RDWR | O_CLOEXEC)) == -1)
		bench_die("cannot make a FIFO");
	(void)snprintf(job, sizeof job,
	    "{\"scriptName\": \"stamp\", \"stamp\":\"%s/fifo\"}", cwd);

	for (i = 0; bench_round(i); i++) {
		raw[0] = floor_of(WAY_RAW, n);
		sync[0] = floor_of(WAY_SYNC, n);
		ours = ours_of(WAY_SUBMIT, false, n);
		sync[1] = floor_of(WAY_SYNC, n);
		raw[1] = floor_of(WAY_RAW, n);
		row("submit", "inotify + posix_spawn", ours, raw[0], raw[1]);
		row("submit", "the same, fsync of the file", ours, sync[0],
		    sync[1]);

		ours = ours_of(WAY_CP, false, n);
		raw[2] = floor_of(WAY_RAW, n);
		row("cp", "inotify + posix_spawn", ours, raw[1], raw[2]);

		ours = ours_of(WAY_SUBMIT, true, n);
		raw[3] = floor_of(WAY_RAW, n);
		row("submit, with spoold", "inotify + posix_spawn", ours,
		    raw[2], raw[3]);
	}
	return 0;
}
