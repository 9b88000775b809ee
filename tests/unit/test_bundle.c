/*
 * test_bundle.c - files of many jobs: what their texts say; and that each line
 * becomes one order, whichever request is the last of one who opens them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/log.h"
#include "libspool/bundle.h"
#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/job.h"
#include "libspool/json.h"
#include "libspool/move.h"
#include "libspool/revoke.h"
#include "libspool/submit.h"
#include "tests/unit/memfs.h"
#include "tests/unit/suites.h"

/* ---- texts ---- */

#define JOB(more) "{\"scriptName\":\"a.py\"" more "}\n"
#define PRIO(n)   JOB(",\"order\":{\"priority\":" #n "}")

static const struct {
	const char *text;
	int prio;
	unsigned jobs;
} texts[] = {
	{ "", 50, 0 },
	{ "\n \t\r\n\n", 50, 0 },
	{ JOB(""), 50, 1 },
	{ JOB("") "\n" JOB("") " \n", 50, 2 },
	{ "{\"scriptName\":\"a.py\"}", 50, 1 }, /* no newline */
	{ PRIO(80), 80, 1 },
	{ PRIO(80) PRIO(20) PRIO(60), 20, 3 },
	{ PRIO(80) JOB(""), 50, 2 },
	{ PRIO(0) JOB("") "\n", 0, 2 },
	{ "no json\n" PRIO(70), 50, 2 },
	/* the user's own */
	{ JOB(",\"priority\":3"), 50, 1 },
	/* no valid job: it says nothing */
	{ PRIO(100) PRIO(99), 50, 2 },
	/* spelt in another way */
	{ JOB(",\"order\":{\"prior\\u0069ty\":7}"), 7, 1 },
	{ JOB(",\"order\": { \"priority\" : 7 }"), 7, 1 },
};

START_TEST(text)
{
	const char *t = texts[_i].text;

	ck_assert_int_eq(sp_bundle_prio(t, strlen(t)), texts[_i].prio);
	ck_assert_uint_eq(sp_bundle_jobs(t, strlen(t)), texts[_i].jobs);
}
END_TEST

/* ---- a spool ---- */

#define SLICE 2
#define JOBS  7 /* n from 1 on; line 3 is no job, line 5 is empty */

static struct memfs *server;

static void
join(struct sp_spool *sp, const char *base, unsigned manners)
{
	struct sp_err err = { "" };

	ck_assert_msg(sp_spool_open_at(memfs_client(server, manners), "mem",
			  base, sp, &err) == SP_OK,
	    "%s", err.text);
	sp->policy.slice = SLICE;
}

static void
make(void)
{
	server = memfs_new();
	ck_assert_int_eq(
	    sp_spool_make_at(memfs_client(server, 0), "mem", NULL), SP_OK);
}

static void
unmake(void)
{
	memfs_free(server);
}

/* As somebody dropped it and it was admitted. */
static struct sp_id
put_bundle(const struct sp_spool *sp)
{
	static const char lines[] = JOB(",\"n\":1")
	    JOB(",\"n\":2,\"order\":{\"priority\":7}") "nothing\n" JOB(
		",\"n\":3") "\n" JOB(",\"n\":4,\"order\":{\"after\":"
				     "\"20200101T000000000-00000000\"}")
		JOB(",\"n\":5") JOB(",\"n\":6,\"order\":{\"priority\":7}")
		    JOB(",\"n\":7");
	struct sp_submit s = { .text = lines,
		.len = sizeof lines - 1,
		.label = "many",
		.prio = 7,
		.bundle = true };

	ck_assert_int_eq(sp_submit(sp, &s, 1, NULL), SP_OK);
	return s.id;
}

struct bundles {
	struct {
		enum sp_state state;
		struct sp_name name;
	} one[16];
	size_t n;
};

static int
gather(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct bundles *b = arg;

	if (name->bundle) {
		ck_assert_uint_lt(b->n, COUNT(b->one));
		b->one[b->n].state = state;
		b->one[b->n++].name = *name;
	}
	return 0;
}

