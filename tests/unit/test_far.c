/*
 * test_far.c - the transport over a spool in memory, counted in round trips:
 * what a job costs over there, and that an idle worker asks next to nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libspool/find.h"
#include "libspool/fs.h"
#include "libspool/outcome.h"
#include "libspool/ready.h"
#include "libspool/row.h"
#include "libspool/submit.h"
#include "tests/unit/memfs.h"
#include "tests/unit/memspool.h"
#include "tests/unit/suites.h"
#include "transport/dir.h"

#define SFTP (MEMFS_SECONDS | MEMFS_NO_LINKS | MEMFS_NO_REPLACE)

static struct memfs *server;
static struct sp_spool boss; /* who has the spool */
static struct tr *tr;
static unsigned before;

static void
make(void)
{
	struct sp_err err = { "" };

	server = memspool_new();
	ck_assert_int_eq(sp_spool_open_at(memfs_client(server, 0), "mem",
			     "boss", &boss, &err),
	    SP_OK);
	ck_assert_int_eq(
	    dir_open_at(memfs_client(server, SFTP), "mem:", "w", &tr, &err),
	    SP_OK);
}

static void
unmake(void)
{
	dir_ops.close(tr);
	sp_spool_close(&boss);
	memfs_free(server);
}

/* ---- what a step costs ---- */

static void
count(void)
{
	before = memfs_trips(server);
}

#define COSTS(n)                                                               \
	do {                                                                   \
		ck_assert_int_le(memfs_trips(server) - before, n);             \
		count();                                                       \
	} while (0)

/* HACKING.md has them as a table. */
START_TEST(trips)
{
	static const char text[] = "{\"scriptName\": \"a.py\"}";
	struct sp_submit many[3];
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX),
		      out = SP_BUF_INIT(SP_OUTCOME_MAX);
	struct sp_name name = memspool_order(&boss),
		       second = memspool_order(&boss), mine;
	struct sp_names a = { 0 }, b = { 0 }, c = { 0 };
	struct sp_beat beat = { 0 };
	struct sp_ended ended[2];
	struct tr_wishes wishes;
	size_t i;
	int turn;

	for (i = 0; i < COUNT(many); i++)
		many[i] = (struct sp_submit){
			.text = text, .len = sizeof text - 1, .prio = -1
		};
	count();
	ck_assert_int_eq(sp_submit(&dir_of(tr)->spool, many, 3, NULL), SP_OK);
	COSTS(4);
	ck_assert_int_eq(dir_ops.list(tr, &a, NULL), SP_OK);
	ck_assert_uint_eq(a.n, 5);
	count();
	ck_assert_int_eq(dir_ops.read(tr, &name, &job, NULL), SP_OK);
	COSTS(3);
	ck_assert_int_eq(dir_ops.claim(tr, &name, &mine, &job, NULL), SP_OK);
	COSTS(2);
	ck_assert_str_eq(job.data, text);
	ended[0].name = mine;
	/* One that was not read before. */
	ck_assert_int_eq(dir_ops.claim(tr, &second, &mine, &job, NULL), SP_OK);
	COSTS(3);
	ck_assert_str_eq(job.data, text);
	ended[1].name = mine;
	ck_assert_int_eq(dir_ops.pins(tr, &mine.id, &job, NULL), SP_GONE);
	COSTS(2);
	(void)snprintf(beat.worker, sizeof beat.worker, "w");
	ck_assert_int_eq(dir_ops.beat(tr, &beat, NULL), SP_OK);
	COSTS(3);
	ck_assert_int_eq(dir_ops.held(tr, &a, &b, &c, NULL), SP_OK);
	ck_assert_uint_eq(a.n, 2);
	COSTS(3);
	ck_assert_int_eq(dir_ops.wishes(tr, &wishes, NULL), SP_OK);
	COSTS(3);
	ck_assert_int_eq(
	    dir_ops.append(tr, &ended[0].name, TR_LOG, 0, "one\n", 4, NULL),
	    SP_OK);
	count(); /* from here on there is the day */
	ck_assert_int_eq(
	    dir_ops.append(tr, &mine, TR_LOG, 0, "one\n", 4, NULL), SP_OK);
	COSTS(2);
	ck_assert_int_eq(
	    dir_ops.append(tr, &mine, TR_LOG, 4, "two\n", 4, NULL), SP_OK);
	COSTS(3);
	for (turn = 0; turn < 2; turn++) {
		sp_buf_reset(&out);
		ck_assert_int_eq(
		    sp_outcome_end(&ended[turn].name, "host", 1, 200, "", &out),
		    SP_OK);
		ended[turn].text = strdup(sp_buf_text(&out));
		ended[turn].len = out.len;
		ended[turn].good = true;
	}
	count();
	/* The first of its day makes the directory. */
	dir_ops.commit(tr, ended, 1, NULL);
	ck_assert_int_eq(ended[0].status, SP_OK);
	count();
	dir_ops.commit(tr, ended + 1, 1, NULL);
	ck_assert_int_eq(ended[1].status, SP_OK);
	COSTS(7);
	for (turn = 0; turn < 2; turn++) {
		int status;

		ck_assert_int_eq(
		    sp_find_status(&boss, &ended[turn].name.id, &status, NULL),
		    SP_OK);
		free((void *)(uintptr_t)ended[turn].text);
	}
	sp_names_clear(&a);
	sp_names_clear(&b);
	sp_names_clear(&c);
	sp_buf_clear(&job);
	sp_buf_clear(&out);
}
END_TEST

