/*
 * test_fs.c - the protocol over far handles: a spool in memory, with the
 * manners of several servers, and with links that break at each request.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/file.h"
#include "libspool/find.h"
#include "libspool/finish.h"
#include "libspool/fs.h"
#include "libspool/keep.h"
#include "libspool/move.h"
#include "libspool/outcome.h"
#include "libspool/submit.h"
#include "tests/unit/memfs.h"
#include "tests/unit/memspool.h"
#include "tests/unit/suites.h"

static struct memfs *server;

static void
make(void)
{
	server = memspool_new();
}

static void
unmake(void)
{
	memfs_free(server);
}

static void
join(struct sp_spool *sp, const char *base, unsigned manners)
{
	struct sp_err err = { "" };

	ck_assert_msg(sp_spool_open_at(memfs_client(server, manners), "mem",
			  base, sp, &err) == SP_OK,
	    "%s", err.text);
}

static void
outcome(const struct sp_name *claimed, struct sp_buf *text)
{
	ck_assert_int_eq(
	    sp_outcome_end(claimed, "host", 1, 200, "", text), SP_OK);
}

/* ---- the protocol ---- */

static const unsigned manners[] = { 0, MEMFS_NO_MANY,
	MEMFS_SECONDS | MEMFS_NO_LINKS,
	MEMFS_SECONDS | MEMFS_NO_LINKS | MEMFS_NO_REPLACE,
	MEMFS_BY_LINK | MEMFS_SECONDS | MEMFS_NO_LINKS | MEMFS_NO_REPLACE };

START_TEST(whole_way)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX),
		      job = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_err err = { "" };
	struct sp_spool a, b;
	struct sp_name name, mine, theirs;
	struct sp_ended ended;
	int status;

	join(&a, "a", manners[_i]);
	join(&b, "b", 0);
	name = memspool_order(&a);
	ck_assert_msg(
	    sp_claim(&a, &name, &mine, &job, &err) == SP_OK, "%s", err.text);
	ck_assert_str_eq(job.data, "{\"scriptName\": \"a.py\"}");
	ck_assert_int_eq(sp_claim(&b, &name, &theirs, &job, &err), SP_LOST);
	outcome(&mine, &text);
	ended = (struct sp_ended){
		.name = mine, .text = text.data, .len = text.len, .good = true
	};
	sp_commit(&a, &ended, 1, &err);
	ck_assert_msg(ended.status == SP_OK, "%s", err.text);
	ck_assert_int_eq(sp_find_status(&b, &name.id, &status, &err), SP_OK);
	ck_assert_int_eq(status, 200);
	sp_buf_clear(&text);
	sp_buf_clear(&job);
	sp_spool_close(&a);
	sp_spool_close(&b);
}
END_TEST

/* Whichever request the link breaks at, done or not: asked again, all comes
 * right, once. */
START_TEST(cut_commit)
{
	struct sp_buf text = SP_BUF_INIT(SP_OUTCOME_MAX),
		      job = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_names left = { 0 };
	struct sp_err err = { "" };
	struct sp_spool sp;
	struct sp_name name, mine;
	struct sp_ended ended;
	enum sp_state at;
	int status, cut, tries;

	join(&sp, "a", manners[_i % 4]);
	for (cut = 0; cut < 12; cut++) {
		name = memspool_order(&sp);
		ck_assert_int_eq(
		    sp_claim(&sp, &name, &mine, &job, NULL), SP_OK);
		sp_buf_reset(&text);
		outcome(&mine, &text);
		ended = (struct sp_ended){ .name = mine,
			.text = text.data,
			.len = text.len,
			.good = true,
			.status = SP_RETRY };
		memfs_cut(server, cut, _i >= 4);
		for (tries = 0; ended.status == SP_RETRY && tries < 9;
		     tries++) {
			sp_err_clear(&err);
			sp_commit(&sp, &ended, 1, &err);
			memfs_mend(server);
		}
		ck_assert_msg(ended.status == SP_OK, "cut %d: %d %s", cut,
		    ended.status, err.text);
		ck_assert_int_eq(
		    sp_find_status(&sp, &name.id, &status, NULL), SP_OK);
		ck_assert_int_eq(
		    sp_find(&sp, &name.id, &at, &mine, NULL), SP_OK);
		ck_assert_int_eq(at, SP_DONE);
	}
	/* Nothing provisional is left, and nothing is there twice. */
	ck_assert_int_eq(
	    sp_list(sp.dir[SP_DIR_OUTCOMES], true, &left, NULL), SP_OK);
	ck_assert_uint_eq(left.n, 12);
	/* No outcome was taken for a second one. */
	ck_assert_int_eq(
	    sp_list(sp.dir[SP_DIR_RUNS], true, &left, NULL), SP_OK);
	ck_assert_uint_eq(left.n, 0);
	sp_names_clear(&left);
	sp_buf_clear(&text);
	sp_buf_clear(&job);
	sp_spool_close(&sp);
}
END_TEST