static void
walk(const struct sp_spool *sp, sp_walk_fn *fn, void *arg)
{
	static const enum sp_state all[] = { SP_NEW, SP_WAITING, SP_ASSIGNED };
	size_t i;

	for (i = 0; i < COUNT(all); i++)
		ck_assert_int_eq(
		    sp_walk(sp, all[i], fn, NULL, arg, NULL), SP_OK);
}

/* One round of one who opens all that he meets.  False: there is none left, or
 * it went wrong. */
static bool
open_round(const struct sp_spool *sp, enum sp_status *st)
{
	struct bundles b = { .n = 0 };
	size_t i;

	*st = sp_walk(sp, SP_NEW, gather, NULL, &b, NULL);
	for (i = 0; i < b.n && *st == SP_OK; i++)
		*st = sp_bundle_open(sp, &b.one[i].name, NULL, NULL);
	return *st == SP_OK && b.n > 0;
}

/* Whoever finds that the other is dead. */
static void
inherit(const struct sp_spool *sp, const struct sp_spool *dead)
{
	struct bundles b;
	enum sp_revoked how;
	enum sp_status st;
	struct sp_name to;
	size_t i, calm = 0;

	while (calm < 2) { /* what is recovered may be bundles again */
		b.n = 0;
		walk(sp, gather, &b);
		for (i = 0; i < b.n; i++) {
			const struct sp_name *name = &b.one[i].name;

			if (b.one[i].state == SP_NEW)
				st = sp_bundle_open(sp, name, NULL, NULL);
			else if (b.one[i].state == SP_WAITING)
				st = sp_move_step(sp, SP_STEP_PROMOTE,
				    SP_WAITING, SP_NEW, name, &to, NULL);
			else {
				ck_assert_str_eq(name->worker, dead->actor);
				st = sp_revoke(
				    sp, name, false, "dead", &how, NULL);
			}
			ck_assert_int_eq(st, SP_OK);
		}
		ck_assert_int_eq(sp_bundle_recover(sp, NULL), SP_OK);
		calm = b.n == 0 ? calm + 1 : 0;
	}
}

struct seen {
	const struct sp_spool *sp;
	int n[JOBS + 1];
};

static int
see(void *arg, enum sp_state state, const struct sp_name *name)
{
	struct seen *seen = arg;
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX);
	struct json_t *json = NULL;
	int n;

	ck_assert(!name->bundle);
	ck_assert_int_eq(
	    sp_order_read(seen->sp, state, name, &job, NULL), SP_OK);
	ck_assert_int_eq(sp_json_parse(job.data, job.len, &json, NULL), SP_OK);
	n = (int)sp_json_int(sp_json_get(json, "n"), 0);
	ck_assert_int_ge(n, 1);
	ck_assert_int_le(n, JOBS);
	ck_assert_msg(seen->n[n]++ == 0, "line %d twice", n);
	ck_assert_int_eq(name->prio, n == 2 || n == 6 ? 7 : 50);
	ck_assert_int_eq(state, n == 4 ? SP_WAITING : SP_NEW);
	ck_assert_str_eq(name->label, "many");
	sp_json_free(json);
	sp_buf_clear(&job);
	return 0;
}

/* Each line once, the one that is no job in bad/, nothing on its way. */
static void
all_there(const struct sp_spool *sp)
{
	struct seen seen = { .sp = sp };
	struct sp_names names = { 0 };
	size_t i, bad = 0, stages = 0;
	int n;

	walk(sp, see, &seen);
	for (n = 1; n <= JOBS; n++)
		ck_assert_msg(seen.n[n] == 1, "line %d is lost", n);
	ck_assert_int_eq(
	    sp_list(sp->dir[SP_DIR_BAD], false, &names, NULL), SP_OK);
	for (i = 0; i < names.n; i++)
		bad += strncmp(sp_names_at(&names, i), "many.line3.json", 15) ==
			0 &&
		    strstr(sp_names_at(&names, i), ".why") == NULL;
	ck_assert_uint_eq(bad, 1);
	ck_assert_int_eq(
	    sp_list(sp->dir[SP_DIR_TMP], false, &names, NULL), SP_OK);
	for (i = 0; i < names.n; i++) {
		const char *file = sp_names_at(&names, i);

		stages += strcmp(file + strlen(file) - 2, ".d") == 0;
	}
	ck_assert_uint_eq(stages, 0);
	sp_names_clear(&names);
}

