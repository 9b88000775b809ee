/*
 * ours.c - Spool: a worker that waits on an empty spool; jobs come by `spool
 * submit` of one file, by the library one at a time, or by cp.  An outcome is
 * recorded when its name is in outcomes/, which is after all its fsyncs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libspool/policy.h"
#include "libspool/submit.h"
#include "tests/bench/peers/peers.h"

#define SPOOL    "spool"
#define DEADLINE 60.0
#define WARMING  200 /* jobs, at most, until one has run warm */

static char program[PATH_MAX];
static int form, watch;
static struct sp_spool spool;
static const char *job;
static pid_t worker;
static size_t given;

static const char lax[] = "{\"format\": 1, \"durable\": false}\n";

static const char *
why(int how)
{
	struct sp_policy policy;
	struct sp_err err = { 0 };

	if (how == OURS_LAX &&
	    sp_policy_parse(lax, strlen(lax), &policy, &err) != SP_OK)
		return "spool.json has no \"durable\" yet";
	return NULL;
}

static void
script(const char *from, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, SPOOL "/scripts/%s", name);
	bench_copy(from, path);
}

static void
policy(const char *text)
{
	(void)unlinkat(spool.root, "spool.json", 0);
	bench_write(spool.root, "spool.json", text, strlen(text), true);
}

/* Did any job of ours run in a fork of a warm interpreter? */
static bool
warm_is(void)
{
	return system("grep -q '\"warm\": *true' " SPOOL "/outcomes/2*.json"
		      " 2>/dev/null") == 0;
}

/* What workerd says, it does into a file, which bench_worker knows nothing of.
 */
static void
start_worker(const char *const more[])
{
	int log = open("worker.log", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	int said = dup(STDERR_FILENO);

	if (log == -1 || said == -1 || dup2(log, STDERR_FILENO) == -1)
		bench_die("no worker.log");
	worker = bench_worker_with(SPOOL, "2", more);
	(void)dup2(said, STDERR_FILENO);
	(void)close(said);
	(void)close(log);
}

static void submit(size_t n);
static void await(size_t n);

static void
begin(enum peer_work work, int how)
{
	const char *const cold[] = { "--cold", NULL };
	const char *const warm[] = { "--python", "/usr/bin/python3", "--warm",
		"json", NULL };
	size_t i;

	form = how;
	job = peer_job(work);
	bench_program("spool", program);
	bench_spool(SPOOL, &spool);
	if (form == OURS_LAX)
		policy(lax);
	script(peer_argv(work)[work == PEER_PYTHON],
	    work == PEER_PYTHON     ? "true.py"
		: work == PEER_TRUE ? "true"
				    : "stamp");
	if ((watch = inotify_init1(IN_CLOEXEC)) == -1 ||
	    inotify_add_watch(
		watch, SPOOL "/outcomes", IN_CREATE | IN_MOVED_TO) == -1)
		bench_die("cannot watch");
	start_worker(form == OURS_WARM ? warm : cold);
	bench_await_beat(SPOOL, "bench");
	for (i = 0; form == OURS_WARM && !warm_is(); i++) {
		if (i == WARMING)
			bench_die("no job runs warm");
		submit(1);
		await(1);
	}
	bench_settle(spool.root);
}

static void
submit_each(size_t n)
{
	struct sp_submit one = { .text = job, .len = strlen(job), .prio = -1 };
	struct sp_err err = { 0 };

	for (; n > 0; n--)
		if (sp_submit(&spool, &one, 1, &err) != SP_OK)
			bench_die("submit: %s", err.text);
}

/* A file of n jobs, written once: to truncate and write one anew makes ext4
 * allocate its blocks at the close, which would be part of each sample. */
static const char *
jobs(size_t n)
{
	static char name[32];
	struct stat st;
	FILE *f;

	(void)snprintf(name, sizeof name, "jobs%zu.jsonl", n);
	if (stat(name, &st) == 0)
		return name;
	if ((f = fopen(name, "w")) == NULL)
		bench_die("cannot write %s", name);
	for (; n > 0; n--)
		(void)fputs(job, f);
	if (fclose(f) != 0)
		bench_die("cannot write %s", name);
	return name;
}

static void
submit_cp(void)
{
	char to[64];

	(void)snprintf(to, sizeof to, SPOOL "/new/job%zu.json", given);
	peer_call((const char *[]){ "/bin/cp", jobs(1), to, NULL });
}

static void
submit(size_t n)
{
	given += n;
	if (form == OURS_EACH)
		submit_each(n);
	else if (form == OURS_CP)
		submit_cp();
	else
		peer_call((const char *[]){
		    program, "-s", SPOOL, "submit", jobs(n), NULL });
}

/* Names that do not begin with a dot are outcomes; each comes once. */
static void
await(size_t n)
{
	char events[65536] __attribute__((aligned(8)));
	const struct inotify_event *e;
	ssize_t len;
	char *at;

	while (n > 0) {
		len = read(watch, events, sizeof events);
		if (len <= 0)
			bench_die("cannot watch outcomes/");
		for (at = events; at < events + len; at += sizeof *e + e->len) {
			e = (const struct inotify_event *)(void *)at;
			n -= n > 0 && e->len > 0 && e->name[0] == '2';
		}
		/* Not woken for each one. */
		if (n > PEER_SLOTS)
			bench_pause(0.002);
	}
}

static void
end(void)
{
	size_t found = bench_count(SPOOL "/outcomes");

	if (found != given)
		bench_die("%zu jobs left %zu outcomes", given, found);
	if (bench_count(SPOOL "/failed") != 0)
		bench_die("jobs failed");
	bench_stop(worker, "workerd");
	sp_spool_close(&spool);
}

const struct peer_kind peer_ours = { NULL, why, begin, submit, await, end };