/* A claim whose answer was lost is found to be ours, or nobody's. */
START_TEST(cut_claim)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_spool sp, other;
	struct sp_name name, mine, found;
	enum sp_status st;
	enum sp_state at;
	int cut;

	join(&sp, "a", manners[_i % 5]);
	join(&other, "b", 0);
	for (cut = 0; cut < 3; cut++) {
		name = memspool_order(&other);
		memfs_cut(server, cut, _i >= 5);
		st = sp_claim(&sp, &name, &mine, &job, NULL);
		memfs_mend(server);
		if (cut > 0) { /* it changes but one name */
			ck_assert_int_eq(st, SP_OK);
			continue;
		}
		ck_assert_int_eq(st, SP_RETRY);
		ck_assert_int_eq(
		    sp_find(&other, &name.id, &at, &found, NULL), SP_OK);
		if (manners[_i % 5] & MEMFS_BY_LINK && _i >= 5) {
			/* Half a rename: nobody starts it. */
			ck_assert_int_eq(
			    sp_claim(&other, &found, &mine, &job, NULL),
			    SP_BAD);
			continue;
		}
		ck_assert_int_eq(at, _i >= 5 ? SP_ASSIGNED : SP_NEW);
	}
	sp_buf_clear(&job);
	sp_spool_close(&sp);
	sp_spool_close(&other);
}
END_TEST

/* It happened and the answer was lost, but the link is up: no reason to ask
 * again. */
START_TEST(blip_claim)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_name name, mine;
	struct sp_spool sp;

	join(&sp, "a", manners[_i]);
	name = memspool_order(&sp);
	memfs_blip(server, 0, true);
	ck_assert_int_eq(sp_claim(&sp, &name, &mine, &job, NULL),
	    (manners[_i] & MEMFS_BY_LINK) != 0 ? SP_BAD : SP_OK);
	memfs_mend(server);
	sp_buf_clear(&job);
	sp_spool_close(&sp);
}
END_TEST

START_TEST(cut_submit)
{
	static const char text[] = "{\"scriptName\": \"a.py\"}";
	struct sp_submit s = {
		.text = text, .len = sizeof text - 1, .label = "a", .prio = -1
	};
	struct sp_names names = { 0 };
	struct sp_spool sp;
	enum sp_status st;
	int cut;

	join(&sp, "a", manners[_i % 4]);
	for (cut = 0; cut < 4; cut++) {
		memfs_cut(server, cut, _i >= 4);
		st = sp_submit(&sp, &s, 1, NULL);
		memfs_mend(server);
		ck_assert_int_eq(
		    sp_list(sp.dir[SP_DIR_NEW], true, &names, NULL), SP_OK);
		/* What was not accepted may be there; what was, is. */
		if (st == SP_OK)
			ck_assert_uint_ge(names.n, 1);
		else
			ck_assert_int_eq(st, SP_RETRY);
		if (cut >= 3)
			ck_assert_int_eq(st, SP_OK);
	}
	sp_names_clear(&names);
	sp_spool_close(&sp);
}
END_TEST

/* ---- the dead ---- */

/* Where a rename is no single step nobody is revoked; by the next keeper who
 * has one, he is. */