static const unsigned manners[] = { 0, MEMFS_SECONDS | MEMFS_NO_LINKS,
	MEMFS_NO_REPLACE | MEMFS_NO_MANY };

/* All that one does for a long bundle, cut off after each of its requests; the
 * last of them happened, or did not.  Then others go on. */
START_TEST(cut_anywhere)
{
	unsigned how = manners[(size_t)_i % COUNT(manners)];
	bool happens = (size_t)_i >= COUNT(manners), whole = false;
	struct sp_spool dead, heir;
	enum sp_status st;
	int cut;

	for (cut = 0; !whole; cut++) {
		ck_assert_int_lt(cut, 1000);
		make();
		join(&dead, "dead", how);
		join(&heir, "heir", how);
		(void)put_bundle(&heir);
		memfs_cut(server, cut, happens);
		while (open_round(&dead, &st))
			;
		whole = st == SP_OK;
		memfs_mend(server);
		inherit(&heir, &dead);
		all_there(&heir);
		sp_spool_close(&dead);
		sp_spool_close(&heir);
		unmake();
	}
	ck_assert_int_gt(cut, 30);
}
END_TEST

/* The same while somebody else opens them, too, between any two requests that
 * are lost: of those who race for a bundle one wins. */
START_TEST(blip_anywhere)
{
	struct sp_spool a, b;
	enum sp_status st;
	int cut;

	for (cut = 0; cut < 60; cut++) {
		make();
		join(&a, "a", 0);
		join(&b, "b", 0);
		(void)put_bundle(&b);
		memfs_blip(server, cut, _i != 0);
		(void)open_round(&a, &st);
		(void)open_round(&b, &st);
		memfs_mend(server);
		(void)open_round(&a, &st);
		inherit(&b, &a);
		all_there(&b);
		sp_spool_close(&a);
		sp_spool_close(&b);
		unmake();
	}
}
END_TEST

/* However many die at it: what lies in it was accepted. */
START_TEST(never_spent)
{
	struct sp_buf jobs = SP_BUF_INIT(SP_BUNDLE_MAX);
	struct bundles b = { .n = 0 };
	struct sp_name claimed, name;
	struct sp_spool dead, heir;
	enum sp_revoked how;
	int i;

	make();
	join(&dead, "dead", 0);
	join(&heir, "heir", 0);
	(void)put_bundle(&heir);
	walk(&heir, gather, &b);
	name = b.one[0].name;
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(
		    sp_claim(&dead, &name, &claimed, &jobs, NULL), SP_OK);
		ck_assert_int_eq(
		    sp_revoke(&heir, &claimed, false, "dead", &how, NULL),
		    SP_OK);
		ck_assert_int_eq(how, SP_REVOKED_QUEUED);
		b.n = 0;
		walk(&heir, gather, &b);
		ck_assert_int_eq(
		    sp_move_step(&heir, SP_STEP_PROMOTE, SP_WAITING, SP_NEW,
			&b.one[0].name, &name, NULL),
		    SP_OK);
	}
	inherit(&heir, &dead);
	all_there(&heir);
	sp_buf_clear(&jobs);
	sp_spool_close(&dead);
	sp_spool_close(&heir);
	unmake();
}
END_TEST

/* ---- submitted together ---- */

#define MANY 23

