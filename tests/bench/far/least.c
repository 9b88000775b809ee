/*
 * least.c - the floor of the remote transports: the same orders through the
 * same server and the same link, by no more requests than claiming and
 * committing takes, on one connection for SFTP and as many as there are claims
 * under way for HTTP.
 *
 * A claim over SFTP is a rename and, with it, the listing of assigned/ that
 * tells how many links our name has; a commit is outcomes written and fsynced,
 * renames with a look at each target and the fsyncs of the directories, and a
 * link.  Over HTTP each is one request.  What a worker does besides is not
 * here: listing, judging and reading orders, what they are made of, beats, the
 * work directory, logs; nor is it prepared for anything to go wrong.
 *
 * The bytes go through our own client (sp_fs_many on transport/sftp*.c, and
 * transport/curl.c): the floor is of requests, not of a quicker client.
 */
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libspool/fs.h"
#include "libspool/json.h"
#include "tests/bench/far/far.h"
#include "transport/curl.h"
#include "transport/sftpfs.h"

#define WORKER "floor-000000"
#define GROUP  64

static struct {
	const struct remote *far;
	const struct sp_name *order;
	size_t n;

	/* sftp */
	int root, new, assigned, done, outcomes;
	/* http */
	struct wire *wire;

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t news;
	size_t next; /* to claim */
	size_t *ran; /* run, in this order, */
	size_t ran_n;
	size_t committed;
} l = { .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER };

/* ---- names ---- */

static void
names(size_t i, char free_out[SP_NAME_MAX], char ours_out[SP_NAME_MAX])
{
	struct sp_name own = l.order[i];

	sp_name_print(&own, free_out);
	(void)strcpy(own.worker, WORKER);
	sp_name_print(&own, ours_out);
}

static void
done_name(size_t i, char out[SP_NAME_MAX + 16])
{
	char day[SP_DAY_LEN + 1], unclaimed[SP_NAME_MAX], ours[SP_NAME_MAX];

	names(i, unclaimed, ours);
	sp_id_day(&l.order[i].id, day);
	(void)snprintf(out, SP_NAME_MAX + 16, "%s/%s", day, ours);
}

#define OUTCOME                                                                \
	"{\"status\": 200, \"workerName\": \"" WORKER "\", \"loss\": 0.125,"   \
	" \"metric\": 0.875, \"run\": {\"cause\": \"ok\"}}\n"

/* ---- SFTP ---- */

static void
must(const struct sp_fs_op *ops, size_t n, const char *what)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ops[i].error != 0)
			bench_die("%s: %s: %s", what, ops[i].path,
			    strerror(ops[i].error));
}

static void
claim_sftp(size_t i)
{
	char from[SP_NAME_MAX], to[SP_NAME_MAX];
	struct stat st;
	struct sp_fs_op ops[2] = { { .what = SP_FS_RENAME,
				       .dir = l.new,
				       .path = from,
				       .todir = l.assigned,
				       .to = to },
		{ .what = SP_FS_LINKS,
		    .dir = l.assigned,
		    .path = to,
		    .st = &st } };

	names(i, from, to);
	sp_fs_many(ops, 2);
	must(ops, 2, "claim");
}

struct texts {
	char from[SP_NAME_MAX], to[SP_NAME_MAX], done[SP_NAME_MAX + 16];
	char dot[SP_NAME_MAX + 1], json[SP_NAME_MAX];
	struct stat st;
};

static void
commit_sftp(const size_t *at, size_t n)
{
	struct texts *t = calloc(n, sizeof *t);
	struct sp_fs_op *ops = calloc(2 * n + 2, sizeof *ops);
	char day[SP_DAY_LEN + 1];
	size_t i;

	if (t == NULL || ops == NULL)
		bench_die("no memory");
	for (i = 0; i < n; i++) {
		names(at[i], t[i].from, t[i].to);
		done_name(at[i], t[i].done);
		t[i].dot[0] = '.';
		(void)strcpy(t[i].dot + 1, t[i].to);
		(void)snprintf(t[i].json, sizeof t[i].json, "%s.json",
		    l.order[at[i]].id.text);
		ops[i] = (struct sp_fs_op){ .what = SP_FS_PUT,
			.dir = l.outcomes,
			.path = t[i].dot,
			.data = OUTCOME,
			.len = sizeof OUTCOME - 1,
			.flags = SP_PUT_EXCL | SP_PUT_SYNC };
	}
	ops[n] = (struct sp_fs_op){
		.what = SP_FS_SYNC, .dir = l.outcomes, .path = "."
	};
	sp_fs_many(ops, n + 1);
	must(ops, n + 1, "outcomes");
	for (i = 0; i < n; i++) {
		ops[2 * i] = (struct sp_fs_op){ .what = SP_FS_RENAME,
			.dir = l.assigned,
			.path = t[i].to,
			.todir = l.done,
			.to = t[i].done };
		ops[2 * i + 1] = (struct sp_fs_op){ .what = SP_FS_LSTAT,
			.dir = l.done,
			.path = t[i].done,
			.st = &t[i].st };
	}
	sp_id_day(&l.order[at[0]].id, day);
	ops[2 * n] =
	    (struct sp_fs_op){ .what = SP_FS_SYNC, .dir = l.done, .path = day };
	ops[2 * n + 1] = (struct sp_fs_op){
		.what = SP_FS_SYNC, .dir = l.assigned, .path = "."
	};
	sp_fs_many(ops, 2 * n + 2);
	must(ops, 2 * n + 2, "commit");
	for (i = 0; i < n; i++)
		ops[i] = (struct sp_fs_op){ .what = SP_FS_LINK,
			.dir = l.outcomes,
			.path = t[i].dot,
			.todir = l.outcomes,
			.to = t[i].json };
	sp_fs_many(ops, n);
	must(ops, n, "publish");
	free(t);
	free(ops);
}