/* ---- several at once ---- */

#define SOME 4

static void
claiming_init(struct sp_claiming all[SOME])
{
	size_t i;

	for (i = 0; i < SOME; i++) {
		(void)memset(&all[i], 0, sizeof all[i]);
		all[i].order = memspool_order(&boss);
		sp_buf_init(&all[i].text, SP_JOB_MAX);
	}
}

static void
claiming_clear(struct sp_claiming all[SOME])
{
	size_t i;

	for (i = 0; i < SOME; i++)
		sp_buf_clear(&all[i].text);
}

static bool
ours_is(const struct sp_name *order)
{
	struct sp_name now;
	enum sp_state at;

	ck_assert_int_eq(sp_find(&boss, &order->id, &at, &now, NULL), SP_OK);
	return at == SP_ASSIGNED && strcmp(now.worker, dir_ops.worker(tr)) == 0;
}

/* They cost what one costs, read before or not; each is won or lost alone. */
START_TEST(claims)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_claiming all[SOME];
	struct sp_names names = { 0 };
	struct sp_name first;
	size_t i;

	claiming_init(all);
	ck_assert_int_eq(dir_ops.list(tr, &names, NULL), SP_OK);
	for (i = 0; i < SOME; i++)
		ck_assert_int_eq(
		    sp_name_parse(sp_names_at(&names, i), &all[i].order),
		    SP_OK);
	/* The second brings one more, the third is there. */
	ck_assert_int_eq(dir_ops.read(tr, &all[0].order, &job, NULL), SP_OK);
	ck_assert_int_eq(dir_ops.read(tr, &all[1].order, &job, NULL), SP_OK);
	count();
	ck_assert_int_eq(dir_ops.read(tr, &all[2].order, &job, NULL), SP_OK);
	ck_assert_str_eq(job.data, "{\"scriptName\": \"a.py\"}");
	COSTS(0);
	ck_assert_int_eq(
	    sp_claim(&boss, &all[1].order, &first, &job, NULL), SP_OK);
	count();
	dir_ops.claims(tr, all, SOME, NULL);
	COSTS(3);
	for (i = 0; i < SOME; i++) {
		ck_assert_int_eq(all[i].status, i == 1 ? SP_LOST : SP_OK);
		ck_assert(ours_is(&all[i].order) == (i != 1));
		if (i != 1)
			ck_assert_str_eq(
			    all[i].text.data, "{\"scriptName\": \"a.py\"}");
	}
	claiming_clear(all);
	sp_names_clear(&names);
	sp_buf_clear(&job);
}
END_TEST

/* The answer to the _i-th rename is lost, whether it was done or not; the link
 * stays down, or only that answer is missing. */