START_TEST(reap)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_spool dead, by_link, real;
	struct sp_keep *a, *b;
	struct sp_name name, mine;
	enum sp_state at = SP_ASSIGNED;
	int64_t until;
	int i;

	join(&dead, "dead", 0);
	join(&by_link, "a", MEMFS_BY_LINK | MEMFS_NO_LINKS | MEMFS_SECONDS);
	join(&real, "b", MEMFS_NO_LINKS | MEMFS_SECONDS);
	by_link.policy.lease = real.policy.lease = 0.2;
	by_link.policy.beat = real.policy.beat = 0.05;
	real.policy.backoff = real.policy.backoff_max = 60;
	name = memspool_order(&dead);
	ck_assert_int_eq(sp_claim(&dead, &name, &mine, &job, NULL), SP_OK);
	ck_assert_int_eq(sp_keep_new(&by_link, false, &a, NULL), SP_OK);
	ck_assert_int_eq(sp_keep_new(&real, false, &b, NULL), SP_OK);
	for (i = 0; i < 200; i++) /* that takes a while, over there */
		ck_assert_int_eq(sp_fs_put(dead.root, "tmp/x", "x", 1, 0), 0);
	/* Until the second has revoked it, and the first has not. */
	for (until = sp_mono_ms() + 20000; at == SP_ASSIGNED;
	     (void)poll(NULL, 0, 10)) {
		(void)sp_keep_tick(a, SP_DIRTY_ALL, sp_mono_ms());
		ck_assert_int_eq(
		    sp_find(&dead, &name.id, &at, &mine, NULL), SP_OK);
		ck_assert_int_eq(at, SP_ASSIGNED);
		(void)sp_keep_tick(b, SP_DIRTY_ALL, sp_mono_ms());
		ck_assert_int_eq(
		    sp_find(&dead, &name.id, &at, &mine, NULL), SP_OK);
		ck_assert_int_lt(sp_mono_ms(), until);
	}
	ck_assert_int_eq(at, SP_WAITING);
	ck_assert_uint_eq(mine.attempt, 1);
	/* It waits there for its back-off, though no time says since when. */
	(void)sp_keep_tick(b, SP_DIRTY_ALL, sp_mono_ms());
	ck_assert_int_eq(sp_find(&dead, &name.id, &at, &mine, NULL), SP_OK);
	ck_assert_int_eq(at, SP_WAITING);
	sp_keep_free(a);
	sp_keep_free(b);
	sp_buf_clear(&job);
	sp_spool_close(&dead);
	sp_spool_close(&by_link);
	sp_spool_close(&real);
}
END_TEST

/* ---- races ---- */

#define ORDERS  200
#define WORKERS 6

struct racer {
	struct sp_spool sp;
	struct sp_name *orders;
	int won, odd;
	pthread_t thread;
};

static void *
race_run(void *arg)
{
	struct racer *r = arg;
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_name mine;
	int i;

	for (i = 0; i < ORDERS; i++)
		switch (sp_claim(&r->sp, &r->orders[i], &mine, &job, NULL)) {
		case SP_OK:
			r->won++;
			break;
		case SP_LOST:
			break;
		default:
			r->odd++;
		}
	sp_buf_clear(&job);
	return NULL;
}

START_TEST(race)
{
	struct racer r[WORKERS];
	struct sp_name orders[ORDERS];
	int i, won = 0, odd = 0;

	join(&r[0].sp, "w0", 0);
	for (i = 0; i < ORDERS; i++)
		orders[i] = memspool_order(&r[0].sp);
	for (i = 0; i < WORKERS; i++) {
		if (i > 0)
			join(&r[i].sp, "w", manners[i % 5]);
		r[i].orders = orders;
		r[i].won = r[i].odd = 0;
	}
	for (i = 0; i < WORKERS; i++)
		ck_assert_int_eq(
		    pthread_create(&r[i].thread, NULL, race_run, &r[i]), 0);
	for (i = 0; i < WORKERS; i++) {
		(void)pthread_join(r[i].thread, NULL);
		won += r[i].won;
		odd += r[i].odd;
		sp_spool_close(&r[i].sp);
	}
	ck_assert_int_eq(odd, 0);
	ck_assert_int_eq(won, ORDERS);
}
END_TEST

Suite *
fs_suite(void)
{
	Suite *suite = suite_create("fs");
	TCase *protocol = tcase_create("protocol");

	tcase_add_checked_fixture(protocol, make, unmake);
	tcase_add_loop_test(protocol, whole_way, 0, (int)COUNT(manners));
	tcase_add_loop_test(protocol, cut_commit, 0, 8);
	tcase_add_loop_test(protocol, cut_claim, 0, 10);
	tcase_add_loop_test(protocol, blip_claim, 0, (int)COUNT(manners));
	tcase_add_loop_test(protocol, cut_submit, 0, 8);
	tcase_add_test(protocol, reap);
	tcase_add_test(protocol, race);
	suite_add_tcase(suite, protocol);
	return suite;
}