static int
dir_at(const char *name)
{
	int fd = sp_fs_open(l.root, name, O_DIRECTORY | O_PATH, 0);

	if (fd == -1)
		bench_die("no %s", name);
	return fd;
}

static void
open_sftp(void)
{
	struct sp_err err = { "" };
	struct stat st;

	if (sftp_reach(l.far->url, &l.root, &err) != SP_OK)
		bench_die("%s: %s", l.far->url, err.text);
	l.new = dir_at("new");
	l.assigned = dir_at("assigned");
	l.done = dir_at("done");
	l.outcomes = dir_at("outcomes");
	(void)sp_fs_lstat(l.root, "new", &st);
}

static void
close_sftp(void)
{
	(void)sp_fs_close(l.new);
	(void)sp_fs_close(l.assigned);
	(void)sp_fs_close(l.done);
	(void)sp_fs_close(l.outcomes);
	(void)sp_fs_close(l.root);
}

/* ---- HTTP ---- */

static void
post(const char *path, const char *body, size_t len)
{
	struct sp_buf text = SP_BUF_INIT(1 << 20);
	struct wire_call call = { .method = "POST",
		.path = path,
		.body = body,
		.len = len,
		.type = "application/json",
		.text = &text };
	struct sp_err err = { "" };

	if (wire_call(l.wire, &call, &err) != SP_OK || call.status != 200)
		bench_die("%s: %d %s%s", path, call.status, err.text,
		    sp_buf_text(&text));
	sp_buf_clear(&text);
}

static void
claim_http(size_t i)
{
	char from[SP_NAME_MAX], to[SP_NAME_MAX], body[2 * SP_NAME_MAX];
	int n;

	names(i, from, to);
	n = snprintf(body, sizeof body,
	    "{\"worker\": \"" WORKER "\", \"name\": \"%s\"}", from);
	post("/v1/claim", body, (size_t)n);
}

static void
commit_http(const size_t *at, size_t n)
{
	struct sp_buf body = SP_BUF_INIT(1 << 20);
	char from[SP_NAME_MAX], to[SP_NAME_MAX];
	struct sp_jw w;
	size_t i;

	sp_jw_init(&w, &body);
	sp_jw_open(&w, NULL, '{');
	sp_jw_open(&w, "ended", '[');
	for (i = 0; i < n; i++) {
		names(at[i], from, to);
		sp_jw_open(&w, NULL, '{');
		sp_jw_text(&w, "name", to);
		sp_jw_text(&w, "text", OUTCOME);
		sp_jw_close(&w, '}');
	}
	sp_jw_close(&w, ']');
	sp_jw_close(&w, '}');
	post("/v1/commit", sp_buf_text(&body), body.len);
	sp_buf_clear(&body);
}

static void
open_http(void)
{
	struct wire_how how = { .url = l.far->url, .agent = "bench" };
	struct sp_err err = { "" };

	if (wire_open(&how, &l.wire, &err) != SP_OK)
		bench_die("%s: %s", l.far->url, err.text);
}

/* ---- threads ---- */

static void
run_true(void)
{
	static char path[] = "/bin/true", *const argv[] = { path, NULL };
	int status;
	pid_t pid;

	if (posix_spawn(&pid, path, NULL, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		bench_die("/bin/true failed");
}

static void *
claimer(void *arg)
{
	size_t i;

	(void)arg;
	for (;;) {
		(void)pthread_mutex_lock(&l.lock);
		i = l.next++;
		(void)pthread_mutex_unlock(&l.lock);
		if (i >= l.n)
			return NULL;
		if (l.far->medium == REMOTE_SFTP)
			claim_sftp(i);
		else
			claim_http(i);
		run_true();
		(void)pthread_mutex_lock(&l.lock);
		l.ran[l.ran_n++] = i;
		(void)pthread_cond_signal(&l.news);
		(void)pthread_mutex_unlock(&l.lock);
	}
}

static void
commit_all(void)
{
	size_t n;

	while (l.committed < l.n) {
		(void)pthread_mutex_lock(&l.lock);
		while (l.ran_n == l.committed)
			(void)pthread_cond_wait(&l.news, &l.lock);
		n = l.ran_n - l.committed;
		(void)pthread_mutex_unlock(&l.lock);
		n = n > GROUP ? GROUP : n;
		if (l.far->medium == REMOTE_SFTP)
			commit_sftp(l.ran + l.committed, n);
		else
			commit_http(l.ran + l.committed, n);
		l.committed += n;
	}
}

double
least_rate(const struct remote *far, const char *spool,
    const struct sp_name *order, size_t n, size_t at_once)
{
	pthread_t thread[64];
	char day[SP_DAY_LEN + 1];
	double begin, took;
	size_t i;

	l.far = far;
	l.order = order;
	l.n = n;
	l.next = l.ran_n = l.committed = 0;
	if ((l.ran = calloc(n, sizeof *l.ran)) == NULL || at_once > 64)
		bench_die("no memory");
	sp_id_day(&order[0].id, day);
	(void)close(bench_dir("%s/done/%s", spool, day));
	if (far->medium == REMOTE_SFTP)
		open_sftp();
	else
		open_http();
	begin = bench_now();
	for (i = 0; i < at_once; i++)
		if (pthread_create(&thread[i], NULL, claimer, NULL) != 0)
			bench_die("no thread");
	commit_all();
	took = bench_now() - begin;
	for (i = 0; i < at_once; i++)
		(void)pthread_join(thread[i], NULL);
	if (far->medium == REMOTE_SFTP)
		close_sftp();
	else
		wire_close(l.wire);
	free(l.ran);
	return (double)n / took;
}