START_TEST(claims_cut)
{
	bool happens = _i % 2 == 0, blip = _i % 4 < 2;
	struct sp_claiming all[SOME];
	int i, at = _i / 4;

	claiming_init(all);
	if (blip)
		memfs_blip(server, at, happens);
	else
		memfs_cut(server, at, happens);
	dir_ops.claims(tr, all, SOME, NULL);
	memfs_mend(server);
	for (i = 0; i < SOME; i++) {
		if (all[i].status == SP_OK)
			ck_assert(ours_is(&all[i].order));
		else if (all[i].status == SP_LOST)
			ck_assert(!ours_is(&all[i].order));
		else
			ck_assert_int_eq(all[i].status, SP_RETRY);
		/* What lies under our own name decides, not the answer. */
		if (blip && (i != at || happens))
			ck_assert_int_eq(all[i].status, SP_OK);
		else
			ck_assert_int_eq(all[i].status, SP_RETRY);
	}
	dir_ops.claims(tr, all, SOME, NULL);
	for (i = 0; i < SOME; i++) {
		ck_assert_int_eq(all[i].status, SP_OK);
		ck_assert(ours_is(&all[i].order));
	}
	claiming_clear(all);
}
END_TEST

/* Rows by the dozen cost what one costs; one that has gone elsewhere, or is not
 * as it should be, spoils no other. */
START_TEST(rows)
{
	struct sp_row_some all[12];
	struct sp_row one;
	size_t i;

	for (i = 0; i < COUNT(all); i++) {
		all[i].row.name = memspool_order(&boss);
		all[i].row.state = SP_NEW;
		all[i].read = false;
	}
	all[3].row.state = SP_WAITING; /* it is not there */
	count();
	sp_row_read_some(&dir_of(tr)->spool, all, COUNT(all));
	COSTS(3);
	for (i = 0; i < COUNT(all); i++) {
		ck_assert(all[i].read == (i != 3));
		if (i == 3)
			continue;
		ck_assert_int_eq(sp_row_read_bare(&boss, SP_NEW,
				     &all[i].row.name, &one, NULL),
		    SP_OK);
		ck_assert_mem_eq(&one, &all[i].row, sizeof one);
		ck_assert_str_eq(one.script, "a.py");
	}
}
END_TEST

/* A log that somebody has cut has no hole where the rest goes on. */
START_TEST(cut_log)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX), log = SP_BUF_INIT(100);
	char day[SP_DAY_LEN + 1], path[256];
	struct sp_name name = memspool_order(&boss), mine;
	struct stat st;

	ck_assert_int_eq(dir_ops.claim(tr, &name, &mine, &job, NULL), SP_OK);
	ck_assert_int_eq(
	    dir_ops.append(tr, &mine, TR_LOG, 0, "one\ntwo\n", 8, NULL), SP_OK);
	sp_id_day(&mine.id, day);
	(void)snprintf(path, sizeof path, "%s/%s/t1a0@%s.log", day,
	    mine.id.text, mine.worker);
	ck_assert_int_eq(
	    sp_fs_put(boss.dir[SP_DIR_RUNS], path, "one\n", 4, 0), 0);
	ck_assert_int_eq(
	    dir_ops.append(tr, &mine, TR_LOG, 8, "three\n", 6, NULL), SP_OK);
	ck_assert_int_eq(
	    sp_fs_get(boss.dir[SP_DIR_RUNS], path, 64, &log, &st), 0);
	ck_assert_str_eq(log.data, "one\nthree\n");
	ck_assert_int_eq(st.st_size, 10);
	/* Asked again, for the answer was lost. */
	ck_assert_int_eq(
	    dir_ops.append(tr, &mine, TR_LOG, 4, "three\n", 6, NULL), SP_OK);
	ck_assert_int_eq(
	    dir_ops.append(tr, &mine, TR_LOG, 0, "one\n", 4, NULL), SP_OK);
	ck_assert_int_eq(
	    sp_fs_get(boss.dir[SP_DIR_RUNS], path, 64, &log, &st), 0);
	ck_assert_str_eq(log.data, "one\nthree\n");
	sp_buf_clear(&log);
	sp_buf_clear(&job);
}
END_TEST

/* ---- the head of the queue ---- */

static void
publish(size_t n, const struct sp_name *const *names)
{
	struct sp_buf text = SP_BUF_INIT(1 << 20);
	char file[SP_NAME_MAX];
	size_t i;

	for (i = 0; i < n; i++) {
		sp_name_print(names[i % 2], file);
		sp_buf_printf(&text, "{\"name\":\"%s\",\"gpus\":0}\n", file);
	}
	ck_assert_int_eq(sp_fs_put(boss.dir[SP_DIR_INDEX], "ready.jsonl",
			     sp_buf_text(&text), text.len, 0),
	    0);
	sp_buf_clear(&text);
}