START_TEST(packed)
{
	static char job[MANY][128];
	struct sp_submit group[MANY] = { 0 };
	struct sp_names names = { 0 };
	struct sp_bundles bundles;
	struct sp_name name;
	struct sp_spool sp;
	enum sp_state at;
	struct sp_id odd;
	unsigned line;
	int i;

	make();
	join(&sp, "a", 0);
	sp.policy.slice = 5;
	for (i = 0; i < MANY; i++) {
		/* 13 usual ones, 4 of priority 9, 5 urgent, one that waits */
		(void)snprintf(job[i], sizeof job[i], "%s",
		    i < 13       ? JOB("")
			: i < 17 ? PRIO(9)
			: i < 22 ? PRIO(1)
				 : JOB(",\"order\":{\"notBefore\":"
				       "\"2999-01-01 00:00\"}"));
		job[i][strcspn(job[i], "\n")] = '\0';
		group[i].text = job[i];
		group[i].len = strlen(job[i]);
		group[i].prio = -1;
		(void)strcpy(group[i].label, "m");
	}
	group[3].text = "no job"; /* it does not keep the others */
	group[3].len = 6;
	ck_assert_int_eq(sp_submit_packed(&sp, group, MANY, NULL), SP_BAD);
	ck_assert_int_eq(
	    sp_list(sp.dir[SP_DIR_NEW], false, &names, NULL), SP_OK);
	/* 3 before the bad one are few; 9 behind it two bundles; 4 are few; 5
	 * one bundle. */
	ck_assert_uint_eq(names.n, 3 + 2 + 4 + 1);
	ck_assert_int_eq(sp_bundles_list(&sp, &bundles, NULL), SP_OK);
	ck_assert_uint_eq(bundles.n, 3);
	for (i = 0; i < MANY; i++) {
		bool alone = i < 3 || (i >= 13 && i < 17) || i == 22;

		if (i == 3) {
			ck_assert_int_eq(group[i].status, SP_BAD);
			continue;
		}
		ck_assert_int_eq(group[i].status, SP_OK);
		ck_assert_int_eq(sp_find(&sp, &group[i].id, &at, &name, NULL),
		    alone ? SP_OK : SP_GONE);
		ck_assert((sp_bundles_find(&sp, &bundles, &group[i].id,
			       &line) == NULL) == alone);
		if (!alone)
			ck_assert_int_eq(
			    (int)line, (i < 13 ? i - 4 : i - 17) % 5 + 1);
	}
	/* The bundle itself is no line of it, nor is what comes behind. */
	ck_assert_ptr_null(
	    sp_bundles_find(&sp, &bundles, &bundles.row[0].name.id, &line));
	sp_id_make(
	    sp_id_ms(&group[12].id), sp_id_bits(&group[12].id) + 1, &odd);
	ck_assert_ptr_null(sp_bundles_find(&sp, &bundles, &odd, &line));
	sp_bundles_clear(&bundles);
	/* What comes of it has the ids that were told. */
	for (i = 0; i < 3; i++) {
		enum sp_status st;

		(void)open_round(&sp, &st);
	}
	for (i = 0; i < MANY; i++)
		if (i != 3)
			ck_assert_int_eq(
			    sp_find(&sp, &group[i].id, &at, &name, NULL),
			    SP_OK);
	sp_names_clear(&names);
	sp_spool_close(&sp);
	unmake();
}
END_TEST

/* Thousands of bundles are opened, each with a bad line. */
static void
quiet(void)
{
	sp_log_level(-1);
}

static void
loud(void)
{
	sp_log_level(1);
}

Suite *
bundle_suite(void)
{
	Suite *suite = suite_create("bundle");
	TCase *texts_case = tcase_create("texts");
	TCase *spool = tcase_create("spool");

	ADD_TABLE(texts_case, text, texts);
	suite_add_tcase(suite, texts_case);
	tcase_add_checked_fixture(spool, quiet, loud);
	tcase_add_loop_test(spool, cut_anywhere, 0, 2 * (int)COUNT(manners));
	tcase_add_loop_test(spool, blip_anywhere, 0, 2);
	tcase_add_test(spool, never_spent);
	tcase_add_test(spool, packed);
	tcase_set_timeout(spool, 60);
	suite_add_tcase(suite, spool);
	return suite;
}