static size_t
listed(void)
{
	struct sp_names names = { 0 };
	size_t n;

	count();
	ck_assert_int_eq(dir_ops.list(tr, &names, NULL), SP_OK);
	n = names.n;
	sp_names_clear(&names);
	return n;
}

START_TEST(head)
{
	struct sp_name name = memspool_order(&boss),
		       other = memspool_order(&boss), mine;
	const struct sp_name *const names[] = { &name, &other };
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX);
	struct dir *d = dir_of(tr);

	/* Nobody's, as far as we know: list. */
	publish(1, names);
	ck_assert_uint_eq(listed(), 2);
	ck_assert_uint_eq(listed(), 2);
	/* It moves, so somebody keeps it: look, and read it. */
	publish(1, names);
	ck_assert_uint_eq(listed(), 1);
	COSTS(4);
	ck_assert_uint_eq(listed(), 1);
	COSTS(1);
	/* And nobody else need keep the house. */
	ck_assert_int_ge(dir_ops.keep(tr, true, sp_mono_ms()), 1000);
	COSTS(0);
	/* What is gone is not named again. */
	ck_assert_int_eq(dir_ops.claim(tr, &name, &mine, &job, NULL), SP_OK);
	ck_assert_uint_eq(listed(), 0);
	COSTS(1);
	publish(2, names);
	ck_assert_uint_eq(listed(), 2);
	/* More than it shows: a look behind it, but not each time. */
	d->ready.hint.full_at = 0;
	publish(SP_READY_HEAD, names);
	ck_assert_uint_eq(listed(), SP_READY_HEAD);
	ck_assert_uint_eq(listed(), 1);
	ck_assert_uint_eq(listed(), SP_READY_HEAD);
	COSTS(1);
	/* Longer than spoold's is not spoold's; nor is half of one, or what is
	 * no name. */
	publish(SP_READY_HEAD + 1, names);
	ck_assert_uint_eq(listed(), 1);
	(void)sp_fs_put(
	    boss.dir[SP_DIR_INDEX], "ready.jsonl", "{\"name\":", 8, 0);
	ck_assert_uint_eq(listed(), 1);
	(void)sp_fs_put(boss.dir[SP_DIR_INDEX], "ready.jsonl",
	    "{\"name\":\"../x\"}\n", 16, 0);
	ck_assert_uint_eq(listed(), 1);
	/* It stands still for three beats: list. */
	publish(2, names);
	ck_assert_uint_eq(listed(), 2);
	d->ready.hint.changed -= (int64_t)(boss.policy.beat * 3000);
	ck_assert_uint_eq(listed(), 1);
	/* It goes. */
	publish(2, names);
	ck_assert_uint_eq(listed(), 2);
	ck_assert_int_eq(
	    sp_fs_unlink(boss.dir[SP_DIR_INDEX], "ready.jsonl"), 0);
	ck_assert_uint_eq(listed(), 1);
	sp_buf_clear(&job);
}
END_TEST

/* ---- what jobs are made of ---- */

/* Nothing but size and second is known of a file there: two of a kind are two
 * all the same, and one that is written to is another. */
START_TEST(versions)
{
	int scripts = boss.dir[SP_DIR_SCRIPTS];
	struct tr_version a, b, again;

	ck_assert_int_eq(sp_fs_put(scripts, "a.py", "one", 3, 0), 0);
	ck_assert_int_eq(
	    sp_fs_link(scripts, "a.py", boss.dir[SP_DIR_DATA], "a.py"), 0);
	ck_assert_int_eq(sp_fs_link(scripts, "a.py", scripts, "b.py"), 0);
	ck_assert_int_eq(
	    dir_ops.look_at(tr, SP_DIR_SCRIPTS, "a.py", &a, NULL), SP_OK);
	ck_assert_int_eq(
	    dir_ops.look_at(tr, SP_DIR_SCRIPTS, "a.py", &again, NULL), SP_OK);
	ck_assert_str_eq(a.text, again.text);
	ck_assert_int_eq(
	    dir_ops.look_at(tr, SP_DIR_SCRIPTS, "b.py", &b, NULL), SP_OK);
	ck_assert_str_ne(a.text, b.text);
	ck_assert_int_eq(
	    dir_ops.look_at(tr, SP_DIR_DATA, "a.py", &b, NULL), SP_OK);
	ck_assert_str_ne(a.text, b.text);
	ck_assert_int_eq(sp_fs_put(scripts, "a.py", "two", 3, 0), 0);
	ck_assert_int_eq(
	    dir_ops.look_at(tr, SP_DIR_SCRIPTS, "a.py", &again, NULL), SP_OK);
	ck_assert_str_ne(a.text, again.text);
	ck_assert_int_eq(
	    dir_ops.look_at(tr, SP_DIR_SCRIPTS, "none", &b, NULL), SP_GONE);
	ck_assert_int_eq(
	    dir_ops.look_at(tr, SP_DIR_SCRIPTS, ".", &b, NULL), SP_OK);
	ck_assert(b.directory);
}
END_TEST

/* ---- out/ ---- */

START_TEST(out)
{
	struct sp_buf job = SP_BUF_INIT(SP_JOB_MAX);
	struct sp_name name = memspool_order(&boss), mine;
	struct sp_names paths = { 0 };
	char path[64] = "/tmp/spool-unit.XXXXXX", text[8] = "";
	bool old;
	int fd = mkstemp(path);

	ck_assert_int_eq(dir_ops.claim(tr, &name, &mine, &job, NULL), SP_OK);
	ck_assert_int_eq(
	    dir_ops.out_dir(tr, &name.id, path, sizeof path, &old, NULL),
	    SP_GONE);
	ck_assert_int_eq(dir_ops.out_list(tr, &name.id, &paths, NULL), SP_GONE);
	ck_assert_int_eq(write(fd, "12345", 5), 5);
	ck_assert_int_eq(
	    dir_ops.out_put(tr, &mine, "a/b/c", fd, NULL, NULL), SP_OK);
	ck_assert_int_eq(
	    dir_ops.out_put(tr, &mine, "z", fd, NULL, NULL), SP_OK);
	ck_assert_int_eq(ftruncate(fd, 2), 0);
	ck_assert_int_eq(
	    dir_ops.out_put(tr, &mine, "z", fd, NULL, NULL), SP_OK);
	ck_assert_int_eq(dir_ops.out_list(tr, &name.id, &paths, NULL), SP_OK);
	ck_assert_uint_eq(paths.n, 2);
	ck_assert_str_eq(sp_names_at(&paths, 0), "a/b/c");
	ck_assert_str_eq(sp_names_at(&paths, 1), "z");
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(sp_fs_seek(fd, 0), 0);
	ck_assert_int_eq(
	    dir_ops.out_get(tr, &name.id, "a/b/c", fd, NULL, NULL), SP_OK);
	ck_assert_int_eq(pread(fd, text, 8, 0), 5);
	ck_assert_str_eq(text, "12345");
	ck_assert_int_eq(
	    dir_ops.out_get(tr, &name.id, "a/b", fd, NULL, NULL), SP_BAD);
	ck_assert_int_eq(
	    dir_ops.out_put(tr, &mine, "z", -1, NULL, NULL), SP_OK);
	ck_assert_int_eq(
	    dir_ops.out_get(tr, &name.id, "z", fd, NULL, NULL), SP_GONE);
	ck_assert_int_eq(dir_ops.out_list(tr, &name.id, &paths, NULL), SP_OK);
	ck_assert_uint_eq(paths.n, 1);
	sp_names_clear(&paths);
	sp_buf_clear(&job);
	(void)close(fd);
	(void)unlink(path);
}
END_TEST

Suite *
far_suite(void)
{
	Suite *suite = suite_create("far");
	TCase *tcase = tcase_create("far");

	tcase_add_checked_fixture(tcase, make, unmake);
	tcase_add_test(tcase, trips);
	tcase_add_test(tcase, claims);
	tcase_add_loop_test(tcase, claims_cut, 0, 4 * SOME);
	tcase_add_test(tcase, rows);
	tcase_add_test(tcase, cut_log);
	tcase_add_test(tcase, head);
	tcase_add_test(tcase, versions);
	tcase_add_test(tcase, out);
	suite_add_tcase(suite, tcase);
	return suite;
}
